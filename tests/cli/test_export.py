"""`otoscope export`: a site of plain files, whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from made_up_runs import write_run, write_sounds
from otoscope.app import export as writing

Otoscope = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_sounds(write_run(tmp_path / "run"))


def test_a_run_becomes_a_site(otoscope: Otoscope, folder: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    found = otoscope("export", folder, "--out", site, "--json").json()
    assert found["page"] == str(site / "index.html") and found["maps"] == 10
    html = (site / "index.html").read_text()
    assert 'data-parts="parts/"' in html and "script-src 'sha256-" in html and " 'self'" in html
    told = json.loads((site / "summary.json").read_text())
    assert told["runs"][0]["model"] == "m" and told["runs"][0]["versions"] == {"otoscope": "0.1.0"}
    files = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert files == {"summary.json", *told["otoscope_manifest"]["files"]} and len(files) == found["files"]
    assert {"parts/r0-maps.js", "parts/r0-clips.js", "parts/r0-s-0-0.js"} <= files
    again = otoscope("export", folder, folder, "--out", site, "--sounds", "0", "--quiet")
    assert (again.code, again.out.strip()) == (0, str(site / "index.html"))
    assert (site / "parts/r1-maps.js").is_file() and not list(site.glob("parts/*-s-*"))


def test_it_describes_now_or_takes_what_was_described(
    otoscope: Otoscope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("made_up_runs.N_CLIPS", 96)  # enough to be halved
    folder = write_run(tmp_path / "run")
    assert otoscope("export", folder, "--out", tmp_path / "site", "--describe").code == 0
    assert otoscope("describe", folder, "--no-measured", "--shuffles", "9", "--out", tmp_path / "told").code == 0
    assert otoscope("export", folder, "--out", tmp_path / "site", "--described", tmp_path / "told").code == 0
    both = ("export", folder, "--out", tmp_path / "site", "--described", tmp_path / "told")
    otoscope(*both, "--describe").expect_refusal("give one of them")
    otoscope(*both, "--described", tmp_path / "told").expect_refusal("was given 2 times, for 1 run")
    otoscope("export", folder, "--out", tmp_path / "site", "--top", "0").expect_refusal("--top has to be 1 to 255")


def test_what_is_no_site_and_no_run_is_refused(otoscope: Otoscope, folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("mine")
    otoscope("export", folder, "--out", mine).expect_refusal("holds thesis.tex, no part of an earlier result")
    otoscope("export", folder, "--out", folder).expect_refusal("no part of an earlier result")
    otoscope("export", tmp_path / "mine", "--out", tmp_path / "site").expect_refusal("is not the folder of a run")
    (folder / "rows/part-00001.parquet").unlink()
    otoscope("export", folder, "--out", tmp_path / "site").expect_refusal("is not done")
    assert not (tmp_path / "site").exists()
    found = otoscope("export", folder, "--out", tmp_path / "site", "--partial", "--json").json()
    assert any("this sweep is not done" in note for note in found["notes"])


def test_a_site_is_written_whole_or_not_at_all(
    otoscope: Otoscope, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    otoscope("export", folder, "--out", tmp_path / "site")
    before = {path: path.read_bytes() for path in tmp_path.joinpath("site").rglob("*") if path.is_file()}
    noise = io.BytesIO()
    soundfile.write(noise, np.random.default_rng(0).integers(-9000, 9000, 4000).astype("i2"), 8000, format="FLAC")
    header = noise.getvalue()[:300]  # which promises sound that is not there
    next((folder / "sounds").glob("*/0/*sonification.wav")).write_bytes(header + bytes(7500))
    otoscope("export", folder, "--out", tmp_path / "site").expect_refusal("cannot be read")
    monkeypatch.setattr(writing, "part_file", lambda packed: (_ for _ in ()).throw(KeyboardInterrupt))
    assert otoscope("export", folder, "--out", tmp_path / "site", "--sounds", "0").code == 130
    after = {path: path.read_bytes() for path in tmp_path.joinpath("site").rglob("*") if path.is_file()}
    assert after == before and {path.name for path in tmp_path.iterdir()} == {"run", "site"}
