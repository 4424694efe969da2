"""Maps of one layer after another with the filters between them: SimpleNet Fig. 1 to 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import xarray as xr

from otoscope.dsp.spectra import short_time_spectrum
from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import (
    COLOUR_MAP,
    LINE_STYLES,
    decibels,
    draw_samples,
    edges,
    frequency_unit,
    pool_columns,
    say_silent,
    small_size,
)
from otoscope.plots.papers.panels import grid, note_below
from otoscope.plots.style import StyleName, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_N_FFT = 1024
_WINDOW, _FEWEST = 0.025, 64  # s, values: of the windows of spectrograms
_MOST_COLUMNS = 512


def flow_path(
    result: xr.Dataset,
    *,
    of: Literal["spectrogram", "waveform"] = "spectrogram",
    most: int = 4,
    dynamic_range: float = 60.0,
    style: StyleName | None = "paper",
) -> np.ndarray:
    """Draw how a sound goes through a model: a row for the maps of each layer, and the filters between rows.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.data_flow.data_flow` returned, of one clip, with the layers and maps that are to be
        drawn.
    of : {"spectrogram", "waveform"}
        Maps as spectrograms with the magnitude of the filters (Fig. 2 and 3), or as waveforms with their taps (Fig. 1).
    most : int
        How many maps of a layer at most, the first ones of the result.
    dynamic_range : float
        Range shown, in dB below the peak of all panels of a row, so that what a filter stops is dark.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (rows, maps)
        Places without a panel are None.

    Raises
    ------
    InputError
        If the result is no data flow of one clip, or `most` is below 1.

    Notes
    -----
    A panel of filters belongs to the map below it, with a line for each map above it that is drawn; the maps that they
    make are added. There is none where a layer is no convolution, or does not read the layer above it. Frequency axes
    end at half the rate of what they are of: behind a pooling they are shorter, as in Fig. 3. The mean of each map is
    taken out of its spectrogram, whose windows last 25 ms, or 64 values where that is longer. Maps that are not drawn
    are counted.

    Examples
    --------
    >>> import torch
    >>> from otoscope.methods.data_flow import data_flow
    >>> from otoscope.subject import Subject
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 2, 9), torch.nn.MaxPool1d(2), torch.nn.Conv1d(2, 2, 9))
    >>> flow = data_flow(Subject(model, sample_rate=8000), torch.randn(4000), layer=["0", "1", "2"], channels=[0, 1])
    >>> [ax.get_ylabel() for ax in flow_path(flow)[:, 0] if ax]
    ['kHz', 'dB', 'kHz', 'kHz', 'dB', 'kHz']
    """
    result = having(result, ["layer", "rate", "signal_0", "spectrum_0"])
    if most < 1:
        raise InputError(f"most has to be 1 or more, not {most}")
    if of not in ("spectrogram", "waveform"):
        raise InputError(f"a path is drawn of spectrograms or waveforms, not of {of!r}")
    counts = [min(most, result.sizes[f"channel_{n}"]) for n in range(result.sizes["layer"])]
    stages = [
        (n, kind) for n in range(len(counts)) for kind in ("filter", "map") if kind == "map" or _filters(result, n)
    ]
    with styled(style):
        heights = [1.0 if kind == "map" else 0.8 for _, kind in stages]
        axes = grid(len(stages), max(counts), height=0.5 + 0.72 * sum(heights), heights=heights, gap=0.05)
        for row, (n, kind) in zip(axes, stages, strict=True):
            spectra = _spectra(result, n, counts[n]) if kind == "map" and of == "spectrogram" else None
            for place, ax in enumerate(row[: counts[n]]):
                if kind == "filter":
                    _draw_filters(ax, result, n, place, counts[n - 1], of, dynamic_range)
                elif spectra is None:
                    _draw_waveform(ax, result, n, place)
                else:
                    _draw_spectrogram(ax, result, n, place, spectra, dynamic_range)
        _tidy(axes, stages, counts)
        if of == "spectrogram":
            shown = [ax for ax in axes.ravel() if ax is not None]
            bar = shown[0].figure.colorbar(
                shown[0].collections[0], ax=shown, location="bottom", aspect=22 * max(counts), pad=0.01
            )
            bar.set_label("level (dB re loudest of the row)", fontsize=small_size(shown[0]))
            bar.ax.tick_params(labelsize=small_size(shown[0]))
        note_below(axes[0, 0], _left_out(result, counts))
    return axes


def _filters(result: xr.Dataset, n: int) -> bool:
    return f"kernel_{n}" in result


class _Spectra(NamedTuple):
    """Short-time magnitudes (map, frequency, time) of the first maps of a layer, and the largest of all."""

    magnitude: np.ndarray
    frequency: np.ndarray
    time: np.ndarray
    loudest: float


def _spectra(result: xr.Dataset, n: int, count: int) -> _Spectra:
    import torch

    rate, samples = float(result["rate"][n]), result[f"signal_{n}"].values[:count].astype(float)
    window = max(_WINDOW, _FEWEST / rate)
    moving = torch.from_numpy(samples - samples.mean(-1, keepdims=True))
    n_fft = 2 * 2 ** int(np.ceil(np.log2(window * rate)))
    magnitude, frequency, time = short_time_spectrum(moving, rate, window=window, hop=window / 4, n_fft=n_fft)
    pooled, times = pool_columns(magnitude.numpy(), time.numpy(), _MOST_COLUMNS)
    return _Spectra(pooled, frequency.numpy(), times + float(result[f"time_{n}"][0]), float(pooled.max()))


def _draw_spectrogram(
    ax: Axes, result: xr.Dataset, n: int, place: int, spectra: _Spectra, dynamic_range: float
) -> None:
    limit, values = float(result["rate"][n]) / 2, spectra.magnitude[place]
    divisor, unit = frequency_unit(limit)
    across, own = edges(spectra.time), result[f"time_{n}"].values
    across[[0, -1]] = own[0], max(own[-1], across[-1])  # centres of windows do not reach the ends
    ax.pcolormesh(
        across, edges(spectra.frequency) / divisor,
        decibels(values, dynamic_range, reference=spectra.loudest), cmap=COLOUR_MAP, vmin=-dynamic_range, vmax=0,
        rasterized=True,
    )  # fmt: skip
    ax.set(ylim=(0, limit / divisor))
    ax.set_yticks([0, limit / divisor], ["0", f"{limit / divisor:.3g}"])
    ax.set_ylabel(unit, fontsize=small_size(ax))
    _name_map(ax, result, n, place)
    if not values.any():
        say_silent(ax, color="white", text="at rest")


def _draw_waveform(ax: Axes, result: xr.Dataset, n: int, place: int) -> None:
    samples = result[f"signal_{n}"].values[place].astype(float)
    draw_samples(ax, samples, float(result["rate"][n]), float(result[f"time_{n}"][0]), color=LINE_STYLES[0][0])
    ax.set_ylabel("activation" if n else "amplitude", fontsize=small_size(ax))
    ax.locator_params(axis="y", nbins=3)
    _name_map(ax, result, n, place)
    if not samples.any():
        say_silent(ax, color="black", height=0.75)


def _name_map(ax: Axes, result: xr.Dataset, n: int, place: int) -> None:
    whole = result["time_0"].values
    ax.set_xlim(whole[0], whole[-1])
    ax.set_title(_name(result, n, place), fontsize=small_size(ax), loc="left", pad=2)


def _name(result: xr.Dataset, n: int, place: int) -> str:
    layer, number = str(result["layer"].values[n]), result[f"channel_{n}"].values[place]
    layer = layer if len(layer) <= 18 else f"…{layer[-17:]}"
    if n == 0:
        return layer if result.sizes["channel_0"] == 1 else f"{layer}, channel {number}"
    return f"{layer}, map {number}"


def _draw_filters(ax: Axes, result: xr.Dataset, n: int, place: int, above: int, of: str, dynamic_range: float) -> None:
    kernels = result[f"kernel_{n}"].values[:, :above].astype(float)
    rate = float(result["rate"][n - 1])
    if of == "waveform":
        time = 1000 * (np.arange(kernels.shape[-1]) - (kernels.shape[-1] - 1) / 2) / rate
        lines, across = kernels[place], time
        ax.set_xlabel("tap (ms)", fontsize=small_size(ax))
        ax.set_ylabel("weight", fontsize=small_size(ax))
        ax.locator_params(axis="y", nbins=3)
    else:
        n_fft = max(_N_FFT, kernels.shape[-1])
        response = np.abs(np.fft.rfft(kernels, n_fft))
        divisor, unit = frequency_unit(rate / 2)
        lines = decibels(response, dynamic_range, reference=float(response.max()) or 1.0)[place]
        across = np.fft.rfftfreq(n_fft, 1 / rate) / divisor
        ax.set_ylim(-dynamic_range, 5)
        ax.set_yticks([-dynamic_range, 0])
        ax.set_xlabel(unit, fontsize=small_size(ax))
        ax.set_ylabel("dB", fontsize=small_size(ax))
    numbers = result[f"channel_{n - 1}"].values
    for number, values in enumerate(lines):
        colour, line = LINE_STYLES[number % len(LINE_STYLES)]
        width = 1.8 if number == 0 < len(lines) - 1 else 0.8  # where two agree, both show
        ax.plot(across, values, line, color=colour, linewidth=width, label=f"of {numbers[number]}")
    ax.margins(x=0)
    ax.set_title(f"↓ map {result[f'channel_{n}'].values[place]}", fontsize=small_size(ax), loc="left", pad=2)
    if len(lines) > 1:
        ax.legend(
            fontsize=small_size(ax), frameon=False, ncols=2, handlelength=0.7, handletextpad=0.3, columnspacing=0.5,
            borderpad=0, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1,
        )  # fmt: skip


def _tidy(axes: np.ndarray, stages: list[tuple[int, str]], counts: list[int]) -> None:
    """Take away what is empty, and labels that stand elsewhere already."""
    last = {place: max(row for row, (n, kind) in enumerate(stages) if kind == "map" and place < counts[n])
            for place in range(axes.shape[1])}  # fmt: skip
    for row, (n, kind) in enumerate(stages):
        for place in range(axes.shape[1]):
            ax = axes[row, place]
            if place >= counts[n]:
                ax.remove()
                axes[row, place] = None
                continue
            if place:
                ax.set_ylabel("")
            if kind == "map":
                ax.tick_params(labelbottom=row == last[place])
                if row == last[place]:
                    ax.set_xlabel("time (s)", fontsize=small_size(ax))


def _left_out(result: xr.Dataset, counts: list[int]) -> str:
    if "maps" not in result.coords:
        return ""
    total = result["maps"].values
    names = [str(name) for name in result["layer"].values]
    parts = [
        f"{count} of {all_} of {name}" for count, all_, name in zip(counts, total, names, strict=True) if count < all_
    ]
    shown = "; ".join(parts[:3]) + ("; ..." if len(parts) > 3 else "")
    return f"maps drawn: {shown}" if parts else ""
