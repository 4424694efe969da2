"""The hand-made network of Fig. 1 to 3: two convolutions of two channels, with and without pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn

RATE = 16_000
"""Of the sounds, in Hz."""
TAPS = 129
"""Samples of each filter: the text gives none."""

FIRST = ((0, 4000), (4000, 8000))
"""Pass bands of the first layer, in Hz, by output."""
SECOND = (((2000, 4000), (6000, 8000)), ((4000, 8000), (0, 4000)))
"""Of the second layer, by output and by input; those of the second output stop what reaches them."""


class HandMade(nn.Module):
    """Two convolutional layers of band filters, without activation, as in section 2.2.2.

    Parameters
    ----------
    pooling : bool
        Whether a max pooling by 2 follows each convolution, as in Fig. 3.

    Examples
    --------
    >>> HandMade(pooling=True)(torch.zeros(1, 1, 1600)).shape
    torch.Size([1, 2, 400])
    """

    sample_rate = RATE

    def __init__(self, pooling: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, 2, TAPS, padding="same", bias=False)
        self.pool1 = nn.MaxPool1d(2) if pooling else nn.Identity()
        self.conv2 = nn.Conv1d(2, 2, TAPS, padding="same", bias=False)
        self.pool2 = nn.MaxPool1d(2) if pooling else nn.Identity()
        with torch.no_grad():
            self.conv1.weight.copy_(torch.stack([band_filter(*band) for band in FIRST])[:, None])
            self.conv2.weight.copy_(torch.stack([torch.stack([band_filter(*band) for band in row]) for row in SECOND]))
        self.requires_grad_(False).eval()

    def forward(self, x: Tensor) -> Tensor:
        """The second pooling, of a wave (batch, 1, time)."""
        return self.pool2(self.conv2(self.pool1(self.conv1(x))))  # type: ignore[no-any-return]


def band_filter(low: float, high: float) -> Tensor:
    """A linear-phase filter of :data:`TAPS` samples that passes a band, by the window method, (tap,).

    Examples
    --------
    >>> round(float(band_filter(0, 4000).sum()), 3), abs(round(float(band_filter(4000, 8000).sum()), 3))
    (1.0, 0.0)
    """
    from scipy.signal import firwin

    if low == 0:
        kernel = firwin(TAPS, high, fs=RATE)
    elif high * 2 == RATE:
        kernel = firwin(TAPS, low, fs=RATE, pass_zero=False)
    else:
        kernel = firwin(TAPS, [low, high], fs=RATE, pass_zero=False)
    return torch.tensor(kernel, dtype=torch.float32)
