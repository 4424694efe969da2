"""IEMOCAP: emotion and gender in 10,039 utterances of ten actors.

C. Busso et al., "IEMOCAP: interactive emotional dyadic motion capture database", Language Resources and Evaluation 42
(2008). Five sessions of a woman and a man; a fold is a session, so that no speaker is in two. The emotion on which
three judges agreed is in ``Session{n}/dialog/EmoEvaluation/*.txt``, in lines such as ``[6.2901 - 8.2357]
Ses01F_impro01_F000 neu [2.5000, 2.5000, 2.5000]`` (start and end in s, utterance, emotion, and valence, activation and
dominance); the sound is in ``Session{n}/sentences/wav/{dialogue}/{utterance}.wav`` at 16 kHz.

The letter before the number in the name of an utterance is the speaker's gender (that behind the session is whose
markers were recorded). Emotion: the usual four classes, with excitement counted as happiness (5,531 utterances).
"""

from __future__ import annotations

import re
from pathlib import Path

from otoscope.data.items import DataSet, Item, Request, Source, download_again, missing_of, read_text, sound_files
from otoscope.data.problems import Problems
from otoscope.errors import InputError

SESSIONS = 5

EMOTIONS: dict[str, str] = {"ang": "angry", "hap": "happy", "exc": "happy", "neu": "neutral", "sad": "sad"}
"""Classes by the codes of the lists; utterances with another code are left out."""

_CLASSES = {"emotion": ("angry", "happy", "neutral", "sad"), "gender": ("female", "male")}
_GENDERS = {"F": "female", "M": "male"}
_LINE = re.compile(r"^\[[\d.]+ - [\d.]+\]\s+(?P<name>Ses\d\d[FM]_\w+_(?P<gender>[FM])\w+)\s+(?P<code>\w{3})\s", re.M)


def _read(request: Request) -> DataSet:
    items: list[Item] = []
    problems = Problems()
    for number in range(1, SESSIONS + 1):
        if f"fold{number}" in request.splits:
            items += _session(request, number, problems)
    return DataSet(tuple(items), _CLASSES[request.task], problems=problems)


def _session(request: Request, number: int, problems: Problems) -> list[Item]:
    folder = request.folder / f"Session{number}"
    lists = sorted(path for path in folder.glob("dialog/EmoEvaluation/*.txt") if not path.name.startswith("."))
    if not lists:
        raise InputError(f"{folder / 'dialog/EmoEvaluation'} has no lists of emotions{download_again(request.url)}")
    labelled: dict[str, re.Match[str]] = {}
    for path in lists:
        for line in _lines(path, request.url):
            if line["name"] in labelled:
                raise InputError(f"{path} repeats {line['name']}{download_again(request.url)}")
            labelled[line["name"]] = line
    wanted = {name: line for name, line in labelled.items() if request.task != "emotion" or line["code"] in EMOTIONS}
    place = folder / "sentences" / "wav"
    found = sound_files(place, request.url)
    files = {name: f"{name.rpartition('_')[0]}/{name}.wav" for name in wanted}
    missing = missing_of(files.values(), found, place, "EmoEvaluation", request.url, problems)
    items = []
    for name, line in sorted(wanted.items()):
        if files[name] in missing:
            continue
        facts = {"speaker": f"{name[:5]}{line['gender']}", "code": line["code"], "gender": _GENDERS[line["gender"]]}
        label = EMOTIONS[line["code"]] if request.task == "emotion" else facts["gender"]
        items.append(Item(found[files[name]], (label,), f"fold{number}", facts=facts))
    return items


def _lines(path: Path, url: str) -> list[re.Match[str]]:
    lines = list(_LINE.finditer(read_text(path, url)))
    if not lines:
        raise InputError(f"{path} holds no labelled utterance{download_again(url)}")
    return lines


SOURCE = Source(
    name="iemocap",
    about="IEMOCAP: 10,039 acted utterances of ten speakers, with emotion and gender",
    licence="for research, on request",
    url="https://sail.usc.edu/iemocap/",
    layout=("|".join(f"Session{n}" for n in range(1, SESSIONS + 1)),),
    tasks={"emotion": 4, "gender": 2},
    splits=tuple(f"fold{n}" for n in range(1, SESSIONS + 1)),
    sample_rate=16_000,
    read=_read,
)
