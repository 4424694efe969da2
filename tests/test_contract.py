"""What a model takes and answers: stated by attributes or a configuration, and the one way from a sound to a tensor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError, Scope, load
from otoscope.contract import Contract, fill
from otoscope.models import save


def wave(*values: float) -> Tensor:
    return torch.tensor(values)


# -- From a sound to a tensor -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        (Contract(), [1, -2, 3]),
        (Contract(length=2), [1, -2]),
        (Contract(length=5), [1, -2, 3, 0, 0]),
        (Contract(length=7, padding="repeat"), [1, -2, 3, 1, -2, 3, 1]),
        (Contract(trained_length=5), [1, -2, 3, 0, 0]),
        (Contract(trained_length=2), [1, -2, 3]),
        (Contract(minimum_length=4), [1, -2, 3, 0]),
        (Contract(minimum_length=4, trained_length=5, padding="repeat"), [1, -2, 3, 1, -2]),
        (Contract(length=4, trained_length=6), [1, -2, 3, 0]),
    ],
)
def test_a_sound_is_as_long_as_the_model_takes_it(contract: Contract, expected: list[float]) -> None:
    assert contract.fit(wave(1, -2, 3)).tolist() == expected
    batch = torch.stack([wave(1, -2, 3), wave(2, -4, 6)])
    assert contract.tensor(batch).shape == (2, 1, len(expected))
    assert contract.changed(layout="(batch, time)").tensor(batch).tolist() == [expected, [2 * x for x in expected]]


def test_what_is_not_cut_is_longer() -> None:
    assert Contract(length=2).fit(wave(1, 2, 3), cut=False).tolist() == [1, 2, 3]
    assert Contract(length=4).fit(wave(1, 2, 3), cut=False).tolist() == [1, 2, 3, 0]


def test_each_clip_is_normalised_by_itself_before_it_is_filled_or_cut() -> None:
    clips = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 50))) * torch.tensor([[1.0], [5.0], [0.0]])
    for length in (20, 80):
        peak = Contract(normalisation="peak", length=length).fit(clips)
        standard = Contract(normalisation="standard", length=length).fit(clips)
        for one, by_peak, by_deviation in zip(clips[:2].numpy(), peak, standard, strict=False):
            n = min(length, 50)
            np.testing.assert_allclose(by_peak[:n], (one / np.abs(one).max())[:n])
            np.testing.assert_allclose(by_deviation[:n], ((one - one.mean()) / one.std())[:n])
            assert not by_peak[n:].any() and not by_deviation[n:].any()
        assert not peak[2].any() and not standard[2].any()  # silence stays silence


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(0), 3), "no samples"),
        ((torch.zeros(2), 0), "1 sample or longer, not 0"),
        ((torch.zeros(2), 3, "mirror"), "padding has to be 'zeros' or 'repeat', not 'mirror'"),
    ],
)
def test_what_cannot_be_filled_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fill(*arguments)


# -- From a module or a configuration ---------------------------------------------------------------------


def test_a_module_states_it_by_attributes_over_its_contract() -> None:
    module: Any = nn.Conv1d(1, 2, 3, padding="same")  # whose padding is that of its kernels
    module.contract = Contract(sample_rate=8000, trained_length=100, padding="repeat")
    module.sample_rate, module.input_length, module.classes = 16_000, 400, ["a", "b"]
    found = Contract.of(module)
    assert (found.sample_rate, found.trained_length, found.length) == (16_000, 100, 400)
    assert (found.padding, found.classes) == ("repeat", ("a", "b"))
    assert Contract.of(nn.Linear(1, 1)) == Contract()


def test_attaching_it_leaves_alone_what_the_module_computes_or_means_otherwise() -> None:
    stated = Contract(sample_rate=8000, length=4000, padding="repeat", minimum_length=10, classes=("a", "b"))
    plain: Any = nn.Linear(1, 1)
    stated.attach(plain)
    assert Contract.of(plain) == stated
    assert (plain.sample_rate, plain.input_length, plain.padding, plain.classes) == (8000, 4000, "repeat", ("a", "b"))
    convolution = nn.Conv1d(1, 2, 3, padding=1)
    stated.attach(convolution)
    assert convolution.padding == (1,) and convolution(torch.zeros(1, 1, 5)).shape == (1, 2, 5)
    assert Contract.of(convolution) == stated
    network = load("cnn12", width=0.05)
    stated.attach(network)
    assert Contract.of(network).minimum_length == network.minimum_length > 10


def test_it_comes_back_from_a_checkpoint_folder(tmp_path: Path) -> None:
    model: Any = load("cnn12", width=0.05, n_classes=2)
    stated = Contract.of(model).changed(
        trained_length=3000, padding="repeat", normalisation="peak", scores="probabilities", classes=["a", "b"]
    )
    stated.attach(model)
    save(model, tmp_path)
    kept = json.loads((tmp_path / "config.json").read_text("utf-8"))["contract"]
    assert (kept["trained_length"], kept["normalisation"], kept["classes"]) == (3000, "peak", ["a", "b"])
    assert Contract.of(load(tmp_path)) == stated
    assert Scope(tmp_path).inputs(0.5 * torch.ones(1500)).flatten().tolist() == [1.0] * 3000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"rate": 8000}, "no field 'rate'; its fields are sample_rate, layout"),
        ({"sample_rate": 8000.5}, "sample_rate has to be a whole number of Hz, 1 or more, not 8000.5"),
        ({"sample_rate": True}, "sample_rate has to be a whole number"),
        ({"length": 0}, "length has to be a whole number of samples, 1 or more, not 0"),
        ({"layout": "(time, batch)"}, r"layout has to be '\(batch, 1, time\)' or '\(batch, time\)'"),
        ({"padding": "mirror"}, "padding has to be 'zeros' or 'repeat'"),
        ({"normalisation": "rms"}, "normalisation has to be 'peak' or 'standard'"),
        ({"scores": "odds"}, "scores has to be 'logits' or 'probabilities' or 'log-probabilities'"),
        ({"classes": "abc"}, "classes has to be a list of names"),
        ({"output": 1.5}, "output has to be the place or the name of an output"),
        ({"output": True}, "output has to be the place or the name of an output"),
        ({"output": [0]}, "output has to be the place or the name of an output"),
        ({"length": "a"}, "length has to be a whole number of samples"),
        ({"length": 1.5}, "length has to be a whole number of samples"),
        ({"minimum_length": -1}, "minimum_length has to be a whole number of samples, 0 or more, not -1"),
        ({"trained_length": -3}, "trained_length has to be a whole number of samples, 1 or more, not -3"),
        ({"padding": ["zeros"]}, "padding has to be"),
        ({"class_axis": "1"}, "class_axis has to be the number of an axis of the output, not '1'"),
        ({"class_axis": True}, "class_axis has to be the number of an axis"),
        ({"time_axis": 2.0}, "time_axis has to be the number of an axis"),
        ({"classes": ["a", 1]}, "classes has to be a list of names"),
    ],
)
def test_a_field_that_cannot_be_is_named(content: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Contract.read(content)
    if next(iter(content)) in Contract.__dataclass_fields__:
        for make in (Contract, Contract().changed):
            with pytest.raises(InputError, match=message):
                make(**content)


@pytest.mark.parametrize("name", ["minimum_length", "padding"])
def test_what_has_to_be_something_is_not_none(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} cannot be None; leave it out for"):
        Contract(**{name: None})
    assert Contract.read({name: None}) == Contract()


def test_whole_numbers_of_numpy_and_lists_of_names_are_taken() -> None:
    numbers = {name: np.int64(1) for name in ("sample_rate", "length", "minimum_length", "class_axis", "output")}
    made = Contract(**numbers, classes=["a", "b"])  # type: ignore[arg-type]
    assert {type(getattr(made, name)) for name in numbers} == {int}
    assert made.classes == ("a", "b") and Contract(classes=()).classes is None
    assert Scope(nn.Conv1d(1, 4, 20), np.int64(8000)).sample_rate == 8000


def test_a_module_whose_attributes_mean_something_else_states_nothing() -> None:
    module: Any = nn.Linear(1, 1)
    module.sample_rate, module.input_length, module.minimum_length = "8k", (1, 2), -1
    module.padding, module.classes = "mirror", "abc"
    assert Contract.of(module) == Contract()


@pytest.mark.parametrize("classes", [10, nn.Linear(2, 2), np.arange(4), torch.arange(4), {"a": 1}, [1, 2]])
def test_classes_that_are_no_names_are_none(classes: Any) -> None:
    module: Any = nn.Conv1d(1, 4, 20)
    module.classes = classes
    scope = Scope(module, 8000)
    assert scope.classes is None and scope.contract.classes is None
    Contract(sample_rate=8000, classes=("a", "b", "c", "d")).attach(module)
    named: Any = nn.Conv1d(1, 4, 20)
    named.classes = np.array(["a", "b", "c", "d"])
    assert Scope(named, 8000).classes == ("a", "b", "c", "d")


# -- What is tried ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["(batch, 1, time)", "(batch, time)"])
@pytest.mark.parametrize("softmax", [False, True])
def test_what_is_not_stated_is_tried(layout: str, softmax: bool) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.out = nn.Conv1d(1, 3, 5), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            assert x.ndim == (3 if "1" in layout else 2)
            logits: Tensor = self.out(torch.relu(self.conv(x.reshape(len(x), 1, -1))).mean(-1))
            return logits.softmax(1) if softmax else logits

    contract = Scope(Model(), 8000).contract
    assert (contract.layout, contract.class_axis) == (layout, 1)
    assert contract.scores == ("probabilities" if softmax else "logits")


def test_passes_that_differ_in_the_last_digits_are_no_softmax() -> None:
    class Wavering(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out, self.passes = nn.Linear(1, 3), 0

        def forward(self, x: Tensor) -> Tensor:
            self.passes += 1
            answer: Tensor = self.out(x.mean(-1)) * (1 + 1e-6 * self.passes)
            return answer.reshape(len(x), 3)

    assert Scope(Wavering(), 8000).contract.scores == "logits"


def test_a_sound_of_one_channel_goes_to_each_channel_of_a_model() -> None:
    torch.manual_seed(0)
    conv, wave = nn.Conv1d(2, 4, 20, 5), torch.randn(2000)
    scope = Scope(nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten()), 8000)
    assert (scope.contract.layout, scope.contract.channels) == ("(batch, channel, time)", 2)
    torch.testing.assert_close(scope.output(wave), scope.model(torch.stack([wave, wave])[None]))
    found = scope.relevance(wave, target=1, rule="gradient")["relevance"].values
    pair = torch.stack([wave, wave])[None].requires_grad_()
    (expected,) = torch.autograd.grad(scope.model(pair)[0, 1], pair)
    np.testing.assert_allclose(found, expected[0].sum(0), rtol=1e-5, atol=1e-9)
