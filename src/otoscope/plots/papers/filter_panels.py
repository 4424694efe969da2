"""Single filters before and after training, in time and in frequency: SimpleNet Fig. 6."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import INPUT_COLOUR, RELEVANCE_COLOUR, frequency_name, frequency_unit
from otoscope.plots.filters import spread
from otoscope.plots.papers.panels import grid, head_columns, only_outer
from otoscope.plots.style import StyleName, styled


def filter_panels(
    result: xr.Dataset, *, kernels: Sequence[int] | None = None, style: StyleName | None = "paper"
) -> np.ndarray:
    """Draw a column for each filter: before training, after it, and the magnitude of both over frequency.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.filters.filters` returned with the weights of an earlier state, `before`.
    kernels : sequence of int, optional
        Numbers of filters; by default four from the lowest to the highest centre frequency.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (3, filters)

    Raises
    ------
    InputError
        If there is no earlier state, or no such filter.

    Notes
    -----
    Fig. 6 of SimpleNet, with four filters of increasing centre frequency. Grey is before, purple after training.
    """
    result = having(result, ("weight", "magnitude", "order", "centre_frequency"))
    if "training" not in result.dims:
        raise InputError("the filters have no earlier state: give the weights before training, filters(before=...)")
    before, after = (result.sel(training=state) for state in ("before", "after"))
    numbers = spread(after) if kernels is None else list(kernels)
    missing = [number for number in numbers if not 0 <= number < after.sizes["kernel"]]
    if missing or not numbers:
        raise InputError(f"there is no filter {missing or numbers}: the layer has {after.sizes['kernel']}, from 0")
    divisor, unit = frequency_unit(float(result["frequency"].max()))
    with styled(style):
        axes = grid(3, len(numbers), height=3.4, wide=True)
        for column, number in zip(axes.T, numbers, strict=True):
            for ax, state, colour in zip(column, (before, after), (INPUT_COLOUR, RELEVANCE_COLOUR), strict=False):
                one = state.sel(kernel=number)
                ax.plot(1000 * one["lag"], one["weight"], color=colour, linewidth=0.8)
                column[2].plot(one["frequency"] / divisor, one["magnitude"], color=colour, linewidth=0.8)
            column[2].set(xlabel=f"{frequency_name(result)} ({unit})", ylabel="magnitude")
            column[2].set_ylim(bottom=0)
            for ax in column:
                ax.margins(x=0)
                ax.locator_params(axis="both", nbins=4)
        for ax, name in zip(axes[:2, 0], ("before", "after"), strict=True):
            ax.set_ylabel(f"weight {name}")
        head_columns(axes, [f"filter {number}" for number in numbers])
        only_outer(axes)
        for ax in axes[1]:
            ax.set_xlabel("time (ms)")
    return axes
