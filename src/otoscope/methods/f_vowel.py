"""The filters of the first layer that fire most in a sound."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from otoscope.citations import cite
from otoscope.dsp import response
from otoscope.dsp.audible import peak_frequency
from otoscope.dsp.kernels import magnitude_response
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.probe.first import at_least, first_layer
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Wave


@method(
    source=f"{cite('sonification', 'eq. 2.1')}, after {cite('palaz2015')}",
    takes="wave",
    rows=Rows(("kernel",), ("peak_frequency", "firing", "taken")),
)
def f_vowel(
    subject: Subject, wave: Wave, *, n_filters: int = 5, layer: str | None = None, n_fft: int = 1024
) -> xr.Dataset:
    r"""Mean frequency response of the filters that fire most in a sound.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model; a vowel, in the use that gave the method its name.
    n_filters : int
        How many filters are taken, those that fire most.
    layer : str, optional
        The layer; by default the first that is a bank of kernels on something still a waveform.
    n_fft : int
        Length of the Fourier transform of the kernels; there are ``n_fft // 2 + 1`` frequencies. It is raised
        to a power of two where a kernel is longer.

    Returns
    -------
    Dataset
        `f_vowel` (clip, frequency), zeros for silence; `firing` (clip, kernel), the share of the frames in
        which each filter fires; `taken` (clip, kernel), 1 for the filters that were taken; `peak_frequency` (clip),
        that of the largest value of `f_vowel` from 50 Hz up, in Hz, NaN for silence.

    Raises
    ------
    InputError
        If the layer does not read one signal, or `n_filters` is below 1.

    Notes
    -----
    .. math:: f_\mathrm{vowel} = \sum_i \frac{n_i}{\sum_j n_j} F_i

    over the `n_filters` filters of largest :math:`n_i`, the number of frames in which filter i fires. A filter fires
    in a frame, here, where it responds with the largest magnitude of all; frames are a stride of the layer apart.

    Examples
    --------
    >>> subject = Subject(torch.nn.Conv1d(1, 8, 30, stride=10), sample_rate=16_000)
    >>> result = f_vowel(subject, torch.randn(16_000))
    >>> result.f_vowel.sizes, int(result.taken.sum())
    (Frozen({'frequency': 513}), 5)
    """
    inputs = subject.inputs(wave)
    first = first_layer(subject.network, inputs, subject.sample_rate, layer)
    n_fft = at_least(n_fft, first.kernels)
    answers = response.responses(first.signal(subject.network, inputs)[0], first.kernels, first.stride)
    counts = response.firing_counts(answers)
    mean = response.f_vowel(counts, magnitude_response(first.kernels, n_fft).to(answers), n_filters)
    chosen = torch.zeros_like(counts).scatter_(-1, counts.topk(min(n_filters, counts.shape[-1]), dim=-1).indices, 1)
    bins = np.fft.rfftfreq(n_fft, 1 / first.rate)
    result = xr.Dataset(
        {
            "f_vowel": variable(["clip", "frequency"], mean, "mean response of the filters that fire most"),
            "firing": variable(["clip", "kernel"], counts / answers.shape[-1], "share of frames in which it fires"),
            "taken": variable(["clip", "kernel"], chosen * (counts > 0), "whether it is one of those taken"),
        },
        coords={
            "frequency": axis("frequency", bins, first.frequency, "Hz"),
            "kernel": axis("kernel", np.arange(counts.shape[1]), "kernel"),
        },
        attrs={"reads": first.reads},
    )
    peaks = [peak_frequency(one) for one in result["f_vowel"]]
    result["peak_frequency"] = variable(["clip"], peaks, "frequency of the largest value", "Hz")
    return resolved(result, layer=first.layer, n_fft=n_fft)
