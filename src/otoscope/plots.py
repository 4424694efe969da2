"""Pictures of results: axes in, axes out.

Every function draws one result on one matplotlib ``Axes`` and returns it. Without ``ax`` it makes a figure
of one paper column (3.4 inches) with text of 7 to 8 points. Matplotlib is imported only when a picture is
drawn, no setting of it is changed, and figures are neither shown nor closed.

Meshes are rasterised and pooled to about a thousand columns, and long waveforms are drawn as their
envelope, so that a PDF of an hour of audio stays small. All meshes share one colour map whose lightness
rises steadily, so that they can be printed in grey.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import xarray as xr

from otoscope.drawing import (
    COLUMN_WIDTH,
    DYNAMIC_RANGE,
    INPUT_COLOUR,
    LINE_STYLES,
    MOST_COLUMNS,
    RELEVANCE_COLOUR,
    decibels,
    draw_colorbar,
    draw_mesh,
    draw_samples,
    frequency_unit,
    label_outside,
    legend_above,
    legend_beside,
    make_axes,
    make_grid,
    map_title,
    mark_frequencies,
    name_layers,
    pool_columns,
    say_silent,
    small_size,
    units_of,
)
from otoscope.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_Result = TypeVar("_Result", xr.DataArray, xr.Dataset)


def waveform(clip: xr.DataArray | np.ndarray, ax: Axes | None = None, *, sample_rate: float | None = None) -> Axes:
    """Draw samples over time.

    Parameters
    ----------
    clip : xarray.DataArray or array, shape (time,)
        Samples, full scale = 1.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    sample_rate : int, optional
        In Hz; needed for a plain array only.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the clip has more than one dimension, no samples or samples that are not finite, or if its
        sample rate is unknown.

    Notes
    -----
    A clip of more than a few thousand samples is drawn as the smallest and largest sample of each column.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = waveform(np.sin(np.arange(800) / 10), Figure().subplots(), sample_rate=8000)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time (s)', 'amplitude (FS = 1)')
    """
    samples, rate = _samples(clip, sample_rate)
    ax = make_axes(ax, height=1.6)
    draw_samples(ax, samples, rate, color=LINE_STYLES[0][0])
    ax.set(xlabel="time (s)", ylabel="amplitude (FS = 1)", xlim=(0, samples.size / rate))
    if not samples.any():
        ax.set_ylim(-1, 1)
        say_silent(ax, color="black", height=0.75)
    return ax


def spectrogram(
    sound: xr.DataArray | np.ndarray,
    ax: Axes | None = None,
    *,
    sample_rate: float | None = None,
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw the short-time spectrum of a clip, or one that was computed already.

    Parameters
    ----------
    sound : xarray.DataArray or array
        A clip of shape (time,), or a DataArray of magnitudes with a frequency (Hz) and a time (s) dimension.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    sample_rate : int, optional
        In Hz; needed for a plain array only.
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
        If the sound has another number of dimensions, holds values that are not finite, or has no known
        sample rate.

    Notes
    -----
    Clips are analysed by `otoscope.dsp.spectra.short_time_spectrum` with its windows of 25 ms every 10 ms.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = spectrogram(np.sin(np.arange(8000) / 10), Figure().subplots(), sample_rate=8000)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('time (s)', 'frequency (kHz)')
    """
    if isinstance(sound, xr.DataArray) and sound.ndim > 1:
        magnitude, frequency, time = _frequency_by_time(sound)
        duration = None
    else:
        samples, rate = _samples(sound, sample_rate)
        magnitude, frequency, time = _short_time_magnitude(samples, rate)
        duration = samples.size / rate
    ax = make_axes(ax)
    draw_mesh(ax, magnitude, frequency, time, dynamic_range=dynamic_range, colorbar=colorbar, duration=duration)
    return ax


def strs(
    result: xr.DataArray,
    ax: Axes | None = None,
    db: bool = True,
    *,
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw short-time response spectra.

    Parameters
    ----------
    result : xarray.DataArray, dims (frequency, time)
        Frequency in Hz, time in s. Frequencies in a geometric series get a logarithmic axis.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    db : bool
        Whether to show dB below the peak; else the values as they are.
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
        If the result has other dimensions or holds values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.DataArray(
    ...     np.ones((3, 4)), dims=("frequency", "time"),
    ...     coords={"frequency": [0.0, 2000.0, 4000.0], "time": [0.0, 0.1, 0.2, 0.3]})
    >>> strs(result, Figure().subplots()).get_ylabel()
    'frequency (kHz)'
    """
    magnitude, frequency, time = _frequency_by_time(result)
    ax = make_axes(ax)
    draw_mesh(
        ax,
        magnitude,
        frequency,
        time,
        db=db,
        linear_label=f"STRS ({units_of(result)})",
        dynamic_range=dynamic_range,
        colorbar=colorbar,
    )
    return ax


def crs(
    result: xr.DataArray | Sequence[xr.DataArray] | Mapping[str, xr.DataArray],
    ax: Axes | None = None,
    *,
    labels: Sequence[str] | None = None,
    db: bool = False,
) -> Axes:
    """Draw one or several cumulative response spectra.

    Parameters
    ----------
    result : xarray.DataArray with dim (frequency,), or a sequence or mapping of them
        Frequency in Hz. The keys of a mapping are the labels of its curves.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    labels : sequence of str, optional
        One for each curve of a sequence.
    db : bool
        Whether to show dB below the highest peak of all curves; else the values as they are.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there is no curve, the number of labels is not the number of curves, a curve has other
        dimensions, or it holds values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> curve = xr.DataArray([1.0, 2.0, 1.0], dims="frequency", coords={"frequency": [0.0, 400.0, 800.0]})
    >>> ax = crs({"segmental": curve, "sub-segmental": 2 * curve}, Figure().subplots())
    >>> ax.get_xlabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('frequency (Hz)', ['segmental', 'sub-segmental'])
    """
    curves = _labelled(result, labels)
    curves = [(label, _only_dims(curve, "frequency")) for label, curve in curves]
    values = [_finite(curve, "the CRS") for _, curve in curves]
    peak = max(float(np.max(value, initial=0.0)) for value in values)
    divisor, unit = frequency_unit(max(float(curve["frequency"].max()) for _, curve in curves))
    ax = make_axes(ax, height=1.9)
    for index, ((label, curve), value) in enumerate(zip(curves, values, strict=True)):
        colour, line = LINE_STYLES[index % len(LINE_STYLES)]
        shown = decibels(value, DYNAMIC_RANGE, reference=peak) if db else value
        ax.plot(curve["frequency"] / divisor, shown, line, color=colour, linewidth=1, label=label)
    ax.set_xlabel(f"frequency ({unit})")
    ax.set_ylabel("CRS (dB re peak)" if db else f"CRS ({units_of(curves[0][1])})")
    ax.margins(x=0)
    if any(label for label, _ in curves):
        ax.legend(fontsize=small_size(ax), frameon=False)
    return ax


def geometry(result: xr.Dataset, axes: Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw the geometry of each layer's weights: coherence, angles and bounds.

    Parameters
    ----------
    result : xarray.Dataset over the dim layer
        With mu, mu_avg, beta_min, beta_avg (degrees), A, B and, if known, skip (1 for a layer with a skip
        connection, which is then circled).
    axes : three matplotlib.axes.Axes, optional
        For coherence, angles and bounds; a new figure with three rows without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (3,)

    Raises
    ------
    InputError
        If a quantity is missing or the number of axes is not three.

    Notes
    -----
    The quantities are those of Skretting and Engan (2011); Gupta and Abrol mark skip connections in the
    same way.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> one = ("layer", [0.5])
    >>> result = xr.Dataset(
    ...     {name: one for name in ("mu", "mu_avg", "beta_min", "beta_avg", "A", "B")}, {"layer": ["conv1"]})
    >>> [ax.get_ylabel() for ax in geometry(result, Figure().subplots(3))]
    ['coherence (0–1)', 'angle (degrees)', 'bound (eigenvalue)']
    """
    panels = (
        ("coherence (0–1)", 1.0, {"mu": r"$\mu$", "mu_avg": r"$\mu_\mathrm{avg}$"}),
        ("angle (degrees)", 90.0, {"beta_min": r"$\beta_\mathrm{min}$", "beta_avg": r"$\beta_\mathrm{avg}$"}),
        ("bound (eigenvalue)", None, {"A": "A", "B": "B"}),
    )
    result = _having(result, [name for *_, names in panels for name in names])
    if axes is None:
        axes = make_grid(3, 1, height=4.5, sharex=True)
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != 3:
        raise InputError(f"geometry draws on three axes; {axes.size} were given. Pass three, or none.")
    position = np.arange(result.sizes["layer"])
    skip = np.asarray(result["skip"], dtype=bool) if "skip" in result else np.zeros(position.size, bool)
    circle: Any = {"ms": 7, "mfc": "none", "mec": "black", "mew": 0.7, "zorder": 4}
    for ax, (ylabel, highest, names) in zip(axes, panels, strict=True):
        for (name, label), marker, (colour, line) in zip(names.items(), "os", LINE_STYLES, strict=False):
            values = np.asarray(result[name])
            ax.plot(position, values, line, marker=marker, color=colour, ms=3, linewidth=0.9, label=label)
            ax.plot(position[skip], values[skip], "o", **circle)
        highest = highest or 1.15 * float(result["B"].fillna(0).max()) or 1.0
        ax.set(ylabel=ylabel, xlim=(-0.5, position.size - 0.5), ylim=(-0.08 * highest, 1.08 * highest))
        legend_beside(ax)
    if skip.any():
        axes[0].plot([], [], "o", label="skip", **circle)
        legend_beside(axes[0])
    axes[1].set_yticks([0, 30, 60, 90])
    name_layers(axes[-1], [str(name) for name in result["layer"].values])
    return cast(np.ndarray, axes)


def relevance_signal(result: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the relevance signal over the input, each divided by its own peak.

    Parameters
    ----------
    result : xarray.Dataset
        With signal (time) and, if known, input (time).
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the signal is missing, has other dimensions or holds values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset({"signal": ("time", np.sin(np.arange(80.0)))}, attrs={"sample_rate": 8000})
    >>> relevance_signal(result, Figure().subplots()).get_ylabel()
    'amplitude (re peak)'
    """
    result = _having(result, ["signal"])
    ax = make_axes(ax, height=1.6)
    if "input" in result:
        samples, rate = _samples(result["input"], _rate(result))
        draw_samples(ax, _over_peak(samples), rate, color=INPUT_COLOUR, label="input")
    samples, rate = _samples(result["signal"], _rate(result))
    draw_samples(ax, _over_peak(samples), rate, color=RELEVANCE_COLOUR, label="relevance", alpha=0.85)
    ax.set(xlabel="time (s)", ylabel="amplitude (re peak)", xlim=(0, samples.size / rate), ylim=(-1.1, 1.1))
    legend_above(ax)
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
    """Draw the spectrum of the relevance signal over that of the input, each in dB below its own peak.

    Parameters
    ----------
    result : xarray.Dataset
        With spectrum (frequency), the magnitude of the spectral relevance, and, if known, input (time).
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
    Bins of a long clip are pooled by their mean power.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"spectrum": ("frequency", np.ones(5))}, {"frequency": np.linspace(0, 4000, 5)})
    >>> ax = relevance_spectrum(result, Figure().subplots(), marks={"F1": 500.0})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('frequency (kHz)', 'level (dB re own peak)')
    """
    result = _having(result, ["spectrum"])
    magnitude = _finite(_only_dims(result["spectrum"], "frequency"), "the relevance spectrum")
    frequency = np.asarray(result["frequency"], dtype=float)
    divisor, unit = frequency_unit(float(frequency.max()))
    ax = make_axes(ax, height=1.9)
    curves = [("relevance", magnitude, frequency, RELEVANCE_COLOUR)]
    if "input" in result:
        samples, rate = _samples(result["input"], _rate(result))
        bins = np.fft.rfftfreq(samples.size, 1 / rate)
        curves.insert(0, ("input", np.abs(np.fft.rfft(samples)), bins, INPUT_COLOUR))
    for label, values, bins, colour in curves:
        values, bins = pool_columns(values, bins)
        ax.plot(bins / divisor, decibels(values, dynamic_range), color=colour, linewidth=0.8, label=label)
    ax.set(xlabel=f"frequency ({unit})", ylabel="level (dB re own peak)", ylim=(-dynamic_range, 3))
    ax.set_xlim(0, frequency.max() / divisor)
    rows = mark_frequencies(ax, {name: value / divisor for name, value in (marks or {}).items()})
    legend_above(ax, lift=0.085 * rows)
    if not magnitude.any():
        say_silent(ax, color="black", text="no relevance")
    return ax


def relevance_spectrogram(
    result: xr.Dataset,
    ax: Axes | None = None,
    *,
    of: str = "spectrogram",
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw the short-time spectrum of the relevance signal.

    Parameters
    ----------
    result : xarray.Dataset
        With spectrogram (frame_frequency, frame_time).
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    of : {"spectrogram", "input_spectrogram"}
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
    ...     {"spectrogram": (("frame_frequency", "frame_time"), np.ones((2, 3)))},
    ...     {"frame_frequency": [0.0, 4000.0], "frame_time": [0.0, 0.01, 0.02]})
    >>> relevance_spectrogram(result, Figure().subplots()).get_xlabel()
    'time (s)'
    """
    result = _having(result, [of])
    magnitude, frequency, time = _frequency_by_time(result[of])
    ax = make_axes(ax)
    draw_mesh(
        ax,
        magnitude,
        frequency,
        time,
        dynamic_range=dynamic_range,
        colorbar=colorbar,
        duration=result.sizes["time"] / rate if (rate := _rate(result)) and "time" in result.sizes else None,
        silence="no relevance" if of == "spectrogram" else "silence",
    )
    return ax


def sonification(
    result: xr.DataArray,
    channel: int | str | None = None,
    ax: Axes | None = None,
    *,
    dynamic_range: float = DYNAMIC_RANGE,
    colorbar: bool = True,
) -> Axes:
    """Draw the spectrogram of one sonified feature map.

    Parameters
    ----------
    result : xarray.DataArray, dims (channel, time)
        Sonified feature maps.
    channel : int or str, optional
        Label of the map in the coordinate channel; the most active one without it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure without it.
    dynamic_range : float
        Range shown, in dB below the peak.
    colorbar : bool
        Whether to draw the colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        A small triangle at the top marks the time of the strongest activation, if the result knows it.

    Raises
    ------
    InputError
        If there is no such channel, or the result has other dimensions or values that are not finite.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.DataArray(
    ...     np.ones((1, 800)), dims=("channel", "time"), coords={"channel": [7]}, attrs={"sample_rate": 8000})
    >>> sonification(result, 7, Figure().subplots()).get_title()
    'map 7'
    """
    one = _channel(result, channel)
    ax = make_axes(ax)
    spectrogram(one, ax, sample_rate=_rate(result), dynamic_range=dynamic_range, colorbar=colorbar)
    if "peak_time" in one.coords and np.isfinite(peak := float(one["peak_time"])):
        across = ax.get_xaxis_transform()
        ax.plot([peak], [1.0], "v", color="black", ms=4, clip_on=False, transform=across, zorder=5)
    ax.set_title(map_title(one), fontsize=ax.xaxis.label.get_fontsize())
    return ax


def sonification_grid(
    result: xr.DataArray,
    channels: Iterable[int | str] | None = None,
    axes: Sequence[Axes] | np.ndarray | None = None,
    *,
    dynamic_range: float = DYNAMIC_RANGE,
) -> np.ndarray:
    """Draw the spectrograms of several sonified feature maps with one colour bar.

    Parameters
    ----------
    result : xarray.DataArray, dims (channel, time)
        Sonified feature maps.
    channels : iterable of int or str, optional
        Labels in the coordinate channel; the nine most active without it.
    axes : sequence of matplotlib.axes.Axes, optional
        One for each channel; a new figure with up to three columns without them.
    dynamic_range : float
        Range shown, in dB below the peak of each map.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (channels,)

    Raises
    ------
    InputError
        If there is no such channel, or the number of axes is not the number of channels.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.DataArray(
    ...     np.ones((2, 800)), dims=("channel", "time"),
    ...     coords={"channel": [3, 7]}, attrs={"sample_rate": 8000})
    >>> [ax.get_title() for ax in sonification_grid(result, axes=Figure().subplots(1, 2))]
    ['map 3', 'map 7']
    """
    result = _only_dims(result, "channel", "time")
    wanted = list(by_activity(result)[:9] if channels is None else channels)
    if not wanted:
        raise InputError("no channel to draw: name at least one.")
    columns = min(3, len(wanted))
    if axes is None:
        rows = -(-len(wanted) // columns)
        width = COLUMN_WIDTH if columns < 3 else 2 * COLUMN_WIDTH
        axes = make_grid(rows, columns, width=width, height=0.5 + 1.5 * rows, sharex=True, sharey=True)
        for spare in axes.ravel()[len(wanted) :]:
            spare.remove()
        axes = axes.ravel()[: len(wanted)]
    axes = np.asarray(axes, dtype=object).ravel()
    if axes.size != len(wanted):
        raise InputError(f"{len(wanted)} channels need as many axes; {axes.size} were given.")
    for ax, channel in zip(axes, wanted, strict=True):
        sonification(result, channel, ax, dynamic_range=dynamic_range, colorbar=False)
        ax.set_title(ax.get_title().replace(", ", "\n"), fontsize=ax.xaxis.label.get_fontsize())
    label_outside(axes)
    mesh = axes[0].collections[0]
    draw_colorbar(mesh, axes[0], "level (dB re peak of map)", beside=axes.tolist())
    return cast(np.ndarray, axes)


def relevance(result: xr.Dataset, axes: Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draw a relevance signal over time, over frequency and over both.

    Parameters
    ----------
    result : xarray.Dataset
        As :func:`otoscope.methods.relevance` returns it.
    axes : sequence of three matplotlib.axes.Axes, optional
        A new figure, one above the other, without them.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (3,)

    Raises
    ------
    InputError
        If the number of axes is not three.
    """
    axes = make_grid(3, 1, height=5.4).ravel() if axes is None else np.asarray(axes, dtype=object).ravel()
    if axes.size != 3:
        raise InputError(f"relevance is drawn on three axes; {axes.size} were given.")
    relevance_signal(result, axes[0])
    relevance_spectrum(result, axes[1])
    relevance_spectrogram(result, axes[2])
    return cast(np.ndarray, axes)


def plot(
    result: xr.DataArray | xr.Dataset, ax: Axes | Sequence[Axes] | None = None, **options: Any
) -> Axes | np.ndarray:
    """Draw any result with the picture that fits it.

    Parameters
    ----------
    result : xarray.DataArray or xarray.Dataset
        What a method returned; its attribute ``method`` or its name says which. A clip is drawn as a
        waveform, any other array over frequency and time as a spectrogram.
    ax : matplotlib.axes.Axes, optional
        Where to draw (three of them for geometry). Without it a new figure, with all three pictures of a relevance
        and up to nine maps of a sonification.
    **options
        For the function that draws it.

    Returns
    -------
    matplotlib.axes.Axes, or an array of them where there are several

    Raises
    ------
    InputError
        If there is no picture for such a result.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> curve = xr.DataArray(
    ...     [1.0, 2.0], dims="frequency", coords={"frequency": [0.0, 400.0]}, attrs={"method": "crs"})
    >>> plot(curve, Figure().subplots()).get_ylabel()
    'CRS (arbitrary units)'
    """
    pictures: dict[str, Callable[..., Axes | np.ndarray]] = {
        "strs": strs,
        "crs": crs,
        "geometry": geometry,
        "relevance": relevance if ax is None else relevance_spectrogram,
        "sonify": sonification,
        "sonification": sonification,
    }
    if ax is None and result.sizes.get("channel", 1) > 1 and "channel" not in options:
        pictures["sonify"] = pictures["sonification"] = sonification_grid
    several = isinstance(result, xr.Dataset) and "mu" in result
    place: dict[str, Any] = {} if ax is None else {"axes" if several else "ax": ax}
    for name in (result.attrs.get("method"), getattr(result, "name", None)):
        if name in pictures:
            return pictures[name](result, **place, **options)
    if isinstance(result, xr.DataArray):
        last = tuple(str(dim).removeprefix("frame_") for dim in result.dims if dim != "clip")
        if last == ("time",):
            return waveform(result, **place, **options)
        if last == ("frequency", "time"):
            return spectrogram(result, **place, **options)
    raise InputError(
        f"no picture for a result of method {result.attrs.get('method', 'unknown')!r} with dimensions "
        f"{tuple(result.dims)}; there are pictures for strs, crs, geometry, relevance, sonify and clips."
    )


# Axes and their text


def _samples(sound: xr.DataArray | np.ndarray, sample_rate: float | None) -> tuple[np.ndarray, float]:
    if isinstance(sound, xr.DataArray):
        sound = _only_dims(sound, "time")
        sample_rate = sound.attrs.get("sample_rate") or sample_rate
        if not sample_rate and "time" in sound.coords and sound.size > 1:
            sample_rate = 1 / float(sound["time"][1] - sound["time"][0])
    samples = _finite(sound, "the sound")
    if samples.ndim != 1:
        raise InputError(f"a picture needs sound of one channel, shape (time,); this has {samples.shape}.")
    if not sample_rate:
        raise InputError("the sample rate of the sound is not known: pass sample_rate in Hz.")
    return samples, float(sample_rate)


def _rate(result: xr.DataArray | xr.Dataset) -> float | None:
    return result.attrs.get("sample_rate")


def _finite(values: Any, what: str) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.size == 0:
        raise InputError(f"{what} is empty and cannot be drawn.")
    if not np.isfinite(values).all():
        raise InputError(f"{what} holds values that are not finite and cannot be drawn.")
    return cast(np.ndarray, values)


def _one_clip(result: _Result) -> _Result:
    """A batch of one as the clip in it."""
    if "clip" not in result.dims:
        return result
    if result.sizes["clip"] != 1:
        raise InputError(f"a picture shows one clip; the result has {result.sizes['clip']}. Take one: .isel(clip=0).")
    return result.isel(clip=0)


def _only_dims(result: xr.DataArray, *dims: str) -> xr.DataArray:
    result = _one_clip(result)
    if result.dims != dims:
        raise InputError(f"a picture needs the dimensions {dims}; the result has {tuple(result.dims)}.")
    return result


def _having(result: xr.Dataset, names: Iterable[str]) -> xr.Dataset:
    missing = [name for name in names if name not in result]
    if missing:
        known = ", ".join(map(str, result)) or "nothing"
        raise InputError(f"the result has no {', '.join(missing)}; it has {known}.")
    return _one_clip(result)


def _frequency_by_time(result: xr.DataArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    frame = "frame_" if "frame_time" in result.dims else ""
    result = _only_dims(result, f"{frame}frequency", f"{frame}time")
    frequency, time = (np.asarray(result[dim], dtype=float) for dim in result.dims)
    return _finite(result, "the result"), frequency, time


def _short_time_magnitude(samples: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Short-time spectrum, pooled block by block so that memory does not grow with an hour of audio."""
    import torch

    from otoscope.dsp.spectra import short_time_spectrum

    hop = max(1, round(0.010 * rate))
    block, margin = 3000 * hop, 3 * hop  # the margin keeps the cut between blocks out of every window
    blocks = -(-samples.size // block)
    parts, times = [], []
    for start in range(0, samples.size, block):
        before = min(start, margin)
        piece = torch.as_tensor(samples[start - before : start + block + margin])
        magnitude, frequency, _ = short_time_spectrum(piece, rate)
        frames = magnitude.numpy()[:, before // hop :][:, : block // hop]
        time = (start + hop * np.arange(frames.shape[-1])) / rate
        pooled, time = pool_columns(frames, time, max(8, MOST_COLUMNS // blocks))
        parts.append(pooled)
        times.append(time)
    return np.concatenate(parts, axis=-1), frequency.numpy(), np.concatenate(times)


def _over_peak(samples: np.ndarray) -> np.ndarray:
    return cast(np.ndarray, samples / (np.abs(samples).max() or 1.0))


def _labelled(
    result: xr.DataArray | Sequence[xr.DataArray] | Mapping[str, xr.DataArray], labels: Sequence[str] | None
) -> list[tuple[str, xr.DataArray]]:
    if isinstance(result, Mapping):
        return _some(list(result.items()))
    curves = [result] if isinstance(result, xr.DataArray) else list(result)
    names = list(labels) if labels is not None else [""] * len(curves)
    if len(names) != len(curves):
        raise InputError(f"{len(curves)} curves need as many labels; {len(names)} were given.")
    return _some(list(zip(names, curves, strict=True)))


def _some(curves: list[tuple[str, xr.DataArray]]) -> list[tuple[str, xr.DataArray]]:
    if not curves:
        raise InputError("no curve to draw: pass at least one result.")
    return curves


def by_activity(result: xr.DataArray) -> list[Any]:
    labels = result["channel"].values
    if "activity" in result.coords:
        labels = labels[np.argsort(-np.asarray(result["activity"]), kind="stable")]
    return labels.tolist()


def _channel(result: xr.DataArray, channel: int | str | None) -> xr.DataArray:
    result = _only_dims(result, "channel", "time")
    labels = result["channel"].values.tolist()
    if channel is None:
        channel = by_activity(result)[0]
    if channel not in labels:
        shown = ", ".join(map(str, labels[:8])) + (", ..." if len(labels) > 8 else "")
        raise InputError(f"the result has no channel {channel!r}; it has {shown}.")
    return result.isel(channel=labels.index(channel))
