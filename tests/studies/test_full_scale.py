"""The plans for the data of the papers, end to end on miniature trees in the official layouts."""

from __future__ import annotations

from pathlib import Path

import pytest

import miniature_sets
from otoscope.studies.inputs import Folder
from otoscope.studies.listing import find_study
from otoscope.studies.page import write_study
from otoscope.studies.run import plan, run
from otoscope.studies.study import Setting

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
    study, setting = find_study("swam"), Setting(quick=True, seeds=2, changes=TINY, data=Folder(tmp_path / "data"))
    states = {(one.step.labels.get("data"), one.state) for one in plan(study, setting, None)}
    assert ("large", "to compute") in states and ("free", "no data") in states
    found = run(study, setting, tmp_path / "out")
    rows = found.found.rows("training")
    assert len(rows) == 12 and {row["data"] for row in rows} == {"large"}
    judged = {one.claim.number: one for one in found.judged}
    for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 20, 21, 22, 23, 24, 25, 26, 27, 28, 39, 40):
        estimate = judged[f"swam-{number}"].estimate
        assert estimate is not None and ("Speech Commands" in estimate.of or "LibriSpeech" in estimate.of), number
    page = write_study(found, tmp_path / "out").read_text("utf-8")
    assert "as published" in page and "speech-commands@" in page
