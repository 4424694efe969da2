"""Pictures of the filters of the first layer, and of how training changed them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import (
    INPUT_COLOUR,
    LINE_STYLES,
    RELEVANCE_COLOUR,
    draw_colorbar,
    draw_rows,
    frequency_name,
    frequency_unit,
    make_grid,
    small_size,
    two_panels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NEEDED = ("weight", "magnitude", "centre_frequency", "order", "cumulative_response")
_RANGE = 40.0  # dB below the peak of each filter


def filters(
    result: xr.Dataset,
    axes: Axes | Sequence[Axes] | np.ndarray | None = None,
    *,
    kernels: Sequence[int] | None = None,
    dynamic_range: float = _RANGE,
) -> np.ndarray:
    """Draw filters sorted by centre frequency and what they pass together; also before and after training.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.filters.filters`.
    axes : matplotlib.axes.Axes, optional
        One or two, for the image of the filters and for the cumulative response; a new figure with two rows without
        them. With the weights of an earlier state, four and two for each of `kernels`; in reading order: all filters
        before and after, in the order of the latter; their cumulative responses; their centre frequencies; then a row
        for each kernel, in time and in frequency.
    kernels : sequence of int, optional
        Numbers of kernels that are drawn one by one, before and after; by default four from the lowest to the highest
        centre frequency.
    dynamic_range : float
        Range shown, in dB below the peak of each filter.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing, a kernel is not there, or the number of axes is another.

    Notes
    -----
    Four filters in time and frequency before and after training are Fig. 6 of SimpleNet.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from otoscope.methods.filters import filters as measure
    >>> from otoscope.subject import Subject
    >>> result = measure(Subject("vowel-name"))
    >>> [ax.get_ylabel() for ax in filters(result, Figure().subplots(2))]
    ['filter (sorted)', 'response (a.u.)']
    """
    result = having(result, _NEEDED)
    if "training" in result.dims:
        return _draw_before_and_after(result, axes, kernels, dynamic_range)
    axes = two_panels(axes, height=3.2, ratios=(2.2, 1), sharex=True)
    order = result["order"].values
    mesh = draw_rows(
        axes[0], _magnitude(result)[order], _hertz(result), dynamic_range, of="filter", name=frequency_name(result)
    )
    _mark_centres(axes[0], result, order)
    draw_colorbar(mesh, axes[0], "level (dB re own peak)")
    if axes.size == 2:
        divisor, unit = frequency_unit(float(_hertz(result).max()))
        total = finite(result["cumulative_response"], "the cumulative response")
        axes[1].plot(_hertz(result) / divisor, total, color=LINE_STYLES[0][0], linewidth=1)
        axes[1].set(
            xlabel=f"{frequency_name(result)} ({unit})", ylabel="response (a.u.)", ylim=(0, 1.08 * (total.max() or 1))
        )
        axes[0].set_xlabel("")
    return axes


def _draw_before_and_after(
    result: xr.Dataset,
    axes: Axes | Sequence[Axes] | np.ndarray | None,
    kernels: Sequence[int] | None,
    dynamic_range: float,
) -> np.ndarray:
    before, after = (result.sel(training=state) for state in ("before", "after"))
    numbers = spread(after) if kernels is None else list(kernels)
    for number in numbers:
        if not 0 <= number < after.sizes["kernel"]:
            raise InputError(f"there is no kernel {number}: the layer has {after.sizes['kernel']}, from 0")
    rows = 2 + len(numbers)
    if axes is None:
        axes = make_grid(rows, 2, height=3.0 + 0.8 * len(numbers))
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != 2 * rows:
        raise InputError(f"{2 * rows} axes are needed for {len(numbers)} filters; {axes.size} were given.")
    axes[0].get_gridspec().set_height_ratios([2.2, 1.6, *[1] * len(numbers)])
    _draw_both_banks(axes[:2], before, after, dynamic_range)
    _draw_sums(axes[2], before, after)
    _draw_moves(axes[3], before, after)
    axes[0].figure.align_ylabels(axes[::2])
    for row, number in enumerate(numbers, 2):
        last = row == rows - 1
        _draw_one(axes[2 * row : 2 * row + 2], before.sel(kernel=number), after.sel(kernel=number), number, last)
    return axes


def _magnitude(result: xr.Dataset) -> np.ndarray:
    return finite(result["magnitude"], "the response of each filter")


def _hertz(result: xr.Dataset) -> np.ndarray:
    return np.asarray(result["frequency"], dtype=float)


def _mark_centres(ax: Axes, result: xr.Dataset, order: np.ndarray) -> None:
    divisor, _ = frequency_unit(float(_hertz(result).max()))
    limits = ax.get_xlim()
    ax.plot(
        result["centre_frequency"].values[order] / divisor, np.arange(order.size), ".", ms=2.5, mfc="white",
        mec="black", mew=0.3, label="centre",
    )  # fmt: skip
    ax.set_xlim(limits)


def spread(after: xr.Dataset, count: int = 4) -> list[int]:
    """Numbers of up to `count` kernels, from the lowest centre frequency to the highest."""
    alive = [number for number in after["order"].values.tolist() if np.isfinite(after["centre_frequency"][number])]
    alive = alive or after["order"].values.tolist()
    picks = np.linspace(0, len(alive) - 1, min(count, len(alive))).round().astype(int)
    return [alive[i] for i in picks]


def _draw_both_banks(axes: np.ndarray, before: xr.Dataset, after: xr.Dataset, dynamic_range: float) -> None:
    order = after["order"].values
    for ax, result, title in zip(axes, (before, after), ("before", "after"), strict=True):
        mesh = draw_rows(
            ax, _magnitude(result)[order], _hertz(result), dynamic_range, of="filter", name=frequency_name(result)
        )
        ax.set_title(title, fontsize=ax.xaxis.label.get_fontsize())
    axes[1].set_ylabel("")
    axes[1].tick_params(labelleft=False)
    draw_colorbar(mesh, axes[1], "dB re own peak")


def _draw_sums(ax: Axes, before: xr.Dataset, after: xr.Dataset) -> None:
    divisor, unit = frequency_unit(float(_hertz(after).max()))
    for result, label, colour in ((before, "before", INPUT_COLOUR), (after, "after", RELEVANCE_COLOUR)):
        total = finite(result["cumulative_response"], "the cumulative response")
        ax.plot(_hertz(result) / divisor, total, color=colour, linewidth=1, label=label)
    ax.set(xlabel=f"{frequency_name(after)} ({unit})", ylabel="response (a.u.)")
    ax.set_ylim(bottom=0)
    ax.margins(x=0)
    ax.legend(fontsize=small_size(ax), frameon=False, handlelength=1.2, borderaxespad=0.2)


def _draw_moves(ax: Axes, before: xr.Dataset, after: xr.Dataset) -> None:
    divisor, unit = frequency_unit(float(_hertz(after).max()))
    top = float(_hertz(after).max()) / divisor
    ax.plot([0, top], [0, top], color=INPUT_COLOUR, linewidth=0.6)
    ax.plot(
        before["centre_frequency"] / divisor, after["centre_frequency"] / divisor, ".", ms=3, color=RELEVANCE_COLOUR
    )
    ax.set(xlabel=f"centre before ({unit})", ylabel=f"centre\nafter ({unit})", xlim=(0, top), ylim=(0, top))


def _draw_one(axes: np.ndarray, before: xr.Dataset, after: xr.Dataset, number: int, last: bool) -> None:
    divisor, unit = frequency_unit(float(_hertz(after).max()))
    for result, colour in ((before, INPUT_COLOUR), (after, RELEVANCE_COLOUR)):
        axes[0].plot(1000 * result["lag"], result["weight"], color=colour, linewidth=0.8)
        axes[1].plot(_hertz(result) / divisor, result["magnitude"], color=colour, linewidth=0.8)
    axes[0].set_ylabel(f"no. {number}\nweight")
    axes[1].set_ylabel("magnitude")
    axes[0].set_xlabel("time (ms)" if last else "")
    axes[1].set_xlabel(f"{frequency_name(after)} ({unit})" if last else "")
    axes[1].set_ylim(bottom=0)
    for ax in axes:
        ax.margins(x=0)
        ax.tick_params(labelsize=small_size(ax), labelbottom=last)
