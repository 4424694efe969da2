"""Pictures of the voice in a sound and in its relevance: F0, formants, LP spectra, autocorrelation, vowels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import xarray as xr

from otoscope.drawing import (
    COLOUR_MAP,
    INPUT_COLOUR,
    RELEVANCE_COLOUR,
    decibels,
    frequency_unit,
    legend_above,
    make_axes,
    make_grid,
    mark_frequencies,
    say_silent,
    small_size,
)
from otoscope.errors import InputError
from otoscope.plots.checks import finite, having

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"input": INPUT_COLOUR, "relevance": RELEVANCE_COLOUR}
_RANGE = 60.0


def voice_contours(result: xr.Dataset, ax: Axes | None = None, *, of: str = "f0") -> Axes:
    """Draw the contour of F0, or the tracks of the formants, of the input and of the relevance.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.voice`, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    of : {"f0", "formants"}
        Which.

    Returns
    -------
    matplotlib.axes.Axes
        The segment of the spectra is shaded.

    Raises
    ------
    InputError
        If the contours are missing.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> one = (("signal", "frame_time"), [[120.0, 121.0], [119.0, np.nan]])
    >>> result = xr.Dataset({"f0": one, "start": 0.0, "stop": 0.01},
    ...                     {"signal": ["input", "relevance"], "frame_time": [0.0, 0.01]})
    >>> voice_contours(result, Figure().subplots()).get_ylabel()
    'F0 (Hz)'
    """
    if of not in ("f0", "formants"):
        raise InputError(f"contours are drawn of f0 or formants, not of {of!r}")
    result = having(result, [of, "start", "stop"])
    ax = make_axes(ax, height=1.5)
    time = "frame_time" if of == "f0" else "formant_time"
    divisor, unit = (1.0, "Hz") if of == "f0" else (1000.0, "kHz")
    ax.axvspan(float(result["start"]), float(result["stop"]), color="#ececec", linewidth=0, zorder=0)
    for signal, colour in _COLOURS.items():
        size = 3.5 if signal == "input" else 2.0  # that of the input shows around that of the relevance
        values = result[of].sel(signal=signal).transpose(time, ...).values / divisor
        label = [signal] if values.ndim == 1 else [signal] + [None] * (values.shape[1] - 1)
        for contour, name in zip(values.reshape(len(values), -1).T, label, strict=True):
            ax.plot(result[time], contour, "o", color=colour, ms=size, mew=0, label=name)
    ax.set(xlabel="time (s)", ylabel=f"{'F0' if of == 'f0' else 'formant'} ({unit})")
    if "time" in result.sizes and "sample_rate" in result.attrs:
        ax.set_xlim(0, result.sizes["time"] / result.attrs["sample_rate"])
    heard = result[of].values[np.isfinite(result[of].values)] / divisor
    if heard.size:
        low, high = (0.8 * heard.min(), 1.15 * heard.max()) if of == "f0" else (0.0, 1.08 * heard.max())
        ax.set_ylim(low, high)
    else:
        say_silent(ax, color="black", text="no voice")
    legend_above(ax)
    return ax


def voice_spectrum(
    result: xr.Dataset, ax: Axes | None = None, *, of: str = "relevance", dynamic_range: float = _RANGE
) -> Axes:
    """Draw the spectrum of the segment under its envelope and its LP spectrum, with the formants marked.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.voice`, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    of : {"relevance", "input"}
        Which signal.
    dynamic_range : float
        Range shown, in dB below the peak of the spectrum.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If a spectrum or the signal is missing.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> one = (("signal", "frequency"), np.ones((2, 3)))
    >>> result = xr.Dataset({"spectrum": one, "envelope": one, "lp_spectrum": one},
    ...                     {"signal": ["input", "relevance"], "frequency": [0.0, 2000.0, 4000.0]})
    >>> voice_spectrum(result, Figure().subplots()).get_xlabel()
    'frequency (kHz)'
    """
    result = having(result, ["spectrum", "envelope", "lp_spectrum"])
    if of not in result["signal"].values.tolist():
        raise InputError(f"there is no spectrum of {of!r}; draw input or relevance")
    one = result.sel(signal=of)
    ax = make_axes(ax, height=1.8)
    frequency = np.asarray(one["frequency"], dtype=float)
    divisor, unit = frequency_unit(float(frequency.max()))
    peak = float(one["spectrum"].max()) or 1.0
    curves = (
        (of, "spectrum", "-", 0.6, "#b9b9b9"),
        ("envelope", "envelope", "-", 1.0, RELEVANCE_COLOUR if of == "relevance" else "#4d4d4d"),
        ("linear prediction", "lp_spectrum", "--", 1.0, "#fc8961"),
    )
    for label, name, line, width, colour in curves:
        levels = decibels(finite(one[name], f"the {name}"), dynamic_range, reference=peak)
        ax.plot(frequency / divisor, levels, line, color=colour, linewidth=width, label=label)
    ax.set(xlabel=f"frequency ({unit})", ylabel="level (dB re peak)", ylim=(-dynamic_range, 12))
    ax.set_xlim(0, frequency.max() / divisor)
    marks = {}
    if "median_formants" in one:
        found = one["median_formants"].values / divisor
        marks = {f"F{n}": value for n, value in enumerate(found, 1) if np.isfinite(value)}
    rows = mark_frequencies(ax, marks)
    ax.legend(fontsize=small_size(ax), frameon=False, ncols=3, loc="lower right", handlelength=1.4, columnspacing=1.0,
              bbox_to_anchor=(1, 1.0 + 0.1 * rows), borderaxespad=0, borderpad=0.2)  # fmt: skip
    if not one["spectrum"].values.any():
        say_silent(ax, color="black", text="no relevance" if of == "relevance" else "silence")
    return ax


def voice(result: xr.Dataset, axes: Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw F0, formants and spectra of the input and of the relevance.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.voice`, of one clip.
    axes : four matplotlib.axes.Axes, optional
        For F0, formants, the spectra of the input and those of the relevance; a new figure without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (4,)

    Raises
    ------
    InputError
        If the number of axes is not four, or something is missing.
    """
    axes = make_grid(4, 1, height=6.6).ravel() if axes is None else np.asarray(axes, dtype=object).ravel()
    if axes.size != 4:
        raise InputError(f"the voice is drawn on four axes; {axes.size} were given. Pass four, or none.")
    voice_contours(result, axes[0])
    voice_contours(result, axes[1], of="formants")
    voice_spectrum(result, axes[2], of="input")
    voice_spectrum(result, axes[3], of="relevance")
    return cast(np.ndarray, axes)


def autocorrelation(result: xr.Dataset, ax: Axes | None = None, *, longest: float = 0.025) -> Axes:
    """Draw the autocorrelation of a segment of the input and of the relevance.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.autocorrelation`, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    longest : float
        Longest lag shown, in s.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If it is missing.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> one = (("signal", "lag"), [[1.0, 0.5], [1.0, 0.2]])
    >>> result = xr.Dataset({"autocorrelation": one}, {"signal": ["input", "relevance"], "lag": [0.0, 0.001]})
    >>> autocorrelation(result, Figure().subplots()).get_xlabel()
    'lag (ms)'
    """
    result = having(result, ["autocorrelation"])
    shown = result["autocorrelation"].sel(lag=result["lag"] <= longest)
    ax = make_axes(ax, height=1.7)
    ax.axhline(0, color="black", linewidth=0.4)
    for (signal, colour), width in zip(_COLOURS.items(), (1.8, 0.9), strict=True):  # where both agree, both show
        curve = finite(shown.sel(signal=signal), "the autocorrelation")
        ax.plot(1000 * shown["lag"], curve, color=colour, linewidth=width, label=signal)
    ax.set(xlabel="lag (ms)", ylabel="autocorrelation", ylim=(-1.05, 1.05))
    ax.margins(x=0)
    legend_above(ax)
    return ax


def vowel_protocol(result: xr.Dataset, axes: Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw the shares of vowels whose F0, F1 and F2 are right, of the relevance and of the input.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.vowel_protocol`.
    axes : two matplotlib.axes.Axes, optional
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
    >>> [ax.get_title() for ax in vowel_protocol(result, Figure().subplots(2))]
    ['right in the relevance (%)', 'right in the input (%)']
    """
    result = having(result, ["share"])
    rows = result.sizes["measure"] * result.sizes["group"]
    if axes is None:
        axes = make_grid(2, 1, height=2 * (0.5 + 0.16 * rows), sharex=True)
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != 2:
        raise InputError(f"the vowels are drawn on two axes; {axes.size} were given. Pass two, or none.")
    for ax, signal in zip(axes, ("relevance", "input"), strict=True):
        _shares(ax, 100 * result["share"].sel(signal=signal).transpose("measure", "group", "vowel"))
        ax.set_title(f"right in the {signal} (%)", fontsize=ax.xaxis.label.get_fontsize())
    axes[1].set_xlabel("vowel")
    return cast(np.ndarray, axes)


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
