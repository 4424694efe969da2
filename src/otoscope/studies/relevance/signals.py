"""Sounds and their relevance signals, side by side: likeness in time, period, F0 and level of bands."""

from __future__ import annotations

import numpy as np

from otoscope.dsp.segment import segment
from otoscope.dsp.voice import pitch
from otoscope.studies.relevance.heard import RATE, explained
from otoscope.studies.relevance.likeness import (
    VOICED,
    against_others,
    contours_alike,
    cross_correlation,
    level_per_hz,
    period,
    same,
)
from otoscope.studies.step import Outcome, Row, Work

FLOOR, CEILING = 75.0, 400.0
"""Range of F0 in Hz."""
LOWEST = 50.0
_NEAR = round(0.005 * RATE)  # samples within which sound and relevance are compared
_SEGMENT = 0.05  # s, of which the period is found


def signals_of(work: Work) -> Outcome:
    """A row for each sound; chance levels are those of the same relevance signals against all other sounds."""
    highest: float = work.arguments["highest"]
    pairs = list(explained(work))
    f0 = [[_contour(one.relevance), _contour(one.heard.wave)] for one in pairs]
    shares = against_others(contours_alike, *zip(*f0, strict=True))
    periods = [_periods(one.heard.wave, one.relevance) for one in pairs]
    same_period = against_others(
        lambda a, b: float(same(a[0], b[0])) if b[1] >= VOICED else np.nan, *zip(*periods, strict=True)
    )
    rows: list[Row] = []
    for number, one in enumerate(pairs):
        sound, relevance = one.heard.wave, one.relevance
        gained = {
            f"gain_{low:.0f}_{high:.0f}": _gain(relevance, sound, low, high, highest)
            for low, high in ((2000.0, 3500.0), (3500.0, min(5000.0, highest)))
        }
        low, mid = (level_per_hz(relevance, RATE, *band) for band in ((LOWEST, 1000), (1000, 2000)))
        rows.append(
            {
                "sound": one.heard.name,
                "label": one.heard.label,
                "correlation": _short(cross_correlation(sound, relevance, _NEAR)),
                "same_period": _short(same_period[0, number]),
                "same_period_chance": _short(same_period[1, number]),
                "same_f0": _short(shares[0, number]),
                "same_f0_chance": _short(shares[1, number]),
                "low_over_mid": _short(low - mid),
                **{name: _short(value) for name, value in gained.items()},
            }
        )
    return Outcome(rows)


def _contour(signal: np.ndarray) -> np.ndarray:
    return pitch(signal, RATE, FLOOR, CEILING)[0]


def _periods(sound: np.ndarray, relevance: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of the loudest segment of the sound, (lag, height) in the relevance and in the sound."""
    piece = segment(sound, RATE, duration=_SEGMENT)
    found = [period(one[piece], RATE, FLOOR, CEILING) for one in (relevance, sound)]
    return found[0], found[1]


def _gain(relevance: np.ndarray, sound: np.ndarray, low: float, high: float, highest: float) -> float:
    """The share of the relevance in a band over that of the sound, in dB."""
    over = [level_per_hz(one, RATE, low, high) - level_per_hz(one, RATE, LOWEST, highest) for one in (relevance, sound)]
    return over[0] - over[1]


def _short(value: float) -> float:
    return round(float(value), 4)
