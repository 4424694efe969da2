"""The sounds of a run as parts of its page: pieces of clips, once each, and the sonifications of every map."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from otoscope.app.run_index import Expected, Index, Missing, Sounded
from otoscope.app.run_parts import Box
from otoscope.errors import InputError
from otoscope.runs.info import fingerprint
from otoscope.runs.run import Run

WIDTH, HEIGHT = 48, 24
"""Of a thumbnail: moments, and frequencies on the mel scale."""

_LATEST = 1e7
"""In s, after which no clip goes on whose end is not known."""

_WINDOW = 0.025  # s, of the spectra of thumbnails
_LOWEST = 50.0  # Hz


class Sounds:
    """The stored sounds of a run.

    Parameters
    ----------
    run : Run
    maps : collection of (str, int)
        The layers and channels of the run.
    clips : mapping of int to float
        Its clips, and how long they are in s, NaN where that is not known.
    most : int, optional
        Only so many of each map, those of the first ranks.

    Attributes
    ----------
    of : dict of (str, int) to list of Sounded
        By layer and channel, in the order of ranks.
    rule : str
        By which they were made.
    missing : dict of str to Missing
        How many that the index has cannot be used, and why, by kind.
    rate, channels : int
        Of the files.

    Raises
    ------
    InputError
        If they are of another run, or the index cannot be read.
    """

    def __init__(
        self, run: Run, maps: Collection[tuple[str, int]], clips: Mapping[int, float], most: int | None = None
    ) -> None:
        self._folder = run.folder / "sounds"
        self.of: dict[tuple[str, int], list[Sounded]] = defaultdict(list)
        self.rule, self.rate, self.channels = "", 0, 0
        self.missing: dict[str, Missing] = {}
        if most == 0 or not (self._folder / "index.csv").is_file():
            return
        seconds, subject = self._check(run), run.info["model"]["subject"]
        rate, channels = subject.get("sample_rate") or 0, subject.get("channels") or 1
        ends = _ends(clips, subject, rate)
        index = Index(self._folder, Expected(maps, ends, rate, channels, seconds), most)
        for one in index.sounds:
            self.of[one.layer, one.channel].append(one)
        self.missing, self.rate, self.channels = index.missing, index.rate, index.channels

    def __bool__(self) -> bool:
        return bool(self.of)

    @property
    def most(self) -> int:
        """The largest number that a map has."""
        return max(map(len, self.of.values()), default=0)

    def pieces(self) -> dict[int, list[Sounded]]:
        """By the number of a clip each piece of it that is heard, once, in the order of time."""
        found: dict[int, dict[float, Sounded]] = defaultdict(dict)
        for all_of_map in self.of.values():
            for one in all_of_map:
                found[one.clip].setdefault(one.start, one)
        return {clip: [found[clip][start] for start in sorted(found[clip])] for clip in sorted(found)}

    @property
    def notes(self) -> list[str]:
        """What is missing, in words."""
        return [
            f"{one.count} of the stored sounds {'is' if one.count == 1 else 'are'} missing: {kind} ({one.first})"
            for kind, one in self.missing.items()
        ]

    def _check(self, run: Run) -> float:
        """How many s the files may have; an InputError if they are of another run."""
        path = self._folder / "about.json"
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            self.rule = str(about["rule"])
            same = about["fingerprint"] == fingerprint(run.info)
            seconds = float(about["duration"]) if same else 0.0
            if same and not 0 < seconds < math.inf:
                raise ValueError(f"duration is {seconds:g}")
        except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
            raise InputError(
                f"{path} cannot be read ({error}): leave the sounds out with --sounds 0, or remove {self._folder} and "
                "start the sweep again as it was, with --sounds"
            ) from None
        if not same:
            raise InputError(
                f"{self._folder} holds sounds of another run: leave them out with --sounds 0, or remove it and start "
                "the sweep again as it was, with --sounds"
            )
        return seconds


def _ends(clips: Mapping[int, float], subject: Mapping[str, Any], rate: int) -> dict[int, float]:
    """Where each clip ends in s as the model hears it, which repeats or fills up shorter ones than it takes."""
    lengths = [subject.get(name) for name in ("length", "trained_length", "minimum_length")]
    least = max((one for one in lengths if isinstance(one, int)), default=0) / (rate or math.inf)
    return {clip: _LATEST if math.isnan(end) else min(max(end, least), _LATEST) for clip, end in clips.items()}


def samples_of(path: Path) -> np.ndarray:
    """The samples of a sound file of 16 bits (time,) as they are stored; of several channels their mean.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise InputError(f"{path} cannot be read ({error}): remove it, and the sweep makes it again") from None
    if samples.shape[1] == 1:
        mono: np.ndarray = samples[:, 0]
        return mono
    mean: np.ndarray = np.round(samples.mean(1)).astype("i2")
    return mean


def thumbnail(samples: np.ndarray, rate: int) -> np.ndarray:
    """Magnitudes of a sound (frequency, time), on 24 mel-spaced frequencies at 48 moments."""
    length = max(2, round(_WINDOW * rate))
    padded = np.pad(samples.astype(np.float64), length)
    centres = np.round((np.arange(WIDTH) + 0.5) * len(samples) / WIDTH).astype(int) + length
    frames = padded[centres[:, None] + np.arange(length) - length // 2] * np.hanning(length + 1)[:-1]
    found = np.abs(np.fft.rfft(frames, axis=1))
    rows, frequencies = _mel_spaced(rate / 2), np.fft.rfftfreq(length, 1 / rate)
    return np.stack([np.interp(rows, frequencies, frame) for frame in found], axis=1)


def sound_box(pieces: Sequence[Sounded], rate: int) -> bytes:
    """A part with pieces of one clip: of each where it starts in s, and its samples."""
    box = Box()
    head = [{"start": one.start, "signal": box.samples(samples_of(one.file))} for one in pieces]
    return box.packed({"rate": rate, "pieces": head})


def sonification_box(maps: Sequence[tuple[int, Sequence[Sounded]]], rate: int) -> bytes:
    """A part with the sonifications of some maps, by their numbers."""
    box = Box()
    head = {
        str(channel): [{"rank": one.rank, "signal": box.samples(samples_of(one.sonification))} for one in sounds]
        for channel, sounds in maps
    }
    return box.packed({"rate": rate, "maps": head})


def thumbnails_of_maps(maps: Sequence[tuple[int, Sequence[Sounded]]], rate: int) -> bytes:
    """A part with a thumbnail of each sonification of some maps."""
    box = Box()
    head = {
        str(channel): [box.thumbnail(thumbnail(samples_of(one.sonification), rate))["at"] for one in sounds]
        for channel, sounds in maps
    }
    return box.packed({"maps": head, "shape": [HEIGHT, WIDTH]})


def thumbnails_of_clips(clips: Sequence[tuple[int, Sequence[Sounded]]], rate: int) -> bytes:
    """A part with a thumbnail of each piece of some clips."""
    box = Box()
    head = {
        str(clip): [[one.start, box.thumbnail(thumbnail(samples_of(one.file), rate))["at"]] for one in pieces]
        for clip, pieces in clips
    }
    return box.packed({"clips": head, "shape": [HEIGHT, WIDTH]})


def _mel_spaced(highest: float) -> np.ndarray:
    low, high = (2595 * np.log10(1 + np.array([_LOWEST, highest]) / 700)).tolist()
    frequencies: np.ndarray = 700 * (10 ** (np.linspace(low, high, HEIGHT) / 2595) - 1)
    return frequencies
