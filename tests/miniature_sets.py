"""Data sets of the papers in their official layout, with a few short sounds of noise each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

from otoscope.data.asvspoof import LISTS, PROTOCOLS
from otoscope.data.speech_commands import WORDS
from otoscope.data.vowels import SYMBOLS, mean_vowel, synthesise

RATE = 16_000


def speech_commands(folder: Path, seconds: float = 0.5) -> None:
    """Of each word a sound of three speakers, one in each part."""
    root = folder / "speech-commands"
    for number, word in enumerate(WORDS):
        for speaker in ("0a7c2a8d", "b93528e3", "ffd2ba2f"):
            noise(root / word / f"{speaker}_nohash_0.wav", seconds, number)
    for name, speaker in (("validation_list.txt", "b93528e3"), ("testing_list.txt", "ffd2ba2f")):
        (root / name).write_text("".join(f"{word}/{speaker}_nohash_0.wav\n" for word in WORDS))


def librispeech(folder: Path, seconds: float = 0.5) -> None:
    """Of two speakers ten utterances each."""
    root = folder / "librispeech"
    for speaker in ("103", "1034"):
        place = root / "train-clean-100" / speaker / "1240"
        for number in range(10):
            noise(place / f"{speaker}-1240-{number:04}.flac", seconds, number)
        (place / f"{speaker}-1240.trans.txt").write_text("")
    lines = [
        ";ID |SEX| SUBSET |MINUTES| NAME",
        "103 | F | train-clean-100 | 25 | A",
        "1034 | M | train-clean-100 | 1 | B",
    ]
    (root / "SPEAKERS.TXT").write_text("\n".join(lines))


def asvspoof(folder: Path, seconds: float = 0.5) -> None:
    """Of three speakers in each part four utterances that are bona fide, and three of an attack of each kind."""
    root = folder / "asvspoof2019-la"
    kinds = ("bonafide",) * 4 + ("A07",) * 3 + ("A13",) * 3 + ("A17",) * 3
    for split, listed in LISTS.items():
        lines = []
        for number, (speaker, attack) in enumerate(product(("LA_0001", "LA_0002", "LA_0003"), kinds)):
            name = f"LA_{split[0].upper()}_{number:07}"
            noise(root / f"ASVspoof2019_LA_{split}" / "flac" / f"{name}.flac", seconds, number)
            lines.append(f"{speaker} {name} - " + ("- bonafide" if attack == "bonafide" else f"{attack} spoof"))
        protocol = root / PROTOCOLS / f"ASVspoof2019.LA.cm.{listed}.txt"
        protocol.parent.mkdir(parents=True, exist_ok=True)
        protocol.write_text("".join(f"{line}\n" for line in lines))


def iemocap(folder: Path, seconds: float = 0.5) -> None:
    """In each session of each emotion an utterance of a woman and one of a man."""
    root = folder / "iemocap"
    for session in range(1, 6):
        dialogue = f"Ses0{session}F_impro01"
        lines = []
        for number, code in enumerate(("ang", "hap", "neu", "sad")):
            for gender in "FM":
                name = f"{dialogue}_{gender}{number:03}"
                lines.append(f"[{number}.0000 - {number + 1}.0000]\t{name}\t{code}\t[2.5000, 2.5000, 2.5000]")
                noise(root / f"Session{session}" / "sentences" / "wav" / dialogue / f"{name}.wav", seconds, number)
        lists = root / f"Session{session}" / "dialog" / "EmoEvaluation"
        lists.mkdir(parents=True)
        (lists / f"{dialogue}.txt").write_text("\n".join(lines) + "\n")


def noise(path: Path, seconds: float, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))
    soundfile.write(path, samples, RATE)


def audioset(folder: Path, seconds: float = 0.6) -> None:
    """Of three classes eight clips in each part, some with two labels."""
    root = folder / "audioset"
    root.mkdir(parents=True, exist_ok=True)
    (root / "class_labels_indices.csv").write_text(
        'index,mid,display_name\n0,/m/1,"Speech"\n1,/m/2,"Male speech, man speaking"\n2,/m/3,"Rain"\n'
    )
    labels = ("/m/1", "/m/1,/m/2", "/m/3", "/m/2")
    for part in ("balanced_train", "unbalanced_train", "eval"):
        names = [f"{part[:4]}{number}" for number in range(8)]
        rows = [f'{name}, 0.000, 10.000, "{labels[number % 4]}"' for number, name in enumerate(names)]
        (root / f"{part}_segments.csv").write_text("\n".join(rows) + "\n")
        for number, name in enumerate(names):
            noise(root / f"{part}_segments" / f"{name}.wav", seconds, number)


def fsd50k(folder: Path, seconds: float = 0.6) -> None:
    """Of three classes eight clips in each part, some with two labels."""
    root = folder / "fsd50k"
    truth = root / "FSD50K.ground_truth"
    truth.mkdir(parents=True, exist_ok=True)
    (truth / "vocabulary.csv").write_text("0,Accordion,/m/a\n1,Bark,/m/b\n2,Dog,/m/c\n")
    labels = ("Accordion", '"Bark,Dog"', "Dog", "Bark")
    dev = [f"{number},{labels[number % 4]},x,{'train' if number < 8 else 'val'}" for number in range(16)]
    (truth / "dev.csv").write_text("fname,labels,mids,split\n" + "\n".join(dev) + "\n")
    rows = [f"{number},{labels[number % 4]},x" for number in range(20, 28)]
    (truth / "eval.csv").write_text("fname,labels,mids\n" + "\n".join(rows) + "\n")
    for number in range(16):
        noise(root / "FSD50K.dev_audio" / f"{number}.wav", seconds, number)
    for number in range(20, 28):
        noise(root / "FSD50K.eval_audio" / f"{number}.wav", seconds, number)


def voxceleb1(folder: Path, seconds: float = 0.6) -> None:
    """Of three speakers four utterances to train on, and two in each other part."""
    root, lines = folder / "voxceleb1", []
    for speaker in ("id10001", "id10002", "id10003"):
        for number in range(8):
            path = f"{speaker}/video{number}/00001.wav"
            lines.append(f"{1 if number < 4 else 2 if number < 6 else 3} {path}")
            noise(root / "wav" / path, seconds, number)
    (root / "iden_split.txt").write_text("\n".join(lines) + "\n")


def timit(folder: Path, speakers: Sequence[str], seconds: float = 0.4) -> None:
    """Of some speakers of the training set, and of all of the other parts, three sentences of a vowel."""
    from otoscope.data.timit import CORE_TEST, DEV

    places = [f"TRAIN/DR1/{name}" for name in speakers]
    places += [f"TEST/DR1/{name.upper()}" for name in sorted(DEV | CORE_TEST)]
    for number, place in enumerate(places):
        for sentence, vowel in (("SI1027", "ah"), ("SI1028", "uw"), ("SX37", "iy")):
            root = folder / "timit" / place
            samples = synthesise(mean_vowel(vowel, "men", 100.0 + number), RATE, seconds)
            root.mkdir(parents=True, exist_ok=True)
            soundfile.write(root / f"{sentence}.WAV", samples, RATE)
            middle, last = round(seconds * RATE / 4), round(seconds * RATE)
            (root / f"{sentence}.PHN").write_text(f"0 {middle} h#\n{middle} {last} {vowel}\n")


def aev(folder: Path) -> None:
    """Of a man and a woman all twelve vowels as recorded words of 0.5 s, with what was measured of them."""
    root = folder / "aev"
    measured, times = [], []
    for group, letter in (("men", "m"), ("women", "w")):
        (root / group).mkdir(parents=True)
        for vowel in SYMBOLS:
            name, spoken = f"{letter}01{vowel}", mean_vowel(vowel, group)
            soundfile.write(root / group / f"{name}.wav", synthesise(spoken, RATE, 0.5), RATE, subtype="PCM_16")
            values = [500, spoken.f0, *spoken.formants, *spoken.formants[:3] * 3]
            measured.append(" ".join([name, *(f"{value:.0f}" for value in values)]))
            times.append(f"{name} 100.0 400.0 240.0 260.0")
    (root / "vowdata.dat").write_text("\n".join(measured) + "\n")
    (root / "timedata.dat").write_text("\n".join(times) + "\n")
