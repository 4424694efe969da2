"""Pictures of relevance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import finite, frequency_by_time, having, only_dims, over_peak, rate_of, samples_of
from otoscope.plots.drawing import (
    AGAINST_COLOUR,
    COLUMN_WIDTH,
    DYNAMIC_RANGE,
    FOR_COLOUR,
    INPUT_COLOUR,
    RELEVANCE_COLOUR,
    decibels,
    draw_mesh,
    draw_samples,
    draw_signed_mesh,
    frequency_unit,
    legend_above,
    make_axes,
    make_grid,
    mark_frequencies,
    plain_ticks,
    pool_columns,
    pool_sums,
    say_silent,
    small_size,
)
from otoscope.plots.occlusion import occlusion
from otoscope.plots.segment_marks import mark_segments

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_SIGNED = 256  # sums over frequency, wide enough to be seen to both sides


def relevance_signal(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the relevance signal over the input, each divided by its own peak.

    Parameters
    ----------
    result : xarray.Dataset
        With relevance (time) and, if known, input (time). Segments are marked, if there are any.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the relevance is missing, has other dimensions or holds values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset({"relevance": ("time", np.sin(np.arange(80.0)))}, attrs={"sample_rate": 8000})
    >>> relevance_signal(result, Figure().subplots()).get_ylabel()
    'amplitude (re peak)'
    """
    result = _one_channel(having(result, ["relevance"]))
    ax = make_axes(ax, height=1.6)
    if "input" in result:
        samples, rate = samples_of(result["input"], rate_of(result))
        draw_samples(ax, over_peak(samples), rate, color=INPUT_COLOUR, label="input")
    samples, rate = samples_of(result["relevance"], rate_of(result))
    draw_samples(ax, over_peak(samples), rate, color=RELEVANCE_COLOUR, label="relevance", alpha=0.85)
    ax.set(xlabel="time (s)", ylabel="amplitude (re peak)", xlim=(0, samples.size / rate), ylim=(-1.1, 1.1))
    legend_above(ax, lift=mark_segments(ax, result, named=True))
    if not samples.any():
        say_silent(ax, color="black", height=0.75, text="no relevance")
    return ax


def relevance_spectrum(
    result: xr.Dataset,
    ax: Axes | None = None,
    *,
    marks: Mapping[str, float] | None = None,
    dynamic_range: float = DYNAMIC_RANGE,
) -> Axes:
    """Draw the relevance over frequency, over the spectrum of the input.

    Magnitudes are in dB below their own peak. A relevance that adds up is signed: it is drawn to both sides of 0, over
    its largest magnitude, and so is the amplitude of the input.

    Parameters
    ----------
    result : xarray.Dataset
        With relevance_spectrum (frequency) and, if known, input (time).
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    marks : mapping of str to float, optional
        Frequencies in Hz to mark with a vertical line, by name: ``{"F0": 120, "F1": 730}``.
    dynamic_range : float
        Range shown, in dB below the peak.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the spectrum is missing, has other dimensions or holds values that are not finite.

    Notes
    -----
    Bins of a long clip are pooled: magnitudes by their mean power, what is signed by its sum.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"relevance_spectrum": ("frequency", np.ones(5))}, {"frequency": np.linspace(0, 4000, 5)})
    >>> ax = relevance_spectrum(result, Figure().subplots(), marks={"F1": 500.0})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('frequency (kHz)', 'level (dB re own peak)')
    """
    result = _one_channel(having(result, ["relevance_spectrum"]))
    magnitude = finite(only_dims(result["relevance_spectrum"], "frequency"), "the relevance spectrum")
    frequency = np.asarray(result["frequency"], dtype=float)
    divisor, unit = frequency_unit(float(frequency.max()))
    ax = make_axes(ax, height=1.9)
    curves = [("relevance", magnitude, frequency, RELEVANCE_COLOUR)]
    if "input" in result:
        samples, rate = samples_of(result["input"], rate_of(result))
        bins = np.fft.rfftfreq(samples.size, 1 / rate)
        curves.insert(0, ("input", np.abs(np.fft.rfft(samples)), bins, INPUT_COLOUR))
    if signed(result):
        _to_both_sides(ax, {label: (values, bins / divisor) for label, values, bins, _ in curves})
    else:
        for label, values, bins, colour in curves:
            values, bins = pool_columns(values, bins)
            ax.plot(bins / divisor, decibels(values, dynamic_range), color=colour, linewidth=0.8, label=label)
        ax.set(ylabel="level (dB re own peak)", ylim=(-dynamic_range, 3))
    ax.set_xlabel(f"frequency ({unit})")
    ax.set_xlim(0, frequency.max() / divisor)
    rows = mark_frequencies(ax, {name: value / divisor for name, value in (marks or {}).items()})
    legend_above(ax, lift=0.085 * rows, columns=3)
    if not magnitude.any():
        say_silent(ax, color="black", text="no relevance")
    return ax


def relevance_spectrogram(
    result: xr.Dataset,
    ax: Axes | None = None,
    *,
    of: Literal["relevance_spectrogram", "input_spectrogram"] = "relevance_spectrogram",
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw the relevance over time and frequency.

    Magnitudes are in dB below their peak. A relevance that adds up is signed: colours run to both sides of 0, which
    is white, as far as the largest magnitude, and with the root of it.

    Parameters
    ----------
    result : xarray.Dataset
        With relevance_spectrogram (frame_frequency, frame_time).
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    of : {"relevance_spectrogram", "input_spectrogram"}
        Which one to draw: that of the relevance signal, or that of the input for comparison.
    dynamic_range : float
        Range shown, in dB below the peak.
    colorbar : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If it is missing, has other dimensions or holds values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"relevance_spectrogram": (("frame_frequency", "frame_time"), np.ones((2, 3)))},
    ...     {"frame_frequency": [0.0, 4000.0], "frame_time": [0.0, 0.01, 0.02]})
    >>> relevance_spectrogram(result, Figure().subplots()).get_xlabel()
    'time (s)'
    """
    result = _one_channel(having(result, [of]))
    values, frequency, time = frequency_by_time(result[of])
    ax = make_axes(ax)
    duration = result.sizes["time"] / rate if (rate := rate_of(result)) and "time" in result.sizes else None
    silence = "no relevance" if of == "relevance_spectrogram" else "silence"
    shown: dict[str, Any] = {"colorbar": colorbar, "duration": duration, "silence": silence}
    if of == "relevance_spectrogram" and signed(result):
        draw_signed_mesh(ax, values, frequency, time, label="relevance (re peak)", **shown)
    else:
        draw_mesh(ax, values, frequency, time, dynamic_range=dynamic_range, **shown)
    over_dark = of == "input_spectrogram" or not signed(result)
    mark_segments(ax, result, color="white" if over_dark else "black")
    return ax


def relevance_bands(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw what of the relevance lies in bands of frequency, as a share of the whole.

    Parameters
    ----------
    result : xarray.Dataset
        With relevance_share (sub_band), sub_band_low and sub_band_high in Hz: shares of the sum of a relevance that
        adds up, which may be negative, or of the energy of a gradient.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there are no bands.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"relevance_share": ("sub_band", [0.25, -0.5, 1.25])},
    ...     {"sub_band_low": ("sub_band", [0.0, 56.0, 70.0]), "sub_band_high": ("sub_band", [56.0, 70.0, 4000.0])})
    >>> relevance_bands(result, Figure().subplots()).get_ylabel()
    'share of the relevance (%)'
    """
    result = _one_channel(having(result, ["relevance_share"]))
    given = np.asarray(only_dims(result["relevance_share"], "sub_band"), dtype=float)
    shares = 100 * np.nan_to_num(given)
    steps = np.append(result["sub_band_low"].values, result["sub_band_high"].values[-1]).astype(float)
    if steps[0] == 0 and steps.size > 2:  # which a logarithmic axis does not have
        steps[0] = steps[1] / 2 ** (1 / 3)
    ax = make_axes(ax, height=1.9)
    both = signed(result) or shares.min() < 0
    upward, of = (FOR_COLOUR, "relevance") if both else (RELEVANCE_COLOUR, "energy")
    ax.stairs(shares.clip(min=0), steps, baseline=0, fill=True, color=upward, alpha=0.8, label="for it")
    if both:
        ax.stairs(shares.clip(max=0), steps, baseline=0, fill=True, color=AGAINST_COLOUR, alpha=0.8, label="against it")
        legend_above(ax)
    ax.set(xlabel="frequency (Hz)", ylabel=f"share of the {of} (%)", xscale="log", xlim=(steps[0], steps[-1]))
    plain_ticks(ax.xaxis)
    ax.axhline(0, color="black", linewidth=0.5)
    if np.isnan(given).all():
        say_silent(ax, color="black", text="no shares: the relevance sums to 0")
    return ax


def relevance(
    result: xr.Dataset, ax: Axes | Sequence[Axes] | np.ndarray[Any, Any] | None = None
) -> Axes | np.ndarray[Any, Any]:
    """Draw a relevance signal over time, over frequency and over both.

    Parameters
    ----------
    result : xarray.Dataset
        As :func:`otoscope.methods.relevance.relevance` returns it.
    ax : matplotlib.axes.Axes or a sequence of three, optional
        On one, the spectrogram alone is drawn. A new figure, one picture above the other, without them; there, what the
        output loses is above them for the rules that measure it. The channels of a sound stand side by side in a new
        figure.

    Returns
    -------
    matplotlib.axes.Axes, or numpy.ndarray of them, shape (3,) or (4,), or (3, channels) or (4, channels)

    Raises
    ------
    InputError
        If the number of axes is neither one nor three, or of several channels none was chosen.
    """
    pictures = [relevance_signal, relevance_spectrum, relevance_spectrogram]
    if ax is None:
        if "time_relevance" in result or "band_relevance" in result:
            pictures.insert(0, occlusion)
        if "channel" in result.dims:
            return _side_by_side(result, pictures)
        ax = make_grid(len(pictures), 1, height=1.8 * len(pictures))
    if not isinstance(ax, (Sequence, np.ndarray)):
        return relevance_spectrogram(result, ax)
    axes = np.asarray(ax, dtype=object).ravel()
    if axes.size != len(pictures):
        raise InputError(f"relevance is drawn on one or three axes; {axes.size} were given: pass three, or none.")
    for draw, one in zip(pictures, axes, strict=True):
        draw(result, one)
    return axes


def signed(result: xr.Dataset) -> bool:
    """Whether spectra of a result are those of a relevance that adds up, and not magnitudes."""
    return result.attrs.get("form") == "product"


def _to_both_sides(ax: Axes, curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """A signed relevance over the amplitude of the input, each over its own peak."""
    if "input" in curves:
        amplitude, bins = pool_columns(*curves["input"], _MOST_SIGNED)
        amplitude = over_peak(amplitude)
        ax.fill_between(bins, -amplitude, amplitude, step="mid", color=INPUT_COLOUR, linewidth=0, label="input")
    values, bins = pool_sums(*curves["relevance"], _MOST_SIGNED)
    values = over_peak(values)
    ax.fill_between(bins, 0, values.clip(min=0), step="mid", color=FOR_COLOUR, linewidth=0, label="for it")
    ax.fill_between(bins, 0, values.clip(max=0), step="mid", color=AGAINST_COLOUR, linewidth=0, label="against it")
    ax.axhline(0, color="black", linewidth=0.5)
    ax.set(ylabel="relevance (re peak)", ylim=(-1.05, 1.05))


def _side_by_side(result: xr.Dataset, pictures: Sequence[Callable[..., Axes]]) -> np.ndarray[Any, Any]:
    """The pictures of each channel in a column."""
    channels = result["channel"].values.tolist()
    width = min(len(channels), 2) * COLUMN_WIDTH
    grid: np.ndarray[Any, Any] = make_grid(len(pictures), len(channels), width=width, height=1.8 * len(pictures))
    for place, channel in enumerate(channels):
        for draw, one in zip(pictures, grid[:, place], strict=True):
            draw(result.isel(channel=place), one)
        grid[0, place].set_title(f"channel {channel}", fontsize=small_size(grid[0, place]), loc="right", pad=2)
    return grid


def _one_channel(result: xr.Dataset) -> xr.Dataset:
    if "channel" in result.dims:
        count = result.sizes["channel"]
        raise InputError(f"a picture shows one channel; the result has {count}. Take one: .isel(channel=0).")
    return result
