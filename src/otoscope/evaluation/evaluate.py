"""What a model scores on a data set: metrics with intervals, the confusion, calibration, and all of it in groups."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from otoscope.causes import ANOTHER_CLASS, UNLABELLED
from otoscope.data.given import given_data
from otoscope.data.ids import ids_of
from otoscope.data.items import DataSet, Item, labels_of
from otoscope.data.stamps import read_stamps
from otoscope.errors import InputError
from otoscope.evaluation import results
from otoscope.evaluation.measures import Measures, OneClass, SeveralClasses
from otoscope.evaluation.scored import Problem, Scored, name_of, scores_of
from otoscope.heard import joined_note, untrained, varying
from otoscope.methods.arguments import check_seed
from otoscope.metrics.scores import sklearn_metrics
from otoscope.results import sign
from otoscope.subject import Subject, signature
from otoscope.types import Progress


def evaluate(
    subject: Subject,
    data: str | Path | DataSet | Iterable[Any],
    *,
    task: str | None = None,
    multilabel: bool | None = None,
    by: str | Sequence[str] | None = None,
    limit: int | None = None,
    positive: str | None = None,
    p_target: float = 0.05,
    resamples: int = 1000,
    seed: int = 0,
    batch_size: int = 16,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Score every clip of a data set, and say how good the answers are.

    Parameters
    ----------
    subject : Subject
        The model, whose classes have names.
    data : str, Path, DataSet or iterable
        Sounds with labels: what the command line calls DATA, see :func:`otoscope.data.find.find_data`; or items, or
        pairs of a file or a wave with its label, or with a list of labels.
    task : str, optional
        Which of the facts of the data is the class, such as ``speaker`` of FSDD; of a table, a column.
    multilabel : bool, optional
        Whether a clip may have several classes; by default where the model says so, where labels are lists, and where a
        clip has several. Then one without labels has none of the classes, and probabilities are sigmoids of the logits
        of a model that does not say what they are.
    by : str or sequence of str, optional
        Facts by which everything is broken down, ``"duration"`` and ``"level"`` included, which are put into bins; by
        default those that the data have.
    limit : int, optional
        Take at most so many clips, evenly over the classes.
    positive : str, optional
        The class that is detected, where there are two; the last by default.
    p_target : float
        Prior probability of that class, of the detection cost.
    resamples, seed : int
        Of the bootstrap.
    batch_size : int
        Consecutive clips of one length that run together.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips.

    Returns
    -------
    Dataset
        Over `metric`: `value`, with 95 % bounds `ci_low` and `ci_high` by the bootstrap over clips and, where the
        speakers are known, `speakers_low` and `speakers_high`: by the bootstrap over speakers, or of fewer than ten the
        lowest and the highest value of one speaker (attribute `speakers_interval`). Over `group`: `group_by`,
        `group_name`, `group_clips`, and the metrics (group, metric) as `group_value`, `group_ci_low`, `group_ci_high`.
        Over `clip`: `label`, `answer`, `probability` of it, `correct` (of a clip without classes, that no probability
        reaches 0.5), `scores` (clip, class), `seconds`, `level` in dB, `id`, `split`, `start` and `stop` in s, and each
        fact as ``fact_NAME``. `confusion` (class, predicted); over `bin` what a reliability diagram
        shows; of two classes `false_alarms` and `misses` over `threshold`. Over `problem`: what was left out, with
        `problem_cause` and `problem_message`.

    Raises
    ------
    InputError
        If no clip can be scored, or no label is a class of the model.

    Notes
    -----
    Clips of one class: accuracy, balanced accuracy (also called unweighted average recall, UAR), F1 (macro), expected
    calibration error; of two classes also equal error rate, smallest detection cost and area under the ROC curve. Clips
    of several classes: mean average precision, mean area under the ROC curve, d-prime. See :mod:`otoscope.metrics`.

    Examples
    --------
    >>> from otoscope.models import load
    >>> found = evaluate(Subject(load("vowel-register")), "vowels", task="register", limit=12, resamples=20)
    >>> found.value.sel(metric="accuracy").item()
    1.0
    """
    _check(p_target, resamples, seed, batch_size)
    by = [by] if isinstance(by, str) else by
    given = {
        "task": task,
        "multilabel": multilabel,
        "by": by,
        "limit": limit,
        "positive": positive,
        "p_target": p_target,
    }
    given |= {"resamples": resamples, "seed": seed, "batch_size": batch_size}
    found = given_data(data, by=task, limit=limit, sample_rate=subject.sample_rate)
    place = str(data) if isinstance(data, (str, Path)) else "the data set"
    several = _several(subject, found, multilabel)
    classes = _classes(subject, several=several)
    named, places, problems = _divided(found.items, classes, bare=several and (multilabel or found.multilabel))
    if not named:
        first = f"; {problems[0].name}: {problems[0].message}" if problems else ""
        notes = "".join(f"; {note}".replace("(--by)", "(--task)") for note in found.notes)
        raise InputError(f"no clip of {place} can be judged{first}{notes}")
    _check_positive(subject, classes, several, positive)
    if several or len(classes) == 2:
        sklearn_metrics()  # which is missed before anything is scored
    results.check_groups(named, by)
    scored, failed = scores_of(
        subject, named, classes=classes, several=several, batch_size=batch_size, progress=progress
    )
    if not scored:
        raise InputError(f"no clip of {place} could be scored; {failed[0].name}: {failed[0].message}")
    measures = _measures(scored, classes, several, positive, p_target)
    ids = dict(zip(map(id, named), _ids(found.items, places), strict=True))
    unfound = [Problem(name, cause, reason) for cause, name, reason in found.problems.reasons()]
    groups = results.groups(measures, scored, by, resamples, seed)
    metrics = results.metrics(measures, scored, resamples, seed)
    parts = [
        metrics,
        results.clips(measures, scored, classes, [ids[id(one.item)] for one in scored]),
        groups,
        results.pictured(measures, classes),
        results.left_out([*unfound, *problems, *failed]),
    ]
    result = xr.merge(parts, combine_attrs="drop_conflicts")
    facts: dict[str, Any] = {"audio": f"{place} ({len(scored)} sounds)"}
    facts |= joined_note(
        *found.notes,
        untrained(subject),
        varying(subject),
        _assumed(subject, several),
        metrics.attrs.get("note"),
        groups.attrs.get("note"),
    )
    identity: dict[str, Any] = {"model": subject.name, "model_sha256": subject.digest, "subject": signature(subject)}
    result = result[["value", *(name for name in result.data_vars if name != "value")]]
    return sign(result, "evaluate", "definitions in the documentation of otoscope.metrics", given, **identity, **facts)


def _check(p_target: float, resamples: int, seed: int, batch_size: int) -> None:
    if not 0 < p_target < 1:
        raise InputError(f"p_target is a probability above 0 and below 1, not {p_target}")
    for name, count in (("resamples", resamples), ("batch_size", batch_size)):
        if count < 1:
            raise InputError(f"{name} has to be 1 or more, not {count}")
    check_seed(seed)


def _several(subject: Subject, found: DataSet, asked: bool | None) -> bool:
    """Whether a clip may have several classes."""
    if asked is not None:
        many = next((item.name for item in found.items if len(item.labels) > 1), None) if not asked else None
        if many is not None:
            raise InputError(f"{many} has several classes: leave multilabel out, or give clips of one class each")
        return asked
    return bool(subject.contract.multilabel) or found.multilabel


def _assumed(subject: Subject, several: bool) -> str | None:
    """What is said of probabilities of which the model does not say how they are made."""
    contract = subject.contract
    if not several or contract.multilabel is not None or contract.scores != "logits":
        return None
    return "probabilities are sigmoids of the logits, for the clips may have several classes; the model does not say"


def _ids(items: Sequence[Item], places: Sequence[int]) -> list[str]:
    """By which sweeps know the clips, too."""
    every = [one.decode() for one in ids_of(read_stamps(items))]
    return [every[place] for place in places]


def _classes(subject: Subject, *, several: bool) -> tuple[str, ...]:
    classes = subject.classes
    if not classes:
        raise InputError(
            f"{subject.name} does not name its classes, so that labels cannot be compared with its answers: give the "
            "model an attribute classes, or in Python Scope(model, classes=[...])"
        )
    if len(classes) == 1 and not several:
        one = classes[0]
        raise InputError(
            f"{subject.name} names one class, {one!r}, so that there is no other to tell it from: name both, the one "
            f"that a single logit speaks for as the last, as in classes=['not {one}', '{one}']"
        )
    return classes


def _divided(
    items: Sequence[Item], classes: Sequence[str], *, bare: bool
) -> tuple[list[Item], list[int], list[Problem]]:
    """The clips whose labels the model knows, with their places, and the others.

    `bare` ones, without labels, have none of the classes, unless that is so of all.
    """
    named, places, problems, known = list[Item](), list[int](), list[Problem](), _Classes(classes)
    bare = bare and any(labels_of(items))
    for place, item in enumerate(items):
        found = [known.called(label) for label in item.labels]
        other = [label for label, name in zip(item.labels, found, strict=True) if name is None]
        if (item.labels or bare) and not other:
            places.append(place)
            labels = tuple(name for name in found if name is not None)
            named.append(item if labels == item.labels else replace(item, labels=labels))
            continue
        reason = (
            f"its label {other[0]!r} is not a class of the model, which are {', '.join(list(classes)[:20])}"
            if other
            else "it has no label"
        )
        problems.append(Problem(name_of(item), ANOTHER_CLASS if other else UNLABELLED, reason))
    return named, places, problems


class _Classes:
    """The classes of a model, by how a list may write them: a number also in another form, 1 as 1.0 or 01."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._names = set(classes)
        self._numbers: dict[float, list[str]] = {}
        for name in classes:
            number = _number(name)
            if number is not None:
                self._numbers.setdefault(number, []).append(name)

    def called(self, label: str) -> str | None:
        """The class that a label means; None where there is none, or several."""
        if label in self._names:
            return label
        number = _number(label)
        same = [] if number is None else self._numbers.get(number, [])
        return same[0] if len(same) == 1 else None


def _number(text: str) -> float | None:
    try:
        return float(text) if math.isfinite(float(text)) else None
    except ValueError:
        return None


def _check_positive(subject: Subject, classes: Sequence[str], several: bool, positive: str | None) -> None:
    if positive is None:
        return
    if several:
        raise InputError(f"positive chooses one of two classes, and here a clip may have several: not {positive!r}")
    if positive not in classes or len(classes) != 2:
        raise InputError(
            f"positive chooses one of two classes, and {subject.name} has {', '.join(classes)}: not {positive!r}"
        )


def _measures(
    scored: Sequence[Scored],
    classes: tuple[str, ...],
    several: bool,
    positive: str | None,
    p_target: float,
) -> Measures:
    scores = np.stack([one.scores for one in scored])
    probabilities = np.stack([one.probabilities for one in scored])
    number = {name: place for place, name in enumerate(classes)}
    if several:
        targets = np.zeros(scores.shape, dtype=bool)
        for row, one in zip(targets, scored, strict=True):
            row[[number[label] for label in one.labels]] = True
        return SeveralClasses(scores, probabilities, targets)
    labels = np.array([number[one.labels[0]] for one in scored])
    return OneClass(scores, probabilities, labels, number.get(positive or "", len(classes) - 1), p_target)
