"""fsdd-contrastive: the network of fsdd-digit that was told neither digits nor speakers, and what it knows of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from otoscope import Scope, compare, load
from otoscope.contract import fill
from otoscope.data import read
from otoscope.methods.output import NoClasses
from otoscope.models.checkpoints import read_config
from otoscope.models.zoo import bundled_folder
from otoscope.training.clips import Sounds
from otoscope.training.recipe import Recipe, read_recipe

NAME = "fsdd-contrastive"


def card() -> str:
    return (bundled_folder(NAME) / "README.md").read_text(encoding="utf-8")


def test_it_is_the_network_of_the_digit_model_without_classes() -> None:
    own, digit = (read_config(bundled_folder(name)) for name in (NAME, "fsdd-digit"))
    assert own["options"] | {"n_classes": 10} == digit["options"] and own["contract"].get("classes") is None
    assert (bundled_folder(NAME) / "model.safetensors").stat().st_size < 2e6
    assert load(NAME)(torch.zeros(2, 1, 2400)).shape == (2, 512)


def test_no_class_is_named_for_it() -> None:
    """Its 512 numbers are no classes, whose likeliest could be asked for, and of which one has a probability."""
    assert read_config(bundled_folder(NAME))["contract"]["scores"] == "hidden state"
    scope, wave = Scope(NAME), np.random.default_rng(0).normal(size=2400).astype(np.float32)
    for ask in (scope.relevance, scope.control, scope.taken_away):
        with pytest.raises(NoClasses, match="hidden state"):
            ask(wave)
    unit, control = scope.relevance(wave, target=443), scope.control(wave, target=443, draws=2)
    assert unit.class_name.item() == "unit 443 of the output"
    for result in (unit, control):
        assert result.attrs["score_kind"] == "value" and not {"probability", "runner_up"} & set(result)
    assert "unit 443 of the output, which is not a class" in control.attrs["note"]
    other = {"digit": Scope("fsdd-digit"), "contrastive": scope}
    beside = compare(other, wave, target=[None, 443])
    assert beside.probability.isnull().values.tolist() == [False, True]
    assert beside.score_kind.values.tolist() == ["logit", "value"]


def test_the_card_holds_the_recipe() -> None:
    written = Recipe.model_validate(yaml.safe_load(re.findall("```yaml\n(.*?)```", card(), re.DOTALL)[0]))
    assert written.model_dump() == read_recipe("laptop/fsdd/contrastive").model_dump()
    assert "CC BY-SA 4.0" in card()


@pytest.mark.parametrize(("task", "chance"), [("digit", 0.1), ("speaker", 1 / 6)])
def test_a_linear_probe_is_as_far_above_chance_as_the_card_says(task: str, chance: float, data: Path) -> None:
    """Least squares on the embeddings, with a ridge; another probe than that of the card."""
    model = load(NAME)
    embedded, labels = {}, {}
    for split, step in (("train", 4), ("test", 1)):
        found = read("fsdd", data / "fsdd", task=task, split=split)
        sounds = Sounds(found.items[::step], model.sample_rate, in_memory=True)
        with torch.no_grad():
            each = [model(fill(sounds.whole(n), 2400, "repeat")[None])[0].double() for n in range(len(sounds))]
        embedded[split] = torch.stack(each).numpy()
        labels[split] = np.array([found.classes.index(item.labels[0]) for item in found.items[::step]])
    mean, scale = embedded["train"].mean(0), embedded["train"].std(0) + 1e-9
    known, asked = ((embedded[split] - mean) / scale for split in ("train", "test"))
    wanted = np.eye(len(found.classes))[labels["train"]]
    weights = np.linalg.solve(known.T @ known + 100 * np.eye(known.shape[1]), known.T @ (wanted - wanted.mean(0)))
    right = np.mean((asked @ weights + wanted.mean(0)).argmax(1) == labels["test"])
    (figure,) = re.findall(rf"\| {task} \| 300 \| ([\d.]+)", card())
    assert right > 3 * chance and float(figure) > 3 * chance
    assert right == pytest.approx(float(figure), abs=0.15)
