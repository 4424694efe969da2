"""The trainings of the study of SimpleNet: what is searched, and what is trained with what was found."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from otoscope.studies.inputs import Folder
from otoscope.studies.simplenet import trained
from otoscope.studies.simplenet.trained import NETWORKS, SMOOTH, train_at_best_rate, trained_steps
from otoscope.studies.step import Outcome, Work
from otoscope.studies.study import Setting


def test_every_network_is_searched_once_and_trained_on_both_tasks_over_seeds() -> None:
    steps = list(trained_steps(Setting(data=Folder())))
    searches = Counter(step.labels["network"] for step in steps if step.table == "search")
    assert searches == dict.fromkeys(NETWORKS, 3)
    runs = Counter((step.labels["network"], step.labels["task"]) for step in steps if step.table == "training")
    counts = dict.fromkeys(NETWORKS, 3) | {"soundnet": 5, SMOOTH: 5}
    assert runs == {(name, task): counts[name] for name in counts for task in ("digit", "speaker")}
    for step in steps:
        if step.table == "training":
            searched = "soundnet" if step.labels["network"] == SMOOTH else step.labels["network"]
            assert {one.labels["network"] for one in step.needs} == {searched}


def test_the_control_differs_from_its_network_in_the_low_pass_alone() -> None:
    steps = [step for step in trained_steps(Setting(data=Folder())) if step.table == "training"]
    plain, smooth = (next(s for s in steps if s.labels["network"] == name) for name in ("soundnet", SMOOTH))
    ours, theirs = (dict(step.arguments["content"]) for step in (plain, smooth))
    assert theirs["model"]["options"] == ours["model"]["options"] | {"low_pass": True}
    assert {key for key in ours if ours[key] != theirs[key]} == {"model"}


def test_a_run_takes_the_rate_whose_loss_on_the_validation_part_is_lowest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fsdd" / "recordings").mkdir(parents=True)
    data = Folder(tmp_path)
    step = next(step for step in trained_steps(Setting(data=data)) if step.table == "training")
    monkeypatch.setattr(Folder, "fingerprint", lambda self, one: "same")
    work = Work(step, data, tmp_path / "models")
    for place, loss in enumerate((2.0, 1.5, None)):
        work.model(place).mkdir(parents=True)
        (work.model(place) / "metrics.json").write_text(json.dumps({"validation_loss": loss}))
    asked: list[Any] = []

    def train_with(work: Work, changes: Any) -> Outcome:
        asked.extend(changes)
        return Outcome([{"test_accuracy": 0.5}])

    monkeypatch.setattr(trained, "train_with", train_with)
    assert train_at_best_rate(work).rows == [{"test_accuracy": 0.5, "learning_rate": 1e-3}]
    assert asked == ["learn.learning_rate=1e-3"]
