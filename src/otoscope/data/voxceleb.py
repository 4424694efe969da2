"""VoxCeleb1 for the identification of its 1,251 speakers.

A. Nagrani et al., "VoxCeleb: a large-scale speaker identification dataset", Interspeech 2017: 153,516 utterances at
16 kHz. ``iden_split.txt`` has lines of part and file, such as ``1 id10003/na8-QEFmj44/00003.wav``; part 1 (138,361)
is for training, 2 (6,904) for validation and 3 (8,251) for testing. The folder ``wav`` holds the files of both
archives; they may have been converted, say to flac.
"""

from __future__ import annotations

import os

from otoscope.data.items import DataSet, Item, Request, Source, download_again, missing_of, read_lines, sound_files
from otoscope.data.problems import Problems
from otoscope.errors import InputError

LIST = "iden_split.txt"
SPLITS = {"1": "train", "2": "val", "3": "test"}
"""Parts by their numbers in the list."""


def _read(request: Request) -> DataSet:
    rows = read_lines(request.folder / LIST, request.url, columns=2)
    splits: dict[str, str] = {}
    for number, name in rows:
        if number not in SPLITS or name.count("/") != 2:
            raise InputError(
                f"{request.folder / LIST}: {number} {name!r} is not a part and a file{download_again(request.url)}"
            )
        stem = os.path.splitext(name)[0]
        if stem in splits:
            raise InputError(f"{request.folder / LIST} names {name} twice{download_again(request.url)}")
        splits[stem] = SPLITS[number]
    wanted = {name: split for name, split in splits.items() if split in request.splits}
    found = {os.path.splitext(name)[0]: path for name, path in sound_files(request.folder / "wav", request.url).items()}
    problems, missing = Problems(), frozenset[str]()
    for split in request.splits:  # one that is missing as a whole is an error
        listed = [name for name in wanted if wanted[name] == split]
        missing |= missing_of(listed, found, request.folder / "wav", LIST, request.url, problems)
    items = []
    for name, split in sorted(wanted.items()):
        if name in missing:
            continue
        speaker, video, _ = name.split("/")
        items.append(Item(found[name], (speaker,), split, facts={"speaker": speaker, "video": video}))
    return DataSet(tuple(items), tuple(sorted({name.partition("/")[0] for name in splits})), problems=problems)


SOURCE = Source(
    name="voxceleb1",
    about="VoxCeleb1: 153,516 utterances of 1,251 celebrities, from YouTube",
    licence="CC BY 4.0 (labels), for research; the sound is that of YouTube's users",
    url="https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox1.html",
    layout=(LIST,),
    tasks={"speaker": 1251},
    splits=tuple(SPLITS.values()),
    sample_rate=16_000,
    read=_read,
)
