"""How much each layer knows: the encoder cut after it, the mean over time, and a linear classifier."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.methods.clips import Clip, batched
from otoscope.methods.peaks import Progress
from otoscope.probe import Tap, read_taps
from otoscope.probe.layerwise import run_to
from otoscope.probe.listen import differentiable_recurrence, evaluating
from otoscope.probe.select import by_clip, check_finite, find_taps
from otoscope.results import axis, sign, variable

_SOURCE = "Yadav 2022, section 6.1"
_STEPS, _EPOCHS = 1000, 10  # steps of a classifier alone, epochs of all


def layer_importance(
    model: nn.Module,
    train: Iterable[Clip],
    test: Iterable[Clip],
    *,
    sample_rate: float,
    layers: Sequence[str] | None = None,
    frozen: bool = True,
    epochs: int | None = None,
    seeds: int | Sequence[int] = 3,
    rate: float = 0.01,
    encoder_rate: float = 1e-3,
    batch: int = 32,
    time_axes: Mapping[str, int] | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Accuracy of a linear classifier behind each layer.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms. It is only read: what is trained is a copy.
    train, test : iterable of Clip
        With labels, whatever the model was trained for. Without `frozen` all of them are held in memory.
    sample_rate : float
        In Hz.
    layers : sequence of str, optional
        Taps to cut after, by their names or the ends of them; the ends of all blocks by default.
    frozen : bool
        Train the classifier alone; otherwise everything before the cut too, starting from the weights of the model.
    epochs : int, optional
        As many as make a thousand steps for classifiers alone, 10 otherwise.
    seeds : int or sequence of int
        How many runs of each layer, or their seeds: of the first weights of the classifier and of the order of clips.
    rate, encoder_rate : float
        Of Adam at the first step, for the classifier and for what is before it; both fall to zero along a cosine.
    batch : int
        Clips a step.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of runs.

    Returns
    -------
    Dataset
        `accuracy` (layer, run) on `test`; `mean`, `low` and `high` (layer), its mean and 95 % bounds over runs (NaN
        for a single run); `features` (layer), the numbers that the classifier sees; `chance`, the share of the
        commonest class. Interrupted (Ctrl-C), it returns the runs that are done, with NaN for the others.

    Raises
    ------
    InputError
        If clips lack labels, or those of `test` are not among those of `train`.

    Notes
    -----
    Features are the mean over time of every map, standardised with the mean and deviation that they have on `train`
    before any training. Batch normalisation keeps its statistics and dropout is off, so that the features of a clip
    depend on no other. Frozen, the features are computed once. A seed gives the same numbers every time.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU())
    >>> clips = [Clip(str(n), torch.randn(1, 1, 400) * 10 ** (n % 2), "ab"[n % 2]) for n in range(8)]
    >>> result = layer_importance(model, clips, clips, sample_rate=8000, seeds=1)
    >>> result["mean"].values.tolist()
    [1.0]
    """
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not numbers or batch < 1 or (epochs is not None and epochs < 1):
        raise InputError("seeds, epochs and batch have to be 1 or more")
    held: tuple[list[Clip], list[Clip]] = ([], []) if frozen else (list(train), list(test))
    taps, learnt = _features(model, held[0] or train, sample_rate, layers, time_axes)
    _, tested = _features(model, held[1] or test, sample_rate, [tap.name for tap in taps], time_axes)
    classes = sorted(set(learnt.labels))
    known, test_known = _numbers(learnt, classes), _numbers(tested, classes)
    accuracy = np.full((len(taps), len(numbers)), np.nan)
    runs = list(np.ndindex(*accuracy.shape))
    if epochs is None:
        epochs = math.ceil(_STEPS / math.ceil(len(known) / batch)) if frozen else _EPOCHS
    schedule = _Schedule(epochs, batch, rate, encoder_rate)
    try:
        for done, (layer, run) in enumerate(runs, 1):
            head = _Head(learnt.values[layer], len(classes), numbers[run])
            if frozen:
                _fit(head, None, learnt.values[layer].__getitem__, known, schedule, numbers[run])
                said = head(tested.values[layer])
            else:
                said = _tuned(model, taps[layer], head, held, known, schedule, numbers[run])
            accuracy[layer, run] = float((said.argmax(1).cpu() == test_known).double().mean())
            if progress:
                progress(done, len(runs))
    except KeyboardInterrupt:
        if not np.isfinite(accuracy).any():
            raise
        warnings.warn("interrupted: the runs that were not done are NaN", stacklevel=2)
    result = _labelled(accuracy, numbers, taps, learnt, test_known, classes)
    result.attrs["sample_rate"] = sample_rate
    options = {"layers": layers, "frozen": frozen, "rate": rate, "encoder_rate": encoder_rate, "batch": batch}
    return sign(result, "layer_importance", _SOURCE, epochs=epochs, seeds=numbers, **options)


def _labelled(
    accuracy: np.ndarray, numbers: list[int], taps: list[Tap], learnt: _Set, test_known: Tensor, classes: list[str]
) -> xr.Dataset:
    mean, low, high = mean_interval(accuracy.T)
    chance = float(test_known.bincount().max()) / len(test_known)
    return xr.Dataset(
        {
            "accuracy": variable(["layer", "run"], accuracy, "accuracy"),
            "mean": variable(["layer"], mean, "accuracy, mean over runs"),
            # Student's interval of a share may reach beyond what a share can be.
            "low": variable(["layer"], np.clip(low, 0, 1), "lower 95 % bound"),
            "high": variable(["layer"], np.clip(high, 0, 1), "upper 95 % bound"),
            "features": variable(["layer"], [values.shape[1] for values in learnt.values], "features"),
            "chance": variable([], chance, "share of the commonest class"),
        },
        coords={"layer": [tap.name for tap in taps], "run": axis("run", numbers, "seed")},
        attrs={"classes": ", ".join(classes), "train": len(learnt.labels), "test": len(test_known)},
    )


# -- Features ---------------------------------------------------------------------------------------------


@dataclass
class _Set:
    """What is known of one set of clips."""

    names: list[str]
    labels: list[str]
    values: list[Tensor]  # of each layer (clip, feature)


def _features(
    model: nn.Module,
    clips: Iterable[Clip],
    sample_rate: float,
    layers: Sequence[str] | None,
    time_axes: Mapping[str, int] | None,
) -> tuple[list[Tap], _Set]:
    """Features of every layer by one forward pass over the set."""
    taps: list[Tap] = []
    found = _Set([], [], [])
    parts: list[list[Tensor]] = []
    for group, inputs in batched(clips):
        taps = taps or find_taps(model, inputs, sample_rate, layers, time_axes)
        for one in inputs.split(1) if any(tap.time_axis == 0 for tap in taps) else (inputs,):
            values = read_taps(model, one, [tap.name for tap in taps])
            parts.append([_pooled(values[tap.name], tap) for tap in taps])
        found.names += [clip.name for clip in group]
        for clip in group:
            if clip.label is None:
                raise InputError(f"{clip.name} has no label: every clip needs its class")
            found.labels.append(clip.label)
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


def _numbers(found: _Set, classes: list[str]) -> Tensor:
    for name, label in zip(found.names, found.labels, strict=True):
        if label not in classes:
            raise InputError(f"the label {label!r} of {name} is none to train on; those are {', '.join(classes)}")
    if len(classes) < 2:
        raise InputError(f"all clips to train on have the label {classes[0]!r}: there is nothing to tell apart")
    return torch.tensor([classes.index(label) for label in found.labels])


# -- Training ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Schedule:
    epochs: int
    batch: int
    rate: float
    encoder_rate: float


class _Head(nn.Module):
    """A linear classifier on features that are standardised as they were before training."""

    mean: Tensor
    scale: Tensor

    def __init__(self, features: Tensor, classes: int, seed: int) -> None:
        super().__init__()
        deviation = features.std(0, correction=0)
        live = deviation > 1e-6 * deviation.max()
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("scale", torch.where(live, 1 / deviation, 0.0))
        # Small, so that few steps suffice; any start leads to the same classifier in the end.
        bound = 0.01 * features.shape[1] ** -0.5
        first = torch.empty(features.shape[1], classes)
        first.uniform_(-bound, bound, generator=torch.Generator().manual_seed(seed))
        self.weight = nn.Parameter(first.to(features))
        self.bias = nn.Parameter(features.new_zeros(classes))

    def forward(self, features: Tensor) -> Tensor:
        return (features - self.mean) * self.scale @ self.weight + self.bias


def _fit(
    head: _Head,
    encoder: nn.Module | None,
    features: Callable[[Tensor], Tensor],
    known: Tensor,
    schedule: _Schedule,
    seed: int,
) -> None:
    """Adam on the cross-entropy of random batches of clips; `features` gives those of the clips of a batch."""
    groups = [{"params": list(head.parameters()), "lr": schedule.rate}]
    if encoder is not None and list(encoder.parameters()):
        groups.append({"params": list(encoder.parameters()), "lr": schedule.encoder_rate})
    optimizer = torch.optim.Adam(groups, weight_decay=1e-3)
    steps = schedule.epochs * -(-len(known) // schedule.batch)
    cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    order = torch.Generator().manual_seed(seed)
    with torch.enable_grad():
        for _ in range(schedule.epochs):
            for drawn in torch.randperm(len(known), generator=order).split(schedule.batch):
                said = head(features(drawn))
                optimizer.zero_grad()
                cross_entropy(said, known[drawn].to(said.device)).backward()
                optimizer.step()
                cosine.step()


def _tuned(
    model: nn.Module,
    tap: Tap,
    head: _Head,
    held: tuple[list[Clip], list[Clip]],
    known: Tensor,
    schedule: _Schedule,
    seed: int,
) -> Tensor:
    """Train a copy of the encoder up to a tap with the classifier; what they say of the clips to test on."""
    encoder = _copied(model)
    train, test = held

    def features(drawn: Tensor) -> Tensor:
        return _through(encoder, [train[i] for i in drawn.tolist()], tap)

    with evaluating(encoder), differentiable_recurrence(encoder):
        _fit(head, encoder, features, known, schedule, seed)
        with torch.no_grad():
            parts = [test[start : start + schedule.batch] for start in range(0, len(test), schedule.batch)]
            return torch.cat([head(_through(encoder, part, tap)) for part in parts])


def _copied(model: nn.Module) -> nn.Module:
    try:
        encoder = copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"{type(model).__name__} cannot be copied, so that training would change it ({error}): use the frozen mode"
        ) from None
    return encoder.requires_grad_(True)


def _through(encoder: nn.Module, clips: Sequence[Clip], tap: Tap) -> Tensor:
    """Features of clips at a tap, those of one length together."""
    places: dict[tuple[int, ...], list[int]] = {}
    for place, clip in enumerate(clips):
        alone = (place,) if tap.time_axis == 0 else ()
        places.setdefault((*clip.inputs.shape, *alone), []).append(place)
    parts = [
        _pooled(run_to(encoder, torch.cat([clips[i].inputs for i in group]), tap.name), tap)
        for group in places.values()
    ]
    order = torch.tensor([place for group in places.values() for place in group])
    return torch.cat(parts)[order.argsort()]
