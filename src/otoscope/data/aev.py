"""American English vowels with known F0 and formants: the measurements of Hillenbrand et al. (1995) as sounds.

The authors distribute what they measured in 1,668 /h-V-d/ words (twelve vowels of 45 men, 48 women, 27 boys and 19
girls; ``vowdata.dat``, ``timedata.dat``) and the recordings themselves (folders ``men``, ``women`` and ``kids``,
16 kHz, named as in ``vowdata.dat``). Where there are no recordings, each measured token is synthesised, and where
there are no measurements either, talkers are drawn from the published means and deviations
(:mod:`otoscope.data.hillenbrand`).
"""

from __future__ import annotations

import math
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, zip_longest
from pathlib import Path

import numpy as np
import soxr
import xarray as xr
from torch import Tensor

from otoscope.audio import as_clip, load_audio
from otoscope.data.hillenbrand import DEVIATIONS, MEANS, WORDS
from otoscope.data.items import DataSet, Item, Request, Source, download_again
from otoscope.data.segments import Segment
from otoscope.data.vowels import SYMBOLS, Vowel, mean_vowel, synthesise
from otoscope.errors import InputError

URL = "https://homepages.wmich.edu/~hillenbr/voweldata.html"

RATE = 16_000
"""Sample rate of the recordings in Hz; tokens are synthesised at it as well."""

TALKERS: dict[str, int] = {"men": 45, "women": 48, "boys": 27, "girls": 19}
"""Number of talkers of each group."""

FOLDERS: dict[str, str] = {"men": "men", "women": "women", "boys": "kids", "girls": "kids"}
"""Folder of the recordings of each group."""

CLOSEST = 100.0
"""Least distance in Hz between formants that are drawn or filled in, as between all measured ones."""

CORRELATION = 0.5
"""Correlation of any two of F0 to F4 of a talker before truncation. Truncated at two deviations they correlate by 0.4,
the mean of all pairs and groups over the talkers of ``vowdata.dat``."""

STEADY = 0.1
"""Of the steady state of a vowel, in s: from the first to the last of the frames over which its formants are a mean."""

JITTER, SHIMMER = 0.005, 0.03
"""Irregularity of synthesised voices: relative deviation of their periods' frequencies and amplitudes."""

_NAME = re.compile(r"[mwbg]\d\d[a-z][a-z]")
_LETTERS = {"m": "men", "w": "women", "b": "boys", "g": "girls"}


@dataclass(frozen=True)
class Measurement:
    """What was measured of one token.

    Parameters
    ----------
    name : str
        Such as ``m01ae``: group, talker and vowel.
    vowel : str
        One of :data:`otoscope.data.vowels.SYMBOLS`.
    group : str
        ``men``, ``women``, ``boys`` or ``girls``; ``children`` where boys and girls are not distinguished.
    duration : float
        Of the vowel, in s.
    f0 : float
        Hz, at the steady state.
    formants : tuple of float
        F1 to F4 in Hz, at the steady state; NaN where it could not be measured.
    """

    name: str
    vowel: str
    group: str
    duration: float
    f0: float
    formants: tuple[float, float, float, float]

    @property
    def table(self) -> str:
        """The group under which the published means and deviations list it."""
        return "children" if self.group in ("boys", "girls") else self.group


@dataclass(frozen=True)
class Token:
    """The sound of a vowel, with its measurements.

    Parameters
    ----------
    name, vowel, group : str
        As :class:`Measurement`.
    known : tuple of float
        F0, F1 and F2 in Hz; NaN where it could not be measured.
    mean, deviation : tuple of float
        Of F0, F1 and F2 over the talkers of the group, in Hz.
    centre : float
        Time of the steady state in the clip, in s.
    clip : DataArray, (time,)
        Or a Tensor (1, ..., time), as a model takes it.
    """

    name: str
    vowel: str
    group: str
    known: tuple[float, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    centre: float
    clip: xr.DataArray | Tensor

    @property
    def steady_state(self) -> Segment:
        """The :data:`STEADY` seconds around the centre, as far as they lie in the clip, labelled by the vowel.

        Examples
        --------
        >>> token = next(iter(vowel_tokens(groups=["men"], limit=1)))
        >>> segment = token.steady_state
        >>> round(segment.stop - segment.start, 3), segment.label == token.vowel
        (0.1, True)
        """
        rate = self.clip.attrs["sample_rate"] if isinstance(self.clip, xr.DataArray) else RATE
        last = self.clip.shape[-1] / rate
        return Segment(max(0.0, self.centre - STEADY / 2), min(last, self.centre + STEADY / 2), self.vowel)


@dataclass(frozen=True)
class Tokens:
    """Tokens that are made one by one in each iteration.

    Parameters
    ----------
    origin : str
        Description of where they come from.
    measurements : tuple of Measurement
    make : callable
        From a measurement to its token.
    """

    origin: str
    measurements: tuple[Measurement, ...]
    make: Callable[[Measurement], Token]

    def __len__(self) -> int:
        return len(self.measurements)

    def __iter__(self) -> Iterator[Token]:
        return map(self.make, self.measurements)


def vowel_tokens(
    folder: str | Path | None = None,
    *,
    sample_rate: int = RATE,
    groups: Sequence[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> Tokens:
    """Vowels with known F0 and formants: recorded, or synthesised from measurements.

    Parameters
    ----------
    folder : str or Path, optional
        With ``vowdata.dat``, and, if there are recordings, ``timedata.dat`` and the folders ``men``, ``women`` and
        ``kids``; without recordings the measured tokens are synthesised. By default the folder ``aev`` within that of
        the environment variable OTOSCOPE_DATA; where there is none, 139 talkers are drawn.
    sample_rate : int
        Of the clips, in Hz.
    groups : sequence of str, optional
        Of ``men``, ``women``, ``children``, ``boys`` and ``girls``; all by default.
    limit : int, optional
        Take at most this many, as evenly over vowels and groups as possible.
    seed : int
        Of the talkers that are drawn, and of the irregularities of synthesised voices.

    Returns
    -------
    Tokens

    Raises
    ------
    InputError
        If a file or recording is missing or damaged, or a group is unknown.

    Examples
    --------
    >>> tokens = vowel_tokens(groups=["women"], limit=12)
    >>> len(tokens), next(iter(tokens)).clip.attrs["sample_rate"]
    (12, 16000)
    """
    place = _default_folder() if folder is None else Path(folder)
    if place is None:
        origin = "built-in: talkers drawn from the means and deviations of Hillenbrand et al. (1995), synthesised"
        return Tokens(origin, choose(draw_talkers(seed), groups, limit), partial(_spoken, sample_rate, seed))
    found = choose(read_measurements(place / "vowdata.dat"), groups, limit)
    if not any((place / name).is_dir() for name in FOLDERS.values()):
        origin = f"{place}: no recordings; tokens synthesised from the measurements in vowdata.dat"
        return Tokens(origin, found, partial(_spoken, sample_rate, seed))
    times = read_times(place / "timedata.dat")
    _check_recordings(place, found, times)
    return Tokens(f"{place}: recordings", found, partial(_recorded, place, times, sample_rate))


def read_measurements(path: str | Path) -> list[Measurement]:
    """Read ``vowdata.dat``: the measurements of each token.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of Measurement
        In the order of the file.

    Raises
    ------
    InputError
        If the file cannot be read or holds no measurements.
    """
    found = []
    for name, numbers in _rows(Path(path), columns=16):
        duration, f0, *formants = (number or math.nan for number in numbers[:6])
        first, second, third, fourth = formants
        vowel = name[3:]
        if vowel not in SYMBOLS:
            raise InputError(f"{path} has a token {name} with an unknown vowel; the vowels are {', '.join(SYMBOLS)}")
        group = _LETTERS[name[0]]
        found.append(Measurement(name, vowel, group, duration / 1000, f0, (first, second, third, fourth)))
    return found


def read_times(path: str | Path) -> dict[str, tuple[float, float, float]]:
    """Read ``timedata.dat``: where in its recording each vowel begins and ends, and where it is steady.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        By name of token (start, end, steady state) in s; the steady state is the mean of two judges.

    Raises
    ------
    InputError
        If the file cannot be read or holds no times.
    """
    return {
        name: (start / 1000, end / 1000, (first + second) / 2000)
        for name, (start, end, first, second) in _rows(Path(path), columns=5)
    }


def draw_talkers(seed: int = 0) -> list[Measurement]:
    """Draw as many men, women and children as were measured, each saying the twelve vowels.

    Parameters
    ----------
    seed : int
        The same seed draws the same talkers.

    Returns
    -------
    list of Measurement

    Notes
    -----
    A talker is five normal numbers, truncated at two: the deviations of F0 to F4 from the mean of the group, in every
    vowel. Any two correlate by `CORRELATION`, since a small talker has a high voice and high formants; they are redrawn
    where two formants of a vowel would be closer than `CLOSEST`. Every vowel lasts 0.3 s.

    Examples
    --------
    >>> talkers = draw_talkers()
    >>> len(talkers), talkers[0].name
    (1668, 'm01ae')
    """
    if seed < 0:
        raise InputError(f"the seed has to be 0 or more, not {seed}")
    rng = np.random.default_rng(seed)
    counts = {"men": TALKERS["men"], "women": TALKERS["women"], "children": TALKERS["boys"] + TALKERS["girls"]}
    drawn = []
    for group, count in counts.items():
        for number in range(1, count + 1):
            voice = _draw_voice(group, rng)
            for vowel, (f0, *formants) in voice.items():
                f1, f2, f3, f4 = formants
                drawn.append(Measurement(f"{group[0]}{number:02}{vowel}", vowel, group, 0.3, f0, (f1, f2, f3, f4)))
    return drawn


def choose(
    measurements: Sequence[Measurement], groups: Sequence[str] | None = None, limit: int | None = None
) -> tuple[Measurement, ...]:
    """Measurements of some groups, up to a limit, as evenly over vowels and groups as possible.

    Raises
    ------
    InputError
        If a group is unknown, or the limit is below 1.

    Examples
    --------
    >>> few = choose(draw_talkers(), ["men", "women"], limit=12)
    >>> sorted({one.vowel for one in few}) == sorted(SYMBOLS), [one.group for one in few].count("men")
    (True, 6)
    """
    known = {one.group for one in measurements} | {one.table for one in measurements}
    for group in groups or ():
        if group not in known:
            raise InputError(f"there are no tokens of the group {group!r}; the groups are {', '.join(sorted(known))}")
    kept = [one for one in measurements if not groups or one.group in groups or one.table in groups]
    if limit is None:
        return tuple(kept)
    if limit < 1:
        raise InputError(f"limit has to be 1 or more, not {limit}")
    there = list(dict.fromkeys(one.group for one in kept))
    cells: dict[tuple[int, int], list[Measurement]] = {}
    for one in kept:
        vowel = SYMBOLS.index(one.vowel)
        # By vowel and with alternating groups, so that even a dozen tokens contain every vowel and every group.
        cells.setdefault(((there.index(one.group) - vowel) % len(there), vowel), []).append(one)
    turns = chain.from_iterable(zip_longest(*(cells[cell] for cell in sorted(cells))))
    names = {one.name for one in islice((one for one in turns if one is not None), limit)}
    return tuple(one for one in kept if one.name in names)


# -- Sounds -----------------------------------------------------------------------------------------------


def _spoken(sample_rate: int, seed: int, measurement: Measurement) -> Token:
    """A token synthesised from its measurement, with the jitter and shimmer of natural voices."""
    vowel = Vowel(
        measurement.vowel,
        measurement.table,
        _known_or_mean(measurement)[0],
        tuple(_known_or_mean(measurement)[1:]),
        mean_vowel(measurement.vowel, measurement.table).tract_length,
    )
    own_seed = zlib.crc32(f"{seed} {measurement.name}".encode())
    samples = synthesise(vowel, RATE, measurement.duration, jitter=JITTER, shimmer=SHIMMER, seed=own_seed)
    if sample_rate != RATE:
        samples = soxr.resample(samples, RATE, sample_rate)
    return _token(measurement, measurement.duration / 2, as_clip(samples, sample_rate, name=measurement.name))


def _recorded(
    folder: Path, times: dict[str, tuple[float, float, float]], sample_rate: int, measurement: Measurement
) -> Token:
    """The vowel of a recorded word."""
    start, end, steady = times[measurement.name]
    path = _recording(folder, measurement)
    word = load_audio(path, sample_rate=sample_rate)
    clip = word[round(start * sample_rate) : round(end * sample_rate)]
    if clip.size < 2:
        raise InputError(f"{path} is {word.size / sample_rate:.3f} s long, and timedata.dat has its vowel at {start} s")
    return _token(measurement, steady - start, clip.assign_coords(time=clip.time - clip.time[0]))


def _token(measurement: Measurement, centre: float, clip: xr.DataArray) -> Token:
    known = (measurement.f0, *measurement.formants[:2])
    mean, deviation = (table[measurement.table][measurement.vowel][:3] for table in (MEANS, DEVIATIONS))
    return Token(measurement.name, measurement.vowel, measurement.group, known, mean, deviation, centre, clip)


def _known_or_mean(measurement: Measurement) -> list[float]:
    """F0 to F4; what could not be measured is the mean of the group, limited by its neighbours."""
    known = np.array([measurement.f0, *measurement.formants])
    filled = np.where(np.isnan(known), MEANS[measurement.table][measurement.vowel], known)
    for i in np.flatnonzero(np.isnan(known[1:])) + 1:
        above = np.nanmin(np.append(known[i + 1 :], np.inf))
        filled[i] = max(min(filled[i], above - CLOSEST), filled[i - 1] + CLOSEST)
    values: list[float] = filled.tolist()
    return values


def _draw_voice(group: str, rng: np.random.Generator) -> dict[str, list[float]]:
    """F0 to F4 of each vowel of one talker."""
    while True:
        shared, own = rng.standard_normal(1), rng.standard_normal(5)
        z = math.sqrt(CORRELATION) * shared + math.sqrt(1 - CORRELATION) * own
        if np.abs(z).max() > 2:
            continue
        voice = {vowel: np.array(MEANS[group][vowel]) + z * np.array(DEVIATIONS[group][vowel]) for vowel in WORDS}
        if all((np.diff(frequencies[1:]) >= CLOSEST).all() for frequencies in voice.values()):
            return {vowel: voice[vowel].tolist() for vowel in SYMBOLS}


# -- Files ------------------------------------------------------------------------------------------------


def _default_folder() -> Path | None:
    data = os.environ.get("OTOSCOPE_DATA")
    place = Path(data) / "aev" if data else None
    return place if place is not None and (place / "vowdata.dat").is_file() else None


def _rows(path: Path, columns: int) -> Iterator[tuple[str, list[float]]]:
    """The lines that begin with the name of a token; all others are headings."""
    try:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; it is part of the vowel data of Hillenbrand et al. ({URL})"
        ) from None
    found = 0
    for number, line in enumerate(lines, 1):
        name, *fields = line.split() or [""]
        if not _NAME.fullmatch(name):
            continue
        try:
            numbers = [float(field) for field in fields]
        except ValueError:
            numbers = []
        if len(numbers) != columns - 1:
            raise InputError(f"line {number} of {path} should hold {columns} columns: {line.strip()!r}")
        found += 1
        yield name, numbers
    if not found:
        raise InputError(f"{path} holds no tokens; they are lines that begin with a name such as m01ae")


def _recording(folder: Path, measurement: Measurement) -> Path:
    return folder / FOLDERS[measurement.group] / f"{measurement.name}.wav"


def _check_recordings(folder: Path, measurements: Sequence[Measurement], times: Mapping[str, object]) -> None:
    untimed = [one.name for one in measurements if one.name not in times]
    if untimed:
        table = folder / "timedata.dat"
        raise InputError(
            f"{table} lacks {len(untimed)} of the tokens of vowdata.dat, first {untimed[0]}{download_again(URL)}"
        )
    missing = [path for path in (_recording(folder, one) for one in measurements) if not path.is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(measurements)} recordings are missing from {folder}, first "
            f"{missing[0].relative_to(folder)}: unpack the authors' men.zip, women.zip and kids.zip there, or leave "
            "out their groups"
        )


def token_of(name: str, clip: xr.DataArray, facts: Mapping[str, str]) -> Token:
    """A sound of a data set as a vowel, from what is known of it.

    Parameters
    ----------
    name : str
        For messages.
    clip : DataArray, (time,)
    facts : mapping of str to str
        `vowel` and `group`; `f0`, `f1` and `f2` in Hz, where they could be measured; `centre`, the time of the steady
        state in the sound, in s, by default its middle.

    Raises
    ------
    InputError
        If vowel or group is missing or unknown, or a number is none.

    Examples
    --------
    >>> facts = {"vowel": "iy", "group": "men", "f0": "138", "f1": "342", "f2": "2322"}
    >>> token = token_of("heed", as_clip(np.zeros(3200), 16_000), facts)
    >>> token.known, token.deviation, token.centre
    ((138.0, 342.0, 2322.0), (25.7, 28.2, 136.3), 0.1)
    """
    vowel, group = facts.get("vowel", ""), facts.get("group", "")
    table = "children" if group in ("boys", "girls") else group
    if table not in DEVIATIONS or vowel not in DEVIATIONS[table]:
        raise InputError(
            f"{name} is not known as a vowel of a talker: it needs the facts vowel ({', '.join(SYMBOLS)}) and group "
            f"({', '.join(TALKERS)}), and f0, f1 and f2 in Hz; it has {', '.join(facts) or 'no facts'}"
        )
    known = tuple(_number(name, facts, one, math.nan) for one in ("f0", "f1", "f2"))
    centre = _number(name, facts, "centre", clip.sizes["time"] / clip.attrs["sample_rate"] / 2)
    mean, deviation = (of[table][vowel][:3] for of in (MEANS, DEVIATIONS))
    return Token(name, vowel, group, known, mean, deviation, centre, clip)


def _number(name: str, facts: Mapping[str, str], fact: str, default: float) -> float:
    try:
        return float(facts[fact]) if facts.get(fact) else default
    except ValueError:
        raise InputError(f"{fact} of {name} is {facts[fact]!r}, not a number") from None


# -- As a data set ----------------------------------------------------------------------------------------


def _read(request: Request) -> DataSet:
    """The vowels of the recorded words. Without recordings this fails; `vowel_tokens` synthesises them."""
    found = read_measurements(request.folder / "vowdata.dat")
    times = read_times(request.folder / "timedata.dat")
    _check_recordings(request.folder, found, times)
    items = []
    for one in found:
        start, end, steady = times[one.name]
        facts = {"vowel": one.vowel, "group": one.group, "talker": one.name[:3], "centre": f"{steady - start:.4f}"}
        known = zip(("f0", "f1", "f2"), (one.f0, *one.formants[:2]), strict=True)
        facts |= {name: f"{value:g}" for name, value in known if not math.isnan(value)}
        items.append(Item(_recording(request.folder, one), (facts[request.task],), "all", start, end, facts))
    return DataSet(tuple(items), SYMBOLS if request.task == "vowel" else tuple(TALKERS))


SOURCE = Source(
    name="aev",
    about="American English vowels: 1,668 words with twelve vowels by 139 men, women, boys and girls",
    licence="free for research (Hillenbrand et al. 1995)",
    url=URL,
    layout=("vowdata.dat",),
    tasks={"vowel": 12, "group": 4},
    splits=("all",),
    sample_rate=RATE,
    read=_read,
)
