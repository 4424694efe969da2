"""Train the networks of the papers on two small, free data sets, and write the table of their results.

    python studies/free_sets.py --out runs --table docs/training/free_sets_table.md

Every recipe of ``laptop/fsdd`` is trained on both tasks, into ``RUNS/NAME_TASK``, and those of
``laptop/esc10`` into ``RUNS/esc10_NAME``. Finished runs are not repeated, and interrupted
ones are resumed. The data is read from ``OTOSCOPE_DATA``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from scipy.stats import binomtest

from otoscope.errors import InputError
from otoscope.training.recipe import RECIPES, Recipe, read_recipe

TASKS = ("digit", "speaker")
ENCODER = "esc10_contrastive"
ESC10 = {
    ENCODER: "SimCLR, without labels",
    "esc10_supervised": "supervised, from random weights",
    "esc10_linear": "linear classifier on SimCLR",
    "esc10_full": "fine-tuning after SimCLR",
}
SAME_WEIGHTS = {"about": True, "keep": True, "data": {"folder", "workers"}}
"""Keys that do not change the model."""


class Run(NamedTuple):
    """One training of the study."""

    name: str
    file: Path
    recipe: Recipe


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="RUNS", help="folder for the runs, or with them")
    parser.add_argument("--table", type=Path, metavar="FILE", help="Markdown file to write")
    parser.add_argument("--only", choices=("fsdd", "esc10"), help="one of the sets")
    parser.add_argument("--jobs", type=int, default=1, help="trainings at a time")
    asked = parser.parse_args(arguments)
    sets = [asked.only] if asked.only else ["fsdd", "esc10"]
    try:
        runs = [run for name in sets for run in (fsdd_runs() if name == "fsdd" else esc10_runs(asked.out))]
        missing = [run for run in runs if not is_done(run, asked.out)]
        if missing:
            print(f"to train: {', '.join(run.name for run in missing)}", file=sys.stderr, flush=True)
            train_all(missing, asked.out, asked.jobs)
        tables = [(fsdd_table if name == "fsdd" else esc10_table)(asked.out, asked.table) for name in sets]
    except InputError as error:
        sys.exit(f"error: {error}")
    if asked.table is None:
        print("\n".join(tables), end="")
    else:
        asked.table.write_text("\n".join(tables), encoding="utf-8")


def fsdd_runs() -> list[Run]:
    """Every recipe on both tasks."""
    files = sorted((RECIPES / "laptop" / "fsdd").glob("*.yaml"))
    return [
        Run(f"{file.stem}_{task}", file, read_recipe(file, [f"data.task={task}"])) for file in files for task in TASKS
    ]


def esc10_runs(out: Path) -> list[Run]:
    """The encoders first: the others start from them."""
    runs = []
    for name in ESC10:
        file = RECIPES / "laptop" / "esc10" / f"{name.removeprefix('esc10_')}.yaml"
        recipe = read_recipe(file)
        if recipe.model.weights is not None:
            recipe = read_recipe(file, [f"model.weights={json.dumps(str(out / ENCODER / '{fold}'))}"])
        runs.append(Run(name, file, recipe))
    return runs


def is_done(run: Run, out: Path) -> bool:
    """Whether a run is finished; a run of another recipe must not enter the table."""
    made = out / run.name / "recipe.yaml"
    if made.is_file() and _weights_of(read_recipe(made)) != _weights_of(run.recipe):
        raise InputError(f"{made.parent} was trained by another recipe than {run.file} is now: remove it")
    return (out / run.name / "metrics.json").is_file()


def train_all(runs: Sequence[Run], out: Path, jobs: int) -> None:
    """Train, several at a time; those that start from other runs after these."""
    first = [run for run in runs if run.recipe.model.weights is None]
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for some in (first, [run for run in runs if run not in first]):
            for name in pool.map(_train, some, [out] * len(some)):
                print(f"done: {name}", file=sys.stderr, flush=True)


def fsdd_table(out: Path, table: Path | None = None) -> str:
    """Accuracy on digits and on speakers, one row per network."""
    rows = []
    for file, recipe in {run.file: run.recipe for run in fsdd_runs()}.items():
        found = [_metrics(out, f"{file.stem}_{task}") for task in TASKS]
        network = recipe.about.removesuffix(" on the Free Spoken Digit Dataset").removesuffix(",")
        rows.append(
            [
                f"[{network}]({_link(file, table)})",
                f"{_input_seconds(recipe):.3g} s",
                _thousands(found[0]["parameters"]),
                *(_with_wilson(metrics["test_accuracy"], metrics["clips"]["test"]) for metrics in found),
                _both(str(metrics["epochs"]) for metrics in found),
                _both(_minutes(metrics["seconds"]) for metrics in found),
            ]
        )
    return _table(["network", "input", "weights", "digit, %", "speaker, %", "epochs", "minutes"], rows)


def esc10_table(out: Path, table: Path | None = None) -> str:
    """Mean accuracy over the folds, one row per training."""
    rows = []
    for run in esc10_runs(out):
        found = _metrics(out, run.name)
        folds = list(found["folds"].values())
        judged = "test_accuracy" in found
        rows.append(
            [
                f"[{ESC10[run.name]}]({_link(run.file, table)})",
                f"{_input_seconds(run.recipe):.3g} s",
                _thousands(found["parameters"]),
                _with_interval(found["test_accuracy"], *found["test_accuracy_interval"]) if judged else "",
                ", ".join(f"{100 * fold['test_accuracy']:.0f}" for fold in folds) if judged else "",
                str(run.recipe.learn.epochs),
                _minutes(sum(fold["seconds"] for fold in folds)),
            ]
        )
    return _table(["training", "input", "parameters", "accuracy, %", "each fold", "epochs", "minutes"], rows)


def _train(run: Run, out: Path) -> str:
    from otoscope.training.run import train

    train(run.recipe, out / run.name, resume=True)
    return run.name


def _weights_of(recipe: Recipe) -> dict[str, Any]:
    """The keys that determine the model; the place of the initial weights does not."""
    content = recipe.model_dump(exclude=SAME_WEIGHTS)
    content["model"]["weights"] = content["model"]["weights"] is not None
    return content


def _metrics(out: Path, name: str) -> Any:
    return json.loads((out / name / "metrics.json").read_text(encoding="utf-8"))


def _input_seconds(recipe: Recipe) -> float:
    """Length of the training pieces in s."""
    if recipe.data.duration is not None:
        return recipe.data.duration
    from otoscope.training.start import random_model

    model = random_model(recipe.model, None, recipe.seed)
    return float(model.input_length / model.sample_rate)


def _with_wilson(accuracy: float, clips: int) -> str:
    interval = binomtest(round(accuracy * clips), clips).proportion_ci(method="wilson")
    return _with_interval(accuracy, interval.low, interval.high)


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{100 * value:.1f} ({100 * max(low, 0):.1f}-{100 * min(high, 1):.1f})"


def _thousands(parameters: int) -> str:
    return f"{parameters / 1e6:.2f} M" if parameters >= 1e6 else f"{parameters / 1e3:.0f} k"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}"


def _both(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))


def _link(file: Path, table: Path | None) -> str:
    return Path(os.path.relpath(file, table.resolve().parent if table else Path.cwd())).as_posix()


def _table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
