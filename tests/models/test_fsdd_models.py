"""fsdd-digit and fsdd-speaker: what their cards say of them, and how what they listen to differs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from otoscope import Scope, load, load_audio
from otoscope.contract import fill
from otoscope.data import read
from otoscope.models.checkpoints import read_config
from otoscope.models.zoo import bundled_folder
from otoscope.training.clips import Sounds
from otoscope.training.recipe import Recipe, read_recipe

TASKS = {"fsdd-digit": "digit", "fsdd-speaker": "speaker"}
BARS = {"fsdd-digit": 0.95, "fsdd-speaker": 0.98}
RECIPE = "laptop/fsdd/cnn12"


def card(name: str) -> str:
    return (bundled_folder(name) / "README.md").read_text(encoding="utf-8")


def test_one_architecture_of_less_than_two_megabytes() -> None:
    digit, speaker = (read_config(bundled_folder(name)) for name in TASKS)
    assert digit["architecture"] == speaker["architecture"] == "cnn12"
    assert digit["options"] | {"n_classes": 6} == speaker["options"]
    assert all((bundled_folder(name) / "model.safetensors").stat().st_size < 2e6 for name in TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_the_card_holds_the_recipe(name: str) -> None:
    written = Recipe.model_validate(yaml.safe_load(re.findall("```yaml\n(.*?)```", card(name), re.DOTALL)[0]))
    assert written.model_dump(exclude={"keep"}) == read_recipe(RECIPE, [f"data.task={TASKS[name]}"]).model_dump(
        exclude={"keep"}
    )
    assert "CC BY-SA 4.0" in card(name)


@pytest.mark.parametrize("name", TASKS)
def test_accuracy_on_the_official_test_part_is_that_of_the_card(name: str, data: Path) -> None:
    model = load(name)
    found = read("fsdd", data / "fsdd", task=TASKS[name], split="test")
    sounds = Sounds(found.items, model.sample_rate, in_memory=True)
    with torch.no_grad():  # filled up as in training, which the recipe says
        said = [int(model(fill(sounds.whole(n), 6400, "repeat")[None]).argmax()) for n in range(len(sounds))]
    right = np.mean([found.classes[n] == item.labels[0] for n, item in zip(said, found, strict=True)])
    assert right >= BARS[name]
    [figure] = re.findall(r"test \| 300 \| accuracy \| ([\d.]+)", card(name))
    assert right == pytest.approx(float(figure), abs=1e-3)


def test_they_listen_to_other_frequencies(data: Path) -> None:
    """The voice's fundamental tells who speaks, and what is around the formants which digit is said."""
    files = sorted((data / "fsdd" / "recordings").glob("*_0.wav"))[::3]
    waves = [wave for wave in (load_audio(file) for file in files) if wave.sizes["time"] > 2400]
    shares = {name: np.array([bands(Scope(load(name)), wave) for wave in waves]) for name in TASKS}
    voice, formants = (shares["fsdd-speaker"] - shares["fsdd-digit"]).T
    assert np.mean(voice > 0) > 0.75 and np.mean(formants < 0) > 0.75


def bands(scope: Scope, wave: object) -> tuple[float, float]:
    """Shares of the relevance from 80 to 250 Hz, and from 500 to 2000 Hz."""
    signal = scope.relevance(wave, rule="guided").relevance.values.ravel()
    power, frequency = np.abs(np.fft.rfft(signal)) ** 2, np.fft.rfftfreq(signal.size, 1 / scope.sample_rate)
    low, mid = (power[(frequency >= a) & (frequency < b)].sum() for a, b in ((80, 250), (500, 2000)))
    return float(low / power.sum()), float(mid / power.sum())
