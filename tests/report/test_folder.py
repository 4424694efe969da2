"""The folder of an inspection: complete, the same numbers as the methods, and written whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import Tensor, nn

import otoscope.report.folder as folder_module
from otoscope import InputError, Scope
from otoscope import open as open_result
from otoscope.methods.catalogue import METHODS
from otoscope.report import write_report, write_results
from otoscope.report.gather import gather, sonified, spread
from otoscope.tables import finite, rows
from page_decoder import manifest_of

ASKED: dict[str, Any] = {"target": "b", "layer": ["1"], "n_maps": 2, "rule": "deconvnet"}
"""Of the inspection that several tests look at."""

pytestmark = pytest.mark.usefixtures("blank_pictures")


def small_scope() -> Scope:
    """Two blocks, quick to inspect."""
    torch.manual_seed(0)
    blocks = [nn.Conv1d(1, 4, 20, stride=5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 5, 5), nn.ReLU()]
    model = nn.Sequential(*blocks, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(5, 3))
    nn.init.uniform_(model[-1].weight)  # positive, so that the rules let something through
    return Scope(model, 8000, name="small", classes=["a", "b", "c"])


@pytest.fixture
def small() -> Scope:
    return small_scope()


def chord() -> Tensor:
    """0.2 s of two sines."""
    time = torch.arange(1600) / 8000
    return 0.4 * torch.sin(2 * torch.pi * 440 * time) + 0.2 * torch.sin(2 * torch.pi * 1500 * time)


@pytest.fixture
def wave() -> Tensor:
    return chord()


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an inspection of `small` and `wave`."""
    folder = tmp_path_factory.mktemp("inspected") / "out"
    small_scope().inspect(chord(), folder, **ASKED)
    return folder


def contents(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_it_holds_all_that_the_summary_names_and_nothing_else(inspected: Path, wave: Tensor) -> None:
    summary = json.loads((inspected / "summary.json").read_text())
    files = summary["otoscope_manifest"]["files"]
    assert contents(inspected.parent) == {"out", "out/summary.json", *(f"out/{name}" for name in files)}
    assert {Path(name).suffix for name in files} == {".html", ".nc", ".wav"}
    assert not any(name.startswith(".") for name in files)
    for path in inspected.glob("*.wav"):
        samples, rate = soundfile.read(path)
        assert rate == 8000 and len(samples) == 1600
        assert np.abs(samples).max() == pytest.approx(float(wave.abs().max()), abs=2 / 2**15)


def test_the_summary_says_what_was_done_to_the_sound(small: Scope, wave: Tensor, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", wave.repeat_interleave(2).numpy(), 16_000)
    summary = small.inspect(tmp_path / "a.wav", tmp_path / "out")
    assert "resampled from 16000 to 8000 Hz" in summary["notes"]


def test_the_summary_says_what_was_inspected(inspected: Path, small: Scope, wave: Tensor) -> None:
    summary = json.loads((inspected / "summary.json").read_text())
    assert list(summary) == [
        "model", "model_sha256", "subject", "audio", "audio_sha256", "sample_rate", "duration", "otoscope_version",
        "notes", "missing", "target", "score_kind", "logit", "probability", "runner_up", "runner_up_probability",
        "results", "taps", "otoscope_manifest",
    ]  # fmt: skip
    assert (summary["model"], summary["model_sha256"], summary["sample_rate"]) == ("small", small.digest, 8000)
    assert (summary["duration"], summary["target"]) == (0.2, "b")
    assert summary["logit"] == pytest.approx(float(small.output(wave)[0, 1]))
    assert summary["subject"]["classes"] == ["a", "b", "c"]
    assert [tap["name"] for tap in summary["taps"]] == list(small.taps())


def test_its_numbers_and_arrays_are_those_of_the_methods(inspected: Path, small: Scope, wave: Tensor) -> None:
    expected = {
        "relevance_deconvnet": small.relevance(wave, target="b", rule="deconvnet"),
        "relevance_gradient": small.relevance(wave, target="b", rule="gradient"),
        "voice": small.voice(wave, target="b"),
        "crs": small.crs(wave),
        "sonify_1": small.sonify(wave, layer="1", n_maps=2),
        "filters": small.filters(),
        "geometry": small.geometry(),
    }
    results = json.loads((inspected / "summary.json").read_text())["results"]
    assert results.keys() < {path.stem for path in inspected.glob("*.nc")}
    for name, result in expected.items():
        xr.testing.assert_equal(open_result(inspected / f"{name}.nc"), result)
        table = finite(rows(result, METHODS[result.attrs["method"]]))
        assert results.get(name, "a long table") == (table if len(table) <= 200 else "a long table")


def test_every_array_says_which_model_and_sound_it_is_of(inspected: Path) -> None:
    summary = json.loads((inspected / "summary.json").read_text())
    for path in inspected.glob("*.nc"):
        result = open_result(path)
        assert result.attrs["model_sha256"] == summary["model_sha256"]
        assert result.attrs["method"] in path.stem
        if METHODS[result.attrs["method"]].takes == "wave":
            assert result.attrs["audio_sha256"] == summary["audio_sha256"]


def test_progress_names_every_step(small: Scope, wave: Tensor, tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    small.inspect(wave, tmp_path / "out", progress=lambda *step: calls.append(step))
    assert [calls[0][0], calls[-1][0]] == ["relevance", "writing"]
    steps = dict.fromkeys(done for _, done, _ in calls)
    assert list(steps) == list(range(len(steps))) and {total for _, _, total in calls} == {len(steps)}
    assert {"control (12 of 12)", "taken away (100 of 100)"} <= {name for name, _, _ in calls}


def test_the_relevance_of_a_long_sound_is_not_tested_and_that_is_said(small: Scope, tmp_path: Path) -> None:
    summary = small.inspect(torch.rand(61 * small.sample_rate) - 0.5, tmp_path / "out")
    assert {"relevance", "relevance_guided"} & set(summary["results"]) and "control" not in summary["results"]
    assert not {"control", "taken_away"} & set(summary["missing"])
    (note,) = (note for note in summary["notes"] if "not tested" in note)
    assert "lasts 61 s" in note and "--start and --duration" in note
    assert (
        "Whether it may be believed was not tested: the sound lasts 61 s" in (tmp_path / "out/report.html").read_text()
    )


# -- What a folder may replace ----------------------------------------------------------------------------


def test_an_earlier_inspection_is_replaced(inspected: Path, small: Scope, wave: Tensor, tmp_path: Path) -> None:
    shutil.copytree(inspected, tmp_path / "out")
    summary = small.inspect(wave, tmp_path / "out", layer=["4"])
    assert contents(tmp_path / "out") == {"summary.json", *summary["otoscope_manifest"]["files"]}


def test_what_is_not_only_an_inspection_is_left_alone(
    inspected: Path, small: Scope, wave: Tensor, tmp_path: Path
) -> None:
    shutil.copytree(inspected, tmp_path / "out")
    (tmp_path / "out/my notes.txt").write_text("mine")
    held = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(InputError, match=r"out holds my notes\.txt, no part of an earlier result; choose a new"):
        small.inspect(wave, tmp_path / "out")
    assert held == {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}


# -- What fails leaves nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("gather", InputError("no")),
        ("save", RuntimeError("lightning struck")),
        ("inspection_summary", KeyboardInterrupt()),
    ],
)
def test_an_interrupted_inspection_leaves_nothing(
    step: str, error: BaseException, small: Scope, wave: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def struck(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(folder_module, step, struck)
    with pytest.raises(type(error)):
        small.inspect(wave, tmp_path / "new/deep/out")
    assert not contents(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "d"}, "unknown class 'd'; the classes are a, b, c"),
        ({"target": 3}, "unknown class 3"),
        ({"layer": ["relu7"]}, "no tap is named 'relu7'"),
        ({"rule": "guess"}, "unknown rule 'guess'"),
        ({"n_maps": 0}, "n_maps has to be 1 or more"),
    ],
)
def test_bad_options_are_refused_and_leave_nothing(
    options: dict[str, Any], message: str, small: Scope, wave: Tensor, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        small.inspect(wave, tmp_path / "out", **options)
    assert not contents(tmp_path)


def test_a_batch_is_refused(small: Scope, wave: Tensor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one clip at a time"):
        small.inspect(torch.stack([wave, wave]), tmp_path / "out")


def test_below_a_file_nothing_can_be_written(small: Scope, wave: Tensor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in ("file/out", "file/deep/out"):
        with pytest.raises(InputError, match=r"file is not a folder; choose another"):
            small.inspect(wave, tmp_path / out)
        with pytest.raises(InputError, match=r"file is not a folder; choose another"):
            write_results(tmp_path / out, {"crs": small.crs(wave)})
    assert contents(tmp_path) == {"file"}


# -- What does not apply ----------------------------------------------------------------------------------


def test_a_method_that_does_not_apply_is_a_note(wave: Tensor, tmp_path: Path) -> None:
    frames = Scope(nn.Sequential(nn.Conv1d(1, 4, 20, stride=5), nn.ReLU(), nn.Unflatten(1, (2, 2))), 8000)
    summary = frames.inspect(wave, tmp_path / "out")
    said = next(note for note in summary["notes"] if note.startswith("Not shown: the relevance (guided)"))
    what, _, why = said.partition(", since ")
    relevances = "the relevance (guided), the relevance (gradient)"
    assert what == f"Not shown: {relevances}, the autocorrelation, the voice, control, taken away"
    assert why.startswith("the model's")
    assert "target" not in summary and "sonify_1" in summary["results"]
    of_answers = {"relevance_guided", "relevance_gradient", "autocorrelation", "voice", "control", "taken_away"}
    assert set(summary["missing"]) == of_answers
    assert not any(name.startswith("relevance") for name in summary["results"])
    with pytest.raises(InputError, match="without one axis of classes"):
        frames.inspect(wave, tmp_path / "other", target=0)
    assert not (tmp_path / "other").exists()


def test_what_fails_is_named_and_the_rest_is_made(
    small: Scope, wave: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def struck(*args: Any, **options: Any) -> None:
        raise ZeroDivisionError("float division by zero")

    for place in (
        "report.gather.data_flow",
        "report.gather.sonify",
        "app.sound_page.first_entry",
        "report.summary.rows",
    ):
        monkeypatch.setattr(f"otoscope.{place}", struck)
    summary = small.inspect(wave, tmp_path / "out")
    reason = "it failed (ZeroDivisionError: float division by zero)"
    assert set(summary["missing"].values()) == {reason}
    names = set(summary["missing"])
    shown = {"data_flow", "first layer on the page"}
    assert shown | {"table of crs"} < names and any(name.startswith("sonify_") for name in names)
    run = manifest_of(tmp_path / "out/report.html")["runs"][0]
    said = {one["what"]: one["why"] for one in run["missing"]}
    assert shown < said.keys() and set(said.values()) == {reason}
    assert run["relevance"] and run["first"] is None and run["geometry"]
    files = {path.stem for path in (tmp_path / "out").glob("*.nc")}
    assert {"crs", "strs", "geometry", "relevance_guided"} < files and "data_flow" not in files


def test_a_trace_that_fails_does_not_lose_the_rest(
    small: Scope, wave: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scope, "taps", lambda scope, wave=None: 1 / 0)
    summary = small.inspect(wave, tmp_path / "out")
    assert "taps" in summary["missing"] and summary["taps"] == []
    assert "relevance_guided" in summary["results"] and "crs" not in summary["missing"]


def test_notes_tell_of_lengths_and_of_random_weights(clip: Tensor) -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 20), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 981, 2))
    model.input_length, model.weights_source = 1000, None
    scope = Scope(model, 8000)
    notes = [gather(scope, clip[:length]).notes for length in (400, 1000, 1600)]
    assert all("random" in one[0] for one in notes)
    assert "filled up with zeros" in notes[0][1] and "cut to that length" in notes[2][1]
    assert "but for the relevance, which runs along all of it" in notes[2][1]
    assert gather(scope, clip[:1600]).results["relevance"]["guided"].relevance.sizes["time"] == 1600
    assert not any("takes" in note for note in notes[1])


def test_silence_is_inspected_without_nan(small: Scope, tmp_path: Path) -> None:
    summary = small.inspect(torch.zeros(1600), tmp_path / "out")
    text = (tmp_path / "out/summary.json").read_text()
    assert "NaN" not in text and "Infinity" not in text
    assert "filters" in summary["results"] and "nothing to explain" in summary["missing"]["relevance_guided"]


def test_layers_to_sonify_are_the_ends_of_blocks(scope: Scope, clip: Tensor) -> None:
    trace = scope.taps(clip)
    assert spread(trace, 99) == [
        f"features.{name}" for name in (*(f"pool{n}" for n in range(1, 9)), "relu9", "relu10", "relu11")
    ]
    assert spread(trace) == ["features.pool1", "features.pool6", "features.relu11"]
    assert spread(trace, 1) == ["features.pool1"]


def test_a_layer_on_one_signal_stands_for_the_first_layer(clip: Tensor) -> None:
    model = nn.Sequential(nn.Conv1d(1, 1, 32, 2), nn.Conv1d(1, 4, 20), nn.ReLU(), nn.Conv1d(4, 2, 3), nn.ReLU())
    scope = Scope(model, 8000)
    for layer, first in ((None, "1"), ("3", "1"), ("0", "0"), (["4", "0"], "0")):
        found = gather(scope, clip, layer=layer)
        for name in ("strs", "crs", "filters", "frame_response", "f_vowel", "wigner"):
            assert json.loads(found.results[name].attrs["arguments"])["layer"] == first
        if layer:
            assert list(found.results["sonify"]) == ([layer] if isinstance(layer, str) else layer)
    assert float(gather(scope, clip).results["strs"].frequency.max()) == 2000


def test_a_layer_of_several_convolutions_is_sonified_one_by_one() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.banks = nn.ModuleList(nn.Conv1d(1, 2, width, padding=width // 2) for width in (9, 21))

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([bank(x) for bank in self.banks], 1).relu()

    taps = Scope(Branches(), 8000).taps()
    assert sonified(taps, ["banks", "relu", "banks.1"]) == ["banks.0", "banks.1", "relu"]
    with pytest.raises(InputError, match="no tap is named 'nowhere'"):
        sonified(taps, ["nowhere"])


# -- One file, or some results ----------------------------------------------------------------------------


def test_the_report_is_one_file(small: Scope, wave: Tensor, tmp_path: Path) -> None:
    path = small.report(wave, tmp_path / "report.html")
    assert "<html" in path.read_text(encoding="utf-8") and contents(tmp_path) == {"report.html"}


def test_the_report_needs_a_folder_and_a_name(small: Scope, wave: Tensor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing does not exist"):
        write_report(small, wave, tmp_path / "missing/report.html")
    with pytest.raises(InputError, match="is a folder; give the name of a file"):
        write_report(small, wave, tmp_path)


def test_results_are_written_as_arrays_pictures_and_sounds(small: Scope, wave: Tensor, tmp_path: Path) -> None:
    strs, relevance, sounds = small.strs(wave), small.relevance(wave), small.sonify(wave, layer="1")
    written = write_results(tmp_path / "out", {"strs": strs, "relevance": relevance, "sonify_a/b": sounds})
    assert set(written) == set((tmp_path / "out").iterdir())
    channel = int(sounds.channel[0])
    assert {path.name for path in written} == {
        "report.html", "strs.nc", "strs.png", "relevance.nc", "relevance.png", "relevance.wav",
        "sonify_a_b.nc", "sonify_a_b.png", f"sonify_a_b_channel{channel}.wav",
    }  # fmt: skip
    for path in (tmp_path / "out").glob("*.wav"):
        assert np.abs(soundfile.read(path)[0]).max() == pytest.approx(float(wave.abs().max()), abs=2 / 2**15)


def test_an_interrupted_picture_leaves_nothing(
    small: Scope, wave: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.figure import Figure

    def interrupted(self: Figure, path: Path, **options: Any) -> None:
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_results(tmp_path, {"strs": small.strs(wave)})
    assert not [path.name for path in tmp_path.iterdir() if path.suffix not in (".nc", ".html")]
