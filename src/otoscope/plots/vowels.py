"""Picture of how often F0, F1 and F2 of vowels are found in their relevance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import COLOUR_MAP, make_grid, small_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def vowels(result: xr.Dataset, ax: Sequence[Axes] | np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    """Draw the shares of vowels whose F0, F1 and F2 are found in the relevance and in the input.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.vowels.vowels`.
    ax : two matplotlib.axes.Axes, optional
        For relevance and input; a new figure without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (2,)

    Raises
    ------
    InputError
        If the shares are missing or the number of axes is not two.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> one = (("signal", "group", "vowel", "measure"), np.ones((2, 1, 1, 3)))
    >>> result = xr.Dataset({"share": one}, {"signal": ["input", "relevance"], "group": ["men"], "vowel": ["ah"],
    ...                                      "measure": ["F0", "F1", "F2"]})
    >>> [ax.get_title() for ax in vowels(result, Figure().subplots(2))]
    ['found in the relevance (%)', 'found in the input (%)']
    """
    result = having(result, ["share"])
    rows = result.sizes["measure"] * result.sizes["group"]
    if ax is None:
        ax = make_grid(2, 1, height=2 * (0.5 + 0.16 * rows), sharex=True)
    axes = np.asarray(ax, dtype=object).ravel()
    if axes.size != 2:
        raise InputError(f"the vowels are drawn on two axes; {axes.size} were given. Pass two, or none.")
    for one, signal in zip(axes, ("relevance", "input"), strict=True):
        _shares(one, 100 * result["share"].sel(signal=signal).transpose("measure", "group", "vowel"))
        one.set_title(f"found in the {signal} (%)", fontsize=one.xaxis.label.get_fontsize())
    axes[1].set_xlabel("vowel")
    return axes


def _shares(ax: Axes, share: xr.DataArray) -> None:
    measures, groups = share["measure"].values, share["group"].values
    values = share.values.reshape(-1, share.sizes["vowel"])
    ax.pcolormesh(values, cmap=COLOUR_MAP, vmin=0, vmax=100, rasterized=True)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            ax.text(column + 0.5, row + 0.5, f"{value:.0f}", fontsize=small_size(ax), ha="center", va="center",
                    color="black" if value > 60 else "white")  # fmt: skip
    for edge in range(len(groups), len(values), len(groups)):
        ax.axhline(edge, color="white", linewidth=1.5)
    ax.set_yticks(np.arange(len(values)) + 0.5, [f"{measure} {group}" for measure in measures for group in groups])
    ax.set_xticks(np.arange(values.shape[1]) + 0.5, share["vowel"].values.tolist())
    ax.tick_params(length=0)
    ax.invert_yaxis()
