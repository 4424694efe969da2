"""Picture of where relevance lies in many vowels."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from otoscope import plots


def test_shares_in_many_vowels_are_drawn_with_their_intervals() -> None:
    mean = np.array([[0.1, 0.8], [0.7, 0.2]])
    over = ("listener", "place")
    result = xr.Dataset(
        {"mean_share": (over, mean), "ci_low": (over, mean - 0.05), "ci_high": (over, mean + 0.02)},
        {"listener": ["a", "b"], "place": ["F0", "F1 or F2"]},
        {"method": "vowel_shares"},
    )
    ax = plots.plot(result)
    assert isinstance(ax, Axes)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    for container, values in zip(ax.containers, mean.T, strict=True):
        np.testing.assert_allclose(container.lines[0].get_xdata(), 100 * values)
        bars = np.array(container.lines[2][0].get_segments())
        np.testing.assert_allclose(bars[:, :, 0], np.stack([100 * values - 5, 100 * values + 2], 1))
        np.testing.assert_allclose(bars[:, 0, 1], [0, 1])
