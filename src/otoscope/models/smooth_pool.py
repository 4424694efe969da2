"""Max-pooling along time that folds little: a low-pass filter between the maximum and the decimation."""

from __future__ import annotations

import torch
from torch import nn

from otoscope.errors import InputError

_REACH = 2  # poolings on either side of the middle of the filter


class SmoothPool(nn.Module):
    """Max-pooling whose maxima are filtered before all but every n-th are dropped.

    Parameters
    ----------
    size : int
        Values of which each maximum is taken, and the stride; at least 2.

    Raises
    ------
    InputError
        If the size is below 2.

    Notes
    -----
    The largest of each `size` neighbours, at every place; a windowed sinc of ``4 * size + 1`` taps whose pass band ends
    at half of the new rate; then every n-th value, as R. Zhang does with binomial filters ("Making Convolutional
    Networks Shift-Invariant Again", ICML 2019). Ends are continued by their own values. As many values are left as
    ``nn.MaxPool1d(size)`` leaves, and there are no weights.

    Examples
    --------
    >>> SmoothPool(8)(torch.ones(1, 3, 100)).shape
    torch.Size([1, 3, 12])
    """

    kernel: torch.Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        if size < 2:
            raise InputError(f"the size of a pooling must be at least 2, not {size}")
        self.size = size
        time = torch.arange(-_REACH * size, _REACH * size + 1, dtype=torch.double)
        kernel = torch.sinc(time / size) * torch.hann_window(len(time) + 2, periodic=False, dtype=torch.double)[1:-1]
        self.register_buffer("kernel", (kernel / kernel.sum()).float(), persistent=False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps (batch, channel, time) with one value in place of `size`."""
        highest = nn.functional.max_pool1d(maps, self.size, stride=1)
        reach = _REACH * self.size
        around = nn.functional.pad(highest, (reach, reach), mode="replicate")
        channels = maps.shape[1]
        return nn.functional.conv1d(around, self.kernel.expand(channels, 1, -1), stride=self.size, groups=channels)
