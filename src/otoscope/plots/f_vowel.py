"""The picture of the filters that fire most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import (
    INPUT_COLOUR,
    RELEVANCE_COLOUR,
    frequency_name,
    frequency_unit,
    say_silent,
    two_panels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BARS = 20


def f_vowel(result: xr.Dataset, axes: Axes | Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw the mean response of the filters that fire most, and how often filters fire.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.f_vowel.f_vowel`, of one clip.
    axes : one or two matplotlib.axes.Axes, optional
        For the response alone, or for it and the filters; a new figure with two rows without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing, or the number of axes is neither one nor two.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from otoscope.methods.f_vowel import f_vowel as measure
    >>> from otoscope.subject import Subject
    >>> result = measure(Subject("vowel-name"), np.sin(np.arange(8000)))
    >>> [ax.get_ylabel() for ax in f_vowel(result, Figure().subplots(2))]
    ['response (a.u.)', 'frames (%)']
    """
    result = having(result, ["f_vowel", "firing", "taken"])
    axes = two_panels(axes, height=3.0, ratios=(1.5, 1))
    frequency = np.asarray(result["frequency"], dtype=float)
    divisor, unit = frequency_unit(float(frequency.max()))
    mean = finite(result["f_vowel"], "the mean response")
    axes[0].plot(frequency / divisor, mean, color=RELEVANCE_COLOUR, linewidth=1)
    axes[0].set(
        xlabel=f"{frequency_name(result)} ({unit})", ylabel="response (a.u.)", ylim=(0, 1.08 * (mean.max() or 1))
    )
    axes[0].margins(x=0)
    if not result["firing"].any():
        say_silent(axes[0], color="black", text="silence, in which no filter fires")
    if axes.size == 2:
        share = result["firing"].values
        most = share.argsort(kind="stable")[::-1][: min(_MOST_BARS, max(5, np.count_nonzero(share)))]
        taken = result["taken"].values[most] > 0
        colours = [RELEVANCE_COLOUR if one else INPUT_COLOUR for one in taken]
        axes[1].bar(np.arange(most.size), 100 * share[most], color=colours)
        names = [str(result["kernel"].values[number]) for number in most]
        axes[1].set_xticks(np.arange(most.size), names, rotation=90 if most.size > 10 else 0)
        axes[1].set(xlabel="filter (dark: taken)", ylabel="frames (%)")
    return axes
