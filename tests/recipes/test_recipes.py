"""Every recipe can be trained, is as large as its paper says, and stands on the page that lists them."""

from __future__ import annotations

import math
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from otoscope.data.sets import source_of
from otoscope.models.zoo import ARCHITECTURES, option_names
from otoscope.training.recipe import RECIPES as FOLDER
from otoscope.training.recipe import ModelSection, Recipe, available, read_recipe

ROOT = Path(__file__).resolve().parents[2]
RECIPES = list(available())
PAPERS = [name for name in RECIPES if name.partition("/")[0] in ("swam", "relevance", "sonification", "simplenet")]
PAGE = ROOT / "docs" / "training" / "recipes.md"

CLASSES = {  # as the papers and the data sets' own papers count them
    ("speech-commands", "word"): 35,
    ("librispeech", "speaker"): 251,
    ("asvspoof2019-la", "key"): 2,
    ("timit", "phone"): 39,
    ("timit", "speaker"): 462,
    ("audioset", "event"): 527,
    ("fsd50k", "event"): 200,
    ("voxceleb1", "speaker"): 1251,
    ("iemocap", "emotion"): 4,
}

SIZES = {  # clips in a batch of all devices, seconds of each, and epochs, where the paper tells them
    "swam/*_words": (None, 1.0, 100),
    "swam/*_speakers": (None, None, 100),
    "swam/*_spoofing": (32, 6.0, 100),
    "relevance/*": (None, 0.25, None),
    "sonification/audioset_contrastive": (2048, 2.5, None),
    "sonification/audioset_balanced_*": (None, 5.0, None),
    "sonification/audioset_supervised": (1024, 5.0, None),
    "sonification/audioset_linear": (1024, 5.0, None),
    "sonification/audioset_finetuned": (1024, 5.0, None),
    "sonification/fsd50k*": (64, 2.5, None),
    "sonification/speech_commands*": (128, 1.0, None),
    "sonification/voxceleb1*": (128, 2.5, None),
    "simplenet/*": (None, 6.0, None),
}


class Command(NamedTuple):
    """A command that trains, as the page shows it."""

    recipe: str
    changes: list[str]
    out: str | None


def commands() -> list[Command]:
    found = []
    for line in re.findall(r"^otoscope train .*$", PAGE.read_text("utf-8").replace("\\\n", ""), re.MULTILINE):
        words = shlex.split(line)[2:]
        out = words[words.index("--out") + 1] if "--out" in words else None
        found.append(Command(words[0], [word for word in words if "=" in word], out))
    return found


def recipe_of(out: str) -> Recipe:
    """Of the command of the page that writes a run folder; a cross-validation writes one in it for each fold."""
    command = next(command for command in commands() if command.out == out.removesuffix("/{fold}"))
    return read_recipe(command.recipe, command.changes)


def text(name: str) -> str:
    return (FOLDER / f"{name}.yaml").read_text("utf-8")


def narrow(recipe: Recipe, weights: str | None = None) -> ModelSection:
    """CNN12 with few filters."""
    return ModelSection(name="cnn12", options={"width": 0.05}, weights=weights, new_head=recipe.model.new_head)


def classes(recipe: Recipe) -> tuple[str, ...] | None:
    """Three of the data set, or none where an encoder learns."""
    if recipe.learn.method == "contrastive":
        return None
    return tuple(f"{recipe.data.set} {number}" for number in range(3))


def clips_of_a_batch(recipe: Recipe) -> int:
    return recipe.learn.batch_size * recipe.trainer.get("devices", 1) * recipe.trainer.get("num_nodes", 1)


def parts(recipe: Recipe) -> list[str]:
    data = recipe.data
    named = [data.train, data.validation, data.test, None if data.folds == "all" else data.folds]
    return [part for one in named if isinstance(one, str | list) for part in ([one] if isinstance(one, str) else one)]


STARTED = [name for name in RECIPES if "\n  weights: " in text(name)]
"""Those that start from other weights."""

STARTED_RUNS = [command.out for command in commands() if command.out and command.recipe in STARTED]


@pytest.mark.parametrize("name", RECIPES)
def test_it_names_what_there_is(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.about.strip() and text(name).startswith("# ")
    assert recipe.model.name in ARCHITECTURES
    assert set(recipe.model.options) <= set(option_names(recipe.model.name))
    source = source_of(recipe.data.set)
    assert recipe.data.task is None or recipe.data.task in source.tasks
    assert set(parts(recipe)) <= set(source.splits)
    assert recipe.data.train or recipe.data.folds


def a_choice() -> list[Any]:
    """All recipes, those as slow that bring no model and no data set to a way of learning that others do not bring."""
    seen: set[tuple[str, str]] = set()
    chosen = []
    for name in RECIPES:
        recipe = read_recipe(name)
        pairs = {(recipe.learn.method, recipe.model.name), (recipe.learn.method, recipe.data.set)}
        chosen.append(pytest.param(name, marks=[pytest.mark.slow] if pairs <= seen else []))
        seen |= pairs
    return chosen


@pytest.mark.parametrize("name", a_choice())
def test_one_step_on_made_up_sound(name: str) -> None:
    from otoscope.training.run import dry_run

    recipe = read_recipe(name)
    found = dry_run(recipe)
    assert math.isfinite(found["loss"])
    if name in PAPERS:
        task = recipe.data.task or next(iter(source_of(recipe.data.set).tasks))
        assert found["classes"] == CLASSES[recipe.data.set, task]
    if recipe.model.name == "cnn12" and not recipe.model.options:
        assert 13.5e6 < found["parameters"] < 15e6  # 14 M in Table 4.3 of the thesis, and a classifier


@pytest.mark.parametrize("name", PAPERS)
def test_it_is_as_large_as_published(name: str) -> None:
    recipe = read_recipe(name)
    [(batch, seconds, epochs)] = [sizes for pattern, sizes in SIZES.items() if fnmatch(name, pattern)]
    assert batch in (None, clips_of_a_batch(recipe))
    assert seconds in (None, recipe.data.duration)
    assert epochs in (None, recipe.learn.epochs)


@pytest.mark.parametrize("name", STARTED)
def test_its_weights_come_from_another_recipe(name: str) -> None:
    recipe = read_recipe(name)
    maker = recipe_of(str(recipe.model.weights))
    assert (maker.model.name, maker.model.options) == (recipe.model.name, recipe.model.options)
    assert maker.data.folds == recipe.data.folds or recipe.data.folds is None


def test_no_two_recipes_have_one_run_folder() -> None:
    plain = {(command.recipe, command.out) for command in commands() if not command.changes and command.out}
    assert len({recipe for recipe, _ in plain}) == len({out for _, out in plain}) == len(plain)


@pytest.mark.parametrize("name", RECIPES)
def test_the_page_shows_its_command(name: str) -> None:
    shown = [command for command in commands() if command.recipe == name]
    assert shown
    if name in PAPERS:
        assert Command(name, [], f"runs/{name.partition('/')[2]}") in shown


def test_commands_of_the_page_are_sound() -> None:
    for command in commands():
        recipe = read_recipe(command.recipe, command.changes)
        assert recipe.model.name in ARCHITECTURES
        assert recipe.data.task is None or recipe.data.task in source_of(recipe.data.set).tasks


def test_weights_on_the_page_are_made_on_the_page() -> None:
    made = {command.out: read_recipe(command.recipe, command.changes).model for command in commands()}
    for command in commands():
        model = read_recipe(command.recipe, command.changes).model
        if model.weights is not None:
            assert made[model.weights.removesuffix("/{fold}")].name == model.name


@pytest.mark.parametrize("name", STARTED_RUNS)
def test_a_run_starts_from_the_weights_that_it_names(name: str, tmp_path: Path) -> None:
    """With a classifier of its own, where what it starts from has one for other classes."""
    from otoscope.models import save
    from otoscope.training.start import start_model

    started = recipe_of(name)
    maker = recipe_of(str(started.model.weights))
    save(start_model(narrow(maker), classes(maker), seed=0), tmp_path)
    model = start_model(narrow(started, str(tmp_path)), classes(started), seed=1)
    assert model.classes == classes(started)


def test_every_run_of_the_tables_has_its_command() -> None:
    tables = "\n".join(line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| "))
    runs = re.findall(r"`(runs/\S+)` \|$", tables, re.MULTILINE)
    assert len(runs) == len(set(runs)) and len(runs) > 30
    assert set(runs) <= {command.out for command in commands()}
