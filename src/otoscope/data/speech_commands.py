"""Speech Commands, version 2: one of 35 words a clip.

Facts are from P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209
(2018): 105,829 clips of at most 1 s at 16 kHz, the 35 words of its table of recordings, and the split by
``validation_list.txt`` and ``testing_list.txt`` (9,981 and 11,005 clips), which keeps each speaker in one part.
A file is named ``{word}/{speaker}_nohash_{take}.wav``.
"""

from __future__ import annotations

from otoscope.data.items import DataSet, Item, Request, Source, download_again, missing_of, read_lines, sound_files
from otoscope.data.problems import Problems
from otoscope.errors import InputError

WORDS = tuple(
    "backward bed bird cat dog down eight five follow forward four go happy house learn left marvin nine no off on one "
    "right seven sheila six stop three tree two up visual wow yes zero".split()
)
"""The classes."""

LISTS = {"val": "validation_list.txt", "test": "testing_list.txt"}
"""The list of each part; all other clips are for training."""


def _read(request: Request) -> DataSet:
    found = sound_files(request.folder, request.url)
    words = {name.partition("/")[0] for name in found}
    missing = [word for word in WORDS if word not in words]
    if missing:
        raise InputError(
            f"{request.folder} has no recordings of {len(missing)} of the {len(WORDS)} words, first {missing[0]!r}"
            + download_again(request.url)
        )
    splits: dict[str, str] = {}
    problems = Problems()
    for split, file in LISTS.items():
        listed = [name for (name,) in read_lines(request.folder / file, request.url)]
        missing_of(listed, found, request.folder, file, request.url, problems)
        both = next((name for name in listed if name in splits), None)
        if both:
            raise InputError(f"{both} is in both lists of {request.folder}{download_again(request.url)}")
        splits |= dict.fromkeys(listed, split)
    items = []
    for name, path in found.items():
        word, _, file = name.partition("/")
        if word in WORDS:  # and not background noise
            speaker = file.partition("_nohash_")[0]
            items.append(Item(path, (word,), splits.get(name, "train"), facts={"speaker": speaker}))
    return DataSet(tuple(items), WORDS, problems=problems)


SOURCE = Source(
    name="speech-commands",
    about="Speech Commands v2: 105,829 clips of 1 s, each one of 35 words",
    licence="CC BY 4.0",
    url="http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    layout=tuple(LISTS.values()),
    tasks={"word": 35},
    splits=("train", "val", "test"),
    sample_rate=16_000,
    read=_read,
)
