"""Which clips of a run drive its maps most, where the sounds of them are, and the index of those."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from otoscope.files import write_text
from otoscope.runs import questions
from otoscope.runs.run import Run

_COLUMNS = ("layer", "channel", "rank", "clip", "name", "label", "mean_activation", "peak_time")
"""Of the index, before start, file and sonification."""


@dataclass(frozen=True)
class Piece:
    """One of the top clips of a map, and the names of its files within the folder of sounds."""

    layer: str
    channel: int
    rank: int
    clip: int
    name: str
    label: str | None
    mean_activation: float
    peak_time: float
    file: str
    sonification: str

    @property
    def files(self) -> tuple[str, str]:
        return self.file, self.sonification


def top_pieces(run: Run, k: int) -> tuple[list[Piece], int]:
    """The top clips of every map that is not dead, in order of clips, layers and maps; and how many maps are dead."""
    maps = questions.dead(run)
    dead = {(layer, channel) for layer, channel, is_dead in _columns(maps, "layer", "channel", "dead") if is_dead}
    pieces = list[Piece]()
    for layer, folder in _folders(sorted(set(maps["layer"]))).items():  # one by one, so that memory stays small
        table = questions.top(run, layer=layer, k=k)
        columns = _columns(table, "channel", "rank", "clip", "name", "label", "value", "peak_time")
        for channel, rank, clip, name, label, value, peak_time in columns:
            if (layer, channel) not in dead:
                stem = f"{folder}/{channel}/rank-{rank:02d}-clip{clip:06d}"
                files = f"{stem}.wav", f"{stem}-sonification.wav"
                known = label if isinstance(label, str) else None
                pieces.append(Piece(layer, channel, rank, clip, name, known, value, peak_time, *files))
    return sorted(pieces, key=attrgetter("clip", "layer", "channel")), len(dead)


def write_index(path: Path, pieces: Sequence[Piece], starts: Mapping[Piece, float]) -> None:
    """Write the index: of every piece where in s it begins in its clip, and its files, if they are there."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, "start", "file", "sonification"])
    for piece in sorted(pieces, key=attrgetter("layer", "channel", "rank")):
        facts = [getattr(piece, name) for name in _COLUMNS]
        writer.writerow([*facts, starts[piece], *piece.files] if piece in starts else [*facts, None, None, None])
    write_text(path, text.getvalue())


def is_whole_index(path: Path, pieces: Sequence[Piece]) -> bool:
    """Whether the index is there, of just these pieces, with the files of all."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return {(row["file"], row["sonification"]) for row in csv.DictReader(file)} == {one.files for one in pieces}
    except (OSError, ValueError, KeyError, csv.Error):
        return False


def _columns(table: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    """The rows of some columns of a data frame, as plain values."""
    return zip(*(table[name].tolist() for name in names), strict=True)


def _folders(layers: Sequence[str]) -> dict[str, str]:
    """A name for the folder of every layer, which every file system takes, and no two alike.

    Examples
    --------
    >>> _folders(["block.conv", "block/conv", "block_conv"])
    {'block.conv': 'block.conv', 'block/conv': 'block_conv', 'block_conv': 'block_conv-2'}
    """
    found = dict[str, str]()
    for layer in layers:
        name = stem = re.sub(r"[^\w.+-]", "_", layer).strip(".") or "_"
        count, taken = 1, {one.lower() for one in found.values()}
        while name.lower() in taken:
            count += 1
            name = f"{stem}-{count}"
        found[layer] = name
    return found
