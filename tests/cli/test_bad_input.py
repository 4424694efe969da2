"""Sounds, models, weights and options that cannot be: one message that names them, and nothing is written."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from otoscope import Scope, load
from otoscope.cli import OWN, app
from otoscope.methods.listing import listing

Otoscope = Callable[..., Any]

# -- Sounds of all kinds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "rate", "subtype", "note"),
    [
        (8, 8000, "PCM_16", "mixed down from 8 channels"),
        (1, 96_000, "PCM_16", "resampled from 96000 to 8000 Hz"),
        (2, 44_100, "PCM_24", "mixed down from 2 channels; resampled from 44100 to 8000 Hz"),
    ],
)
def test_any_format_is_brought_to_the_model_and_noted(
    otoscope: Otoscope, small: str, tmp_path: Path, channels: int, rate: int, subtype: str, note: str
) -> None:
    time = np.arange(rate // 2) / rate
    samples = 0.5 * np.sin(2 * np.pi * 500 * time)[:, None].repeat(channels, 1)
    soundfile.write(tmp_path / "clip.wav", samples, rate, subtype=subtype)
    ran = otoscope("strs", small, tmp_path / "clip.wav", "--json")
    assert len(ran.json()["rows"]) == 800
    assert f"clip.wav: {note}" in ran.err
    assert f"clip.wav: {note}" in otoscope("crs", small, tmp_path / "clip.wav", "--json").err  # which reads by itself


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
    "too short": (lambda path: soundfile.write(path, np.full(10, 0.1), 8000), "short"),
    "corrupt": (lambda path: path.write_bytes(b"RIFF" + bytes(range(200))), "cannot read"),
    "text": (lambda path: path.write_text("not a sound"), "cannot read"),
    "truncated": (truncated, "truncated"),
}


@pytest.mark.parametrize(
    ("command", "kind"),  # the first layer alone, which crs needs, takes a short sound
    [
        (command, kind)
        for command in ("inspect", "relevance", "crs")
        for kind in BAD_SOUNDS
        if command + kind != "crstoo short"
    ],
)
def test_bad_sounds_are_refused_by_name(
    otoscope: Otoscope, small: str, tmp_path: Path, kind: str, command: str
) -> None:
    make, message = BAD_SOUNDS[kind]
    path = tmp_path / "bad.wav"
    make(path)
    ran = otoscope(command, small, path, "--out", tmp_path / "out", "--json")
    ran.expect_refusal(message)
    assert "bad.wav" in ran.err
    assert not (tmp_path / "out").exists()


# -- Options ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("relevance", "--target", "d"), "unknown class 'd'; the classes are a, b, c"),
        (("relevance", "--target", "3"), "unknown class 3: the model has 3 outputs"),
        (("sonify", "--layer", "relu7"), "no tap is named 'relu7'"),
        (("sonify", "--layer", "relu", "--channels", "4"), "unknown map 4: relu has 4 feature maps, 0 to 3"),
        (("sonify", "--layer", "relu", "--n-maps", "0"), "n_maps"),
        (("strs", "--layer", "relu"), "no layer is named 'relu'; the layers are conv"),
        (("strs", "--n-fft", "0"), "n_fft has to be 1 or more, not 0"),
        (("strs", "--hop", "0"), "hop"),
        (("frame-response", "--time", "9"), "9 s"),
        (("voice", "--segment-start", "5"), "not within the sound"),
        (("data-flow", "--layer", "conv7"), "no tap is named 'conv7'"),
        (("inspect", "--layer", "relu7"), "no tap is named 'relu7'"),
        (("inspect", "--target", "d"), "unknown class 'd'"),
        (("taps", "--device", "abacus"), "cannot compute on 'abacus'"),
        (("taps", "--device", "meta"), "try --device cpu"),
        (("taps", "--sample-rate", "0"), "1 or more, not 0"),
        (("taps", "--weights", "no.safetensors"), "no.safetensors"),
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


@pytest.mark.parametrize("command", ["inspect", "strs"])
def test_nothing_can_be_written_below_a_file(otoscope: Otoscope, small: str, tone: Path, command: str) -> None:
    before = tone.read_bytes()
    otoscope(command, small, tone, "--out", tone / "out", "--json").expect_refusal("tone.wav")
    assert tone.read_bytes() == before


# -- Models -----------------------------------------------------------------------------------------------


def test_frames_of_an_output_are_explained_where_the_rate_is_known(otoscope: Otoscope, small: str, tone: Path) -> None:
    frames = small.replace(":Small", ":frames")
    ran = otoscope("relevance", frames, tone, "--sample-rate", 8000, "--json")
    assert ran.json()["subject"]["time_axis"] == 2
    ran = otoscope("relevance", frames, tone, "--sample-rate", 8000, "--at", 99)
    ran.expect_refusal("is outside of the output")
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
    assert [row["layer"] for row in from_file["rows"]] == ["conv"]
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
    assert trained["rows"][0]["B"] == pytest.approx(float(Scope(other).geometry().B[0]))
    assert trained["rows"] != otoscope("geometry", small, "--json").json()["rows"]


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


# -- Data sets --------------------------------------------------------------------------------------------


def test_bad_data_sets_are_refused(otoscope: Otoscope, small: str, tmp_path: Path) -> None:
    command = ("coherence", small)
    (tmp_path / "empty").mkdir()
    otoscope(*command, tmp_path / "empty").expect_refusal("empty")
    otoscope(*command, tmp_path / "none").expect_refusal("none")
    (tmp_path / "set").mkdir()
    soundfile.write(tmp_path / "set" / "a.wav", np.zeros(2000), 8000)
    (tmp_path / "set" / "broken.wav").write_bytes(b"RIFF")
    otoscope(*command, tmp_path / "set").expect_refusal("broken.wav")


def test_labels_that_are_not_classes_are_refused_or_replaced_by_the_models_own_answers(
    otoscope: Otoscope, small: str, tmp_path: Path
) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "set" / name).mkdir(parents=True)
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, 2000)
        soundfile.write(tmp_path / "set" / name / "1.wav", noise, 8000)
    command = ("residual-study", small, tmp_path / "set", "--layer", "relu", "--resamples", 20)
    otoscope(*command).expect_refusal("'cat'")
    assert len(otoscope(*command, "--own-answers", "--json").json()["rows"]) == 1


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
    (found,) = ran.json()["rows"]
    assert note in ran.err
    scope = Scope(load("inc-tssdnet", weights=published))
    assert found["class_name"] == "spoof"
    assert found["logit"] == pytest.approx(float(scope.output(path)[0, 1]), abs=1e-5)
    assert 0 < found["peak_frequency"] < 8000 and 0 <= found["peak_time"] < 6


def test_geometry_of_the_published_weights(otoscope: Otoscope, published: Path) -> None:
    rows = otoscope("geometry", "inc-tssdnet", "--weights", published, "--json").json()["rows"]
    assert [round(row["B"], 4) for row in rows] == [4.5024, 3.0179, 3.7923, 8.8337, 12.5639]


def test_what_is_not_defined_is_null(otoscope: Otoscope, tmp_path: Path) -> None:
    """The coherence of a single kernel, which has no other."""
    (tmp_path / "lone.py").write_text("from torch import nn\ndef lone():\n    return nn.Conv1d(1, 1, 3)\n")
    ran = otoscope("geometry", f"{tmp_path / 'lone.py'}:lone", "--sample-rate", 8000, "--json")
    (row,) = ran.json()["rows"]
    assert row["mu"] is None and row["B"] == pytest.approx(1)


# -- Arguments missing or too many -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("geometry",), "MODEL is required"),
        (("strs", "vowel-name", "a.wav", "b.wav"), "too many arguments: b.wav"),
        (
            ("strs", "vowel-name", "a.wav", "--channel", "0", "--channel", "1"),
            "--channel takes one value, and is given",
        ),
        (("query", "run", "top", "--k", "1", "--k=2"), "--k takes one value, and is given several times: give it once"),
        (("relevance", "vowel-name", "--target"), "--target requires an argument"),
    ],
)
def test_arguments_missing_or_too_many_are_named(otoscope: Otoscope, arguments: tuple[str, ...], message: str) -> None:
    ran = otoscope(*arguments)
    assert ran.code == 2 and message in ran.err


def test_training_without_its_extra_says_how_to_get_it(otoscope: Otoscope, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pydantic", "otoscope.training.recipe", "otoscope.cli.train"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "pydantic", None)
    ran = otoscope("train", "laptop/vowels", "--dry-run")
    assert ran.code == 1 and ran.err.strip() == "error: training needs pydantic: pip install otoscope[train]"


# -- Numbers ----------------------------------------------------------------------------------------------


def types_in(hint: Any) -> set[Any]:
    return {hint}.union(*map(types_in, get_args(hint)))


@pytest.mark.parametrize("name", [*(one for names in OWN.values() for one in names), *listing()])
def test_no_option_rounds_to_a_whole_number(name: str) -> None:
    arguments = app[name.replace("_", "-")].assemble_argument_collection() if name not in ("models", "data") else []
    assert not [one.name for one in arguments if int in types_in(one.hint)]


@pytest.mark.parametrize(
    "options",
    [("--channel", "0.4"), ("--sample-rate", "8000.4"), ("--target", "0", "--steps", "2.7"), ("--batch-size", "1e1")],
)
def test_whole_numbers_are_whole(otoscope: Otoscope, small: str, tone: Path, options: tuple[str, ...]) -> None:
    otoscope("relevance", small, tone, *options).expect_usage(options[-1])


def test_a_part_is_one_of_a_sound(otoscope: Otoscope, small: str) -> None:
    otoscope("taps", small, "--start", "1").expect_usage("AUDIO")
