"""Picture of the autocorrelation of a sound and its relevance."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from otoscope import plots

SIGNALS = ["input", "relevance"]


def test_autocorrelation_is_drawn_up_to_the_longest_lag() -> None:
    lag = np.arange(800) / 8000
    both = np.stack([np.cos(2 * np.pi * 100 * lag)] * 2)
    coords = {"signal": SIGNALS, "lag": lag}
    result = xr.Dataset({"autocorrelation": (("signal", "lag"), both)}, coords, attrs={"method": "autocorrelation"})
    ax = plots.plot(result)
    assert ax.get_xlabel() == "lag (ms)"
    for line in ax.lines[1:]:
        assert max(line.get_xdata()) == pytest.approx(25)
        np.testing.assert_allclose(line.get_ydata(), np.cos(2 * np.pi * 0.1 * line.get_xdata()), atol=1e-9)
