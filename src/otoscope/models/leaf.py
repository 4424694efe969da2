"""LEAF: learnt Gabor filters, low-pass pooling and compression (Zeghidour et al. 2021)."""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
from torch import nn

from otoscope.dsp.kernels import mel_bands
from otoscope.errors import InputError

_LOWEST, _HIGHEST = 60.0, 7800.0  # Hz
_HALF = math.sqrt(2 * math.log(2)) / math.pi  # deviation times full width at half maximum of a Gaussian's spectrum
_FLOOR = 1e-12


class GaborConv1d(nn.Module):
    """Squared modulus of Gabor filters computed in every pass from their centres and deviations.

    Parameters
    ----------
    filters, width : int
        Number of filters, and their length in samples, odd.
    sample_rate : int
        In Hz.

    Raises
    ------
    InputError
        If there is no filter or the width is even.

    Notes
    -----
    Zeghidour et al. 2021, *LEAF: A Learnable Frontend for Audio Classification*, section 3.1: ``exp(2 pi i c n)``
    under a Gaussian ``exp(-n^2 / (2 s^2)) / (sqrt(2 pi) s)``, with the squared modulus taken. The convolution has the
    real parts of all filters, then the imaginary ones. Centres are kept between 0 and the Nyquist frequency, and the
    full width at half maximum of each response between one cycle per kernel and a quarter of the sample rate. They are
    initialised with bands of equal width on the mel scale between 60 and 7800 Hz (or half the sample rate).

    Examples
    --------
    >>> GaborConv1d(filters=2, width=401)(torch.zeros(1, 1, 1000)).shape
    torch.Size([1, 2, 1000])
    """

    lags: torch.Tensor

    def __init__(self, filters: int = 40, width: int = 401, sample_rate: int = 16_000) -> None:
        super().__init__()
        if filters < 1 or width < 3 or width % 2 == 0:
            raise InputError(
                f"leaf: filters must be at least 1 and width odd and at least 3, not {filters} and {width}"
            )
        bands = mel_bands(filters, sample_rate, _LOWEST, min(_HIGHEST, sample_rate / 2)) / sample_rate
        self.width = width
        self.centre = nn.Parameter(bands.mean(1).float())
        self.deviation = nn.Parameter((_HALF / bands.diff(dim=1)[:, 0]).clamp(4 * _HALF, width * _HALF).float())
        self.register_buffer("lags", torch.arange(width) - (width - 1) / 2, persistent=False)

    def kernels(self) -> torch.Tensor:
        """Real parts, then imaginary parts (2 filters, width)."""
        centre = self.centre.clamp(0, 0.5)[:, None]
        deviation = self.deviation.clamp(4 * _HALF, self.width * _HALF)[:, None]
        envelope = torch.exp(-0.5 * (self.lags / deviation).square()) / (math.sqrt(2 * math.pi) * deviation)
        phase = 2 * math.pi * centre * self.lags
        return torch.cat((phase.cos() * envelope, phase.sin() * envelope))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Power (batch, filter, time) of clips (batch, 1, time)."""
        parts = nn.functional.conv1d(waveform, self.kernels()[:, None], padding=self.width // 2)
        real, imaginary = parts.chunk(2, dim=1)
        return real.square() + imaginary.square()


class GaussianPool1d(nn.Module):
    """A Gaussian low-pass for every channel, with a hop.

    Parameters
    ----------
    channels, width, hop : int
        Number of channels, length of the kernels in samples, odd, and hop in samples.

    Notes
    -----
    Zeghidour et al. 2021, section 3.2. Deviations are in units of half the kernel width and are initialised with 0.4,
    close to a Hann window.

    Examples
    --------
    >>> GaussianPool1d(2, width=401, hop=160)(torch.zeros(1, 2, 16_000)).shape
    torch.Size([1, 2, 100])
    """

    lags: torch.Tensor

    def __init__(self, channels: int, width: int, hop: int) -> None:
        super().__init__()
        self.width, self.hop = width, hop
        self.deviation = nn.Parameter(torch.full((channels,), 0.4))
        self.register_buffer("lags", torch.linspace(-1, 1, width), persistent=False)

    def kernels(self) -> torch.Tensor:
        """The kernels (channels, width)."""
        deviation = self.deviation.clamp(2 / self.width, 0.5)[:, None]
        scale = math.sqrt(2 * math.pi) * deviation * (self.width - 1) / 2
        return torch.exp(-0.5 * (self.lags / deviation).square()) / scale

    def forward(self, power: torch.Tensor) -> torch.Tensor:
        """Smoothed power (batch, channel, frame) of power (batch, channel, time)."""
        kernels = self.kernels()[:, None]
        return nn.functional.conv1d(power, kernels, stride=self.hop, padding=self.width // 2, groups=len(kernels))


class Compression(nn.Module):
    """Per-channel energy normalisation with learnt constants (sPCEN).

    Parameters
    ----------
    channels : int

    Notes
    -----
    Zeghidour et al. 2021, section 3.3: ``(E / (floor + M)^a + d)^(1/r) - d^(1/r)``, where M follows the energy E with
    ``M[t] = (1 - s) M[t - 1] + s E[t]``. Every channel has its own a, d, r and s, initialised with 0.96, 2, 2 and 0.04.

    Examples
    --------
    Steady levels far above the floor give nearly the same output.

    >>> Compression(1)(torch.tensor([[[1.0, 1.0]], [[0.01, 0.01]]]))[:, 0, 1].detach()
    tensor([0.3178, 0.2686])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.exponent = nn.Parameter(torch.full((channels,), 0.96))
        self.offset = nn.Parameter(torch.full((channels,), 2.0))
        self.root = nn.Parameter(torch.full((channels,), 2.0))
        self.smoothing = nn.Parameter(torch.full((channels,), 0.04))

    def forward(self, energy: torch.Tensor) -> torch.Tensor:
        """Compressed energy of energy (batch, channel, frame)."""
        exponent, offset = self.exponent.clamp(max=1)[:, None], self.offset[:, None]
        power = 1 / self.root.clamp(min=1)[:, None]
        level = _log_level(energy + _FLOOR, self.smoothing.clamp(0.001, 0.999))  # its floor is that of the mean
        return (energy * torch.exp(-exponent * level) + offset).pow(power) - offset.pow(power)


class LEAF(nn.Module):
    """The front end of LEAF, one convolution, the mean over time, one linear layer.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 35 are the words of Speech Commands v2.
    filters, width : int
        Number of Gabor filters, and length of filters and pooling kernels in samples, odd; 401 are 25 ms at 16 kHz.
    hop : int
        Samples between frames; 160 are 10 ms.
    sample_rate : int
        In Hz.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    Zeghidour et al. 2021, section 3: `GaborConv1d`, `GaussianPool1d`, `Compression`, all learnt. In the
    paper an EfficientNet follows; here it is 64 filters across 5 frames, ReLU and a mean over time, so that the front
    end, which is of interest, is followed by few layers.

    Examples
    --------
    >>> LEAF(n_classes=3).eval()(torch.zeros(2, 1, 4000)).shape
    torch.Size([2, 3])
    """

    input_length: int | None = None
    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str = "leaf"

    def __init__(
        self, n_classes: int = 35, filters: int = 40, width: int = 401, hop: int = 160, sample_rate: int = 16_000
    ) -> None:
        super().__init__()
        if min(n_classes, hop) < 1:
            raise InputError(f"leaf: n_classes and hop must be at least 1, not {n_classes} and {hop}")
        self.sample_rate = sample_rate
        self.minimum_length = 4 * hop + 1
        self.front = nn.Sequential(
            OrderedDict(
                gabor=GaborConv1d(filters, width, sample_rate),
                pool=GaussianPool1d(filters, width, hop),
                compression=Compression(filters),
            )
        )
        self.conv = nn.Conv1d(filters, 64, 5)
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(64, n_classes)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, time) from ``minimum_length`` on."""
        logits: torch.Tensor = self.classifier(self.relu(self.conv(self.front(waveform))).mean(dim=-1))
        return logits


def _log_level(energy: torch.Tensor, smoothing: torch.Tensor) -> torch.Tensor:
    """Logarithm of the running mean of every channel, which starts with its first frame.

    Computed for all frames at once, as a weighted sum of all earlier frames; in logarithms, because the weights decay
    exponentially and would underflow.
    """
    frames = torch.arange(energy.shape[-1], device=energy.device)
    decay = torch.log1p(-smoothing)[:, None] * frames
    share = smoothing.log()[:, None].where(frames > 0, 0.0)
    return torch.logcumsumexp(energy.log() + share - decay, dim=-1) + decay
