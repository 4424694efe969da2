"""The parts of the result of an evaluation, as labelled arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from otoscope.data.item import Item, speaker_of
from otoscope.evaluation.groups import MEASURED, groups_by, usual_facts
from otoscope.evaluation.measures import Measures, OneClass
from otoscope.evaluation.scored import Problem, Scored
from otoscope.evaluation.spread import over_clips, over_speakers
from otoscope.heard import joined_note
from otoscope.metrics import confusion_matrix, error_curve, reliability
from otoscope.results import axis, variable


def metrics(measures: Measures, scored: Sequence[Scored], resamples: int, seed: int) -> xr.Dataset:
    """Each metric with its bounds over clips and over speakers."""
    everyone = np.arange(len(scored))
    low, high = over_clips(measures.measured, everyone, resamples, seed)
    parts = {
        "value": variable(["metric"], measures.measured(everyone), "metric"),
        "ci_low": variable(["metric"], low, "95 % interval over clips, lower bound"),
        "ci_high": variable(["metric"], high, "95 % interval over clips, upper bound"),
    }
    attrs: dict[str, str | int] = {"clips": len(scored)}
    fact = speaker_of(dict.fromkeys(name for one in scored for name in one.facts))
    if fact is not None:
        speakers = [one.facts.get(fact, "") for one in scored]
        spread = over_speakers(measures.measured, measures.of_group, speakers, resamples, seed)
        what = "lowest and highest of a speaker" if spread.kind == "range" else "95 % interval over speakers"
        parts["speakers_low"] = variable(["metric"], spread.low, f"{what}, lower bound")
        parts["speakers_high"] = variable(["metric"], spread.high, f"{what}, upper bound")
        attrs |= {"speakers": len(set(speakers) - {""}), "speakers_interval": spread.kind}
        unknown = speakers.count("")
        if unknown:
            attrs |= joined_note(
                f"{unknown} of {len(scored)} clips name no speaker: they are not in what is over speakers"
            )
    return xr.Dataset(parts, {"metric": axis("metric", list(measures.names), "metric")}, attrs)


def clips(measures: Measures, scored: Sequence[Scored], classes: Sequence[str], ids: Sequence[str]) -> xr.Dataset:
    """The answer to each clip, and what is known of the clip."""
    names = np.asarray(classes)
    answers = measures.scores.argmax(1)
    sure = np.take_along_axis(measures.probabilities, answers[:, None], 1)[:, 0]
    parts = {
        "label": variable(["clip"], [",".join(one.labels) for one in scored], "class"),
        "answer": variable(["clip"], names[answers], "class with the highest score"),
        "probability": variable(["clip"], sure, "probability of the answer"),
        "correct": variable(["clip"], measures.right, "right"),
        "scores": variable(["clip", "class"], measures.scores.astype(np.float32), "logit"),
        "seconds": variable(["clip"], [one.seconds for one in scored], "duration", "s"),
        "level": variable(["clip"], [one.level for one in scored], "RMS level re full scale", "dB"),
        "id": variable(["clip"], list(ids), "by which it is known again"),
        "split": variable(["clip"], [one.item.split for one in scored], "part of the data"),
        "start": variable(["clip"], [_known(one.item.start) for one in scored], "start in the file", "s"),
        "stop": variable(["clip"], [_known(one.item.stop) for one in scored], "stop in the file", "s"),
    }
    for name in dict.fromkeys(name for one in scored for name in one.facts):
        parts[f"fact_{name}"] = variable(["clip"], [one.facts.get(name, "") for one in scored], name)
    coords = {"clip": axis("clip", [one.name for one in scored], "clip"), "class": axis("class", names, "class")}
    return xr.Dataset(parts, coords)


def _known(time: float | None) -> float:
    return math.nan if time is None else time


def check_groups(items: Sequence[Item], by: Sequence[str] | None) -> None:
    """Raise an InputError where clips cannot be divided by a fact that is asked for, before anything is scored."""
    measured = {name: np.zeros(len(items)) for name in MEASURED}
    for name in by or ():
        groups_by(name, _facts(items), measured)


def _facts(clips: Sequence[Item] | Sequence[Scored]) -> list[dict[str, str]]:
    """What clips can be divided by."""
    return [{"label": ",".join(one.labels)} | dict(one.facts) for one in clips]


def groups(
    measures: Measures, scored: Sequence[Scored], by: Sequence[str] | None, resamples: int, seed: int
) -> xr.Dataset:
    """The metrics of clips that have a fact in common, with their intervals over clips."""
    labels = [",".join(one.labels) for one in scored]
    facts = _facts(scored)
    measured = {"duration": np.array([one.seconds for one in scored]), "level": np.array([one.level for one in scored])}
    chosen = usual_facts([one.facts for one in scored], labels) if by is None else by
    found = [
        (name, group, members)
        for name in dict.fromkeys(chosen)
        for group, members in groups_by(name, facts, measured).items()
        if members.size
    ]
    if not found:
        return xr.Dataset()
    values = [measures.of_group(members) for *_, members in found]
    bounds = [
        over_clips(measures.measured if measures.several(members) else measures.of_group, members, resamples, seed)
        for *_, members in found
    ]
    of_one_class = dict.fromkeys(name for name, _, members in found if not measures.several(members))
    both = ["group", "metric"]
    return xr.Dataset(
        {
            "group_by": variable(["group"], [name for name, *_ in found], "divided by"),
            "group_name": variable(["group"], [group for _, group, _ in found], "group"),
            "group_clips": variable(["group"], [members.size for *_, members in found], "clips"),
            "group_value": variable(both, np.stack(values), "metric"),
            "group_ci_low": variable(both, np.stack([low for low, _ in bounds]), "95 % interval, lower bound"),
            "group_ci_high": variable(both, np.stack([high for _, high in bounds]), "95 % interval, upper bound"),
        },
        {"metric": list(measures.names)},
        joined_note(_of_one_class(list(of_one_class))),
    )


def _of_one_class(facts: Sequence[str]) -> str:
    """What is said where groups by some facts hold clips of one class."""
    if not facts:
        return ""
    return (
        f"groups by {', '.join(facts)} have clips of one class alone: their accuracy is the recall of that class, and "
        "balanced accuracy, UAR and F1, which are means over classes, are not given"
    )


def pictured(measures: Measures, classes: Sequence[str]) -> xr.Dataset:
    """Confusion, reliability, and of two classes the curve of errors."""
    if not isinstance(measures, OneClass):
        found = reliability(measures.probabilities.ravel().clip(0, 1), measures.targets.ravel())
        return _reliability(*found)
    found = reliability(measures.sureness, measures.answers == measures.labels)
    counts = confusion_matrix(measures.answers, measures.labels, len(classes))
    parts = xr.Dataset(
        {"confusion": variable(["class", "predicted"], counts, "clips")},
        {"class": list(classes), "predicted": axis("predicted", list(classes), "answer")},
    ).merge(_reliability(*found))
    there = measures.labels == measures.positive
    if len(classes) == 2 and 0 < there.sum() < there.size:
        false_alarms, misses, _ = error_curve(measures.evidence, there)
        parts["false_alarms"] = variable(["threshold"], false_alarms, "false-alarm rate")
        parts["misses"] = variable(["threshold"], misses, "miss rate")
        parts.attrs["positive"] = classes[measures.positive]
    return parts


def left_out(problems: Sequence[Problem]) -> xr.Dataset:
    """What was not scored, and why."""
    if not problems:
        return xr.Dataset()
    return xr.Dataset(
        {
            "problem": variable(["left_out"], [one.name for one in problems], "clip that was left out"),
            "problem_cause": variable(["left_out"], [one.cause for one in problems], "cause"),
            "problem_message": variable(["left_out"], [one.message for one in problems], "reason"),
        }
    )


def _reliability(
    low: np.ndarray, high: np.ndarray, answers: np.ndarray, mean: np.ndarray, share: np.ndarray
) -> xr.Dataset:
    return xr.Dataset(
        {
            "bin_low": variable(["bin"], low, "probability, lower bound"),
            "bin_high": variable(["bin"], high, "probability, upper bound"),
            "bin_answers": variable(["bin"], answers, "answers"),
            "bin_probability": variable(["bin"], mean, "mean probability"),
            "bin_right": variable(["bin"], share, "share that is right"),
        }
    )
