"""The plans for the data of the papers, end to end on miniature trees in the official layouts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import miniature_sets
from otoscope.studies.inputs import Folder
from otoscope.studies.listing import find_study
from otoscope.studies.page import write_study
from otoscope.studies.run import plan, run
from otoscope.studies.study import Setting
from otoscope.studies.swam.trained import FRONT_ENDS

TINY = (
    "model.options.input_length=4000",
    "data.duration=0.25",
    "data.workers=0",
    "learn.epochs=1",
    "learn.warm_up=0",
    "learn.batch_size=6",
)


@pytest.mark.study
def test_swam_is_run_on_the_data_of_the_paper(tmp_path: Path) -> None:
    miniature_sets.speech_commands(tmp_path / "data")
    miniature_sets.librispeech(tmp_path / "data")
    miniature_sets.asvspoof(tmp_path / "data")
    study, setting = find_study("swam"), Setting(quick=True, seeds=2, changes=TINY, data=Folder(tmp_path / "data"))
    states = {(one.step.labels.get("data"), one.state) for one in plan(study, setting, None)}
    assert ("large", "to compute") in states and ("free", "no data") in states
    found = run(study, setting, tmp_path / "out")
    rows = found.found.rows("training")
    assert len(rows) == 12 and {row["data"] for row in rows} == {"large"}
    assert {row["front_end"] for row in found.found.rows("pooling")} == set(FRONT_ENDS)
    judged = {one.claim.number: one for one in found.judged}
    for number in (*range(1, 5), *range(6, 12), *range(13, 30), *range(32, 35), *range(37, 44)):
        estimate = judged[f"swam-{number}"].estimate
        assert estimate is not None, number
        assert any(name in estimate.of for name in ("Speech Commands", "LibriSpeech", "ASVspoof")), estimate.of
    page = write_study(found, tmp_path / "out").read_text("utf-8")
    assert "as published" in page and "speech-commands@" in page
    assert all((tmp_path / "out" / "figures" / f"fig-{number}.pdf").is_file() for number in (1, 2, 3, 5))


CNN12 = (
    "model.options={width: 0.05}",
    "data.duration=0.3",
    "data.workers=0",
    "learn.epochs=1",
    "learn.warm_up=0",
    "learn.batch_size=4",
    "keep.steps=[0, 1]",
    "trainer={}",
)


@pytest.mark.study
def test_sonification_is_run_on_the_data_of_the_thesis(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for make in (miniature_sets.audioset, miniature_sets.fsd50k, miniature_sets.voxceleb1):
        make(data)
    miniature_sets.speech_commands(data)
    study, setting = find_study("sonification"), Setting(quick=True, seeds=1, changes=CNN12, data=Folder(data))
    found = run(study, setting, tmp_path / "out")
    missing = {one.step.name for one in found.steps if one.kept is None}
    assert missing and all("free" in name or name.startswith("shift") for name in missing)
    assert {row["metric"] for row in found.found.rows("probe", task="events")} == {"mAP"}
    assert {row["metric"] for row in found.found.rows("without", task="events")} == {"mAP"}
    judged = {one.claim.number: one for one in found.judged}
    needed = (1, 2, 3, 4, 10, 11, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, *range(28, 34), 35, *range(37, 54))
    for number in needed:
        estimate = judged[f"sonification-{number}"].estimate
        assert estimate is not None and "FSDD" not in estimate.of, number
    assert write_study(found, tmp_path / "out").is_file()


def test_every_row_of_the_tables_of_the_thesis_is_planned_where_its_data_is(tmp_path: Path) -> None:
    for make in (miniature_sets.audioset, miniature_sets.fsd50k, miniature_sets.voxceleb1):
        make(tmp_path)
    miniature_sets.speech_commands(tmp_path)
    steps = find_study("sonification").steps(Setting(data=Folder(tmp_path), seeds=1))
    trained = [step.labels for step in steps if step.trains and step.labels["data"] == "large"]
    linear = {
        (one["variant"], one["network"]) for one in trained if one.get("task") == "balanced" and one["mode"] == "linear"
    }
    table_4_1 = {(name, "cnn12") for name in ("gain", "noise", "masks", "all", "0.2", "0.3")} | {("all", "cnn12-x2")}
    assert linear == table_4_1
    for task in ("events", "words", "speakers"):
        ways = {(one["start"], one["mode"]) for one in trained if one.get("task") == task}
        assert {("none", "full"), ("contrastive", "full"), ("contrastive", "linear")} <= ways


@pytest.mark.study
def test_relevance_is_run_on_the_data_of_the_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speakers = [f"F{number:03}0" for number in range(12)]
    monkeypatch.setattr("otoscope.data.timit.TRAIN_SPEAKERS", len(speakers))
    miniature_sets.timit(tmp_path / "data", speakers)
    miniature_sets.aev(tmp_path / "data")
    tiny = ("learn.epochs=1", "learn.warm_up=0", "learn.batch_size=8", "data.workers=0")
    study, setting = find_study("relevance"), Setting(quick=True, seeds=2, changes=tiny, data=Folder(tmp_path / "data"))
    own = [one.step for one in plan(study, setting, None) if one.step.labels.get("data") == "large"]
    found = run(replace(study, plan=lambda setting: own), setting, tmp_path / "out")
    assert {row["data"] for row in found.found.rows("training")} == {"large"}
    networks, counts = 2 * 3, {table: len(found.found.rows(table)) for table in ("signals", "vowels", "compared")}
    assert counts == {"signals": 2 * networks * len(speakers), "vowels": networks * 24, "compared": len(speakers)}
    judged = {one.claim.number: one for one in found.judged}
    for number in (1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 27):
        estimate = judged[f"relevance-{number}"].estimate
        assert estimate is not None and "TIMIT" in estimate.of, number
    page = write_study(found, tmp_path / "out").read_text("utf-8")
    assert "fig-5" in page and "TIMIT" in page


@pytest.mark.study
def test_simplenet_is_run_on_the_data_of_the_paper(tmp_path: Path) -> None:
    miniature_sets.iemocap(tmp_path / "data")
    changes = (
        "data.duration=1.24",
        "data.validation=null",
        "data.validation_clips=2",
        "model.options.input_length=19840",
        "model.options.filters=31",
        "model.options.width=32",
        "learn.epochs=1",
        "learn.batch_size=8",
        "learn.patience=null",
    )
    study = find_study("simplenet")
    setting = Setting(quick=True, changes=changes, data=Folder(tmp_path / "data"))
    found = run(study, setting, tmp_path / "out", part="training")
    rows = found.found.rows("training")
    assert {(row["data"], row["task"]) for row in rows} == {("large", "emotion"), ("large", "gender")}
    assert len(rows) == 6 * 2 * 2 and {row["fold"] for row in rows} == {"fold1", "fold2"}
    judged = {one.claim.number: one for one in found.judged}
    for number in range(13, 24):
        estimate = judged[f"simplenet-{number}"].estimate
        assert estimate is not None and "IEMOCAP" in estimate.of and "2 folds" in estimate.of, number
    estimate = judged["simplenet-26"].estimate
    assert estimate is not None and "IEMOCAP, 5 networks" in estimate.of
    page = write_study(found, tmp_path / "out").read_text("utf-8")
    assert "emotion, published" in page and "emotion, ours" in page
