"""What of a model's output is explained: the one place where a target becomes one number for each clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.errors import InputError
from otoscope.methods.output import Output, meant_by, output_of
from otoscope.methods.slide import answers_along
from otoscope.models.resolve import load_function
from otoscope.probe.scores import Answer
from otoscope.results import variable
from otoscope.subject import Subject
from otoscope.types import Against, Span, Target

Score = Callable[[Tensor, Tensor], Tensor]
"""From outputs (n, ...) and the numbers of their clips (n,) to the numbers that are explained (n,)."""


@dataclass(frozen=True)
class Question:
    """What of an output is to be explained.

    Attributes
    ----------
    target : int, str, sequence of them, or callable, optional
        A class, or one for each clip; ``"energy"`` of a waveform (``"energy:1"`` of one of several), ``"similarity"``
        of embeddings; a function, or the place of one, ``file.py:function``; the likeliest class by default.
    at : float or two floats, optional
        A moment or a span of the output in s.
    against : int, str or wave, optional
        A second class, or the sound that a similarity is with.
    band : two floats, optional
        Of the energy, in Hz.
    """

    target: Target | None = None
    at: Span | None = None
    against: Against | None = None
    band: Sequence[float] | None = None


@dataclass(frozen=True)
class Explained:
    """One number for each clip of an output, and what it is.

    Attributes
    ----------
    score : callable
        From outputs to the numbers.
    value : Tensor, (clip,)
    seed : Tensor
        Its derivative by the output, of the shape of that.
    index : Tensor, (clip,)
        The class; -1 where it is none.
    names : list of str
        Of the target, for each clip.
    kind : str
        What the numbers are: "logit", "log odds", "probability", "energy" ...
    note : str
        In words: how they were computed from what the model returned.
    beside : dict of str to Variable
        Probability, margin and runner-up, where there are classes.
    rival : Tensor, (clip,), optional
        The likeliest other class, where there is one.
    """

    score: Score
    value: Tensor
    seed: Tensor
    index: Tensor
    names: list[str]
    kind: str
    note: str
    beside: dict[str, xr.Variable] = field(default_factory=dict)
    rival: Tensor | None = None

    @property
    def is_logit(self) -> bool:
        """Whether the numbers are logits of one class."""
        return self.kind in ("logit", "log odds")

    def variables(self) -> dict[str, xr.Variable]:
        """What a result says of the target: `logit` or `score`, `target`, `class_name`, `probability` ..."""
        name, meaning = ("logit", "output that is explained") if self.is_logit else ("score", f"{self.kind}, explained")
        kind = {} if self.is_logit else {"score_kind": variable(["clip"], [self.kind] * len(self.names), "what it is")}
        return {
            name: variable(["clip"], self.value, meaning),
            **kind,
            "target": variable(["clip"], self.index, "class whose output is explained, -1 for a function"),
            "class_name": variable(["clip"], self.names, "name of the class"),
            **self.beside,
        }

    @property
    def attrs(self) -> dict[str, str]:
        return {"target": ", ".join(self.names), "score_kind": self.kind, "score_note": self.note}


def explain(subject: Subject, inputs: Tensor, found: Answer, question: Question) -> Explained:
    """What a question is of the answer of a model to inputs (clip, channel, time).

    Raises
    ------
    InputError
        If the output has not what is asked for; the message says what it has.
    """
    if found.value.shape[:1] != inputs.shape[:1]:
        raise InputError(
            f"the model's output has the shape {tuple(found.value.shape)}, without the clips on its first axis"
        )
    if not found.value.is_floating_point():
        raise InputError(
            f"the model's output is of {found.value.dtype}, which methods cannot explain (an argmax, or a spectrum?): "
            "choose another output (output=), or let the model return its scores"
        )
    target = _resolved(question.target, subject.classes)
    if callable(target):
        _only(question, "a function as target")
        return _of_function(target, found.value, meant_by(found))
    output = output_of(subject, inputs, found)
    if isinstance(target, str) and target.partition(":")[0] == "energy" and target not in (subject.classes or ()):
        _only(question, "the target energy", "at", "band")
        return _of_energy(output, question, target.partition(":")[2])
    if target == "similarity" and target not in (subject.classes or ()):
        _only(question, "the target similarity", "against")
        return _of_similarity(subject, output, question.against)
    _only(question, "a class as target", "at", "against")
    return _of_classes(output, target, question, subject.classes)


def as_signed(question: Question, result: xr.Dataset, subject: Subject) -> dict[str, Any]:
    """A question as it is signed: for no target the classes that were likeliest, by name or number."""
    signed = as_given(question, subject)
    if question.target is None:
        names = [name.partition(" against ")[0] for name in result["class_name"].values.tolist()]
        found = names if subject.classes else [int(name) for name in names]
        signed["target"] = found[0] if len(found) == 1 else found
    return signed


def as_given(question: Question, subject: Subject) -> dict[str, Any]:
    """A question as it is signed, but for a target that was not given; a sound by its name and hash."""
    signed: dict[str, Any] = {} if question.target is None else {"target": question.target}
    if question.at is not None:
        signed["at"] = question.at
    if question.against is not None:
        signed["against"] = question.against
        if question.target == "similarity":
            clip = subject.clip(question.against)  # type: ignore[arg-type]
            digest = clip.attrs.get("sha256", "")
            signed["against"] = {"audio": clip.attrs.get("name", ""), "audio_sha256": digest}
    if question.band is not None:
        signed["target_band"] = list(question.band)
    return signed


def of_target(result: xr.Dataset) -> dict[str, xr.Variable]:
    """What a relevance says of its target, for results that are made of it."""
    names = ("class_name", "logit", "score", "score_kind", "probability", "runner_up", "runner_up_probability")
    return {name: result[name].variable for name in names if name in result}


# -- The kinds of targets ---------------------------------------------------------------------------------


def _of_function(target: Callable[[Tensor], Tensor], output: Tensor, meant: str) -> Explained:
    def whole(found: Tensor) -> Tensor:
        chosen = target(found)
        if not isinstance(chosen, Tensor) or chosen.shape != output.shape[:1] or not chosen.requires_grad:
            what = f"the shape {tuple(chosen.shape)}" if isinstance(chosen, Tensor) else type(chosen).__name__
            raise InputError(
                f"a target function has to return one number for each of the {len(output)} clips, as a tensor "
                f"made of the output; it returned {what}"
            )
        return chosen

    def score(found: Tensor, clips: Tensor) -> Tensor:
        # It may treat each clip of the batch in its own way, so it gets the batch, of which only this clip differs.
        each = [(int(clip), one[None]) for clip, one in zip(clips, found, strict=True)]
        return torch.stack([target(torch.cat([output[:i], one, output[i + 1 :]]))[i] for i, one in each])

    value, seed = _differentiated(whole, output)
    names = ["function of the output"] * len(output)
    note = f"{getattr(target, '__name__', 'a function')} of {meant}"
    return Explained(score, value, seed, torch.full((len(output),), -1), names, "function", note)


def _of_energy(output: Output, question: Question, source: str) -> Explained:
    channel = (
        None if not source else _class(source, output.class_count, None if output.is_one_of_two else output.classes)
    )
    weigh = output.band_and_span(question.at, question.band)
    channels = output.found.value.ndim > 2 and output.class_axis is not None

    def score(found: Tensor, clips: Tensor) -> Tensor:
        signal = output.over_time(found)  # (n, class, time)
        return weigh(signal if channel is None else signal[:, channel : channel + 1]).square().sum((1, 2))

    value, seed = _differentiated(lambda y: score(y, torch.arange(len(y))), output.found.value)
    what = "energy" if channel is None else f"energy of output {output.name_of(channel)}"
    note = f"sum of squares of {output.meant} {output.described(question.at, question.band)}"
    if channels and channel is None:
        note += f", over all {output.class_count} of its channels"
    names = [what] * len(value)
    return Explained(score, value, seed, torch.full((len(value),), -1), names, "energy", note)


def _of_similarity(subject: Subject, output: Output, against: Any) -> Explained:
    if against is None or isinstance(against, int):
        raise InputError(
            "the target similarity is that of the output for two sounds: give the other one with against, a sound file "
            "or a wave (--against on the command line)"
        )
    with torch.no_grad():
        other = answers_along(subject.network, subject.whole(against))
    if len(other) != 1:
        raise InputError("against has to be a single sound")
    reference = output.embedding(other)
    own = output.embedding(output.found.value)
    if own.shape[1:] != reference.shape[1:]:
        raise InputError(
            f"the output for the sound has {own.shape[1]} numbers and that for the other one {reference.shape[1]}: a "
            "similarity needs as many, so give sounds of one length"
        )

    def score(found: Tensor, clips: Tensor) -> Tensor:
        return torch.cosine_similarity(output.embedding(found), reference)

    value, seed = _differentiated(lambda y: score(y, torch.arange(len(y))), output.found.value)
    name = subject.clip(against).attrs.get("name", "another sound")
    note = f"cosine of {output.meant} for this sound and for {name}"
    if output.time_axis is not None:
        note += ", each the mean over time"
    names = [f"similarity to {name}"] * len(value)
    return Explained(score, value, seed, torch.full((len(value),), -1), names, "cosine similarity", note)


def _of_classes(output: Output, target: Any, question: Question, classes: Sequence[str] | None) -> Explained:
    if target is None:
        output.check_target()
    output.check_classes(target is not None or question.at is not None or output.subject.states_classes)
    output.check_sense(question.at)
    frames, when = output.frames(question.at)
    scores = output.class_scores(output.found.value, frames)
    count = scores.shape[1]
    if classes and len(classes) != count:
        raise InputError(f"{len(classes)} class names were given and the model has {count} outputs")
    asked = None if target is None else _indices(target, len(scores), count, classes).to(scores.device)
    index = output.likeliest(scores, frames) if asked is None else asked
    less = 1 - index if output.is_one_of_two else None  # a logit that speaks for one class and against the other
    if question.against is not None:
        if not isinstance(question.against, (int, str, list)):
            raise InputError("against is a sound, as the target 'similarity' takes; of a class, give another class")
        less = _indices(question.against, len(scores), count, classes).to(scores.device)
        if bool((less == index).any()):
            raise InputError(
                f"against names the class that is explained, {output.name_of(int(index[less == index][0]))!r}"
            )

    def score(found: Tensor, clips: Tensor) -> Tensor:
        of_classes, clips = output.class_scores(found, frames), clips.to(index.device)
        chosen = of_classes.gather(1, index[clips][:, None])[:, 0]
        return chosen if less is None else chosen - of_classes.gather(1, less[clips][:, None])[:, 0]

    value, seed = _differentiated(lambda y: score(y, torch.arange(len(y))), output.found.value)
    names = [f"unit {i} of {output.called}" if output.is_hidden else output.name_of(i) for i in index.tolist()]
    kind, note = output.kind, "; ".join(filter(None, [output.note, when]))
    if less is not None and question.against is not None:
        names = [f"{name} against {output.name_of(i)}" for name, i in zip(names, less.tolist(), strict=True)]
        kind = f"difference of {'probabilities' if kind == 'probability' else kind if kind[-1] == 's' else kind + 's'}"
    beside, rival = _beside(output, index, scores, frames)
    return Explained(score, value, seed, index, names, kind, note, beside, rival)


def _beside(
    output: Output, index: Tensor, scores: Tensor, frames: Tensor | None
) -> tuple[dict[str, xr.Variable], Tensor | None]:
    """How sure the model is of the class, and which other it takes for likeliest; nothing of a hidden unit."""
    if output.is_hidden:
        return {}, None
    probability, how = output.probabilities(frames)
    found = {"probability": variable(["clip"], probability.gather(1, index[:, None])[:, 0], how)}
    if probability.shape[1] < 2:
        return found, None
    order = output.order(scores, frames)
    number = torch.where(order[:, 0] == index, order[:, 1], order[:, 0])
    names = [output.name_of(i) for i in number.tolist()]
    found["runner_up"] = variable(["clip"], names, "likeliest other class")
    found["runner_up_probability"] = variable(["clip"], probability.gather(1, number[:, None])[:, 0], "its probability")
    found["margin"] = variable(["clip"], margins(scores, index), f"{output.kind} less that of the best other class")
    return found, number


def margins(scores: Tensor, index: Tensor) -> Tensor:
    """By how much the score of a class is above that of the best other one, (clip,), of scores (clip, class).

    Examples
    --------
    >>> margins(torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([1]))
    tensor([-2.])
    """
    own: Tensor = scores.gather(1, index[:, None])[:, 0]
    return own - _without(scores, index).amax(1)


def _without(scores: Tensor, index: Tensor) -> Tensor:
    """Scores (clip, class) of which that of one class is less than any."""
    return scores.scatter(1, index[:, None], -torch.inf)


def _differentiated(function: Callable[[Tensor], Tensor], output: Tensor) -> tuple[Tensor, Tensor]:
    """The value of a function of the output, and its derivative."""
    with torch.inference_mode(False), torch.enable_grad():
        leaf = output.detach().clone().requires_grad_()
        chosen = function(leaf)
        (seed,) = torch.autograd.grad(chosen.sum(), leaf)
    return chosen.detach(), seed


# -- Names and numbers of classes -------------------------------------------------------------------------


def _resolved(target: Any, classes: Sequence[str] | None) -> Any:
    """A target with the function that it names, and arrays as lists."""
    if isinstance(target, (Tensor, np.ndarray, xr.DataArray)):
        target = target.tolist()
    if isinstance(target, str) and ":" in target and target not in (classes or ()) and not target.startswith("energy:"):
        return load_function(target)
    return target


def _only(question: Question, what: str, *known: str) -> None:
    given = {"at": question.at, "against": question.against, "band": question.band}
    for name, value in given.items():
        if value is not None and name not in known:
            option = "target_band" if name == "band" else name
            raise InputError(f"{option} does not go with {what}")


def _indices(target: Any, clips: int, count: int, classes: Sequence[str] | None) -> Tensor:
    """The number of the class of each clip."""
    if isinstance(target, (list, tuple)):
        if len(target) != clips:
            raise InputError(
                f"{len(target)} classes were given as target, one for each clip, and there are {clips} clips"
            )
        return torch.tensor([_class(one, count, classes) for one in target])
    return torch.full((clips,), _class(target, count, classes))


def _class(target: Any, count: int, classes: Sequence[str] | None) -> int:
    if isinstance(target, (bool, np.bool_)):
        raise InputError(f"target is {target}: give the number or the name of a class")
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
    return int(target)
