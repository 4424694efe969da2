"""The card of a trained model: the Hub reads its heading, its figures are there, its commands are right."""

from __future__ import annotations

import math
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import yaml
from torch import nn

from otoscope.data.sets import SETS
from otoscope.models import load, save
from otoscope.training.card import METRICS, ON_THE_HUB, model_card
from otoscope.training.recipe import Recipe, read_recipe

CLIPS = {"train": 1200, "validation": 240, "test": 3000}


def a_recipe(**changes: Any) -> Recipe:
    sections: dict[str, Any] = {
        "about": "Ten sounds: of rain, of dogs.",
        "model": {"name": "cnn12", "options": {"width": 0.05}},
        "data": {"set": "esc10", "train": ["fold1", "fold2"], "validation": 0.1, "test": "fold3", "duration": 1.0},
        "learn": {"epochs": 3, "batch_size": 8},
    }
    for section, change in changes.items():
        sections[section] = sections[section] | change if isinstance(change, dict) else change
    return Recipe.model_validate(sections)


def a_model(classes: tuple[str, ...] | None = ("dog", "rain", "sea_waves")) -> nn.Module:
    torch.manual_seed(0)
    model = load("cnn12", width=0.05, n_classes=None if classes is None else len(classes))
    model.classes = classes
    return model


def a_card(recipe: Recipe | None = None, model: nn.Module | None = None, **options: Any) -> str:
    metrics = options.pop("metrics", {"test_accuracy": 0.8125})
    results = {"clips": CLIPS} | {key: options.pop(key) for key in ("clips", "seconds", "device") if key in options}
    return model_card(recipe or a_recipe(), model or a_model(), metrics | results, **{"name": "rain", **options})


def heading_of(card: str) -> dict[str, Any]:
    start, heading, _ = re.split(r"^---\n", card, maxsplit=2, flags=re.MULTILINE)
    assert start == ""
    return yaml.safe_load(heading)


def block_of(card: str, language: str, number: int = 0) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```$", card, re.MULTILINE | re.DOTALL)[number]


def row_of(card: str, start: str) -> list[str]:
    rows = [line for line in card.splitlines() if line.startswith(f"| {start} |")]
    assert len(rows) == 1, rows
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


# --- the heading ---


def test_the_heading_is_what_the_hub_reads() -> None:
    card = a_card(licence="cc-by-nc-3.0")
    heading = heading_of(card)
    assert heading["license"] == "cc-by-nc-3.0"
    assert heading["library_name"] == "otoscope"
    assert heading["pipeline_tag"] == "audio-classification"
    assert {"audio", "cnn12", "esc10", "supervised"} <= set(heading["tags"])
    assert heading["metrics"] == ["accuracy"]
    assert "datasets" not in heading
    huggingface_hub = pytest.importorskip("huggingface_hub")
    read = huggingface_hub.ModelCard(card)
    (result,) = read.data.eval_results
    assert (read.data.model_name, read.data.license) == ("rain", "cc-by-nc-3.0")
    assert (result.metric_type, result.metric_value, result.dataset_split) == ("accuracy", 0.8125, "test")
    assert read.text.startswith("\n# rain\n")


def test_a_set_that_the_hub_has_is_linked() -> None:
    assert ON_THE_HUB.keys() <= SETS.keys()
    data = {"set": "speech-commands", "train": "train", "validation": "validation", "test": "test"}
    assert heading_of(a_card(a_recipe(data=data)))["datasets"] == ["google/speech_commands"]


def test_numpy_numbers_and_odd_names_do_not_break_the_heading() -> None:
    metrics = {"test_accuracy": np.float32(0.3404258), "test_d_prime": np.float64(1.25)}
    heading = heading_of(a_card(name="run: 3 'é'", metrics=metrics))
    assert heading["model-index"][0]["name"] == "run: 3 'é'"
    values = {one["type"]: one["value"] for one in heading["model-index"][0]["results"][0]["metrics"]}
    assert values == {"accuracy": 0.340426, "d_prime": 1.25}


# --- what it says ---


def test_the_model_is_described() -> None:
    model = a_model()
    card = a_card(model=model)
    size = sum(parameter.numel() for parameter in model.parameters())
    assert f"`cnn12`, {size:,} parameters" in card
    assert "at 8,000 Hz" in card
    assert "3 classes: dog, rain, sea_waves" in card
    assert "Ten sounds: of rain, of dogs." in card
    phone = load("phone-cnn", n_classes=100)
    phone.classes = tuple(f"phone{n}" for n in range(100))
    card = a_card(model=phone)
    assert "0.25 s (4,000 samples)" in card
    assert "phone59 and 40 more" in card


@pytest.mark.parametrize("name", SETS)
def test_the_data_set_stands_there_with_licence_and_address(name: str) -> None:
    card = a_card(a_recipe(data={"set": name}))
    source = SETS[name]
    assert source.about in card and source.licence in card and source.url in card


def test_the_parts_and_how_many_clips_they_have() -> None:
    card = a_card()
    assert row_of(card, "train | fold1, fold2") == ["train", "fold1, fold2", "1,200"]
    assert "| validation | 0.1 of the training clips, held out | 240 |" in card
    assert "| test | fold3 | 3,000 |" in card
    folds = {"set": "esc10", "train": None, "test": None, "validation": None, "folds": "all"}
    card = a_card(a_recipe(data=folds), clips={"train": 320, "test": 80}, fold="fold4")
    assert "| train | all but fold4 | 320 |" in card
    assert "| test | fold4 | 80 |" in card


def test_the_recipe_can_be_trained_by_again(tmp_path: Path) -> None:
    recipe = a_recipe(data={"folder": "/home/someone/esc10"})
    card = a_card(recipe)
    assert "/home/someone" not in card
    (tmp_path / "recipe.yaml").write_text(block_of(card, "yaml"), "utf-8")
    again = read_recipe(tmp_path / "recipe.yaml", ["data.folder=/home/someone/esc10"])
    assert again == recipe
    assert block_of(card, "bash") == "otoscope train recipe.yaml --out rain\n"


def test_time_device_versions_and_what_it_started_from() -> None:
    recipe = a_recipe(learn={"method": "linear"}, model={"weights": "runs/encoder"})
    card = a_card(recipe, seconds=5400.0, device="one GPU", versions={"Otoscope": "9.8", "PyTorch": "7.6"})
    assert "It took 90 min on one GPU." in card
    assert "Otoscope 9.8, PyTorch 7.6" in card
    assert "`runs/encoder`" in card and "only the classifier was trained" in card
    import otoscope

    card = a_card(seconds=12.34)
    assert "It took 12.3 s." in card
    assert f"Otoscope {otoscope.__version__}, PyTorch {torch.__version__}" in card
    assert "random weights" in card
    assert "It took" not in a_card()


# --- figures ---


def test_the_figures_stand_in_a_table_with_their_clips() -> None:
    card = a_card(metrics={"train_loss": 0.25, "validation_accuracy": 0.75, "test_accuracy": 0.8125})
    assert row_of(card, "train | 1,200 | loss")[3] == "0.25"
    assert row_of(card, "validation | 240 | accuracy")[3] == "0.75"
    assert row_of(card, "test | 3,000 | accuracy")[3] == "0.8125"
    results = heading_of(card)["model-index"][0]["results"]
    assert [result["dataset"]["split"] for result in results] == ["validation", "test"]


def test_several_classes_a_clip() -> None:
    metrics = {"test_mean_average_precision": 0.35, "test_mean_auc": 0.9421, "test_d_prime": 2.2236}
    card = a_card(metrics=metrics)
    for called, value in (("mAP", "0.35"), ("mAUC", "0.9421"), ("d-prime", "2.224")):
        assert any(called in line and f"| {value} |" in line for line in card.splitlines()), called
    assert heading_of(card)["metrics"] == [METRICS[name.removeprefix("test_")][1] for name in metrics]


def test_accuracies_have_the_interval_of_wilson() -> None:
    card = a_card(metrics={"test_accuracy": 0.8, "test_equal_error_rate": 0.1})
    z, n, p = 1.959964, 3000, 0.8
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2) / (1 + z**2 / n)
    assert row_of(card, "test | 3,000 | accuracy")[3:] == ["0.8", f"{middle - half:.4g} to {middle + half:.4g}"]
    assert row_of(card, "test | 3,000 | equal error rate")[3:] == ["0.1", ""]
    assert "interval" not in a_card(metrics={"test_equal_error_rate": 0.1}).lower()


def test_a_figure_without_a_part_is_of_the_last_part_that_there_is() -> None:
    assert row_of(a_card(metrics={"accuracy": 0.5}), "test | 3,000 | accuracy")[3] == "0.5"
    card = a_card(metrics={"accuracy": 0.5}, clips={"train": 10, "validation": 5})
    assert row_of(card, "validation | 5 | accuracy")[3] == "0.5"
    assert "also selected the epoch" in card


def test_what_is_no_number_is_said_in_words() -> None:
    metrics = {"test_accuracy": 0.5, "test_d_prime": math.inf, "test_mean_auc": math.nan, "train_loss": None}
    card = a_card(metrics=metrics)
    assert not re.search(r"\b(nan|NaN|inf|None)\b", card)
    assert row_of(card, "test | 3,000 | d-prime")[3] == "infinite"
    assert row_of(card, "train | 1,200 | loss")[3] == "not defined"
    assert heading_of(card)["metrics"] == ["accuracy"]


def test_an_encoder_without_classes() -> None:
    recipe = a_recipe(learn={"method": "contrastive"}, data={"validation": None, "test": None})
    card = a_card(recipe, a_model(None), clips={"train": 400}, metrics={"train_loss": 2.5})
    heading = heading_of(card)
    assert heading["pipeline_tag"] == "feature-extraction"
    assert "model-index" not in heading and "metrics" not in heading
    assert "an embedding" in card and "SimCLR" in card
    assert row_of(card, "train | 400 | loss")[3] == "2.5"
    assert "Not evaluated." in a_card(recipe, a_model(None), clips={"train": 400}, metrics={})
    huggingface_hub = pytest.importorskip("huggingface_hub")
    assert huggingface_hub.ModelCard(card).data.library_name == "otoscope"


# --- how to use it ---


@pytest.mark.parametrize("name", ["rain", "cnn12", "two words"])
def test_the_python_that_it_shows_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    wave = 0.1 * np.random.default_rng(0).standard_normal(4000)
    soundfile.write("clip.wav", wave, 8000)
    model = a_model()
    card = a_card(model=model, name=name)
    save(model, name, card)
    shown: dict[str, Any] = {}
    exec(block_of(card, "python"), shown)  # noqa: S102
    assert torch.equal(shown["model"].features.conv1.weight, model.features.conv1.weight)


def test_the_commands_that_it_shows_are_commands() -> None:
    from otoscope.cli import app

    lines = block_of(a_card(name="two words"), "bash", 1).splitlines()
    assert len(lines) == 2
    for line in lines:
        program, *words = shlex.split(line)
        _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
        assert program == "otoscope" and "two words" in map(str, bound.args)
