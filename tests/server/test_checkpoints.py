"""The checkpoints of a training: each with its own answer, the last one that of the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from otoscope import Scope, load
from otoscope.models.checkpoints import save_weights
from served import Browser, Served, wav


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place, trained = tmp_path_factory.mktemp("checkpoints"), load("vowel-name")
    save_weights(trained, place / "step=200.safetensors")
    torch.manual_seed(0)
    with torch.no_grad():
        for value in trained.parameters():
            value += 0.5 * value.abs().mean() * torch.randn_like(value)
    save_weights(trained, place / "step=10.safetensors")
    return place


@pytest.fixture(scope="module")
def trained(folder: Path) -> Iterator[Served]:
    server = Served("vowel-name", "--checkpoints", str(folder))
    yield server
    server.end()


def test_each_checkpoint_has_its_answer(trained: Served, folder: Path, tmp_path: Path) -> None:
    browser = Browser(trained)
    (model,) = browser.get("/api/models").json()["models"]
    assert model["checkpoints"] == [{"id": "c1", "label": "step 10"}, {"id": "c2", "label": "step 200"}]
    sound = browser.sound(0.5)["id"]
    (tmp_path / "tone.wav").write_bytes(wav(0.5))
    said = {
        key: browser.answered(kind="answer", sound=sound, checkpoint=key)["answer"]["logits"][0]
        for key in ("c1", "c2", None)
    }
    early = Scope(load("vowel-name", weights=folder / "step=10.safetensors")).output(tmp_path / "tone.wav")
    assert said["c1"] == pytest.approx(float(early.max()), rel=1e-3)
    assert said["c2"] == said[None] != said["c1"]


def test_two_checkpoints_side_by_side(trained: Served) -> None:
    browser = Browser(trained)
    ask = {"kind": "compare", "models": ["m1", "m1"], "checkpoints": ["c1", None], "sound": browser.sound(0.5)["id"]}
    job = browser.wait(browser.post("/api/jobs", json=ask).json()["job"])
    assert job["state"] == "done", job
    runs = browser.get(f"{job['page']}manifest.json").json()["runs"]
    assert [run["id"] for run in runs] == ["m1-c1", "m1"]
    assert [run["model"] for run in runs] == ["vowel-name (step 10)", "vowel-name"]
