"""The report of one sound in one model: a section for each result, and none for what is absent."""

from __future__ import annotations

import base64
import io
import os
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import xarray as xr

from otoscope.report import inspection_report
from otoscope.report.sections import parts

RATE = 8000
TAPS = [
    {"name": "conv1", "kind": "convolution", "channels": 16, "kernel": (30,), "stride": (10,), "dilation": (1,),
     "hop": 10.0, "receptive_field": 30, "whole": False},
    {"name": "attention", "kind": "activation", "channels": 8, "kernel": (), "stride": (), "dilation": (),
     "hop": float("nan"), "receptive_field": 8000, "whole": True},
]  # fmt: skip


def clip_of(samples: np.ndarray, name: str = "a.wav") -> xr.DataArray:
    attrs = {"sample_rate": RATE, "name": name, "sha256": "0" * 64, "note": "mixed down from 2 channels"}
    return xr.DataArray(samples.astype(np.float32), dims="time", attrs=attrs)


def results_of(samples: np.ndarray) -> dict[str, Any]:
    time, frequency = np.arange(samples.size) / RATE, np.linspace(0, RATE / 2, 65)
    peak = np.abs(samples).max()
    strs = xr.DataArray(
        np.full((65, 30), peak),
        {"frequency": frequency, "time": np.arange(30) / 100},
        ("frequency", "time"),
        attrs={"method": "strs", "arguments": '{"n_fft": 128}'},
    )
    frames = (("frame_frequency", "frame_time"), strs.values)
    relevance = xr.Dataset(
        {
            "signal": ("time", samples * 1e-6),
            "spectrum": ("frequency", np.abs(np.fft.rfft(samples))),
            "spectrogram": frames,
            "input": ("time", samples),
            "input_spectrogram": frames,
        },
        {
            "time": time,
            "frequency": np.fft.rfftfreq(samples.size, 1 / RATE),
            "frame_frequency": frequency,
            "frame_time": np.arange(30) / 100,
        },
        attrs={"sample_rate": RATE, "rule": "guided", "target": "spoof", "logit": 3.21},
    )
    sounds = xr.DataArray(
        np.stack([samples * gain for gain in (1, 0, 0.5)]),
        {"channel": [4, 7, 9], "time": time, "activity": ("channel", [0.1, 0.0, 0.7])},
        ("channel", "time"),
        attrs={"sample_rate": RATE, "layer": "conv1", "rule": "deconvnet"},
    )
    names = ("B", "beta_min", "beta_avg", "mu", "mu_avg")
    geometry = xr.Dataset(
        {name: ("layer", [0.5, 0.7]) for name in names} | {"A": ("layer", [0.25, 1e-17]), "skip": ("layer", [0, 1])},
        {"layer": ["conv1", "conv2"]},
    )
    return {
        "strs": strs,
        "crs": strs.mean("time"),
        "relevance": {"guided": relevance, "gradient": relevance.assign_attrs(rule="gradient")},
        "sonify": {"conv1": sounds},
        "geometry": geometry,
    }


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pictures: their size is not what is tested here."""
    monkeypatch.setattr(parts, "_FULL", (4.8, 40.0))
    monkeypatch.setattr(parts, "_HALF", (3.4, 40.0))


SOUND = 0.5 * np.sin(np.arange(4000) / 3)
TITLES = {
    "strs": "Short-time response spectra (STRS)",
    "crs": "Cumulative response spectrum (CRS)",
    "relevance": "Relevance",
    "sonify": "Sonification",
    "geometry": "Geometry of the weights",
}


def titles(page: str) -> list[str]:
    return [unescape(title) for title in re.findall(r"<h2>(.*?)</h2>", page)]


def sounds(page: str) -> dict[str, np.ndarray]:
    found = re.findall(r'aria-label="([^"]*)" src="data:audio/\w+;base64,([^"]*)"', page)
    return {unescape(label): soundfile.read(io.BytesIO(base64.b64decode(content)))[0] for label, content in found}


def test_every_result_has_its_section_and_source() -> None:
    page = inspection_report(results_of(SOUND), clip_of(SOUND), TAPS, {"model": "ear"}, notes=["a remark"])
    assert titles(page) == ["The sound", *TITLES.values(), "Inside the model"]
    for words in (
        "What ear hears in a.wav",
        "a remark",
        "mixed down from 2 channels",
        "spoof (3.21)",
        "Rule: gradient",
    ):
        assert words in page
    for source in ("Gupta and Abrol", "Muckenhirn", "Yadav", "Skretting and Engan", "Nie, Zhang and Patel"):
        assert source in page
    assert page.count("<img") == 2 + 1 + 1 + 2 * 4 + 3 + 1


@pytest.mark.parametrize("key", TITLES)
def test_absent_results_have_none(key: str) -> None:
    others = dict.fromkeys(TITLES)  # None is as good as absent
    page = inspection_report({**others, key: results_of(SOUND)[key]}, clip_of(SOUND), [], {})
    assert titles(page) == ["The sound", TITLES[key]]


def test_caution_stands_with_guided_relevance_but_not_with_the_plain_gradient() -> None:
    relevance = results_of(SOUND)["relevance"]
    for given, cautious in ((relevance["guided"], True), ([relevance["gradient"]], False)):
        page = inspection_report({"relevance": given}, clip_of(SOUND), [], {})
        assert ("partly recover the input signal" in page) is cautious


def test_sounds_are_the_recording_the_relevance_and_the_most_active_maps() -> None:
    players = sounds(inspection_report(results_of(SOUND), clip_of(SOUND), [], {}))
    assert list(players)[-3:] == ["conv1, map 9", "conv1, map 4", "conv1, map 7 (silent)"]
    assert len(players) == 1 + 2 + 3
    recording, relevance, *_ = players.values()
    np.testing.assert_allclose(recording, SOUND, atol=1e-4)
    # However small a gradient is, it is heard at the peak of the recording.
    np.testing.assert_allclose(relevance, SOUND, atol=1e-4)
    np.testing.assert_allclose(players["conv1, map 9"], SOUND / 2, atol=1e-4)


def test_silent_map_says_so() -> None:
    players = sounds(inspection_report({"sonify": results_of(SOUND)["sonify"]}, clip_of(SOUND), [], {}))
    assert not players["conv1, map 7 (silent)"].any()


def test_vanishing_bound_is_zero() -> None:
    page = inspection_report({"geometry": results_of(SOUND)["geometry"]}, clip_of(SOUND), [], {})
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(<td.*?)</tr>", page)]
    assert [row[:2] + row[-1:] for row in rows] == [["conv1", "0.25", "no"], ["conv2", "0", "yes"]]
    assert "the kernels do not span their space" in page


def test_taps_in_samples_milliseconds_and_hertz() -> None:
    page = inspection_report({}, clip_of(SOUND), TAPS, {})
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert table[0]["name"] == "conv1"
    assert [table[0][key] for key in ("kernel", "stride", "hop (samples)")] == ["30", "10", "10"]
    assert [table[0][key] for key in ("field (ms)", "rate (Hz)", "whole clip")] == ["3.75", "800", "–"]
    assert [table[1][key] for key in ("kernel", "hop (samples)", "rate (Hz)", "whole clip")] == ["–", "–", "–", "yes"]


def test_two_dimensional_kernel() -> None:
    page = inspection_report({}, clip_of(SOUND), [{**TAPS[0], "kernel": [3, 7]}], {})
    assert ">3 × 7<" in page


@pytest.mark.filterwarnings("error")
def test_silence() -> None:
    page = inspection_report(results_of(0 * SOUND), clip_of(0 * SOUND), TAPS, {})
    assert len(titles(page)) == 7
    assert "nan" not in re.sub(r'"data:[^"]*"|<style>.*?</style>', "", page, flags=re.DOTALL).lower()


def test_hostile_names() -> None:
    results = results_of(SOUND)
    results["sonify"] = {"<img src=x>": results["sonify"]["conv1"]}
    page = inspection_report(results, clip_of(SOUND, "<script>.wav"), [{**TAPS[0], "name": "<b>"}], {"<i>": "<u>"})
    assert not re.search(r"<script|<b>|<i>|<u>|<img src=x", page)
    assert "&lt;script&gt;.wav" in page


def test_pictures_leave_no_figure_open() -> None:
    import matplotlib.pyplot as plt

    before, settings = plt.get_fignums(), dict(plt.rcParams)
    inspection_report(results_of(SOUND), clip_of(SOUND), TAPS, {})
    assert plt.get_fignums() == before
    assert dict(plt.rcParams) == settings


def test_a_recording_makes_a_page_that_can_be_sent() -> None:
    root = os.environ.get("OTOSCOPE_DATA")
    if not root or not (path := Path(root, "fsdd/recordings/7_jackson_3.wav")).is_file():
        pytest.skip("OTOSCOPE_DATA does not lead to fsdd")
    from otoscope.audio import load_audio

    clip = load_audio(path)
    page = inspection_report(results_of(clip.values.astype(float)), clip, TAPS, {"model": "ear"})
    assert clip.attrs["sha256"] in page
    assert len(page) < 3_000_000
    np.testing.assert_allclose(next(iter(sounds(page).values())), clip.values, atol=1e-4)
