"""Cumulative response spectra of the first layer: what its kernels say together about a whole sound."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.audio import audio_duration, stream_audio
from otoscope.citations import cite
from otoscope.dsp import response
from otoscope.dsp.audible import peak_frequency
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.strs import Alignment, Scale, frequencies
from otoscope.probe.first import FirstLayer, at_least, first_layer
from otoscope.results import variable
from otoscope.subject import Subject, silence
from otoscope.types import Wave

_BLOCK = 2**17  # samples taken at a time
_LONG = 60.0  # s; a file that is longer is never held as a whole


@method(source=cite("swam", "eq. 2"), takes="wave", rows=Rows(("frequency",), ("crs", "peak_frequency")), streams=True)
def crs(
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
    r"""Cumulative response spectrum (CRS) of a layer that reads the waveform: the mean of the STRS over time.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model. A long file is read block by block, so that a sound of any
        length can be measured in the memory of a short one, unless the model scales each clip as a whole.
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
        `crs` (clip, frequency), frequencies in Hz; `peak_frequency` (clip), from 50 Hz up, in Hz.

    Raises
    ------
    InputError
        As :func:`otoscope.methods.strs.strs`.

    Notes
    -----
    :math:`\mathrm{CRS}[i] = \frac{1}{N_t} \sum_j \mathrm{STRS}(i, j)` (SWAM, eq. 2).

    Examples
    --------
    >>> scope = Subject(torch.nn.Conv1d(1, 8, 30, stride=10), sample_rate=16_000)
    >>> crs(scope, torch.randn(16_000)).crs.sizes
    Frozen({'frequency': 513})
    """
    example = silence(subject) if isinstance(wave, (str, Path)) else subject.inputs(wave)
    first = first_layer(subject.network, example, subject.sample_rate, layer)
    hop, n_fft = first.stride if hop is None else hop, at_least(n_fft, first.kernels)
    hertz, cycles = frequencies(scale, n_fft, first, bins_per_octave, minimum_frequency)
    values = torch.stack(
        [
            response.crs_stream(blocks, first.kernels, hop, n_fft, alignment, frequencies=cycles)
            for blocks in _sounds(subject, wave, first, example)
        ]
    )
    result = xr.Dataset(
        {"crs": variable(["clip", "frequency"], values, "cumulative response spectrum")},
        {"frequency": hertz},
        {"reads": first.reads},
    )
    peaks = [peak_frequency(one) for one in result["crs"]]
    result["peak_frequency"] = variable(["clip"], peaks, "frequency of the largest value", "Hz")
    return resolved(result, layer=first.layer, hop=hop, n_fft=n_fft)


def _sounds(subject: Subject, wave: Wave, first: FirstLayer, like: Tensor) -> Iterable[Iterable[Tensor | np.ndarray]]:
    """The blocks of what reaches the layer of every clip; those of a long file as they are read, where they do."""
    contract = subject.contract
    as_it_is = contract.length is None and contract.normalisation is None and first.streams
    longest_fill = max(contract.trained_length or 0, contract.minimum_length) / subject.sample_rate
    if isinstance(wave, (str, Path)) and as_it_is and audio_duration(wave) > max(_LONG, longest_fill):
        return [first.stream(subject.network, stream_audio(wave, subject.sample_rate), like)]
    return [clip.split(_BLOCK) for clip in first.signal(subject.network, subject.inputs(wave))[0]]
