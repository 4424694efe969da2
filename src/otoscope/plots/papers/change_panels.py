"""How fast filters change in a training, networks side by side: SimpleNet Fig. 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.change_rate import change_rate
from otoscope.plots.checks import having
from otoscope.plots.drawing import small_size
from otoscope.plots.papers.panels import grid, head_columns, named, only_outer
from otoscope.plots.style import StyleName, styled


def change_panels(
    results: Mapping[str, xr.Dataset],
    *,
    most: int = 6,
    variable: Literal["change_rate", "change"] = "change_rate",
    style: StyleName | None = "paper",
) -> np.ndarray:
    """Draw the change rate of the filters of the first layers of each network over the iterations of its training.

    Parameters
    ----------
    results : mapping of str to xarray.Dataset
        By the name of a network, what :meth:`otoscope.training.ChangeRate.result` returned.
    most : int
        How many layers of each at most, from the first on; how many there are stands above a panel that has more.
    variable : {"change_rate", "change"}
        The mean change rate of single weights, as published, or the change of all weights of a layer together.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (1, networks)
        On one scale.

    Raises
    ------
    InputError
        If there is no network, `most` is below 1, or a result lacks what is drawn.

    Notes
    -----
    Fig. 4 of SimpleNet: the first six layers of SoundNet, and the one of SimpleNet.

    Examples
    --------
    >>> rates = xr.Dataset({"change_rate": (("iteration", "layer"), np.ones((3, 1)))}, coords={"layer": ["conv1"]})
    >>> change_panels({"SoundNet": rates, "SimpleNet": rates}).shape
    (1, 2)
    """
    if most < 1:
        raise InputError(f"most has to be 1 or more, not {most}")
    networks = {name: having(one, (variable,)) for name, one in named(results, "trainings").items()}
    with styled(style):
        axes = grid(1, len(networks), height=2.2, wide=True, sharey=True)
        heads = []
        for ax, (name, one) in zip(axes[0], networks.items(), strict=True):
            count = one.sizes["layer"]
            change_rate(one.isel(layer=slice(most)), ax, variable=variable)
            if ax.get_legend():
                ax.legend(
                    fontsize=small_size(ax),
                    framealpha=0.8,
                    edgecolor="none",
                    ncols=2,
                    handlelength=1.4,
                    labelspacing=0.25,
                )
            heads.append(name + (f" (layers 1 to {most} of {count})" if count > most else ""))
        head_columns(axes, heads)
        only_outer(axes)
    return axes
