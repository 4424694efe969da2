"""Response spectra of the first layer: what its kernels say together about each moment of a sound."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp import response
from otoscope.errors import InputError
from otoscope.methods.arguments import check_positive
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.probe.first import FirstLayer, at_least, first_layer
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Wave

Alignment = Literal["centre", "start"]
Scale = Literal["linear", "log"]
_MOST_VALUES = 2**29


@method(source=cite("swam", "eq. 1"), takes="wave", rows=Rows(("time",), ("peak_frequency",)))
def strs(
    subject: Subject,
    wave: Wave,
    *,
    layer: str | None = None,
    n_fft: int = 1024,
    hop: int | None = None,
    alignment: Alignment = "centre",
    scale: Scale = "linear",
    bins_per_octave: int = 36,
    minimum_frequency: float = 32.7,
) -> xr.Dataset:
    r"""Short-time response spectra (STRS) of a layer that reads the waveform.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
    layer : str, optional
        The layer; by default the first that is a bank of kernels on something still a waveform.
    n_fft : int
        Length of the Fourier transform of the kernels; there are ``n_fft // 2 + 1`` frequencies. It is raised
        to a power of two where a kernel is longer. Not used on the scale "log".
    hop : int, optional
        Values of what the layer reads from one frame to the next; the stride of the layer by default.
    alignment : {"centre", "start"}
        Frames are centred on their time, or start there as in the script that the authors published.
    scale : {"linear", "log"}
        Frequencies in equal steps, or in a geometric series like those of a constant-Q transform.
    bins_per_octave : int
        Of the scale "log".
    minimum_frequency : float
        Of the scale "log", in Hz, where it begins; it ends at half the rate of what the layer reads.

    Returns
    -------
    Dataset
        `strs` (clip, frequency, time), frequencies in Hz, times in s; `peak_frequency` (clip, time), that of the
        largest value of each frame in Hz, NaN where all are 0.

    Raises
    ------
    InputError
        If the layer does not read one signal, or a scale is not possible.

    Notes
    -----
    .. math:: \mathrm{STRS}(i, j) = \left| \sum_k F_k[i] R_k[j] \right|

    with :math:`F_k` the Fourier transform of kernel k and :math:`R_k` its response (SWAM, eq. 1). Kernels of
    several widths are aligned at their centres in both; the centre of a kernel of width w is sample ``w // 2``, since
    the :math:`(w - 1) / 2` of the paper lies between two samples where w is even. On the scale "log" :math:`F_k` is
    taken at the frequencies :math:`f_{\min} 2^{i / b}`, the variant that SWAM mentions; the resolution in Hz stays that
    of the kernels.

    Examples
    --------
    >>> import torch
    >>> scope = Subject(torch.nn.Conv1d(1, 8, 30, stride=10), sample_rate=16_000)
    >>> strs(scope, torch.randn(16_000)).strs.sizes
    Frozen({'frequency': 513, 'time': 1600})
    """
    inputs = subject.inputs(wave)
    first = first_layer(subject.network, inputs, subject.sample_rate, layer)
    waveform, offset = first.signal(subject.network, inputs)
    hop, n_fft = first.stride if hop is None else hop, at_least(n_fft, first.kernels)
    hertz, cycles = frequencies(scale, n_fft, first, bins_per_octave, minimum_frequency)
    if hop > 0 and waveform.numel() // hop * hertz.size > _MOST_VALUES:
        raise InputError(
            f"the STRS of {waveform.shape[-1] / first.rate:.0f} s every {hop} values would take "
            f"{waveform.numel() // hop * hertz.size * 4 / 2**30:.0f} GiB: give a larger hop, or ask for the CRS"
        )
    spectra = response.strs(waveform, first.kernels, hop, n_fft, alignment, frequencies=cycles)
    values, (largest, place) = spectra.cpu().numpy(), (t.cpu().numpy() for t in spectra.max(1))  # NumPy would copy it
    times = first.times(hop * torch.arange(values.shape[-1]), offset)
    peaks = np.where(largest > 0, hertz.values[place], math.nan)
    result = xr.Dataset(
        {
            "strs": variable(["clip", "frequency", "time"], values, "short-time response spectra"),
            "peak_frequency": variable(["clip", "time"], peaks, "frequency of the largest value", "Hz"),
        },
        coords={"frequency": hertz, "time": axis("time", times, "time", "s")},
        attrs={"reads": first.reads},
    )
    return resolved(result, layer=first.layer, hop=hop, n_fft=n_fft)


def frequencies(
    scale: Scale, n_fft: int, first: FirstLayer, bins_per_octave: int, minimum_frequency: float
) -> tuple[xr.Variable, Tensor | None]:
    """The axis in Hz and, where it is not that of the Fourier transform, the same in cycles per sample."""
    check_positive(minimum_frequency=minimum_frequency)
    if scale == "linear":
        return axis("frequency", np.fft.rfftfreq(n_fft, 1 / first.rate), first.frequency, "Hz"), None
    if scale != "log":
        raise InputError(f"scale has to be 'linear' or 'log', not {scale!r}")
    hertz = response.log_frequencies(first.rate, minimum_frequency, bins_per_octave)
    return axis("frequency", hertz, first.frequency, "Hz"), hertz / first.rate
