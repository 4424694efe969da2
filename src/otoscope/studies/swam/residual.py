"""Fig. 5: the geometry of a residual network, layer by layer, trained and random.

On the free data Res-TSSDNet is trained on spoken digits; where ASVspoof 2019 LA is there, the recipe of the published
network is trained as well, whose weights are not to be had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otoscope.methods.geometry import geometry
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.studies.study import Setting
from otoscope.studies.swam.networks import subject_of
from otoscope.studies.swam.trained import FREE, LARGE
from otoscope.studies.training import training

SEEDS = 3


def residual_trainings(setting: Setting) -> dict[str, Sequence[Step]]:
    """By the data, a training for each seed."""
    epochs = ("learn.epochs=1", "learn.warm_up=0") if setting.quick else ("learn.epochs=6",)
    recipes: dict[str, tuple[str, tuple[str, ...]]] = {FREE: ("laptop/fsdd/res_tssdnet", epochs)}
    if setting.has("asvspoof2019-la"):
        recipes[LARGE] = ("swam/res_tssdnet_spoofing", ())
    return {
        data: [
            training(
                recipe, [*changes, *setting.changes], seed=seed, table="residual_training", labels={"data": data},
                part="geometry", seconds=3600.0 * 24 if data == LARGE else 20 if setting.quick else 100,
            )
            for seed in setting.seeds_of(SEEDS)
        ]
        for data, (recipe, changes) in recipes.items()
    }  # fmt: skip


def residual_steps(trainings: dict[str, Sequence[Step]]) -> Iterator[Step]:
    """The trainings, and the geometry of trained and random weights."""
    for data, steps in trainings.items():
        for seed, train in enumerate(steps):
            yield train
            content = train.arguments["content"]["model"]
            for weights, needs in (("trained", (train,)), ("random", ())):
                given = {} if needs else {"model": content, "seed": seed}
                yield Step(
                    "residual", layers_of, given, {"data": data, "seed": seed, "weights": weights}, needs=needs,
                    part="geometry", seconds=1, command="otoscope geometry FOLDER",
                )  # fmt: skip


def layers_of(work: Work) -> Outcome:
    """Coherence of each convolution, and whether its result is added to another path."""
    found = geometry(subject_of(work))
    rows: list[Row] = [
        {
            "layer": str(layer),
            **{name: float(found[name][number]) for name in ("mu", "mu_avg", "B", "beta_avg")},
            "skip": bool(found["skip"][number]),
            "taps": int(found["dimension"][number]),
        }
        for number, layer in enumerate(found["layer"].values)
    ]
    return Outcome(rows)
