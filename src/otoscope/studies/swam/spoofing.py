"""Table 1 and Fig. 3: genuine and made speech by the CRS of first layers, and classes of sounds by the same.

On the free data what vocoders make of spoken digits stands for the spoofs; where ASVspoof 2019 LA is there, its
evaluation part is used as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from otoscope.data.find import drawn
from otoscope.data.items import DataSet
from otoscope.methods.crs import crs
from otoscope.methods.crs_classifier import crs_classifier
from otoscope.models import load
from otoscope.models.zoo import build
from otoscope.studies.inputs import File, Input, Package, Sounds
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.studies.study import Setting
from otoscope.studies.swam.trained import FREE, LARGE
from otoscope.studies.swam.voices import GENUINE, GROUPS, MADE, names_of, resynthesised, spoofed
from otoscope.subject import Subject

WEIGHTS = File("tssdnet/inc_tssdnet_asvspoof2019_la.pth")
INCEPTION, RESNET = "InceptionNet", "ResNet"
ARCHITECTURES = {INCEPTION: "inc-tssdnet", RESNET: "res-tssdnet"}
SPOOFS = Sounds("asvspoof2019-la", task="group", splits=("eval",))
DIGITS = Sounds("fsdd", task="speaker", splits=("test",))
SCENES = Sounds("esc10")
N_FFT, LENGTH, FOLDS, PERMUTATIONS, FEWEST = 256, 16_000, 6, 1000, 3
"""Length of the transform; samples that a network takes; of the cross-validation; clips of a speaker at least."""


@dataclass(frozen=True)
class Network:
    """A network whose first layer is looked at.

    Attributes
    ----------
    name : str
        ``InceptionNet`` or ``ResNet``.
    weights : str
        ``published``, ``trained`` or ``random``.
    seed : int
    train : Step or None
        That trains it.
    """

    name: str
    weights: str
    seed: int
    train: Step | None = None

    @property
    def labels(self) -> dict[str, str | int]:
        return {"network": self.name, "weights": self.weights, "seed": self.seed}

    @property
    def arguments(self) -> dict[str, Any]:
        """What decides the weights where no step trains them."""
        return {"architecture": ARCHITECTURES[self.name], "length": LENGTH}

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (WEIGHTS,) if self.weights == "published" else ()

    @property
    def needs(self) -> tuple[Step, ...]:
        return () if self.train is None else (self.train,)


def spoofing_steps(setting: Setting, residual: dict[str, Sequence[Step]]) -> Iterator[Step]:
    """Both networks and random ones of their shapes, on each kind of made speech, and on the classes of ESC-10.

    A quick run leaves random ones out on the free data.

    Parameters
    ----------
    setting : Setting
    residual : mapping of str to sequence of Step
        By the data, the trainings of the residual network.
    """
    shown = ((FREE, DIGITS, 18 if setting.quick else 90), (LARGE, SPOOFS, 60 if setting.quick else 1000))
    for data, sounds, clips in shown:
        if data == LARGE and not setting.has(SPOOFS.set):
            continue
        for network in _networks(residual.get(data, ()), with_random=data == LARGE or not setting.quick):
            for group in GROUPS:
                praat = (Package("parselmouth"),) if data == FREE and "VC" in group else ()
                inputs = (sounds, *network.inputs, *praat)
                labels = {"data": data, **network.labels, "group": group}
                given = {**network.arguments, "clips": clips}
                yield Step(
                    "spoofing", spoofing_of, {**given, "folds": FOLDS}, labels, inputs, network.needs,
                    part="spoofing", seconds=0.15 * clips, command="otoscope crs-classifier MODEL DATA",
                )  # fmt: skip
                kept = 30 if network.weights != "random" and network.seed == 0 else 0
                yield Step(
                    "spoofing_crs", spectra_of, {**given, "kept": kept}, labels, inputs, network.needs,
                    part="spoofing", seconds=0.15 * clips, command="otoscope crs MODEL CLIP",
                )  # fmt: skip
    for network in _networks(residual.get(FREE, ()), with_random=not setting.quick):
        clips = 100 if setting.quick else 400
        yield Step(
            "scenes", scenes_of, {**network.arguments, "clips": clips, "folds": 5}, {"data": FREE, **network.labels},
            (SCENES, *network.inputs), network.needs, part="spoofing", seconds=0.1 * clips,
            command="otoscope crs-classifier MODEL esc10",
        )  # fmt: skip


def _networks(trained: Sequence[Step], *, with_random: bool) -> list[Network]:
    found = [Network(INCEPTION, "published", 0)]
    found += [Network(RESNET, "trained", seed, step) for seed, step in enumerate(trained)]
    return [*found, *(Network(name, "random", 0) for name in (INCEPTION, RESNET) if with_random)]


def spoofing_of(work: Work) -> Outcome:
    """The accuracy of each fold."""
    return _classified(_network(work), _voices(work), work)


def scenes_of(work: Work) -> Outcome:
    """The accuracy of each fold on the classes of a set of sounds."""
    return _classified(_network(work), drawn(work.sounds(), work.arguments["clips"]), work)


def spectra_of(work: Work) -> Outcome:
    """Of each speaker how far the mean CRS of genuine and made clips are apart, and the largest distance by chance.

    The CRS of each clip is divided by its sum. With `kept` the CRS of so many clips of each class are kept to be drawn.
    """
    subject, found = _network(work), _voices(work)
    features, frequency = _features(subject, found, work)
    labels = np.array([item.labels[0] for item in found])
    speakers = np.array(list(names_of(found, "speaker")))
    rows: list[Row] = []
    for speaker in dict.fromkeys(speakers):
        own, made = features[speakers == speaker], labels[speakers == speaker] == MADE
        if min(made.sum(), (~made).sum()) >= FEWEST:
            distance, chance = distance_and_chance(own, made)
            rows.append({"speaker": str(speaker), "clips": len(own), "distance": distance, "chance": chance})
    kept, results = work.arguments["kept"], {}
    for label in (GENUINE, MADE) if kept else ():
        some = features[labels == label][:kept].astype("float32")
        results[label] = xr.Dataset({"crs": (("clip", "frequency"), some)}, {"frequency": frequency}, {"method": "crs"})
    return Outcome(rows, results)


def distance_and_chance(features: np.ndarray, made: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """Euclidean distance of the mean features of two classes, and the largest of 1,000 permutations of the labels.

    Parameters
    ----------
    features : ndarray, (clip, feature)
    made : ndarray of bool, (clip,)

    Examples
    --------
    >>> features = np.repeat([[0.0, 1.0], [1.0, 0.0]], 8, axis=0)
    >>> distance, chance = distance_and_chance(features, np.arange(16) >= 8)
    >>> round(distance, 3), chance < distance
    (1.414, True)
    """
    rng = np.random.default_rng(seed)
    orders = np.stack([made, *(rng.permutation(made) for _ in range(PERMUTATIONS))])
    weights = orders / orders.sum(1, keepdims=True) - ~orders / (~orders).sum(1, keepdims=True)
    distances = np.linalg.norm(weights @ features, axis=1)
    return float(distances[0]), float(distances[1:].max())


# -- Parts ------------------------------------------------------------------------------------------------


def _classified(subject: Subject, found: DataSet, work: Work) -> Outcome:
    scored = crs_classifier(subject, found, groups=None, n_fft=N_FFT, folds=work.arguments["folds"], resamples=1)
    accuracies = scored["fold_accuracy"].sel(group="all").values
    chance, clips = (float(scored[name].sel(group="all")) for name in ("chance", "clips"))
    return Outcome([
        {"fold": number, "accuracy": float(one), "chance": chance, "clips": int(clips)}
        for number, one in enumerate(accuracies, start=1) if np.isfinite(one)
    ])  # fmt: skip


def _voices(work: Work) -> DataSet:
    group, clips = str(work.step.labels["group"]), work.arguments["clips"]
    if work.step.labels["data"] == FREE:
        return resynthesised(work.sounds(), group, clips, LENGTH)
    return spoofed(work.sounds(), group, clips)


def _features(subject: Subject, found: DataSet, work: Work) -> tuple[np.ndarray, np.ndarray]:
    """The CRS of each clip, with a sum of 1, and its frequencies."""
    features = []
    for number, item in enumerate(found):
        spectrum = crs(subject, item.sound, n_fft=N_FFT)["crs"]  # type: ignore[arg-type]
        values = spectrum.values.ravel().astype(float)
        features.append(values / values.sum())
        work.report("clips", number + 1, len(found))
    return np.stack(features), spectrum.frequency.values


def _network(work: Work) -> Subject:
    """With inputs of one second, whatever it was trained on: nothing in it depends on their length."""
    given, labels = work.arguments, work.step.labels
    options = {"input_length": given["length"]}
    if labels["weights"] == "published":
        return Subject(load(given["architecture"], weights=work.file(1), **options))
    if work.step.needs:
        model: Any = load(str(work.model()))
        model.input_length = given["length"]
        return Subject(model.eval())
    import torch

    torch.manual_seed(int(labels["seed"]))
    return Subject(build(given["architecture"], options).eval())
