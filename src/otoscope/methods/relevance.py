"""Which part of the sound drove an output: relevance signals and their spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.audible import peak_frequency
from otoscope.dsp.spectra import short_time_spectrum, spectral_relevance
from otoscope.errors import InputError
from otoscope.heard import joined_note
from otoscope.methods.attribution import ATTRIBUTIONS, attribute, option_values
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.no_relevance import check_relevant
from otoscope.methods.sharing import shared
from otoscope.methods.slide import answer_along, answers_along, pieces_of, vjp_along
from otoscope.methods.targets import Question, as_signed, explain
from otoscope.probe import RULES, Rule, RuleName, rule_name
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Against, Span, Target, Wave

RelevanceRule = Literal[
    RuleName, "gradient_x_input", "integrated_gradients", "smoothgrad", "occlusion", "frequency_occlusion"
]
"""Rules of :mod:`otoscope.probe.rules`, what can be made of them, and those that Captum computes."""

RELEVANCE_RULES: tuple[str, ...] = get_args(RelevanceRule)
_SOURCE = cite("relevance", "section 3.2")
_COLUMNS = (
    "class_name", "logit", "score", "score_kind", "probability", "runner_up", "runner_up_probability", "baseline_logit",
    "peak_time", "peak_frequency",
)  # fmt: skip
_OF_BANDS = ("band_low", "band_high", "band_relevance")


@method(
    source=_SOURCE,
    takes="wave",
    explains=True,
    slides=True,
    clipwise=True,
    rows=Rows(("channel", "band"), (*_COLUMNS, *_OF_BANDS)),
)
def relevance(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    window: float = 0.025,
    hop: float = 0.010,
    steps: int | None = None,
    samples: int | None = None,
    noise: float | None = None,
    seed: int | None = None,
    occlusion_window: float | None = None,
    occlusion_hop: float | None = None,
    bands: int | Sequence[float] | None = None,
    batch_size: int | None = None,
) -> xr.Dataset:
    r"""Relevance of every sample for one output, in time and in frequency.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model. Of a model that takes several channels also (channel, time)
        or (clip, channel, time).
    target : int, str, sequence of them or callable, optional
        The class by number or name, or one for each clip; the likeliest class of each clip by default. "energy" of an
        output that is a waveform ("energy:1" of one of several), or "similarity" of the outputs for this sound and
        another. Or (in Python) a function from the output to one number for each clip; its place,
        ``file.py:function`` or ``package.module:function``, names it as well. Logits are taken before a softmax or
        sigmoid.
    at : float or two floats, optional
        The moment of the output that is meant, or the start and the stop of a span, in s; all of it by default, as a
        mean over time.
    against : int, str or wave, optional
        Another class, whose logit is taken off that of the target; for "similarity" the other sound.
    target_band : two floats, optional
        Lowest and highest frequency of the energy of the output, in Hz; all by default.
    rule : str or callable
        What activations pass back: "guided", "gradient" or "deconvnet", see :mod:`otoscope.probe.rules`, or (in
        Python) a function of your own; "gradient_x_input", the gradient times the input; or what Captum computes
        (``pip install otoscope[attribution]``), see :mod:`otoscope.methods.attribution`: "integrated_gradients",
        "smoothgrad", "occlusion" (of windows in time) or "frequency_occlusion".
    window : float
        Length of the frames of the short-time spectra, in s.
    hop : float
        From one frame of the short-time spectra to the next, in s.
    steps : int, optional
        Points of the quadrature of integrated gradients; 50 by default.
    samples : int, optional
        Noisy copies of the sound that SmoothGrad takes; 32 by default.
    noise : float, optional
        Standard deviation of the noise of SmoothGrad, as a share of the root mean square of the clip; 0.1 by default.
    seed : int, optional
        Of the noise of SmoothGrad; 0 by default.
    occlusion_window : float, optional
        Length of what occlusion silences at a time, in s; 0.05 by default.
    occlusion_hop : float, optional
        From one window of occlusion to the next, in s; half of the window by default.
    bands : int or sequence of float, optional
        Number of bands of frequency occlusion, on the mel scale, or their edges in Hz; 24 by default.
    batch_size : int, optional
        Waveforms in one pass of the model, of the rules that Captum computes; 8 by default.

    Returns
    -------
    Dataset
        `relevance` (clip, time); `relevance_spectrum` and `relevance_phase` (clip, frequency) of the whole clip;
        `relevance_spectrogram` (clip, frame_frequency, frame_time); `input` and `input_spectrogram` for comparison;
        `logit`, `target` and `class_name` (clip) of the output that is explained, with its `probability`, and the
        likeliest other class, `runner_up`, with `runner_up_probability`; what is no logit is called `score`, and
        `score_kind` says what it is; the attribute `score_note` says how it was had. `peak_time` in s and
        `peak_frequency` in Hz (clip), where the relevance and its spectrum from 50 Hz up are largest. Of integrated
        gradients also `baseline_logit` (clip), the output for silence; of the occlusions `time_relevance` (clip,
        time) or `band_relevance` (clip, band), what the output loses without this part of the sound, in all of its
        channels, where `relevance` is the input weighted by it. Where the model heard several channels, signals,
        spectra and peaks have the axis `channel` behind `clip`.

    Raises
    ------
    InputError
        If the target does not exist or the output has no class axis; if the rule or an option of it is unknown or
        unfit, or the rule does not use it; if Captum is needed and not installed; if the output or the relevance is
        not finite, or the relevance is zero everywhere.

    Notes
    -----
    With :math:`f[n] = \partial y^c / \partial x_n` the relevance signal, the derivative by the Fourier
    coefficients of the input is :math:`g = \mathrm{DFT}^{-1}\{f\}` (eq. 4); the spectrum is :math:`|g|` up to
    half the sample rate.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...                       nn.Flatten(), nn.Linear(8, 2))
    >>> relevance(Subject(model, sample_rate=16_000), torch.randn(16_000), target=1).relevance.sizes
    Frozen({'time': 16000})
    """
    given = {
        "steps": steps, "samples": samples, "noise": noise, "seed": seed, "occlusion_window": occlusion_window,
        "occlusion_hop": occlusion_hop, "bands": bands, "batch_size": batch_size,
    }  # fmt: skip
    check_rule(rule)
    options = option_values(rule, {name: value for name, value in given.items() if value is not None})
    inputs, question = subject.whole(wave), Question(target, at, against, target_band)
    result = relevance_of(subject, inputs, question, rule=rule, window=window, hop=hop, options=options)
    if rule == "occlusion" and options["occlusion_hop"] is None:
        options["occlusion_hop"] = options["occlusion_window"] / 2
    return resolved(result, **as_signed(question, result, subject), **options)


@shared
def relevance_of(
    subject: Subject,
    inputs: Tensor,
    question: Question | None = None,
    *,
    target: Target | None = None,
    rule: RelevanceRule | Rule = "guided",
    window: float = 0.025,
    hop: float = 0.010,
    options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """What :func:`relevance` returns, unsigned, of inputs (clip, ..., time) as the model takes them.

    A `target` alone is a question, too. `options` are those of the rule; what is not given has its default.
    """
    check_rule(rule)
    options = option_values(rule, options or {})
    model, sample_rate = subject.network, subject.sample_rate
    by_captum = rule if isinstance(rule, str) and rule in ATTRIBUTIONS else None
    pieces = pieces_of(model, inputs)
    if by_captum:
        with torch.no_grad():
            found = answer_along(model, inputs)
    else:
        found, pull = vjp_along(model, inputs, rule="gradient" if rule == "gradient_x_input" else rule)
    if pieces is not None and found.value.ndim != 2:
        raise InputError(
            f"{subject.name} takes {pieces.length} samples and does not answer with one axis of classes, so that no "
            "mean over pieces of a longer sound can be explained: give a part of the sound (--start and --duration on "
            "the command line)"
        )
    asked = explain(subject, inputs, found, question or Question(target))
    more = xr.Dataset()
    if by_captum:

        def pick(clip: int, versions: Tensor) -> Tensor:
            return asked.score(versions, torch.full((len(versions),), clip))

        signal, more = attribute(by_captum, partial(answers_along, model), inputs, pick, sample_rate, options)
    else:
        signal = pull(asked.seed)
    signal = signal * inputs if rule == "gradient_x_input" else signal
    if not (asked.value.isfinite().all() and signal.isfinite().all()):
        raise InputError(
            "the output or its relevance is not finite: do the weights hold NaN, did the training diverge, or does the "
            "model divide by the level of a sound that is silent?"
        )
    check_relevant(subject, inputs, signal, asked, rule)
    result: xr.Dataset = _labelled(signal, inputs, sample_rate, window, hop).merge(more)
    result = result.assign(asked.variables())
    source = f"{ATTRIBUTIONS[by_captum]}, by Captum" if by_captum else _SOURCE
    result.attrs.update(asked.attrs, sample_rate=sample_rate, rule=rule_name(rule), source=source)
    if pieces is not None:
        result.attrs["pieces"] = pieces.sentence(subject.name, sample_rate)
    return result


def signed_attrs(found: xr.Dataset) -> dict[str, Any]:
    """The attributes of a relevance that stand in results made of it."""
    names = ("sample_rate", "rule", "target", "score_kind", "score_note")
    return {name: found.attrs[name] for name in names} | joined_note(found.attrs.get("note"))


def check_rule(rule: str | Rule) -> None:
    """Raise an InputError where there is no such rule."""
    if isinstance(rule, str) and rule not in RELEVANCE_RULES and rule not in RULES:  # which may have been added to
        names = ", ".join(RELEVANCE_RULES)
        raise InputError(f"unknown rule {rule!r}; the rules are {names}, or a function of your own")


def in_one_channel(found: xr.Dataset) -> xr.Dataset:
    """A relevance of several channels as one signal, with a note; any other as it is.

    The sum over the channels is, by the chain rule, the relevance of what is added to all of them alike. The mean of
    the channels stands for the input.
    """
    if "channel" not in found.dims:
        return found
    one = {"relevance": found["relevance"].sum("channel", keep_attrs=True)}
    one["input"] = found["input"].mean("channel", keep_attrs=True)
    count = found.sizes["channel"]
    note = f"of the {count} channels of the sound: the sum of the relevance, and the mean of the input"
    result: xr.Dataset = found.drop_dims("channel").assign(one)
    return result.assign_attrs(joined_note(found.attrs.get("note"), note))


def _labelled(signal: Tensor, waveform: Tensor, sample_rate: float, window: float, hop: float) -> xr.Dataset:
    """Signals (clip, channel, time) or (clip, time) with their spectra; a single channel has no axis."""
    length = signal.shape[-1]
    if signal.ndim == 2:
        signal, waveform = signal[:, None], waveform[:, None]
    of, where = ["clip", "channel"], {"channel": axis("channel", np.arange(signal.shape[1]), "channel of the sound")}
    if signal.shape[1] == 1:
        signal, waveform, of, where = signal[:, 0], waveform[:, 0], ["clip"], {}
    g = spectral_relevance(signal)
    frames, frequencies, times = short_time_spectrum(signal, sample_rate, window, hop)
    input_frames, _, _ = short_time_spectrum(waveform, sample_rate, window, hop)
    in_frames = [*of, "frame_frequency", "frame_time"]
    spectrum_bins = np.arange(g.shape[-1]) * sample_rate / length
    result = xr.Dataset(
        {
            "relevance": variable([*of, "time"], signal, "relevance"),
            "input": variable([*of, "time"], waveform, "input"),
            "relevance_spectrum": variable([*of, "frequency"], g.abs(), "magnitude of the relevance spectrum"),
            "relevance_phase": variable([*of, "frequency"], g.angle(), "phase of the relevance spectrum", "rad"),
            "relevance_spectrogram": variable(in_frames, frames, "short-time magnitude of the relevance"),
            "input_spectrogram": variable(in_frames, input_frames, "short-time magnitude of the input"),
        },
        coords={
            "time": axis("time", np.arange(length) / sample_rate, "time", "s"),
            "frequency": axis("frequency", spectrum_bins, "frequency", "Hz"),
            "frame_frequency": axis("frame_frequency", frequencies, "frequency", "Hz"),
            "frame_time": axis("frame_time", times, "time", "s"),
            **where,
        },
    )
    loudest = abs(result["relevance"]).values.argmax(-1)
    spectra = result["relevance_spectrum"]
    peaks = np.reshape([peak_frequency(spectra[place]) for place in np.ndindex(loudest.shape)], loudest.shape)
    result["peak_time"] = variable(of, result["time"].values[loudest], "time of the largest relevance", "s")
    result["peak_frequency"] = variable(of, peaks, "frequency of the largest relevance", "Hz")
    return result
