"""VoxCeleb1 for the identification of its 1,251 speakers.

A. Nagrani et al., "VoxCeleb: a large-scale speaker identification dataset", Interspeech 2017: 153,516 utterances at
16 kHz. ``iden_split.txt`` has lines of part and file, such as ``1 id10003/na8-QEFmj44/00003.wav``; part 1 (138,361)
is for training, 2 (6,904) for validation and 3 (8,251) to test on. The folder ``wav`` holds the files of both archives.
"""

from __future__ import annotations

from otoscope.data.items import Asked, DataSet, Item, Source, check_present, read_lines, sound_files
from otoscope.errors import InputError

LIST = "iden_split.txt"
SPLITS = {"1": "train", "2": "val", "3": "test"}
"""What the numbers of the list mean."""


def _read(asked: Asked) -> DataSet:
    rows = read_lines(asked.folder / LIST, asked.url, columns=2)
    splits: dict[str, str] = {}
    for number, name in rows:
        if number not in SPLITS or name.count("/") != 2:
            raise InputError(
                f"{asked.folder / LIST}: {number} {name!r} is no part and file; get it anew from {asked.url}"
            )
        if name in splits:
            raise InputError(f"{asked.folder / LIST} names {name} twice; get it anew from {asked.url}")
        splits[name] = SPLITS[number]
    wanted = {name: split for name, split in splits.items() if split in asked.splits}
    found = sound_files(asked.folder / "wav", asked.url)
    check_present(wanted, found, asked.folder / "wav", LIST, asked.url)
    items = []
    for name, split in sorted(wanted.items()):
        speaker, video, _ = name.split("/")
        items.append(Item(found[name], (speaker,), split, facts={"speaker": speaker, "video": video}))
    return DataSet(tuple(items), tuple(sorted({name.partition("/")[0] for name in splits})))


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
