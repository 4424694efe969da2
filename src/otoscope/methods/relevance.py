"""Which part of the sound drove an output: relevance signals and their spectra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp.spectra import short_time_spectrum, spectral_relevance
from otoscope.errors import InputError
from otoscope.methods.attribution import ATTRIBUTIONS, attribute, option_values
from otoscope.probe import RULES, Rule, logits, rule_name, vjp
from otoscope.results import axis, sign, variable

_SOURCE = "Muckenhirn et al. 2019, section 3.2"
Target = int | str | Callable[[Tensor], Tensor]

#: Rules of :mod:`otoscope.probe.rules`, what can be made of them, and those that Captum computes.
RELEVANCE_RULES = (*RULES, "gradient_x_input", *ATTRIBUTIONS)


def relevance(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    target: Target | None = None,
    rule: str | Rule = "guided",
    classes: Sequence[str] | None = None,
    window: float = 0.025,
    hop: float = 0.010,
    **options: Any,
) -> xr.Dataset:
    r"""Relevance of every sample for one output, in time and in frequency.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them.
    sample_rate : float
        In Hz.
    target : int, str or callable, optional
        The class by number or name; a function from the output to one number for each clip; the likeliest
        class of each clip by default. Logits are taken before a softmax.
    rule : str or callable
        What activations pass back, see :mod:`otoscope.probe.rules`: "guided", "gradient" or "deconvnet", or a
        function of your own; "gradient_x_input", the gradient times the input; or what Captum computes
        (``pip install otoscope[attribution]``), see :mod:`otoscope.methods.attribution`: "integrated_gradients",
        "smoothgrad", "occlusion" (of windows in time) or "frequency_occlusion".
    classes : sequence of str, optional
        Names of the classes.
    window, hop : float
        Of the short-time spectrum, in s.
    **options
        Of the rule: `steps` of integrated gradients (50); `samples` (32), `noise` as a share of the clip's root mean
        square (0.1) and `seed` (0) of SmoothGrad; `occlusion_window` (0.05 s) and `occlusion_hop` (half of it);
        `bands` of frequency occlusion, their number (24, on the mel scale) or their edges in Hz; and of all of
        these `batch_size`, the waveforms in one pass of the model (8).

    Returns
    -------
    Dataset
        `signal` (clip, time); `spectrum` and `phase` (clip, frequency) of the whole clip; `spectrogram`
        (clip, frame_frequency, frame_time); `input` and `input_spectrogram` for comparison; `logit` and
        `target` (clip). Of integrated gradients also `baseline_logit` (clip), the output for silence; of the
        occlusions `time_relevance` (clip, time) or `band_relevance` (clip, band), what the output loses without this
        part of the sound, where `signal` is the input weighted by it.

    Raises
    ------
    InputError
        If the target does not exist or the output has no class axis; if the rule or an option of it is unknown or
        unfit; if Captum is needed and not installed; if the output or the relevance is not finite.

    Notes
    -----
    With :math:`f[n] = \partial y^c / \partial x_n` the relevance signal, the derivative by the Fourier
    coefficients of the input is :math:`g = \mathrm{DFT}^{-1}\{f\}` (eq. 4); the spectrum is :math:`|g|` up to
    half the sample rate.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...                       nn.Flatten(), nn.Linear(8, 2))
    >>> result = relevance(model, torch.randn(1, 1, 16_000), sample_rate=16_000, target=1)
    >>> result.signal.sizes
    Frozen({'clip': 1, 'time': 16000})
    """
    check_rule(rule)
    options = option_values(rule, options)
    by_captum = rule if isinstance(rule, str) and rule in ATTRIBUTIONS else None
    if by_captum:
        with torch.no_grad():
            value = logits(model, inputs)
    else:
        value, pull = vjp(model, inputs, rule="gradient" if rule == "gradient_x_input" else rule)
    if value.shape[:1] != inputs.shape[:1]:
        raise InputError(f"the model's output has the shape {tuple(value.shape)}, without the clips on its first axis")
    seed, logit, index = _seed(value, target, classes)
    beside = None
    if by_captum:
        signal, beside = attribute(by_captum, model, inputs, _picker(value, target, index), sample_rate, options)
    else:
        signal = pull(seed)
    signal = (signal * inputs if rule == "gradient_x_input" else signal).reshape(len(inputs), -1)
    if not (logit.isfinite().all() and signal.isfinite().all()):
        raise InputError(
            "the output or its relevance is not finite: do the weights hold NaN, did the training diverge, or does the "
            "model divide by the level of a sound that is silent?"
        )
    waveform = inputs.reshape(len(inputs), -1)
    result = _labelled(signal, waveform, sample_rate, window, hop)
    result = result if beside is None else result.merge(beside)
    result["logit"] = variable(["clip"], logit, "output that is explained")
    result["target"] = variable(["clip"], index, "class whose output is explained, -1 for a function")
    names = ", ".join(_label(i, classes) for i in index.tolist())
    result.attrs.update(sample_rate=sample_rate, rule=rule_name(rule), target=names)
    source = f"{ATTRIBUTIONS[by_captum]}, by Captum" if by_captum else _SOURCE
    return sign(result, "relevance", source, target=target, rule=rule_name(rule), window=window, hop=hop, **options)


def check_rule(rule: str | Rule) -> None:
    """Raise an InputError where there is no such rule."""
    if isinstance(rule, str) and rule not in RELEVANCE_RULES and rule not in RULES:  # which may have been added to
        names = ", ".join(RELEVANCE_RULES)
        raise InputError(f"unknown rule {rule!r}; the rules are {names}, or a function of your own")


def _label(index: int, classes: Sequence[str] | None) -> str:
    if index < 0:
        return "function of the output"
    return classes[index] if classes else str(index)


def _seed(output: Tensor, target: Target | None, classes: Sequence[str] | None) -> tuple[Tensor, Tensor, Tensor]:
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
    return xr.Dataset(
        {
            "signal": variable(["clip", "time"], signal, "relevance"),
            "input": variable(["clip", "time"], waveform, "input"),
            "spectrum": variable(["clip", "frequency"], g.abs(), "magnitude of the relevance spectrum"),
            "phase": variable(["clip", "frequency"], g.angle(), "phase of the relevance spectrum", "rad"),
            "spectrogram": variable(in_frames, frames, "short-time magnitude of the relevance"),
            "input_spectrogram": variable(in_frames, input_frames, "short-time magnitude of the input"),
        },
        coords={
            "time": axis("time", np.arange(length) / sample_rate, "time", "s"),
            "frequency": axis("frequency", spectrum_bins, "frequency", "Hz"),
            "frame_frequency": axis("frame_frequency", frequencies, "frequency", "Hz"),
            "frame_time": axis("frame_time", times, "time", "s"),
        },
    )
