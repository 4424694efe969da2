"""Two runs compared, against scipy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from scipy import stats

import otoscope as library
from made_up_runs import LAYERS, N_CLIPS, made_up, pd, write_run
from otoscope import InputError
from otoscope.data import Item
from otoscope.evaluation.folder import write_evaluation
from otoscope.runs import Run, diff
from otoscope.runs.between import disagreements, unpaired


def test_sweeps_are_compared_clip_by_clip(folder: Path, tmp_path: Path) -> None:
    other = Run(write_run(tmp_path / "other", seed=5, shift=0.2))
    found = diff(Run(folder), other, method="coherence").set_index("layer")
    for layer in LAYERS:
        first, second = (
            rows.loc[(rows["method"] == "coherence") & (rows["layer"] == layer), "value"].to_numpy()
            for rows in (made_up()[0], made_up(5, 0.2)[0])
        )
        change = second - first
        low, high = stats.t.interval(0.95, N_CLIPS - 1, change.mean(), change.std(ddof=1) / np.sqrt(N_CLIPS))
        one = found.loc[layer, ["first", "second", "difference", "ci_low", "ci_high", "p_value"]].astype(float)
        expected = [first.mean(), second.mean(), change.mean(), low, high, stats.wilcoxon(change).pvalue]
        np.testing.assert_allclose(one, expected)
    same = diff(Run(folder), Run(folder))
    assert (same["difference"] == 0).all() and (same["p_value"] == 1).all()
    assert len(diff(Run(folder), other, variable="rms", each_channel=True)) == 10


def test_runs_of_other_clips_or_kinds_are_refused(folder: Path, tmp_path: Path) -> None:
    other = Run(write_run(tmp_path / "other"))
    items = pd.read_parquet(other.folder / "items.parquet")
    items.assign(name=items["name"] + "x").to_parquet(other.folder / "items.parquet")
    with pytest.raises(InputError, match="no clip and variable in common"):
        diff(Run(folder), other)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": "relevance"}, "no rows of method relevance; its methods are activations, coherence, output"),
        ({"layer": "conv9"}, "no layer 'conv9' .*; its layers are features.conv1, features.conv2"),
        ({"variable": "rsm"}, "no rows of variable rsm; .* its variables coherence, mean_activation, peak"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(folder: Path, asked: dict[str, str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        diff(Run(folder), Run(folder), **asked)


def test_a_layer_is_named_by_the_end_of_its_name(folder: Path) -> None:
    found = diff(Run(folder), Run(folder), method="coherence", layer="conv2")
    assert found["layer"].tolist() == [LAYERS[1]]


def test_a_clip_that_a_list_has_several_times_is_as_many_pairs_of_a_sweep(tmp_path: Path) -> None:
    runs = []
    for name, seed in (("one", 0), ("other", 5)):
        folder = write_run(tmp_path / name, seed=seed)
        items = pd.read_parquet(folder / "items.parquet")
        items["name"] = [f"clip{n % 3}.wav" for n in range(N_CLIPS)]
        items["start"], items["stop"] = [float(n % 2) for n in range(N_CLIPS)], 2.0
        items.to_parquet(folder / "items.parquet")
        runs.append(Run(folder))
    found = diff(*runs, method="coherence").set_index("layer")
    for layer in LAYERS:
        first, second = (
            rows.loc[(rows["method"] == "coherence") & (rows["layer"] == layer), "value"].to_numpy()
            for rows in (made_up()[0], made_up(5)[0])
        )
        assert found.loc[layer, "clips"] == N_CLIPS
        assert found.loc[layer, "p_value"] == pytest.approx(stats.wilcoxon(second - first).pvalue)
    assert unpaired(*runs) == []


def test_a_clip_that_a_list_has_several_times_is_as_many_pairs_of_an_evaluation(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    clips = [loudness(0.1, "quiet"), loudness(0.3, "loud")]
    runs = []
    for name, threshold, listed in (("low", 0.05, [0, 0, 0, 1]), ("high", 0.2, [1, 0, 0, 0, 0])):
        scope = library.Scope(Louder(threshold))
        result = library.evaluate(scope, [clips[place] for place in listed], resamples=2)
        (tmp_path / name).mkdir()
        write_evaluation(tmp_path / name, result, model=name, data="clips")
        runs.append(Run(tmp_path / name))
    found = diff(*runs).iloc[0]  # the first takes all for loud
    assert (found["clips"], found["first"], found["second"]) == (4, 0.25, 1)
    assert (found["only_first_right"], found["only_second_right"]) == (0, 3)
    assert len(disagreements(*runs)) == 3
    assert unpaired(*runs) == ["4 clips are in both runs; 0 are in the first alone, 1 in the second"]


class Louder(torch.nn.Module):
    classes, sample_rate = ("quiet", "loud"), 8000

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        level = waveform.abs().mean((1, 2))[:, None] - self.threshold
        return torch.cat([-level, level], 1)


def loudness(level: float, label: str) -> Item:
    values = np.full(800, level, np.float32)
    return Item(xr.DataArray(values, dims="time", attrs={"sample_rate": 8000, "name": f"{level}"}), (label,))


def test_evaluations_are_compared_by_mcnemar(otoscope: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("vowel-register", "vowel-name"):
        task = name.removeprefix("vowel-").replace("name", "vowel")
        ran = otoscope("evaluate", name, "vowels", "--task", task, "--limit", "36", "--out", tmp_path / name)
        assert ran.code == 0
    first, second = (library.open(tmp_path / name) for name in ("vowel-register", "vowel-name"))
    assert disagreements(first, first).columns.tolist() == ["name", "label", "answer_first", "answer_second"]
    both = int(diff(first, second).iloc[0]["clips"])
    assert f"{both} of {both} clips have another label in the second: the tasks are different" in unpaired(
        first, second
    )
    expected = ["name", "label_first", "label_second", "answer_first", "answer_second"]
    assert disagreements(first, second).columns.tolist() == expected
    assert first.kind == "evaluation" and len(first.sql("SELECT * FROM scores")) == 36
    found = diff(first, second).iloc[0]
    assert found["difference"] == pytest.approx(found["second"] - found["first"])
    only = int(found["only_first_right"]), int(found["only_second_right"])
    expected = stats.binomtest(only[0], sum(only), 0.5).pvalue if sum(only) else 1.0
    assert found["p_value"] == pytest.approx(expected)
