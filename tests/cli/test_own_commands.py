"""Commands that are not methods and need no training or data: taps, models, demo, inspect, compare."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import otoscope as library
from otoscope import Scope, compare, load, models
from otoscope.cli.console import end_named
from page_decoder import manifest_of

pytestmark = pytest.mark.usefixtures("blank_pictures")  # what matters here is that they are written

Otoscope = Callable[..., Any]

# -- taps, models, demo -----------------------------------------------------------------------------------


def test_taps(otoscope: Otoscope, small: str, small_scope: Scope, tone: Path) -> None:
    for arguments in ((), (tone,)):
        found = otoscope("taps", small, *arguments, "--json").json()
        assert found["model"] == "Small" and found["model_sha256"] == small_scope.digest
        assert [tap["name"] for tap in found["taps"]] == ["conv", "relu"]
        assert found["taps"][0]["kernel"] == [20] and found["taps"][1]["hop"] == 5
        assert found["taps"][0]["receptive_field_seconds"] == small_scope.taps()["conv"].receptive_field / 8000


def test_taps_print_what_the_model_takes_and_answers_first(otoscope: Otoscope) -> None:
    found = otoscope("taps", "fsdd-digit", "--json").json()["subject"]
    assert (found["sample_rate"], found["trained_length"], found["scores"]) == (8000, 6400, "logits")
    shown = " ".join(otoscope("taps", "fsdd-digit").out.replace("│", " ").split())
    first, _, rest = shown.partition("Taps; hop and receptive field in samples")
    for fact in ("sample rate 8000", "trained length 6400", "scores logits", "classes 10: 0, 1, 2"):
        assert fact in first
    assert rest


def test_taps_note_what_was_done_to_the_sound(otoscope: Otoscope, tone: Path) -> None:
    assert otoscope("taps", "fsdd-digit", "--json").json()["notes"] == []
    (note,) = otoscope("taps", "fsdd-digit", tone, "--json").json()["notes"]
    assert "was trained on 6400 samples" in note
    (note,) = otoscope("taps", "cnn12", "--json").json()["notes"]
    assert note.startswith("The weights of cnn12 are random")


def test_taps_are_written_as_they_are_printed(otoscope: Otoscope, small: str, tmp_path: Path) -> None:
    printed = otoscope("taps", small, "--json", "--out", tmp_path / "new").json()
    assert json.loads((tmp_path / "new" / "taps.json").read_text()) == printed
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["taps.json"]


def test_taps_are_proved(otoscope: Otoscope, small: str, tone: Path, tmp_path: Path) -> None:
    for arguments in ((), (tone,), ("--device", "cpu", "--sample-rate", "8000", "--output", "0")):
        checks = otoscope("taps", small, *arguments, "--verify", "--json").json()["checks"]
        assert [check["tap"] for check in checks] == ["", *["conv"] * 5, *["relu"] * 5]
        assert all(check["passed"] for check in checks)
    ran = otoscope("taps", small, "--verify", "--out", tmp_path / "new")
    assert ran.code == 0 and "11 passed, 0 FAILED, 0 not known" in ran.out
    assert sum("gradient" in line and "passed" in line for line in ran.out.splitlines()) == 2
    assert json.loads((tmp_path / "new" / "taps.json").read_text())["checks"] == checks
    assert "checks" not in otoscope("taps", small, "--json").json()


def test_taps_are_proved_on_a_part_of_a_long_sound(otoscope: Otoscope, small: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", 0.1 * np.random.default_rng(0).standard_normal(80 * 8000), 8000)
    checks = otoscope("taps", small, tmp_path / "long.wav", "--verify", "--json").json()["checks"]
    [axis] = [check for check in checks if check["tap"] == "conv" and check["check"] == "axis"]
    assert axis["details"] == "axis 2 grows by 1728 for 8640 samples more"  # of 16,000


def test_taps_of_a_random_model_are_not_proved(otoscope: Otoscope, tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text(
        "import torch\nfrom torch import nn\n\n\n"
        "class Dropping(nn.Module):\n    sample_rate = 8000\n\n"
        "    def __init__(self):\n        super().__init__()\n        self.conv = nn.Conv1d(1, 4, 20, stride=5)\n\n"
        "    def forward(self, x):\n        h = nn.functional.dropout(self.conv(x).relu(), 0.3)\n"
        "        return h.mean(-1)\n"
    )
    for option in ("--json", "--quiet"):
        ran = otoscope("taps", f"{tmp_path / 'random.py'}:Dropping", "--verify", option)
        assert ran.code == 1 and "its forward is random" in ran.err and "failed: the model: repeat" in ran.err
        assert "repeat" in ran.out  # all the lines are printed, also of those that passed
    assert ran.out.count("passed") >= 8


def test_models(otoscope: Otoscope) -> None:
    assert otoscope("models", "--json").json() == {"models": models.available()}
    assert all(name in otoscope("models").out for name in models.available())


@pytest.mark.parametrize("arguments", [("taps", "res-tssdnet"), ("models",), ("geometry", "cnn12"), ("data",)])
def test_tables_fit_into_80_columns_and_cut_nothing(
    otoscope: Otoscope, narrow: None, arguments: tuple[str, ...]
) -> None:
    ran = otoscope(*arguments)
    assert ran.code == 0 and "…" not in ran.out
    assert all(len(line.rstrip()) <= 80 for line in ran.out.splitlines())


def test_demo_shows_where_each_model_listens(otoscope: Otoscope, tmp_path: Path) -> None:
    found = otoscope("demo", "--json", "--out", tmp_path / "demo").json()
    assert {row["model"] for row in found["models"]} == {"vowel-name", "vowel-register"}
    assert Path(found["report"]).is_file()
    assert found["f0"] < found["formants"][0] < found["formants"][1]


# -- inspect ----------------------------------------------------------------------------------------------


def test_inspect_prints_its_summary(
    otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--layer", "relu", "--n-maps", 2, "--target", 2, "--out", out)
    found = otoscope("inspect", small, tone, *options, "--json").json()
    assert json.loads((out / "summary.json").read_text()) == found
    assert {path.name for path in out.iterdir()} == {"summary.json", *found["otoscope_manifest"]["files"]}
    relevance = small_scope.relevance(tone, target="c")
    assert (found["target"], found["logit"]) == ("c", float(relevance.logit))
    by_command = {
        "relevance_guided": otoscope("relevance", small, tone, "--target", 2, "--no-control", "--json"),
        "sonify_relu": otoscope("sonify", small, tone, "--layer", "relu", "--n-maps", 2, "--json"),
        "geometry": otoscope("geometry", small, "--json"),
    }
    for name, ran in by_command.items():
        rows = [row | {"class": row["class_name"]} if "class_name" in row else row for row in found["results"][name]]
        assert rows == ran.json()["rows"], name
    assert found["taps"] == otoscope("taps", small, tone, "--json").json()["taps"]


def test_inspect_gives_each_of_several_sounds_its_folder(
    otoscope: Otoscope, small: str, tone: Path, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(tone)
    others = [tmp_path / "tone.flac", tmp_path / "b" / "other.wav", tmp_path / "b" / "tone.wav"]
    (tmp_path / "b").mkdir()
    for path in others:
        soundfile.write(path, samples[::-1], rate)
    ran = otoscope(
        "inspect", small, tone, *others, "--out", tmp_path / "out", "--json", "--n-maps", 1, "--layer", "relu"
    )
    assert [one["audio"] for one in ran.json()["inspections"]] == ["tone.wav", "tone.flac", "other.wav", "tone.wav"]
    folders = {path.name: json.loads((path / "summary.json").read_text()) for path in (tmp_path / "out").iterdir()}
    assert {name: one["audio"] for name, one in folders.items()} == {
        "tone": "tone.wav", "tone-2": "tone.flac", "other": "other.wav", "tone-3": "tone.wav"
    }  # fmt: skip


def test_inspect_leaves_other_folders_alone(otoscope: Otoscope, small: str, tone: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("mine")
    otoscope("inspect", small, tone, "--out", tmp_path / "mine").expect_refusal("mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_inspect_shows_the_loss_and_warns_of_no_rule_that_does_not_need_it(
    otoscope: Otoscope, small: str, tone: Path, tmp_path: Path
) -> None:
    pytest.importorskip("captum")
    out = tmp_path / "out"
    summary = otoscope("inspect", small, tone, "--rule", "occlusion", "--out", out, "--json").json()
    assert {name for name in summary["results"] if name.startswith("relevance")} == {
        "relevance_occlusion", "relevance_gradient",
    }  # fmt: skip
    first, second = manifest_of(out / "report.html")["runs"][0]["relevance"][:2]
    assert (first["rule"], second["rule"]) == ("occlusion", "gradient")
    assert first["loss"]["over"] == "time" and any(first["loss"]["values"]) and "loss" not in second
    assert "caution" not in first and "caution" not in second


def test_inspect_with_a_rule_that_cannot_be_computed_is_refused(
    otoscope: Otoscope, small: str, tone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    ran = otoscope("inspect", small, tone, "--rule", "occlusion", "--out", tmp_path / "out")
    ran.expect_refusal("pip install otoscope[attribution]")
    assert not (tmp_path / "out").exists()


def test_inspect_notes_why_there_is_no_voice(
    otoscope: Otoscope, small: str, tone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    ran = otoscope("inspect", small, tone, "--out", tmp_path / "out", "--json")
    assert ran.code == 3 and "\nmissing: voice: " in ran.err
    found = json.loads(ran.out)
    assert "voice" not in found["results"] and "autocorrelation" in found["results"]
    assert list(found["missing"]) == ["voice"] and "otoscope[voice]" in found["missing"]["voice"]
    assert any(note.startswith("Not shown: the voice") and "otoscope[voice]" in note for note in found["notes"])
    otoscope("voice", small, tone).expect_refusal("pip install 'otoscope[voice]'")


@pytest.mark.parametrize(("memory", "size"), [("1.5GB", 1_500_000_000), ("800M", 800_000_000), ("12345678", 12345678)])
def test_inspect_takes_a_budget_of_memory(
    otoscope: Otoscope, small: str, tone: Path, tmp_path: Path, memory: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []
    monkeypatch.setattr("otoscope.report.gather._parts", lambda *args: [])
    monkeypatch.setattr("otoscope.report.gather.memory_budget", lambda size: asked.append(size) or nullcontext())
    otoscope("inspect", small, tone, "--memory", memory, "--out", tmp_path / "out", "--json").json()
    assert set(asked) == {size}
    otoscope("inspect", small, tone, "--memory", "much").expect_usage("1.5GB")


# -- compare ----------------------------------------------------------------------------------------------


def test_compare_gives_the_numbers_of_python(
    otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path
) -> None:
    options = ("--target-a", "a", "--target-b", "b", "--rule", "gradient", "--mark", "F1=440", "--layer", "relu")
    found = otoscope("compare", small, small, tone, *options, "--out", tmp_path / "out", "--json").json()
    result = compare([small_scope, small_scope], tone, target=["a", "b"], rule="gradient", layer="relu")
    assert [row["model"] for row in found["rows"]] == ["Small 1", "Small 2"]
    assert [row["target"] for row in found["rows"]] == ["a", "b"]
    for name in ("logit", "relevance_peak"):
        assert [row[name] for row in found["rows"]] == result[name].values.tolist()
    (pair,) = found["pairs"]
    for name in ("spectrum_cosine", "band_overlap", "band_rank_correlation", "crs_cosine"):
        assert pair[name] == float(result[name][0, 1])
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {"compare.nc", "compare.png", "report.html", "compare_Small 1.wav", "compare_Small 2.wav"}
    saved = library.open(tmp_path / "out/compare.nc")
    for name in result.data_vars:
        np.testing.assert_array_equal(saved[name], result[name])
    assert saved.mark.values.tolist() == ["F1"] and saved.mark_frequency.values.tolist() == [440]


def test_checkpoints_are_named_by_their_files(otoscope: Otoscope, small: str, tone: Path, tmp_path: Path) -> None:
    model = load(small)
    for name in ("before", "after"):
        torch.save(model.state_dict(), tmp_path / f"{name}.pt")
        torch.nn.init.normal_(model.conv.weight)
    weights = ("--weights-a", tmp_path / "before.pt", "--weights-b", tmp_path / "after.pt")
    found = otoscope("compare", small, small, tone, *weights, "--target", "c", "--json").json()
    assert [row["model"] for row in found["rows"]] == ["Small (before)", "Small (after)"]
    assert [row["target"] for row in found["rows"]] == ["c", "c"]
    assert found["pairs"][0]["crs_cosine"] < 0.999


def test_compare_prints_a_table_with_its_notes(otoscope: Otoscope, small: str, tone: Path) -> None:
    ran = otoscope("compare", small, "cnn12", tone, "--target-b", "3")  # a unit: it has no classes
    assert ran.code == 0
    assert "Small" in ran.out and "cnn12" in ran.out and "relevance in the same bands" in ran.out
    assert "The weights of cnn12 are random" in ran.err and "note: The weights of cnn12 are random" in ran.out


def test_the_table_of_a_comparison_names_a_sound_that_is_filled_up(otoscope: Otoscope, tone: Path) -> None:
    ran = otoscope("compare", "fsdd-digit", "fsdd-speaker", tone)
    shown = " ".join(ran.out.split())
    for name in ("fsdd-digit", "fsdd-speaker"):
        assert f"note: {name} was trained on 6400 samples (0.8 s): the sound was repeated to that length" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--mark", "F0"), "--mark takes NAME=HZ, as in F0=120, not 'F0'"),
        (("--target-b", "z"), "unknown class 'z'"),
        (("--layer-a", "relu"), "no layer to sonify was given for Small 2"),
        (("--weights-a", "no.pt"), "no.pt"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    otoscope: Otoscope, small: str, tone: Path, options: tuple[str, ...], message: str
) -> None:
    otoscope("compare", small, small, tone, *options).expect_refusal(message)


def test_compare_names_what_failed_and_compares_the_rest(
    otoscope: Otoscope, small: str, tone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otoscope.comparison.geometry", lambda subject: 1 / 0)
    ran = otoscope("compare", small, small, tone, "--out", tmp_path / "out", "--json")
    reason = "it failed (ZeroDivisionError: division by zero)"
    assert ran.code == 3 and f"missing: geometry: {reason}" in ran.err
    found = json.loads(ran.out)
    assert found["missing"] == {"geometry": reason} and found["pairs"][0]["spectrum_cosine"] == 1
    assert f"Not compared: geometry, since {reason}" in (tmp_path / "out/report.html").read_text()


TWO = """
import torch


class One(torch.nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.out = torch.nn.Conv1d(1, 4, 20), torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.out(self.conv(x).relu().mean(-1))


class Two(One):
    def forward(self, x):
        return super().forward(x)[:, :2], super().forward(x)
"""


WITH_CONTRACT = """
import torch
from otoscope.contract import Contract


class Keyed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.out = torch.nn.Conv1d(1, 4, 20), torch.nn.Linear(4, 3)

    def forward(self, batch):
        assert len(batch["lengths"]) == len(batch["waveform"])
        return self.out(self.conv(batch["waveform"][:, None]).relu().mean(-1))


class Wrapped(torch.nn.Module):
    contract = Contract(sample_rate=8000, length=2000, hop=1000)

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, waveform):
        return self.model({"waveform": waveform, "lengths": torch.full((len(waveform),), waveform.shape[-1])})


def make():
    return Wrapped(Keyed())
"""


def test_a_contract_that_code_states_holds_on_the_command_line(otoscope: Otoscope, tone: Path, tmp_path: Path) -> None:
    (tmp_path / "stated.py").write_text(WITH_CONTRACT)
    found = otoscope("relevance", f"{tmp_path / 'stated.py'}:make", tone, "--json").json()["subject"]
    assert (found["sample_rate"], found["length"], found["hop"]) == (8000, 2000, 1000)


def test_compare_takes_an_output_of_each_model(otoscope: Otoscope, tone: Path, tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(TWO)
    one, two = f"{tmp_path / 'two.py'}:One", f"{tmp_path / 'two.py'}:Two"
    found = otoscope("compare", one, two, tone, "--output-b", "1", "--target", "2", "--json").json()
    assert [row["model"] for row in found["rows"]] == ["One", "Two"]
    otoscope("compare", one, two, tone, "--output", "1").expect_refusal("--output-b")


def test_equal_reasons_are_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        end_named({"a": "too short", "b": "broken", "c": "too short"})
    assert capsys.readouterr().err.splitlines() == ["missing: a, c: too short", "missing: b: broken"]


def test_a_missing_layer_is_refused_with_where_layers_are_listed(otoscope: Otoscope, small: str, tone: Path) -> None:
    ran = otoscope("sonify", small, tone)
    assert ran.code == 2 and "otoscope taps" in ran.err


def test_the_least_length_is_shown_where_there_is_one(otoscope: Otoscope, small: str) -> None:
    assert "minimum length" not in otoscope("taps", small).out
    shown = otoscope("inspect", "--help").out
    assert "otoscope-out" in shown and "--memory SIZE" in shown
