"""What the first layer makes of a single frame of a sound."""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import pad

from otoscope.citations import cite
from otoscope.dsp import response
from otoscope.dsp.audible import peak_frequency
from otoscope.dsp.kernels import magnitude_response
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method, of_clips, resolved
from otoscope.probe.first import at_least, first_layer
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Wave


@method(
    source=cite("relevance", "eq. 1 and 2"),
    takes="wave",
    rows=Rows(("frequency",), ("frame_time", "peak_frequency", "frame_response", "spectrum", "cumulative_response")),
)
def frame_response(
    subject: Subject, wave: Wave, *, time: float | None = None, layer: str | None = None, n_fft: int = 1024
) -> xr.Dataset:
    r"""Response of the first layer, taken as a dictionary of spectra, to one frame of a sound.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
    time : float, optional
        Middle of the frame in s, rounded to a value of what the layer reads; by default that of the frame of most
        energy in each clip, of those that the layer sees.
    layer : str, optional
        The layer; by default the first that is a bank of kernels on something still a waveform.
    n_fft : int
        Length of the Fourier transforms; there are ``n_fft // 2 + 1`` frequencies. It is raised to a power of two where
        a kernel is longer.

    Returns
    -------
    Dataset
        `frame_response` (clip, frequency), that of the dictionary to the frame; `spectrum` (clip, frequency), the
        magnitude spectrum of the frame itself; `cumulative_response` (frequency), what the kernels pass whatever
        the sound; `input` (clip, lag), the frame, as long as the widest kernel; `frame_time` (clip), its middle in s;
        `peak_frequency` (clip), that of the largest response from 50 Hz up, in Hz, NaN where there is none.

    Raises
    ------
    InputError
        If the time is not within the sound, or the layer does not read one signal.

    Notes
    -----
    .. math:: s = \Big| \sum_k \langle x, f_k \rangle\, \mathrm{DFT}[f_k] \Big|

    (eq. 2; it is the column of the STRS at this time) and
    :math:`F_\mathrm{cum} = \sum_k F_k / \lVert F_k \rVert_2` (eq. 1). With an orthonormal basis as kernels the
    response is the spectrum of the frame; where they differ, the layer has changed what it hears.

    Examples
    --------
    >>> subject = Subject(torch.nn.Conv1d(1, 8, 30, stride=10), sample_rate=16_000)
    >>> result = frame_response(subject, torch.randn(16_000), time=0.5)
    >>> result.frame_response.sizes, float(result.frame_time)
    (Frozen({'frequency': 513}), 0.5)
    """
    inputs, sample_rate = subject.inputs(wave), subject.sample_rate
    first = first_layer(subject.network, inputs, sample_rate, layer)
    waveform, offset = first.signal(subject.network, inputs)
    kernels, hop, n_fft = first.kernels, first.stride, at_least(n_fft, first.kernels)
    width = max(kernel.shape[1] for kernel in kernels)
    padded = pad(waveform, (width // 2, width - 1 - width // 2))
    if time is None:
        power = padded.square().unfold(-1, width, hop).sum(-1)
        middles = power.argmax(1) * hop
    else:
        sample = round((time * sample_rate - offset) / first.hop) if math.isfinite(time) and time >= 0 else -1
        if not 0 <= sample < waveform.shape[-1]:
            raise InputError(
                f"no frame lies at {time:g} s: the sound that the model takes lasts "
                f"{inputs.shape[-1] / sample_rate:g} s"
            )
        middles = torch.full((len(waveform),), sample, device=waveform.device)
    frames = torch.stack([clip[start : start + width] for clip, start in zip(padded, middles.tolist(), strict=True)])
    answer = response.dictionary_response(frames, kernels, n_fft)
    spectrum = magnitude_response(frames, n_fft)
    cumulative = response.cumulative_frequency_response(kernels, n_fft)
    result = xr.Dataset(
        {
            "frame_response": variable(["clip", "frequency"], answer, "response of the dictionary"),
            "spectrum": variable(["clip", "frequency"], spectrum, "spectrum of the frame"),
            "cumulative_response": variable(["frequency"], cumulative, "cumulative frequency response"),
            "input": variable(["clip", "lag"], frames, "frame"),
            "frame_time": variable(["clip"], first.times(middles, offset), "middle of the frame", "s"),
        },
        coords={
            "frequency": axis("frequency", np.fft.rfftfreq(n_fft, 1 / first.rate), first.frequency, "Hz"),
            "lag": axis("lag", (np.arange(width) - width // 2) / first.rate, "time from the middle", "s"),
        },
        attrs={"reads": first.reads},
    )
    peaks = [peak_frequency(one) for one in result["frame_response"]]
    result["peak_frequency"] = variable(["clip"], peaks, "frequency of the largest response", "Hz")
    return resolved(result, layer=first.layer, n_fft=n_fft, time=of_clips(result["frame_time"].values))
