"""Segments on the command line: a table beside that of the method, and the same rows in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otoscope import Scope
from otoscope.results import open_result
from page_decoder import manifest_of


@pytest.fixture
def phones(tone: Path) -> Path:
    path = tone.with_suffix(".TextGrid")
    tiers = "".join(
        f'"IntervalTier"\n"{name}"\n0\n0.5\n3\n0\n0.1\n""\n0.1\n0.2\n"{name[0]}"\n0.2\n0.5\n"æ"\n'
        for name in ("words", "phones")
    )
    path.write_text(f'"ooTextFile"\n"TextGrid"\n0\n0.5\n<exists>\n2\n{tiers}', encoding="utf-16")
    return path


def test_activations_by_label(otoscope: Callable[..., Any], tone: Path, phones: Path) -> None:
    given = ("activations", "fsdd-digit", tone, "--segments", phones, "--tier", "phones", "--layer", "pool2")
    found = otoscope(*given, "--json").json()
    result = Scope("fsdd-digit").activations(tone, layer="pool2", segments=[(0.1, 0.2, "p"), (0.2, 0.5, "æ")])
    rows = found["by_segment_label"]
    assert len(rows) == result["label_activation"].size and len(found["rows"]) == result.sizes["map"]
    assert [row["segment_label"] for row in rows[:3]] == ["p", "æ", "(outside)"]
    by_hand = [float(value) for value in result["label_activation"].values.ravel()]
    assert [row["label_activation"] for row in rows] == pytest.approx(by_hand, rel=1e-5)
    of_segments = found["by_segment"][0]
    assert (of_segments["segment_name"], of_segments["segment_start"], of_segments["segment_stop"]) == ("p", 0.1, 0.2)
    assert found["arguments"]["segments"] == str(phones)
    shown = otoscope(*given)
    assert "by segment label" in shown.out and "by segment\n" not in shown.out
    printed = [row.split("│")[1:5] for row in shown.out.splitlines() if "features.pool2" in row]
    best = result["label_activation"].values.argsort(0)[::-1][:3]
    expected = [(label, str(map_)) for n, label in enumerate(("p", "æ", "(outside)")) for map_ in best[:, n]]
    assert [(row[0].strip(), row[2].strip()) for row in printed] == expected
    assert "the 3 largest of each segment label and layer that are not 0: --json prints all" in " ".join(
        shown.out.split()
    )


def test_what_is_wrong_is_said_in_a_line(otoscope: Callable[..., Any], tone: Path, phones: Path) -> None:
    given = ("activations", "fsdd-digit", tone, "--segments", phones)
    otoscope(*given).expect_refusal("has the tiers words, phones: choose one (--tier phones)")
    for command in ("activations", "relevance", "coherence", "inspect"):
        otoscope(command, *given[1:3], "--tier", "phones").expect_refusal("tier='phones' is of segments, and none are")
    otoscope(*given, "--tier", "tones").expect_refusal("has no tier of intervals 'tones'; it has words, phones")
    otoscope(*given[:3], "--segments", "nowhere.ctm").expect_refusal(
        "there is no file or folder of segments nowhere.ctm"
    )


def test_a_sweep_takes_segments(otoscope: Callable[..., Any], tone: Path, phones: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = tmp_path / "times.csv"
    table.write_text("path,start,stop,label\ntone.wav,0.1,0.2,t\nvoid.wav,0.1,0.2,t\n")
    given = ["--methods", "activations", "--set", "activations.layer=pool2", "--workers", 0, "--out", tmp_path / "run"]
    run = ("sweep", "fsdd-digit", tone, *given, "--set", f"activations.segments={table}")
    assert otoscope(*run, "--json").json()["errors"] == {}
    found = otoscope("query", tmp_path / "run", "summary", "--variable", "label_activation", "--json").json()
    assert {json.loads(row["at"])["segment_label"] for row in found["rows"]} == {"t", "(outside)"}


def test_relevance_by_label_and_segment(otoscope: Callable[..., Any], tone: Path, phones: Path) -> None:
    given = ("relevance", "fsdd-digit", tone, "--segments", phones, "--tier", "phones", "--rule", "gradient_x_input")
    found = otoscope(*given, "--json").json()
    labels, segments = found["by_segment_label"], found["by_segment"]
    assert [row["segment_label"] for row in labels] == ["p", "æ", "(outside)"]
    assert sum(row["label_relevance"] for row in labels) == pytest.approx(found["rows"][0]["relevance_sum"], rel=1e-4)
    assert sum(row["label_share"] for row in labels) == pytest.approx(1)
    assert [row["segment_name"] for row in segments] == ["p", "æ"] and segments[0]["segment_share"] is not None
    shown = otoscope(*given).out
    assert "by segment label" in shown and "label input share" in shown


def test_a_page_and_a_saved_result_have_them(
    otoscope: Callable[..., Any], tone: Path, phones: Path, tmp_path: Path, blank_pictures: None
) -> None:
    given = ("vowel-name", tone, "--segments", phones, "--tier", "phones")
    assert otoscope("relevance", *given, "--out", tmp_path / "one").code == 0
    result = open_result(tmp_path / "one" / "relevance.nc")
    assert result["segment_label"].values.tolist() == ["p", "æ", "(outside)"]
    assert "By segments." in (tmp_path / "one" / "report.html").read_text(encoding="utf-8")
    assert otoscope("inspect", *given, "--out", tmp_path / "all").code in (0, 3)
    manifest = manifest_of(tmp_path / "all" / "report.html")
    [sound], [run] = manifest["sounds"].values(), manifest["runs"]
    assert [segment["label"] for segment in sound["segments"]] == ["p", "æ"]
    asked = [
        entry for entry in run["relevance"] if entry["target"] == "top" and entry["rule"] in ("guided", "gradient")
    ]
    assert [entry["segments"]["label"]["names"] for entry in asked] == [["p", "æ", "(outside)"]] * 2
    otoscope("inspect", *given[:2], *given[1:], "--out", tmp_path / "two").expect_refusal("does not say of which sound")


def test_an_inspection_has_the_tables_of_the_method(
    otoscope: Callable[..., Any], tone: Path, phones: Path, tmp_path: Path
) -> None:
    given = ("fsdd-digit", tone, "--segments", phones, "--tier", "phones")
    found = otoscope("relevance", *given, "--json").json()
    shown = otoscope("inspect", *given, "--out", tmp_path / "all")
    results = json.loads((tmp_path / "all" / "summary.json").read_text())["results"]
    for dim in ("segment_label", "segment"):
        assert results[f"relevance_guided_by_{dim}"] == found[f"by_{dim}"]
    assert "relevance guided by segment label" in shown.out and "(outside)" in shown.out
