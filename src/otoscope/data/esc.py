"""ESC-50 and ESC-10: environmental sounds of 5 s in five folds.

K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015: 2,000 clips of 50 classes, 40
of each; ESC-10 is 400 of them, of ten classes. Clips that were cut from one recording are in one fold.

ESC-50 is published as ``audio/{fold}-{Freesound ID}-{take}-{target}.wav`` with a table ``meta/esc50.csv`` of filename,
fold, target, category, esc10 (True or False), src_file and take. ESC-10 is part of it, and is also published alone, as
``{number} - {class}/{fold}-{Freesound ID}-{take}.ogg``. Classes have the names of ESC-50 in both.
"""

from __future__ import annotations

import re

from otoscope.data.items import (
    DataSet,
    Item,
    Request,
    Source,
    alphabetical_classes,
    missing_of,
    read_table,
    sound_files,
)
from otoscope.data.problems import Problems
from otoscope.errors import InputError

TABLE = "meta/esc50.csv"
FOLDS = tuple(f"fold{n}" for n in range(1, 6))

CATEGORIES: dict[str, str] = {
    "001 - Dog bark": "dog",
    "002 - Rain": "rain",
    "003 - Sea waves": "sea_waves",
    "004 - Baby cry": "crying_baby",
    "005 - Clock tick": "clock_tick",
    "006 - Person sneeze": "sneezing",
    "007 - Helicopter": "helicopter",
    "008 - Chainsaw": "chainsaw",
    "009 - Rooster": "rooster",
    "010 - Fire crackling": "crackling_fire",
}
"""Folders of ESC-10, and the names of the same classes in ESC-50."""

_FILE = re.compile(r"(?P<fold>[1-5])-(?P<id>\d+)-(?P<take>[A-Z])\.(ogg|wav)")
_URL = "https://github.com/karolpiczak/ESC-50"


def _read_esc50(request: Request) -> DataSet:
    return _of_table(request, only_ten=False)


def _read_esc10(request: Request) -> DataSet:
    return _of_table(request, only_ten=True) if (request.folder / TABLE).exists() else _of_folders(request)


def _of_table(request: Request, only_ten: bool) -> DataSet:
    rows = read_table(request.folder / TABLE, request.url, ("filename", "fold", "category", "esc10"))
    wanted = [row for row in rows if row["esc10"] == "True" or not only_ten]
    folder = request.folder / "audio"
    found = sound_files(folder, request.url)
    problems = Problems()
    missing = missing_of((row["filename"] for row in wanted), found, folder, TABLE, request.url, problems)
    items = []
    for row in sorted(wanted, key=lambda row: row["filename"]):
        split = f"fold{row['fold']}"
        if split not in FOLDS:
            raise InputError(f"{request.folder / TABLE}: {row['filename']} is in fold {row['fold']!r}, not 1 to 5")
        if row["filename"] in missing:
            continue
        facts = {"id": row.get("src_file", ""), "take": row.get("take", "")}
        items.append(Item(found[row["filename"]], (row["category"],), split, facts=facts))
    return DataSet(tuple(items), tuple(sorted({row["category"] for row in wanted})), problems=problems)


def _of_folders(request: Request) -> DataSet:
    items = []
    for folder, category in CATEGORIES.items():
        for name, path in sound_files(request.folder / folder, request.url).items():
            match = _FILE.fullmatch(name)
            if match is None:
                raise InputError(f"{path} is not named like the clips of ESC-10, fold-id-take.ogg: move it away")
            facts = {"id": match["id"], "take": match["take"]}
            items.append(Item(path, (category,), f"fold{match['fold']}", facts=facts))
    return DataSet(tuple(items), alphabetical_classes(items))


ESC50 = Source(
    name="esc50",
    about="ESC-50: 2,000 clips of 5 s of 50 environmental sounds",
    licence="CC BY-NC 3.0",
    url=_URL,
    layout=(TABLE,),
    tasks={"category": 50},
    splits=FOLDS,
    sample_rate=44_100,
    read=_read_esc50,
)

ESC10 = Source(
    name="esc10",
    about="ESC-10: 400 clips of 5 s of ten environmental sounds, a part of ESC-50",
    licence="CC BY 3.0",
    url=_URL,
    layout=("|".join((TABLE, *CATEGORIES)),),
    tasks={"category": 10},
    splits=FOLDS,
    sample_rate=44_100,
    read=_read_esc10,
)
