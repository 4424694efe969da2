"""Pictures of the voice in a sound and in its relevance: F0, formants and spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from otoscope.dsp.gating import loud_frames, voiced_frames
from otoscope.errors import InputError
from otoscope.plots.checks import finite, having
from otoscope.plots.drawing import (
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

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"input": INPUT_COLOUR, "relevance": RELEVANCE_COLOUR}
_RANGE = 60.0
GATE = 30.0
"""Frames that are so many dB below the loudest of their signal are not drawn."""


def voice_contours(
    result: xr.Dataset,
    ax: Axes | None = None,
    *,
    of: Literal["f0", "formants"] = "f0",
    gate: float | None = GATE,
) -> Axes:
    """Draw the contour of F0, or the tracks of the formants, of the input and of the relevance.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.voice.voice`, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    of : {"f0", "formants"}
        Which.
    gate : float, optional
        Frames in which a signal is more than so many dB below its own loudest one are left out, and formants also where
        it has no F0: Praat finds formants in anything, and those of near silence run in flat lines. None draws all.

    Returns
    -------
    matplotlib.axes.Axes
        The segment of the spectra is shaded. Below the axis of time stands how many frames were left out, and why.

    Raises
    ------
    InputError
        If the contours are missing, or the gate is not positive.

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
    shown = result[of] if gate is None else gated(result, of, gate)
    for signal, colour in COLOURS.items():
        size = 3.5 if signal == "input" else 2.0  # that of the input shows around that of the relevance
        values = shown.sel(signal=signal).transpose(time, ...).values / divisor
        label = [signal] if values.ndim == 1 else [signal] + [None] * (values.shape[1] - 1)
        for contour, name in zip(values.reshape(len(values), -1).T, label, strict=True):
            ax.plot(result[time], contour, "o", color=colour, ms=size, mew=0, label=name)
    ax.set(
        xlabel="time (s)" + _left_out(result[of], shown, gate), ylabel=f"{'F0' if of == 'f0' else 'formant'} ({unit})"
    )
    if "time" in result.sizes and "sample_rate" in result.attrs:
        ax.set_xlim(0, result.sizes["time"] / result.attrs["sample_rate"])
    known = shown.values[np.isfinite(shown.values)] / divisor
    if known.size:
        low, high = (0.8 * known.min(), 1.15 * known.max()) if of == "f0" else (0.0, 1.08 * known.max())
        ax.set_ylim(low, high)
    else:
        say_silent(ax, color="black", text="no voice")
    legend_above(ax)
    return ax


def gated(result: xr.Dataset, of: str, gate: float) -> xr.DataArray:
    """The F0 or formants of a voice, NaN where a signal is too quiet, and formants also where it has no F0.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.voice.voice`, of one clip.
    of : {"f0", "formants"}
        Which.
    gate : float
        In dB below the loudest frame of each signal.

    Returns
    -------
    xarray.DataArray
        Of the same shape. Without the waveforms in the result nothing is too quiet.

    Raises
    ------
    InputError
        If the gate is not positive.
    """
    time = "frame_time" if of == "f0" else "formant_time"
    times, contours = result[time].values, result[of].copy()
    for signal in result["signal"].values.tolist():
        keep = np.ones(times.size, dtype=bool)
        if "waveform" in result:
            keep &= loud_frames(result["waveform"].sel(signal=signal), float(result.attrs["sample_rate"]), times, gate)
        if of == "formants" and "f0" in result:
            keep &= voiced_frames(result["f0"].sel(signal=signal), result["frame_time"].values, times)
        contours.loc[{"signal": signal, time: ~keep}] = np.nan
    return contours


def _left_out(contours: xr.DataArray, shown: xr.DataArray, gate: float | None) -> str:
    """A line on how many frames of the relevance were measured and are not drawn, and why."""
    lost = (contours.notnull() & shown.isnull()).sel(signal="relevance")
    count = int(lost.any("formant").sum() if "formant" in lost.dims else lost.sum())
    if not count:
        return ""
    why = f"more than {gate:g} dB below the loudest" + (", or without F0" if "formant" in contours.dims else "")
    return f"\nnot drawn of the relevance: {count} frames\n{why}"


def voice_spectrum(
    result: xr.Dataset,
    ax: Axes | None = None,
    *,
    of: Literal["relevance", "input"] = "relevance",
    dynamic_range: float = _RANGE,
) -> Axes:
    """Draw the spectrum of the segment under its envelope and its LP spectrum, with the formants marked.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.voice.voice`, of one clip.
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


def voice(result: xr.Dataset, ax: Sequence[Axes] | np.ndarray[Any, Any] | None = None) -> np.ndarray[Any, Any]:
    """Draw F0, formants and spectra of the input and of the relevance.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.voice.voice`, of one clip.
    ax : four matplotlib.axes.Axes, optional
        For F0, formants, the spectra of the input and those of the relevance; a new figure without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (4,)

    Raises
    ------
    InputError
        If the number of axes is not four, or something is missing.
    """
    axes = make_grid(4, 1, height=6.6).ravel() if ax is None else np.asarray(ax, dtype=object).ravel()
    if axes.size != 4:
        raise InputError(f"the voice is drawn on four axes; {axes.size} were given. Pass four, or none.")
    voice_contours(result, axes[0])
    voice_contours(result, axes[1], of="formants")
    voice_spectrum(result, axes[2], of="input")
    voice_spectrum(result, axes[3], of="relevance")
    return axes
