"""The figures of the study, each beside the layout of the published one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.plots.drawing import LINE_STYLES
from otoscope.plots.papers.panels import grid
from otoscope.studies.found import Found
from otoscope.studies.simplenet.network import FIRST, RATE, SECOND, band_filter

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FLOOR = -70.0
_COLOUR = LINE_STYLES[1][0]
_GREY = LINE_STYLES[4][0]


def flow_in_time(found: Found) -> Figure:
    """Fig. 1: the outlines of the signals, and the taps of the filters between them."""
    return _path(found, _outline, _taps)


def flow_in_frequency(found: Found) -> Figure:
    """Fig. 2: the spectra of the signals, and the responses of the filters between them."""
    return _path(found, _spectrum, _response)


def pooled_flow(found: Found) -> Figure:
    """Fig. 3: the spectra of the first layer before and after pooling, each up to half of its rate."""
    axes = grid(2, 3, height=2.6, wide=True, sharey=True)
    for channel, row in enumerate(axes):
        _spectrum(row[0], found, "input", 0, pooling=True)
        row[0].set_title("sound")
        for ax, layer, title in zip(row[1:], ("conv1", "pool1"), ("Output (1,{})", "after pooling by 2"), strict=True):
            _spectrum(ax, found, layer, channel, pooling=True)
            ax.set_title(title.format(channel + 1))
    for ax in axes[0]:
        ax.set_xlabel("")
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    return _figure(axes)


def told_apart(found: Found) -> Figure:
    """What activation, maximum and decimation add, clip by clip, for both filters."""
    axes = grid(1, 2, height=1.9, sharey=True)[0]
    steps = (("relu", "ReLU"), ("maximum", "maximum"), ("folded", "folding"))
    for ax, output, title in zip(axes, ("1,1", "1,2"), ("low-pass", "high-pass"), strict=True):
        values = [found.values("pooled", name, output=output) for name, _ in steps]
        values = [one[np.isfinite(one)] for one in values]
        ax.boxplot(values, widths=0.6, showfliers=False, medianprops={"color": _COLOUR})
        ax.set_xticks([1, 2, 3], [label for _, label in steps])
        ax.set(title=title, ylim=(0, 1))
    axes[0].set_ylabel("share of energy added")
    return _figure(axes)


# -- Paths ------------------------------------------------------------------------------------------------


def _path(found: Found, signal: Any, kernel: Any) -> Figure:
    """Signals in columns, and filters between them: sound, Filter (1,j), Output (1,j), Filter (2,1), Output (2,1)."""
    axes = grid(2, 5, height=2.6, wide=True)
    figure, spec = axes[0, 0].figure, axes[0, 0].get_gridspec()
    for column, layer, title in ((0, "input", "sound"), (4, "conv2", "Output (2,1)")):
        for ax in axes[:, column]:
            ax.remove()
        ax = figure.add_subplot(spec[:, column])
        signal(ax, found, layer, 0, pooling=False)
        ax.set_title(title)
        if column:
            ax.set_ylabel("")
    for place in (0, 1):
        kernel(axes[place, 1], FIRST[place])
        axes[place, 1].set_title(f"Filter (1,{place + 1})")
        signal(axes[place, 2], found, "conv1", place, pooling=False)
        axes[place, 2].set_title(f"Output (1,{place + 1})")
        kernel(axes[place, 3], SECOND[0][place])
        axes[place, 3].set_title(f"Filter (2,1) on (1,{place + 1})")
    for ax in axes[0, 1:4]:
        ax.set_xlabel("")
    for ax in axes[:, 1:4].flat:
        ax.set_ylabel("")
    return figure  # type: ignore[no-any-return]


def _spectrum(ax: Axes, found: Found, layer: str, channel: int, *, pooling: bool) -> None:
    rows = [row for row in _rows(found, layer, channel, pooling) if row["frequency"] is not None]
    peak = max(row["level"] for row in found.rows("drawn_flow", layer="input") if row["frequency"] is not None)
    levels = np.maximum([row["level"] - peak for row in rows], _FLOOR)
    ax.plot([row["frequency"] / 1000 for row in rows], levels, color=_COLOUR)
    ax.set(xlim=(0, rows[0]["rate"] / 2000), ylim=(_FLOOR, 3), xlabel="frequency (kHz)", ylabel="level (dB)")


def _outline(ax: Axes, found: Found, layer: str, channel: int, *, pooling: bool) -> None:
    rows = [row for row in _rows(found, layer, channel, pooling) if row["time"] is not None]
    low, high = ([row[name] for row in rows] for name in ("low", "high"))
    peak = max(abs(row["high"]) for row in found.rows("drawn_flow", layer="input") if row["time"] is not None) or 1.0
    ax.fill_between([row["time"] for row in rows], low, high, color=_COLOUR, linewidth=0.3)
    ax.set(ylim=(-1.1 * peak, 1.1 * peak), xlabel="time (s)", ylabel="amplitude")
    ax.locator_params(axis="y", nbins=4)  # as many in every panel, so that the layout settles at once


def _response(ax: Axes, band: tuple[int, int]) -> None:
    spectrum = np.abs(np.fft.rfft(band_filter(*band).numpy(), 1024))
    levels = np.maximum(20 * np.log10(np.maximum(spectrum, 1e-12)), _FLOOR)
    ax.plot(np.linspace(0, RATE / 2000, len(levels)), levels, color=_GREY)
    ax.set(xlim=(0, RATE / 2000), ylim=(_FLOOR, 3), xlabel="frequency (kHz)", ylabel="level (dB)")


def _taps(ax: Axes, band: tuple[int, int]) -> None:
    kernel = band_filter(*band).numpy()
    ax.plot(1000 * np.arange(len(kernel)) / RATE, kernel, color=_GREY)
    ax.set(xlabel="time (ms)", ylabel="amplitude")


def _rows(found: Found, layer: str, channel: int, pooling: bool) -> list[dict[str, Any]]:
    return found.rows("drawn_flow", layer=layer, channel=channel, pooling=pooling)


def _figure(axes: np.ndarray) -> Figure:
    return axes.ravel()[-1].figure  # type: ignore[no-any-return]
