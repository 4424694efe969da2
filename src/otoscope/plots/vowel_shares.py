"""Picture of where relevance lies in many vowels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.checks import having
from otoscope.plots.drawing import legend_above, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = (("#b73779", "o"), ("#000004", "s"), ("#8c8c8c", "D"))


def vowel_shares(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the shares of the relevance at the places of a vowel's spectrum, with the 95 % intervals of their means.

    Parameters
    ----------
    result : xarray.Dataset
        Of :func:`otoscope.demo.vowel_shares`, with mean_share, ci_low and ci_high (listener, place).
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the result holds no such means.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> one = (("listener", "place"), [[0.5]])
    >>> result = xr.Dataset({"mean_share": one, "ci_low": one, "ci_high": one}, {"listener": ["ear"], "place": ["F0"]})
    >>> vowel_shares(result, Figure().subplots()).get_xlabel()
    'share of energy (%)'
    """
    result = having(result, ["mean_share", "ci_low", "ci_high"])
    ax = make_axes(ax, height=1.7)
    rows = np.arange(result.sizes["listener"])
    for index, place in enumerate(result["place"].values):
        colour, marker = _MARKERS[index % len(_MARKERS)]
        mean, low, high = (100 * result[key].sel(place=place).values for key in ("mean_share", "ci_low", "ci_high"))
        ax.errorbar(
            mean, rows, xerr=[mean - low, high - mean], fmt=marker, color=colour, markersize=3.5, elinewidth=1,
            capsize=2, label=f"at {place}",
        )  # fmt: skip
    ax.set_yticks(rows, [str(name) for name in result["listener"].values])
    ax.set(xlabel="share of energy (%)", xlim=(0, 103), ylim=(rows.size - 0.5, -0.5))
    legend_above(ax, columns=3)
    return ax
