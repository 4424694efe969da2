"""What sections share: sources, a caution, pictures, and how a result was made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import xarray as xr

from otoscope import drawing
from otoscope.citations import cite

if TYPE_CHECKING:
    from matplotlib import figure as mpl


SWAM = cite("swam")

RELEVANCE = cite("relevance")

SONIFICATION = cite("sonification")

SIMPLENET = cite("simplenet")

GEOMETRY = cite("skretting2011")

CAUTION = (
    "Read with care: guided backpropagation and the DeconvNet rule let only positive gradients pass and so "
    "partly recover the input signal, whatever the model has learnt (Nie, Zhang and Patel, ICML 2018). That "
    "a picture or sound resembles the input is no evidence that the decision rests on it."
)

_FULL = (4.8, 280.0)  # inches wide and dots an inch: text of 8 points stays legible on a telephone

_HALF = (3.4, 240.0)


@contextmanager
def blank(height: float, *, half: bool = False, rows: int = 1, columns: int = 1) -> Iterator[tuple[mpl.Figure, Any]]:
    """A blank figure in the style of the plots, kept away from pyplot, which would hold on to it.

    Height in inches; as wide as the page, or half of it. Yields the figure and its axes (an array where several).
    """
    import matplotlib
    from matplotlib.figure import Figure as Blank

    width, dpi = _HALF if half else _FULL
    with matplotlib.rc_context(drawing.STYLE):
        picture = Blank(figsize=(width, height), dpi=dpi, layout="constrained")
        axes = picture.subplots(rows, columns, sharex=columns == 1)
        for ax in picture.axes:
            ax.tick_params(labelsize=drawing.STYLE["xtick.labelsize"])
        yield picture, axes


def made(result: xr.DataArray | xr.Dataset) -> str:
    method, arguments = result.attrs.get("method", ""), result.attrs.get("arguments", "")
    return f"{method} with {arguments}" if method and arguments not in ("", "{}") else str(method)
