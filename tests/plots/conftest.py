"""What every picture has to be: legible, one column wide, with units, and drawn only where it was told to."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope import plots


@pytest.fixture
def check_picture(check_text: Callable[[Any], None]) -> Callable[..., np.ndarray]:
    """A function that draws a result as `plots.plot` does, checks the picture, and returns its axes.

    It has one panel, or as many as `panels` (None: any number) in so many `columns`.
    """
    matplotlib.use("Agg")

    def check(
        result: xr.Dataset,
        *,
        panels: int | None = 1,
        columns: int = 1,
        unitless: Collection[str] = (),
        **options: Any,
    ) -> np.ndarray:
        import matplotlib.pyplot as plt

        drawn = np.asarray(plots.plot(result, **options), dtype=object)
        columns = drawn.shape[1] if drawn.ndim == 2 else columns
        axes = np.atleast_1d(drawn).ravel()
        assert panels in (None, axes.size)
        figure = axes[0].figure
        assert 3.3 <= figure.get_size_inches()[0] <= 3.5
        check_text(figure)
        assert all(np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all() for ax in figure.axes)
        words = any(re.search("[a-z]", label.get_text()) for label in axes[0].get_yticklabels())
        assert axes[-1].get_xlabel() and (axes[0].get_ylabel() or words)
        for label in {label for ax in figure.axes for label in (ax.get_xlabel(), ax.get_ylabel())} - {"", *unitless}:
            assert re.search(r"\(.+\)|dB", label), f"{label!r} has no unit"
        plt.close(figure)
        _check_that_it_stays_on_its_axes(result, axes.size, columns, options)
        return axes

    return check


def _check_that_it_stays_on_its_axes(result: xr.Dataset, panels: int, columns: int, options: dict[str, Any]) -> None:
    import matplotlib.pyplot as plt

    given, settings = Figure().subplots(panels // columns, columns, squeeze=False).ravel(), dict(matplotlib.rcParams)
    drawn = plots.plot(result, given[0] if panels == 1 else given, **options)
    assert list(np.atleast_1d(np.asarray(drawn, dtype=object)).ravel()) == list(given)
    assert all(ax.has_data() for ax in given)
    assert plt.get_fignums() == [] and dict(matplotlib.rcParams) == settings
