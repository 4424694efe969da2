"""The catalogue: what is true of every method, whatever it computes."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
import xarray as xr

from method_examples import Example
from otoscope import InputError, Scope, __version__
from otoscope.contract import Contract
from otoscope.methods.catalogue import METHODS, PER_CALL, Record, of_clips
from otoscope.methods.listing import listing, summary
from otoscope.subject import Subject

NAMES = list(listing())
NO_METHODS = {"taps", "output", "clip", "inputs", "report", "inspect", "explore", "verify", "whole"}
"""Public functions of `Scope` that are not methods."""

_WHOLE = dict.fromkeys(("at", "against", "target_band"), "the whole output is explained")
_UNDIVIDED = dict.fromkeys(("segments", "tier"), "the sound is not divided, or its segments have one tier")
_OF_OTHER_RULES = dict.fromkeys(
    ("steps", "samples", "noise", "seed", "occlusion_window", "occlusion_hop", "bands", "batch_size",
     "epsilon", "gamma", "first", "layer", "masks", "cell", "keep"),
    "the rule has no such option",
)  # fmt: skip
NULL = {
    "filters": {"before": "no other state of the model is shown"},
    "tone_response": {"frequencies": "bins_per_octave and minimum_frequency determine them"},
    "relevance": _WHOLE | _OF_OTHER_RULES | _UNDIVIDED,
    "control": _WHOLE | _OF_OTHER_RULES,
    "taken_away": _WHOLE | _OF_OTHER_RULES,
    "voice": _WHOLE | {"pre_emphasis": "nothing is raised"},
    "autocorrelation": _WHOLE,
    "subband_emphasis": _WHOLE | {"target": "each clip has a likeliest class of its own"},
    "vowels": _WHOLE | {"pre_emphasis": "nothing is raised", "limit": "there is no limit"},
    "top_activations": {"duration": "clips are whole"},
    "crs_classifier": {"groups": "the data have no groups"},
    "activations": _UNDIVIDED,
    "coherence": _UNDIVIDED,
}
"""Arguments that may be signed as null, and why: no value was used instead."""

Examples = Callable[[str], Example]


def record(name: str) -> Record:
    return METHODS[name]


def run(one: Example, name: str, arguments: dict[str, Any]) -> xr.Dataset:
    result: xr.Dataset = getattr(Scope(one.model), name)(*one.given, **arguments)
    return result


def arguments_of(result: xr.Dataset) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.attrs["arguments"])
    return found


# -- Declarations -----------------------------------------------------------------------------------------


def test_every_public_function_of_scope_is_a_method_of_the_catalogue_or_one_of_the_few_others() -> None:
    public = {name for name, member in inspect.getmembers(Scope, callable) if not name.startswith("_")}
    assert public - NO_METHODS == set(NAMES) == set(METHODS)
    for name in NAMES:
        assert getattr(Scope, name) is record(name).function


def test_the_listing_that_imports_nothing_says_what_the_records_say() -> None:
    for name, listed in listing().items():
        assert listed.summary == record(name).summary
        assert record(name).function.__module__ == listed.module
    with pytest.raises(InputError, match="has no function nothing"):
        summary(Path(import_module("otoscope.methods.strs").__file__ or ""), "nothing")


@pytest.mark.parametrize("name", NAMES)
def test_its_name_is_that_of_its_file_and_of_nothing_public_beside_it(name: str) -> None:
    module = import_module(listing()[name].module)
    assert module.__name__ in (f"otoscope.methods.{name}", f"otoscope.trust.{name}")
    assert vars(module)[name] is record(name).function
    assert [one for one in METHODS if METHODS[one].function.__module__ == module.__name__] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_true_and_by_keyword(name: str) -> None:
    parameters = list(inspect.signature(record(name).function).parameters.values())
    first, takes = parameters[0], record(name).takes
    assert first.name == "subject" and first.kind is not first.VAR_POSITIONAL
    positional = [one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.POSITIONAL_ONLY)]
    assert positional == (["subject"] if takes == "model" else ["subject", takes])
    assert not [one for one in parameters if one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    hints = get_type_hints(record(name).function)
    assert hints["return"] is xr.Dataset and hints["subject"] is Subject
    assert all(hints[one.name] is not Any for one in parameters)


@pytest.mark.parametrize("name", NAMES)
def test_its_docstring_describes_each_parameter_by_itself_and_has_an_example(name: str) -> None:
    text = inspect.getdoc(record(name).function) or ""
    described = re.findall(r"^(\w+) : \S", text.partition("Parameters\n")[2].partition("Returns\n")[0], re.MULTILINE)
    wanted = list(inspect.signature(record(name).function).parameters)[1:]
    assert described == wanted
    assert record(name).summary.endswith(".") and len(record(name).summary) <= 120
    assert "Returns\n-------\nDataset" in text and ">>> " in text


@pytest.mark.parametrize("name", NAMES)
def test_words_that_have_one_meaning_are_used_in_it(name: str) -> None:
    """One name everywhere: no layers, taps, channel, top, seconds, rate, low or high."""
    wrong = {"layers", "taps", "tap", "channel", "top", "seconds", "rate", "lr", "low", "high", "options"}
    assert not wrong & set(inspect.signature(record(name).function).parameters)


# -- Results ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_its_result_is_a_dataset_that_says_where_it_came_from(example: Examples, name: str) -> None:
    one = example(name)
    result, scope = run(one, name, one.arguments), Scope(one.model)
    assert isinstance(result, xr.Dataset) and next(iter(result.data_vars)) == record(name).main
    hidden = {str(variable) for variable in result.variables if hasattr(xr.Dataset, str(variable))}
    assert hidden <= set(result.dims), f"{hidden} hide what a Dataset has"
    for variable in (*result.data_vars.values(), *(one for one in result.coords.values() if one.dtype.kind == "f")):
        assert {"long_name", "units"} <= set(variable.attrs), variable.name

    attrs = result.attrs
    assert attrs["method"] == name and attrs["source"] and attrs["otoscope_version"] == __version__
    assert (attrs["model"], attrs["model_sha256"]) == ("Pair", scope.digest)
    assert attrs["sample_rate"] == 8000
    signed = json.loads(attrs["subject"])
    assert set(signed) == {*Contract.__dataclass_fields__, "time_axes"}
    assert (signed["sample_rate"], signed["classes"], signed["scores"]) == (8000, ["a", "b", "c"], "logits")
    if record(name).takes == "wave":
        assert attrs["audio"] == Path(one.given[0]).name
        assert attrs["audio_sha256"] == hashlib.sha256(Path(one.given[0]).read_bytes()).hexdigest()
    if record(name).takes == "data":
        assert "sounds" in attrs["audio"] and len(attrs["audio_sha256"]) == 64
    assert all(isinstance(value, (str, int, float)) for value in attrs.values())


@pytest.mark.parametrize("name", NAMES)
def test_its_table_has_rows_headings_and_columns_of_the_result(example: Examples, name: str) -> None:
    one, found = example(name), record(name)
    result = run(one, name, one.arguments)
    if found.rows.make is not None:
        assert found.rows.make(result)
    else:
        assert set(found.rows.over) <= set(result.dims) | {"training", "band", "channel", "control"}
        assert any(column in result.variables for column in found.rows.columns)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_that_changes_numbers_is_signed(example: Examples, name: str) -> None:
    one = example(name)
    before = arguments_of(run(one, name, one.arguments))
    wanted = set(list(inspect.signature(record(name).function).parameters)[1:]) - PER_CALL - {record(name).takes}
    assert set(before) == wanted
    assert wanted - {"others"} <= set(one.others), "the examples have no other value of some parameters"
    for parameter in sorted(wanted - {"others"}):
        after = arguments_of(run(one, name, one.changed(parameter)))
        base = arguments_of(run(one, name, {**one.arguments, **without(one.changed(parameter), parameter)}))
        assert after[parameter] != base[parameter], f"{parameter} is not signed as it was used"


@pytest.mark.parametrize("name", NAMES)
def test_what_changes_a_result_changes_what_is_signed_and_what_was_used_is_not_null(
    example: Examples, name: str
) -> None:
    one = example(name)
    results = [run(one, name, arguments) for arguments in (one.arguments, *map(one.changed, one.others))]
    for result in results:
        null = {argument for argument, value in arguments_of(result).items() if value is None}
        assert null <= set(NULL.get(name, {}))
    for result, other in combinations(results, 2):
        assert result.equals(other) or arguments_of(result) != arguments_of(other)


def without(arguments: dict[str, Any], parameter: str) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if key != parameter}


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_keyword_is_a_type_error_with_a_suggestion(example: Examples, name: str) -> None:
    one = example(name)
    known = list(inspect.signature(record(name).function).parameters)
    wrong = f"{known[-1]}s" if len(known) > 1 else "layer"
    with pytest.raises(TypeError, match=rf"{name}\(\).*{wrong}") as caught:
        getattr(Scope(one.model), name)(*one.given, **{**one.arguments, wrong: 1})
    assert len(known) == 1 or f"did you mean {known[-1]!r}" in str(caught.value)


def test_the_duration_of_the_aliasing_map_is_signed(example: Examples) -> None:
    scope = Scope(example("aliasing_map").model)
    one, other = (arguments_of(scope.aliasing_map(frequencies=3, duration=duration)) for duration in (0.1, 0.5))
    assert one | {"duration": 0.5} == other and one["duration"] == 0.1


def test_time_axes_are_signed(example: Examples) -> None:
    model = example("strs").model
    one, other = (
        Scope(model, time_axes=axes).strs(example("strs").given[0]).attrs["subject"] for axes in ({}, {"relu": 2})
    )
    assert json.loads(one) | {"time_axes": {"relu": 2}} == json.loads(other)


def test_what_was_used_is_signed_in_place_of_a_default(example: Examples) -> None:
    one = example("strs")
    assert arguments_of(run(one, "strs", {}))["hop"] == 5
    assert arguments_of(run(one, "crs", {}))["hop"] == 5


def test_the_classes_and_segments_that_were_used_are_signed(example: Examples) -> None:
    """Of one clip a value, of several a list; numbers, where the classes have no names."""
    clips = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0)) * torch.tensor([[1.0], [100.0]])
    for name in ("relevance", "autocorrelation", "voice"):
        scope = Scope(example(name).model)
        both, alone = (getattr(scope, name)(given) for given in (clips, clips[1]))
        assert arguments_of(both)["target"] == both["class_name"].values.tolist()
        assert arguments_of(alone)["target"] == alone["class_name"].item()
        for time in {"start", "stop"} & set(both.data_vars):
            assert arguments_of(both)[f"segment_{time}"] == both[time].values.tolist()
            assert arguments_of(alone)[f"segment_{time}"] == alone[time].item()
            assert arguments_of(alone)["segment_duration"] == 0.1
            assert arguments_of(both)["segment_duration"] == [0.1, 0.1]
    given = arguments_of(scope.voice(clips[0], segment_start=0.1, segment_stop=0.4, target="a"))
    assert (given["segment_start"], given["segment_stop"], given["target"]) == (0.1, 0.4, "a")
    assert given["segment_duration"] == pytest.approx(0.3)
    unnamed = Scope(torch.nn.Sequential(torch.nn.Conv1d(1, 3, 4000), torch.nn.Flatten()), 8000)
    result = unnamed.relevance(clips)
    assert arguments_of(result)["target"] == result["target"].values.tolist()


def test_the_maps_frames_and_vowels_that_were_used_are_signed(example: Examples) -> None:
    signed = {
        name: arguments_of(run(example(name), name, example(name).arguments))
        for name in ("data_flow", "coherence", "top_activations", "frame_response", "vowels")
    }
    flow = run(example("data_flow"), "data_flow", {"n_maps": 2})
    assert arguments_of(flow)["channels"] == {
        layer: flow["channel"].sel(layer=layer).values.tolist() for layer in ("relu", "other")
    }
    assert signed["coherence"]["channels"] == "the most active of each clip"
    assert (signed["top_activations"]["channels"], signed["top_activations"]["n_maps"]) == ("all", 4)
    frame = run(example("frame_response"), "frame_response", {})
    assert signed["frame_response"]["time"] == frame["frame_time"].item()
    found = run(example("vowels"), "vowels", {**example("vowels").arguments, **example("vowels").others["recordings"]})
    assert arguments_of(found)["recordings"].startswith(example("vowels").others["recordings"]["recordings"])
    assert arguments_of(found)["groups"] == found["group"].values.tolist()
    assert arguments_of(found)["target"] == of_clips(found["class_name"].values)
