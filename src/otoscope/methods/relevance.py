"""Which part of the sound drove an output: relevance signals and their spectra."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp.spectra import short_time_spectrum, spectral_relevance
from otoscope.errors import InputError
from otoscope.probe import RULES, Rule, rule_name, vjp
from otoscope.results import axis, sign, variable

_SOURCE = "Muckenhirn et al. 2019, section 3.2"
Target = int | str | Callable[[Tensor], Tensor]

#: Rules of :mod:`otoscope.probe.rules`, and what can be made of them.
RELEVANCE_RULES = (*RULES, "gradient_x_input")


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
    rule : {"guided", "gradient", "deconvnet", "gradient_x_input"} or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.
    classes : sequence of str, optional
        Names of the classes.
    window, hop : float
        Of the short-time spectrum, in s.

    Returns
    -------
    Dataset
        `signal` (clip, time); `spectrum` and `phase` (clip, frequency) of the whole clip; `spectrogram`
        (clip, frame_frequency, frame_time); `input` and `input_spectrogram` for comparison; `logit` and
        `target` (clip).

    Raises
    ------
    InputError
        If the target does not exist or the output has no class axis.

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
    times_input = rule == "gradient_x_input"
    value, pull = vjp(model, inputs, rule="gradient" if times_input else rule)
    if value.shape[:1] != inputs.shape[:1]:
        raise InputError(f"the model's output has the shape {tuple(value.shape)}, without the clips on its first axis")
    seed, logit, index = _seed(value, target, classes)
    signal = pull(seed)
    signal = (signal * inputs if times_input else signal).reshape(len(inputs), -1)
    waveform = inputs.reshape(len(inputs), -1)
    result = _labelled(signal, waveform, sample_rate, window, hop)
    result["logit"] = variable(["clip"], logit, "output that was carried back")
    result["target"] = variable(["clip"], index, "class whose output was carried back, -1 for a function")
    names = ", ".join(_label(i, classes) for i in index.tolist())
    result.attrs.update(sample_rate=sample_rate, rule=rule_name(rule), target=names)
    return sign(result, "relevance", _SOURCE, target=target, rule=rule_name(rule), window=window, hop=hop)


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
