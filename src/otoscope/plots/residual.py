"""Pictures of residual sounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having, one_clip, rate_of
from otoscope.plots.drawing import COLUMN_WIDTH, draw_colorbar, label_outside, make_grid
from otoscope.plots.sound import spectrogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def residual(result: xr.Dataset, ax: Axes | Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw the spectrogram of what is left of a sound without the most active map of each layer.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.residual.residual` returned, of one clip.
    ax : sequence of matplotlib.axes.Axes, optional
        One for each layer; a new figure without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (layers,)

    Raises
    ------
    InputError
        If the number of axes is not that of the layers.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> rest = xr.Dataset({"residual": (("layer", "time"), np.ones((1, 800)))}, {"layer": ["conv1"]},
    ...                   {"sample_rate": 8000})
    >>> residual(rest, [Figure().subplots()])[0].get_title()
    'conv1'
    """
    result = having(result, ["residual"])
    sounds = one_clip(result["residual"])
    if sounds.dims[0] != "layer":
        raise InputError(f"a picture needs the dimensions ('layer', 'time'); the result has {tuple(sounds.dims)}.")
    count = sounds.sizes["layer"]
    axes = _grid(count) if ax is None else np.asarray(ax, dtype=object).ravel()
    if axes.size != count:
        raise InputError(f"{count} layers need as many axes; {axes.size} were given.")
    for place, (panel, one) in enumerate(zip(axes, sounds, strict=True)):
        spectrogram(one, panel, sample_rate=rate_of(result), colorbar=False)
        without = f", without map {int(result['channel'][place])}" if "channel" in result else ""
        panel.set_title(f"{one['layer'].item()}{without}", fontsize=panel.xaxis.label.get_fontsize())
    label_outside(axes)
    draw_colorbar(axes[0].collections[0], axes[0], "level (dB re peak of each)", beside=axes.tolist())
    return axes


def _grid(count: int) -> np.ndarray:
    columns = min(3, count)
    rows = -(-count // columns)
    width = COLUMN_WIDTH if columns < 3 else 2 * COLUMN_WIDTH
    axes = make_grid(rows, columns, width=width, height=0.5 + 1.6 * rows).ravel()
    for spare in axes[count:]:
        spare.remove()
    return axes[:count]
