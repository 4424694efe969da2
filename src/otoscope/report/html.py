"""One HTML file with pictures and sound inside: nothing is loaded from elsewhere and no script runs."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from otoscope._version import __version__
from otoscope.app.players import Player, audio
from otoscope.errors import InputError
from otoscope.markup import cell, is_number

if TYPE_CHECKING:
    from matplotlib import figure as mpl

_POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Figure:
    """A picture, with the sound that it shows.

    Attributes
    ----------
    picture : matplotlib.figure.Figure
        Drawn when the page is rendered, at its own dots per inch: two for each pixel of the page.
    alt : str
        What the picture shows, for those who cannot see it.
    caption : str
        Line below the picture.
    player : Player, optional
        The sound of the picture.
    half : bool
        Whether the picture shares its row with the next one, on a page wide enough.
    """

    picture: mpl.Figure
    alt: str
    caption: str = ""
    player: Player | None = None
    half: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under headings; columns of numbers are aligned to the right and empty cells stay empty.

    Attributes
    ----------
    columns : sequence of str
    rows : sequence of sequences
        Text, numbers or None; as long as `columns`.
    caption : str
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Note:
    """A caution that must be read with a picture."""

    text: str


Item: TypeAlias = Figure | Player | Table | Heading | Note


@dataclass(frozen=True)
class Section:
    """One result.

    Attributes
    ----------
    title : str
    sentence : str
        What the pictures mean.
    source : str
        Where the method is from.
    made : str
        How the result was computed: method and arguments.
    body : sequence of Figure, Player, Table, Heading and Note
    """

    title: str
    sentence: str
    source: str = ""
    made: str = ""
    body: Sequence[Item] = field(default_factory=tuple)


def render(
    title: str,
    sections: Sequence[Section],
    facts: Mapping[str, object] | None = None,
    *,
    notes: Sequence[str] = (),
) -> str:
    """Write a report as one HTML page.

    Parameters
    ----------
    title : str
    sections : sequence of Section
    facts : mapping of str to object, optional
        Listed at the top: model, audio and whatever else the reader must know.
    notes : sequence of str
        Remarks below the facts, such as why a section is absent.

    Returns
    -------
    str
        The page; all text in it is escaped, pictures and sounds are part of it.

    Raises
    ------
    InputError
        If a sound is empty or not finite, or a table has a row of another length than its headings.

    Examples
    --------
    >>> page = render("What <it> hears", [Section("Nothing", "Silence.")], {"model": "none"})
    >>> "What &lt;it&gt; hears" in page
    True
    """
    anchors = _anchors([section.title for section in sections])
    links = "".join(
        f'<a href="#{anchor}">{escape(section.title)}</a> ' for anchor, section in zip(anchors, sections, strict=True)
    )
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{_style()}</style></head><body>",
        f"<header><h1>{escape(title)}</h1>",
        _facts(facts or {}),
        *(f'<p class="note">{escape(note)}</p>' for note in notes),
        f'<nav aria-label="Sections">{links}</nav></header><main>' if len(sections) > 1 else "</header><main>",
        *(_section(section, anchor) for anchor, section in zip(anchors, sections, strict=True)),
        f"</main><footer>Made with Otoscope {escape(__version__)}.</footer></body></html>",
    ]
    return "\n".join(part for part in parts if part)


def encode_picture(picture: mpl.Figure) -> bytes:
    """A figure as PNG in at most 256 colours: a fraction of the size, and no change that one could see."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(picture)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG")
    return buffer.getvalue()


def _style() -> str:
    return files("otoscope.report").joinpath("report.css").read_text(encoding="utf-8")


def _anchors(titles: Sequence[str]) -> list[str]:
    words = (re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") for title in titles)
    return [f"{number}-{word}" for number, word in enumerate(words, 1)]


def _facts(facts: Mapping[str, object]) -> str:
    rows = "".join(f"<dt>{escape(str(name))}</dt><dd>{escape(cell(fact))}</dd>" for name, fact in facts.items())
    return f"<dl>{rows}</dl>" if rows else ""


def _section(section: Section, anchor: str) -> str:
    origin = (("Source", section.source), ("Computed by", section.made))
    source = "".join(f'<p class="source">{name}: {escape(text)}</p>' for name, text in origin if text)
    body = "\n".join(_item(item) for item in section.body)
    return (
        f'<section id="{anchor}"><h2>{escape(section.title)}</h2><p>{escape(section.sentence)}</p>{source}'
        f'<div class="body">{body}</div></section>'
    )


def _item(item: Item) -> str:
    if isinstance(item, Figure):
        return _figure(item)
    if isinstance(item, Player):
        return f'<figure class="half">{audio(item)}</figure>'
    if isinstance(item, Table):
        return _table(item)
    if isinstance(item, Heading):
        return f"<h3>{escape(item.text)}</h3>"
    return f'<p class="note">{escape(item.text)}</p>'


def _figure(figure: Figure) -> str:
    width, height = (round(inches * figure.picture.dpi / 2) for inches in figure.picture.get_size_inches())
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
    return (
        f'<figure{" class=half" if figure.half else ""}><img alt="{escape(figure.alt)}" width="{width}" '
        f'height="{height}" src="{_data(encode_picture(figure.picture), "image/png")}">{caption}'
        f"{audio(figure.player) if figure.player else ''}</figure>"
    )


def _table(table: Table) -> str:
    wrong = [len(row) for row in table.rows if len(row) != len(table.columns)]
    if wrong:
        raise InputError(f"a table of {len(table.columns)} columns has a row of {wrong[0]}.")
    align = [' class="number"' if all(map(is_number, column)) else "" for column in _columns(table)]
    head = "".join(f'<th scope="col"{a}>{escape(n)}</th>' for n, a in zip(table.columns, align, strict=True))
    rows = "".join(f"<tr>{_cells(row, align)}</tr>" for row in table.rows)
    # outside the box in which a wide table is scrolled, so that a narrow page does not cut it off
    caption = f"<figcaption>{escape(table.caption)}</figcaption>" if table.caption else ""
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<figure>{caption}<div class="wide"><table>{body}</table></div></figure>'


def _columns(table: Table) -> list[list[object]]:
    return [[row[i] for row in table.rows] for i in range(len(table.columns))]


_LONG = 24  # characters from which on a cell is text, whose lines may be broken


def _cells(row: Sequence[object], align: Sequence[str]) -> str:
    texts = [escape(cell(value)) for value in row]
    # a name at the beginning, such as features.conv1, may be broken after its dots, and nowhere else
    texts[:1] = [re.sub(r"\.(?=[^\W\d])", ".<wbr>", text) for text in texts[:1]]
    of = [
        a or (' class="text"' if len(text) > _LONG and " " in text else "")
        for text, a in zip(texts, align, strict=True)
    ]
    return "".join(f"<td{a}>{text}</td>" for text, a in zip(texts, of, strict=True))


def _data(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
