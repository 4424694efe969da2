"""LibriSpeech train-clean-100 for the identification of its 251 speakers.

V. Panayotov et al., "Librispeech: An ASR corpus based on public domain audio books", ICASSP 2015: 100.6 hours of
126 men and 125 women, 28,539 utterances, in files ``{speaker}/{chapter}/{speaker}-{chapter}-{utterance}.flac`` at
16 kHz. The corpus itself is split by speaker, which is of no use for speaker identification; the study of response
spectra (SWAM) divides these utterances 60:20:20 and does not publish the lists. Here 60 % of the utterances of *each
speaker* are for training, 20 % for validation and 20 % for testing, drawn by a hash of their names: the same on every
machine.
"""

from __future__ import annotations

import hashlib
import re
from itertools import groupby

from otoscope.data.items import (
    DataSet,
    Item,
    Request,
    Source,
    alphabetical_classes,
    download_again,
    read_text,
    sound_files,
)
from otoscope.errors import InputError

PART, SPEAKERS = "train-clean-100", 251

_FILE = re.compile(r"(\d+)/(\d+)/\1-\2-\d+\.flac")


def _read(request: Request) -> DataSet:
    found = sound_files(request.folder / PART, request.url)
    strange = next((name for name in found if not _FILE.fullmatch(name)), None)
    if strange:
        raise InputError(f"{request.folder / PART / strange} is not named like a file of LibriSpeech: move it away")
    sexes = _sexes(request) if request.task == "sex" else {}
    items = []
    for speaker, names in groupby(sorted(found, key=lambda name: name.split("/")), lambda name: name.split("/")[0]):
        own = list(names)
        splits = _splits(own)
        for name in own:
            label = sexes.get(speaker) if request.task == "sex" else speaker
            if label is None:
                raise InputError(
                    f"{request.folder / 'SPEAKERS.TXT'} lacks speaker {speaker}{download_again(request.url)}"
                )
            facts = {"speaker": speaker, "chapter": name.split("/")[1]}
            items.append(Item(found[name], (label,), splits[name], facts=facts))
    there = len({item.facts["speaker"] for item in items})
    notes = () if there == SPEAKERS else (f"{there} of the {SPEAKERS} speakers are present",)
    return DataSet(tuple(items), alphabetical_classes(items), notes)


def _splits(names: list[str]) -> dict[str, str]:
    """Of the utterances of one speaker, 60 % for training and 20 % for validation, in the order of their hashes."""
    drawn = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    train, val = round(0.6 * len(drawn)), round(0.8 * len(drawn))
    return {name: "train" if n < train else "val" if n < val else "test" for n, name in enumerate(drawn)}


def _sexes(request: Request) -> dict[str, str]:
    """From ``SPEAKERS.TXT``, lines such as ``14 | F | train-clean-360 | 25.03 | Kristin LeMoine``."""
    lines = read_text(request.folder / "SPEAKERS.TXT", request.url).splitlines()
    rows = [[field.strip() for field in line.split("|")] for line in lines if line.strip() and line[0] != ";"]
    return {row[0]: {"F": "female", "M": "male"}[row[1]] for row in rows if len(row) > 1 and row[1] in ("F", "M")}


SOURCE = Source(
    name="librispeech",
    about="LibriSpeech train-clean-100: 28,539 utterances of 251 speakers",
    licence="CC BY 4.0",
    url="https://www.openslr.org/12",
    layout=(PART,),
    tasks={"speaker": 251, "sex": 2},
    splits=("train", "val", "test"),
    sample_rate=16_000,
    read=_read,
)
