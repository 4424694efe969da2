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
from otoscope.errors import InputError

if TYPE_CHECKING:
    from matplotlib import figure as mpl

LONGEST_SOUND = 60.0
"""Longest sound in s that a report holds; of a longer one it holds the beginning, and says so."""

_POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Player:
    """A sound that can be played.

    Attributes
    ----------
    label : str
        What is heard.
    samples : numpy.ndarray, shape (time,) or (channel, time)
        Full scale = 1. A peak above 1 is scaled down to 1, and the label says so.
    sample_rate : int
        In Hz.
    """

    label: str
    samples: np.ndarray
    sample_rate: int


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


def encode_sound(samples: np.ndarray, sample_rate: int) -> tuple[bytes, str]:
    """Samples as the bytes of a 16-bit FLAC or WAV file, whichever is smaller, and its media type.

    Parameters
    ----------
    samples : numpy.ndarray, shape (time,) or (channel, time)
        From -1 to 1.
    sample_rate : int
        In Hz.

    Returns
    -------
    tuple of bytes and str
        ``audio/flac`` or ``audio/wav``; every current browser plays both.

    Examples
    --------
    >>> encode_sound(np.zeros(8000), 8000)[1]
    'audio/flac'
    """
    import soundfile

    # Rounded here, so that both formats hold the very same integers.
    integers = np.clip(np.round(samples.T * 32768), -32768, 32767).astype(np.int16)
    coded = []
    for container in ("FLAC", "WAV"):
        buffer = io.BytesIO()
        soundfile.write(buffer, integers, sample_rate, format=container, subtype="PCM_16")
        coded.append((buffer.getvalue(), f"audio/{container.lower()}"))
    return min(coded, key=lambda one: len(one[0]))


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
    rows = "".join(f"<dt>{escape(str(name))}</dt><dd>{escape(_text(fact))}</dd>" for name, fact in facts.items())
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
        return f'<figure class="half">{_player(item)}</figure>'
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
        f"{_player(figure.player) if figure.player else ''}</figure>"
    )


def _player(player: Player) -> str:
    samples = np.asarray(player.samples, dtype=float)
    if samples.ndim not in (1, 2) or samples.size == 0 or not np.isfinite(samples).all():
        raise InputError(
            f"the sound {player.label!r} cannot be played: it must be finite, not empty and of shape "
            f"(time,) or (channel, time); it has shape {samples.shape}."
        )
    label, longest = player.label, round(LONGEST_SOUND * player.sample_rate)
    if samples.shape[-1] > longest:
        label += f" (the first {LONGEST_SOUND:g} s of {samples.shape[-1] / player.sample_rate:.4g} s)"
        samples = samples[..., :longest]
    if (peak := float(np.abs(samples).max())) > 1:
        label += f" (scaled down by {20 * np.log10(peak):.1f} dB to fit full scale)"
        samples = samples / peak
    sound = _data(*encode_sound(samples, player.sample_rate))
    name = escape(label)
    return f'<figcaption>{name}</figcaption><audio controls aria-label="{name}" src="{sound}"></audio>'


def _table(table: Table) -> str:
    wrong = [len(row) for row in table.rows if len(row) != len(table.columns)]
    if wrong:
        raise InputError(f"a table of {len(table.columns)} columns has a row of {wrong[0]}.")
    align = [' class="number"' if all(map(_is_number, column)) else "" for column in _columns(table)]
    head = "".join(f'<th scope="col"{a}>{escape(n)}</th>' for n, a in zip(table.columns, align, strict=True))
    rows = "".join(f"<tr>{_cells(row, align)}</tr>" for row in table.rows)
    # outside the box in which a wide table is scrolled, so that a narrow page does not cut it off
    caption = f"<figcaption>{escape(table.caption)}</figcaption>" if table.caption else ""
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<figure>{caption}<div class="wide"><table>{body}</table></div></figure>'


def _columns(table: Table) -> list[list[object]]:
    return [[row[i] for row in table.rows] for i in range(len(table.columns))]


def _cells(row: Sequence[object], align: Sequence[str]) -> str:
    texts = [escape(_text(cell)) for cell in row]
    # a name at the beginning, such as features.conv1, may be broken after its dots, and nowhere else
    texts[:1] = [re.sub(r"\.(?=[^\W\d])", ".<wbr>", text) for text in texts[:1]]
    return "".join(f"<td{a}>{text}</td>" for text, a in zip(texts, align, strict=True))


def _is_number(cell: object) -> bool:
    return cell is None or (isinstance(cell, (int, float, np.number)) and not isinstance(cell, bool))


def _text(cell: object) -> str:
    if cell is None or (isinstance(cell, (float, np.floating)) and np.isnan(cell)):
        return "–"
    if isinstance(cell, (float, np.floating)):
        number = float(cell)
        return f"{number:.4g}" if abs(number) < 1e4 else f"{number:.0f}"
    return str(cell)


def _data(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
