"""Two runs compared, against scipy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import otoscope as library
from made_up_runs import LAYERS, N_CLIPS, made_up, write_run
from otoscope import InputError
from otoscope.runs import Run, diff


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
    with pytest.raises(InputError, match="no clip and variable in common"):
        diff(Run(folder), Run(folder), method="relevance")


def test_evaluations_are_compared_by_mcnemar(otoscope: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("vowel-register", "vowel-name"):
        task = name.removeprefix("vowel-").replace("name", "vowel")
        ran = otoscope("evaluate", name, "vowels", "--task", task, "--limit", "36", "--out", tmp_path / name)
        assert ran.code == 0
    first, second = (library.open(tmp_path / name) for name in ("vowel-register", "vowel-name"))
    assert first.kind == "evaluation" and len(first.sql("SELECT * FROM scores")) == 36
    found = diff(first, second).iloc[0]
    assert found["difference"] == pytest.approx(found["second"] - found["first"])
    only = int(found["only_first_right"]), int(found["only_second_right"])
    expected = stats.binomtest(only[0], sum(only), 0.5).pvalue if sum(only) else 1.0
    assert found["p_value"] == pytest.approx(expected)
