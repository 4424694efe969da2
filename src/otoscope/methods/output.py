"""An output of a model with its axes: classes, time, and the probabilities in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from otoscope.answers import Frames, class_axis_of, frames_of_output
from otoscope.errors import InputError
from otoscope.methods.slide import answers_along
from otoscope.probe.scores import Answer
from otoscope.subject import Subject
from otoscope.types import Span

_ALIKE = 1e-4  # by which the sum of probabilities may miss 1
_SURE = 0.999  # of a probability: logits of 0 and 20 look like the negative logarithms of 1 and 0

NO_NUMBERS = "the answer of the model is not finite: it holds NaN or infinity"
"""Of an answer that is not made of numbers."""


class NoClasses(InputError):
    """Of an output that has no classes.

    Attributes
    ----------
    what : str
        What it has, in a few words.
    """

    def __init__(self, message: str, what: str = "") -> None:
        super().__init__(message)
        self.what = what or message


@dataclass(frozen=True)
class Output:
    """What a model answers to clips.

    Attributes
    ----------
    subject : Subject
    inputs : Tensor, (clip, channel, time)
    found : Answer
    class_axis, time_axis : int or None
    """

    subject: Subject
    inputs: Tensor
    found: Answer
    class_axis: int | None
    time_axis: int | None

    @property
    def classes(self) -> tuple[str, ...] | None:
        return self.subject.classes

    @property
    def is_one_of_two(self) -> bool:
        """Whether a single number speaks for two classes: for the second, and against the first."""
        if self.classes is None or len(self.classes) != 2 or self.is_hidden or self.subject.contract.multilabel:
            return False
        shape = self.found.value.shape
        return math.prod(shape[axis] for axis in range(1, len(shape)) if axis != self.time_axis) == 1

    @property
    def class_count(self) -> int:
        """How many scores of classes it holds."""
        return 1 if self.class_axis is None else self.found.value.shape[self.class_axis]

    def name_of(self, index: int) -> str:
        """The name of a class, or its number."""
        return self.classes[index] if self.classes and index < len(self.classes) else str(index)

    # -- Axes ---------------------------------------------------------------------------------------------

    def over_time(self, found: Tensor) -> Tensor:
        """An output (n, ...) as (n, class, time); without such axes they have the length 1."""
        axes = [axis for axis in (self.class_axis, self.time_axis) if axis is not None]
        rest = [axis for axis in range(1, found.ndim) if axis not in axes]
        found = found.permute(0, *axes, *rest).reshape([len(found), *(found.shape[axis] for axis in axes)])
        if self.class_axis is None:
            found = found.unsqueeze(1)
        return found if self.time_axis is not None else found.unsqueeze(2)

    def class_scores(self, found: Tensor, frames: Tensor | None) -> Tensor:
        """An output (n, ...) as (n, class), the mean over some frames, or all.

        Of a single logit of two classes 0, and the logit.
        """
        scores = self._mean(found, frames)
        return torch.cat([torch.zeros_like(scores), scores], 1) if self.is_one_of_two else scores

    def _mean(self, found: Tensor, frames: Tensor | None) -> Tensor:
        over_time = self.over_time(found)
        if self.time_axis is None:
            return over_time[:, :, 0]
        return (over_time if frames is None else over_time[:, :, frames]).mean(2)

    def embedding(self, found: Tensor) -> Tensor:
        """An output (n, ...) as (n, numbers), the mean over time."""
        return (found if self.time_axis is None else found.mean(self.time_axis)).flatten(1)

    def check_classes(self, stated: bool) -> None:
        """Raise an InputError where the output has no single axis of classes."""
        shape = tuple(self.found.value.shape)
        rest = [axis for axis in range(1, len(shape)) if axis not in (self.class_axis, self.time_axis)]
        if any(shape[axis] > 1 for axis in rest):
            kinds = {0: "the clips", self.time_axis: "time, since it grows with the clip"}
            listed = ", ".join(f"axis {axis} ({n}): {kinds.get(axis, '?')}" for axis, n in enumerate(shape))
            raise NoClasses(
                f"the model's output has the shape {shape}, without one axis of classes ({listed}): say which it is, "
                "with contract=Contract(class_axis=...), or give as target a function from it to one number for each "
                "clip (on the command line --target file.py:function)",
                f"its output has the shape {shape}, without one axis of classes",
            )
        if self.time_axis is not None and self._is_waveform and not (stated and self.class_count > 1):
            raise NoClasses(
                f"the model's output has the shape {shape}, and its axis {self.time_axis} is time: it grows with the "
                "clip, about one value for each sample, so that these are not classes. Give as target 'energy', with "
                "at=(start, stop) in s or target_band=(low, high) in Hz for a part of it, or a function from it to "
                "one number for each clip (on the command line --target energy, or --target file.py:function)"
                + (self._ways_to_classes if self.class_count > 1 else ""),
                "its output is a waveform",
            )

    @property
    def _ways_to_classes(self) -> str:
        """How to say that an output with a value for each sample has classes all the same."""
        axis, contract = self.class_axis, f"Contract(class_axis={self.class_axis}, time_axis={self.time_axis})"
        return (
            f". If its axis {axis} holds {self.class_count} classes of each sample all the same, give the number of "
            "one as target, or a moment with at (--target and --at on the command line); or say so once, by names, "
            f"classes=[...], or by contract={contract} (in config.json: class_axis and time_axis)"
        )

    def check_target(self) -> None:
        """Raise an InputError where no class can be the likeliest, for the output has none."""
        if self.is_hidden:
            raise NoClasses(
                f"{self.called} of {self.subject.name} is a hidden state, {tuple(self.found.value.shape)}, "
                f"whose numbers are not classes. Give a target: one of its {self.class_count} units by number "
                "(--target 0), energy, or similarity with against another sound (--against); if they are the scores of "
                "classes, say so in Python with contract=Contract(scores='logits')",
                "its output is a hidden state",
            )

    def check_sense(self, at: Span | None) -> None:
        """Raise an InputError where the largest value is not that of the likeliest class, or says nothing of it."""
        known, shape = self.found.normalised, tuple(self.found.value.shape)
        if known is not None and known.of == "softmax":
            axis = known.class_axis
            if axis == 0 and self.class_count > 1:
                raise InputError(
                    f"the softmax at the end of the model is over axis 0 of its output {shape}, the clips of a batch, "
                    "so that every answer to a single clip is 1, whatever the sound. Let the model take the softmax "
                    f"over the classes (dim={self.class_axis}), or return its logits"
                )
            if axis is not None and axis == self.time_axis != self.class_axis and at is None:
                raise InputError(
                    f"the softmax at the end of the model is over axis {axis} of its output {shape}, time, so that the "
                    "mean over time is the same for every sound. Let the model take the softmax over the classes "
                    f"(dim={self.class_axis}), or ask for a moment with at (--at on the command line)"
                )
        if known is None and (what := self._turned()):
            raise InputError(
                f"the model's output {shape} seems to be {what}, by its values, and no softmax was seen in the model "
                "by which to take it back to logits. Let the model return logits, probabilities or log-probabilities, "
                "or give as target a function of the output (on the command line --target file.py:function)"
            )

    def _turned(self) -> str | None:
        """What else than scores the values are, to this sound and to noise, where not all of them are 0 or 1."""
        found = [_turned(self.over_time(self.found.value))]
        if self.class_count < 2 or not found[0]:
            return None
        noise = torch.randn(self.inputs[:1].shape, generator=torch.Generator().manual_seed(0)).to(self.inputs)
        with torch.no_grad():
            for level in (0.01, 1.0):
                found.append(_turned(self.over_time(answers_along(self.subject.network, level * noise))))
        for what in found[0]:
            if all(what in one for one in found) and any(float(one[what].amax(1).min()) < _SURE for one in found):
                return what
        return None

    @property
    def _is_waveform(self) -> bool:
        assert self.time_axis is not None
        return 2 * self.found.value.shape[self.time_axis] > self.inputs.shape[-1]

    # -- Time ---------------------------------------------------------------------------------------------

    @cached_property
    def _frames(self) -> Frames:
        frames = frames_of_output(self.subject.network, self.inputs[:1], self.subject.sample_rate)
        if math.isnan(frames.hop) or math.isnan(frames.centre):
            raise InputError(
                "where in time the frames of the output are is shown neither by the trace nor by a measurement: give "
                "as target a function that chooses frames by number"
            )
        return frames

    @cached_property
    def _times(self) -> np.ndarray:
        assert self.time_axis is not None
        steps = np.arange(self.found.value.shape[self.time_axis])
        times: np.ndarray = (self._frames.centre + self._frames.hop * steps) / self.subject.sample_rate
        return times

    def frames(self, at: Span | None) -> tuple[Tensor | None, str]:
        """The numbers of the frames at a moment or in a span, None for all, and in words which these are."""
        if self.time_axis is None:
            if at is not None:
                raise InputError(
                    f"at={at} asks for a moment of the output, and the output {tuple(self.found.value.shape)} has no "
                    "axis of time: leave it out"
                )
            return None, ""
        count = self.found.value.shape[self.time_axis]
        if at is None:
            return None, f"mean over all {count} frames"
        times, step = self._times, self._frames.hop / self.subject.sample_rate
        where = f"its {count} frames are centred from {times[0]:.4g} to {times[-1]:.4g} s, {step:.4g} s apart"
        if isinstance(at, (int, float)):
            nearest = int(np.abs(times - at).argmin())
            if not abs(times[nearest] - at) <= step:  # nor is NaN a moment
                raise InputError(f"at={at:g} s is outside of the output: {where}")
            return torch.tensor([nearest]), f"frame {nearest}, centred at {times[nearest]:.4g} s"
        start, stop = _span("at", at, "s")
        (inside,) = np.nonzero((times >= start) & (times <= stop))
        if not inside.size:
            raise InputError(f"no frame of the output is centred from {start:g} to {stop:g} s: {where}")
        return torch.as_tensor(inside), f"mean over {inside.size} frames from {start:g} to {stop:g} s"

    def band_and_span(self, at: Span | None, band: Sequence[float] | None) -> Callable[[Tensor], Tensor]:
        """A function that leaves of signals (n, class, time) a band in Hz, and of that a span in s."""
        if self.time_axis is None:
            raise InputError(
                f"the target energy is that of an output over time, and the output {tuple(self.found.value.shape)} has "
                "no axis of time"
            )
        if isinstance(at, (int, float)):
            raise InputError("the energy is that of a span: give at two times, its start and its stop in s")
        inside = None if at is None else self.frames(at)[0]
        gains = None if band is None else self._gains(band)

        def weigh(signal: Tensor) -> Tensor:
            if gains is not None:
                spectrum = torch.fft.rfft(signal.float() if signal.dtype == torch.half else signal)
                signal = torch.fft.irfft(spectrum * gains.to(signal.device), signal.shape[-1]).to(signal)
            return signal if inside is None else signal[..., inside.to(signal.device)]

        return weigh

    def _gains(self, band: Sequence[float]) -> Tensor:
        """One in the band, zero elsewhere, for the frequencies of the output's DFT."""
        assert self.time_axis is not None
        low, high = _span("target_band", band, "Hz")
        rate = self.subject.sample_rate / self._frames.hop
        frequency = np.fft.rfftfreq(self.found.value.shape[self.time_axis], 1 / rate)
        inside = (frequency >= low) & (frequency <= high)
        if not inside.any():
            raise InputError(
                f"target_band: the output, of {rate:g} values a second, has no frequency from {low:g} to {high:g} Hz"
            )
        return torch.as_tensor(inside.astype(np.float64))

    def described(self, at: Span | None, band: Sequence[float] | None) -> str:
        """In words, a span and a band."""
        span = (
            "over all of its time" if at is None or isinstance(at, (int, float)) else f"from {at[0]:g} to {at[1]:g} s"
        )
        return span if band is None else f"{span}, {band[0]:g} to {band[1]:g} Hz"

    # -- What the numbers are -----------------------------------------------------------------------------

    @property
    def is_hidden(self) -> bool:
        """Whether it is a hidden state, which has units and no classes."""
        return self.subject.contract.scores == "hidden state"

    @property
    def called(self) -> str:
        """What the model calls it."""
        return "the output" if self.subject.contract.output is None else str(self.subject.contract.output)

    @property
    def kind(self) -> str:
        """What is explained: "logit", "log odds", "probability", "log-probability" or "value" of a hidden unit."""
        if self.is_hidden:
            return "value"
        if self.found.normalised is not None:
            return "log odds" if self.found.normalised.odds else "logit"
        scores = self.subject.contract.scores
        return {"probabilities": "probability", "log-probabilities": "log-probability"}.get(scores or "", "logit")

    @property
    def note(self) -> str:
        """How it was computed from what the model returned."""
        known = self.found.normalised
        if known is None:
            if self.kind in ("logit", "value"):
                return "the output as the model returns it"
            return (
                f"a {self.kind}, as its values show; no softmax or sigmoid was seen in the model, so it could not be "
                "taken back to a logit"
            )
        what = f"{_times(known.factor)}{'log-' if known.log else ''}probabilities by a {known.of}"
        if not known.odds:
            mean = ", the mean over frames of the logits" if known.averaged else ""
            mean += ", so that the smallest value is that of the likeliest class" if known.factor < 0 else ""
            return f"the model returns {what}; explained is the logit before it{mean}"
        of = "the mean over frames of its probabilities" if known.averaged else "one of its probabilities"
        return f"the model returns {of}; explained are the log odds of that, from the logits before"

    @property
    def meant(self) -> str:
        """What a function of the whole output is made of."""
        return meant_by(self.found)

    def likeliest(self, scores: Tensor, frames: Tensor | None) -> Tensor:
        """The class of each clip that is likeliest over some frames, (clip,)."""
        return self.order(scores, frames)[:, 0]

    def order(self, scores: Tensor, frames: Tensor | None) -> Tensor:
        """The classes of each clip from the likeliest on, (clip, class), by probability; of equal ones, by score.

        Probabilities are compared by their logarithms, from the logits where these are known: those of all classes but
        one may be 0 in floating point.
        """
        by_score = scores.argsort(dim=1, descending=True, stable=True)
        logs = self._log_chances(frames).gather(1, by_score)
        return by_score.gather(1, logs.argsort(dim=1, descending=True, stable=True))

    def _log_chances(self, frames: Tensor | None) -> Tensor:
        """Logarithms of the probabilities (clip, class) over some frames."""
        known = self.found.normalised
        if self.is_one_of_two:  # of which one is at least 1/2
            return self.probabilities(frames)[0].log()
        if known is not None and known.of == "sigmoid":
            logs = functional.logsigmoid(self.over_time(self.found.value))
        elif known is not None and not known.averaged:
            axis = known.class_axis
            if axis is None:
                return self.probabilities(frames)[0].log()
            logs = self.over_time(self.found.value.log_softmax(axis))
        elif known is None and self.kind != "logit":
            returned = self.over_time(self.found.returned)
            logs = returned if self.kind == "log-probability" else returned.clamp(min=0).log()
        else:
            each = self.subject.contract.multilabel or self.class_count == 1
            over_time = self.over_time(self.found.value)
            logs = functional.logsigmoid(over_time) if each else over_time.log_softmax(1)
        if self.time_axis is None:
            return logs[:, :, 0]
        logs = logs if frames is None else logs[:, :, frames]
        return logs.logsumexp(2) - math.log(logs.shape[2])

    def probabilities(self, frames: Tensor | None, several: bool = False) -> tuple[Tensor, str]:
        """Of each class (clip, class), the mean over some frames, and in words what they are.

        Of logits of a model that does not say whether a clip may have several classes, `several` says it.
        """
        chance, how = self._chances(frames, several)
        return (torch.cat([1 - chance, chance], 1) if self.is_one_of_two else chance), how

    def _chances(self, frames: Tensor | None, several: bool) -> tuple[Tensor, str]:
        returned, known, contract = self.found.returned, self.found.normalised, self.subject.contract
        if known is not None and not (known.log and known.averaged):
            how = "probability, as the model returns it"
            how += "" if known.factor == 1 else f", divided by {known.factor:g}"
            return self._mean(known.probability(returned), frames), how
        if known is None and self.kind != "logit":
            found = returned.exp() if self.kind == "log-probability" else returned
            return self._mean(found, frames), "probability, as the model returns it"
        over_time = self.over_time(self.found.value)
        over_time = over_time if frames is None else over_time[:, :, frames]
        each = (several if contract.multilabel is None else contract.multilabel) or self.class_count == 1
        stated = known is not None or contract.multilabel is not None or several
        how = f"probability: {'sigmoid' if each else 'softmax'} of the logits"
        how += "" if stated else " (assumed: the model does not say)"
        return (over_time.sigmoid() if each else over_time.softmax(1)).mean(2), how


def output_of(subject: Subject, inputs: Tensor, found: Answer) -> Output:
    """An answer with its axes, from the contract, or as its shape says."""
    contract, shape = subject.contract, tuple(found.value.shape)
    axes = [contract.class_axis, contract.time_axis]
    for name, axis in zip(("class_axis", "time_axis"), axes, strict=True):
        if axis is not None and axis not in range(-len(shape), len(shape)):
            raise InputError(f"{name} is {axis} and the model's output has the shape {shape}: give an axis of it")
    class_axis, time_axis = (None if axis is None else axis % len(shape) for axis in axes)
    if class_axis is None:
        class_axis = class_axis_of(shape, time_axis, contract.classes)
    return Output(subject, inputs, found, class_axis, time_axis)


def meant_by(found: Answer) -> str:
    """In words: the output, or the logits before its softmax or sigmoid."""
    known = found.normalised
    return "the output" if known is None else f"the logits before the {'log-' if known.log else ''}{known.of}"


def _turned(values: Tensor) -> dict[str, Tensor]:
    """What else than scores values (clip, class, time) may be, with the probabilities that they would be of."""
    values = values.detach().double()
    found = {
        "negative log-probabilities, of which the smallest is that of the likeliest class": (-values).exp(),
        "negative probabilities, of which the smallest is that of the likeliest class": -values,
        "percentages": values / 100,
    }
    return {
        what: p
        for what, p in found.items()
        if bool(((p >= 0) & (p <= 1)).all()) and bool(((p.sum(1) - 1).abs() < _ALIKE).all())
    }


def _times(factor: float) -> str:
    """In words, what probabilities were multiplied by."""
    size = "" if abs(factor) == 1 else f"{abs(factor):g} times "
    return f"{size}negative " if factor < 0 else size


def _span(name: str, given: Sequence[float], unit: str) -> tuple[float, float]:
    if len(given) != 2 or not 0 <= given[0] < given[1] < math.inf:
        twice = f"; --{name.replace('_', '-')} is given twice on the command line" if len(given) == 1 else ""
        raise InputError(f"{name} has to be two numbers that rise, in {unit}, not {given!r}{twice}")
    return float(given[0]), float(given[1])


def finite_answers(scores: Tensor, probabilities: Tensor) -> Tensor:
    """Whether the answer to each clip is made of numbers, (clip,); minus infinity rules out a class, and is one.

    Parameters
    ----------
    scores, probabilities : Tensor, (clip, class)
    """
    return ~(scores.isnan() | scores.isposinf()).any(1) & probabilities.isfinite().all(1)
