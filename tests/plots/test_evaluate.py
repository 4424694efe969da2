"""Pictures of evaluations."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from scipy.special import ndtri

from otoscope.errors import InputError
from otoscope.plots.evaluate import det, evaluate


def result(classes: int) -> xr.Dataset:
    names = [f"class {n}" for n in range(classes)]
    found = xr.Dataset(
        {
            "confusion": (("class", "predicted"), np.eye(classes, dtype=int) * 5),
            "bin_probability": ("bin", [0.3, np.nan, 0.9]),
            "bin_right": ("bin", [0.2, np.nan, 1.0]),
            "bin_answers": ("bin", [5, 0, 5]),
            "correct": ("clip", [True, False]),
        },
        {"class": names, "predicted": names},
        {"method": "evaluate"},
    )
    if classes == 2:
        found["false_alarms"], found["misses"] = ("threshold", [0, 0.1, 1.0]), ("threshold", [1.0, 0.2, 0])
        found.attrs["positive"] = "class 1"
    return found


@pytest.mark.parametrize(("classes", "panels"), [(2, 4), (10, 2), (60, 2)])
def test_the_panels_are_those_of_the_task(classes: int, panels: int) -> None:
    axes = Figure().subplots(panels)
    drawn = evaluate(result(classes), axes)
    assert list(drawn) == list(axes) and all(ax.get_xlabel() and ax.get_ylabel() for ax in drawn)
    assert len(evaluate(result(classes))) == panels


def test_a_det_curve_is_drawn_over_normal_deviates() -> None:
    line = det(result(2), Figure().subplots()).lines[-1]
    assert line.get_xdata()[1] == pytest.approx(ndtri(0.1)) and line.get_ydata()[1] == pytest.approx(ndtri(0.2))


def test_other_results_are_refused() -> None:
    with pytest.raises(InputError, match="not the result of an evaluation"):
        evaluate(xr.Dataset())
    with pytest.raises(InputError, match="4 panels"):
        evaluate(result(2), Figure().subplots(2))
