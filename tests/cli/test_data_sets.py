"""`otoscope coherence` and `otoscope top-activations` give the numbers of Python over files and folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import xarray as xr

from otoscope import Scope

Otoscope = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "set").mkdir()
    for n in range(4):
        noise = np.random.default_rng(n).uniform(-0.4, 0.4, 2000 + 400 * n)
        soundfile.write(tmp_path / "set" / f"{n}.wav", noise, 8000)
    return tmp_path / "set"


def test_coherence(
    otoscope: Otoscope, small: str, small_scope: Scope, folder: Path, tone: Path, tmp_path: Path
) -> None:
    found = otoscope("coherence", small, folder, tone, "--out", tmp_path / "o", "--json").json()
    files = [*sorted(folder.iterdir()), tone]
    assert found["audio"] == [str(file) for file in files]
    result = small_scope.coherence(files)
    assert [row["layer"] for row in found["layers"]] == result.layer.values.tolist() == ["relu"]
    for name in ("coherence", "low", "high", "count"):
        assert found["layers"][0][name] == pytest.approx(float(result[name][0]))
    xr.testing.assert_allclose(xr.open_dataset(tmp_path / "o" / "coherence.nc", engine="scipy"), result)
    assert {path.name for path in (tmp_path / "o").iterdir()} == {"coherence.nc", "coherence.png", "report.html"}
    page = (tmp_path / "o" / "report.html").read_text()
    assert "mean coherence" in page and page.count("<img") == 2
    assert "mean coherence" in otoscope("coherence", small, folder, "--layer", "conv", "--top", 3).out


def test_of_a_single_sound_there_is_no_interval(otoscope: Otoscope, small: str, tone: Path) -> None:
    (row,) = otoscope("coherence", small, tone, "--json").json()["layers"]
    assert (row["low"], row["high"], row["count"]) == (None, None, 1)


def test_top_activations(otoscope: Otoscope, small: str, small_scope: Scope, folder: Path, tmp_path: Path) -> None:
    arguments = ("top-activations", small, folder, "--layer", "relu", "--k", 2)
    found = otoscope(*arguments, "--seconds", 0.1, "--out", tmp_path / "o", "--json").json()
    files = sorted(folder.iterdir())
    result = small_scope.top_activations(files, "relu", 2)
    assert (found["layer"], found["clips"], len(found["top"])) == ("relu", 4, 8)
    first = found["top"][0]
    assert (first["channel"], first["rank"], first["clip_name"]) == (0, 1, str(result.clip_name.values[0, 0]))
    assert first["value"] == pytest.approx(float(result.value[0, 0]))
    sounds = xr.open_dataset(tmp_path / "o" / "top_sounds.nc", engine="scipy")
    xr.testing.assert_allclose(sounds, small_scope.top_sounds(files, result, seconds=0.1))
    names = {path.name for path in (tmp_path / "o").iterdir()}
    heard = {f"channel{channel}_rank{rank}.wav" for channel in sounds.channel.values for rank in (1, 2)}
    assert names >= {f"{kind}_{name}" for kind in ("top_sounds", "top_inputs") for name in heard}
    page = (tmp_path / "o" / "report.html").read_text()
    assert page.count("<audio") == 12 and "Top sounds of layer relu" in page
    assert "1 more with --channel" in otoscope(*arguments).out


def test_maps_by_number(otoscope: Otoscope, small: str, folder: Path) -> None:
    arguments = ("top-activations", small, folder, "--layer", "relu", "--channel", 2, "--channel", 0, "--k", 1)
    assert [row["channel"] for row in otoscope(*arguments, "--json").json()["top"]] == [2, 0]
    assert "more with" not in otoscope(*arguments).out


def test_refusals(otoscope: Otoscope, small: str, folder: Path, tmp_path: Path) -> None:
    (folder / "broken.wav").write_bytes(b"RIFF")
    for command in (("coherence", small, folder), ("top-activations", small, folder, "--layer", "relu")):
        otoscope(*command).expect_refusal("broken.wav")
    (folder / "broken.wav").unlink()
    (tmp_path / "empty").mkdir()
    otoscope("coherence", small, tmp_path / "empty").expect_refusal("no sound file is in the folder")
    otoscope("coherence", small, folder, "--layer", "conv7").expect_refusal("no tap is named 'conv7'")
    otoscope("coherence", small, folder, "--nperseg", 1800).expect_refusal("0.wav has 2000 samples")
    otoscope("top-activations", small, folder, "--layer", "relu", "--channel", 9).expect_refusal("unknown map 9")
    otoscope("top-activations", small, folder, "--layer", "relu", "--k", 0).expect_refusal("k has to be 1 or more")


def test_a_map_or_layer_that_is_named_twice_is_meant_once(otoscope: Otoscope, small: str, folder: Path) -> None:
    command = ("top-activations", small, folder, "--layer", "relu", "--channel", 1, "--channel", 1, "--k", 1)
    assert [row["channel"] for row in otoscope(*command, "--json").json()["top"]] == [1]
    layers = otoscope("coherence", small, folder, "--layer", "relu", "--layer", "relu", "--json").json()["layers"]
    assert [row["layer"] for row in layers] == ["relu"]


def test_on_a_device_without_values_nothing_is_computed(otoscope: Otoscope, small: str, folder: Path) -> None:
    otoscope("coherence", small, folder, "--device", "meta").expect_refusal("try --device cpu")
    otoscope("coherence", small, folder, "--nperseg", 0).expect_refusal("nperseg has to be 1 sample or more")
    otoscope("coherence", small, folder, "--sample-rate", 0).expect_refusal("has to be 1 Hz or more, not 0")
