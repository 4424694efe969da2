"""The Free Spoken Digit Dataset: English digits, ``recordings/{digit}_{speaker}_{index}.wav``.

Z. Jackson et al., Jakobovski/free-spoken-digit-dataset: 3,000 recordings at 8 kHz, ten digits fifty times by each of
six speakers. As its README has it, the recordings with index 0 to 4 are to test on, and those from 5 for training.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from otoscope.data.items import Asked, DataSet, Item, Source, by_alphabet, sound_files
from otoscope.errors import InputError

NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)\.wav")
"""How a recording is named."""

TESTED = 5
"""Recordings of each digit by each speaker that are to test on: those of the lowest indices."""


def recordings(files: Iterable[Path], task: str) -> DataSet:
    """The items that recordings of FSDD are.

    Parameters
    ----------
    files : iterable of Path
    task : str
        ``digit`` or ``speaker``.

    Raises
    ------
    InputError
        If a file is not named as a recording.

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
            raise InputError(
                f"{path} is not named as the recordings of FSDD are, digit_speaker_index.wav: move it away"
            )
        split = "test" if int(match["index"]) < TESTED else "train"
        facts = {"digit": match["digit"], "speaker": match["speaker"]}
        items.append(Item(path, (facts[task],), split, facts=facts))
    return DataSet(tuple(items), by_alphabet(items))


def _read(asked: Asked) -> DataSet:
    return recordings(sound_files(asked.folder / "recordings", asked.url).values(), asked.task)


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
