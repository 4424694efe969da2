"""How much each layer knows: the encoder cut after it, the mean over time, and a linear classifier."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.citations import cite
from otoscope.data.find import split_labels
from otoscope.dsp.precision import mean_average_precision_of
from otoscope.dsp.scores import bootstrap_interval, share_interval
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.heard import joined_note
from otoscope.methods.arguments import check_positive
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.linear_probe import LinearProbe, Schedule, fit_probe, probe_score
from otoscope.probe import Tap, read_taps
from otoscope.probe.layerwise import run_to
from otoscope.probe.listen import differentiable_recurrence, evaluating
from otoscope.probe.select import by_clip, check_finite, find_taps, parts_of
from otoscope.results import axis, variable
from otoscope.sounds import Clip, Sounds, batched, sounds_of, usual_taps
from otoscope.subject import Subject
from otoscope.types import Data, Progress

_RESAMPLES = 200  # of the bootstrap, for the average precision of hundreds of classes takes a while
_STEPS, _EPOCHS = 1000, 10  # steps of a classifier alone, epochs of all
_BOUNDS = ("ci_low", "ci_high", "test_ci_low", "test_ci_high")
_COLUMNS = ("features", "accuracy", *_BOUNDS, "chance", "train_clips", "test_clips")


@method(
    source=cite("sonification", "section 6.1"),
    takes="data",
    rows=Rows(("layer",), _COLUMNS),
    main="accuracy",
)
def layer_importance(
    subject: Subject,
    data: Data,
    *,
    test: Data | None = None,
    layer: str | Sequence[str] | None = None,
    frozen: bool = True,
    epochs: int | None = None,
    seeds: int | Sequence[int] = 3,
    learning_rate: float = 0.01,
    encoder_learning_rate: float = 1e-3,
    batch_size: int = 32,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""How well a linear classifier behind each layer knows the classes of a data set.

    Parameters
    ----------
    data : folder, data set or waves
        Sounds with labels to train on, whatever the model was trained for; each with one label, or of a data set in
        which a sound may have several. Without `frozen` all of them are held in memory.
    test : folder, data set or waves, optional
        Sounds with labels to test on; by default a quarter of those of each class in `data` (of all, where a sound may
        have several), drawn at random, which are not trained on then.
    layer : str or sequence of str, optional
        One or several taps to cut after, by their names or the ends of them; the ends of all blocks by default.
    frozen : bool
        Train the classifier alone; otherwise everything before the cut too, starting from the weights of the model.
    epochs : int, optional
        Passes over the sounds; as many as make a thousand steps for classifiers alone, 10 otherwise.
    seeds : int or sequence of int
        How many runs of each layer, or their seeds: of the first weights of the classifier and of the order of clips.
    learning_rate : float
        Of Adam for the classifier at the first step; it falls to zero along a cosine.
    encoder_learning_rate : float
        Of Adam for what is before the cut at the first step; it falls to zero along a cosine.
    batch_size : int
        Clips a step.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of runs.

    Returns
    -------
    Dataset
        `accuracy` (layer) on the test sounds, mean over runs; where a sound may have several labels this is the mean
        average precision over classes, and the attribute `metric` is mAP. `ci_low` and `ci_high` (layer), its 95 %
        bounds over runs (NaN for a single run), which say how far the training is repeatable; `test_ci_low` and
        `test_ci_high` (layer), those over the test sounds (Wilson's; of a mean average precision by the bootstrap),
        which say how far other sounds may give another one; `run_accuracy` (layer, run); `features` (layer), the
        numbers that the classifier sees; `chance`, the share of the commonest class (of a mean average precision the
        mean share of the classes); `train_clips` and `test_clips`, how many sounds there are.

    Raises
    ------
    InputError
        If clips lack labels (where each has one), those of `test` are not among those of `data`, or are of one class
        alone.

    Notes
    -----
    Features are the mean over time of every map, standardised with the mean and deviation that they have on the
    training sounds before any training. Several labels are learnt by binary cross-entropy. Batch normalisation keeps
    its statistics and dropout is off, so that the features of a clip depend on no other. Frozen, the features are
    computed once. A seed gives the same numbers every time. The model is only read: what is trained is a copy.

    Examples
    --------
    >>> scope = Subject(nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU()), sample_rate=8000)
    >>> sounds = [(torch.randn(400) * 10 ** (n % 2), "ab"[n % 2]) for n in range(8)]
    >>> result = layer_importance(scope, sounds, test=sounds, seeds=1)
    >>> result.accuracy.values.tolist(), result.run_accuracy.sizes
    ([1.0], Frozen({'layer': 1, 'run': 1}))
    """
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not numbers or batch_size < 1 or (epochs is not None and epochs < 1):
        raise InputError("seeds, epochs and batch_size have to be 1 or more")
    check_positive(learning_rate=learning_rate, encoder_learning_rate=encoder_learning_rate)
    layer, time_axes = usual_taps(subject, layer)
    taps, learnt = _features(sounds_of(subject, data), layer, time_axes, keep=not frozen)
    tested_on: object = "a quarter of each class"
    if test is None:
        learnt, tested = (learnt.part(places) for places in _quarter(learnt))
    else:
        sounds = sounds_of(subject, test)
        _, tested = _features(sounds, [tap.name for tap in taps], time_axes, keep=not frozen)
        tested_on = sounds.facts
    classes = sorted({label for labels in learnt.labels for label in labels})
    known, test_known = _known(learnt, classes), _known(tested, classes, several=learnt.several)
    accuracy = np.zeros((len(taps), len(numbers)))
    answers = np.zeros((len(taps), len(numbers), len(test_known), len(classes)), np.float32)
    runs = list(np.ndindex(*accuracy.shape))
    if epochs is None:
        epochs = math.ceil(_STEPS / math.ceil(len(known) / batch_size)) if frozen else _EPOCHS
    schedule = Schedule(epochs, batch_size, learning_rate, encoder_learning_rate)
    for done, (place, run) in enumerate(runs, 1):
        head = LinearProbe(learnt.values[place], len(classes), numbers[run])
        if frozen:
            fit_probe(head, None, learnt.values[place].__getitem__, known, schedule, numbers[run])
            scores = head(tested.values[place])
        else:
            clips = learnt.clips, tested.clips
            scores = _tuned(subject.network, taps[place], head, clips, known, schedule, numbers[run])
        answers[place, run] = scores.detach().float().cpu().numpy()
        accuracy[place, run] = probe_score(answers[place, run], test_known)
        if progress:
            progress(done, len(runs))
    result = _labelled(accuracy, numbers, taps, learnt, test_known, _over_sounds(answers, test_known))
    said = "the score is the mean average precision over classes, for a sound may have several labels"
    result.attrs.update(sample_rate=subject.sample_rate, classes=", ".join(classes))
    result.attrs.update(joined_note(said if known.ndim > 1 else ""))
    return resolved(result, layer=[tap.name for tap in taps], test=tested_on, epochs=epochs, seeds=numbers)


def _labelled(
    accuracy: np.ndarray,
    numbers: list[int],
    taps: list[Tap],
    learnt: _Set,
    test_known: Tensor,
    over_sounds: tuple[np.ndarray, np.ndarray],
) -> xr.Dataset:
    mean, low, high = mean_interval(accuracy.T)
    score = "mean average precision" if test_known.ndim > 1 else "accuracy"
    classes = "mean share of the classes" if test_known.ndim > 1 else "share of the commonest class"
    result = xr.Dataset(
        {
            "accuracy": variable(["layer"], mean, f"{score}, mean over runs"),
            # Student's interval of a share may reach beyond what a share can be.
            "ci_low": variable(["layer"], np.clip(low, 0, 1), "lower 95 % bound over runs"),
            "ci_high": variable(["layer"], np.clip(high, 0, 1), "upper 95 % bound over runs"),
            "test_ci_low": variable(["layer"], over_sounds[0], "lower 95 % bound over test sounds"),
            "test_ci_high": variable(["layer"], over_sounds[1], "upper 95 % bound over test sounds"),
            "run_accuracy": variable(["layer", "run"], accuracy, f"{score} of one run"),
            "features": variable(["layer"], [values.shape[1] for values in learnt.values], "features"),
            "chance": variable([], _chance(test_known), classes),
            "train_clips": variable([], len(learnt.labels), "sounds to train on"),
            "test_clips": variable([], len(test_known), "sounds to test on"),
        },
        coords={"layer": [tap.name for tap in taps], "run": axis("run", numbers, "seed")},
        attrs={"metric": "mAP" if test_known.ndim > 1 else "accuracy"},
    )
    return result


# -- Scores -----------------------------------------------------------------------------------------------


def _chance(known: Tensor) -> float:
    """What the same answer to all clips scores."""
    if known.ndim > 1:
        shares = known.double().mean(0)
        return float(shares[shares > 0].mean())
    return float(known.bincount().max()) / len(known)


def _over_sounds(answers: np.ndarray, known: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Bounds (layer,) of the score, mean over runs, of answers (layer, run, clip, class)."""
    if known.ndim == 1:
        right = (answers.argmax(-1) == known.numpy()).mean(1)
        return share_interval(right.sum(-1), len(known))
    targets = known.numpy()

    def score(drawn: np.ndarray) -> np.ndarray:
        weights = np.bincount(drawn, minlength=len(targets))
        return np.array([
            np.mean([mean_average_precision_of(run, targets, weights) for run in of_layer]) for of_layer in answers
        ])  # fmt: skip

    return bootstrap_interval(score, len(targets), resamples=_RESAMPLES)


# -- Features ---------------------------------------------------------------------------------------------


@dataclass
class _Set:
    """What is known of one set of clips."""

    names: list[str] = field(default_factory=list)
    labels: list[tuple[str, ...]] = field(default_factory=list)
    several: bool = False  # whether a clip may have several labels
    values: list[Tensor] = field(default_factory=list)  # of each layer (clip, feature)
    clips: list[Clip] = field(default_factory=list)  # where they are kept

    def part(self, places: list[int]) -> _Set:
        """That of some of the clips."""
        clips = [self.clips[i] for i in places] if self.clips else []
        values = [of_layer[places] for of_layer in self.values]
        return _Set(
            [self.names[i] for i in places], [self.labels[i] for i in places], self.several, values, clips
        )  # fmt: skip


def _features(
    sounds: Sounds, layer: str | Sequence[str] | None, time_axes: dict[str, int], *, keep: bool
) -> tuple[list[Tap], _Set]:
    """Features of every layer by one forward pass over the set."""
    model, sample_rate = sounds.subject.network, sounds.subject.sample_rate
    taps: list[Tap] = []
    found = _Set(several=sounds.several)
    parts: list[list[Tensor]] = []
    for group, inputs in batched(sounds):
        taps = taps or find_taps(model, inputs, sample_rate, layer, time_axes)
        for one in parts_of(inputs, taps):
            values = read_taps(model, one, [tap.name for tap in taps])
            parts.append([_pooled(values[tap.name], tap) for tap in taps])
        for clip in group:
            if clip.label is None and not sounds.several:
                raise InputError(f"{clip.name} has no label: every clip needs its class")
            found.names.append(clip.name)
            found.several |= len(clip.labels) > 1
            found.labels.append(clip.labels if sounds.several or len(clip.labels) > 1 else (clip.label or "",))
        if keep:
            found.clips += group
    if not taps:
        raise InputError("a data set has no clips: both that to train on and that to test on need some")
    found.values = [torch.cat(of_layer) for of_layer in zip(*parts, strict=True)]
    for tap, features in zip(taps, found.values, strict=True):
        check_finite(features, tap.name)
    return taps, found


def _pooled(value: Tensor, tap: Tap) -> Tensor:
    """Mean over time, (clip, feature)."""
    maps = by_clip(value, tap)
    return (maps if tap.time_axis is None else maps.mean(-1)).flatten(1)


def _quarter(found: _Set) -> tuple[list[int], list[int]]:
    """The places of those to learn from and to test on."""
    if not found.several:
        return split_labels([label for (label,) in found.labels])
    order = np.random.default_rng(0).permutation(len(found.labels)).tolist()
    held_out = max(1, round(len(order) / 4))
    return sorted(order[held_out:]), sorted(order[:held_out])


def _known(found: _Set, classes: list[str], *, several: bool = False) -> Tensor:
    """The number of the class of each clip (clip,); where it may have several, zeros and ones (clip, class)."""
    for name, labels in zip(found.names, found.labels, strict=True):
        for label in labels:
            if label not in classes:
                raise InputError(
                    f"the label {label!r} of {name} is not a class of the sounds to train on; "
                    f"those are {', '.join(classes)}"
                )
    if len(classes) < 2:
        raise InputError(f"all clips to train on have the label {classes[0]!r}: give sounds of two or more classes")
    places = {label: number for number, label in enumerate(classes)}
    if not (several or found.several):
        return torch.tensor([places[label] for (label,) in found.labels])
    known = torch.zeros(len(found.labels), len(classes))
    for row, labels in zip(known, found.labels, strict=True):
        row[[places[label] for label in labels]] = 1.0
    return known


# -- Training ---------------------------------------------------------------------------------------------


def _tuned(
    model: nn.Module,
    tap: Tap,
    head: LinearProbe,
    clips: tuple[list[Clip], list[Clip]],
    known: Tensor,
    schedule: Schedule,
    seed: int,
) -> Tensor:
    """Train a copy of the encoder up to a tap with the classifier; its scores of the clips to test on."""
    encoder = _copied(model)
    train, test = clips

    def features(drawn: Tensor) -> Tensor:
        return _through(encoder, [train[i] for i in drawn.tolist()], tap)

    with evaluating(encoder), differentiable_recurrence(encoder):
        fit_probe(head, encoder, features, known, schedule, seed)
        with torch.no_grad():
            parts = [test[start : start + schedule.batch_size] for start in range(0, len(test), schedule.batch_size)]
            return torch.cat([head(_through(encoder, part, tap)) for part in parts])


def _copied(model: nn.Module) -> nn.Module:
    try:
        encoder = copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"{model._get_name()} cannot be copied, so that training would change it ({error}): leave it frozen"
        ) from None
    return encoder.requires_grad_(True)


def _through(encoder: nn.Module, clips: Sequence[Clip], tap: Tap) -> Tensor:
    """Features of clips at a tap, those of one length together."""
    places: dict[tuple[int, ...], list[int]] = {}
    for place, clip in enumerate(clips):
        alone = (place,) if tap.clip_axis is None or not getattr(encoder, "apart", True) else ()
        places.setdefault((*clip.inputs.shape, *alone), []).append(place)
    parts = [
        _pooled(run_to(encoder, torch.cat([clips[i].inputs for i in group]), tap.name), tap)
        for group in places.values()
    ]
    order = torch.tensor([place for group in places.values() for place in group])
    return torch.cat(parts)[order.argsort()]
