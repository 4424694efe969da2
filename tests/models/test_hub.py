"""Publishing on the Hugging Face Hub and loading from it, with the network taken away."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import otoscope
from otoscope.errors import InputError
from otoscope.models import load, save, weights_digest

huggingface_hub = pytest.importorskip("huggingface_hub")

FILES = ["README.md", "config.json", "model.safetensors"]
CARD = "---\nlicense: mit\n---\n\n# Ours\n"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reaches for the network fails."""
    import socket

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("the network is taken away")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(4)
    model = load("cnn12", width=0.05, n_classes=2, dropout=0.1)
    model.classes, model.name, model.sample_rate = ("yes", "no"), "ours", 16_000
    return model


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What would be uploaded: the files with their contents, and the arguments."""
    found: dict[str, Any] = {}

    def create_repo(api: Any, repo_id: str, **options: Any) -> SimpleNamespace:
        found["created"] = repo_id
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(api: Any, *, folder_path: Path, **options: Any) -> str:
        found["files"] = {path.name: path.read_bytes() for path in sorted(Path(folder_path).rglob("*"))}
        found["options"] = options
        return "https://commit"

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", create_repo)
    monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", upload_folder)
    return found


@pytest.fixture
def on_the_hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[dict[str, Any]]]:
    """Let a folder stand for everything on the Hub; returns the calls."""

    def serve(folder: Path) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []

        def one(name: str, file: str, **options: Any) -> str:
            calls.append({"name": name, "file": file, **options})
            return str(folder / file)

        def whole(name: str, **options: Any) -> str:
            calls.append({"name": name, **options})
            return str(folder)

        monkeypatch.setattr("huggingface_hub.hf_hub_download", one)
        monkeypatch.setattr("huggingface_hub.snapshot_download", whole)
        return calls

    from otoscope.models import hub

    assert hub  # imported before its names are replaced
    return serve


def assert_same(a: Any, b: Any) -> None:
    assert weights_digest(a) == weights_digest(b)
    assert json.dumps(a.config) == json.dumps(b.config)
    assert (a.classes, a.name, a.sample_rate) == (b.classes, b.name, b.sample_rate)
    wave = torch.randn(1, 1, 4000)
    with torch.no_grad():
        assert torch.equal(a(wave), b(wave))


# --- to a folder and back ---


def test_saved_and_taken_back_it_is_the_same(model: nn.Module, tmp_path: Path) -> None:
    published = otoscope.models.Published(model, CARD)
    published.save_pretrained(tmp_path)
    save(model, tmp_path / "plain", CARD)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    again = otoscope.models.Published.from_pretrained(tmp_path)
    assert again.card == CARD
    assert not again.model.training
    assert_same(again.model, model)
    assert_same(otoscope.load(tmp_path), model)


def test_the_card_that_is_there_stays(model: nn.Module, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(CARD)
    otoscope.models.Published(model).save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == CARD
    otoscope.models.Published(model, "# New").save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "# New"


def test_without_a_card_there_is_a_short_one(model: nn.Module, tmp_path: Path) -> None:
    otoscope.models.Published(model).save_pretrained(tmp_path)
    card = huggingface_hub.ModelCard.load(tmp_path / "README.md")
    assert card.data.library_name == "otoscope"
    assert {"audio", "raw-waveform"} <= set(card.data.tags)
    assert "otoscope.load(" in card.text


def test_a_folder_with_the_name_of_an_architecture(
    model: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(model, "cnn12")
    assert_same(otoscope.models.Published.from_pretrained("cnn12").model, model)
    assert_same(load("hf:cnn12"), model)


def test_what_cannot_be_saved_is_refused_before_an_older_folder_is_touched(model: nn.Module, tmp_path: Path) -> None:
    save(model, tmp_path)
    with pytest.raises(InputError, match="Linear cannot be saved"):
        otoscope.models.Published(nn.Linear(2, 2)).save_pretrained(tmp_path)
    assert_same(load(tmp_path), model)


@pytest.mark.parametrize("config", ["{", "[1]", '{"model_type": "wav2vec2"}'])
def test_a_folder_of_something_else(config: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(InputError, match=r"config\.json"):
        otoscope.models.Published.from_pretrained(tmp_path)


# --- to the Hub ---


def test_a_run_is_published_in_two_lines(model: nn.Module, tmp_path: Path, uploads: dict[str, Any]) -> None:
    run = save(model, tmp_path / "run", CARD)
    for name in ("last.ckpt", "recipe.yaml", "metrics.json"):
        (run / name).write_text("not for the Hub")
    (run / "steps").mkdir()
    from otoscope.models import Published

    address = Published.from_pretrained(run).push_to_hub("org/ours", private=True, commit_message="first")
    assert address == "https://commit"
    assert uploads["created"] == "org/ours"
    assert uploads["options"]["repo_type"] == "model"
    assert uploads["options"]["commit_message"] == "first"
    assert uploads["files"] == {name: (run / name).read_bytes() for name in FILES}


def test_saving_and_publishing_in_one_call(model: nn.Module, tmp_path: Path, uploads: dict[str, Any]) -> None:
    otoscope.models.Published(model, CARD).save_pretrained(tmp_path / "ours", push_to_hub=True, repo_id="org/ours")
    assert uploads["files"] == {name: (tmp_path / "ours" / name).read_bytes() for name in FILES}
    assert uploads["files"]["README.md"].decode() == CARD


# --- from the Hub ---


def test_a_checkpoint_of_ours_by_name(model: nn.Module, tmp_path: Path, on_the_hub: Callable) -> None:
    calls = on_the_hub(save(model, tmp_path, CARD))
    assert_same(otoscope.load("hf:org/ours"), model)
    assert [call["name"] for call in calls] == ["org/ours", "org/ours"]
    assert sorted(calls[1]["allow_patterns"]) == FILES

    calls.clear()
    found = otoscope.load("hf:org/ours", revision="v1", local_files_only=True, dropout=0.3)
    assert found.fc1.drop10.p == 0.3
    assert all(call["revision"] == "v1" and call["local_files_only"] for call in calls)

    calls.clear()
    again = otoscope.models.Published.from_pretrained("org/ours", revision="v2", token="t")
    assert_same(again.model, model)
    assert again.card == CARD
    assert all(call["revision"] == "v2" and call["token"] == "t" for call in calls)


def test_a_checkpoint_that_was_downloaded_before(
    model: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the functions of huggingface_hub themselves, on a cache as they leave it."""
    repository = tmp_path / "models--org--ours"
    save(model, repository / "snapshots" / ("0" * 40), CARD)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    assert_same(load("hf:org/ours", local_files_only=True), model)
    published = otoscope.models.Published.from_pretrained("org/ours", cache_dir=tmp_path, local_files_only=True)
    assert published.card == CARD
    assert_same(published.model, model)


def test_weights_given_with_it_win(model: nn.Module, tmp_path: Path, on_the_hub: Callable) -> None:
    on_the_hub(save(model, tmp_path / "run"))
    other = load("cnn12", width=0.05, n_classes=2)
    torch.save(other.state_dict(), tmp_path / "other.pt")
    assert weights_digest(load("hf:org/ours", weights=tmp_path / "other.pt")) == weights_digest(other)


def test_a_model_of_transformers_is_left_to_transformers(
    tmp_path: Path, on_the_hub: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2", "architectures": ["Wav2Vec2Model"]}))
    calls = on_the_hub(tmp_path)
    asked = []

    def from_hub(name: str, **options: Any) -> nn.Module:
        asked.append((name, options))
        return nn.Identity()

    monkeypatch.setattr("otoscope.models.huggingface.from_hub", from_hub)
    assert isinstance(load("hf:org/theirs", revision="v1"), nn.Identity)
    assert asked == [("org/theirs", {"revision": "v1"})]
    assert [call.get("file") for call in calls] == ["config.json"]  # no weights are fetched to find out


def test_a_folder_of_ours_needs_neither_the_hub_nor_transformers(
    model: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(model, tmp_path)
    for name in ("huggingface_hub", "transformers"):
        monkeypatch.setitem(sys.modules, name, None)
    assert_same(load(f"hf:{tmp_path}"), model)
    assert_same(load(f"hf:{tmp_path}", local_files_only=True), model)


@pytest.mark.parametrize("name", ["org/none", "no/such/name", "./folder"])
def test_what_is_not_there(name: str) -> None:
    with pytest.raises(InputError, match="cannot be loaded"):
        load(f"hf:{name}", local_files_only=True)
    with pytest.raises(InputError, match="cannot be loaded"):
        otoscope.models.Published.from_pretrained(name, local_files_only=True)


def test_an_architecture_that_we_do_not_know(tmp_path: Path, on_the_hub: Callable) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "cnn21"}))
    on_the_hub(tmp_path)
    with pytest.raises(InputError, match="no architecture is called 'cnn21'; did you mean cnn12"):
        load("hf:org/odd")


def test_pickled_weights_are_not_opened(model: nn.Module, tmp_path: Path, on_the_hub: Callable) -> None:
    save(model, tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    on_the_hub(tmp_path)
    with pytest.raises(InputError, match=r"has no model\.safetensors"):
        load("hf:org/pickled")


# --- without huggingface_hub ---


def test_without_huggingface_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "otoscope.models.hub", raising=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for attempt in (lambda: otoscope.models.Published, lambda: load("hf:org/name")):
        with pytest.raises(InputError, match=r"pip install 'otoscope\[hf\]'"):
            attempt()
    with pytest.raises(AttributeError, match="no attribute 'Publish'"):
        otoscope.models.Publish  # noqa: B018
