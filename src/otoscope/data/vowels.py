"""Vowels synthesised from known fundamental frequency and formants, so that the true answer is known.

A source-filter model after Klatt (1980): harmonics of F0 with a glottal tilt, a cascade of second-order
resonators for the vocal tract, and the rise of 6 dB an octave by which the lips radiate. The vowels are steady:
formants do not move, so the diphthongised *ei* and *oa* are held at their steady state.

Praat measures F0 within 0.1 %, and at an F0 of 100 Hz F1 within 5 %, F2 and F3 within 1.5 %, for the mean
vowels of men, women and children, with five formants below the middle of F5 and F6. At a high F0 the harmonics
are sparse, and any analysis is biased towards the nearest one: at the groups' own F0, 130 to 250 Hz,
errors still stay within one standard deviation between talkers (9 % in F1 at most).

References
----------
D. H. Klatt, "Software for a cascade/parallel formant synthesizer", J. Acoust. Soc. Am. 67(3), 971-995, 1980.
Means and deviations of the vowels: see `otoscope.data.hillenbrand`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from otoscope.data.hillenbrand import DEVIATIONS, GROUPS, MEANS, WORDS
from otoscope.errors import InputError

SYMBOLS: tuple[str, ...] = tuple(sorted(WORDS))
"""The twelve vowels, in the order of the classes of the bundled model ``vowel-name``."""

F0_RANGE: tuple[float, float] = (90.0, 320.0)
"""F0 in Hz of the draws of mode ``independent``: from a low man's voice to a high child's."""

TRACT_RANGE: tuple[float, float] = (0.87, 1.11)
"""Vocal-tract length of the draws of mode ``independent``: formants from 1.15 down to 0.9 times the reference."""

REGISTERS: tuple[str, ...] = ("low", "mid", "high")
"""Classes of the bundled model ``vowel-register``."""

REGISTER_BOUNDS: tuple[float, float] = (140.0, 215.0)
"""F0 in Hz that divides low from mid and mid from high: about equal parts of `F0_RANGE` on a log scale."""

GLOTTAL_CORNER = 100.0  # Hz: the source falls by its tilt above this frequency
FORMANT_SPACING = 1000.0  # Hz: distance of the formants above F4 in a uniform tube of the reference length
PREROLL = 0.1  # s: the resonators settle before the first sample that is kept
FADE = 0.01  # s: raised-cosine onset and offset, so that the clip starts and ends in silence
SHORTEST = 0.03  # s: anything shorter holds no steady part between the fades

REFERENCE: dict[str, tuple[float, ...]] = {
    symbol: tuple(math.sqrt(m * w) for m, w in zip(MEANS["men"][symbol], MEANS["women"][symbol], strict=True))
    for symbol in SYMBOLS
}
"""Reference voice of tract length 1: the geometric mean of men and women, as (F0, F1, F2, F3, F4) in Hz."""


@dataclass(frozen=True)
class Vowel:
    """Parameters of a steady vowel, for its synthesis.

    Parameters
    ----------
    symbol : str
        One of `SYMBOLS`: ae ah aw eh ei er ih iy oa oo uh uw.
    group : str
        ``men``, ``women``, ``children``, or ``reference`` for the scaled reference voice.
    f0 : float
        Fundamental frequency in Hz.
    formants : tuple of float
        F1, F2, ... in Hz, rising.
    tract_length : float
        Length of the vocal tract relative to the reference voice; formants go with its inverse. It places the
        formants above those given; a group's value is the mean over its vowels.

    Raises
    ------
    InputError
        If the symbol or group is unknown, or the frequencies are not positive and rising.

    Examples
    --------
    >>> Vowel("iy", "women", 227.0, (437.0, 2761.0, 3373.0, 4353.0)).word
    'heed'
    """

    symbol: str
    group: str
    f0: float
    formants: tuple[float, ...]
    tract_length: float = 1.0

    def __post_init__(self) -> None:
        _check_symbol(self.symbol)
        if self.group not in (*GROUPS, "reference"):
            raise InputError(f"unknown group {self.group!r}: choose one of {', '.join(GROUPS)}, reference")
        if not (math.isfinite(self.f0) and self.f0 > 0):
            raise InputError(f"f0 must be a positive frequency in Hz, not {self.f0}")
        if not (math.isfinite(self.tract_length) and self.tract_length > 0):
            raise InputError(f"tract_length must be a positive ratio, not {self.tract_length}")
        edges = (0.0, *self.formants, math.inf)
        if len(edges) == 2 or not all(low < high for low, high in itertools.pairwise(edges)):
            raise InputError(f"formants must be positive and rising frequencies in Hz, not {self.formants}")

    @property
    def word(self) -> str:
        """The /h-V-d/ word that carries the vowel in the measurements, such as ``heed``."""
        return WORDS[self.symbol]


def register(f0: float) -> str:
    """Name the register of a voice: ``low``, ``mid`` or ``high`` by `REGISTER_BOUNDS`.

    Parameters
    ----------
    f0 : float
        Fundamental frequency in Hz.

    Returns
    -------
    str

    Examples
    --------
    >>> register(120), register(140), register(250)
    ('low', 'mid', 'high')
    """
    return REGISTERS[sum(f0 >= bound for bound in REGISTER_BOUNDS)]


def mean_vowel(symbol: str, group: str = "women", f0: float | None = None) -> Vowel:
    """Return the average vowel of a group, or of the reference voice.

    Parameters
    ----------
    symbol : str
        One of `SYMBOLS`.
    group : str
        ``men``, ``women``, ``children`` or ``reference``.
    f0 : float, optional
        Fundamental frequency in Hz; the group's mean for this vowel by default.

    Returns
    -------
    Vowel
        With the group's mean F1 to F4.

    Raises
    ------
    InputError
        If the symbol or the group is unknown.

    Examples
    --------
    >>> mean_vowel("ah", "men").formants
    (756.5, 1308.9, 2534.9, 3684.1)
    """
    _check_symbol(symbol)
    if group not in (*GROUPS, "reference"):
        raise InputError(f"unknown group {group!r}: choose one of {', '.join(GROUPS)}, reference")
    mean_f0, *formants = REFERENCE[symbol] if group == "reference" else MEANS[group][symbol]
    return Vowel(symbol, group, mean_f0 if f0 is None else float(f0), tuple(formants), _tract_length(group))


def draw(n: int, seed: int, mode: str = "independent", *, spread: float = 0.0) -> list[Vowel]:
    """Draw vowels with their F0, formants and vocal-tract length.

    Parameters
    ----------
    n : int
        How many, at least 1.
    seed : int
        The same seed draws the same vowels.
    mode : str
        ``independent``: vowel, F0 (log-uniform over `F0_RANGE`) and vocal-tract length (log-uniform over
        `TRACT_RANGE`) are drawn independently of each other, so that none predicts another.
        ``natural``: a group is drawn, then a vowel, then F0 and formants from normal distributions with the
        means and deviations of that group; high voices come with short tracts, as in people.
    spread : float
        Mode ``independent`` only: relative standard deviation of every formant about its scaled reference
        value, 0 to 0.1, for talkers whose tracts differ in more than length.

    Returns
    -------
    list of Vowel

    Raises
    ------
    InputError
        If `n`, `mode` or `spread` is out of its range.

    Notes
    -----
    Normal draws are truncated at two standard deviations, and redrawn where two neighbouring formants would be
    closer than 100 Hz. Within one group, formants and F0 are drawn independently of each other: their correlation
    is not published.

    Examples
    --------
    >>> first, second = draw(2, seed=0)
    >>> first == draw(2, seed=0)[0]
    True
    """
    if n < 1:
        raise InputError(f"n must be at least 1, not {n}")
    if not 0 <= spread <= 0.1:
        raise InputError(f"spread must lie between 0 and 0.1, not {spread}")
    rng = np.random.default_rng(seed)
    if mode == "independent":
        return [_independent(rng, spread) for _ in range(n)]
    if mode == "natural":
        return [_natural(rng) for _ in range(n)]
    raise InputError(f"unknown mode {mode!r}: choose independent or natural")


def synthesise(
    vowel: Vowel,
    sample_rate: int = 16_000,
    duration: float = 0.5,
    *,
    peak: float = 0.5,
    tilt: float = -12.0,
    jitter: float = 0.0,
    shimmer: float = 0.0,
    breath: float = 0.0,
    seed: int = 0,
) -> np.ndarray:
    """Synthesise a steady vowel.

    Parameters
    ----------
    vowel : Vowel
        From `draw` or `mean_vowel`, or any other.
    sample_rate : int
        In Hz; all formants of the vowel must lie below half of it.
    duration : float
        In seconds, at least 0.03, including the fades of 10 ms at both ends.
    peak : float
        Largest absolute sample, above 0 and at most 1.
    tilt : float
        Slope of the glottal source in dB an octave, -24 (soft) to 0 (as bright as a pulse).
    jitter, shimmer : float
        Relative standard deviation of the periods' frequencies and amplitudes, 0 to 0.1. Voices have about 0.01
        and 0.05; 0 gives a perfectly periodic source.
    breath : float
        White noise added to the source before the tract, as a ratio of its RMS, 0 to 1.
    seed : int
        Of jitter, shimmer and breath.

    Returns
    -------
    numpy.ndarray, shape (round(duration * sample_rate),), float32

    Raises
    ------
    InputError
        If a formant lies above half the sample rate, the clip is too short, or an option is out of its range.

    Notes
    -----
    Harmonic `k` of the source has the complex amplitude ``i f (1 + i f / f_c)^(T / 6.02)`` at ``f = k F0``: a
    glottal flow that falls by the tilt `T` above ``f_c`` = 100 Hz, radiated from the lips by a derivative. Harmonics
    end below half the sample rate, so nothing is folded. Each formant is the resonator of Klatt (1980)
    ``y[n] = A x[n] + B y[n-1] + C y[n-2]`` with ``C = -exp(-2 pi b / s)``, ``B = 2 exp(-pi b / s) cos(2 pi f / s)``,
    ``A = 1 - B - C`` at sample rate `s`, and a bandwidth ``b = 40 Hz + f / 25`` (60 Hz at 500 Hz, 140 Hz at 2500 Hz).
    Above the last formant given, further ones follow every 1000 Hz divided by the tract length, up to half the
    sample rate.

    Examples
    --------
    >>> wave = synthesise(mean_vowel("iy", "women"), duration=0.25)
    >>> wave.shape, wave.dtype, float(abs(wave).max())
    ((4000,), dtype('float32'), 0.5)
    """
    _check_synthesis(vowel, sample_rate, duration)
    for name, value, low, high in (
        ("tilt", tilt, -24.0, 0.0),
        ("jitter", jitter, 0.0, 0.1),
        ("shimmer", shimmer, 0.0, 0.1),
        ("breath", breath, 0.0, 1.0),
    ):
        if not low <= value <= high:
            raise InputError(f"{name} must lie between {low:g} and {high:g}, not {value}")
    if not 0 < peak <= 1:
        raise InputError(f"peak must lie above 0 and not above 1, not {peak}")
    rng = np.random.default_rng(seed)
    kept = round(duration * sample_rate)
    n = kept + round(PREROLL * sample_rate)
    source = _source(vowel.f0, n, sample_rate, tilt, jitter, shimmer, rng)
    if breath:
        source = source + breath * np.sqrt(np.mean(source**2)) * rng.standard_normal(n)
    wave = _tract(source, vowel, sample_rate)[-kept:] * _fades(kept, sample_rate)
    scaled: np.ndarray = wave * (peak / np.abs(wave).max())
    return scaled.astype(np.float32)


def vowel_clip(
    symbol: str = "iy",
    group: str = "women",
    f0: float | None = None,
    sample_rate: int = 16_000,
    duration: float = 0.5,
) -> xr.DataArray:
    """Synthesise the average vowel of a group as a clip, as `otoscope.load_audio` would return a recording.

    Parameters
    ----------
    symbol : str
        One of `SYMBOLS`.
    group : str
        ``men``, ``women``, ``children`` or ``reference``.
    f0 : float, optional
        Fundamental frequency in Hz; the group's mean for this vowel by default.
    sample_rate : int
        In Hz.
    duration : float
        In seconds.

    Returns
    -------
    xarray.DataArray, dims (time,)
        float32 samples; attrs ``name``, ``sha256`` (of the samples), ``sample_rate``, ``f0`` (Hz), ``formants`` (Hz),
        ``vowel`` and ``group``.

    Raises
    ------
    InputError
        As `mean_vowel` and `synthesise`.

    Examples
    --------
    >>> clip = vowel_clip("ah", "men", f0=120)
    >>> clip.attrs["name"], clip.attrs["f0"], clip.attrs["formants"][:2]
    ('ah-men-120Hz', 120.0, [756.5, 1308.9])
    """
    from otoscope.audio import as_clip

    vowel = mean_vowel(symbol, group, f0)
    samples = synthesise(vowel, sample_rate, duration)
    clip = as_clip(samples, sample_rate, name=f"{symbol}-{group}-{vowel.f0:.0f}Hz")
    clip.attrs |= {
        "f0": vowel.f0,
        "formants": list(vowel.formants),
        "vowel": symbol,
        "group": group,
        "note": f"synthesised as the vowel of '{vowel.word}', with mean formants of {group}",
    }
    return clip


def _check_symbol(symbol: str) -> None:
    if symbol not in SYMBOLS:
        raise InputError(f"unknown vowel {symbol!r}: choose one of {', '.join(SYMBOLS)}")


def _check_synthesis(vowel: Vowel, sample_rate: int, duration: float) -> None:
    if not sample_rate > 0:
        raise InputError(f"sample_rate must be positive, not {sample_rate}")
    highest = vowel.formants[-1]
    if highest >= sample_rate / 2:
        raise InputError(
            f"F{len(vowel.formants)} = {highest:.0f} Hz of vowel {vowel.symbol} is not below half the sample rate of "
            f"{sample_rate} Hz: give a sample rate above {2 * highest:.0f} Hz or leave that formant out"
        )
    if vowel.f0 >= sample_rate / 4:
        raise InputError(f"f0 = {vowel.f0:g} Hz leaves fewer than two harmonics at {sample_rate} Hz: lower it")
    if not SHORTEST <= duration < math.inf:
        raise InputError(f"duration must be at least {SHORTEST} s, not {duration}")


def _tract_length(group: str) -> float:
    """Tract length of a group: geometric mean, over vowels and F1 to F4, of reference over group formants."""
    if group == "reference":
        return 1.0
    reference = np.array([REFERENCE[s][1:] for s in SYMBOLS])
    return float(np.exp(np.mean(np.log(reference / np.array([MEANS[group][s][1:] for s in SYMBOLS])))))


def _independent(rng: np.random.Generator, spread: float) -> Vowel:
    symbol = SYMBOLS[rng.integers(len(SYMBOLS))]
    f0 = float(np.exp(rng.uniform(*np.log(F0_RANGE))))
    length = float(np.exp(rng.uniform(*np.log(TRACT_RANGE))))
    scaled = np.array(REFERENCE[symbol][1:]) / length
    return Vowel(symbol, "reference", f0, _scattered(rng, scaled, spread * scaled), length)


def _natural(rng: np.random.Generator) -> Vowel:
    group = GROUPS[rng.integers(len(GROUPS))]
    symbol = SYMBOLS[rng.integers(len(SYMBOLS))]
    means, deviations = np.array(MEANS[group][symbol]), np.array(DEVIATIONS[group][symbol])
    f0 = means[0] + deviations[0] * _truncated_normal(rng, 1)[0]
    return Vowel(symbol, group, float(f0), _scattered(rng, means[1:], deviations[1:]), _tract_length(group))


def _scattered(rng: np.random.Generator, means: np.ndarray, deviations: np.ndarray) -> tuple[float, ...]:
    while True:
        formants = means + deviations * _truncated_normal(rng, len(means))
        if (np.diff(formants) >= 100.0).all():
            return tuple(formants.tolist())


def _truncated_normal(rng: np.random.Generator, n: int) -> np.ndarray:
    z = rng.standard_normal(n)
    while (outside := np.abs(z) > 2).any():
        z[outside] = rng.standard_normal(int(outside.sum()))
    return z


def _source(
    f0: float, n: int, rate: int, tilt: float, jitter: float, shimmer: float, rng: np.random.Generator
) -> np.ndarray:
    """Sum of the harmonics of F0 below half the sample rate, each by a power of one rotating phasor (Horner)."""
    frequency, amplitude = np.full(n, f0), np.ones(n)
    if jitter or shimmer:
        periods = np.arange(n) * f0 / rate
        knots = np.arange(math.ceil(periods[-1]) + 1)
        frequency = f0 * (1 + jitter * np.interp(periods, knots, _truncated_normal(rng, len(knots))))
        amplitude = 1 + shimmer * np.interp(periods, knots, _truncated_normal(rng, len(knots)))
    phasor = np.exp(2j * np.pi * np.cumsum(frequency) / rate)
    total = np.zeros(n, dtype=complex)
    for weight in _harmonics(f0, math.ceil(rate / 2 / frequency.max()) - 1, tilt)[::-1]:
        total = (total + weight) * phasor
    wave: np.ndarray = amplitude * total.real
    return wave


def _harmonics(f0: float, count: int, tilt: float) -> np.ndarray:
    f = f0 * np.arange(1, count + 1)
    amplitudes: np.ndarray = 1j * f * (1 + 1j * f / GLOTTAL_CORNER) ** (tilt / (20 * math.log10(2)))
    return amplitudes


def _tract(source: np.ndarray, vowel: Vowel, rate: int) -> np.ndarray:
    from scipy.signal import sosfilt

    filtered: np.ndarray = sosfilt(_resonators(_all_formants(vowel, rate), rate), source)
    return filtered


def _all_formants(vowel: Vowel, rate: int) -> np.ndarray:
    above = np.arange(vowel.formants[-1], rate / 2, FORMANT_SPACING / vowel.tract_length)[1:]
    return np.concatenate([vowel.formants, above])


def _resonators(formants: Sequence[float] | np.ndarray, rate: int) -> np.ndarray:
    """Second-order sections of the cascade, each with a gain of 1 at 0 Hz."""
    f = np.asarray(formants, dtype=float)
    radius = np.exp(-np.pi * (40 + f / 25) / rate)
    b, c = 2 * radius * np.cos(2 * np.pi * f / rate), -(radius**2)
    zeros, ones = np.zeros_like(f), np.ones_like(f)
    return np.stack([1 - b - c, zeros, zeros, ones, -b, -c], axis=1)


def _fades(n: int, rate: int) -> np.ndarray:
    width = round(FADE * rate)
    ramp = np.sin(np.pi / 2 * (np.arange(width) + 0.5) / width) ** 2
    return np.concatenate([ramp, np.ones(n - 2 * width), ramp[::-1]])
