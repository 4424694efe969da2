"""A saved folder is the model: for every architecture, whole or not at all, with its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.errors import InputError
from otoscope.models import ARCHITECTURES, Architecture, load, read_weights, save, weights_digest

# sizes that are quick
SMALL: dict[str, dict[str, Any]] = {
    "aasist": {"n_classes": 3, "filters": 9, "width": 51, "channels": [4, 6], "nodes": 8, "sample_rate": 8000},
    "cnn12": {"n_classes": 3, "width": 0.05, "dropout": 0.2},
    "cnn12-x2": {"n_classes": 3},
    "leaf": {"n_classes": 3, "filters": 8, "width": 101, "hop": 80, "sample_rate": 8000},
    "phone-cnn": {"n_classes": 3, "input_length": 2000},
    "res-tssdnet": {"n_classes": 3, "width": 0.5, "input_length": 2000, "sample_rate": 8000},
    "simplenet-cnn": {"n_classes": 3, "filters": 31, "width": 64, "input_length": 31 * 640, "bands": "mel"},
    "simplenet-rnn": {"n_classes": 3, "filters": 2, "width": 64, "bands": [[100, 500], [1000, 2000]]},
    "sincnet": {"n_classes": 3, "filters": 8, "width": 51, "sample_rate": 8000},
    "soundnet": {"n_classes": 3, "sample_rate": 16_000, "input_length": None},
    "speaker-cnn": {"n_classes": 3, "input_length": 2000},
    "specnet": {"n_classes": 3, "filters": 31, "width": 64, "input_length": 31 * 640},
    "stridednet": {"n_classes": 3, "filters": 4, "reduce": "max", "sample_rate": 8000},
    "swam-segmental": {"n_classes": 3, "input_length": 2000, "dropout": 0.1},
    "swam-subsegmental": {"n_classes": 3, "input_length": 2000},
    "swam-multiresolution": {"n_classes": 3, "input_length": 2000, "pool": 2},
    "vowelnet": {"classes": ["a", "b", "c"], "channels": (4, 4, 6), "sample_rate": 8000, "name": "mine"},
    "wav2vec2": {"n_classes": 3, "channels": 8, "width": 16, "depth": 1, "heads": 2, "steps": 6, "norm": "layer"},
    "wavernn": {"n_classes": 3, "filters": 4},
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_comes_back_from_its_folder(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = load(name, **SMALL.get(name, {}))
    length = model.input_length or max(4000, getattr(model, "minimum_length", 0))
    wave = 0.1 * torch.randn(2, 1, length)
    with torch.no_grad():
        model.train()(wave)  # so that the running means of batch norm are none of a fresh model
        outputs = model.eval()(wave)
    model.classes = tuple("xyzuvw"[: outputs.shape[1]])

    again = load(save(model, tmp_path / "folder"))
    assert weights_digest(again) == weights_digest(model)
    for key in ("name", "sample_rate", "input_length", "padding", "classes"):
        assert getattr(again, key) == getattr(model, key), key
    assert json.dumps(again.config) == json.dumps(model.config)
    with torch.no_grad():
        assert torch.equal(again(wave), outputs)


def test_the_small_sizes_are_of_architectures_that_there_are() -> None:
    assert SMALL.keys() <= ARCHITECTURES.keys()


def test_an_encoder_without_classes_stays_one(tmp_path: Path) -> None:
    again = load(save(load("cnn12", width=0.05), tmp_path))
    assert again.classes is None
    assert again(torch.zeros(1, 1, 4000)).shape == (1, 512)


def test_the_card_is_written_beside_the_model_and_stays(tmp_path: Path) -> None:
    model = load("cnn12", width=0.05)
    save(model, tmp_path, "# Näme\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert (tmp_path / "README.md").read_text("utf-8") == "# Näme\n"
    save(model, tmp_path)
    assert (tmp_path / "README.md").read_text("utf-8") == "# Näme\n"
    save(model, tmp_path, card="# Other")
    assert (tmp_path / "README.md").read_text("utf-8") == "# Other"


def test_an_interrupted_card_leaves_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("cnn12", width=0.05)
    save(model, tmp_path, "# First")
    write_text = Path.write_text

    def full_disk(path: Path, text: str, **options: str) -> int:
        if path.name.startswith("README"):
            write_text(path, text[:3], **options)
            raise OSError("No space left on device")
        return write_text(path, text, **options)

    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(InputError, match=r"cannot write .*README\.md: No space left"):
        save(model, tmp_path, "# Second")
    assert (tmp_path / "README.md").read_text("utf-8") == "# First"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_a_model_from_code_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text("import torch\nclass Net(torch.nn.Conv1d):\n    pass\n")
    sizes = {"in_channels": 1, "out_channels": 2, "kernel_size": 3}
    model = load(f"{tmp_path / 'net.py'}:Net", **sizes)
    with pytest.raises(InputError, match=r"Net cannot be saved.*ARCHITECTURES\['mine'\].*torch\.save") as error:
        save(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()

    # both ways that the message names
    torch.save(model.state_dict(), tmp_path / "mine.pt")
    again = load(f"{tmp_path / 'net.py'}:Net", weights=tmp_path / "mine.pt", **sizes)
    assert weights_digest(again) == weights_digest(model)
    monkeypatch.setitem(ARCHITECTURES, "mine", Architecture("torch.nn:Conv1d", "what it is"))
    named = load("mine", **sizes)
    assert weights_digest(load(save(named, tmp_path / "out"))) == weights_digest(named)
    assert "load('mine')" in str(error.value)


def test_options_that_no_file_can_hold_are_named(tmp_path: Path) -> None:
    model = load("simplenet-rnn", filters=2, width=64, bands=np.array([[100, 500], [1000, 2000]]))
    with pytest.raises(InputError, match=r"simplenet-rnn cannot be saved.*plain numbers, text and lists.*ndarray"):
        save(model, tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.there = nn.Linear(3, 3, bias=False)
        self.back = nn.Linear(3, 3, bias=False)
        self.back.weight = self.there.weight


def test_weights_that_are_used_twice_are_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.nn.Tied", Tied, raising=False)
    monkeypatch.setitem(ARCHITECTURES, "tied", Architecture("torch.nn:Tied", "one matrix twice"))
    model = load("tied")
    again = load(save(model, tmp_path))
    assert torch.equal(again.there.weight, model.there.weight)
    assert again.back.weight is again.there.weight
    assert read_weights(tmp_path / "model.safetensors").keys() == {"there.weight", "back.weight"}
