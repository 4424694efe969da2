"""Commands on the first layer and on tones give the numbers of Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from PIL import Image

from otoscope import Scope, load, load_audio, models

Otoscope = Callable[..., Any]


def test_filters(otoscope: Otoscope, small: str, small_scope: Scope, tmp_path: Path) -> None:
    found = otoscope("filters", small, "--n-fft", 256, "--out", tmp_path / "out", "--json").json()
    result = small_scope.filters(n_fft=256)
    assert [row["kernel"] for row in found["kernels"]] == result.order.values.tolist()
    centres = [row["centre_frequency"] for row in found["kernels"]]
    assert centres == sorted(result.centre_frequency.values.tolist())
    assert found["cumulative_response"] == result.cumulative_response.values.tolist()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"filters.nc", "filters.png", "report.html"}
    assert "Filters of the first layer" in (tmp_path / "out/report.html").read_text()


def test_filters_before_and_after_by_a_file_of_weights(
    otoscope: Otoscope, small: str, small_scope: Scope, tmp_path: Path
) -> None:
    model = load(small)
    model.conv.weight.data *= 3
    torch.save(model.state_dict(), tmp_path / "before.pt")
    found = otoscope("filters", small, "--before", tmp_path / "before.pt", "--out", tmp_path / "out", "--json").json()
    np.testing.assert_allclose([row["change"] for row in found["kernels"]], 2 / 3, rtol=1e-5)
    for row in found["kernels"]:  # a scale moves no centre
        assert row["centre_before"] == pytest.approx(row["centre_frequency"], rel=1e-5)
    with xr.open_dataset(tmp_path / "out/filters_before_after.nc") as both:
        np.testing.assert_array_equal(both.weight.sel(training="after"), small_scope.filters().weight)
    assert (tmp_path / "out/filters_before_after.png").stat().st_size > 10_000
    assert "before and after training" in (tmp_path / "out/report.html").read_text()


def test_filters_against_random_weights(otoscope: Otoscope, small: str, tmp_path: Path) -> None:
    one = otoscope("filters", "vowel-name", "--before", "random", "--json").json()
    assert all(row["change"] > 0.5 for row in one["kernels"])
    models.save(load("vowel-name"), tmp_path / "folder")
    assert otoscope("filters", tmp_path / "folder", "--before", "random", "--json").json()["kernels"] == one["kernels"]
    torch.save(load(small).state_dict(), tmp_path / "after.pt")
    own = otoscope("filters", small, "--weights", tmp_path / "after.pt", "--before", "random", "--json")
    assert all(row["change"] == 0 for row in own.json()["kernels"])  # its class seeds itself
    otoscope("filters", small, "--before", "random").expect_refusal("--before FILE")


def test_weights_of_another_model_are_refused(otoscope: Otoscope, small: str, tmp_path: Path) -> None:
    torch.save(load("cnn12", width=0.1).state_dict(), tmp_path / "other.pt")
    otoscope("filters", small, "--before", tmp_path / "other.pt").expect_refusal("other.pt")


def test_frame(otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path) -> None:
    found = otoscope("frame", small, tone, "--time", 0.2, "--out", tmp_path / "out", "--json").json()
    result = small_scope.frame_response(load_audio(tone), 0.2)
    assert found["frame_time"] == 0.2
    for name in ("response", "spectrum", "cumulative_response"):
        assert found[name] == result[name].values.tolist()
    assert (tmp_path / "out/frame_response.png").is_file()
    assert otoscope("frame", small, tone).code == 0
    otoscope("frame", small, tone, "--time", 9).expect_refusal("no frame lies at 9 s")


def test_f_vowel(otoscope: Otoscope, small: str, small_scope: Scope, tone: Path) -> None:
    found = otoscope("f-vowel", small, tone, "--top", 2, "--json").json()
    result = small_scope.f_vowel(load_audio(tone), top=2)
    assert found["f_vowel"] == result.f_vowel.values.tolist()
    shares = sorted(result.firing.values)[::-1][:2]
    assert [row["share_of_frames"] for row in found["filters"]] == pytest.approx(shares)
    assert "filters that fire most" in otoscope("f-vowel", small, tone).out


def test_tones(otoscope: Otoscope, small: str, small_scope: Scope, tmp_path: Path) -> None:
    options = ("--layer", "relu", "--bins-per-octave", 2, "--minimum-frequency", 100)
    found = otoscope("tones", small, *options, "--out", tmp_path / "out", "--json").json()
    result = small_scope.tone_response("relu", bins_per_octave=2, minimum_frequency=100)
    assert found["gain"] == result.gain.values.tolist() and found["frequency"][0] == 100
    assert [row["best_frequency"] for row in found["maps"]] == result.best_frequency.values.tolist()
    assert (tmp_path / "out/tone_response_relu.png").is_file()
    assert "Response to tones of relu" in (tmp_path / "out/report.html").read_text()
    otoscope("tones", small, "--layer", "conv9").expect_refusal("no tap is named 'conv9'")
    assert otoscope("tones", small).code == 2


def test_strs_on_a_logarithmic_scale_and_as_a_film(
    otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path
) -> None:
    options = ("--scale", "log", "--bins-per-octave", 4, "--minimum-frequency", 100)
    found = otoscope("strs", small, tone, *options, "--animate", tmp_path / "film.gif", "--json").json()
    crs = small_scope.crs(load_audio(tone), scale="log", bins_per_octave=4, minimum_frequency=100)
    assert found["frequency"] == crs.frequency.values.tolist() and found["crs"] == crs.values.tolist()
    assert Image.open(tmp_path / "film.gif").n_frames > 10
    otoscope("strs", small, tone, "--scale", "mel").expect_refusal("'linear' or 'log'")
    otoscope("strs", small, tone, "--animate", tmp_path / "film.mov").expect_refusal(".gif or an .mp4")
