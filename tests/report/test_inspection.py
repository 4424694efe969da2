"""The report of one sound in one model: a section for each result, and none for what is absent."""

from __future__ import annotations

import base64
import io
import re
from html import escape, unescape
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import nn

from otoscope import InputError, Scope, load_audio
from otoscope.app.found import Found
from otoscope.report import inspection_report, taps_table
from otoscope.report.gather import gather
from otoscope.report.inspection import results_page
from otoscope.report.sections import parts

RATE = 8000
TAPS = [
    {"name": "conv1", "kind": "convolution", "channels": 16, "kernel": (30,), "stride": (10,), "dilation": (1,),
     "hop": 10.0, "receptive_field": 30, "whole": False},
    {"name": "attention", "kind": "activation", "channels": 8, "kernel": (), "stride": (), "dilation": (),
     "hop": float("nan"), "receptive_field": 8000, "whole": True},
]  # fmt: skip
TITLES = {
    "strs": "Short-time response spectra (STRS)",
    "crs": "Cumulative response spectrum (CRS)",
    "filters": "Filters of the first layer",
    "frame_response": "Response to one frame",
    "f_vowel": "Filters that fire most",
    "wigner": "Kernels in time and frequency (Wigner-Ville)",
    "geometry": "Geometry of the weights",
    "relevance": "Relevance",
    "voice": "Voice",
    "autocorrelation": "Periodicity",
    "sonify": "Sonification",
    "data_flow": "Data flow",
    "aliasing": "Aliasing",
}


def found_in(samples: np.ndarray) -> Found:
    """What is found about a sound in a small model."""
    torch.manual_seed(0)
    blocks = [nn.Conv1d(1, 4, 20, stride=5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 5, 5), nn.ReLU()]
    model = nn.Sequential(*blocks, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(5, 2))
    nn.init.uniform_(model[-1].weight)  # positive, so that the rules let something through
    attrs = {"sample_rate": RATE, "name": "a.wav", "sha256": "0" * 64, "note": "mixed down from 2 channels"}
    clip = xr.DataArray(samples.astype(np.float32), dims="time", attrs=attrs)
    return gather(Scope(model, RATE, name="ear", classes=["a", "b"]), clip, layer="1")


SOUND = 0.5 * np.sin(np.arange(2000) / 3)


@pytest.fixture(scope="module")
def found() -> Found:
    return found_in(SOUND)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pictures: their size is not what is tested here."""
    monkeypatch.setattr(parts, "_FULL", (4.8, 40.0))
    monkeypatch.setattr(parts, "_HALF", (3.4, 40.0))


def titles(page: str) -> list[str]:
    return [unescape(title) for title in re.findall(r"<h2>(.*?)</h2>", page)]


def sounds(page: str) -> dict[str, np.ndarray]:
    found = re.findall(r'aria-label="([^"]*)" src="data:audio/\w+;base64,([^"]*)"', page)
    return {unescape(label): soundfile.read(io.BytesIO(base64.b64decode(content)))[0] for label, content in found}


def test_every_result_has_its_section_source_and_sound(found: Found) -> None:
    import matplotlib.pyplot as plt

    before, settings = plt.get_fignums(), dict(plt.rcParams)
    page = inspection_report(found.results, found.clip, taps_table(found.taps), {"model": "ear"}, notes=["a remark"])
    assert (plt.get_fignums(), dict(plt.rcParams)) == (before, settings)
    assert list(found.results.keys() ^ TITLES.keys()) == []
    assert titles(page) == ["The sound", *TITLES.values(), "Inside the model"]
    for words in ("What ear hears in a.wav", "a remark", "mixed down from 2 channels", "Rule: gradient"):
        assert words in page
    for result in found.by_file().values():
        assert escape(result.attrs["source"]) in page
        assert f"{result.attrs['method']}(" in page
    players = sounds(page)
    recording, *relevances = list(players)[:3]
    assert [f"rule {rule}" in label for rule, label in zip(("guided", "gradient"), relevances, strict=True)] == [
        True
    ] * 2
    np.testing.assert_allclose(players.pop(recording), SOUND, atol=1e-4)
    for label in relevances:  # however small a gradient is, it is heard at the peak of the recording
        assert np.abs(players.pop(label)).max() == pytest.approx(np.abs(SOUND).max(), abs=1e-4)
    maps = found.results["sonify"]["1"].sonification
    assert list(players) == [f"1, map {int(one.channel)}{'' if one.any() else ' (silent)'}" for one in maps]
    for heard, one in zip(players.values(), maps, strict=True):
        np.testing.assert_allclose(heard, one, atol=1e-4)


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("key", TITLES)
def test_absent_results_have_none(found: Found, key: str) -> None:
    others = dict.fromkeys(TITLES)  # None is as good as absent
    page = inspection_report({**others, key: found.results[key]}, found.clip, [], {})
    assert titles(page) == ["The sound", TITLES[key]]


@pytest.mark.usefixtures("blank_pictures")
def test_a_page_of_results_has_their_sections_in_the_order_given(found: Found) -> None:
    page = results_page({name: found.results[name] for name in ("geometry", "crs")})
    assert titles(page) == [TITLES["geometry"], TITLES["crs"]] and "<h1>ear on a.wav</h1>" in page
    assert "<nav" in page and "<nav" not in results_page({"crs": found.results["crs"]})


def test_taps_in_samples_milliseconds_and_hertz(found: Found) -> None:
    page = inspection_report({}, found.clip, TAPS, {})
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert table[0]["name"] == "conv1"
    assert [table[0][key] for key in ("kernel", "stride", "hop (samples)")] == ["30", "10", "10"]
    assert [table[0][key] for key in ("receptive field (ms)", "rate (Hz)", "whole clip")] == ["3.75", "800", "–"]
    assert [table[1][key] for key in ("kernel", "hop (samples)", "rate (Hz)", "whole clip")] == ["–", "–", "–", "yes"]


def test_two_dimensional_kernel(found: Found) -> None:
    page = inspection_report({}, found.clip, [{**TAPS[0], "kernel": [3, 7]}], {})
    assert ">3 × 7<" in page


@pytest.mark.filterwarnings("error")
def test_silence_is_refused_by_a_part_that_was_asked_for() -> None:
    with pytest.raises(InputError, match=r"a\.wav is silence, in which there is nothing to explain"):
        found_in(0 * SOUND)


@pytest.mark.usefixtures("blank_pictures")
def test_hostile_names(found: Found) -> None:
    results = {"sonify": {"<img src=x>": found.results["sonify"]["1"]}}
    clip = found.clip.assign_attrs(name="<script>.wav")
    page = inspection_report(results, clip, [{**TAPS[0], "name": "<b>"}], {"<i>": "<u>"})
    assert not re.search(r"<script|<b>|<i>|<u>|<img src=x", page)
    assert "&lt;script&gt;.wav" in page


def test_a_recording_makes_a_page_that_can_be_sent(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # pictures of the true size
    clip = load_audio(data / "fsdd/recordings/7_jackson_3.wav")
    recorded = found_in(clip.values)
    shown = {name: recorded.results[name] for name in ("strs", "relevance", "sonify")}
    page = inspection_report(shown, clip, TAPS, {"model": "ear"})
    assert clip.attrs["sha256"] in page
    assert len(page) < 3_000_000
    np.testing.assert_allclose(next(iter(sounds(page).values())), clip.values, atol=1e-4)
