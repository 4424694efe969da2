"""Vowels whose F0 and formants are known: how often they are right in relevance signals, and how often by chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from otoscope.data.aev import Token
from otoscope.dsp.voice import lp_spectrum, pitch
from otoscope.methods.frame_response import frame_response
from otoscope.methods.vowels import MEASURES, VOICES, measure_vowel
from otoscope.studies.relevance.heard import RATE, Explained, Heard, explain, heard_by, subject_of
from otoscope.studies.relevance.likeness import against_others, contours_alike, harmonic_contrast
from otoscope.studies.step import Outcome, Work
from otoscope.subject import Subject

_N_FFT = 1024
_ORDER = 16
_HIGHEST = 4000.0  # Hz, of envelopes and harmonics


def vowels_of(work: Work) -> Outcome:
    """A row for each vowel, of the relevance signals of a network."""
    subject = subject_of(work)
    pairs = []
    for number, heard in enumerate(heard_by(work)):
        pairs.append(explain(subject, heard))
        work.report("vowels", number + 1, work.arguments["clips"])
    heard_all = [one.heard for one in pairs]
    rows = _right(heard_all, [one.relevance for one in pairs])
    envelopes = against_others(np.dot, *([_envelope(one) for one in each] for each in _both(pairs)))
    contours = against_others(
        contours_alike, *([_contour(a, b.heard) for a, b in zip(each, pairs, strict=True)] for each in _both(pairs))
    )
    for number, (row, one) in enumerate(zip(rows, pairs, strict=True)):
        f0 = _known(one.heard, 0)
        row |= {
            "named": one.named == one.heard.label,
            "same_f0": _short(contours[0, number]),
            "same_f0_chance": _short(contours[1, number]),
            "envelope": _short(envelopes[0, number]),
            "envelope_chance": _short(envelopes[1, number]),
            "harmonic_contrast": _short(_contrast(one, f0)),
            "first_layer_f0": _in_first_layer(subject, one.heard),
        }
    return Outcome(rows)


def vowels_themselves(work: Work) -> Outcome:
    """A row for each vowel, of the sounds."""
    heard = list(heard_by(work))
    return Outcome(_right(heard, [one.wave for one in heard]))


def permuted(
    measured: Sequence[float], known: Sequence[float], deviation: Sequence[float]
) -> tuple[list[bool], list[float]]:
    """Which values lie within the deviation of what is known, and how likely each does where the known are permuted.

    Examples
    --------
    >>> permuted([100.0, 210.0], [101.0, 200.0], [5.0, 20.0])
    ([True, True], [0.0, 0.0])
    """
    values, true, width = (np.asarray(one, dtype=float) for one in (measured, known, deviation))
    with np.errstate(invalid="ignore"):
        right = np.abs(values[:, None] - true) <= width  # False where a value was not found
    own = np.diagonal(right)
    others = (right.sum(1) - own) / max(1, len(right) - 1)
    return own.tolist(), others.tolist()


def _right(heard: Sequence[Heard], signals: Iterable[np.ndarray]) -> list[dict[str, object]]:
    """What is measured in signals, against what is known of each vowel, and of the other vowels of its group."""
    measured = np.array([_measured(one, signal) for one, signal in zip(heard, signals, strict=True)])
    groups = np.array([_token(one).group for one in heard])
    rows: list[dict[str, object]] = [
        {"sound": one.name, "group": _token(one).group, "vowel": one.label} for one in heard
    ]
    for column, measure in enumerate(MEASURES):
        for group in dict.fromkeys(groups.tolist()):
            inside = np.flatnonzero(groups == group).tolist()
            known = [_known(heard[n], column) for n in inside]
            deviation = [_token(heard[n]).deviation[column] for n in inside]
            own, others = permuted(measured[inside, column].tolist(), known, deviation)
            for n, right, chance, true in zip(inside, own, others, known, strict=True):
                there = np.isfinite(true)
                rows[n][measure] = right if there else None
                rows[n][f"{measure}_chance"] = _short(chance) if there else None
    return rows


def _measured(heard: Heard, signal: np.ndarray) -> np.ndarray:
    token = _token(heard)
    return measure_vowel(signal, RATE, token.centre, VOICES[token.group])


def _both(pairs: Sequence[Explained]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [one.relevance for one in pairs], [one.heard.wave for one in pairs]


def _contrast(one: Explained, f0: float) -> float:
    return harmonic_contrast(one.heard.wave, one.relevance, RATE, f0, _HIGHEST) if np.isfinite(f0) else np.nan


def _envelope(signal: np.ndarray) -> np.ndarray:
    """The LP spectrum of a signal below 4 kHz in dB, centred and of length 1: products of two are correlations."""
    windowed = signal * np.hanning(len(signal) + 2)[1:-1]
    found = lp_spectrum(windowed, _ORDER, _N_FFT)[np.fft.rfftfreq(_N_FFT, 1 / RATE) <= _HIGHEST]
    level: np.ndarray = 20 * np.log10(np.maximum(found, np.finfo(float).tiny))
    centred: np.ndarray = level - level.mean()
    return centred / (np.linalg.norm(centred) or 1.0)


def _contour(signal: np.ndarray, heard: Heard) -> np.ndarray:
    voice = VOICES[_token(heard).group]
    return pitch(signal, RATE, voice.floor, voice.ceiling)[0]


def _in_first_layer(subject: Subject, heard: Heard) -> bool | None:
    """Whether the largest response of the first layer, in the range of F0, lies within a deviation of F0."""
    token = _token(heard)
    if not np.isfinite(token.known[0]):
        return None
    wave = torch.as_tensor(heard.wave.copy())
    found = frame_response(subject, wave, time=token.centre, n_fft=2 * _N_FFT)["frame_response"]
    voice = VOICES[token.group]
    inside = found.where((found.frequency >= voice.floor) & (found.frequency <= voice.ceiling), drop=True)
    peak = float(inside.frequency[int(inside.argmax("frequency"))])
    return abs(peak - token.known[0]) <= token.deviation[0]


def _known(heard: Heard, column: int) -> float:
    return float(_token(heard).known[column])


def _token(heard: Heard) -> Token:
    assert heard.token is not None
    return heard.token


def _short(value: float) -> float:
    return round(float(value), 4)
