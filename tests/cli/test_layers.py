"""`otoscope residual`, `importance` and `evolution`: the numbers of the Python calls, and files that can be opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from otoscope import Scope, load, load_audio, write_audio
from otoscope.data.labelled import labelled_sounds, split_sounds

Otoscope = Callable[..., Any]


@pytest.fixture
def scope() -> Scope:
    return Scope(load("vowel-name"))


def test_residual_prints_what_the_call_returns(otoscope: Otoscope, scope: Scope, tmp_path: Path) -> None:
    said = otoscope("residual", "vowel-name", "vowels", "--limit", 6, "--layer", "pool1", "--json", "--out", tmp_path)
    waves, labels = zip(*labelled_sounds("vowels", limit=6), strict=True)
    study = scope.residual_study(waves, labels, layers=["pool1"])
    found = said.json()
    assert (found["clips"], found["metric"], found["baseline"]) == (6, "accuracy", float(study.baseline))
    assert found["layers"][0]["change_high"] == float(study.change_high[0])
    saved = xr.open_dataset(tmp_path / "residual_study.nc")
    np.testing.assert_array_equal(saved.score, study.score)
    assert {path.name for path in tmp_path.iterdir()} == {"residual_study.nc", "residual_study.png", "report.html"}


def test_a_single_file_needs_no_label_and_gives_sounds(
    otoscope: Otoscope, scope: Scope, tone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = otoscope("residual", "vowel-name", tone, "--layer", "pool1", "--json", "--out", out).json()
    assert found["metric"] == "agreement" and found["layers"][0]["score_low"] >= 0
    wave = load_audio(tone, scope.sample_rate)
    heard = load_audio(out / "residual_sound_layerpool1.wav").values
    expected = scope.residual(wave, layers=["pool1"]).values[0]
    np.testing.assert_allclose(heard, expected / max(1, np.abs(expected).max()), atol=1e-4)


def test_labels_that_are_no_classes_are_refused_or_left_out(otoscope: Otoscope, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("cat/a.wav", "dog/a.wav"):
        (tmp_path / name).parent.mkdir()
        write_audio(tmp_path / name, 0.1 * rng.standard_normal(4000), 16_000)
    otoscope("residual", "vowel-name", tmp_path).expect_refusal("the label 'cat' of")
    found = otoscope("residual", "vowel-name", tmp_path, "--unlabelled", "--layer", "pool1", "--json").json()
    assert (found["clips"], found["metric"]) == (2, "agreement")


def test_importance_prints_what_the_call_returns(otoscope: Otoscope, scope: Scope) -> None:
    said = otoscope(
        "importance", "vowel-name", "vowels", "--by", "register", "--limit", 24, "--layer", "relu3", "--seeds", 2,
        "--epochs", 5, "--json",
    )  # fmt: skip
    parts = split_sounds(labelled_sounds("vowels", by="register", limit=24))
    known = scope.layer_importance(
        *(list(zip(*part, strict=True)) for part in parts), layers=["relu3"], seeds=2, epochs=5
    )
    found = said.json()
    assert (found["train"], found["test"], found["frozen"], found["runs"]) == (18, 6, True, 2)
    assert found["layers"][0]["runs"] == known.accuracy.values[0].tolist()
    text = otoscope(
        "importance", "vowel-name", "vowels", "--test", "vowels", "--limit", 12, "--layer", "pool1", "--full",
        "--epochs", 1, "--seeds", 1,
    )  # fmt: skip
    assert text.code == 0 and "pool1" in text.out and "on 12 sounds, tested on 12" in " ".join(text.out.split())


def test_evolution_over_a_folder(otoscope: Otoscope, scope: Scope, tone: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for step in (5, 40):
        state = {f"model.{name}": value for name, value in scope.model.state_dict().items()}
        state["model.conv1.weight"] = state["model.conv1.weight"] * step / 40
        torch.save({"state_dict": state}, run / f"epoch=1-step={step}.ckpt")
    out = tmp_path / "out"
    found = otoscope(
        "evolution",
        "vowel-name",
        tone,
        "--checkpoints",
        run,
        "--layer",
        "relu1",
        "--channel",
        3,
        "--json",
        "--out",
        out,
    ).json()
    assert [(row["checkpoint"], row["channel"]) for row in found["maps"]] == [(5, 3), (40, 3)]
    assert found["maps"][0]["activity"] != found["maps"][1]["activity"]
    alone = scope.sonify(load_audio(tone, scope.sample_rate), "relu1", 3)
    assert found["maps"][1]["activity"] == pytest.approx(float(alone.activity[0]), rel=1e-5)
    assert (out / "evolution_checkpoint5_channel3.wav").is_file() and (out / "evolution.nc").is_file()


def test_a_checkpoint_of_another_model_is_refused(otoscope: Otoscope, tone: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    torch.save(torch.nn.Conv1d(1, 2, 3).state_dict(), path)
    said = otoscope("evolution", "vowel-name", tone, "--checkpoints", path, "--layer", "relu1")
    assert (said.code, said.out) == (1, "") and "other.pt does not fit vowel-name" in said.err
