"""The picture of the residual study shows the numbers, their bounds and what they are compared with."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from otoscope import InputError, plots
from otoscope.plots.residual_study import residual_study


def study(metric: str = "accuracy") -> xr.Dataset:
    values = {"score": [0.7, 0.4], "score_ci_low": [0.6, 0.2], "score_ci_high": [0.75, 0.5]}
    result = xr.Dataset({name: ("layer", one) for name, one in values.items()}, {"layer": ["1", "3"]})
    result = result.assign(baseline=0.9, baseline_ci_low=0.8, baseline_ci_high=1.0)
    return result.assign_attrs(method="residual_study", metric=metric)


@pytest.mark.parametrize(
    ("metric", "label"), [("accuracy", "accuracy"), ("agreement", "same answer (share)"), ("loss", "loss")]
)
def test_a_study_shows_score_bounds_and_baseline(metric: str, label: str) -> None:
    result = study(metric)
    ax = plots.plot(result)
    assert ax.get_ylabel() == label and (ax.get_ylim() == (0, 1.02)) == (metric != "loss")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "3"]
    dashed, points = ax.lines[:2]
    np.testing.assert_allclose(dashed.get_ydata(), 0.9)
    np.testing.assert_allclose(points.get_ydata(), result.score)
    bars = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([bar[:, 1] for bar in bars], np.stack([result.score_ci_low, result.score_ci_high], 1))


def test_bounds_may_be_unknown_and_may_not_be_missing() -> None:
    result = study()
    for name in ("baseline_ci_low", "score_ci_low"):
        result[name] = result[name] * np.nan
    residual_study(result).figure.canvas.draw()
    with pytest.raises(InputError, match="no score_ci_low"):
        residual_study(result.drop_vars("score_ci_low"))
