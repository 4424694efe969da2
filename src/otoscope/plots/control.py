"""Picture of the control of a relevance: its map, and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import DYNAMIC_RANGE, draw_mesh, draw_signed_mesh, label_outside, make_grid, say_silent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAPS = ("relevance_map", "other_map", "random_map", "sound_map")


def control(result: xr.Dataset, axes: Sequence[Axes] | np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    """Draw the map of a relevance, that of another class, that of random weights, and the sound.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.trust.control.control`, of one clip.
    axes : sequence of four matplotlib.axes.Axes, optional
        Where to draw; a new figure without them.

    Returns
    -------
    numpy.ndarray of Axes, (4,)
        Above each its correlation with the first map.

    Raises
    ------
    InputError
        If a map is missing, or there are not four axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> cells = (("frame_frequency", "frame_time"), np.ones((2, 3)))
    >>> numbers = {"control_runner_up": 0.9, "control_random": 0.5, "control_random_low": 0.4,
    ...            "control_random_high": 0.6, "control_sound": 0.3}
    >>> result = xr.Dataset({"relevance_map": cells, "other_map": cells, "random_map": cells, "sound_map": cells,
    ...                      **numbers, "other": "6", "class_name": "7"},
    ...                     {"frame_frequency": [0.0, 4000.0], "frame_time": [0.0, 0.01, 0.02]})
    >>> [ax.get_title() for ax in control(result, Figure().subplots(2, 2).ravel())]
    ['7', '6: r = 0.90', 'random: r = 0.50 (0.40 to 0.60)', 'sound: r = 0.30']
    """
    result = having(result, [*MAPS, "control_runner_up", "control_random", "control_sound"])
    axes = make_grid(2, 2, height=3.4).ravel() if axes is None else np.asarray(axes, dtype=object).ravel()
    if axes.size != len(MAPS):
        raise InputError(f"a control is drawn on four axes; {axes.size} were given: pass four, or none.")
    frequency, time = (np.asarray(result[dim], dtype=float) for dim in ("frame_frequency", "frame_time"))
    for name, title, ax in zip(MAPS, _titles(result), axes, strict=True):
        cells = np.asarray(result[name].transpose("frame_frequency", "frame_time"), dtype=float)
        known = bool(np.isfinite(cells).all())
        shown = np.nan_to_num(cells)
        if name != "sound_map" and result.attrs.get("form") == "product":
            draw_signed_mesh(ax, shown, frequency, time, colorbar=False, silence="")
        else:
            draw_mesh(ax, shown, frequency, time, dynamic_range=DYNAMIC_RANGE, colorbar=False, silence="")
        if not shown.any():
            dark = not (name != "sound_map" and result.attrs.get("form") == "product")
            say_silent(ax, color="white" if dark else "black", text="silence" if known else "not known")
        ax.set_title(title, fontsize=7)
    label_outside(axes)
    return axes


def _titles(result: xr.Dataset) -> list[str]:
    """What each map is of, with its correlation."""

    def r(name: str) -> str:
        value = float(result[name])
        return f"{value:.2f}" if np.isfinite(value) else "not known"

    other = str(result["other"].item()) or "another class"
    random = f"random: r = {r('control_random')}"
    if np.isfinite(result["control_random"]):
        random += f" ({r('control_random_low')} to {r('control_random_high')})"
    own = str(result["class_name"].item()) if "class_name" in result else "relevance"
    titles = [own, f"{other}: r = {r('control_runner_up')}", random, f"sound: r = {r('control_sound')}"]
    return [title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…" for title in titles]


_LONGEST = 34  # letters above half a column
