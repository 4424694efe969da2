"""Sweeps described: on a model of which is known what each map answers to, and what can go wrong."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import otoscope as package
from otoscope.errors import InputError
from otoscope.runs import Run

pytest.importorskip("parselmouth")
sys.path.insert(0, str(Path(__file__).parent))
from planted import Planted, write_sounds

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
    assert said[3].startswith("rises with f0: R2 0.9") and maps["score"][3] > 0.95
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


def test_clips_that_share_a_fact_stay_together(run: Path) -> None:
    found = package.open(run).describe(shuffles=9, together=["speaker"])
    assert "240 clips are 40 groups that stay together" in found.notes
    assert found.maps["described"].sum() == 3 and not any(found.facts["column"] == "speaker")


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
        ({"together": ["room"]}, "no fact 'room'"),
        ({"layer": "conv"}, "no layer"),
        ({"channel": 17}, "no channel 17"),
        ({"limit": 0}, "limit"),
        ({"shuffles": 0}, "shuffles"),
    ],
)
def test_what_cannot_be_asked_is_said(run: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        package.open(run).describe(**options)


def test_too_few_clips_are_said_to_be(folder: Path) -> None:
    with pytest.raises(InputError, match=r"no fact to describe maps by: .*label: too few"):
        package.open(folder).describe(measured=False)


def test_a_run_without_activations_is_refused(run: Path, otoscope: Otoscope) -> None:
    info = (run / "run.json").read_text().replace('"activations"', '"coherence"')
    (run / "run.json").write_text(info)
    ran = otoscope("describe", run)
    assert ran.code == 1 and "holds no activations" in ran.err
    assert Run(run).kind == "sweep"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from made_up_runs import write_run

    return write_run(tmp_path / "made up")
