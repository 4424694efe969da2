"""The trainings of Table 1: a search of the learning rate for each network, and runs at the best of them.

On the free data both tasks are on FSDD: digits, the harder one, in place of emotions, and speakers in place of genders.
FSDD is sampled at 8 kHz, and so are the networks: windows, bands and kernels are those of the paper in ms and Hz, up to
4 kHz. Where IEMOCAP is there, the recipes of the paper are trained as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from otoscope.errors import InputError
from otoscope.models.zoo import option_names
from otoscope.studies.simplenet.looked import looks
from otoscope.studies.step import Outcome, Step, Work
from otoscope.studies.study import Setting
from otoscope.studies.training import train_with, training

NETWORKS = ("soundnet", "wavernn", "simplenet-rnn", "simplenet-cnn", "specnet")
"""In the order of Table 1."""
SMOOTH = "soundnet-smooth"
"""SoundNet with a low-pass filter in its poolings: the control."""
FREE, LARGE = "free", "large"
"""Of the column `data`: FSDD, or IEMOCAP."""
HARD, EASY = {FREE: "digit", LARGE: "emotion"}, {FREE: "speaker", LARGE: "gender"}
"""The two tasks, by data."""
SEEDS, PAIRED_SEEDS = 3, 5
"""Of every network, and of SoundNet with and without the filter."""
_PAIRED = ("soundnet", SMOOTH)

_FREE_RATES = ("3e-4", "1e-3", "3e-3")
_PAPER_RATES = ("1e-5", "1e-4", "1e-3")
_KEEP = ("keep.steps=[0]", "keep.change_rate=true")


@dataclass(frozen=True)
class Plan:
    """How the networks are trained on some data.

    Attributes
    ----------
    data : str
    recipes : mapping of str to (str, tuple of str)
        Of each network the recipe and its changes.
    rates : tuple of str
        The learning rates that are tried.
    searched : tuple of str
        Changes of the search.
    epochs : mapping of str to int
        Of each network; those of the recipe by default.
    seeds : mapping of str to range
    seconds : float
        Of processor time of an epoch, about.
    """

    data: str
    recipes: Mapping[str, tuple[str, tuple[str, ...]]]
    rates: tuple[str, ...]
    searched: tuple[str, ...]
    seeds: Mapping[str, range]
    epochs: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 10.0


def plans(setting: Setting) -> list[Plan]:
    """That on FSDD, and that of the paper where its data is."""
    found = [_free(setting)]
    return [*found, _large(setting)] if setting.has("iemocap") else found


def _free(setting: Setting) -> Plan:
    rate, short = "model.options.sample_rate=8000", "data.duration=0.64"
    half = "model.options.width=128"
    quick = ("trainer.limit_train_batches=0.3",) if setting.quick else ()
    recipes: dict[str, tuple[str, ...]] = {
        "soundnet": (rate, short, *_KEEP),
        "wavernn": (rate, short, "model.options.first_kernel=40", "model.options.filters=16", *_KEEP),
        "simplenet-rnn": (rate, short, half, *_KEEP),
        "simplenet-cnn": (rate, half, "model.options.input_length=9920", *_KEEP),
        "specnet": (rate, half, "model.options.input_length=9920"),
    }
    recipes[SMOOTH] = (*recipes["soundnet"], "model.options.low_pass=true")
    full = {"soundnet": 4, SMOOTH: 4, "wavernn": 8, "simplenet-rnn": 8, "simplenet-cnn": 4, "specnet": 4}
    return Plan(
        FREE,
        {name: (f"laptop/fsdd/{_file(name)}", (*changes, *quick)) for name, changes in recipes.items()},
        _FREE_RATES[1:] if setting.quick else _FREE_RATES,
        ("learn.epochs=1", "learn.warm_up=0") if setting.quick else ("learn.epochs=2",),
        {name: setting.seeds_of(PAIRED_SEEDS if name in _PAIRED else SEEDS) for name in recipes},
        dict.fromkeys(full, 1) if setting.quick else full,
        4.0 if setting.quick else 9.0,
    )


def _large(setting: Setting) -> Plan:
    names = (*NETWORKS, SMOOTH)
    low_pass = {SMOOTH: ("model.options.low_pass=true",)}
    folds = ("data.folds=[fold1, fold2]",) if setting.quick else ()
    kept = {"wavernn": _KEEP, "simplenet-rnn": _KEEP[:1], "soundnet": _KEEP[:1], SMOOTH: _KEEP[:1]}
    return Plan(
        LARGE,
        {name: (f"simplenet/{_file(name)}", (*folds, *low_pass.get(name, ()), *kept.get(name, ()))) for name in names},
        _PAPER_RATES[1:] if setting.quick else _PAPER_RATES,
        ("data.folds=[fold1]",),
        dict.fromkeys(names, setting.seeds_of(1)),
        seconds=600.0,
    )


def trained_steps(setting: Setting) -> Iterator[Step]:
    """The searches, then the runs, one seed after the other, so that a study that is stopped has all networks."""
    for plan in plans(setting):
        searches = {name: _search(plan, name, setting) for name in NETWORKS}
        for steps in searches.values():
            yield from steps
        for seed in range(max(len(seeds) for seeds in plan.seeds.values())):
            for task in (HARD[plan.data], EASY[plan.data]):
                for name in plan.recipes:
                    if seed in plan.seeds[name]:
                        run = _run(plan, name, task, seed, searches[_searched_as(name)], setting)
                        yield run
                        yield from looks(run, setting)


def _search(plan: Plan, name: str, setting: Setting) -> list[Step]:
    """On the harder task and one seed, a few epochs at each rate."""
    recipe, changes = plan.recipes[name]
    task = HARD[plan.data]
    return [
        training(
            recipe,
            [*_without_keeping(changes), f"data.task={task}", *plan.searched, f"learn.learning_rate={rate}",
             *_fitting(setting, name)],
            table="search",
            labels={"data": plan.data, "task": task, "network": name, "rate": rate},
            part="training",
            seconds=5 + 2 * plan.seconds,
        )
        for rate in plan.rates
    ]  # fmt: skip


def _run(plan: Plan, name: str, task: str, seed: int, searches: Sequence[Step], setting: Setting) -> Step:
    """A training at the rate that the search found best."""
    recipe, changes = plan.recipes[name]
    epochs = plan.epochs.get(name)
    asked = () if epochs is None else (f"learn.epochs={epochs}", *(("learn.warm_up=0",) if epochs == 1 else ()))
    step = training(
        recipe,
        [*changes, f"data.task={task}", *asked, *_fitting(setting, name)],
        seed=seed,
        labels={"data": plan.data, "task": task, "network": name},
        part="training",
        seconds=5 + plan.seconds * (epochs or 100),
    )
    return replace(step, run=train_at_best_rate, needs=tuple(searches), command=f"{step.command}, at the rate found")


def train_at_best_rate(work: Work) -> Outcome:
    """Train with the learning rate of the search whose loss on the validation part is lowest."""
    losses = [_loss(work, place) for place in range(len(work.step.needs))]
    best = work.step.needs[losses.index(min(losses))].labels["rate"]
    found = train_with(work, [f"learn.learning_rate={best}"])
    return Outcome([{**row, "learning_rate": float(best)} for row in found.rows])


def _loss(work: Work, place: int) -> float:
    """Of a search, on the validation part; infinite where it is not finite."""
    from otoscope.training.folder import METRICS

    path = work.model(place) / METRICS
    found = json.loads(path.read_text(encoding="utf-8"))
    folds = found.get("folds", {"": found})
    losses = [one.get("validation_loss") for one in folds.values()]
    if any(one is not None and not isinstance(one, float) for one in losses):
        raise InputError(f"{path} has no validation_loss that is a number: remove the folder, and run the study again")
    return float("inf") if None in losses else sum(losses) / len(losses)


def _file(name: str) -> str:
    """Of the recipe of a network."""
    return _searched_as(name).replace("-", "_")


def _searched_as(name: str) -> str:
    """The control is trained at the rate of the network that it is compared with."""
    return "soundnet" if name == SMOOTH else name


def _fitting(setting: Setting, name: str) -> list[str]:
    """The changes of every training, but for options of models that the network does not have."""
    options = set(option_names(_searched_as(name)))
    start = "model.options."
    return [one for one in setting.changes if not one.startswith(start) or one[len(start) :].split("=")[0] in options]


def _without_keeping(changes: Sequence[str]) -> list[str]:
    return [change for change in changes if not change.startswith("keep.")]
