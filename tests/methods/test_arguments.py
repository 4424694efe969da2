"""What every method does with the values that it is given, before it works with them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from method_examples import Example
from otoscope import InputError, Scope
from otoscope.methods.arguments import check_positive, check_seed
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing

Examples = Callable[[str], Example]
EVERY = [
    (name, option)
    for name in listing()
    for option in list(inspect.signature(METHODS[name].function).parameters)[1:]
    if option not in ("test", "others", METHODS[name].takes)  # which take sounds and models
]


def call(example: Examples, name: str, **changed: Any) -> xr.Dataset:
    one = example(name)
    result: xr.Dataset = getattr(Scope(one.model), name)(*one.given, **{**one.arguments, **changed})
    return result


@pytest.mark.parametrize(
    ("name", "plain", "given"),
    [
        ("strs", {"hop": 20, "n_fft": 64}, {"hop": np.int64(20), "n_fft": torch.tensor(64)}),
        ("sonify", {"channels": [2, 0], "peak": True}, {"channels": np.array([2, 0]), "peak": np.bool_(True)}),
        ("sonify", {"channels": [2, 0]}, {"channels": torch.tensor([2, 0])}),
        ("sonify", {"channels": [2, 0]}, {"channels": xr.DataArray([2, 0])}),
        ("data_flow", {"channels": [1, 3]}, {"channels": range(1, 4, 2)}),
        ("top_activations", {"channels": 2}, {"channels": np.int32(2)}),
        ("relevance", {"target": 1, "window": 0.5}, {"target": torch.tensor(1), "window": np.float32(0.5)}),
        ("tone_response", {"frequencies": [100.0, 500.0]}, {"frequencies": np.array([100.0, 500.0])}),
        ("layer_importance", {"seeds": [1, 2]}, {"seeds": np.array([1, 2])}),
    ],
)
def test_numbers_of_numpy_and_torch_are_numbers(
    example: Examples, name: str, plain: dict[str, Any], given: dict[str, Any]
) -> None:
    xr.testing.assert_identical(call(example, name, **given), call(example, name, **plain))


def test_a_rate_and_an_output_may_be_numbers_of_numpy_and_torch() -> None:
    model = torch.nn.Conv1d(1, 2, 5)
    rates: list[Any] = [np.int64(8000), torch.tensor(8000), np.float32(8000)]
    output: Any = np.int64(0)
    for rate in rates:
        scope = Scope(model, rate, output=output)
        assert (scope.sample_rate, scope.contract.output) == (8000, 0) and type(scope.sample_rate) is int


@pytest.mark.parametrize(("name", "option"), EVERY)
def test_a_value_of_another_type_is_refused_by_name(example: Examples, name: str, option: str) -> None:
    with pytest.raises(InputError, match=f"^{name}: {option} has to be .*, not {{1: 2}}$"):
        call(example, name, **{option: {1: 2}})


@pytest.mark.parametrize(
    ("name", "option", "value", "message"),
    [
        ("strs", "n_fft", 1.5, "strs: n_fft has to be a whole number, not 1.5"),
        ("strs", "n_fft", "abc", "strs: n_fft has to be a whole number, not 'abc'"),
        ("strs", "hop", True, "strs: hop has to be a whole number, not True"),
        ("strs", "scale", 1, "strs: scale has to be 'linear' or 'log', not 1"),
        ("crs_classifier", "folds", 2.5, "crs_classifier: folds has to be a whole number, not 2.5"),
        (
            "relevance",
            "target",
            True,
            "relevance: target has to be a whole number or a name or a list or a function, not True",
        ),
        ("relevance", "window", "long", "relevance: window has to be a number, not 'long'"),
        ("sonify", "peak", 1, "sonify: peak has to be True or False, not 1"),
        ("sonify", "layer", 3, "sonify: layer has to be a name, not 3"),
        (
            "data_flow",
            "channels",
            [0.5],
            "data_flow: channels has to be a whole number or a list of whole numbers, not [0.5]",
        ),
    ],
)
def test_the_message_says_what_it_has_to_be(
    example: Examples, name: str, option: str, value: object, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        call(example, name, **{option: value})
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("layer_importance", "learning_rate"),
        ("layer_importance", "encoder_learning_rate"),
        ("strs", "minimum_frequency"),
        ("crs", "minimum_frequency"),
        ("tone_response", "minimum_frequency"),
        ("tone_response", "amplitude"),
    ],
)
def test_a_rate_or_frequency_is_finite_and_above_0(example: Examples, name: str, option: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{option} has to be a finite number above 0"):
        call(example, name, **{option: value})


@pytest.mark.parametrize("name", ["crs_classifier", "subband_emphasis", "residual_study"])
def test_a_seed_below_0_is_refused(example: Examples, name: str) -> None:
    with pytest.raises(InputError, match="seed has to be a whole number from 0"):
        call(example, name, seed=-1)


def test_what_is_in_range_passes() -> None:
    check_positive(one=1e-300, two=5)
    check_seed(0)
    check_seed(2**32 - 1)
