"""The Free Spoken Digit Dataset: English digits, ``recordings/{digit}_{speaker}_{index}.wav``.

Z. Jackson et al., Jakobovski/free-spoken-digit-dataset: 3,000 recordings at 8 kHz, ten digits fifty times by each of
six speakers. As its README says, the recordings with index 0 to 4 are for testing, and those from 5 for training.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from otoscope.data.items import DataSet, Item, Request, Source, alphabetical_classes, sound_files
from otoscope.errors import InputError

NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)\.wav")
"""Names of recordings."""

TEST_TAKES = 5
"""Recordings of each digit by each speaker in the test set: those of the lowest indices."""


def recordings(files: Iterable[Path], task: str) -> DataSet:
    """Recordings of FSDD as a data set.

    Parameters
    ----------
    files : iterable of Path
    task : str
        ``digit`` or ``speaker``.

    Raises
    ------
    InputError
        If a file is not named like a recording of FSDD.

    Examples
    --------
    >>> found = recordings([Path("7_jackson_4.wav"), Path("7_jackson_5.wav")], "speaker")
    >>> found.classes, [item.split for item in found]
    (('jackson',), ['test', 'train'])
    """
    items = []
    for path in files:
        match = NAME.fullmatch(path.name)
        if match is None:
            raise InputError(f"{path} is not named like the recordings of FSDD, digit_speaker_index.wav: move it away")
        split = "test" if int(match["index"]) < TEST_TAKES else "train"
        facts = {"digit": match["digit"], "speaker": match["speaker"]}
        items.append(Item(path, (facts[task],), split, facts=facts))
    return DataSet(tuple(items), alphabetical_classes(items))


def _read(request: Request) -> DataSet:
    return recordings(sound_files(request.folder / "recordings", request.url).values(), request.task)


SOURCE = Source(
    name="fsdd",
    about="Free Spoken Digit Dataset: 3,000 recordings of ten digits by six speakers",
    licence="CC BY-SA 4.0",
    url="https://github.com/Jakobovski/free-spoken-digit-dataset",
    layout=("recordings",),
    tasks={"digit": 10, "speaker": 6},
    splits=("train", "test"),
    sample_rate=8_000,
    read=_read,
)
