"""Figures for print: widths of columns, settings, and files in which fonts are embedded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from otoscope.files import whole_file
from otoscope.plots.drawing import COLUMN_WIDTH, STYLE, make_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_WIDTH = 7.0
"""Width in inches of a figure over both columns of a paper."""

_SETTINGS: Any = {
    **STYLE,
    "pdf.fonttype": 42,  # whole fonts, which publishers ask for, and not outlines of letters
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "otoscope",
    "lines.linewidth": 0.8,
    "savefig.dpi": 300,
}


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw with the settings of a printed page: 7 to 8 points, thin lines, embedded fonts.

    Examples
    --------
    >>> import matplotlib
    >>> with paper_style():
    ...     matplotlib.rcParams["pdf.fonttype"]
    42
    """
    import matplotlib

    with matplotlib.rc_context(_SETTINGS):
        yield


def paper_grid(
    rows: int, columns: int, *, height: float, width: Literal["column", "page"] = "column", **shared: bool
) -> np.ndarray:
    """Axes in a figure as wide as a column, or as the page.

    Parameters
    ----------
    rows, columns : int
    height : float
        Of the figure, in inches.
    width : {"column", "page"}
    **shared : bool
        `sharex` and `sharey`, as of matplotlib.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, (row, column)

    Examples
    --------
    >>> round(float(paper_grid(1, 3, height=2, width="page")[0, 0].figure.get_figwidth()), 6)
    7.0
    """
    return make_grid(rows, columns, height=height, width=COLUMN_WIDTH if width == "column" else PAGE_WIDTH, **shared)


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PDF, of lines and letters, and as PNG; the same figure makes the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    folder : Path
        One that is there.
    name : str
        Of the files, without a suffix.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    without: dict[str, dict[str, None]] = {"pdf": {"CreationDate": None, "ModDate": None}, "png": {"Software": None}}
    paths = []
    with paper_style():
        for suffix, metadata in without.items():
            path = folder / f"{name}.{suffix}"
            with whole_file(path) as part:
                figure.savefig(part, format=suffix, metadata=metadata)
            paths.append(path)
    return paths
