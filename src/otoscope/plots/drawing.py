"""How pictures are drawn: figures, meshes, lines, labels and colours on matplotlib axes, for :mod:`otoscope.plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.style import STYLES, applied, current, figure_class

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

COLOUR_MAP = "magma"
DYNAMIC_RANGE = 80.0
"""Range shown, in dB below the peak of each picture."""

COLUMN_WIDTH = 3.4
"""Width in inches of a figure that is made here: one column of a paper, or a little more or less in a style."""

STYLE: Any = STYLES["screen"].settings
"""The matplotlib settings under which figures are made here for a screen; they hold for those figures only."""

# Dark to light along the colour map; with the line styles they stay apart in grey.
LINE_STYLES = (("#000004", "-"), ("#b73779", "-"), ("#fc8961", "--"), ("#51127c", ":"), ("#6b6b6b", "-."))
SIGNED_MAP = "RdBu_r"
"""Colours of what may be negative, white at 0."""

FOR_COLOUR, AGAINST_COLOUR = "#b2182b", "#2166ac"
"""Of what is positive and what is negative, as towards the ends of that map."""

INPUT_COLOUR = "#a3a3a3"
RELEVANCE_COLOUR = "#721f81"
MOST_COLUMNS = 1024


def decibels(magnitude: np.ndarray, dynamic_range: float, *, reference: float | None = None) -> np.ndarray:
    """Level below the peak in dB, cut at the dynamic range; silence is the floor and never minus infinity.

    Parameters
    ----------
    magnitude : numpy.ndarray
        Not negative.
    dynamic_range : float
        In dB, positive.
    reference : float, optional
        Magnitude at 0 dB; the largest one without it.

    Returns
    -------
    numpy.ndarray
        From ``-dynamic_range`` up, same shape.

    Examples
    --------
    >>> decibels(np.array([1.0, 0.1, 0.0]), 80.0)
    array([  0., -20., -80.])
    >>> decibels(np.zeros(2), 80.0)
    array([-80., -80.])
    """
    magnitude = np.asarray(magnitude, dtype=float)
    peak = float(np.max(magnitude, initial=0.0)) if reference is None else reference
    if peak <= 0:
        return np.full_like(magnitude, -dynamic_range)
    return 20 * np.log10(np.maximum(magnitude / peak, 10 ** (-dynamic_range / 20)))


def make_axes(ax: Axes | None, height: float = 2.0) -> Axes:
    return make_grid(1, 1, height=height).ravel()[0] if ax is None else ax


def make_grid(rows: int, columns: int, *, height: float, width: float = COLUMN_WIDTH, **shared: bool) -> np.ndarray:
    figure = make_figure(width, height, layout="constrained")
    with applied(current()):
        axes: np.ndarray = figure.subplots(rows, columns, squeeze=False, **cast(Any, shared))
        for ax in axes.ravel():
            ax.tick_params(labelsize=STYLE["xtick.labelsize"])
    return axes


def make_figure(width: float, height: float, layout: Literal["constrained"] | None = None) -> Figure:
    """A figure that pyplot knows, so that notebooks and windows show it; sizes in inches, in the style in use.

    To be called outside of any ``rc_context``: the first figure loads the backend, which in a notebook turns
    interactive mode on, and a context that ends would turn it off again, so that no later picture is shown.
    """
    import matplotlib.pyplot as plt

    size = (current().inches(width / COLUMN_WIDTH), height)
    made: Any = {} if (kind := figure_class()) is None else {"FigureClass": kind}
    return plt.figure(figsize=size, dpi=200, layout=layout, **made)


def two_panels(
    axes: Axes | Sequence[Axes] | np.ndarray | None,
    *,
    height: float,
    ratios: tuple[float, float],
    sharex: bool = False,
    both: bool = False,
) -> np.ndarray:
    """The one or two axes that were given, or `both` of them, or a new figure with two rows."""
    if axes is None:
        axes = make_grid(2, 1, height=height, sharex=sharex)
        axes[0, 0].get_gridspec().set_height_ratios(ratios)
    axes = np.asarray(axes, dtype=object).ravel()
    wanted = {2: "two"} if both else {1: "one", 2: "two"}
    if axes.size not in wanted:
        raise InputError(f"{' or '.join(wanted.values())} axes are needed; {axes.size} were given. Pass two, or none.")
    return axes


def small_size(ax: Axes) -> float:
    """Size of secondary text: what the caller chose for the axes labels, a point less."""
    return max(7.0, float(ax.xaxis.label.get_fontsize()) - 1)


def legend_above(ax: Axes, lift: float = 0.0, columns: int = 2) -> None:
    # Above the axes, for inside it would lie on a signal that fills them.
    ax.legend(
        fontsize=small_size(ax), frameon=False, ncols=columns, loc="lower right", bbox_to_anchor=(1, 1.0 + lift),
        borderaxespad=0, borderpad=0.2, handlelength=1.5,
    )  # fmt: skip


def legend_beside(ax: Axes) -> None:
    ax.legend(
        fontsize=small_size(ax), frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0.2,
        handlelength=1.5,
    )  # fmt: skip


def say_silent(ax: Axes, *, color: str, height: float = 0.5, text: str = "silence") -> None:
    ax.text(0.5, height, text, color=color, fontsize=small_size(ax), ha="center", va="center", transform=ax.transAxes)


def frequency_unit(highest: float) -> tuple[float, str]:
    return (1000.0, "kHz") if highest >= 2000 else (1.0, "Hz")


def frequency_name(result: xr.Dataset) -> str:
    """What the frequencies of a result are called: a layer that reads no waveform has none of the sound."""
    return str(result["frequency"].attrs.get("long_name", "frequency"))


def units_of(result: xr.DataArray) -> str:
    units = str(result.attrs.get("units", ""))
    return "arbitrary units" if units in ("", "1") else units


def mark_frequencies(ax: Axes, marks: Mapping[str, float]) -> int:
    """Lines with their names above the axes; names that would touch are raised. Return the rows of names.

    Marks outside the axes are left out.
    """
    row, last, rows = 0, -np.inf, 0
    lowest, highest = ax.get_xlim()
    inside = [mark for mark in marks.items() if lowest <= mark[1] <= highest]
    for name, value in sorted(inside, key=lambda mark: mark[1]):
        row = row + 1 if value - last < 0.07 * ax.get_xlim()[1] else 0
        last, rows = value, max(rows, row + 1)
        ax.axvline(value, color="black", linewidth=0.6, linestyle=":")
        ax.annotate(
            name, (value, 1), xycoords=ax.get_xaxis_transform(), xytext=(0, 1 + 8 * row),
            textcoords="offset points", fontsize=small_size(ax), ha="center", va="bottom",
        )  # fmt: skip
    return rows


def name_layers(ax: Axes, names: list[str]) -> None:
    step = -(-len(names) // 24)  # more labels than this lie on each other at column width
    shown = range(0, len(names), step)
    names = without_common_ends(names)
    short = [name if len(name) <= 15 else f"{name[:7]}…{name[-7:]}" for name in (names[i] for i in shown)]
    ax.set_xticks(list(shown), short)
    if len(names) <= 12:
        ax.tick_params(axis="x", labelrotation=45)
        for text in ax.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
    else:
        ax.tick_params(axis="x", labelrotation=90)
    ax.set_xlabel("layer")


def without_common_ends(names: list[str]) -> list[str]:
    """Dotted names without the parts that all of them begin or end with, as long as something is left."""
    parts = [name.split(".") for name in names]
    for end in (0, -1):
        while len(parts) > 1 and min(map(len, parts)) > 1 and len({part[end] for part in parts}) == 1:
            for part in parts:
                part.pop(end)
    return [".".join(part) for part in parts]


def label_outside(axes: np.ndarray) -> None:
    """Keep the axis labels of the left column and of the lowest row that is there in each column."""
    places = {ax: ax.get_subplotspec() for ax in axes}
    if None in places.values():
        return
    taken = {place.num1 for place in places.values()}
    for ax, place in places.items():
        columns = place.get_gridspec().ncols
        if place.num1 % columns:
            ax.set_ylabel("")
        if place.num1 + columns in taken:
            ax.set_xlabel("")
        else:
            ax.tick_params(labelbottom=True)


# Drawing


def draw_samples(ax: Axes, samples: np.ndarray, rate: float, start: float = 0.0, **style: Any) -> None:
    if samples.size <= 4 * MOST_COLUMNS:
        ax.plot(start + np.arange(samples.size) / rate, samples, linewidth=0.6, **style)
        return
    starts = np.arange(0, samples.size, -(-samples.size // (2 * MOST_COLUMNS)))
    low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    ax.fill_between(start + starts / rate, low, high, linewidth=0.3, **style)


def draw_mesh(
    ax: Axes,
    magnitude: np.ndarray,
    frequency: np.ndarray,
    time: np.ndarray,
    *,
    db: bool = True,
    linear_label: str = "magnitude",
    dynamic_range: float,
    colorbar: bool,
    duration: float | None = None,
    silence: str = "silence",
    name: str = "frequency",
) -> None:
    magnitude, time = pool_columns(magnitude, time)
    divisor, unit = frequency_unit(float(frequency.max()))
    shown = decibels(magnitude, dynamic_range) if db else magnitude
    low, high = (-dynamic_range, 0.0) if db else (0.0, float(magnitude.max()) or 1.0)
    logarithmic = is_geometric(frequency)
    across = edges(time)
    if duration is not None:
        # The first and last window reach to the ends of the clip, although their centres do not.
        across[[0, -1]] = min(across[0], 0.0), max(across[-1], duration)
        ax.set_xlim(0, duration)
    mesh = ax.pcolormesh(
        across,
        edges(frequency, logarithmic) / divisor,
        shown,
        cmap=COLOUR_MAP,
        vmin=low,
        vmax=high,
        rasterized=True,
    )
    if logarithmic:
        ax.set_yscale("log")
        plain_ticks(ax.yaxis)
    ax.set(xlabel="time (s)", ylabel=f"{name} ({unit})")
    if not magnitude.any():
        say_silent(ax, color="white", text=silence)
    if colorbar:
        draw_colorbar(mesh, ax, "level (dB re peak)" if db else linear_label)


def draw_signed_mesh(
    ax: Axes,
    values: np.ndarray,
    frequency: np.ndarray,
    time: np.ndarray,
    *,
    colorbar: bool,
    duration: float | None = None,
    silence: str = "silence",
    label: str = "",
) -> None:
    """Cells that may be negative, over the largest magnitude, in colours that run to both sides of 0.

    Colours go with the root of the magnitude, so that weak cells show; neighbours that share a column are added.
    """
    from matplotlib.colors import FuncNorm

    values, time = pool_sums(values, time)
    divisor, unit = frequency_unit(float(frequency.max()))
    across = edges(time)
    if duration is not None:
        across[[0, -1]] = min(across[0], 0.0), max(across[-1], duration)
        ax.set_xlim(0, duration)
    bent = FuncNorm((lambda x: np.sign(x) * np.sqrt(np.abs(x)), lambda x: np.sign(x) * np.square(x)), vmin=-1, vmax=1)
    mesh = ax.pcolormesh(
        across,
        edges(frequency) / divisor,
        values / (np.abs(values).max() or 1.0),
        cmap=SIGNED_MAP,
        norm=bent,
        rasterized=True,
    )
    ax.set(xlabel="time (s)", ylabel=f"frequency ({unit})")
    if not values.any():
        say_silent(ax, color="black", text=silence)
    if colorbar:
        draw_colorbar(mesh, ax, label, ticks=(-1, -0.25, 0, 0.25, 1))


def draw_rows(
    ax: Axes, magnitude: np.ndarray, frequency: np.ndarray, dynamic_range: float, *, of: str, name: str = "frequency"
) -> QuadMesh:
    """Rows over frequency, each in dB below its own peak."""
    from matplotlib.ticker import MaxNLocator

    levels = np.stack([decibels(row, dynamic_range) for row in magnitude])
    divisor, unit = frequency_unit(float(frequency.max()))
    logarithmic = is_geometric(frequency)
    mesh = ax.pcolormesh(
        edges(frequency, logarithmic) / divisor,
        np.arange(len(levels) + 1) - 0.5,
        levels,
        cmap=COLOUR_MAP,
        vmin=-dynamic_range,
        vmax=0,
        rasterized=True,
    )
    if logarithmic:
        ax.set_xscale("log")
        plain_ticks(ax.xaxis)
    ax.set(xlabel=f"{name} ({unit})", ylabel=f"{of} (sorted)")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return mesh


def draw_colorbar(
    mesh: QuadMesh | AxesImage,
    ax: Axes,
    label: str,
    beside: list[Axes] | None = None,
    ticks: Sequence[float] | None = None,
) -> None:
    bar = ax.figure.colorbar(mesh, ax=beside or ax, pad=0.02, aspect=18)
    if ticks is not None:
        bar.set_ticks(list(ticks), labels=[f"{tick:g}" for tick in ticks])
    if "dB" in label:
        lowest, highest = (limit or 0.0 for limit in mesh.get_clim())
        bar.set_ticks(np.arange(highest, lowest - 1, -20 if highest - lowest >= 40 else -10).tolist())
    bar.set_label(label, fontsize=small_size(ax))
    bar.ax.tick_params(labelsize=small_size(ax))
    bar.outline.set_linewidth(0.6)


def edges(centres: np.ndarray, logarithmic: bool = False) -> np.ndarray:
    """Borders of cells around their centres, half-way to each neighbour."""
    if logarithmic:
        return cast(np.ndarray, np.exp(edges(np.log(centres))))
    if centres.size == 1:
        return cast(np.ndarray, centres[0] + np.array([-0.5, 0.5]) * (2 * abs(centres[0]) or 1.0))
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate(([2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]))


def plain_ticks(along: Axis) -> None:
    """Numbers such as 0.2, 0.5 and 1 on a logarithmic axis, not powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    along.set_major_locator(LogLocator(subs=(1, 2, 5)))
    along.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    along.set_minor_formatter(NullFormatter())


def is_geometric(frequency: np.ndarray) -> bool:
    if frequency.size < 3 or frequency[0] <= 0:
        return False
    even = np.allclose(np.diff(np.log(frequency), n=2), 0, atol=1e-3)
    return bool(even and frequency[-1] > 4 * frequency[0])


def pool_sums(values: np.ndarray, position: np.ndarray, most: int = MOST_COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """Sums of groups of neighbours along the last axis, so that at most `most` are left: what is added up stays so."""
    count = values.shape[-1]
    if count <= most:
        return values, position
    starts = np.arange(0, count, -(-count // most))
    sizes = np.diff(np.append(starts, count))
    return np.add.reduceat(values, starts, axis=-1), np.add.reduceat(position, starts) / sizes


def pool_columns(values: np.ndarray, position: np.ndarray, most: int = MOST_COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """Root mean square over groups of neighbours along the last axis, so that at most `most` are left."""
    count = values.shape[-1]
    if count <= most:
        return values, position
    starts = np.arange(0, count, -(-count // most))
    sizes = np.diff(np.append(starts, count))
    power = np.add.reduceat(np.square(values, dtype=float), starts, axis=-1) / sizes
    return np.sqrt(power), np.add.reduceat(position, starts) / sizes


# Reading results
