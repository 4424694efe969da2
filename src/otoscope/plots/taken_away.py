"""Picture of what a model answers without parts of a sound: by which margin, beside other parts as large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.checks import having
from otoscope.plots.drawing import AGAINST_COLOUR, FOR_COLOUR, INPUT_COLOUR, legend_above, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKS = {"equal width": "o", "equal energy": "D"}


def taken_away(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the margin of the answer without the focus of a relevance, and without other parts as large.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.trust.taken_away.taken_away`, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes
        Grey what other parts leave of the margin, coloured what the focus does; the dashed line is the whole sound.
        Below 0 the answer is another.

    Raises
    ------
    InputError
        If the margins are missing.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> places = (("domain", "control", "place"), np.ones((2, 2, 3)))
    >>> result = xr.Dataset({"taken_margin": ("domain", [1.0, -2.0]), "elsewhere_place_margin": places, "margin": 3.0},
    ...                     {"domain": ["time", "band"], "control": ["equal width", "equal energy"]})
    >>> taken_away(result, Figure().subplots()).get_ylabel()
    'margin of the answer (logit)'
    """
    result = having(result, ["taken_margin", "elsewhere_place_margin", "margin"])
    ax = make_axes(ax, height=2.0)
    domains, kinds = (result[name].values.tolist() for name in ("domain", "control"))
    for place, kind in enumerate(kinds):
        shift = 0.2 + 0.2 * place
        margins = result["elsewhere_place_margin"].isel(control=place).transpose("domain", "place").values
        across = np.arange(len(domains))[:, None] + shift + np.linspace(-0.06, 0.06, margins.shape[1])
        ax.plot(
            across.ravel(), margins.ravel(), _MARKS.get(kind, "o"), color=INPUT_COLOUR, ms=2.5, mew=0,
            label=kind, linestyle="",
        )  # fmt: skip
    taken = result["taken_margin"].values
    colours = [AGAINST_COLOUR if margin < 0 else FOR_COLOUR for margin in taken]
    ax.scatter(np.arange(len(domains)), taken, s=26, c=colours, label="focus", zorder=3)
    whole = float(result["margin"])
    if np.isfinite(whole):
        ax.axhline(whole, color="black", linewidth=0.6, linestyle="--")
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set_xticks(np.arange(len(domains)) + 0.2, [f"without this {name}" for name in domains])
    kind = result.attrs.get("score_kind", "logit")
    ax.set(ylabel=f"margin of the answer ({kind})", xlim=(-0.3, len(domains) - 0.3), xlabel="what is taken away")
    legend_above(ax, columns=3)
    if not np.isfinite(taken).any():
        ax.text(0.5, 0.5, "no answer to compare", transform=ax.transAxes, ha="center", va="center", fontsize=7)
    return ax
