"""The picture of a classification by response spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import LINE_STYLES, frequency_name, frequency_unit, legend_above, small_size, two_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = np.ndarray[Any, Any]


def crs_classifier(result: xr.Dataset, axes: Axes | Sequence[Axes] | Array | None = None) -> Array:
    """Draw the accuracy of each group, and how far the classes differ over frequency.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.crs_classifier.crs_classifier`.
    axes : two matplotlib.axes.Axes, optional
        For accuracies and effect; a new figure with two rows without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing or not finite, or the number of axes is not two.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> names = ("accuracy", "accuracy_deviation", "balanced_accuracy", "chance")
    >>> result = xr.Dataset(
    ...     {name: ("group", [0.5]) for name in names},
    ...     {"group": ["all"], "frequency": [0.0, 4000.0]}, {"classes": "a, b"})
    >>> for name, value in (("effect", 0.5), ("effect_ci_low", 0.1), ("effect_ci_high", 0.9)):
    ...     result[name] = "frequency", [value, value]
    >>> result["effect_chance"] = 0.3
    >>> accuracies, effect = crs_classifier(result, Figure().subplots(2))
    >>> accuracies.get_xlabel(), effect.get_ylabel()
    ('accuracy (%)', "Cohen's d")
    """
    result = having(
        result,
        ["accuracy", "accuracy_deviation", "chance", "effect", "effect_ci_low", "effect_ci_high", "effect_chance"],
    )
    axes = two_panels(axes, height=3.8, ratios=(1, 1.8), both=True)
    _accuracies(result, axes[0])
    _effect(result, axes[1])
    return axes


def _accuracies(result: xr.Dataset, ax: Axes) -> None:
    groups = [str(group) for group in result["group"].values]
    place = np.arange(len(groups))
    accuracy = 100 * finite(result["accuracy"], "the accuracy")
    colour, _ = LINE_STYLES[0]
    ax.barh(
        place, accuracy, 0.6, color=colour, alpha=0.35, xerr=100 * result["accuracy_deviation"].values, ecolor=colour
    )
    chance = 100 * finite(result["chance"], "the chance")
    ax.plot(chance, place, "|", color="black", markersize=8, linestyle="none", label="commonest class")
    ax.plot(
        100 * finite(result["balanced_accuracy"], "the accuracy"), place, "o", color=LINE_STYLES[1][0], markersize=4,
        linestyle="none", label="balanced accuracy",
    )  # fmt: skip
    ax.set_yticks(place, groups)
    ax.set(xlim=(0, 103), xlabel="accuracy (%)", ylim=(len(groups) - 0.4, -0.6))
    legend_above(ax)


def _effect(result: xr.Dataset, ax: Axes) -> None:
    divisor, unit = frequency_unit(float(result["frequency"].max()))
    frequency = result["frequency"].values / divisor
    colour, line = LINE_STYLES[0]
    ax.fill_between(frequency, result["effect_ci_low"], result["effect_ci_high"], color=colour, alpha=0.25, linewidth=0)
    ax.plot(frequency, finite(result["effect"], "the effect"), line, color=colour, linewidth=1.1)
    two = len(str(result.attrs.get("classes", "")).split(", ")) == 2
    chance = float(result["effect_chance"])
    for level in (chance, -chance) if two else (chance,):
        ax.axhline(level, color="black", linestyle=":", linewidth=0.8, label="chance" if level > 0 else None)
    if two:
        ax.axhline(0, color="black", linewidth=0.6)
    else:
        ax.set_ylim(0, 1)
    ax.legend(loc="best", fontsize=small_size(ax))
    ax.set(xlabel=f"{frequency_name(result)} ({unit})", ylabel="Cohen's d" if two else "η² of the classes")
    ax.margins(x=0)
