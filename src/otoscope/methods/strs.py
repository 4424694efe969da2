"""Response spectra of the first layer: what its kernels say together about each moment of a sound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp import response
from otoscope.errors import InputError
from otoscope.probe.select import first_kernels
from otoscope.results import axis, sign

_SOURCE = "Gupta and Abrol, time-frequency and geometric analysis of raw-waveform models, eq. {}"
Alignment = Literal["centre", "start"]
Scale = Literal["linear", "log"]
_MOST_VALUES = 2**29
_BLOCK = 2**17  # samples taken at a time where only the mean is wanted


def strs(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    layer: str | None = None,
    n_fft: int = 1024,
    hop: int | None = None,
    alignment: Alignment = "centre",
    scale: Scale = "linear",
    bins_per_octave: int = 36,
    minimum_frequency: float = 32.7,
) -> xr.DataArray:
    r"""Short-time response spectra (STRS) of a layer that reads the waveform.

    Parameters
    ----------
    model : nn.Module
        Any module whose first layer is a convolution of one channel.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them.
    sample_rate : float
        In Hz.
    layer : str, optional
        The layer; the first convolution of the model by default.
    n_fft : int
        Length of the Fourier transform of the kernels; there are ``n_fft // 2 + 1`` frequencies. Not used on
        the scale "log".
    hop : int, optional
        Samples from one frame to the next; the stride of the layer by default.
    alignment : {"centre", "start"}
        Frames are centred on their time, or start there as in the script that the authors published.
    scale : {"linear", "log"}
        Frequencies in equal steps, or in a geometric series like those of a constant-Q transform.
    bins_per_octave : int
        Of the scale "log".
    minimum_frequency : float
        Of the scale "log", in Hz, where it begins; it ends at half the sample rate.

    Returns
    -------
    DataArray, (clip, frequency, time)
        Frequencies in Hz, times in s.

    Raises
    ------
    InputError
        If the layer does not read a waveform of one channel, `n_fft` is shorter than a kernel, or a scale
        is not possible.

    Notes
    -----
    .. math:: \mathrm{STRS}(i, j) = \left| \sum_k F_k[i] R_k[j] \right|

    with :math:`F_k` the Fourier transform of kernel k and :math:`R_k` its response (SWAM, eq. 1). Kernels of
    several widths are aligned at their centres in both. On the scale "log" :math:`F_k` is taken at the
    frequencies :math:`f_{\min} 2^{i / b}`, the variant that SWAM mentions; the resolution in Hz stays that of the
    kernels.

    Examples
    --------
    >>> model = nn.Conv1d(1, 8, 30, stride=10)
    >>> strs(model, torch.randn(1, 1, 16_000), sample_rate=16_000).sizes
    Frozen({'clip': 1, 'frequency': 513, 'time': 1600})
    """
    kernels, stride = first_kernels(model, inputs, sample_rate, layer)
    hop = stride if hop is None else hop
    hertz, cycles = _frequencies(scale, n_fft, sample_rate, bins_per_octave, minimum_frequency)
    waveform = inputs.reshape(len(inputs), -1)
    if hop > 0 and waveform.numel() // hop * hertz.size > _MOST_VALUES:
        raise InputError(
            f"the STRS of {waveform.shape[-1] / sample_rate:.0f} s every {hop} samples would take "
            f"{waveform.numel() // hop * hertz.size * 4 / 2**30:.0f} GiB: give a larger hop, or ask for the CRS"
        )
    values = response.strs(waveform, kernels, hop, n_fft, alignment, frequencies=cycles)
    times = np.arange(values.shape[-1]) * hop / sample_rate
    result = xr.DataArray(
        values.cpu().numpy(),
        dims=("clip", "frequency", "time"),
        coords={
            "frequency": hertz,
            "time": axis("time", times, "time", "s"),
        },
        name="strs",
        attrs={"long_name": "short-time response spectra", "sample_rate": sample_rate},
    )
    return _sign(
        result,
        1,
        layer=layer,
        n_fft=n_fft,
        hop=hop,
        alignment=alignment,
        scale=scale,
        bins_per_octave=bins_per_octave,
        minimum_frequency=minimum_frequency,
    )


def crs(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    layer: str | None = None,
    n_fft: int = 1024,
    hop: int | None = None,
    alignment: Alignment = "centre",
    scale: Scale = "linear",
    bins_per_octave: int = 36,
    minimum_frequency: float = 32.7,
) -> xr.DataArray:
    r"""Cumulative response spectra (CRS): the STRS averaged over time, in memory that does not grow with it.

    Parameters are those of :func:`strs`.

    Returns
    -------
    DataArray, (clip, frequency)

    Notes
    -----
    :math:`\mathrm{CRS}[i] = \frac{1}{N_t} \sum_j \mathrm{STRS}(i, j)` (SWAM, eq. 2).

    Examples
    --------
    >>> model = nn.Conv1d(1, 8, 30, stride=10)
    >>> crs(model, torch.randn(1, 1, 16_000), sample_rate=16_000).sizes
    Frozen({'clip': 1, 'frequency': 513})
    """
    kernels, stride = first_kernels(model, inputs, sample_rate, layer)
    hop = stride if hop is None else hop
    hertz, cycles = _frequencies(scale, n_fft, sample_rate, bins_per_octave, minimum_frequency)
    waveform = inputs.reshape(len(inputs), -1)
    values = [
        response.crs_stream(clip.split(_BLOCK), kernels, hop, n_fft, alignment, frequencies=cycles) for clip in waveform
    ]
    result = _cumulative(torch.stack(values), hertz, sample_rate)
    return _sign(
        result,
        2,
        layer=layer,
        n_fft=n_fft,
        hop=hop,
        alignment=alignment,
        scale=scale,
        bins_per_octave=bins_per_octave,
        minimum_frequency=minimum_frequency,
    )


def crs_of_stream(
    model: nn.Module,
    blocks: Iterable[np.ndarray],
    inputs: Tensor,
    *,
    sample_rate: float,
    layer: str | None = None,
    n_fft: int = 1024,
    hop: int | None = None,
    alignment: Alignment = "centre",
    scale: Scale = "linear",
    bins_per_octave: int = 36,
    minimum_frequency: float = 32.7,
) -> xr.DataArray:
    """CRS of a sound that comes in blocks, such as a file too long to hold.

    Parameters
    ----------
    blocks : iterable of ndarray, (time,)
        Consecutive parts of one waveform, as :func:`otoscope.audio.stream_audio` yields them.
    inputs : Tensor, (1, ..., time)
        A waveform as the model takes it, to find its first layer with.

    The other parameters are those of :func:`strs`; the result is that of :func:`crs`.
    """
    kernels, stride = first_kernels(model, inputs, sample_rate, layer)
    hop = stride if hop is None else hop
    hertz, cycles = _frequencies(scale, n_fft, sample_rate, bins_per_octave, minimum_frequency)
    values = response.crs_stream(blocks, kernels, hop, n_fft, alignment, frequencies=cycles)
    result = _cumulative(values[None], hertz, sample_rate)
    return _sign(
        result,
        2,
        layer=layer,
        n_fft=n_fft,
        hop=hop,
        alignment=alignment,
        scale=scale,
        bins_per_octave=bins_per_octave,
        minimum_frequency=minimum_frequency,
    )


def _frequencies(
    scale: Scale, n_fft: int, sample_rate: float, bins_per_octave: int, minimum_frequency: float
) -> tuple[xr.Variable, Tensor | None]:
    """The axis in Hz and, where it is not that of the Fourier transform, the same in cycles per sample."""
    if scale == "linear":
        if n_fft < 1:
            raise InputError(f"n_fft has to be the width of a kernel or more, not {n_fft}")
        return axis("frequency", np.fft.rfftfreq(n_fft, 1 / sample_rate), "frequency", "Hz"), None
    if scale != "log":
        raise InputError(f"scale must be 'linear' or 'log', got {scale!r}")
    hertz = response.log_frequencies(sample_rate, minimum_frequency, bins_per_octave)
    return axis("frequency", hertz, "frequency", "Hz"), hertz / sample_rate


def _cumulative(values: Tensor, hertz: xr.Variable, sample_rate: float) -> xr.DataArray:
    return xr.DataArray(
        values.cpu().numpy(),
        dims=("clip", "frequency"),
        coords={"frequency": hertz},
        name="crs",
        attrs={"long_name": "cumulative response spectrum", "sample_rate": sample_rate},
    )


def _sign(result: xr.DataArray, equation: int, **arguments: object) -> xr.DataArray:
    """Signed, without those arguments that its scale of frequencies does not use."""
    unused = ("n_fft",) if arguments["scale"] == "log" else ("bins_per_octave", "minimum_frequency")
    used = {name: value for name, value in arguments.items() if name not in unused}
    return sign(result, str(result.name), _SOURCE.format(equation), **used)
