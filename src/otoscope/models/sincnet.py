"""SincNet: a first layer of band-pass filters with learnt cut-off frequencies (Ravanelli and Bengio 2018)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from otoscope.dsp.kernels import mel_bands
from otoscope.errors import InputError

_LOWEST = 30.0  # Hz


class SincConv1d(nn.Module):
    """Band-pass filters computed in every pass from their two cut-off frequencies.

    Parameters
    ----------
    filters, width : int
        Number of kernels, and their length in samples, which is odd, so that each kernel has a centre.
    sample_rate : int
        In Hz.

    Raises
    ------
    InputError
        If there is no filter or the width is even.

    Notes
    -----
    Ravanelli and Bengio 2018, *Speaker Recognition from Raw Waveform with SincNet*, section 2: ``2 f2 sinc(2 f2 n) -
    2 f1 sinc(2 f1 n)`` under a Hamming window, with edges ``|f1|`` and ``|f1| + |f2 - f1|`` in cycles per sample, so
    two parameters per filter. They are initialised with bands of equal width on the mel scale, from 30 Hz to half the
    sample rate.

    Examples
    --------
    >>> SincConv1d(filters=3).bands().detach().round(decimals=-1)
    tensor([[  30.,  970.],
            [ 970., 3110.],
            [3110., 8000.]])
    """

    window: torch.Tensor
    lags: torch.Tensor

    def __init__(self, filters: int = 80, width: int = 251, sample_rate: int = 16_000) -> None:
        super().__init__()
        if filters < 1 or width < 1 or width % 2 == 0:
            raise InputError(f"sincnet: filters must be at least 1 and width odd, not {filters} and {width}")
        self.sample_rate = sample_rate
        bands = (mel_bands(filters, sample_rate, _LOWEST) / sample_rate).float()
        self.low = nn.Parameter(bands[:, 0].clone())
        self.band = nn.Parameter(bands[:, 1] - bands[:, 0])
        self.register_buffer("window", torch.hamming_window(width, periodic=False), persistent=False)
        self.register_buffer("lags", torch.arange(width) - (width - 1) / 2, persistent=False)

    def bands(self) -> torch.Tensor:
        """Lower and upper edge of every filter in Hz, (filters, 2)."""
        low = self.low.abs()
        return torch.stack((low, low + self.band.abs()), dim=1) * self.sample_rate

    def kernels(self) -> torch.Tensor:
        """The kernels (filters, width), from the edges."""
        low, high = (2 * self.bands() / self.sample_rate).T[:, :, None]
        kernels: torch.Tensor = (high * torch.sinc(high * self.lags) - low * torch.sinc(low * self.lags)) * self.window
        return kernels

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Filtered clips (batch, filter, time) of (batch, 1, time)."""
        return nn.functional.conv1d(waveform, self.kernels()[:, None])


class SincNet(nn.Module):
    """Band-passes with learnt edges, two more convolutions, the mean over time, one linear layer.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 462 are the speakers of the training set of TIMIT.
    filters, width : int
        Number of band-pass filters, and their length in samples, odd.
    sample_rate : int
        In Hz.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    Ravanelli and Bengio 2018, section 3.2: 80 filters of 251 samples (see `SincConv1d`) and two times 60 filters of 5,
    each followed by max-pooling by 3, normalisation and a leaky ReLU (0.2). As in the authors' code, the absolute value
    of the band-passes is pooled. There, three dense layers of 2048 follow, on frames of 200 ms and with layer norm;
    here, batch norm and a mean over time, so that the network takes clips of any length and the front end, which is of
    interest, is followed by few layers.

    Examples
    --------
    >>> SincNet(n_classes=5).eval()(torch.zeros(2, 1, 3200)).shape
    torch.Size([2, 5])
    """

    input_length: int | None = None
    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str = "sincnet"

    def __init__(self, n_classes: int = 462, filters: int = 80, width: int = 251, sample_rate: int = 16_000) -> None:
        super().__init__()
        if n_classes < 1:
            raise InputError(f"sincnet: n_classes must be at least 1, not {n_classes}")
        self.sample_rate = sample_rate
        self.minimum_length = width - 1 + 3 * (4 + 3 * (4 + 3))
        self.sinc = SincConv1d(filters, width, sample_rate)
        self.block1 = _bent(filters)
        self.conv2 = nn.Conv1d(filters, 60, 5)
        self.block2 = _bent(60)
        self.conv3 = nn.Conv1d(60, 60, 5)
        self.block3 = _bent(60)
        self.classifier = nn.Linear(60, n_classes)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, time) from ``minimum_length`` on."""
        x = self.block1(self.sinc(waveform).abs())
        x = self.block3(self.conv3(self.block2(self.conv2(x))))
        logits: torch.Tensor = self.classifier(x.mean(dim=-1))
        return logits


def _bent(channels: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(pool=nn.MaxPool1d(3), bn=nn.BatchNorm1d(channels), relu=nn.LeakyReLU(0.2)))
