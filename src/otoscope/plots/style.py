"""How large pictures are and what their text is like: for a screen, or for the columns of a printed paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from otoscope.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

StyleName = Literal["screen", "paper"]

MILLIMETRES = 25.4
"""In an inch."""

_TEXT: dict[str, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
}

_PRINT: dict[str, Any] = {
    **_TEXT,
    "font.family": ["DejaVu Sans"],
    "lines.linewidth": 0.8,
    "figure.titlesize": 8,
    "figure.labelsize": 8,
    "legend.title_fontsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "axes.labelpad": 2.5,
    "axes.unicode_minus": True,
    "mathtext.fontset": "dejavusans",
    "figure.constrained_layout.w_pad": 0.02,
    "figure.constrained_layout.h_pad": 0.02,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "savefig.bbox": None,
    "savefig.dpi": 300,
}
"""One font that every matplotlib has, so that figures are the same everywhere. It is embedded as TrueType, which
journals ask for, and nothing is cropped, so that the width stays that of the column; meshes, which are drawn as images
in a vector file, have 300 dots an inch."""


@dataclass(frozen=True)
class Style:
    """Widths in mm of a figure of one column and of two, and matplotlib settings.

    Attributes
    ----------
    column, page : float
        In mm.
    settings : mapping
        Of matplotlib.
    widens : bool
        Whether figures have the width that they are made for, rather than that of one column or two.
    """

    column: float
    page: float
    settings: Mapping[str, Any]
    widens: bool = False

    def inches(self, columns: float) -> float:
        """The width of a figure for so many columns.

        Examples
        --------
        >>> [round(STYLES["paper"].inches(columns) * MILLIMETRES) for columns in (1, 2, 3)]
        [86, 178, 178]
        """
        if self.widens:
            return self.column * columns / MILLIMETRES
        return (self.page if columns > 1.5 else self.column) * min(columns, 1) / MILLIMETRES


STYLES: Mapping[StyleName, Style] = {
    "screen": Style(86.36, 172.72, _TEXT, widens=True),
    "paper": Style(86.0, 178.0, _PRINT),
}

_CURRENT: ContextVar[StyleName] = ContextVar("style of pictures", default="screen")


def current() -> Style:
    """The style in which figures are made now."""
    return STYLES[_CURRENT.get()]


@contextmanager
def styled(name: StyleName | None) -> Iterator[None]:
    """Make figures in a style, as long as the context lasts; they keep it after that.

    Parameters
    ----------
    name : {"screen", "paper"}
        For a screen, or for print: widths of 86 and 178 mm, the columns of most journals and proceedings, text of 7 and
        8 points, fonts embedded. None for the style in use.

    Raises
    ------
    InputError
        If there is no such style.

    Examples
    --------
    >>> from otoscope.plots.drawing import make_axes
    >>> with styled("paper"):
    ...     figure = make_axes(None).figure
    >>> round(figure.get_figwidth() * 25.4)
    86
    """
    name = name or _CURRENT.get()
    if name not in STYLES:
        raise InputError(f"there is no style {name!r}; choose {' or '.join(STYLES)}")
    token = _CURRENT.set(name)
    try:
        if name == "screen":  # whose settings hold where its axes are made, and not for those of the caller
            yield
        else:
            with applied(STYLES[name]):
                yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def applied(style: Style) -> Iterator[None]:
    """Settings of matplotlib while the context lasts; those that a style does not name are left alone."""
    # Not matplotlib.rc_context, which would undo what the first figure of a notebook turns on.
    import matplotlib

    settings: Any = matplotlib.rcParams
    before = {name: settings[name] for name in style.settings}
    settings.update(style.settings)
    try:
        yield
    finally:
        settings.update(before)


def figure_class() -> type[Figure] | None:
    """The class of figures of the style in which figures are made now; None for that of matplotlib."""
    return None if _CURRENT.get() == "screen" else _keeping(current())


def _keeping(style: Style) -> type[Figure]:
    """Figures that are drawn and saved in a style, whenever that is: text and ticks may be made only then."""
    from matplotlib.figure import Figure

    class StyledFigure(Figure):
        def draw(self, renderer: Any) -> None:
            with applied(style):
                super().draw(renderer)

        def draw_without_rendering(self) -> None:
            with applied(style):
                super().draw_without_rendering()

        def savefig(self, *places: Any, **options: Any) -> None:
            with applied(style):
                super().savefig(*places, **options)

    return StyledFigure
