"""What the first layer makes of a single frame, and of a sound by the filters that fire most in it."""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn.functional import pad

from otoscope.dsp import response
from otoscope.dsp.kernels import magnitude_response
from otoscope.errors import InputError
from otoscope.probe.select import first_kernels
from otoscope.results import axis, sign, variable

_MUCKENHIRN = "Muckenhirn et al. 2019, eq. 1 and 2"
_YADAV = "Yadav 2022, eq. 2.1, after Palaz et al. 2015"


def frame_response(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    time: float | None = None,
    layer: str | None = None,
    n_fft: int = 1024,
) -> xr.Dataset:
    r"""Response of the first layer, taken as a dictionary of spectra, to one frame of a sound.

    Parameters
    ----------
    model : nn.Module
        Any module whose first layer is a convolution of one channel.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them.
    sample_rate : float
        In Hz.
    time : float, optional
        Middle of the frame in s, rounded to a sample; by default that of the frame of most energy in each
        clip, of those that the layer sees.
    layer : str, optional
        The layer; the first convolution of the model by default.
    n_fft : int
        Length of the Fourier transforms; there are ``n_fft // 2 + 1`` frequencies.

    Returns
    -------
    Dataset
        `response` (clip, frequency), that of the dictionary to the frame; `spectrum` (clip, frequency), the
        magnitude spectrum of the frame itself; `cumulative_response` (frequency), what the kernels pass whatever
        the sound; `input` (clip, lag), the frame, as long as the widest kernel; `frame_time` (clip), its middle in s.

    Raises
    ------
    InputError
        If the time is not within the sound, the layer does not read a waveform of one channel, or `n_fft`
        is shorter than a kernel.

    Notes
    -----
    .. math:: s = \Big| \sum_k \langle x, f_k \rangle\, \mathrm{DFT}[f_k] \Big|

    (Muckenhirn et al. 2019, eq. 2; it is the column of the STRS at this time) and
    :math:`F_\mathrm{cum} = \sum_k F_k / \lVert F_k \rVert_2` (eq. 1). With an orthonormal basis as kernels the
    response is the spectrum of the frame; where they differ, the layer has changed what it hears.

    Examples
    --------
    >>> model = nn.Conv1d(1, 8, 30, stride=10)
    >>> result = frame_response(model, torch.randn(1, 1, 16_000), sample_rate=16_000, time=0.5)
    >>> result.response.sizes, float(result.frame_time[0])
    (Frozen({'clip': 1, 'frequency': 513}), 0.5)
    """
    kernels, hop = first_kernels(model, inputs, sample_rate, layer)
    waveform = inputs.reshape(len(inputs), -1)
    width = max(kernel.shape[1] for kernel in kernels)
    padded = pad(waveform, (width // 2, width - 1 - width // 2))
    if time is None:
        power = padded.square().unfold(-1, width, hop).sum(-1)
        middles = power.argmax(1) * hop
    else:
        sample = round(time * sample_rate) if math.isfinite(time) else -1
        if not 0 <= sample < waveform.shape[-1]:
            raise InputError(
                f"no frame lies at {time:g} s: the sound that the model takes lasts "
                f"{waveform.shape[-1] / sample_rate:g} s"
            )
        middles = torch.full((len(waveform),), sample, device=waveform.device)
    frames = torch.stack([clip[start : start + width] for clip, start in zip(padded, middles.tolist(), strict=True)])
    answer = response.dictionary_response(frames, kernels, n_fft)
    spectrum = magnitude_response(frames, n_fft)
    cumulative = response.cumulative_frequency_response(kernels, n_fft)
    result = xr.Dataset(
        {
            "response": variable(["clip", "frequency"], answer, "response of the dictionary"),
            "spectrum": variable(["clip", "frequency"], spectrum, "spectrum of the frame"),
            "cumulative_response": variable(["frequency"], cumulative, "cumulative frequency response"),
            "input": variable(["clip", "lag"], frames, "frame"),
            "frame_time": variable(["clip"], middles.cpu().numpy() / sample_rate, "middle of the frame", "s"),
        },
        coords={
            "frequency": axis("frequency", np.fft.rfftfreq(n_fft, 1 / sample_rate), "frequency", "Hz"),
            "lag": axis("lag", (np.arange(width) - width // 2) / sample_rate, "time from the middle", "s"),
        },
        attrs={"sample_rate": sample_rate},
    )
    return sign(result, "frame_response", _MUCKENHIRN, time=time, layer=layer, n_fft=n_fft)


def f_vowel(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    top: int = 5,
    layer: str | None = None,
    n_fft: int = 1024,
) -> xr.Dataset:
    r"""Mean frequency response of the filters that fire most in a sound.

    Parameters
    ----------
    model : nn.Module
        Any module whose first layer is a convolution of one channel.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them; of a vowel, in the use that gave the method its name.
    sample_rate : float
        In Hz.
    top : int
        How many filters are taken, those that fire most.
    layer : str, optional
        The layer; the first convolution of the model by default.
    n_fft : int
        Length of the Fourier transform of the kernels; there are ``n_fft // 2 + 1`` frequencies.

    Returns
    -------
    Dataset
        `f_vowel` (clip, frequency), zeros for silence; `firing` (clip, kernel), the share of the frames in
        which each filter fires; `taken` (clip, kernel), 1 for the filters that were taken.

    Raises
    ------
    InputError
        If the layer does not read a waveform of one channel, or `n_fft` is shorter than a kernel.

    Notes
    -----
    .. math:: f_\mathrm{vowel} = \sum_i \frac{n_i}{\sum_j n_j} F_i

    over the five filters of largest :math:`n_i`, the number of frames in which filter i fires. A filter fires in a
    frame, here, where it responds with the largest magnitude of all; frames are a stride of the layer apart.

    Examples
    --------
    >>> model = nn.Conv1d(1, 8, 30, stride=10)
    >>> result = f_vowel(model, torch.randn(1, 1, 16_000), sample_rate=16_000)
    >>> result.f_vowel.sizes, int(result.taken.sum())
    (Frozen({'clip': 1, 'frequency': 513}), 5)
    """
    kernels, hop = first_kernels(model, inputs, sample_rate, layer)
    answers = response.responses(inputs.reshape(len(inputs), -1), kernels, hop)
    counts = response.firing_counts(answers)
    mean = response.f_vowel(counts, magnitude_response(kernels, n_fft).to(answers), top)
    chosen = torch.zeros_like(counts).scatter_(-1, counts.topk(min(top, counts.shape[-1]), dim=-1).indices, 1)
    result = xr.Dataset(
        {
            "f_vowel": variable(["clip", "frequency"], mean, "mean response of the filters that fire most"),
            "firing": variable(["clip", "kernel"], counts / answers.shape[-1], "share of frames in which it fires"),
            "taken": variable(["clip", "kernel"], chosen * (counts > 0), "whether it is one of those taken"),
        },
        coords={
            "frequency": axis("frequency", np.fft.rfftfreq(n_fft, 1 / sample_rate), "frequency", "Hz"),
            "kernel": axis("kernel", np.arange(counts.shape[1]), "kernel"),
        },
        attrs={"sample_rate": sample_rate},
    )
    return sign(result, "f_vowel", _YADAV, top=top, layer=layer, n_fft=n_fft)
