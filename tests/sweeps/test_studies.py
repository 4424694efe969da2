"""Methods of a data set swept clip by clip: rows of each clip, whose means are those of the method over all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs_of_tests import read, write_sounds

from otoscope import InputError, Scope, sweep
from otoscope.dsp.statistics import mean_interval
from otoscope.sweeps.known import resolved_methods

STUDIES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "residual_study": (
        {"control": ["live_map", "noise", "moved"], "own_answers": True},
        ["agreement", "logit_change", "probability_change", "control_probability_change", "logit_effect",
         "probability_effect", "agreement_effect"],
    ),
    "coherence": ({"nperseg": 64}, ["coherence"]),
    "subband_emphasis": ({"n_bands": 6, "rule": "gradient"}, ["emphasis", "input_emphasis"]),
}  # fmt: skip
BOUNDS = {"coherence": "", "emphasis": ""}  # of which the bounds are called ci_low and ci_high alone


def test_the_mean_of_the_rows_is_that_of_the_method(model: str, sounds: Path, tmp_path: Path) -> None:
    done = sweep(
        model, sounds, methods={name: given for name, (given, _) in STUDIES.items()}, out=tmp_path / "run", workers=0
    )
    assert (done.clips, done.causes) == (12, {})
    rows = read(tmp_path / "run")
    for name, (given, measures) in STUDIES.items():
        result = getattr(Scope(model), name)(sounds, **given)
        for measure in measures:
            places = _places(rows, name, f"clip_{measure}")
            assert len(places) == result[measure].size
            for (layer, at), values in places.items():
                assert len(values) == 12
                one = result.sel({"layer": layer} if layer else {}).sel(**_coordinates(at))
                mean, low, high = mean_interval(values)
                assert float(one[measure]) == pytest.approx(float(mean), rel=1e-4, abs=1e-6)
                prefix = BOUNDS.get(measure, f"{measure}_")
                if measure not in ("agreement", "input_emphasis"):  # bounds by Wilson's score; no bounds
                    assert float(one[f"{prefix}ci_low"]) == pytest.approx(float(low), rel=1e-3, abs=1e-5)
                    assert float(one[f"{prefix}ci_high"]) == pytest.approx(float(high), rel=1e-3, abs=1e-5)


def _places(rows: list[dict[str, Any]], method: str, variable: str) -> Mapping[tuple[str | None, str | None], Any]:
    found: dict[tuple[str | None, str | None], list[float]] = {}
    for row in rows:
        if (row["method"], row["variable"]) == (method, variable):
            found.setdefault((row["layer"], row["at"]), []).append(row["value"])
    return found


def _coordinates(at: str | None) -> dict[str, Any]:
    return {} if at is None else json.loads(at)


def test_clips_by_themselves_say_what_they_say_together(model: str, tmp_path: Path) -> None:
    sounds = write_sounds(tmp_path / "sounds", each=1)
    given = {"methods": {"residual_study": {"control": "live_map", "own_answers": True}}, "workers": 0}
    sweep(model, sounds, out=tmp_path / "together", **given)
    sweep(model, sounds, out=tmp_path / "apart", batch_size=1, **given)
    together, apart = read(tmp_path / "together"), read(tmp_path / "apart")
    assert [{**row, "value": 0} for row in together] == [{**row, "value": 0} for row in apart]
    np.testing.assert_allclose([row["value"] for row in together], [row["value"] for row in apart], atol=1e-4)


@pytest.mark.parametrize("name", ["layer_importance", "top_activations", "crs_classifier"])
def test_what_says_nothing_of_a_clip_is_refused_with_what_can_be_swept(name: str) -> None:
    with pytest.raises(InputError, match=r"nothing of one clip.*swept is .*coherence.*study.*output") as raised:
        resolved_methods(name)
    assert "layer_importance," not in str(raised.value)


def test_arguments_that_hold_for_a_clip_by_itself_cannot_be_set() -> None:
    assert resolved_methods("subband_emphasis")["subband_emphasis"]["by_class"] is False
    with pytest.raises(InputError, match="no argument by_class"):
        resolved_methods({"subband_emphasis": {"by_class": True}})
