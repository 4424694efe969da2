"""Data sets of the papers in their official layout, with a few short sounds of noise each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from otoscope.data.speech_commands import WORDS

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


def noise(path: Path, seconds: float, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))
    soundfile.write(path, samples, RATE)
