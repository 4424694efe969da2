"""How far a metric may be off: intervals over clips, and over speakers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from otoscope.dsp.effect import bootstrap_interval
from otoscope.dsp.scores import bootstrap_draws

FEWEST_SPEAKERS = 10
"""With fewer a bootstrap over speakers says less than the range over them."""

Measured = Callable[[np.ndarray], np.ndarray]


class Spread(NamedTuple):
    """Bounds of every metric over speakers, and what they are: "bootstrap" or "range"."""

    low: np.ndarray
    high: np.ndarray
    kind: str


def over_clips(measured: Measured, clips: np.ndarray, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """95 % intervals of metrics over some clips, by the bootstrap."""
    draws = bootstrap_draws(lambda drawn: measured(clips[drawn]), len(clips), resamples=resamples, seed=seed)
    return _interval(measured(clips), draws)


def over_speakers(measured: Measured, of_one: Measured, speakers: Sequence[str], resamples: int, seed: int) -> Spread:
    """95 % intervals by drawing whole speakers, or of few speakers the lowest and the highest value of one of them.

    A speaker that is called "" is none.
    """
    names = np.asarray(speakers)
    groups = [np.flatnonzero(names == one) for one in sorted(set(speakers) - {""})]
    if len(groups) < FEWEST_SPEAKERS:
        values = np.stack([of_one(group) for group in groups])
        known = ~np.isnan(values).all(0)
        low = np.where(known, np.nanmin(values, axis=0, initial=np.inf), np.nan)
        high = np.where(known, np.nanmax(values, axis=0, initial=-np.inf), np.nan)
        return Spread(low, high, "range")

    def of_drawn(drawn: np.ndarray) -> np.ndarray:
        return measured(np.concatenate([groups[i] for i in drawn]))

    draws = bootstrap_draws(of_drawn, len(groups), resamples=resamples, seed=seed)
    return Spread(*_interval(measured(np.concatenate(groups)), draws), "bootstrap")


def _interval(values: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds about the values: not more than 1 or less than 0 where no draw is.

    Metrics of few clips are biased: those of clips drawn twice lie to one side of the value (a calibration error above
    it), and so would the percentiles of the draws.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")  # a metric that is not defined for any draw stays so
        low, high = bootstrap_interval(values, draws)
        least, most = np.nanmin(draws, axis=0), np.nanmax(draws, axis=0)
    low, high = np.where(least < 0, low, np.maximum(low, 0)), np.where(most > 1, high, np.minimum(high, 1))
    return low, high
