"""A study small enough for tests: numbers that are drawn, a training on vowels, and what becomes of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.models import load
from otoscope.plots.papers.panels import grid
from otoscope.studies.claim import Claim
from otoscope.studies.estimate import Estimate, mean_of
from otoscope.studies.found import Found
from otoscope.studies.inputs import Sounds
from otoscope.studies.step import Outcome, Step, Work
from otoscope.studies.study import Listing, Picture, Setting, Study
from otoscope.studies.training import training

COUNTER = "TOY_STUDY_COUNTER"
"""A file to which every step that is computed adds its name."""
KILL = "TOY_STUDY_KILL"
"""The name of a step at whose beginning the process is killed, once: the file of this name is removed first."""


def drawn(work: Work) -> Outcome:
    """Numbers about 1, or about 0."""
    note(work)
    rng = np.random.default_rng(work.arguments["seed"])
    centre = work.arguments["centre"]
    return Outcome([{"value": float(value)} for value in rng.normal(centre, 0.1, 5)])


def weights(work: Work) -> Outcome:
    """What a trained model weighs."""
    note(work)
    model = load(str(work.model()))
    return Outcome([{"norm": float(sum(one.detach().square().sum() for one in model.parameters()) ** 0.5)}])


def note(work: Work) -> None:
    name = work.step.name
    if os.environ.get(KILL) and os.path.exists(os.environ[KILL]) and Path(os.environ[KILL]).read_text() == name:
        os.remove(os.environ[KILL])
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get(COUNTER):
        with open(os.environ[COUNTER], "a") as file:
            file.write(f"{name}\n")


def plan(setting: Setting) -> list[Step]:
    steps = [
        Step("drawn", drawn, {"seed": seed, "centre": centre}, {"kind": kind, "seed": seed}, part="numbers")
        for kind, centre in (("one", 1.0), ("none", 0.0))
        for seed in setting.seeds_of(3, quick=2)
    ]
    trained = [
        training(
            "laptop/vowels",
            ["learn.epochs=1", "learn.warm_up=0"],
            seed=seed,
            labels={"task": "name"},
            part="training",
            seconds=2,
        )
        for seed in setting.seeds_of(2)
    ]
    looked = [
        Step("weights", weights, {}, dict(one.labels), needs=(one,), part="training", command="otoscope taps FOLDER")
        for one in trained
    ]
    full = [Step("large", drawn, {"seed": 9, "centre": 5.0}, inputs=(Sounds("librispeech"),), part="numbers")]
    return [*steps, *trained, *looked, *full]


def above(found: Found, kind: str) -> Estimate:
    return mean_of(found.values("drawn", "value", kind=kind), f"{kind}, drawn")


def one(found: Found) -> Estimate:
    return above(found, "one")


def none(found: Found) -> Estimate:
    return above(found, "none")


def norm(found: Found) -> Estimate:
    return mean_of(found.values("weights", "norm"), "vowels")


def listed(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    return ["kind", "mean"], [[kind, f"{above(found, kind).value:.3f}"] for kind in ("one", "none")]


def picture(found: Found) -> Any:
    ax = grid(1, 1, height=1.5)[0, 0]
    ax.plot(found.values("drawn", "value", kind="one"))
    return ax.figure


def claim(number: int, measure: Any, **options: Any) -> Claim:
    return Claim(f"toy-{number}", "swam", "Fig. 1", "A claim.", test="a mean", measure=measure, **options)


STUDY = Study(
    "toy",
    "A toy",
    "Do numbers come out?",
    ("swam",),
    (
        claim(1, one, uses=("drawn",), part="numbers"),
        claim(2, one, direction="less", uses=("drawn",), part="numbers"),
        claim(3, none, uses=("drawn",), part="numbers", null=0.0),
        claim(4, norm, uses=("weights",), part="training"),
        claim(5, one, uses=("large",), part="numbers", needs=("LibriSpeech",)),
        claim(6, None, needs=("TIMIT",)),
    ),
    plan,
    parts=("numbers", "training"),
    pictures=(Picture("fig-1", "Numbers", "Fig. 1: dots", "Ours are lines.", picture, ("drawn",), "numbers"),),
    tables=(Listing("table-1", "Means", "Of both kinds.", listed, ("drawn",), "numbers"),),
    left_out=("Fig. 2: a photograph.",),
    cost="1 s",
)
