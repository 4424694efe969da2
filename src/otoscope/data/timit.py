"""TIMIT: phones, and the 462 speakers of its training set.

J. Garofolo et al., LDC93S1 (1993): 6,300 sentences of 630 speakers at 16 kHz, ``{TRAIN,TEST}/DR{1..8}/{speaker}/
{sentence}.WAV`` with the phones in ``.PHN``, lines of first sample, last sample and phone.

The split is the usual one of phone recognition. Training: the 462 speakers of ``TRAIN``, without the two ``SA``
sentences that all speakers say (3,696 sentences). Test: the 24 speakers of the core test set, two men and a woman of
each dialect region, as ``testset.doc`` of the corpus lists them (192 sentences). Development: 50 other speakers of
``TEST`` (400 sentences), listed in A. Halberstadt, "Heterogeneous acoustic measurements and multiple classifiers for
speech recognition", PhD thesis, MIT 1998.

Phones: 61 are labelled, and folded to 39 after K.-F. Lee and H.-W. Hon, "Speaker-independent phone recognition using
hidden Markov models", IEEE Trans. ASSP 37 (1989), table 3; the glottal stop ``q`` is left out.

Speakers: all ten sentences of each of the 462, nine for training and one for development, as in the study of Muckenhirn
et al. (2019). It does not say which one; here it is the last ``SX`` sentence by name, which not all speakers say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from otoscope.data.items import (
    DataSet,
    Item,
    Request,
    Source,
    alphabetical_classes,
    download_again,
    read_lines,
    sound_files,
)
from otoscope.errors import InputError

SAMPLE_RATE = 16_000
"""In Hz; the times of phones are counted in samples."""

TRAIN_SPEAKERS = 462

DEV = frozenset(
    "faks0 fdac1 fjem0 mgwt0 mjar0 mmdb1 mmdm2 mpdf0 fcmh0 fkms0 mbdg0 mbwm0 mcsh0 fadg0 fdms0 fedw0 mgjf0 mglb0 mrtk0 "
    "mtaa0 mtdt0 mthc0 mwjg0 fnmr0 frew0 fsem0 mbns0 mmjr0 mdls0 mdlf0 mdvc0 mers0 fmah0 fdrw0 mrcs0 mrjm4 fcal1 mmwh0 "
    "fjsj0 majc0 mjsw0 mreb0 fgjd0 fjmg0 mroa0 mteb0 mjfc0 mrjr0 fmml0 mrws1".split()
)
"""The 50 speakers of the development set."""

CORE_TEST = frozenset(
    "mdab0 mwbt0 felc0 mtas1 mwew0 fpas0 mjmp0 mlnt0 fpkt0 mlll0 mtls0 fjlm0 mbpm0 mklt0 fnlp0 mcmj0 mjdh0 fmgd0 mgrt0 "
    "mnjm0 fdhc0 mjln0 mpam0 fmld0".split()
)
"""The 24 speakers of the core test set."""

_FOLDED = {
    "aa": "ao", "ah": "ax ax-h", "er": "axr", "hh": "hv", "ih": "ix", "l": "el", "m": "em", "n": "en nx", "ng": "eng",
    "sh": "zh", "uw": "ux",
}  # fmt: skip
_KEPT = "ae aw ay b ch d dh dx eh ey f g iy jh k ow oy p r s t th uh v w y z"
_SILENT = "pcl tcl kcl bcl dcl gcl h# pau epi"

PHONES: dict[str, str | None] = {
    **{phone: phone for phone in (*_KEPT.split(), *_FOLDED)},
    **{one: phone for phone, folded in _FOLDED.items() for one in folded.split()},
    **dict.fromkeys(_SILENT.split(), "sil"),
    "q": None,
}
"""The class of each of the 61 phones, one of 39; None for the phone that is left out."""

PHONES_39 = tuple(sorted({phone for phone in PHONES.values() if phone}))
"""The classes."""


def _read(request: Request) -> DataSet:
    if request.task == "speaker":
        items = _of_speakers(_sentences(request, ("train",))["train"])
        return DataSet(tuple(items), alphabetical_classes(items))
    files = _sentences(request, request.splits)
    fold = PHONES if request.task == "phone" else dict(zip(PHONES, PHONES, strict=True))
    items = []
    for split, speakers in files.items():
        for speaker, sentences in speakers.items():
            for name, sound in sentences.items():
                if not name.startswith("sa"):
                    items += _phones(sound, request.url, fold, split, speaker)
    return DataSet(tuple(items), PHONES_39 if request.task == "phone" else tuple(sorted(PHONES)))


def _sentences(request: Request, splits: tuple[str, ...]) -> dict[str, dict[str, dict[str, Path]]]:
    """The file of each sentence, by part and speaker; all speakers of these parts have to be present."""
    found: dict[str, dict[str, dict[str, Path]]] = {"train": defaultdict(dict), "test": defaultdict(dict)}
    for name, path in sound_files(request.folder, request.url).items():
        words = name.lower().split("/")  # copies of the corpus differ in case and in suffixes
        if len(words) == 4 and words[0] in found:
            found[words[0]][words[2]].setdefault(words[3].partition(".")[0], path)
    if "train" in splits and len(found["train"]) != TRAIN_SPEAKERS:
        raise InputError(
            f"the training set of {request.folder} has {len(found['train'])} of {TRAIN_SPEAKERS} speakers"
            + download_again(request.url)
        )
    wanted = {split: names for split, names in (("dev", DEV), ("test", CORE_TEST)) if split in splits}
    for split, names in wanted.items():
        missing = sorted(names - found["test"].keys())
        if missing:
            raise InputError(
                f"{len(missing)} of the {len(names)} speakers of the split {split} are missing from {request.folder}, "
                f"first {missing[0]}{download_again(request.url)}"
            )
    parts = {split: {name: found["test"][name] for name in sorted(names)} for split, names in wanted.items()}
    return ({"train": found["train"]} if "train" in splits else {}) | parts


def _of_speakers(speakers: dict[str, dict[str, Path]]) -> list[Item]:
    items = []
    for speaker, sentences in speakers.items():
        held_out = max(sentences, key=lambda name: (name.startswith("sx"), name))
        for name, path in sentences.items():
            items.append(Item(path, (speaker,), "dev" if name == held_out else "train", facts={"speaker": speaker}))
    return items


def _phones(sound: Path, url: str, fold: Mapping[str, str | None], split: str, speaker: str) -> list[Item]:
    stem = sound.name.partition(".")[0]
    listed = next(
        (sound.with_name(stem + end) for end in (".PHN", ".phn") if sound.with_name(stem + end).exists()), None
    )
    if listed is None:
        raise InputError(f"{sound} has no list of phones {stem}.PHN beside it{download_again(url)}")
    items = []
    for first, last, phone in read_lines(listed, url, columns=3):
        if phone not in fold or not (first.isdigit() and last.isdigit()):
            raise InputError(f"{listed}: {first} {last} {phone!r} is not a phone of TIMIT{download_again(url)}")
        label, start, stop = fold[phone], int(first) / SAMPLE_RATE, int(last) / SAMPLE_RATE
        if label:
            items.append(Item(sound, (label,), split, start, stop, {"speaker": speaker, "phone": phone}))
    return items


SOURCE = Source(
    name="timit",
    about="TIMIT: phones with their times in 6,300 read sentences of 630 speakers",
    licence="LDC User Agreement (for purchase)",
    url="https://catalog.ldc.upenn.edu/LDC93S1",
    layout=("TRAIN|train", "TEST|test"),
    tasks={"phone": len(PHONES_39), "phone61": len(PHONES), "speaker": TRAIN_SPEAKERS},
    splits=("train", "dev", "test"),
    sample_rate=SAMPLE_RATE,
    read=_read,
)
