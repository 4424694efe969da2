"""FSD50K: sounds of Freesound with labels of the AudioSet ontology.

E. Fonseca et al., "FSD50K: An open dataset of human-labeled sound events", IEEE/ACM Trans. ASLP 30 (2022): 51,197 clips
of 0.3 to 30 s at 44.1 kHz, 200 classes, several labels a clip. The development part (40,966) is divided into ``train``
(36,796) and ``val`` (4,170) by the column `split` of ``dev.csv``; the evaluation part (10,231) is ``eval.csv``.
"""

from __future__ import annotations

from otoscope.data.items import DataSet, Item, Request, Source, download_again, missing_of, read_table, sound_files
from otoscope.data.problems import Problems
from otoscope.errors import InputError

TRUTH = "FSD50K.ground_truth"
"""Folder of the tables."""


def _read(request: Request) -> DataSet:
    table = request.folder / TRUTH / "vocabulary.csv"
    rows = read_table(table, request.url, ("label",), names=("index", "label", "mid"))
    classes = tuple(row["label"] for row in rows)
    items: list[Item] = []
    problems = Problems()
    if {"train", "val"} & set(request.splits):
        items += _part(request, "dev", classes, problems)
    if "eval" in request.splits:
        items += _part(request, "eval", classes, problems)
    return DataSet(tuple(items), classes, multilabel=True, problems=problems)


def _part(request: Request, part: str, classes: tuple[str, ...], problems: Problems) -> list[Item]:
    table = request.folder / TRUTH / f"{part}.csv"
    rows = read_table(table, request.url, ("fname", "labels", *(["split"] if part == "dev" else [])))
    folder = request.folder / f"FSD50K.{part}_audio"
    found = sound_files(folder, request.url)
    listed = [f"{row['fname']}.wav" for row in rows]
    missing = missing_of(listed, found, folder, table.name, request.url, problems)
    known = set(classes)
    items = []
    for row in rows:
        labels, split = tuple(row["labels"].split(",")), row.get("split", "eval")
        if split not in ("train", "val", "eval") or not known.issuperset(labels):
            raise InputError(f"{table}: {row['fname']} has an unknown label or split{download_again(request.url)}")
        if f"{row['fname']}.wav" not in missing:
            items.append(Item(found[f"{row['fname']}.wav"], labels, split))
    return items


SOURCE = Source(
    name="fsd50k",
    about="FSD50K: 51,197 clips of Freesound, each with some of 200 labels",
    licence="CC BY 4.0; each clip under its own (CC0, CC BY, CC BY-NC or CC Sampling+)",
    url="https://zenodo.org/records/4060432",
    layout=(TRUTH,),
    tasks={"event": 200},
    splits=("train", "val", "eval"),
    sample_rate=44_100,
    read=_read,
    multilabel=True,
)
