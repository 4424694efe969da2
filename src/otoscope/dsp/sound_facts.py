"""Facts of a sound that are measured from its samples: level, F0, bands, brightness, onset, modulation.

References
----------
J. Krimphoff, S. McAdams, S. Winsberg, "Caractérisation du timbre des sons complexes. II. Analyses acoustiques et
quantification psychophysique", Journal de Physique IV 4(C5), 625-628, 1994 (spectral centroid).

S. Dixon, "Onset detection revisited", DAFx 2006 (spectral flux).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from otoscope.dsp.bands import band_energy, octave_bands
from otoscope.dsp.voice import pitch
from otoscope.errors import InputError

_LOWEST = 88.3  # Hz, so that the lowest octave is that around 125 Hz
_FRAME, _HOP = 0.032, 0.008  # s, of what is followed over time
_FLOOR, _CEILING = 75.0, 500.0  # Hz, of F0
_LEAST_VOICED = 3  # frames
_FASTEST = 50.0  # Hz, of modulations
_SILENT = -80.0  # dB below the loudest frame, under which a rise is none


class Quantity(NamedTuple):
    """What a fact is: in words, and its unit."""

    about: str
    units: str


def quantities(sample_rate: float) -> dict[str, Quantity]:
    """The facts that :func:`sound_facts` measures, by name.

    Parameters
    ----------
    sample_rate : float
        In Hz; the bands of an octave end at half of it.

    Returns
    -------
    dict of str to Quantity

    Examples
    --------
    >>> quantities(8000)["band_500"]
    Quantity(about='share of the energy in the octave around 500 Hz', units='dB')
    """
    found = {
        "duration": Quantity("duration", "s"),
        "level": Quantity("root mean square, of full scale", "dB"),
        "f0": Quantity("median fundamental frequency of the voiced frames", "Hz"),
        "voiced": Quantity("share of the frames that are voiced", "1"),
        "centroid": Quantity("mean frequency of the energy", "Hz"),
        "spread": Quantity("standard deviation of the frequency of the energy", "Hz"),
        "flatness": Quantity("geometric over arithmetic mean of the power spectrum", "dB"),
        "onset": Quantity("largest mean rise of the spectrum from one frame to the next", "dB"),
        "modulation_rate": Quantity("mean frequency of the energy of the modulation of the envelope", "Hz"),
        "modulation_depth": Quantity("deviation of the envelope over its mean", "1"),
    }
    for centre in _bands(sample_rate)[0]:
        found[f"band_{centre:g}"] = Quantity(f"share of the energy in the octave around {centre:g} Hz", "dB")
    return found


def sound_facts(signal: ArrayLike, sample_rate: float, *, voice: bool = True) -> dict[str, float]:
    r"""Measure what can be said of a sound in a number each.

    Parameters
    ----------
    signal : array_like, (time,)
        Samples; full scale is 1.
    sample_rate : float
        In Hz, above 200.
    voice : bool
        Also F0 and the share that is voiced, by Praat, which an extra brings; else they are NaN.

    Returns
    -------
    dict of str to float
        The facts that :func:`quantities` names; NaN where a sound has none of it, such as the F0 of noise, or anything
        but the duration of silence.

    Raises
    ------
    InputError
        If the signal is not one axis of finite samples, or F0 is asked for and parselmouth is not installed.

    Notes
    -----
    With the power spectrum :math:`P(f)` of the whole sound the centroid is :math:`c = \sum f P / \sum P`, the spread
    :math:`\sqrt{\sum (f - c)^2 P / \sum P}`, and the share of a band :math:`10 \lg (\sum_{band} P / \sum P)`. The onset
    is the largest over time of the mean over bins of the rises, in dB, of a spectrogram whose floor is 80 dB below its
    largest value (Dixon 2006). The envelope is the root mean square in frames of 32 ms every 8 ms; its rate of
    modulation is the mean frequency of its power spectrum up to 50 Hz, without its mean.

    Examples
    --------
    >>> time = np.arange(8000) / 8000
    >>> facts = sound_facts(0.1 * np.sin(2 * np.pi * 500 * time), 8000)
    >>> [round(facts[name], 1) for name in ("duration", "level", "centroid", "band_500")]
    [1.0, -23.0, 500.0, 0.0]
    """
    samples = np.asarray(signal, dtype=float)
    if samples.ndim != 1 or not samples.size or not np.isfinite(samples).all():
        raise InputError(f"facts are measured of one axis of finite samples, not of the shape {samples.shape}")
    facts = dict.fromkeys(quantities(sample_rate), math.nan)
    facts["duration"] = samples.size / sample_rate
    if not samples.any():
        return facts
    facts["level"] = 20 * math.log10(math.sqrt(np.mean(samples**2)))
    facts |= _of_spectrum(samples, sample_rate)
    facts |= _over_time(samples, sample_rate)
    return facts | _of_voice(samples, sample_rate) if voice else facts


def _bands(sample_rate: float) -> tuple[np.ndarray, np.ndarray]:
    return octave_bands(_LOWEST, sample_rate / 2, parts=1)


def _of_spectrum(samples: np.ndarray, rate: float) -> dict[str, float]:
    magnitude = np.abs(np.fft.rfft(samples))
    magnitude[0] = 0  # a constant is not a sound
    frequency = np.fft.rfftfreq(samples.size, 1 / rate)
    power = magnitude**2
    total = power.sum()
    if total == 0:
        return {}
    centroid = float(frequency @ power / total)
    centres, edges = _bands(rate)
    shares = band_energy(magnitude, frequency, edges) / total
    found = {f"band_{centre:g}": _decibels(share) for centre, share in zip(centres, shares, strict=True)}
    found["centroid"] = centroid
    found["spread"] = math.sqrt(float((frequency - centroid) ** 2 @ power / total))
    heard = np.maximum(power[1:], 1e-12 * power.max())
    found["flatness"] = _decibels(math.exp(float(np.log(heard).mean())) / float(heard.mean()))
    return found


def _over_time(samples: np.ndarray, rate: float) -> dict[str, float]:
    length, hop = max(2, round(_FRAME * rate)), max(1, round(_HOP * rate))
    padded = np.pad(samples, (length, max(0, length - samples.size)))  # from silence on, so that a start is a rise
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(length), axis=-1)) ** 2
    level = 10 * np.log10(np.maximum(power, power.max() * 10 ** (_SILENT / 10)))
    found = {"onset": float(np.maximum(np.diff(level, axis=0), 0).mean(1).max())}
    within = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (0, max(0, length - samples.size))), length)
    envelope = np.sqrt(np.mean(within[::hop] ** 2, axis=1))
    if envelope.size < 4:
        return found
    changing = envelope - envelope.mean()
    found["modulation_depth"] = float(envelope.std() / envelope.mean())
    modulation = np.abs(np.fft.rfft(changing * np.hanning(envelope.size), 2 * envelope.size)) ** 2
    frequency = np.fft.rfftfreq(2 * envelope.size, hop / rate)
    slow = frequency <= _FASTEST
    if modulation[slow].sum() > 1e-12 * float(envelope.sum()) ** 2:
        found["modulation_rate"] = float(frequency[slow] @ modulation[slow] / modulation[slow].sum())
    return found


def _of_voice(samples: np.ndarray, rate: float) -> dict[str, float]:
    ceiling = min(_CEILING, rate / 2)
    if samples.size / rate < 3 / _FLOOR + 2 / rate or ceiling <= _FLOOR:
        return {}
    f0, _ = pitch(samples, rate, _FLOOR, ceiling)
    voiced = np.isfinite(f0)
    found = {"voiced": float(voiced.mean())}
    if voiced.sum() >= _LEAST_VOICED:
        found["f0"] = float(np.median(f0[voiced]))
    return found


def _decibels(share: float) -> float:
    return 10 * math.log10(max(float(share), 1e-10))
