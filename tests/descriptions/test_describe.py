"""Sweeps described: on a model of which is known what each map answers to, and what can go wrong."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import otoscope as package
from otoscope.audio import write_audio
from otoscope.descriptions.describe import gather
from otoscope.errors import InputError
from otoscope.runs.run import Run

pytest.importorskip("parselmouth")
sys.path.insert(0, str(Path(__file__).parent))
from planted import RATE, Planted, band, write_sounds

Otoscope = Callable[..., Any]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("planted")
    table = write_sounds(place / "sounds")
    package.sweep(Planted(), table, methods={"activations": {"layer": ["maps"]}}, out=place / "run", workers=0)
    return place / "run"


@pytest.fixture
def run(swept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(swept, tmp_path / "run"))


def test_what_was_planted_in_a_model_is_said_of_it(run: Path) -> None:
    found = package.open(run).describe()
    maps = found.maps.set_index("channel")
    said = maps["description"]
    assert said[3].startswith("rises with F0: R2 0.9") and maps["score"][3] > 0.95
    assert said[5].startswith("rises with level: R2 0.9") and maps["score"][5] > 0.95
    assert said[7].startswith("label = hiss: AUC ") and maps["score"][7] > 0.95
    assert said[9].startswith("nothing describes it") and not maps["described"][9]
    assert (said[[0, 1, 2, 4, 6, 8]] == "dead").all()
    assert found.layers.iloc[0][["maps", "dead", "described"]].tolist() == [10, 6, 3]
    assert found.facts.set_index("fact")["describes"]["level"] == 1
    assert sum(found.clips) == 240


def test_what_is_measured_is_kept_beside_the_run_and_made_anew_where_it_does_not_fit(run: Path) -> None:
    import pyarrow.parquet as pq

    first = package.open(run).describe(shuffles=1).maps
    kept = (run / "facts.parquet").stat()
    assert package.open(run).describe(shuffles=1).maps.equals(first)
    assert (run / "facts.parquet").stat().st_mtime_ns == kept.st_mtime_ns
    table = pq.read_table(run / "facts.parquet")
    pq.write_table(table.replace_schema_metadata({"otoscope": "another"}), run / "facts.parquet")
    os.utime(run / "facts.parquet", ns=(0, 0))
    assert package.open(run).describe(shuffles=1).maps.equals(first)
    assert (run / "facts.parquet").stat().st_mtime_ns > 0


def test_sounds_that_are_gone_are_named_and_can_be_done_without(run: Path, swept: Path) -> None:
    sounds = swept.parent / "sounds"
    (sounds / "007.wav").rename(sounds / "gone")
    try:
        with pytest.raises(InputError, match=r"007\.wav.*--no-measured"):
            package.open(run).describe(shuffles=1)
        found = package.open(run).describe(shuffles=1, measured=False)
        assert set(found.facts["column"]) == {"label"} and not (run / "facts.parquet").exists()
    finally:
        (sounds / "gone").rename(sounds / "007.wav")


def test_copies_of_a_sound_are_in_one_half(tmp_path: Path) -> None:
    table = write_sounds(tmp_path / "sounds", count=24)
    heading, *rows = table.read_text().splitlines()
    for row in list(rows):
        path, comma, rest = row.partition(",")
        shutil.copy(table.parent / path, table.parent / f"copy {path}")
        rows.append(f"copy {path}{comma}{rest}")
    table.write_text("\n".join([heading, *rows]) + "\n")
    package.sweep(Planted(), table, methods={"activations": {"layer": ["maps"]}}, out=tmp_path / "run", workers=0)
    run = Run(tmp_path / "run")
    known = gather(run, measured=False)
    names = run.sql("SELECT name FROM items ORDER BY clip")["name"].str.replace("copy ", "")
    together = {(name, int(group)) for name, group in zip(names, known.groups, strict=True)}
    assert len(names) == 48 and len(together) == 24 and len({group for _, group in together}) == 24
    assert "24 clips are copies of others, in the same half as those" in known.notes


def test_few_shuffles_are_said_to_be_few(run: Path) -> None:
    few, enough = (package.open(run).describe(shuffles=count, measured=False).notes for count in (5, 19))
    assert any("one run in 6 describes some map" in note for note in few)
    assert not any("one run in" in note for note in enough)


def test_clips_that_share_a_fact_stay_together(run: Path) -> None:
    found = package.open(run).describe(shuffles=9, together=["speaker"])
    assert "240 clips are 40 groups that stay together" in found.notes
    assert found.maps["described"].sum() == 3 and not any(found.facts["column"] == "speaker")


def test_what_segments_are_is_a_fact_of_them(tmp_path: Path) -> None:
    """Two hums and a hiss in each sound, in any order: the map of the hiss is described by the segment alone."""
    rng = np.random.default_rng(0)
    (tmp_path / "sounds").mkdir()
    lines, listed, length = ["path,start,stop,label"], ["path,label"], int(0.4 * RATE)
    for number in range(40):
        parts, order = [], rng.permutation(["low", "high", "hiss"])
        for place, label in enumerate(order):
            time = np.arange(length) / RATE + rng.uniform()
            hiss = band(rng, length) if label == "hiss" else 0.0
            parts.append(np.sin(2 * np.pi * rng.uniform(0.9, 1.1) * (220 if label == "high" else 110) * time) + hiss)
            lines.append(f"{number}.wav,{0.4 * place:.1f},{0.4 * (place + 1):.1f},{label}")
        write_audio(tmp_path / f"sounds/{number}.wav", (0.1 * np.concatenate(parts)).astype(np.float32), RATE)
        listed.append(f"sounds/{number}.wav,{'ab'[number % 2]}")
    (tmp_path / "segments.csv").write_text("\n".join(lines))
    (tmp_path / "list.csv").write_text("\n".join(listed))
    asked = {"activations": {"layer": ["maps"], "segments": str(tmp_path / "segments.csv")}}
    package.sweep(Planted(), tmp_path / "list.csv", methods=asked, out=tmp_path / "run", workers=0)
    found = package.open(tmp_path / "run").describe(variable="label_activation")
    maps = found.maps.set_index("channel")
    assert maps["description"][7].startswith("segment = hiss: AUC 1.00") and not maps["described"][9]
    assert "120 labels of clips are 40 groups that stay together" in found.notes
    with pytest.raises(InputError, match="no fact 'room'"):
        package.open(tmp_path / "run").describe(variable="label_activation", together=["room"])


def test_with_the_model_what_its_maps_are_tuned_to_is_said(run: Path) -> None:
    described = package.open(run).describe(shuffles=1, measured=False, model=package.Scope(Planted()))
    found = described.maps.set_index("channel")
    assert found["best_frequency"][7] > 2500 and "grows with level" in found["tuning"][5]
    assert found["tuning"][0] == "no answer to tones or noise"
    other = Planted()
    other.register_buffer("more", torch.ones(1))
    with pytest.raises(InputError, match="not the model that was swept"):
        package.open(run).describe(shuffles=1, measured=False, model=package.Scope(other))


def test_the_command_says_what_python_says(otoscope: Otoscope, run: Path, tmp_path: Path) -> None:
    ran = otoscope("describe", run, "--layer", "maps", "--json", "--out", tmp_path / "out", "--shuffles", "9")
    content = ran.json()
    found = package.open(run).describe(layer="maps", shuffles=9)
    assert [row["description"] for row in content["rows"]] == found.maps["description"].tolist()
    assert content["question"] == "describe" and content["layers"][0]["described"] == 3
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{name}.{suffix}" for name in ("maps", "layers", "facts") for suffix in ("csv", "parquet")
    )
    shown = " ".join(otoscope("describe", run, "--channel", "7", "--shuffles", "9").out.split())
    assert "label = hiss" in shown and "dead" not in shown.partition("what describes")[2]
    best = otoscope("describe", run, "--top", "3", "--shuffles", "9", "--json").json()["rows"]
    assert {row["channel"] for row in best} == {3, 5, 7}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variable": "colour"}, "mean_activation, rms, peak"),
        ({"variable": "label_activation"}, "--set activations.segments"),
        ({"together": ["room"]}, "no fact 'room'"),
        ({"layer": "conv"}, "no layer"),
        ({"channel": 17}, "no channel 17"),
        ({"limit": 0}, "limit"),
        ({"shuffles": 0}, "shuffles"),
        ({"seed": -1}, "seed has to be 0 or more"),
    ],
)
def test_what_cannot_be_asked_is_said(run: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        package.open(run).describe(**options)


def test_too_few_clips_are_said_to_be(folder: Path) -> None:
    with pytest.raises(InputError, match=r"no fact to describe maps by: .*label.*: too few"):
        package.open(folder).describe(measured=False)


def test_a_run_without_activations_is_refused(swept: Path, otoscope: Otoscope, tmp_path: Path) -> None:
    sounds = swept.parent / "sounds" / "list.csv"
    package.sweep(Planted(), sounds, methods="output", out=tmp_path / "run", workers=0, limit=8)
    ran = otoscope("describe", tmp_path / "run")
    assert ran.code == 1 and "holds no activations" in ran.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from made_up_runs import write_run

    return write_run(tmp_path / "made up")
