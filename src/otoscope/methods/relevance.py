"""Which part of the sound drove an output: relevance signals and their spectra."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from otoscope.methods.attribution import ATTRIBUTIONS, attribute, option_values
from otoscope.methods.catalogue import Rows, method, of_clips, resolved
from otoscope.methods.sharing import shared
from otoscope.methods.slide import answers_along, pieces_of, vjp_along
from otoscope.probe import RULES, Rule, RuleName, rule_name
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Target, Wave

RelevanceRule = Literal[
    RuleName, "gradient_x_input", "integrated_gradients", "smoothgrad", "occlusion", "frequency_occlusion"
]
"""Rules of :mod:`otoscope.probe.rules`, what can be made of them, and those that Captum computes."""

RELEVANCE_RULES: tuple[str, ...] = get_args(RelevanceRule)
_SOURCE = cite("relevance", "section 3.2")
_COLUMNS = ("class_name", "logit", "baseline_logit", "peak_time", "peak_frequency")
_OF_BANDS = ("band_low", "band_high", "band_relevance")


@method(source=_SOURCE, takes="wave", explains=True, slides=True, rows=Rows(("band",), (*_COLUMNS, *_OF_BANDS)))
def relevance(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
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
        A sound file, or samples at the rate of the model.
    target : int, str or callable, optional
        The class by number or name, or (in Python) a function from the output to one number for each clip; the
        likeliest class of each clip by default. Logits are taken before a softmax.
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
        `logit`, `target` and `class_name` (clip) of the output that is explained; `peak_time` in s and
        `peak_frequency` in Hz (clip), where the relevance and its spectrum from 50 Hz up are largest. Of integrated
        gradients also `baseline_logit` (clip), the output for silence; of the occlusions `time_relevance` (clip, time)
        or `band_relevance` (clip, band), what the output loses without this part of the sound, where `relevance` is
        the input weighted by it.

    Raises
    ------
    InputError
        If the target does not exist or the output has no class axis; if the rule or an option of it is unknown or
        unfit, or the rule does not use it; if Captum is needed and not installed; if the output or the relevance is
        not finite.

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
    inputs = subject.whole(wave)
    result = relevance_of(subject, inputs, target=target, rule=rule, window=window, hop=hop, options=options)
    if rule == "occlusion" and options["occlusion_hop"] is None:
        options["occlusion_hop"] = options["occlusion_window"] / 2
    return resolved(result, target=explained(subject, result, target), **options)


@shared
def relevance_of(
    subject: Subject,
    inputs: Tensor,
    *,
    target: Target | None = None,
    rule: RelevanceRule | Rule = "guided",
    window: float = 0.025,
    hop: float = 0.010,
    options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """What :func:`relevance` returns, unsigned, of inputs (clip, ..., time) as the model takes them.

    `options` are those of the rule; what is not given has its default.
    """
    check_rule(rule)
    options = option_values(rule, options or {})
    model, sample_rate, classes = subject.network, subject.sample_rate, subject.classes
    by_captum = rule if isinstance(rule, str) and rule in ATTRIBUTIONS else None
    pieces = pieces_of(model, inputs)
    if by_captum:
        with torch.no_grad():
            value = answers_along(model, inputs)
    else:
        value, pull = vjp_along(model, inputs, rule="gradient" if rule == "gradient_x_input" else rule)
    if pieces is not None and value.ndim != 2:
        raise InputError(
            f"{subject.name} takes {pieces.length} samples and does not answer with one axis of classes, so that no "
            "mean over pieces of a longer sound can be explained: give a part of the sound (--start and --duration on "
            "the command line)"
        )
    if value.shape[:1] != inputs.shape[:1]:
        raise InputError(f"the model's output has the shape {tuple(value.shape)}, without the clips on its first axis")
    cotangent, logit, index = _cotangent(value, target, classes)
    more = xr.Dataset()
    if by_captum:
        pick = _picker(value, target, index)
        signal, more = attribute(by_captum, partial(answers_along, model), inputs, pick, sample_rate, options)
    else:
        signal = pull(cotangent)
    signal = (signal * inputs if rule == "gradient_x_input" else signal).reshape(len(inputs), -1)
    if not (logit.isfinite().all() and signal.isfinite().all()):
        raise InputError(
            "the output or its relevance is not finite: do the weights hold NaN, did the training diverge, or does the "
            "model divide by the level of a sound that is silent?"
        )
    result: xr.Dataset = _labelled(signal, inputs.reshape(len(inputs), -1), sample_rate, window, hop).merge(more)
    names = [_label(i, classes) for i in index.tolist()]
    result["logit"] = variable(["clip"], logit, "output that is explained")
    result["target"] = variable(["clip"], index, "class whose output is explained, -1 for a function")
    result["class_name"] = variable(["clip"], names, "name of the class")
    source = f"{ATTRIBUTIONS[by_captum]}, by Captum" if by_captum else _SOURCE
    result.attrs.update(sample_rate=sample_rate, rule=rule_name(rule), target=", ".join(names), source=source)
    if pieces is not None:
        result.attrs["pieces"] = pieces.sentence(subject.name, sample_rate)
    return result


def explained(subject: Subject, result: xr.Dataset, target: Target | None) -> Any:
    """The target as it is signed: by default the classes that were likeliest, by name or number."""
    if target is not None:
        return target
    return of_clips(result["class_name"].values if subject.classes else result["class_name"].values.astype(int))


def check_rule(rule: str | Rule) -> None:
    """Raise an InputError where there is no such rule."""
    if isinstance(rule, str) and rule not in RELEVANCE_RULES and rule not in RULES:  # which may have been added to
        names = ", ".join(RELEVANCE_RULES)
        raise InputError(f"unknown rule {rule!r}; the rules are {names}, or a function of your own")


def _label(index: int, classes: Sequence[str] | None) -> str:
    if index < 0:
        return "function of the output"
    return classes[index] if classes else str(index)


def _cotangent(output: Tensor, target: Target | None, classes: Sequence[str] | None) -> tuple[Tensor, Tensor, Tensor]:
    """The derivative of the chosen scalar by the output, its value, and the number of the class."""
    if callable(target):
        leaf = output.clone().requires_grad_()
        with torch.enable_grad():
            chosen = target(leaf)
            if not isinstance(chosen, Tensor) or chosen.shape != output.shape[:1] or not chosen.requires_grad:
                found = f"the shape {tuple(chosen.shape)}" if isinstance(chosen, Tensor) else type(chosen).__name__
                raise InputError(
                    f"a target function has to return one number for each of the {len(output)} clips, as a tensor "
                    f"made of the output; it returned {found}"
                )
            (seed,) = torch.autograd.grad(chosen.sum(), leaf)
        return seed, chosen.detach(), torch.full((len(output),), -1)
    scores = output[:, None] if output.ndim == 1 else output
    if scores.ndim != 2:
        raise InputError(
            f"the model's output has the shape {tuple(output.shape)}, without one axis of classes: give as "
            "target a function from it to one number for each clip"
        )
    if classes and len(classes) != scores.shape[1]:
        raise InputError(f"{len(classes)} class names were given and the model has {scores.shape[1]} outputs")
    if target is None:
        index = scores.argmax(1)
    else:
        number = _class(target, scores.shape[1], classes)
        index = torch.full((len(scores),), number, device=scores.device)
    seed = torch.zeros_like(scores).scatter_(1, index[:, None], 1)
    return seed.reshape(output.shape), scores.gather(1, index[:, None])[:, 0], index


def _picker(output: Tensor, target: Target | None, index: Tensor) -> Callable[[int, Tensor], Tensor]:
    """From the number of a clip and outputs for versions of it, (n, ...), to the chosen scalar of each, (n,)."""
    if not callable(target):
        return lambda clip, found: found.reshape(len(found), -1)[:, index[clip]]

    def of_function(clip: int, found: Tensor) -> Tensor:
        # It may treat each clip of the batch in its own way, so it gets the batch, of which only this clip differs.
        before, after = output[:clip], output[clip + 1 :]
        return torch.stack([target(torch.cat([before, one[None], after]))[clip] for one in found])

    return of_function


def _class(target: int | str, count: int, classes: Sequence[str] | None) -> int:
    if isinstance(target, str) and target.lstrip("-").isdigit() and target not in (classes or ()):
        target = int(target)
    if isinstance(target, str):
        if not classes:
            raise InputError(f"the model has no class names, so {target!r} is unknown: give 0 to {count - 1}")
        if target not in classes:
            raise InputError(f"unknown class {target!r}; the classes are {', '.join(classes)}")
        return list(classes).index(target)
    if not isinstance(target, (int, np.integer)) or not 0 <= target < count:
        raise InputError(f"unknown class {target}: the model has {count} outputs, 0 to {count - 1}")
    return target


def _labelled(signal: Tensor, waveform: Tensor, sample_rate: float, window: float, hop: float) -> xr.Dataset:
    length = signal.shape[-1]
    g = spectral_relevance(signal)
    frames, frequencies, times = short_time_spectrum(signal, sample_rate, window, hop)
    input_frames, _, _ = short_time_spectrum(waveform, sample_rate, window, hop)
    in_frames = ["clip", "frame_frequency", "frame_time"]
    spectrum_bins = np.arange(g.shape[-1]) * sample_rate / length
    result = xr.Dataset(
        {
            "relevance": variable(["clip", "time"], signal, "relevance"),
            "input": variable(["clip", "time"], waveform, "input"),
            "relevance_spectrum": variable(["clip", "frequency"], g.abs(), "magnitude of the relevance spectrum"),
            "relevance_phase": variable(["clip", "frequency"], g.angle(), "phase of the relevance spectrum", "rad"),
            "relevance_spectrogram": variable(in_frames, frames, "short-time magnitude of the relevance"),
            "input_spectrogram": variable(in_frames, input_frames, "short-time magnitude of the input"),
        },
        coords={
            "time": axis("time", np.arange(length) / sample_rate, "time", "s"),
            "frequency": axis("frequency", spectrum_bins, "frequency", "Hz"),
            "frame_frequency": axis("frame_frequency", frequencies, "frequency", "Hz"),
            "frame_time": axis("frame_time", times, "time", "s"),
        },
    )
    loudest = abs(result["relevance"]).values.argmax(-1)
    peaks = [peak_frequency(one) for one in result["relevance_spectrum"]]
    result["peak_time"] = variable(["clip"], result["time"].values[loudest], "time of the largest relevance", "s")
    result["peak_frequency"] = variable(["clip"], peaks, "frequency of the largest relevance", "Hz")
    return result
