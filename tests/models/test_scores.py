"""The score on the card of every bundled model comes out wherever the model is run: one tensor from a sound for all."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from otoscope import Scope
from otoscope.audio import as_clip
from otoscope.data.find import find_sounds
from otoscope.data.items import Item
from otoscope.data.sets import read
from otoscope.data.vowels import SYMBOLS, mean_vowel, register, synthesise
from otoscope.methods.residual_study import residual_study
from otoscope.models.zoo import BUNDLED, bundled_folder
from otoscope.sounds import batched, sounds_of
from otoscope.training.clips import Sounds
from otoscope.training.evaluate import clip_scores

FSDD = {"fsdd-digit": "digit", "fsdd-speaker": "speaker"}


@pytest.fixture(params=sorted(BUNDLED.keys() - {"fsdd-contrastive"}))  # which has no classes
def judged(request: pytest.FixtureRequest) -> tuple[Scope, list[Item], float]:
    """A model, the sounds it was scored on, and the score on its card."""
    name = request.param
    card = (bundled_folder(name) / "README.md").read_text(encoding="utf-8")
    scope = Scope(name)
    if name in FSDD:
        folder: Path = request.getfixturevalue("data")
        (figure,) = re.findall(r"test \| 300 \| accuracy \| ([\d.]+)", card)
        return scope, find_sounds(f"fsdd@test:{folder / 'fsdd'}", by=FSDD[name]), float(figure)
    (figure,) = re.findall(r"mean vowels of men, women and children \(36\), clean \| ([\d.]+) \|", card)
    vowels = [mean_vowel(symbol, group) for group in ("men", "women", "children") for symbol in SYMBOLS]
    waves = [synthesise(vowel, scope.sample_rate, 0.4) for vowel in vowels]
    labels = [vowel.symbol if name == "vowel-name" else register(vowel.f0) for vowel in vowels]
    named = [as_clip(0.1 * wave / np.sqrt(np.mean(wave**2)), scope.sample_rate) for wave in waves]
    return scope, [Item(wave, (label,)) for wave, label in zip(named, labels, strict=True)], float(figure)


def share(answers: np.ndarray, items: list[Item], scope: Scope) -> float:
    assert scope.classes
    return float(np.mean([scope.classes[n] == item.labels[0] for n, item in zip(answers, items, strict=True)]))


def test_the_score_comes_out_everywhere(judged: tuple[Scope, list[Item], float]) -> None:
    scope, items, figure = judged
    alone = [int(scope.output(item.sound).argmax()) for item in items]
    assert share(np.array(alone), items, scope) == pytest.approx(figure, abs=1e-3), "Scope.output"
    of_data = []
    for _, inputs in batched(sounds_of(scope, items)):
        with torch.no_grad():
            of_data += scope.model(inputs).argmax(1).tolist()
    assert of_data == alone, "the sounds of data-set methods"
    sounds = Sounds(items, scope.sample_rate, in_memory=True)
    trained = [int(clip_scores(scope.model, sounds.whole(n)).argmax()) for n in range(len(items))]
    assert trained == alone, "the evaluation of training"


@pytest.mark.parametrize("name", FSDD)
def test_the_baseline_of_the_residual_study_is_the_score(name: str, data: Path) -> None:
    scope, items = Scope(name), find_sounds(f"fsdd@test:{data / 'fsdd'}", by=FSDD[name])
    layer = next(tap.name for tap in scope.taps().values() if tap.kind == "activation")
    found = residual_study(scope, items, layer=layer, resamples=10)
    card = (bundled_folder(name) / "README.md").read_text(encoding="utf-8")
    (figure,) = re.findall(r"test \| 300 \| accuracy \| ([\d.]+)", card)
    assert float(found.baseline) == pytest.approx(float(figure), abs=1e-3)


def test_all_of_one_set_are_judged(data: Path) -> None:
    assert len(read("fsdd", data / "fsdd", split="test")) == 300
