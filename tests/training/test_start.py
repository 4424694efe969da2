"""The model that a training begins with: random, from a checkpoint folder, or of the user's own code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from otoscope import InputError, load
from otoscope.models import save
from otoscope.training.recipe import ModelSection
from otoscope.training.start import start_model

OWN = """
import torch
from torch import nn

class Own(nn.Module):
    sample_rate = 8000
    def __init__(self, n=3):
        super().__init__()
        self.conv, self.out = nn.Conv1d(1, 4, 20, stride=5), nn.Linear(4, n)
    def forward(self, x):
        return self.out(torch.relu(self.conv(x)).mean(-1))

class NoRate(Own):
    sample_rate = None

class Frames(Own):
    def forward(self, x):
        return self.conv(x)

class Two(Own):
    def forward(self, x):
        return super().forward(x), x
"""
NAMES = ("a", "b", "c")


def part(weights: Path | None = None, **options: object) -> ModelSection:
    return ModelSection(
        name="cnn12",
        options={"width": 0.05},
        weights=None if weights is None else str(weights),
        **options,  # type: ignore[arg-type]
    )


def same(one: nn.Module, other: nn.Module, names: list[str] | None = None) -> bool:
    mine, yours = one.state_dict(), other.state_dict()
    return all(torch.equal(mine[name], yours[name]) for name in names or mine)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A checkpoint folder for three classes."""
    save(start_model(part(), NAMES, seed=7), tmp_path / "trained")
    return tmp_path / "trained"


def body(model: nn.Module) -> list[str]:
    head = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)][-1]
    return [name for name in model.state_dict() if not name.startswith(f"{head}.")]


def test_the_seed_gives_the_weights() -> None:
    one, again, other = (start_model(part(), NAMES, seed) for seed in (3, 3, 4))
    assert same(one, again) and not same(one, other)


@pytest.mark.parametrize("name", ["cnn12", "vowelnet"])
def test_the_data_tells_the_classes(name: str) -> None:
    options = {"width": 0.05} if name == "cnn12" else {"channels": [4, 4, 4]}
    model = start_model(ModelSection(name=name, options=options), NAMES, seed=0)
    assert model.classes == NAMES
    assert model.eval()(torch.zeros(2, 1, 8000)).shape == (2, 3)


@pytest.mark.parametrize(("name", "option"), [("cnn12", "n_classes"), ("vowelnet", "classes")])
def test_classes_are_no_option(name: str, option: str) -> None:
    given = ModelSection(name=name, options={option: 3 if option == "n_classes" else ["a", "b", "c"]})
    with pytest.raises(InputError, match=f"model.options.{option} follows from the data: leave it out"):
        start_model(given, NAMES, seed=0)


def test_no_such_model_or_option() -> None:
    with pytest.raises(InputError, match="cnn13"):
        start_model(ModelSection(name="cnn13"), NAMES, seed=0)
    with pytest.raises(InputError, match="wide"):
        start_model(ModelSection(name="cnn12", options={"wide": 1}), NAMES, seed=0)


def test_the_classifier_of_the_same_classes_is_kept(trained: Path) -> None:
    assert same(start_model(part(trained), NAMES, seed=0), load(str(trained)))


@pytest.mark.parametrize("names", [("a", "b"), ("c", "b", "a"), ("x", "y", "z")])
def test_other_classes_are_refused(trained: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="trained for the classes a, b, c, but the data has") as raised:
        start_model(part(trained), names, seed=0)
    assert ", ".join(names) in str(raised.value) and "model.new_head=true" in str(raised.value)


def test_a_new_head(trained: Path) -> None:
    model, random = start_model(part(trained, new_head=True), ("x", "y"), 5), start_model(part(), ("x", "y"), 5)
    assert same(model, load(str(trained)), body(model))
    head = [name for name in model.state_dict() if name not in body(model)]
    assert head and same(model, random, head)
    again = start_model(part(trained, new_head=True), NAMES, seed=5)
    assert not same(again, load(str(trained)), head)


@pytest.mark.parametrize("names", [NAMES, ("x", "y")])
def test_from_an_encoder(tmp_path: Path, names: tuple[str, ...]) -> None:
    encoder = start_model(part(), None, seed=7)
    save(encoder, tmp_path / "encoder")
    model = start_model(part(tmp_path / "encoder"), names, seed=0)
    assert same(model, encoder, body(model)) and model.classes == names


def test_an_encoder_goes_on_as_one(tmp_path: Path) -> None:
    encoder = start_model(part(), None, seed=7)
    save(encoder, tmp_path / "encoder")
    assert same(start_model(part(tmp_path / "encoder"), None, seed=0), encoder)


def test_from_a_file_of_weights(trained: Path) -> None:
    model = start_model(part(trained / "model.safetensors"), NAMES, seed=0)
    assert same(model, load(str(trained)))


def test_weights_that_do_not_fit(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not fit|do not fit|shape"):
        start_model(ModelSection(name="cnn12", options={"width": 0.1}, weights=str(trained)), NAMES, seed=0)
    with pytest.raises(InputError, match="nowhere"):
        start_model(part(tmp_path / "nowhere"), NAMES, seed=0)


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(OWN)
    return str(tmp_path / "own.py")


def test_a_model_of_own_code(own: str) -> None:
    model = start_model(ModelSection(name=f"{own}:Own"), NAMES, seed=0)
    assert model.classes == NAMES
    assert same(model, start_model(ModelSection(name=f"{own}:Own"), NAMES, seed=0))


@pytest.mark.parametrize(
    ("name", "names", "message"),
    [
        ("Own", ("a", "b"), r"returns \(1, 3\) for one clip, but the data has 2 classes \(a, b\)"),
        ("Frames", NAMES, r"returns \(1, 4, 1597\) for one clip"),
        ("Two", NAMES, "returns a tuple for one clip"),
        ("NoRate", NAMES, "has no sample_rate"),
    ],
)
def test_a_model_that_does_not_fit(own: str, name: str, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        start_model(ModelSection(name=f"{own}:{name}"), names, seed=0)
