"""Sweeps over segments: every clip with those of its own, and their means over clips by label."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from runs_of_tests import read

from otoscope import InputError, Scope, sweep
from otoscope.dsp.statistics import mean_interval
from otoscope.runs import Run, questions

pytest.importorskip("duckdb")

LABELS = ("a", "t")


def aligned(sounds: Path, folder: Path) -> dict[str, list[tuple[float, float, str]]]:
    """Segments of other lengths in every sound, as a folder of TextGrids; the last sound lacks one label."""
    found = {}
    paths = sorted(sounds.rglob("*.wav"))
    for number, path in enumerate(paths):
        edge = 0.02 + 0.002 * number
        own = [(0.0, edge, "a"), (edge, 0.06, "t")][: 1 if number == len(paths) - 1 else 2]
        text = "".join(f'{start}\n{stop}\n"{label}"\n' for start, stop, label in own)
        head = f'"ooTextFile"\n"TextGrid"\n0\n0.06\n<exists>\n1\n"IntervalTier"\n"phones"\n0\n0.06\n{len(own)}\n'
        place = folder / path.relative_to(sounds).with_suffix(".TextGrid")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(head + text)
        found[str(path)] = own
    return found


def test_every_clip_has_its_own_segments(model: str, sounds: Path, tmp_path: Path) -> None:
    segments = aligned(sounds, tmp_path / "aligned")
    methods = {"activations": {"segments": tmp_path / "aligned"}, "coherence": {"segments": segments, "nperseg": 64}}
    done = sweep(model, sounds, methods=methods, out=tmp_path / "run", workers=0)
    assert (done.clips, done.causes) == (12, {})
    scope, run = Scope(model), Run(tmp_path / "run")
    each = {path: scope.activations(path, segments=own) for path, own in segments.items()}
    rows = run.sql(
        "SELECT name, layer, channel, rows.at, value FROM rows JOIN items USING (clip) "
        "WHERE variable = 'label_activation'"
    )
    assert len(rows) == sum(one["label_activation"].size for one in each.values())
    for row in rows.itertuples():
        found, label = each[row.name], json.loads(row.at)["segment_label"]
        place = (found["layer"].values == row.layer) & (found["channel"].values == row.channel)
        value = float(found["label_activation"].sel(segment_label=label).values[place].item())
        assert np.isnan(row.value) if np.isnan(value) else row.value == pytest.approx(value, rel=1e-5, abs=1e-7)
    assert not len(run.sql("SELECT 1 FROM rows WHERE variable = 'segment_activation'"))  # which --arrays keeps


def test_means_over_clips_are_by_label_and_over_the_clips_that_have_it(
    model: str, sounds: Path, tmp_path: Path
) -> None:
    segments = aligned(sounds, tmp_path / "aligned")
    given = {"coherence": {"segments": tmp_path / "aligned", "nperseg": 64, "noverlap": 56, "nfft": 64}}
    sweep(model, sounds, methods=given, out=tmp_path / "run", workers=0)
    found = questions.summary(Run(tmp_path / "run"), method="coherence", variable="clip_label_coherence")
    whole = Scope(model).coherence(sounds, **{**given["coherence"], "segments": segments})
    assert [json.loads(at) for at in found["at"]] == [{"segment_label": label} for label in LABELS] * (len(found) // 2)
    for row in found.itertuples():
        label = json.loads(row.at)["segment_label"]
        one = whole.sel(layer=row.layer, segment_label=label)
        assert row.clips == int(one["label_clips"]) == (12 if label == "a" else 11)
        assert row.mean == pytest.approx(float(one["label_coherence"]), rel=1e-4)
        _, low, _ = mean_interval(one["clip_label_coherence"].values)
        assert row.ci_low == pytest.approx(float(low), rel=1e-3)


def test_a_clip_without_segments_is_an_error_of_its_own(model: str, sounds: Path, tmp_path: Path) -> None:
    segments = aligned(sounds, tmp_path / "aligned")
    missing = sorted(segments)[3]
    (tmp_path / "aligned" / Path(missing).relative_to(sounds).with_suffix(".TextGrid")).unlink()
    methods = {"activations": {"segments": tmp_path / "aligned"}, "output": {}}
    done = sweep(model, sounds, methods=methods, out=tmp_path / "run", workers=0)
    assert done.causes == {"refused": 1}
    (row,) = read(tmp_path / "run", "errors")
    assert row["method"] == "activations" and "has no segments of" in row["message"]


def test_segments_of_one_sound_are_refused_and_changed_ones_are_another_run(
    model: str, sounds: Path, tmp_path: Path
) -> None:
    given = {"activations": {"segments": [(0.0, 0.1, "a")]}}
    with pytest.raises(InputError, match="does not say of which sound its segments are"):
        sweep(model, sounds, methods=given, out=tmp_path / "run", workers=0)
    with pytest.raises(InputError, match="tier='phones' is of segments, and none are given"):
        sweep(model, sounds, methods={"activations": {"tier": "phones"}}, out=tmp_path / "run", workers=0)
    aligned(sounds, tmp_path / "aligned")
    methods = {"activations": {"segments": tmp_path / "aligned"}}
    sweep(model, sounds, methods=methods, out=tmp_path / "run", workers=0)
    assert sweep(model, sounds, methods=methods, out=tmp_path / "run", workers=0).computed == 0
    shutil.copytree(tmp_path / "aligned", tmp_path / "copied", copy_function=shutil.copyfile)
    (tmp_path / "aligned").rename(tmp_path / "before")
    (tmp_path / "copied").rename(tmp_path / "aligned")
    (tmp_path / "aligned" / "notes.md").write_text("no segments")
    assert sweep(model, sounds, methods=methods, out=tmp_path / "run", workers=0).computed == 0
    place = next((tmp_path / "aligned").rglob("*.TextGrid"))
    place.write_text(place.read_text().replace('"a"', '"e"') + "\n")
    with pytest.raises(InputError, match=r"holds another run: segments.activations is"):
        sweep(model, sounds, methods=methods, out=tmp_path / "run", workers=0)


def test_relevance_of_labels_sums_to_the_whole_in_a_sweep(model: str, sounds: Path, tmp_path: Path) -> None:
    segments = aligned(sounds, tmp_path / "aligned")
    given = {"relevance": {"segments": tmp_path / "aligned", "rule": "gradient_x_input", "target": "a"}}
    done = sweep(model, sounds, methods=given, out=tmp_path / "run", workers=0)
    assert done.causes == {}
    found = Run(tmp_path / "run").sql(
        "SELECT name, sum(value) FILTER (variable = 'label_relevance') AS labels, "
        "max(value) FILTER (variable = 'relevance_sum') AS whole, "
        "count(*) FILTER (variable = 'segment_relevance') AS segments "
        "FROM rows JOIN items USING (clip) GROUP BY name"
    )
    assert len(found) == 12
    for row in found.itertuples():
        assert row.labels == pytest.approx(row.whole, rel=1e-4, abs=1e-7)
        assert row.segments == len(segments[row.name])
