"""Recipes: what is wrong in one is said in one sentence that names the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from otoscope import InputError
from otoscope.training.recipe import available, read_recipe, write_recipe

PLAIN: dict[str, Any] = {
    "about": "a small network",
    "model": {"name": "vowelnet", "options": {"channels": [4, 4, 4]}},
    "data": {"set": "vowels", "train": "all", "duration": 0.3},
    "learn": {"epochs": 3, "batch_size": 8},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(PLAIN), encoding="utf-8")
    return path


def refusal(path: Path, *changes: str) -> str:
    with pytest.raises(InputError) as raised:
        read_recipe(path, changes)
    message = str(raised.value)
    assert "\n" not in message and "validation error" not in message and "pydantic" not in message
    return message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("learn.epoch=2", "learn.epoch is not a key of a recipe; did you mean learn.epochs?"),
        ("modell={}", "modell is not a key of a recipe; did you mean model?"),
        ("epochs=3", "epochs is not a key of a recipe; did you mean learn.epochs?"),
        ("augment.patience=3", "augment.patience is not a key of a recipe; did you mean learn.patience?"),
        ("augment.zzz=1", "augment.zzz is not a key of a recipe; the keys there are augment.gain, augment.noise"),
        ("learn.epochs=many", "learn.epochs is 'many', but should be a valid integer"),
        ("learn.epochs=2.5", "learn.epochs is 2.5, but should be a valid integer"),
        ("learn.epochs=0", "learn.epochs is 0, but should be greater than or equal to 1"),
        ("learn.learning_rate=0", "learn.learning_rate is 0, but should be greater than 0"),
        ("learn.method=magic", "learn.method is 'magic', but should be 'supervised', 'contrastive', 'linear' or"),
        ("data.validation=1.5", "data.validation is 1.5"),
        ("data.duration=-1", "data.duration is -1"),
        ("augment.gain=1", "augment.gain is 1, but should be a valid boolean"),
        ("keep.steps=[-1]", "keep.steps"),
        ("model=null", "model is None"),
        ("learn={}", "learn.epochs is missing; learn.batch_size is missing"),
        ("trainer.device=2", "Lightning's Trainer has no option device; did you mean devices?"),
        ("trainer.max_epochs=2", "trainer.max_epochs is set by other sections of the recipe: leave it out"),
        ("trainer.callbacks=[]", "trainer.callbacks is set by"),
        ("seeds=1-10", "seeds is '1-10', but should be a range such as 1..10, or a list such as [1, 2, 5]"),
        ("seeds=9..1", "seeds is '9..1', but should be a range"),
        ("seeds=[-1]", "seeds"),
        ("learn.select_by=accurcy", "learn.select_by is 'accurcy', but should be 'accuracy', 'equal_error_rate'"),
        ("learn.class_weights=even", "learn.class_weights is 'even', but should be 'balanced'"),
        ("learn.decay=1.5", "learn.decay is 1.5"),
        ("learn.epochs", "'learn.epochs' is not a change of a recipe: give key=value"),
        ("=3", "is not a change"),
        ("learn..epochs=3", "is not a change"),
        ("about.this=3", "about.this cannot be set: about has no keys below it"),
        ("learn.epochs=[", "learn.epochs=[ is not valid YAML"),
    ],
)
def test_what_is_wrong_is_said(path: Path, change: str, message: str) -> None:
    assert message in refusal(path, change)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["learn.warm_up=3"], "learn.warm_up is 3 epochs, but the training has 3: set learn.warm_up=2"),
        (["data.folds=all"], "data.folds"),
        (["data.folds=[a, b]", "data.train=null", "data.test=c"], "leave data.train and data.test out"),
        (["data.train=null"], "data.train is missing"),
        (["learn.method=linear"], "model.weights"),
        (["model.new_head=true"], "model.weights"),
        (["learn.method=contrastive", "augment.mixup=0.4"], "augment.mixup"),
        (["learn.method=contrastive", "data.validation=0.1"], "data.validation"),
        (["learn.method=contrastive", "data.test=all"], "data.test"),
        (["learn.method=contrastive", "data.shuffle_labels=true"], "data.shuffle_labels"),
        (["learn.patience=2"], "data.validation"),
        (["data.folds=[a, b]", "data.train=null", "data.validation=a"], "a share"),
        (["learn.warm_up=3", "learn.schedule=exponential"], "learn.warm_up is 3 epochs, but the training has 3"),
        (["data.validation=0.2", "data.validation_clips=3"], "both say what to validate on"),
        (["data.validation_from=test", "data.test=a"], "needs data.validation_clips, or a share"),
        (["data.validation_from=test", "data.validation_clips=3"], "needs data.test, or data.folds"),
        (["data.validation=0.5", "data.test=0.5"], "data.validation and data.test are 1 of the clips together"),
        (["learn.select_by=accuracy"], "learn.select_by needs data.validation"),
        (["learn.method=contrastive", "learn.class_weights=balanced"], "leave learn.class_weights out"),
        (["learn.method=frames", "learn.class_weights=balanced"], "has no class weights"),
        (["learn.method=frames", "data.order=archives"], "draws its windows in random order"),
        (["seeds=[]"], "seeds cannot be empty"),
        (["seeds=[1, 1]"], "seeds has a seed twice"),
    ],
)
def test_what_does_not_fit_together_is_said(path: Path, changes: list[str], message: str) -> None:
    assert message in refusal(path, *changes)


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ("data.train=1", "train", "1"),
        ("data.test=0", "test", "0"),
        ("data.train=[1, b]", "train", ["1", "b"]),
        ("data.validation=2", "validation", "2"),
        ("data.validation=0.5", "validation", 0.5),
    ],
)
def test_a_part_may_be_named_by_a_number(path: Path, change: str, key: str, value: object) -> None:
    assert getattr(read_recipe(path, [change]).data, key) == value


def test_every_problem_is_said_at_once(path: Path) -> None:
    message = refusal(path, "learn.method=linear", "learn.patience=2", "trainer.device=1")
    assert "model.weights" in message and "learn.patience" in message and "device" in message


@pytest.mark.parametrize(
    "changes",
    [
        ["learn.warm_up=3", "learn.schedule=constant"],
        ["data.folds=[a, b]", "data.train=null", "learn.method=contrastive"],
        ["data.folds=[a, b]", "data.train=null", "data.validation=0.2", "learn.patience=2"],
        ["learn.method=linear", "model.weights=runs/one"],
        ["data.validation_clips=4", "learn.patience=2", "learn.select_by=loss"],
        ["data.folds=[a, b]", "data.train=null", "data.validation_clips=4", "data.validation_from=test"],
        ["data.validation=0.2", "data.test=0.2", "learn.class_weights={1: 2.0}", "seeds=1..3"],
        ["learn.schedule=exponential", "learn.decay=0.9", "learn.warm_up=2"],
    ],
)
def test_what_fits_together_is_taken(path: Path, changes: list[str]) -> None:
    assert read_recipe(path, changes).about == PLAIN["about"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1", "is not valid YAML"),
        pytest.param(b"[" * 10_000, "is not valid YAML", id="brackets without end"),
        (b"- 1\n- 2\n", "is not a recipe"),
        (b"", "is not a recipe"),
        (b"about: \xff\xfe", "is not text in UTF-8"),
        (b"about: \x00", "is not valid YAML"),
        (b"!!python/object/apply:os.system ['true']", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_recipe(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    assert message in refusal(path) and str(path) in refusal(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "none.yaml does not exist" in refusal(tmp_path / "none.yaml")
    assert "no recipe is called" in refusal(tmp_path)


def test_a_name_that_no_recipe_has() -> None:
    message = refusal(Path("laptop/vowel"))
    assert "no recipe is called 'laptop/vowel': did you mean laptop/vowels" in message
    assert "`otoscope train --list` lists all" in message


def test_a_name_comes_before_a_file(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "laptop").mkdir()
    path.rename(tmp_path / "laptop" / "vowels")
    monkeypatch.chdir(tmp_path)
    assert read_recipe("laptop/vowels").about == available()["laptop/vowels"] != PLAIN["about"]
    assert read_recipe("./laptop/vowels").about == PLAIN["about"]


def test_changes_are_yaml(path: Path) -> None:
    recipe = read_recipe(
        path,
        [
            "learn.learning_rate=1e-3", "learn.weight_decay=1.5E-4", "augment.mixup=2", "keep.steps=[0, 5]",
            "model.options.stride=4", "about='1e-3'", "data.validation=0.1", "trainer.devices=2", "data.task=a=b",
        ],
    )  # fmt: skip
    assert (recipe.learn.learning_rate, recipe.learn.weight_decay, recipe.augment.mixup) == (1e-3, 1.5e-4, 2.0)
    assert recipe.keep.steps == [0, 5] and recipe.about == "1e-3" and recipe.data.task == "a=b"
    assert recipe.model.options == {"channels": [4, 4, 4], "stride": 4}
    assert recipe.trainer == {"devices": 2}


def test_what_is_written_is_read(path: Path, tmp_path: Path) -> None:
    changes = [
        "learn.learning_rate=1e-5",
        "about='é: ü # no comment'",
        "data.validation=0.25",
        "keep.every=7",
    ]
    recipe = read_recipe(path, changes)
    write_recipe(recipe, tmp_path / "again.yaml")
    assert read_recipe(tmp_path / "again.yaml") == recipe


def test_the_place_of_sounds_may_stand_for_their_kind_and_folder(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("path,label\n")
    for place, kind, folder in (
        (f"{tmp_path}/list.csv", "table", f"{tmp_path}/list.csv"),
        (str(tmp_path), "folder", str(tmp_path)),
        (f"fsdd:{tmp_path}", "fsdd", str(tmp_path)),
        ("fsdd", "fsdd", None),
        ("no-such-set", "no-such-set", None),
    ):
        data = read_recipe("laptop/vowels", [f"data.set={place}"]).data
        assert (data.set, data.folder) == (kind, folder)
