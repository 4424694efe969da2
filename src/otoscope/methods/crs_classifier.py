"""How well the classes of a data set can be recognised from the response spectra of the first layer alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from otoscope.citations import cite
from otoscope.data.item import speaker_of
from otoscope.dsp import response
from otoscope.dsp.effect import bootstrap_interval, bootstrap_weights, chance_level, cohens_d, eta_squared, moments
from otoscope.errors import InputError
from otoscope.methods.arguments import check_seed
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.probe.first import FirstLayer, at_least, first_layer
from otoscope.results import axis, variable
from otoscope.sounds import Clip, needs_classes, sounds_of
from otoscope.subject import Subject, silence
from otoscope.types import Data, Progress

Array = npt.NDArray[Any]

ALL = "all"
"""The name of the group of all clips."""

_RECORDING = "id"  # a fact that says from which recording a clip was cut
_COLUMNS = ("accuracy", "accuracy_deviation", "balanced_accuracy", "chance", "clips", "folds_used", "units")


@method(source=cite("swam", "section 3.4, Table 1"), takes="data", rows=Rows(("group",), _COLUMNS), main="accuracy")
def crs_classifier(
    subject: Subject,
    data: Data,
    *,
    groups: str | None = None,
    layer: str | None = None,
    n_fft: int = 1024,
    hop: int | None = None,
    degree: int = 3,
    penalty: float = 1.0,
    folds: int = 5,
    resamples: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Accuracy of a support vector machine on cumulative response spectra (CRS), and where classes differ in them.

    Parameters
    ----------
    data : data set or sequence of (wave, label)
        Sounds with a class each; the classes need not be those of the model.
    groups : str, optional
        A fact of the data by which the classes are taken apart, such as ``group`` of ASVspoof 2019: each of its values
        is classified against the classes that have a value of their own (bona fide speech). By default ``group``
        where the data set has it, else only all clips together.
    layer : str, optional
        The layer; by default the first that is a bank of kernels on something still a waveform.
    n_fft : int
        Length of the Fourier transform of the kernels; there are ``n_fft // 2 + 1`` features. It is raised to a power
        of two where a kernel is longer.
    hop : int, optional
        Values of what the layer reads from one frame to the next; the stride of the layer by default.
    degree : int
        Of the polynomial kernel.
    penalty : float
        Of misclassification, the C of the support vector machine.
    folds : int
        Parts of the cross-validation, at most; fewer where a class has fewer speakers or files.
    resamples : int
        Draws of the bootstrap for the bounds of the effect sizes.
    seed : int
        Of the division into folds and of the bootstrap.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips.

    Returns
    -------
    Dataset
        Over `group` (all clips first): `accuracy`, mean over folds, and `accuracy_deviation`, its standard deviation
        over them; `balanced_accuracy`, the mean recall of the classes; `chance`, the share of the commonest class;
        `clips`, `folds_used` and `units` (speakers or files that were kept together); `fold_accuracy` (group, fold).
        Of all clips: `class_crs` (class, frequency), the mean CRS of each class; `effect` (frequency), how far the
        classes differ there, with bounds `effect_ci_low` and `effect_ci_high`, and `effect_chance`, which the largest
        of all frequencies exceeds in 5 % of data sets whose classes do not differ.

    Raises
    ------
    InputError
        If clips have no classes or a class has a single speaker or file, an option is out of range, or scikit-learn
        is not installed.

    Notes
    -----
    The CRS of every clip, each frequency standardised on the training folds, goes into a support vector machine with
    the kernel :math:`(\gamma\, x \cdot y)^d`, :math:`\gamma` one over the number of features times their variance.
    The silence that fills up a short clip has no part in its CRS, which would tell durations apart. Clips of one
    speaker stand on one side of a fold where the data says who speaks, else those cut from one recording where it
    says that, else those of one file. The published table gives accuracies as they are, of classes of very different
    size: read `balanced_accuracy` and `chance` beside them.

    The effect is Cohen's d for two classes (positive where the second has more), and for more of them
    :math:`\eta^2`, the share of the variance between clips that lies between classes. Its bounds are those of a
    bootstrap over clips, see :func:`otoscope.dsp.effect.bootstrap_interval`. With few clips a class :math:`\eta^2` is
    large by chance: `effect_chance` is found by shuffling the classes.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> scope = Subject(torch.nn.Conv1d(1, 8, 30, stride=10), sample_rate=8000)
    >>> time = torch.arange(2000) / 8000
    >>> tones = [(torch.sin(6.28 * f * (1 + n / 40) * time), str(f)) for f in (300, 2000) for n in range(12)]
    >>> crs_classifier(scope, tones, n_fft=64, folds=3, resamples=50).accuracy.values.tolist()
    [1.0]
    """
    if degree < 1 or folds < 2 or resamples < 1 or not 0 < penalty < np.inf:
        raise InputError("degree and resamples have to be 1 or more, folds 2 or more, and penalty above 0")
    check_seed(seed)
    sounds = sounds_of(subject, data)
    first = first_layer(subject.network, silence(subject), subject.sample_rate, layer)
    hop, n_fft = first.stride if hop is None else hop, at_least(n_fft, first.kernels)
    longest = max(kernel.shape[-1] for kernel in first.kernels)
    clips: list[Clip] = []
    spectra = []
    for clip in sounds:
        heard = max(math.ceil(clip.samples / first.hop), longest)  # frames of filling would tell durations apart
        signal = first.signal(subject.network, clip.inputs)[0][0, :heard]
        spectra.append(response.crs_stream([signal], first.kernels, hop, n_fft).cpu().numpy())
        clips.append(Clip(clip.name, clip.inputs.new_empty(0), clip.label, clip.facts))  # without the sound
        if progress:
            progress(len(clips), len(sounds))
    features = np.stack(spectra).astype(float) if spectra else np.zeros((0, 1))
    known = _known(clips)
    groups = "group" if groups is None and all("group" in clip.facts for clip in clips) else groups
    members = {ALL: np.arange(len(clips))} | _groups(clips, groups)
    scored = [
        _cross_validated(features[here], known.subset(here), degree, penalty, folds, seed) for here in members.values()
    ]
    result = _labelled(list(members), scored, [len(here) for here in members.values()])
    result = result.merge(_differences(features, known, n_fft, first, resamples, seed))
    result.attrs.update(classes=", ".join(known.classes), unit=known.unit, reads=first.reads)
    return resolved(result, layer=first.layer, hop=hop, n_fft=n_fft, groups=groups)


@dataclass(frozen=True)
class _Known:
    """What is known of clips: the number of the class and of the speaker or file of each."""

    classes: tuple[str, ...]
    number: Array
    unit: str
    unit_number: Array

    def subset(self, here: Array) -> _Known:
        return _Known(self.classes, self.number[here], self.unit, self.unit_number[here])


def _known(clips: Sequence[Clip]) -> _Known:
    unlabelled = next((clip.name for clip in clips if clip.label is None), None)
    if unlabelled is not None:
        raise InputError(f"{unlabelled} has no class: give a data set with classes, or pairs of a sound and its label")
    classes = tuple(dict.fromkeys(sorted(str(clip.label) for clip in clips)))
    if len(classes) < 2:
        raise InputError(needs_classes(classes))
    units = {"speaker": speaker_of(clips[0].facts), "recording": _RECORDING}
    unit, fact = next(((unit, fact) for unit, fact in units.items() if fact and _divides(fact, clips)), ("file", ""))
    names = [clip.facts[fact] if fact else clip.name for clip in clips]
    _, numbers = np.unique(names, return_inverse=True)
    return _Known(classes, np.array([classes.index(str(clip.label)) for clip in clips]), unit, numbers)


def _divides(fact: str, clips: Sequence[Clip]) -> bool:
    """Whether a fact is known of all clips, and is not the class itself, as when speakers are to be recognised."""
    return all(clip.facts.get(fact) for clip in clips) and any(clip.facts[fact] != clip.label for clip in clips)


def _groups(clips: Sequence[Clip], fact: str | None) -> dict[str, Array]:
    """The numbers of the clips of each group: those of one value of a fact, and those of the reference classes."""
    if fact is None:
        return {}
    without = next((clip.name for clip in clips if fact not in clip.facts), None)
    if without is not None:
        known = ", ".join(clips[0].facts) or "none"
        raise InputError(f"{without} has no fact {fact!r} to divide the classes by; the facts of the data are {known}")
    values, labels = [clip.facts[fact] for clip in clips], [clip.label for clip in clips]
    classes_of = {value: {label for v, label in zip(values, labels, strict=True) if v == value} for value in values}
    values_of = {label: {v for v, other in zip(values, labels, strict=True) if other == label} for label in labels}
    reference = {label for label, own in values_of.items() if len(own) == 1 and classes_of[next(iter(own))] == {label}}
    if reference == set(labels):
        raise InputError(f"each class has one value of {fact!r} of its own, so that there is nothing to divide by it")
    found = {}
    for value in sorted(value for value in classes_of if not classes_of[value] <= reference):
        here = [v == value or label in reference for v, label in zip(values, labels, strict=True)]
        found[value] = np.flatnonzero(here)
    return found


def _cross_validated(
    features: Array, known: _Known, degree: int, penalty: float, folds: int, seed: int
) -> dict[str, Any]:
    """Accuracy of each fold, with no speaker or file on both sides."""
    try:
        from sklearn.model_selection import StratifiedGroupKFold
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVC
    except ImportError:
        raise InputError("crs_classifier needs scikit-learn: pip install otoscope[train]") from None

    present = np.unique(known.number)
    units = {int(one): np.unique(known.unit_number[known.number == one]).size for one in present}
    poorest = min(units, key=lambda one: units[one])
    if len(present) < 2 or units[poorest] < 2:
        raise InputError(
            f"the class {known.classes[poorest]!r} has a single {known.unit}, which cannot stand on both sides of a "
            f"cross-validation: give sounds of two {known.unit}s or more of each class"
        )
    used = min(folds, units[poorest])
    splits = StratifiedGroupKFold(used, shuffle=True, random_state=seed)
    hits, recalls = [], []
    for train, test in splits.split(features, known.number, known.unit_number):
        truth = known.number[test]
        machine = make_pipeline(StandardScaler(), SVC(kernel="poly", degree=degree, C=penalty))
        predicted = machine.fit(features[train], known.number[train]).predict(features[test])
        hits.append(float((predicted == truth).mean()))
        recalls.append(np.mean([(predicted[truth == one] == one).mean() for one in np.unique(truth)]))
    chance = np.bincount(known.number).max() / len(known.number)
    return {
        "hits": hits,
        "recall": float(np.mean(recalls)),
        "chance": chance,
        "units": np.unique(known.unit_number).size,
    }


def _labelled(groups: list[str], scored: list[dict[str, Any]], clips: list[int]) -> xr.Dataset:
    most = max(len(one["hits"]) for one in scored)
    hits = np.array([one["hits"] + [np.nan] * (most - len(one["hits"])) for one in scored])
    return xr.Dataset(
        {
            "accuracy": variable(["group"], np.nanmean(hits, 1), "accuracy, mean over folds"),
            "accuracy_deviation": variable(["group"], np.nanstd(hits, 1, ddof=1), "standard deviation over folds"),
            "balanced_accuracy": variable(["group"], [one["recall"] for one in scored], "mean recall of the classes"),
            "chance": variable(["group"], [one["chance"] for one in scored], "share of the commonest class"),
            "clips": variable(["group"], clips, "number of clips"),
            "folds_used": variable(["group"], [len(one["hits"]) for one in scored], "folds of the cross-validation"),
            "units": variable(["group"], [one["units"] for one in scored], "speakers or files kept together"),
            "fold_accuracy": variable(["group", "fold"], hits, "accuracy of a fold"),
        },
        coords={"group": groups, "fold": np.arange(1, most + 1)},
    )


def _differences(
    features: Array, known: _Known, n_fft: int, first: FirstLayer, resamples: int, seed: int
) -> xr.Dataset:
    """How far the classes differ at each frequency."""
    two = len(known.classes) == 2
    size: Callable[..., Array] = cohens_d if two else eta_squared
    draws = bootstrap_weights(len(features), resamples, seed)
    drawn = np.stack([size(features, known.number, weights) for weights in draws])
    found = size(features, known.number)
    low, high = bootstrap_interval(found, drawn)
    if not two:
        low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    name = "Cohen's d of the classes" if two else "share of the variance between classes"
    return xr.Dataset(
        {
            "class_crs": variable(["class", "frequency"], moments(features, known.number)[0], "mean CRS of the class"),
            "effect": variable(["frequency"], found, name),
            "effect_ci_low": variable(["frequency"], low, "lower 95 % bound of the effect"),
            "effect_ci_high": variable(["frequency"], high, "upper 95 % bound of the effect"),
            "effect_chance": variable(
                [], chance_level(size, features, known.number, resamples, seed), "largest effect by chance"
            ),
        },
        coords={
            "class": list(known.classes),
            "frequency": axis("frequency", np.fft.rfftfreq(n_fft, 1 / first.rate), first.frequency, "Hz"),
        },
    )
