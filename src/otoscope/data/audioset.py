"""AudioSet: clips of 10 s of 527 kinds of sound, several in most.

J. Gemmeke et al., "Audio Set: An ontology and human-labeled dataset for audio events", ICASSP 2017. What is published
is lists: ``balanced_train_segments.csv`` (22,160 clips), ``unbalanced_train_segments.csv`` (2,041,789) and
``eval_segments.csv`` (20,371), rows of YouTube ID, start and end in s, and labels; and ``class_labels_indices.csv``,
the 527 classes with their names. The sound itself is on YouTube, and every copy lacks some clips.

The folder holds the tables, and for each list a folder with its name, without ``.csv``: clips already cut, named by
their ID, as ``ID.wav``, ``YID.wav`` or ``ID_{start in ms}.wav``, in any sound format and any subfolder.
"""

from __future__ import annotations

import math
from pathlib import Path

from otoscope.data.items import DataSet, Item, Request, Source, read_table, sound_files
from otoscope.errors import InputError

LISTS = {"train": "balanced_train_segments", "unbalanced": "unbalanced_train_segments", "eval": "eval_segments"}
"""The list of each part, and the folder of its clips."""

CLASSES = "class_labels_indices.csv"

_COLUMNS = ("id", "start", "end", "labels")


def _read(request: Request) -> DataSet:
    rows = read_table(request.folder / CLASSES, request.url, ("mid", "display_name"))
    names = {row["mid"]: row["display_name"] for row in rows}
    items: list[Item] = []
    notes = []
    for split in (split for split in LISTS if split in request.splits):
        found, listed = _part(request, split, names)
        items += found
        if len(found) < listed:
            notes.append(f"{split}: {len(found)} of the {listed} clips listed are present")
    return DataSet(tuple(items), tuple(names.values()), tuple(notes), multilabel=True)


def _part(request: Request, split: str, names: dict[str, str]) -> tuple[list[Item], int]:
    table = request.folder / f"{LISTS[split]}.csv"
    rows = read_table(table, request.url, _COLUMNS, names=_COLUMNS)
    folder = request.folder / LISTS[split]
    files = {path.stem: path for path in sound_files(folder, request.url).values()}
    items = []
    for row in rows:
        unknown = next((mid for mid in row["labels"].split(",") if mid not in names), None)
        if unknown is not None:
            raise InputError(f"{table}: {row['id']} has the label {unknown!r}, which {CLASSES} does not list")
        path = _clip(files, row["id"], _seconds(row["start"]))
        if path is not None:
            labels = tuple(names[mid] for mid in row["labels"].split(","))
            items.append(Item(path, labels, split, facts={"id": row["id"]}))
    if not items:
        raise InputError(
            f"{folder} has none of the {len(rows)} clips of {table.name}: name them by their ID, as ID.wav"
        )
    return items, len(rows)


def _clip(files: dict[str, Path], name: str, start: float) -> Path | None:
    stems = [name, f"Y{name}"] + ([] if math.isnan(start) else [f"{name}_{round(1000 * start)}"])
    return next((files[stem] for stem in stems if stem in files), None)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


SOURCE = Source(
    name="audioset",
    about="AudioSet: 2 million clips of 10 s, each with some of 527 labels",
    licence="CC BY 4.0 (labels); the sound is that of YouTube's users",
    url="https://research.google.com/audioset/download.html",
    layout=(CLASSES,),
    tasks={"event": 527},
    splits=tuple(LISTS),
    sample_rate=None,
    read=_read,
    multilabel=True,
)
