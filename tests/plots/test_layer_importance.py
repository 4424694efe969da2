"""The picture of the importance of layers shows accuracies, their bounds and chance."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope import InputError, plots
from otoscope.plots.layer_importance import layer_importance


def known(accuracy: list[float], half: float, chance: float = 0.1) -> xr.Dataset:
    values = {"accuracy": np.array(accuracy), "ci_low": np.array(accuracy) - half, "ci_high": np.array(accuracy) + half}
    values |= {"test_ci_low": values["accuracy"] - 0.2, "test_ci_high": values["accuracy"] + 0.15}
    result = xr.Dataset({name: ("layer", one) for name, one in values.items()}, {"layer": ["1", "3"]})
    return result.assign(chance=chance).assign_attrs(method="layer_importance")


def test_several_settings_stand_side_by_side() -> None:
    results = {"two": known([0.3, 0.6], 0.1), "one": known([0.4, 0.8], np.nan)}
    ax = layer_importance(results, Figure().subplots())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["commonest class", "two", "one"]
    for result, container in zip(results.values(), ax.containers, strict=True):
        np.testing.assert_allclose(container.lines[0].get_ydata(), result.accuracy)
    low, high = np.array([bar[:, 1] for bar in ax.containers[0].lines[2][0].get_segments()]).T
    np.testing.assert_allclose([low, high], [[0.2, 0.5], [0.4, 0.7]])
    pale = next(one for one in ax.collections if one.get_alpha() is not None)
    np.testing.assert_allclose([bar[:, 1] for bar in pale.get_segments()], [[0.1, 0.45], [0.4, 0.75]])


def test_one_result_has_the_range_of_a_share() -> None:
    ax = plots.plot(known([0.4, 0.8], np.nan))  # of one run there are no bounds
    assert ax.get_ylim() == (0, 1.02) and ax.get_ylabel() == "accuracy"


def test_results_of_other_layers_are_refused() -> None:
    one = known([0.4, 0.8], 0.1)
    with pytest.raises(InputError, match="other is of other layers than one"):
        layer_importance({"one": one, "other": one.isel(layer=[0])})
