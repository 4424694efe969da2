"""Linear classifiers on frozen layers, for all labels and few, and whole networks trained on few labels."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from otoscope.data.items import DataSet, label_codes
from otoscope.methods.linear_probe import LinearProbe, Schedule, fit_probe, probe_score
from otoscope.studies.inputs import Sounds
from otoscope.studies.sonification.encoders import (
    ALL,
    CNN12,
    CONTRASTIVE,
    FREE,
    NONE,
    SUPERVISED,
    TWICE,
    Trained,
)
from otoscope.studies.sonification.features import (
    LAYERS,
    Pooled,
    batches,
    inputs_of,
    mean_over_time,
    of_layers,
    subject_of,
    up_to,
)
from otoscope.studies.step import Outcome, Row, Step, Work

SHARES = (0.01, 0.05, 0.1, 1.0)
"""Of the labels."""
STEPS = 500
"""Of a classifier alone."""
TUNED_LAYERS = (3, 6, 9, 11)
_BATCH = 32
_Set: TypeAlias = tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]
"""Of a data set the tasks with the labels of each, and the splits to train on and to test on."""
_FREE_SETS: dict[str, _Set] = {
    "fsdd": ({"digits": "digit", "speakers": "speaker"}, ("train",), ("test",)),
    "esc10": ({"events": "category"}, ("fold1", "fold2", "fold3", "fold4"), ("fold5",)),
}
_LARGE_SETS: dict[str, _Set] = {
    "fsd50k": ({"events": ""}, ("train",), ("val",)),
    "speech-commands": ({"words": "word"}, ("train",), ("val",)),
    "voxceleb1": ({"speakers": "speaker"}, ("train",), ("val",)),
}
"""The thesis scores layers on the validation sets."""


def probe_steps(one: Trained) -> Iterator[Step]:
    """Of the encoders of a seed, and of one with random weights, what classifiers on each layer know."""
    for start in (CONTRASTIVE, SUPERVISED, NONE):
        for name, (tasks, train, test) in _sets(one).items():
            yield Step(
                "probe",
                probe,
                {
                    "tasks": tasks,
                    "train": list(train),
                    "test": list(test),
                    "shares": list(SHARES),
                    "steps": STEPS // 5 if one.setting.quick else STEPS,
                },
                {"data": one.data, "set": name, "start": start, "seed": one.seed},
                (Sounds(name, splits=(*train, *test)),),
                (one.contrastive if start == NONE else one.encoder(start),),
                part="layers",
                seconds=(20 if name == "fsdd" else 9) / (3 if one.setting.quick else 1),
                command=f"otoscope layer-importance FOLDER {name}@{','.join(train)} --test {name}@{','.join(test)}",
            )


def tuned_steps(one: Trained) -> Iterator[Step]:
    """Networks that are trained whole, up to each of some layers, on few labels here and on all at full scale."""
    for start in (CONTRASTIVE, SUPERVISED, NONE):
        for name, (tasks, train, test) in _sets(one).items():
            if name in ("esc10", "voxceleb1"):
                continue
            yield Step(
                "tuned",
                tuned,
                {
                    "tasks": tasks, "train": list(train), "test": list(test),
                    "layers": [LAYERS] if one.setting.quick and one.data == FREE else list(TUNED_LAYERS),
                    "share": 0.1 if one.data == FREE else 1.0, "epochs": 3 if one.setting.quick else 15, "seconds": 2.5,
                },
                {"data": one.data, "set": name, "start": start, "seed": one.seed},
                (Sounds(name, splits=(*train, *test)),),
                (one.contrastive if start == NONE else one.encoder(start),),
                part="layers",
                seconds=5 if one.setting.quick else 40,
                command=f"otoscope layer-importance FOLDER {name}@{','.join(train)} --no-frozen",
            )  # fmt: skip


def variant_steps(one: Trained) -> Iterator[Step]:
    """Of encoders trained without labels in other ways what a classifier on the last layer knows."""
    if one.data != FREE or one.setting.quick:
        return  # at full scale these are trainings, by the recipes of Table 4.1
    for variant, network in ((ALL, CNN12), *((name, CNN12) for name in one.variants), (ALL, TWICE)):
        for name, (tasks, train, test) in _FREE_SETS.items():
            yield Step(
                "variant",
                probe,
                {"tasks": tasks, "train": list(train), "test": list(test), "shares": [1.0], "steps": STEPS, "only": 11},
                {
                    "data": one.data, "set": name, "start": CONTRASTIVE, "variant": variant, "network": network,
                    "seed": one.seed,
                },
                (Sounds(name, splits=(*train, *test)),),
                (one.variant(variant, network),),
                part="encoder",
                seconds=10,
                command=f"otoscope layer-importance FOLDER {name}@{','.join(train)} --layer relu11",
            )  # fmt: skip


def _sets(one: Trained) -> dict[str, _Set]:
    if one.data == FREE:
        return _FREE_SETS
    return {name: found for name, found in _LARGE_SETS.items() if one.setting.has(name)}


def probe(work: Work) -> Outcome:
    """The score of a linear classifier behind each layer, for all labels; and behind the last one for shares of them.

    The features of all clips are computed once. Of few labels, as many of each class are drawn, the same for every
    encoder of a seed.
    """
    given, seed = work.arguments, int(work.step.labels["seed"])
    subject = subject_of(work.model(), 0 if work.step.labels["start"] == NONE else None)
    rows: list[Row] = []
    features: dict[str, list[Tensor]] = {}
    for task, named in given["tasks"].items():
        learnt, tested = _parts(work, named)
        for part, data in (("train", learnt), ("test", tested)):
            if part not in features:  # of another task they are the same sounds
                features[part] = of_layers(subject.model, inputs_of(subject, data), {"mean": mean_over_time})["mean"]
        known, test_known = numbers_of(learnt), numbers_of(tested)
        for layer in range(int(given.get("only", 1)), LAYERS + 1):
            for share in given["shares"] if layer == LAYERS else (1.0,):
                drawn = some_of(known, share, seed)
                own, other = features["train"][layer - 1][drawn], features["test"][layer - 1]
                score = _probed(own, known[drawn], other, test_known, given["steps"], seed)
                rows.append({
                    "task": task, "layer": layer, "share": share, "score": score,
                    "metric": "mAP" if known.ndim > 1 else "accuracy", "labels": len(drawn), "clips": len(test_known),
                })  # fmt: skip
            work.report(task, layer, LAYERS)
    return Outcome(rows)


def _probed(own: Tensor, known: Tensor, other: Tensor, test_known: Tensor, steps: int, seed: int) -> float:
    epochs = math.ceil(steps / math.ceil(len(known) / _BATCH))
    head = LinearProbe(own, _classes(known, test_known), seed)
    fit_probe(head, None, own.__getitem__, known, Schedule(epochs, _BATCH, 0.01, 0.0), seed)
    return probe_score(head(other).detach().numpy(), test_known)


def tuned(work: Work) -> Outcome:
    """The score of networks cut after a layer, with a linear classifier, all of which is trained."""
    given, seed = work.arguments, int(work.step.labels["seed"])
    subject = subject_of(work.model(), 0 if work.step.labels["start"] == NONE else None)
    rows: list[Row] = []
    for task, named in given["tasks"].items():
        learnt, tested = _parts(work, named)
        known, test_known = numbers_of(learnt), numbers_of(tested)
        drawn = some_of(known, given["share"], seed)
        clips = inputs_of(subject, _only(learnt, drawn), given["seconds"])
        test_clips = inputs_of(subject, tested, given["seconds"])
        for layer in given["layers"]:
            network = Pooled(copy.deepcopy(up_to(subject.model, layer)))
            with torch.no_grad():
                before = _of_all(network, clips)
            head = LinearProbe(before, _classes(known, test_known), seed)
            schedule = Schedule(given["epochs"], _BATCH, 0.01, 1e-3)
            fit_probe(
                head,
                network,
                lambda places, network=network, clips=clips: network([clips[n] for n in places.tolist()]),  # type: ignore[misc]
                known[drawn],
                schedule,
                seed,
            )
            with torch.no_grad():
                score = probe_score(head(_of_all(network, test_clips)).numpy(), test_known)
            rows.append({
                "task": task, "layer": layer, "share": given["share"], "score": score,
                "metric": "mAP" if known.ndim > 1 else "accuracy", "labels": len(drawn), "clips": len(test_known),
            })  # fmt: skip
            work.report(task, layer, LAYERS)
    return Outcome(rows)


def _of_all(network: Pooled, clips: Sequence[Tensor]) -> Tensor:
    groups = list(batches(clips))
    back = torch.tensor([place for group in groups for place in group]).argsort()
    return torch.cat([network([clips[n] for n in group]) for group in groups])[back]


def _parts(work: Work, task: str) -> tuple[DataSet, DataSet]:
    one = work.step.inputs[0]
    assert isinstance(one, Sounds)
    found = work.data.read(Sounds(one.set, task or None, one.splits))
    return found.part(*work.arguments["train"]), found.part(*work.arguments["test"])


def _only(data: DataSet, places: Tensor) -> DataSet:
    return DataSet(tuple(data.items[n] for n in places.tolist()), data.classes, multilabel=data.multilabel)


def numbers_of(data: DataSet) -> Tensor:
    """The number of the class of each clip (clip,); of several labels zeros and ones (clip, class)."""
    codes, ends = label_codes(data.items, data.classes)
    if not data.multilabel:
        return torch.from_numpy(codes.astype(np.int64))
    known = torch.zeros(len(data), len(data.classes))
    known[np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0)), codes.astype(np.int64)] = 1.0
    return known


def some_of(known: Tensor, share: float, seed: int) -> Tensor:
    """The places of a share of the clips: of each class the same, and one at least; of several labels of all clips.

    Examples
    --------
    >>> places = some_of(torch.tensor([0] * 100 + [1] * 10), 0.1, seed=0)
    >>> len(places), int((places >= 100).sum())
    (11, 1)
    """
    if share >= 1:
        return torch.arange(len(known))
    rng = np.random.default_rng(seed)
    if known.ndim > 1:
        return torch.from_numpy(np.sort(rng.permutation(len(known))[: max(2, round(share * len(known)))]))
    found = []
    for number in known.unique().tolist():
        (places,) = np.nonzero(known.numpy() == number)
        found.append(rng.permutation(places)[: max(1, round(share * len(places)))])
    return torch.from_numpy(np.sort(np.concatenate(found)))


def _classes(known: Tensor, test_known: Tensor) -> int:
    return known.shape[1] if known.ndim > 1 else int(max(known.max(), test_known.max())) + 1
