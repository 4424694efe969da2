"""The table of the trainings on free data says what the runs found, and which of them are missing."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from otoscope.training.recipe import RECIPES, read_recipe, write_recipe

pytestmark = pytest.mark.study
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("free_sets", ROOT / "studies" / "free_sets.py")
    module = sys.modules["free_sets"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def runs(study: ModuleType, tmp_path: Path) -> Path:
    """Made-up runs of all recipes."""
    out = tmp_path / "runs"
    for run in study.fsdd_runs():
        found = {"test_accuracy": 0.9 if "digit" in run.name else 1.0, "seconds": 90.0, "epochs": 7}
        write(out, run, found | {"parameters": 1_234_000, "clips": {"test": 300}})
    for run in study.esc10_runs(out):
        folds = {f"fold{n}": {"seconds": 60.0, "test_accuracy": 0.6 + n / 100} for n in range(1, 6)}
        found = {
            "parameters": 56_400,
            "folds": folds,
            "test_accuracy": 0.63,
            "test_accuracy_interval": [0.6104, 0.6496],
        }
        if run.name == "esc10_contrastive":
            found = {"parameters": 56_400, "folds": {name: {"seconds": 30.0} for name in folds}}
        write(out, run, found)
    return out


def write(out: Path, run: Any, metrics: dict[str, Any]) -> None:
    folder = out / run.name
    folder.mkdir(parents=True)
    write_recipe(run.recipe, folder / "recipe.yaml")
    (folder / "metrics.json").write_text(json.dumps(metrics))


def rows(table: Path) -> dict[str, list[str]]:
    """By what stands first, without its link."""
    cells = [line.strip("| ").split(" | ") for line in table.read_text("utf-8").splitlines() if line.startswith("| [")]
    return {first[1:].partition("]")[0]: others for first, *others in cells}


def epochs(name: str) -> str:
    return str(read_recipe(f"laptop/esc10/{name}").learn.epochs)


def test_table(study: ModuleType, runs: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    study.main(["--out", str(runs), "--table", str(table)])
    found = rows(table)
    assert len(found) == len(list((RECIPES / "laptop" / "fsdd").glob("*.yaml"))) + 4
    # Wilson's interval of 270 and of 300 out of 300, from its equation with z = 1.96
    heard = read_recipe("laptop/fsdd/wavernn").data.duration
    assert found["WaveRNN"] == [f"{heard:g} s", "1.23 M", "90.0 (86.1-92.9)", "100.0 (98.7-100.0)", "7", "1.5"]
    assert found["fine-tuning after SimCLR"][1:] == [
        "56 k",
        "63.0 (61.0-65.0)",
        "61, 62, 63, 64, 65",
        epochs("full"),
        "5.0",
    ]
    assert found["SimCLR, without labels"][2:] == ["", "", epochs("contrastive"), "2.5"]


def test_table_links_to_the_recipes(study: ModuleType, runs: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    study.main(["--out", str(runs), "--only", "fsdd", "--table", str(table)])
    links = [line.partition("](")[2].partition(")")[0] for line in table.read_text().splitlines()[2:]]
    assert links and all((table.parent / link).is_file() for link in links)


def test_what_is_missing_is_trained_and_named(
    study: ModuleType, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted: list[Any] = []
    monkeypatch.setattr(study, "train_all", lambda missing, out, jobs: wanted.extend(missing))
    for name in ("wavernn_digit", "esc10_full"):
        (runs / name / "metrics.json").rename(runs / name / "metrics.kept")
    with pytest.raises(FileNotFoundError):  # nothing was trained
        study.main(["--out", str(runs)])
    assert [run.name for run in wanted] == ["wavernn_digit", "esc10_full"]
    assert "to train: wavernn_digit, esc10_full" in capsys.readouterr().err
    assert wanted[1].recipe.model.weights == str(runs / "esc10_contrastive" / "{fold}")


def test_runs_of_another_recipe_are_refused(study: ModuleType, runs: Path, tmp_path: Path) -> None:
    path = runs / "cnn12_digit" / "recipe.yaml"
    path.write_text(path.read_text().replace("batch_size: 32", "batch_size: 16"))
    with pytest.raises(SystemExit, match="cnn12_digit was trained by another recipe"):
        study.main(["--out", str(runs), "--table", str(tmp_path / "table.md")])
    assert not (tmp_path / "table.md").exists()


def test_encoders_are_trained_before_what_starts_from_them(
    study: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    class Pool:
        def __init__(self, *_: Any) -> None: ...
        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None: ...
        def map(self, _: Any, runs: list[Any], outs: list[Path]) -> list[str]:
            order.append(" ".join(run.name for run in runs))
            return [run.name for run in runs]

    monkeypatch.setattr(study, "ProcessPoolExecutor", Pool)
    study.train_all(study.esc10_runs(tmp_path), tmp_path, 2)
    assert order == ["esc10_contrastive esc10_supervised", "esc10_linear esc10_full"]
