"""What figures of several panels share: their grid, headings of columns and rows, and the names of panels."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from otoscope.errors import InputError
from otoscope.plots.drawing import COLUMN_WIDTH, STYLE, make_figure, small_size
from otoscope.plots.style import applied, current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

_Result = TypeVar("_Result")

_LETTERS = 15  # of small text, to an inch

# In inches, of a page of small panels.
_HIGHEST_ROW, _HIGHEST_PAGE = 0.62, 8.2
_GAP = 0.07  # between rows, where triangles mark times
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.98, 0.42, 0.42, 0.62


def grid(
    rows: int,
    columns: int,
    *,
    height: float,
    wide: bool | None = None,
    heights: Sequence[float] | None = None,
    widths: Sequence[float] | None = None,
    sharex: Any = False,
    sharey: Any = False,
    gap: float = 0.03,
) -> np.ndarray:
    """Axes (rows, columns) of a figure of one column, or of two where it is `wide`; `height` in inches."""
    wide = columns > 2 if wide is None else wide
    figure = make_figure((1 + wide) * COLUMN_WIDTH, height, layout="constrained")
    layout: Any = figure.get_layout_engine()
    layout.set(w_pad=0.02, h_pad=0.02, wspace=gap, hspace=gap)
    with applied(current()):
        axes: np.ndarray = figure.subplots(
            rows, columns, squeeze=False, sharex=sharex, sharey=sharey, height_ratios=heights, width_ratios=widths
        )
        for ax in axes.ravel():
            ax.tick_params(labelsize=STYLE["xtick.labelsize"])
    return axes


def named(results: Mapping[str, _Result], what: str) -> dict[str, _Result]:
    """The results under their names, of which there has to be one."""
    if not isinstance(results, Mapping) or not results or hasattr(results, "dims"):
        raise InputError(f"give {what} by name: a mapping of at least one")
    return {str(name): one for name, one in results.items()}


def head_columns(axes: np.ndarray, names: Sequence[str], pad: float = 3) -> None:
    """Names above the columns, so many points above their panels."""
    for ax, name in zip(axes[0], names, strict=True):
        ax.set_title(name, fontsize=ax.xaxis.label.get_fontsize(), pad=pad)


def only_outer(axes: np.ndarray) -> None:
    """Labels of the left column and the lowest row alone; numbers stay where panels have axes of their own."""
    for row in axes:
        for ax in row[1:]:
            ax.set_ylabel("")
    for row in axes[:-1]:
        for ax in row:
            ax.set_xlabel("")


def note_below(ax: Axes, text: str) -> None:
    """What the figure leaves out or how it was made, below it in small type."""
    if text:
        figure: Any = ax.figure
        lines = textwrap.wrap(text, round(_LETTERS * figure.get_figwidth()))
        figure.supxlabel("\n".join(lines), fontsize=small_size(ax), x=0.01, ha="left")


def end_at(ax: Axes, highest: float | None, divisor: float, along: str = "x") -> None:
    """Let the axis of frequency, in Hz over the divisor, end at so many Hz."""
    if highest is not None:
        if highest <= 0:
            raise InputError(f"the axis of frequency has to end above 0 Hz, not at {highest:g}")
        ax.set_xlim(right=highest / divisor) if along == "x" else ax.set_ylim(top=highest / divisor)


def page_grid(rows: int, columns: int, widths: Sequence[float] | None = None) -> np.ndarray:
    """Axes (rows, columns) of small panels that stand close together and fill a page at most.

    Their places are set and not found by a layout, which takes a minute for two hundred panels.
    """
    each = min(_HIGHEST_ROW, _HIGHEST_PAGE / rows)
    height = _TOP + _BOTTOM + each * rows
    figure = make_figure(2 * COLUMN_WIDTH, height)
    width = figure.get_figwidth()
    places = {
        "left": _LEFT / width, "right": 1 - _RIGHT / width, "bottom": _BOTTOM / height, "top": 1 - _TOP / height,
        "wspace": 0.06, "hspace": _GAP / (each - _GAP),
    }  # fmt: skip
    with applied(current()):
        axes: np.ndarray = figure.subplots(rows, columns, squeeze=False, width_ratios=widths, gridspec_kw=places)
        for ax in axes.ravel():
            ax.tick_params(labelsize=STYLE["xtick.labelsize"])
    return axes


def bar_below(axes: np.ndarray, label: str) -> None:
    """The colour bar of a page of panels, below their right half; what their axes are, below the left half."""
    ax = axes[-1, 0]
    figure, (low, high) = ax.figure, ax.get_ylim()
    width, height = figure.get_size_inches()
    ax.tick_params(labelbottom=True, labelleft=True, bottom=True, left=True)
    ax.set_yticks([low, high], ["0", f"{high:.3g}"])
    ax.locator_params(axis="x", nbins=3)
    unit = "kHz" if high < 100 else "Hz"
    figure.text(
        _LEFT / width, 0.18 / height, f"each panel: time (s), frequency ({unit})", fontsize=small_size(ax), va="center"
    )
    place = figure.add_axes((0.55, 0.28 / height, 0.97 - _RIGHT / width - 0.55, 0.07 / height))
    bar = figure.colorbar(axes[0, 0].collections[0], cax=place, orientation="horizontal")
    bar.set_label(label, fontsize=small_size(ax), labelpad=1)
    bar.ax.tick_params(labelsize=small_size(ax), pad=1, length=2)
    bar.outline.set_linewidth(0.6)


def bare(ax: Axes) -> None:
    """No labels and no numbers, for one of many panels that are alike."""
    ax.set(xlabel="", ylabel="")
    ax.tick_params(labelbottom=False, labelleft=False, bottom=False, left=False)


def name_row(ax: Axes, name: str) -> None:
    """A name left of a row of a page, upright, with room for the numbers of the axis."""
    shown = "\n".join(part if len(part) <= 12 else f"{part[:5]}…{part[-6:]}" for part in name.split("\n"))
    ax.set_ylabel(shown, rotation=0, ha="right", va="center", fontsize=small_size(ax))
    figure: Any = ax.figure
    ax.yaxis.set_label_coords(-0.26 / figure.get_figwidth() / ax.get_position().width, 0.5)
