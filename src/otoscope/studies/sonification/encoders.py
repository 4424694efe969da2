"""The trainings of the study: encoders with and without labels, and what is trained on top of them.

On the free data both encoders hear FSDD and ESC-10 together, and supervised training is told the digit or the class of
sound. Of that domain are then the tasks ``events`` (ESC-10) and ``digits``; ``speakers`` are what no encoder was told.
Where AudioSet is there, the recipes of the thesis are trained as well, on AudioSet and on each of FSD50K, Speech
Commands and VoxCeleb1 that is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from otoscope.studies.step import Step
from otoscope.studies.study import Setting
from otoscope.studies.training import training

FREE, LARGE = "free", "large"
"""Of the column `data`: FSDD with ESC-10, or AudioSet and what the thesis transfers to."""
NONE, CONTRASTIVE, SUPERVISED = "none", "contrastive", "supervised"
"""Of the column `start`: the encoder from which a training starts."""
FULL, LINEAR = "full", "linear"
"""Of the column `mode`: the whole network is trained, or a classifier on the frozen encoder."""
CNN12, TWICE = "cnn12", "cnn12-x2"
"""Of the column `network`."""
ALL = "all"
"""Of the column `variant`: the augmentations and the temperature that all else uses."""
STRIDED = "strided"
SEEDS = 3

_JOINED = "laptop/joined"
_FSDD = ("data.set=fsdd", "data.train=train", "data.test=test", "learn.epochs=6", "keep.steps=[]")
_ESC10 = (
    "data.set=esc10", "data.task=category", "data.train=[fold1, fold2, fold3, fold4]", "data.test=fold5",
    "data.duration=1.0", "learn.epochs=15", "keep.steps=[]",
)  # fmt: skip
_FREE_TASKS = {
    "events": _ESC10,
    "digits": ("data.task=digit", *_FSDD),
    "speakers": ("data.task=speaker", *_FSDD),
}
_LARGE_TASKS = {"events": "fsd50k", "words": "speech-commands", "speakers": "voxceleb1"}
"""Of each task the data set; the recipes have its name with underscores."""
_FREE_VARIANTS: dict[str, tuple[str, ...]] = {
    "gain": ("augment.background=false",),
    "0.2": ("learn.temperature=0.2",),
    "0.3": ("learn.temperature=0.3",),
}
_LARGE_VARIANTS: dict[str, tuple[str, ...]] = {
    "gain": ("augment.noise=false", "augment.masks=false", "augment.background=false"),
    "noise": ("augment.masks=false", "augment.background=false"),
    "masks": ("augment.background=false",),
    "0.2": ("learn.temperature=0.2",),
    "0.3": ("learn.temperature=0.3",),
}
_WIDE = {FREE: "model.options.width=0.25", LARGE: "model.name=cnn12-x2"}
_QUICK = ("learn.epochs=2", "learn.warm_up=0")
_DAY = 86_400.0


@dataclass(frozen=True)
class Trained:
    """The trainings of one seed on one of the data.

    Attributes
    ----------
    data : str
        ``free`` or ``large``.
    seed : int
    setting : Setting
    """

    data: str
    seed: int
    setting: Setting

    @cached_property
    def contrastive(self) -> Step:
        """SimCLR with all augmentations."""
        return self.variant(ALL)

    @cached_property
    def supervised(self) -> Step:
        """Trained with labels on the same sounds."""
        recipe = f"{_JOINED}/supervised" if self.data == FREE else "sonification/audioset_supervised"
        return self._step("encoder", recipe, (), {"start": SUPERVISED, "network": CNN12, "variant": ALL}, seconds=60)

    @cached_property
    def strided(self) -> Step:
        """As `supervised`, with strides in place of max pooling."""
        recipe = f"{_JOINED}/supervised" if self.data == FREE else "sonification/audioset_supervised"
        labels: dict[str, str | int] = {"start": SUPERVISED, "network": STRIDED, "variant": ALL}
        # those of the setting first, for they may replace all options of the model
        changes = (*self.setting.changes, "model.options.reduce=stride", "keep.steps=[]")
        return self._step("encoder", recipe, changes, labels, seconds=60)

    def encoder(self, start: str) -> Step:
        """That without labels or that with them."""
        return self.contrastive if start == CONTRASTIVE else self.supervised

    def variant(self, variant: str, network: str = CNN12) -> Step:
        """SimCLR with other augmentations, another temperature, or twice the width."""
        recipe = f"{_JOINED}/contrastive" if self.data == FREE else "sonification/audioset_contrastive"
        changes = self.variants.get(variant, ())
        if network == TWICE:
            changes = (*changes, _WIDE[self.data])
        if (variant, network) != (ALL, CNN12):
            changes = (*changes, "keep.steps=[]")
        labels: dict[str, str | int] = {"start": CONTRASTIVE, "network": network, "variant": variant}
        return self._step("encoder", recipe, changes, labels, seconds=150 if network == TWICE else 65)

    @property
    def variants(self) -> dict[str, tuple[str, ...]]:
        return _FREE_VARIANTS if self.data == FREE else _LARGE_VARIANTS

    @property
    def tasks(self) -> list[str]:
        """Those whose data is there, the one of the domain of the encoders first."""
        if self.data == FREE:
            return list(_FREE_TASKS)
        return [task for task, name in _LARGE_TASKS.items() if self.setting.has(name)]

    def transfer(self, task: str, start: str, mode: str = FULL, network: str = CNN12) -> Step:
        """A training on a task, from random weights or from an encoder."""
        before = None if start == NONE else self.variant(ALL, network) if network == TWICE else self.encoder(start)
        labels: dict[str, str | int] = {"task": task, "start": start, "mode": mode, "network": network, "variant": ALL}
        given = () if before is None else ("model.weights=start", "model.new_head=true")
        wide = (_WIDE[self.data],) if network == TWICE else ()
        if self.data == FREE:
            linear = ("learn.method=linear", "learn.learning_rate=1e-2", "learn.warm_up=0") if mode == LINEAR else ()
            changes = (*_FREE_TASKS[task], *linear, *wide, *given)
            seconds = (10 if mode == LINEAR else 25) * (2.5 if wide else 1)
            return self._step("transfer", f"{_JOINED}/supervised", changes, labels, before, seconds=seconds)
        kind = "" if before is None else "_finetuned" if mode == FULL else "_linear"
        recipe = f"sonification/{_LARGE_TASKS[task].replace('-', '_')}{kind}"
        return self._step("transfer", recipe, (*wide, *given), labels, before)

    def audioset(self, variant: str, mode: str, network: str = CNN12, *, balanced: bool) -> Step:
        """AudioSet itself from an encoder that heard it without labels."""
        part = "balanced_" if balanced else ""
        recipe = f"sonification/audioset_{part}{'finetuned' if mode == FULL else 'linear'}"
        before = self.variant(variant, network)
        wide = (_WIDE[LARGE],) if network == TWICE else ()
        labels: dict[str, str | int] = {
            "task": "balanced" if balanced else "audioset",
            "start": CONTRASTIVE, "mode": mode, "network": network, "variant": variant,
        }  # fmt: skip
        return self._step("transfer", recipe, (*wide, "model.weights=start"), labels, before)

    def _step(
        self,
        table: str,
        recipe: str,
        changes: tuple[str, ...],
        labels: dict[str, str | int],
        before: Step | None = None,
        seconds: float = _DAY,
    ) -> Step:
        quick = _QUICK if self.setting.quick and self.data == FREE else ()
        return training(
            recipe,
            [*changes, *quick, *(one for one in self.setting.changes if one not in changes)],
            seed=self.seed,
            table=table,
            labels={"data": self.data, **labels},
            start=before,
            part="encoder" if table == "encoder" else "transfer",
            seconds=_DAY if self.data == LARGE else seconds / (5 if self.setting.quick else 1),
        )


def all_trained(setting: Setting) -> list[Trained]:
    """Of each seed the trainings on the free data, and on AudioSet where it is there."""
    found = [Trained(FREE, seed, setting) for seed in setting.seeds_of(SEEDS, quick=2)]
    if setting.has("audioset"):
        found += [replace(one, data=LARGE) for one in found]
    return found


def trainings(one: Trained) -> Iterator[Step]:
    """What is trained with a seed: first what most claims are about."""
    yield one.contrastive
    yield one.supervised
    for task in one.tasks:
        for start in (NONE, CONTRASTIVE, SUPERVISED):
            if one.data == LARGE or start != SUPERVISED or task == "speakers":
                yield one.transfer(task, start)
        if one.data == LARGE:
            yield one.transfer(task, CONTRASTIVE, LINEAR)
            yield one.transfer(task, SUPERVISED, LINEAR)
    if one.data == FREE:
        yield one.transfer("digits", CONTRASTIVE, LINEAR)
    else:
        for mode in (LINEAR, FULL):
            yield one.audioset(ALL, mode, balanced=False)


def more_trainings(one: Trained) -> Iterator[Step]:
    """Other augmentations, other temperatures and twice the width: what few claims are about."""
    for variant in one.variants:
        yield one.variant(variant)
    yield one.variant(ALL, TWICE)
    if one.data == LARGE:
        for variant, network in ((ALL, CNN12), *((name, CNN12) for name in one.variants), (ALL, TWICE)):
            for mode in (LINEAR, FULL):
                yield one.audioset(variant, mode, network, balanced=True)
        yield one.audioset(ALL, FULL, TWICE, balanced=False)
    if "events" in one.tasks:
        yield one.transfer("events", CONTRASTIVE, FULL, TWICE)
        if one.data == LARGE:
            yield one.transfer("events", CONTRASTIVE, LINEAR, TWICE)
