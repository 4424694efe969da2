"""Results on disk and as sound: whole or not at all, and the same when read back."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import Tensor

from otoscope import InputError, Scope
from otoscope.results import as_json, open_result, save, sign, weights_digest

RESULTS = {
    "strs": lambda scope, wave: scope.strs(wave, n_fft=64, hop=100),
    "crs": lambda scope, wave: scope.crs(wave),
    "geometry": lambda scope, wave: scope.geometry(),
    "relevance": lambda scope, wave: scope.relevance(wave, target="two"),
    "relevance of a function": lambda scope, wave: scope.relevance(wave, target=lambda y: y[:, 1]),
    "sonify": lambda scope, wave: scope.sonify(wave, layer="pool3", channels="all"),
    "sonify a layer": lambda scope, wave: scope.sonify(wave, layer="pool3", channels="layer"),
    "strs of a batch": lambda scope, wave: scope.strs(torch.stack([wave, wave]), n_fft=64, hop=100),
    "relevance of a batch": lambda scope, wave: scope.relevance(torch.stack([wave, wave])),
    "sonify a batch": lambda scope, wave: scope.sonify(torch.stack([wave, wave]), layer="pool3", channels=[1, 5]),
}


@pytest.mark.parametrize("name", RESULTS)
def test_what_was_saved_loads_back_the_same(name: str, scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    result = RESULTS[name](scope, clip)
    result.otoscope.save(tmp_path / "result.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["result.nc"]
    with xr.open_dataset(tmp_path / "result.nc") as loaded:
        assert loaded.attrs == result.attrs
        if isinstance(result, xr.DataArray):
            xr.testing.assert_identical(loaded[result.name].load(), result)
        else:
            xr.testing.assert_identical(loaded.load(), result)


def test_saving_again_replaces(scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    path = tmp_path / "result.nc"
    for wave in (clip, 0.5 * clip):
        save(scope.crs(wave), path)
    with xr.open_dataset(path) as loaded:
        np.testing.assert_array_equal(loaded.crs, scope.crs(0.5 * clip).crs)


def test_a_sound_loaded_back_can_be_heard(scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    scope.sonify(clip, layer="pool3", channels=[1, 5]).otoscope.save(tmp_path / "result.nc")
    with xr.open_dataset(tmp_path / "result.nc") as loaded:
        written = loaded.sonification.otoscope.write_audio(tmp_path / "map.wav")
    assert [path.name for path in written] == ["map_channel1.wav", "map_channel5.wav"]
    assert soundfile.info(written[0]).samplerate == 8000


@pytest.mark.parametrize("where", ["missing/result.nc", "file/result.nc"])
def test_where_nothing_can_be_written_it_says_so(where: str, scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(InputError, match=r"cannot write .*result.nc: .* choose another"):
        save(scope.crs(clip), tmp_path / where)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failure_midway_leaves_the_old_file_alone(
    scope: Scope, clip: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, result = tmp_path / "result.nc", scope.crs(clip)
    save(result, path)
    before = path.read_bytes()

    def full_disk(self: xr.Dataset, target: Path, **options: Any) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full_disk)
    with pytest.raises(InputError, match="No space left"):
        save(result, path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["result.nc"]


# -- Sound ------------------------------------------------------------------------------------------------


def test_sonifications_are_written_at_their_rate_level_and_length(scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    result = scope.sonify(clip, layer="pool2", n_maps=2)
    written = result.otoscope.write_audio(tmp_path / "map.wav")
    numbers = result.channel.values.tolist()
    assert [path.name for path in written] == [f"map_channel{number}.wav" for number in numbers]
    for path, sound in zip(written, result.sonification, strict=True):
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == 8000 and samples.shape == (4000,)
        np.testing.assert_allclose(samples, sound, atol=1.1 / 2**15)
        assert np.abs(samples).max() == pytest.approx(float(clip.abs().max()), abs=1 / 2**15)


def test_one_sound_can_be_chosen_by_its_label(scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    result = scope.sonify(clip, layer="pool2", channels=[3, 5])
    assert result.otoscope.write_audio(tmp_path / "one.wav", channel=5) == [tmp_path / "one.wav"]
    samples, _ = soundfile.read(tmp_path / "one.wav", dtype="float32")
    np.testing.assert_allclose(samples, result.sonification[1], atol=1.1 / 2**15)
    with pytest.raises(InputError, match=r"no sound has the labels \{'channel': 4\}.*\[3, 5\]"):
        result.otoscope.write_audio(tmp_path / "none.wav", channel=4)


def test_sounds_of_a_batch_carry_clip_and_channel_in_their_names(scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    result = scope.sonify(torch.stack([clip, clip]), layer="pool2", channels=[3, 5])
    written = result.otoscope.write_audio(tmp_path / "map.flac")
    assert [path.name for path in written] == [f"map_clip{i}_channel{k}.flac" for i in (0, 1) for k in (3, 5)]


def test_relevance_is_as_loud_as_the_input(scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    result = scope.relevance(clip)
    result.otoscope.write_audio(tmp_path / "relevance.wav")
    samples, rate = soundfile.read(tmp_path / "relevance.wav", dtype="float32")
    assert rate == 8000
    signal = result.relevance.values
    np.testing.assert_allclose(samples, signal / np.abs(signal).max() * float(clip.abs().max()), atol=1.1 / 2**15)


@pytest.mark.parametrize("name", ["strs", "crs", "geometry"])
def test_what_is_no_sound_is_not_written_as_one(name: str, scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"a result of {name} holds no sound"):
        RESULTS[name](scope, clip).otoscope.write_audio(tmp_path / "no.wav")
    assert not list(tmp_path.iterdir())


# -- Numbers ----------------------------------------------------------------------------------------------


def test_arguments_are_written_as_json_whatever_they_are() -> None:
    given = {"a": np.float32(0.5), "b": np.int64(3), "c": torch.tensor(2), "d": np.arange(2), "e": sign, "f": Path("g")}
    result = sign(xr.Dataset({"one": 0.0}), "method", "source", given)
    wanted = '{"a": 0.5, "b": 3, "c": 2, "d": [0, 1], "e": "otoscope.results.sign", "f": "g"}'
    assert result.attrs["arguments"] == wanted


def test_numbers_that_json_does_not_know_are_written_as_null_or_text() -> None:
    given = {"a": math.nan, "b": [math.inf, -np.inf], "c": np.array([np.nan, 1]), "d": torch.tensor(torch.inf)}
    found = json.loads(as_json(given), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert found == {"a": None, "b": ["inf", "-inf"], "c": [None, 1], "d": "inf"}


def test_functions_and_models_are_signed_without_their_address() -> None:
    def inner(x: Tensor, gain: float) -> Tensor:
        return gain * x

    here, model = __name__, torch.nn.Linear(2, 1)
    signed = json.loads(
        as_json({"inner": inner, "lambda": lambda x: x, "bound": partial(inner, gain=2), "model": model})
    )
    name = f"{here}.test_functions_and_models_are_signed_without_their_address.<locals>"
    assert signed["inner"] == f"{name}.inner" and signed["lambda"] == f"{name}.<lambda>"
    assert signed["bound"] == {"function": f"{name}.inner", "arguments": [], "keywords": {"gain": 2}}
    assert signed["model"] == {"class": "torch.nn.modules.linear.Linear", "sha256": weights_digest(model)}
    assert as_json({"model": model}) != as_json({"model": torch.nn.Linear(2, 1)})
    assert as_json({"any": object()}) == '{"any": "builtins.object"}'


def test_the_main_variable_is_the_first_also_of_a_result_that_was_read_back(tmp_path: Path) -> None:
    """The format orders variables by their shapes."""
    variables = {"small": ("x", np.zeros(2)), "other": ("y", np.zeros(9)), "scalar": 1.0}
    for main in variables:
        ordered = {main: variables[main], **variables}
        save(sign(xr.Dataset(ordered), "method", "source", {}), tmp_path / f"{main}.nc")
        back = open_result(tmp_path / f"{main}.nc")
        assert next(iter(back.data_vars)) == main and set(back.data_vars) == set(variables)


def test_a_damaged_file_is_refused_or_read_but_no_other_error(tmp_path: Path) -> None:
    path = tmp_path / "result.nc"
    save(sign(xr.Dataset({"a": ("x", np.arange(5.0)), "b": 1.0}, {"x": list("abcde")}), "strs", "source", {}), path)
    whole, random = path.read_bytes(), np.random.default_rng(0)
    damaged = [b"", b"CDF\x01", b"CDF\x02" + bytes(3), *(whole[:size] for size in range(4, len(whole), 61))]
    for _ in range(100):
        flipped = np.frombuffer(whole, np.uint8).copy()
        flipped[random.integers(4, len(whole), 3)] ^= 1 << random.integers(0, 8, 3, dtype=np.uint8)
        damaged.append(flipped.tobytes())
    refused = []
    for content in damaged:
        path.write_bytes(content)
        try:
            open_result(path)
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 20 and all("result.nc is " in message for message in refused)
