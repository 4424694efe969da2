"""The command line: one JSON object or a table on standard output, all else on standard error, and exit codes."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import nn

from otoscope import Scope, __version__, load, load_audio, models
from otoscope.cli import common

Otoscope = Callable[..., Any]  # runs the command line and tells its exit code and streams


# -- Streams and exit codes, in processes of their own ----------------------------------------------------


def test_importing_the_library_loads_nothing_heavy(process: Otoscope) -> None:
    heavy = "matplotlib scipy.signal captum transformers parselmouth lightning ray gradio duckdb sklearn"
    ran = process("-c", f"import sys, otoscope; print([name for name in {heavy.split()!r} if name in sys.modules])")
    assert (ran.code, ran.out) == (0, "[]\n"), ran.err


def test_a_process_prints_json_alone_and_its_progress_elsewhere(
    process: Otoscope, small: str, tone: Path, tmp_path: Path
) -> None:
    ran = process("-m", "otoscope", "inspect", small, tone, "--out", tmp_path / "out", "--json")
    assert ran.json()["otoscope_manifest"]["files"]
    assert "report.html" in ran.err


def test_a_process_that_is_given_bad_input_exits_with_1(process: Otoscope, tmp_path: Path) -> None:
    process("-m", "otoscope", "strs", "cnn12", tmp_path / "no.wav", "--json").expect_refusal("no such audio file")


@pytest.mark.parametrize(
    "arguments", [(), ("taps",), ("look", "cnn12"), ("taps", "cnn12", "--colour"), ("strs", "cnn12", "a", "--hop", "x")]
)
def test_wrong_usage_exits_with_2(otoscope: Otoscope, arguments: tuple[str, ...]) -> None:
    assert otoscope(*arguments).code == 2


def test_version_and_help_exit_with_0(otoscope: Otoscope) -> None:
    assert otoscope("--version") == (0, f"otoscope {__version__}\n", "")
    assert otoscope("--help").code == 0


def test_an_interruption_exits_with_a_code_of_its_own(otoscope: Otoscope, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("otoscope.cli.taps.make_scope", interrupted)
    assert otoscope("taps", "cnn12").code not in (0, 1, 2)


@pytest.mark.parametrize(
    "error", [MemoryError("Unable to allocate 5 TiB"), RuntimeError("[enforce fail] can't allocate memory: you tried")]
)
def test_too_little_memory_is_bad_input(
    otoscope: Otoscope, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def too_much(*_: Any) -> None:
        raise error

    monkeypatch.setattr("otoscope.cli.taps.make_scope", too_much)
    otoscope("taps", "cnn12", "--json").expect_refusal("not enough memory")


# -- Commands give the numbers of Python ------------------------------------------------------------------


def test_taps(otoscope: Otoscope, small: str, small_scope: Scope, tone: Path) -> None:
    for arguments in ((), (tone,)):
        found = otoscope("taps", small, *arguments, "--json").json()
        assert (found["model"], found["sample_rate"]) == ("Small", 8000)
        assert [tap["name"] for tap in found["taps"]] == ["conv", "relu"]
        assert found["taps"][0]["kernel"] == [20] and found["taps"][1]["hop"] == 5
        tap = small_scope.taps()["conv"]
        assert found["taps"][0]["receptive_field_seconds"] == tap.receptive_field / 8000


def test_taps_are_written_as_they_are_printed(otoscope: Otoscope, small: str, tmp_path: Path) -> None:
    printed = otoscope("taps", small, "--json", "--out", str(tmp_path / "new")).json()
    assert json.loads((tmp_path / "new" / "taps.json").read_text()) == printed
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["taps.json"]


def test_demo_tells_where_each_model_listens(otoscope: Otoscope, tmp_path: Path) -> None:
    found = otoscope("demo", "--json", "--out", str(tmp_path / "demo")).json()
    assert {row["model"] for row in found["models"]} == {"vowel-name", "vowel-register"}
    assert Path(found["report"]).is_file()
    assert found["f0"] < found["formants"][0] < found["formants"][1]


def test_strs(otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path) -> None:
    options = ("--n-fft", 256, "--hop", 20, "--alignment", "start", "--layer", "conv", "--out", tmp_path / "out")
    found = otoscope("strs", small, tone, *options, "--json").json()
    wave = load_audio(tone)
    crs = small_scope.crs(wave, n_fft=256, hop=20, alignment="start")
    assert found["crs"] == crs.values.tolist() and found["frequency"] == crs.frequency.values.tolist()
    assert found["frames"] == 200
    heard = crs.values * (crs.frequency.values >= 50)
    assert found["peak_frequency"] == crs.frequency.values[heard.argmax()]
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"strs.nc", "strs.png", "crs.nc", "crs.png", "report.html"}
    with xr.open_dataset(tmp_path / "out/strs.nc") as loaded:
        np.testing.assert_array_equal(loaded.strs, small_scope.strs(wave, n_fft=256, hop=20, alignment="start"))


def test_relevance(otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    found = otoscope("relevance", small, tone, "--target", "b", "--rule", "gradient", *out, "--json").json()
    result = small_scope.relevance(load_audio(tone), "b", "gradient")
    assert (found["target"], found["rule"], found["logit"]) == ("b", "gradient", float(result.logit))
    assert found["mean_spectrum"] == result.spectrogram.mean("frame_time").values.tolist()
    assert found["peak_time"] == result.time.values[np.abs(result.signal.values).argmax()]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "relevance.nc", "relevance.png", "relevance.wav", "report.html",
    }  # fmt: skip
    assert np.abs(soundfile.read(tmp_path / "out/relevance.wav")[0]).max() > 0.5


def test_sonify(otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path) -> None:
    options = ("--layer", "relu", "--channel", 3, "--channel", 1)
    found = otoscope("sonify", small, tone, *options, "--out", tmp_path / "out", "--json").json()
    result = small_scope.sonify(load_audio(tone), "relu", [3, 1])
    assert found["layer"] == "relu"
    assert [row["channel"] for row in found["maps"]] == [3, 1]
    assert [row["activity"] for row in found["maps"]] == result.activity.values.tolist()
    assert [row["peak_time"] for row in found["maps"]] == result.peak_time.values.tolist()
    sounds = sorted(path.name for path in (tmp_path / "out").glob("*.wav"))
    assert sounds == ["sonification_relu_channel1.wav", "sonification_relu_channel3.wav"]


@pytest.mark.parametrize(
    ("options", "channels"),
    [(("--channel", "all"), [0, 1, 2, 3]), (("--channel", "layer"), ["layer"]), (("--top", 4, "--peak"), None)],
)
def test_sonify_channels(
    otoscope: Otoscope, small: str, tone: Path, options: tuple[object, ...], channels: list[Any] | None
) -> None:
    found = otoscope("sonify", small, tone, "--layer", "relu", *options, "--json").json()
    numbers = [row["channel"] for row in found["maps"]]
    assert numbers == channels if channels else sorted(numbers) == [0, 1, 2, 3]


def test_geometry_of_the_published_weights(otoscope: Otoscope, published: Path) -> None:
    rows = otoscope("geometry", "inc-tssdnet", "--weights", published, "--json").json()["layers"]
    assert [round(row["B"], 4) for row in rows] == [4.5024, 3.0179, 3.7923, 8.8337, 12.5639]
    measures = {"A", "B", "beta_min", "beta_avg", "beta_mse", "mu", "mu_avg", "mu_mse"}
    assert all(measures | {"layer", "skip"} <= row.keys() for row in rows)


def test_geometry_of_one_atom_is_null_where_there_is_no_pair(otoscope: Otoscope, tmp_path: Path) -> None:
    (tmp_path / "lone.py").write_text("from torch import nn\ndef lone():\n    return nn.Conv1d(1, 1, 3)\n")
    ran = otoscope("geometry", f"{tmp_path / 'lone.py'}:lone", "--sample-rate", 8000, "--json")
    (row,) = ran.json()["layers"]
    assert row["mu"] is None and row["B"] == pytest.approx(1)


def test_models(otoscope: Otoscope) -> None:
    assert otoscope("models", "--json").json() == {"models": models.available()}


@pytest.mark.parametrize("command", ["taps", "strs", "relevance", "sonify", "geometry", "models"])
def test_without_json_a_table_is_printed(otoscope: Otoscope, small: str, tone: Path, command: str) -> None:
    options = {"models": (), "geometry": (small,), "sonify": (small, tone, "--layer", "relu")}
    ran = otoscope(command, *options.get(command, (small, tone)))
    assert ran.code == 0 and len(ran.out.splitlines()) > 3


@pytest.mark.parametrize(
    "arguments", [("taps", "res-tssdnet"), ("geometry", "cnn12"), ("flow", "res-tssdnet", "tone"), ("models",)]
)
def test_tables_fit_into_80_columns_and_cut_nothing(
    otoscope: Otoscope, monkeypatch: pytest.MonkeyPatch, tone: Path, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(common.out_console, "width", 80)
    ran = otoscope(*(tone if one == "tone" else one for one in arguments))
    lines = ran.out.splitlines()
    assert ran.code == 0 and "…" not in ran.out
    assert all(len(line.rstrip()) <= 80 for line in lines) and lines[1].rstrip().endswith("┓")


# -- Inspect ----------------------------------------------------------------------------------------------


def test_inspect_prints_its_summary(
    otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--layer", "relu", "--top", 2, "--target", 2, "--out", out)
    found = otoscope("inspect", small, tone, *options, "--json").json()
    assert json.loads((out / "summary.json").read_text()) == found
    assert {path.name for path in out.iterdir()} == {"summary.json", *found["otoscope_manifest"]["files"]}
    wave = load_audio(tone)
    relevance, sounds = small_scope.relevance(wave, "c"), small_scope.sonify(wave, "relu", top=2)
    assert (found["target"], found["logit"]) == ("c", float(relevance.logit))
    assert [row["activity"] for row in found["sonifications"]["relu"]] == sounds.activity.values.tolist()
    by_command = otoscope("relevance", small, tone, "--target", 2, "--json").json()
    assert {key: by_command[key] for key in found["relevance"]["guided"]} == found["relevance"]["guided"]
    assert found["geometry"] == otoscope("geometry", small, "--json").json()["layers"]
    assert found["taps"] == otoscope("taps", small, tone, "--json").json()["taps"]


def test_inspect_gives_each_of_several_sounds_its_folder(
    otoscope: Otoscope, small: str, tone: Path, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(tone)
    others = [tmp_path / "tone.flac", tmp_path / "b" / "other.wav", tmp_path / "b" / "tone.wav"]
    (tmp_path / "b").mkdir()
    for path in others:
        soundfile.write(path, samples[::-1], rate)
    ran = otoscope("inspect", small, tone, *others, "--out", tmp_path / "out", "--json", "--top", 1, "--layer", "relu")
    assert [one["audio"] for one in ran.json()["inspections"]] == ["tone.wav", "tone.flac", "other.wav", "tone.wav"]
    folders = {path.name: json.loads((path / "summary.json").read_text()) for path in (tmp_path / "out").iterdir()}
    assert {name: one["audio"] for name, one in folders.items()} == {
        "tone": "tone.wav", "tone-2": "tone.flac", "other": "other.wav", "tone-3": "tone.wav"
    }  # fmt: skip


def test_inspect_leaves_other_folders_alone(otoscope: Otoscope, small: str, tone: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("mine")
    otoscope("inspect", small, tone, "--out", tmp_path / "mine").expect_refusal("choose a new or empty folder")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("command", ["inspect", "strs"])
def test_an_empty_name_is_not_the_present_folder(
    otoscope: Otoscope, small: str, tone: Path, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    ran = otoscope(command, small, tone, "--out=")
    assert ran.code == 2 and "'--out': the name of the folder is empty" in ran.err
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize("command", ["inspect", "strs"])
def test_below_a_file_nothing_can_be_written(otoscope: Otoscope, small: str, tone: Path, command: str) -> None:
    before = tone.read_bytes()
    ran = otoscope(command, small, tone, "--out", tone / "out", "--json")
    ran.expect_refusal("tone.wav/out")
    assert tone.read_bytes() == before


def test_an_interrupted_inspect_leaves_nothing(
    otoscope: Otoscope, small: str, tone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("otoscope.report.folder.save", interrupted)
    assert otoscope("inspect", small, tone, "--out", tmp_path / "out").code not in (0, 1, 2)
    assert not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


# -- Recordings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "note"),
    [
        ("fsdd/recordings/0_george_0.wav", "resampled from 8000 to 16000 Hz"),
        ("esc10/*Dog*/*.ogg", "resampled from 44100 to 16000 Hz"),
    ],
)
def test_recordings_through_the_published_model(
    otoscope: Otoscope, data: Path, published: Path, pattern: str, note: str
) -> None:
    path = sorted(data.glob(pattern))[0]
    ran = otoscope("relevance", "inc-tssdnet", path, "--weights", published, "--target", "spoof", "--json")
    found = ran.json()
    assert note in ran.err
    scope = Scope(load("inc-tssdnet", weights=published))
    logit = float(scope.output(load_audio(path, sample_rate=16_000))[0, 1])
    assert found["target"] == "spoof" and found["logit"] == pytest.approx(logit, abs=1e-5)
    assert 0 < found["peak_frequency"] < 8000 and 0 <= found["peak_time"] < 6


# -- Sounds of all kinds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "rate", "subtype", "note"),
    [
        (8, 8000, "PCM_16", "mixed down from 8 channels"),
        (1, 96_000, "PCM_16", "resampled from 96000 to 8000 Hz"),
        (2, 44_100, "PCM_24", "mixed down from 2 channels; resampled from 44100 to 8000 Hz"),
    ],
)
def test_any_format_is_brought_to_the_model_and_said(
    otoscope: Otoscope, small: str, tmp_path: Path, channels: int, rate: int, subtype: str, note: str
) -> None:
    time = np.arange(rate // 2) / rate
    samples = 0.5 * np.sin(2 * np.pi * 500 * time)[:, None].repeat(channels, 1)
    soundfile.write(tmp_path / "clip.wav", samples, rate, subtype=subtype)
    ran = otoscope("strs", small, tmp_path / "clip.wav", "--json")
    assert ran.json()["frames"] == 800
    assert f"clip.wav: {note}" in ran.err


def truncated(path: Path) -> None:
    soundfile.write(path, np.zeros(4000), 8000)
    path.write_bytes(path.read_bytes()[:3000])


def header_only(path: Path) -> None:
    soundfile.write(path, np.zeros(0), 8000)


def not_finite(value: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        samples = np.zeros(4000)
        samples[100] = value
        soundfile.write(path, samples, 8000, subtype="FLOAT")

    return write


BAD_SOUNDS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: None, "no such audio file"),
    "empty": (lambda path: path.touch(), "is empty (0 bytes)"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "zero length": (header_only, "holds no samples"),
    "nan": (not_finite(np.nan), "NaN or infinite samples, the first at 0.013 s"),
    "infinite": (not_finite(np.inf), "NaN or infinite samples"),
    "too short": (lambda path: soundfile.write(path, np.zeros(10), 8000), "short"),
    "corrupt": (lambda path: path.write_bytes(b"RIFF" + bytes(range(200))), "cannot read"),
    "text": (lambda path: path.write_text("not a sound"), "cannot read"),
    "truncated": (truncated, "truncated"),
}


@pytest.mark.parametrize("kind", BAD_SOUNDS)
def test_bad_sounds_are_refused_by_name(otoscope: Otoscope, small: str, tmp_path: Path, kind: str) -> None:
    make, message = BAD_SOUNDS[kind]
    path = tmp_path / "bad.wav"
    make(path)
    ran = otoscope("inspect", small, path, "--out", tmp_path / "out", "--json")
    ran.expect_refusal(message)
    assert "bad.wav" in ran.err
    assert not (tmp_path / "out").exists()


# -- Options and models that cannot be --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("relevance", "--target", "d"), "unknown class 'd'; the classes are a, b, c"),
        (("relevance", "--target", "3"), "unknown class 3: the model has 3 outputs"),
        (("relevance", "--rule", "guess"), "unknown rule 'guess'"),
        (("sonify", "--layer", "relu7"), "no tap is named 'relu7'"),
        (("sonify", "--layer", "relu", "--channel", "4"), "unknown map 4: relu has 4 feature maps, 0 to 3"),
        (("sonify", "--layer", "relu", "--channel", "loud"), "--channel takes map numbers"),
        (("sonify", "--layer", "relu", "--top", "0"), "n_maps has to be 1 or more"),
        (("strs", "--layer", "relu"), "no layer is named 'relu'; the layers are conv"),
        (("strs", "--n-fft", "8"), "n_fft is 8"),
        (("strs", "--hop", "0"), "hop"),
        (("strs", "--alignment", "end"), "alignment must be"),
        (("inspect", "--rule", "guess"), "unknown rule 'guess'"),
        (("inspect", "--layer", "relu7"), "no tap is named 'relu7'"),
        (("inspect", "--target", "d"), "unknown class 'd'"),
        (("taps", "--device", "abacus"), "cannot compute on 'abacus'"),
        (("taps", "--weights", "no.safetensors"), "weights file no.safetensors does not exist"),
    ],
)
def test_bad_options_are_refused(
    otoscope: Otoscope,
    small: str,
    tone: Path,
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tone.parent)
    command, *options = arguments
    otoscope(command, small, tone, *options, "--json").expect_refusal(message)
    assert {path.name for path in tone.parent.iterdir()} <= {"mine.py", "tone.wav", "__pycache__"}


def test_an_output_without_class_axis_is_refused(otoscope: Otoscope, small: str, tone: Path) -> None:
    frames = small.replace(":Small", ":frames")
    ran = otoscope("relevance", frames, tone, "--sample-rate", 8000, "--json")
    ran.expect_refusal("without one axis of classes")
    otoscope("relevance", frames, tone).expect_refusal("give --sample-rate")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("cnn13", "did you mean cnn12"),
        ("hear-all", "no model is called 'hear-all'"),
        ("no_such_package.models:build", "no_such_package"),
        ("missing.py:Model", "missing.py does not exist"),
    ],
)
def test_unknown_models_are_refused(otoscope: Otoscope, model: str, message: str) -> None:
    otoscope("taps", model, "--json").expect_refusal(message)


def test_models_come_from_files_and_from_packages(otoscope: Otoscope, small: str) -> None:
    from_file = otoscope("geometry", small, "--json").json()
    from_package = otoscope("geometry", "otoscope.models.tssdnet:ResTSSDNet", "--json").json()
    assert [row["layer"] for row in from_file["layers"]] == ["conv"]
    assert from_package["model"] == "res-tssdnet"


# -- Weights ----------------------------------------------------------------------------------------------


def test_a_checkpoint_of_another_architecture_is_refused(otoscope: Otoscope, published: Path) -> None:
    ran = otoscope("geometry", "res-tssdnet", "--weights", published, "--json")
    ran.expect_refusal("checkpoint of another architecture")
    assert "RSM1.conv1.weight" in ran.err and "DCM1.cv1.weight" in ran.err


def test_weights_of_the_users_model_are_loaded(otoscope: Otoscope, small: str, tmp_path: Path) -> None:
    other = load(small)
    nn.init.normal_(other.conv.weight)
    torch.save(other.state_dict(), tmp_path / "trained.pt")
    trained = otoscope("geometry", small, "--weights", tmp_path / "trained.pt", "--json").json()
    assert trained["layers"][0]["B"] == pytest.approx(float(Scope(other).geometry().B[0]))
    assert trained["layers"] != otoscope("geometry", small, "--json").json()["layers"]


class Hostile:
    """Runs a command where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.marker),)


def test_a_hostile_pickle_is_refused_and_nothing_of_it_runs(otoscope: Otoscope, tmp_path: Path) -> None:
    torch.save({"conv1.weight": Hostile(tmp_path / "it ran")}, tmp_path / "evil.pth")
    ran = otoscope("geometry", "inc-tssdnet", "--weights", tmp_path / "evil.pth", "--json")
    ran.expect_refusal("was refused")
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"not weights", "evil"), (struct.pack("<Q", 2**40) + b"{}", "evil")],
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_damaged_weights_are_refused(
    otoscope: Otoscope, tmp_path: Path, suffix: str, content: bytes, message: str
) -> None:
    (tmp_path / f"evil{suffix}").write_bytes(content)
    otoscope("geometry", "inc-tssdnet", "--weights", tmp_path / f"evil{suffix}", "--json").expect_refusal(message)
