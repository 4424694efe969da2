"""The scores of a model for every clip of a data set, and what could not be scored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.causes import NOT_FINITE, cause_of_method, cause_of_reading, said
from otoscope.data.find import sound_of
from otoscope.data.items import Item
from otoscope.errors import InputError
from otoscope.methods.output import NO_NUMBERS, finite_answers, output_of
from otoscope.methods.slide import answer_along
from otoscope.subject import Subject
from otoscope.types import Progress

_AT_ONCE = 16  # clips of one length


class Scored(NamedTuple):
    """A clip with the answer of the model.

    Attributes
    ----------
    item : Item
    name : str
    seconds, level : float
        Of the sound: its duration in s, and its RMS level in dB re full scale.
    scores, probabilities : ndarray, (class,)
        Logits, and probabilities as the model has them.
    """

    item: Item
    name: str
    seconds: float
    level: float
    scores: np.ndarray
    probabilities: np.ndarray

    @property
    def labels(self) -> tuple[str, ...]:
        return self.item.labels

    @property
    def facts(self) -> Mapping[str, str]:
        return self.item.facts


class Problem(NamedTuple):
    """A clip that was left out: its name, a word or two for the cause, and the reason."""

    name: str
    cause: str
    message: str


class _Read(NamedTuple):
    item: Item
    name: str
    wave: xr.DataArray
    seconds: float
    level: float
    inputs: Tensor


def scores_of(
    subject: Subject,
    items: Sequence[Item],
    *,
    classes: Sequence[str],
    several: bool = False,
    batch_size: int = _AT_ONCE,
    progress: Progress | None = None,
) -> tuple[list[Scored], list[Problem]]:
    """Score each clip whole, of a model of one length the mean over pieces.

    Parameters
    ----------
    subject : Subject
    items : sequence of Item
    classes : sequence of str
        Of the model.
    several : bool
        Whether a clip may have several classes: then probabilities are sigmoids of the logits of a model that does not
        say what they are, and else their softmax.
    batch_size : int
        Consecutive clips of one length that run together, if they do not meet in the model.
    progress : callable, optional

    Returns
    -------
    scored : list of Scored
        In the order of the items.
    problems : list of Problem
        The others.

    Raises
    ------
    InputError
        At the first answer, if it has not a score for each class.
    """
    scored: list[Scored] = []
    problems: list[Problem] = []
    done = 0
    for found in _batches(subject, items, batch_size):
        if isinstance(found, Problem):
            problems.append(found)
            done += 1
        else:
            scored += _run(subject, found, several, problems)
            if scored and scored[0].scores.size != len(classes):
                count = scored[0].scores.size
                raise InputError(f"{subject.name} names {len(classes)} classes and answers with {count} scores")
            done += len(found)
        if progress:
            progress(done, len(items))
    return scored, problems


def _batches(subject: Subject, items: Sequence[Item], batch_size: int) -> Iterator[list[_Read] | Problem]:
    held: list[_Read] = []
    for item in items:
        found = _read(subject, item)
        alone = not held or isinstance(found, Problem) or found.inputs.shape != held[0].inputs.shape
        if held and (alone or len(held) == (batch_size if subject.network.apart else 1)):
            yield held
            held = []
        if isinstance(found, Problem):
            yield found
        else:
            held.append(found)
    if held:
        yield held


def _read(subject: Subject, item: Item) -> _Read | Problem:
    name = name_of(item)
    try:
        clip = subject.clip(sound_of(item, subject.sample_rate, subject.clip))
    except Exception as error:  # a reader of files may raise anything on a damaged one
        return Problem(name, cause_of_reading(error, item.sound), said(error))
    samples = np.asarray(clip.values, dtype=float)
    power = float(np.mean(samples**2))
    level = 10 * math.log10(power) if power > 0 else -math.inf
    try:
        return _Read(item, name, clip, clip.sizes["time"] / subject.sample_rate, level, subject.whole(clip))
    except Exception as error:  # of the user's model, which may be asked what it takes
        return Problem(name, cause_of_method(error, clip), said(error))


def _run(subject: Subject, clips: list[_Read], several: bool, problems: list[Problem]) -> list[Scored]:
    """The scores of clips of one length; where the model refuses them together, of each alone."""
    try:
        scores, probabilities, finite = _answers(subject, torch.cat([clip.inputs for clip in clips]), several)
    except Exception as error:  # of the user's model: the other clips go on
        if len(clips) > 1:
            return [one for clip in clips for one in _run(subject, [clip], several, problems)]
        problems.append(Problem(clips[0].name, cause_of_method(error, clips[0].wave), said(error)))
        return []
    found = []
    for clip, values, chances, one_finite in zip(clips, scores, probabilities, finite, strict=True):
        if not one_finite:
            problems.append(Problem(clip.name, NOT_FINITE, NO_NUMBERS))
            continue
        found.append(Scored(clip.item, clip.name, clip.seconds, clip.level, values, chances))
    return found


def _answers(subject: Subject, inputs: Tensor, several: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits and probabilities (clip, class), and whether those of a clip are numbers."""
    with subject.lock, torch.no_grad():
        output = output_of(subject, inputs, answer_along(subject.network, inputs))
        output.check_classes(stated=subject.classes is not None)
        output.check_sense(None)
        scores = output.class_scores(output.found.value, None).double()
        probabilities = output.probabilities(None, several)[0].double()
        finite = finite_answers(scores, probabilities)
    return scores.cpu().numpy(), probabilities.cpu().numpy(), finite.cpu().numpy()


def name_of(item: Item) -> str:
    """By which results call a clip, as those of sweeps do."""
    return item.name or "a sound without a name"
