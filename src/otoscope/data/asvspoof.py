"""ASVspoof 2019, logical access: bona fide speech, and speech made by 19 systems.

Facts are from X. Wang et al., "ASVspoof 2019: A large-scale public database of synthesized, converted and replayed
speech", Computer Speech & Language 64 (2020): attacks A01 to A06 are in the training and development parts, A07 to
A19 in the evaluation part; A16 is made as A04, and A19 as A06. Utterances (bona fide + spoofed): 2,580 + 22,800 for
training, 2,548 + 22,296 for development, 7,355 + 63,882 for evaluation, all at 16 kHz.

A line of a countermeasure protocol is ``speaker utterance - attack key``, such as ``LA_0079 LA_T_1138215 - -
bonafide``.
"""

from __future__ import annotations

from otoscope.data.items import DataSet, Item, Request, Source, download_again, missing_of, read_lines, sound_files
from otoscope.data.problems import Problems
from otoscope.errors import InputError

PROTOCOLS = "ASVspoof2019_LA_cm_protocols"
"""Folder of the lists."""

LISTS = {"train": "train.trn", "dev": "dev.trl", "eval": "eval.trl"}
"""The end of the name of each part's list."""

ATTACKS: dict[str, str] = {
    **dict.fromkeys(("A01", "A02", "A03", "A04", "A07", "A08", "A09", "A10", "A11", "A12", "A16"), "TTS"),
    **dict.fromkeys(("A05", "A06", "A17", "A18", "A19"), "VC"),
    **dict.fromkeys(("A13", "A14", "A15"), "TTS_VC"),
}
"""The kind of each attack: text to speech, voice conversion, or voice conversion of text to speech (table 1)."""

_CLASSES = {
    "key": ("bonafide", "spoof"),
    "attack": ("bonafide", *sorted(ATTACKS)),
    "group": ("bonafide", "TTS", "VC", "TTS_VC"),
}


def _read(request: Request) -> DataSet:
    problems = Problems()
    items = [item for split in LISTS if split in request.splits for item in _part(request, split, problems)]
    return DataSet(tuple(items), _CLASSES[request.task], problems=problems)


def _part(request: Request, split: str, problems: Problems) -> list[Item]:
    protocol = request.folder / PROTOCOLS / f"ASVspoof2019.LA.cm.{LISTS[split]}.txt"
    rows = read_lines(protocol, request.url, columns=5)
    folder = request.folder / f"ASVspoof2019_LA_{split}" / "flac"
    found = sound_files(folder, request.url)
    listed = [f"{row[1]}.flac" for row in rows]
    missing = missing_of(listed, found, folder, protocol.name, request.url, problems)
    items = []
    for speaker, name, _, attack, key in rows:
        if (key == "spoof") != (attack in ATTACKS) or key not in _CLASSES["key"]:
            raise InputError(
                f"{protocol}: {name} has the attack {attack!r} and the key {key!r}{download_again(request.url)}"
            )
        if f"{name}.flac" in missing:
            continue
        facts = {"key": key, "attack": attack if key == "spoof" else key, "group": ATTACKS.get(attack, key)}
        items.append(Item(found[f"{name}.flac"], (facts[request.task],), split, facts={"speaker": speaker, **facts}))
    return items


SOURCE = Source(
    name="asvspoof2019-la",
    about="ASVspoof 2019 LA: 121,461 utterances, bona fide or spoofed by one of 19 systems",
    licence="ODC-By 1.0",
    url="https://datashare.ed.ac.uk/handle/10283/3336",
    layout=(PROTOCOLS,),
    tasks={"key": 2, "attack": 20, "group": 4},
    splits=tuple(LISTS),
    sample_rate=16_000,
    read=_read,
)
