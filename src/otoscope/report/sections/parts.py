"""What sections share: where a result is from, its pictures and its table, and a caution."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import xarray as xr

from otoscope import tables
from otoscope.app.caution import CAUTION as CAUTION
from otoscope.app.caution import PARTLY_RECOVER_THE_INPUT as PARTLY_RECOVER_THE_INPUT
from otoscope.app.players import Player
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing
from otoscope.plots import drawing
from otoscope.report.html import Figure, Item, Section, Table

if TYPE_CHECKING:
    from matplotlib import figure as mpl

_FULL = (4.8, 280.0)  # inches wide and dots an inch: text of 8 points stays legible on a telephone

_HALF = (3.4, 240.0)


def section(title: str, sentence: str, results: xr.Dataset | Iterable[xr.Dataset], body: Sequence[Item]) -> Section:
    """The section of one result, or of several of one method, with their source and how they were computed."""
    several = [results] if isinstance(results, xr.Dataset) else list(results)
    source, calls = (dict.fromkeys(map(of, several)) for of in (_source, call))
    return Section(title, sentence, "; ".join(filter(None, source)), "; ".join(filter(None, calls)), body)


def figure(
    height: float,
    draw: Callable[..., Any],
    result: Any,
    alt: str,
    caption: str = "",
    *,
    player: Player | None = None,
    half: bool = False,
    rows: int = 1,
    columns: int = 1,
    **options: Any,
) -> Figure:
    """A result drawn on blank axes, `height` inches high, with `options` for the function that draws."""
    with blank(height, half=half, rows=rows, columns=columns) as (picture, axes):
        draw(result, axes, **options)
    return Figure(picture, alt, caption, player, half)


@contextmanager
def blank(
    height: float, *, half: bool = False, rows: int = 1, columns: int = 1, mosaic: Sequence[Sequence[Any]] = ()
) -> Iterator[tuple[mpl.Figure, Any]]:
    """A blank figure in the style of the plots, kept away from pyplot, which would hold on to it.

    Height in inches; as wide as the page, or half of it. Yields the figure and its axes (an array where several; those
    of a mosaic by their labels).
    """
    import matplotlib
    from matplotlib.figure import Figure as Blank

    width, dpi = _HALF if half else _FULL
    with matplotlib.rc_context(drawing.STYLE):
        picture = Blank(figsize=(width, height), dpi=dpi, layout="constrained")
        axes: Any = (
            picture.subplot_mosaic([list(row) for row in mosaic])
            if mosaic
            else picture.subplots(rows, columns, sharex=columns == 1)
        )
        for ax in picture.axes:
            ax.tick_params(labelsize=drawing.STYLE["xtick.labelsize"])
        yield picture, axes


def table(result: xr.Dataset, caption: str = "", columns: Mapping[str, str] | None = None) -> Table:
    """The table of a method's result: that of its record, or of it the `columns` with headings of their own."""
    method = str(result.attrs["method"])
    import_module(listing()[method].module)
    record = METHODS[method]
    rows = tables.finite(tables.rows(result, record))
    same = tables.constants(result, record)
    headings = columns or {name: text for name, text in tables.headings(result, record).items() if name not in same}
    shown = [name for name in headings if not rows or name in rows[0]]
    return Table([headings[name] for name in shown], [[row[name] for name in shown] for row in rows], caption)


def reads(result: xr.Dataset) -> str:
    """What the layer of a result reads, where that is not the waveform itself: a sentence to follow another."""
    found = result.attrs.get("reads", "the waveform")
    return "" if found == "the waveform" else f" What this layer reads: {found}."


def call(result: xr.Dataset) -> str:
    """How a result was computed, as a call; what was left at a default of None is left out."""
    method, arguments = result.attrs.get("method", ""), json.loads(result.attrs.get("arguments", "{}"))
    given = ", ".join(f"{name}={_short(value)}" for name, value in arguments.items() if value not in (None, [], {}))
    given = re.sub(r"\b([0-9a-f]{8})[0-9a-f]{24,}\b", r"\1…", given)  # hashes, of which the result has every digit
    return f"{method}({given})" if method else ""


def _short(value: Any) -> str:
    """A value as in Python, a long list by its ends."""
    if isinstance(value, list) and len(value) > 12:
        return f"[{value[0]!r}, …, {value[-1]!r}]"
    return repr(value)


def as_loud(signal: xr.DataArray, reference: xr.DataArray) -> Any:
    """Samples scaled to the peak of a reference: the scale of a gradient says nothing to the ear."""
    return signal.values * (float(abs(reference).max()) / (float(abs(signal).max()) or 1.0))


def silent(samples: Any) -> str:
    """What a label says of samples that cannot be heard."""
    return "" if samples.any() else " (silent)"


def _source(result: xr.Dataset) -> str:
    return str(result.attrs.get("source", ""))
