"""Pictures of what the first layer makes of one frame, and of the filters that fire most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.drawing import (
    INPUT_COLOUR,
    LINE_STYLES,
    RELEVANCE_COLOUR,
    decibels,
    frequency_unit,
    make_grid,
    say_silent,
    small_size,
)
from otoscope.errors import InputError
from otoscope.plots.checks import finite, having

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RANGE = 50.0
_MOST_BARS = 20


def frame_response(
    result: xr.Dataset, axes: Axes | Sequence[Axes] | np.ndarray | None = None, *, dynamic_range: float = _RANGE
) -> np.ndarray:
    """Draw the response of the first layer to one frame over the spectrum of the frame.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.frame_response`, of one clip.
    axes : one or two matplotlib.axes.Axes, optional
        For the spectra alone, or for the frame in time and the spectra; a new figure with two rows without them.
    dynamic_range : float
        Range shown, in dB below the peak of each curve.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a quantity is missing, or the number of axes is neither one nor two.

    Examples
    --------
    >>> import otoscope, torch
    >>> from matplotlib.figure import Figure
    >>> result = otoscope.Scope(otoscope.load("vowel-name")).frame_response(torch.randn(8000), time=0.25)
    >>> [ax.get_xlabel() for ax in frame_response(result, Figure().subplots(2))]
    ['time from 0.250 s (ms)', 'frequency (kHz)']
    """
    result = having(result, ["response", "spectrum", "cumulative_response", "input", "frame_time"])
    axes = _one_or_two(axes, 3.2, [1, 2])
    frequency = np.asarray(result["frequency"], dtype=float)
    divisor, unit = frequency_unit(float(frequency.max()))
    spectra = axes[-1]
    curves = (
        ("spectrum of the frame", result["spectrum"], INPUT_COLOUR, "-"),
        ("response of the layer", result["response"], RELEVANCE_COLOUR, "-"),
        ("cumulative response", result["cumulative_response"], LINE_STYLES[2][0], LINE_STYLES[2][1]),
    )
    for label, curve, colour, line in curves:
        levels = decibels(finite(curve, f"the {label}"), dynamic_range)
        spectra.plot(frequency / divisor, levels, line, color=colour, linewidth=1, label=label)
    spectra.set(xlabel=f"frequency ({unit})", ylabel="level (dB re own peak)", ylim=(-dynamic_range, 3))
    spectra.margins(x=0)
    if not result["input"].any():
        say_silent(spectra, color="black")
    spectra.legend(fontsize=small_size(spectra), frameon=False, ncols=2, loc="lower center",
                   bbox_to_anchor=(0.5, 1.0), borderaxespad=0.1, handlelength=1.5)  # fmt: skip
    if axes.size == 2:
        axes[0].plot(1000 * result["lag"], result["input"], color=LINE_STYLES[0][0], linewidth=0.8)
        axes[0].set(xlabel=f"time from {float(result['frame_time']):.3f} s (ms)", ylabel="amplitude")
        axes[0].margins(x=0)
    return axes


def f_vowel(result: xr.Dataset, axes: Axes | Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw the mean response of the filters that fire most, and how often filters fire.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.f_vowel`, of one clip.
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
    >>> import otoscope, torch
    >>> from matplotlib.figure import Figure
    >>> result = otoscope.Scope(otoscope.load("vowel-name")).f_vowel(torch.randn(8000))
    >>> [ax.get_ylabel() for ax in f_vowel(result, Figure().subplots(2))]
    ['response (a.u.)', 'frames (%)']
    """
    result = having(result, ["f_vowel", "firing", "taken"])
    axes = _one_or_two(axes, 3.0, [1.5, 1])
    frequency = np.asarray(result["frequency"], dtype=float)
    divisor, unit = frequency_unit(float(frequency.max()))
    mean = finite(result["f_vowel"], "the mean response")
    axes[0].plot(frequency / divisor, mean, color=RELEVANCE_COLOUR, linewidth=1)
    axes[0].set(xlabel=f"frequency ({unit})", ylabel="response (a.u.)", ylim=(0, 1.08 * (mean.max() or 1)))
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


def _one_or_two(axes: Axes | Sequence[Axes] | np.ndarray | None, height: float, ratios: Sequence[float]) -> np.ndarray:
    if axes is None:
        axes = make_grid(2, 1, height=height)
        axes[0, 0].get_gridspec().set_height_ratios(ratios)
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size not in (1, 2):
        raise InputError(f"one or two axes are needed; {axes.size} were given. Pass two, or none.")
    return axes
