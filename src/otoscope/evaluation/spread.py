"""How far a metric may be off: intervals over clips, and over speakers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from otoscope.dsp.scores import bootstrap_interval

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
    return bootstrap_interval(lambda drawn: measured(clips[drawn]), len(clips), resamples=resamples, seed=seed)


def over_speakers(measured: Measured, of_one: Measured, speakers: Sequence[str], resamples: int, seed: int) -> Spread:
    """95 % intervals by drawing whole speakers, or of few speakers the lowest and the highest value of one of them."""
    names = np.asarray(speakers)
    groups = [np.flatnonzero(names == one) for one in sorted(set(speakers))]
    if len(groups) < FEWEST_SPEAKERS:
        values = np.stack([of_one(group) for group in groups])
        known = ~np.isnan(values).all(0)
        low = np.where(known, np.nanmin(values, axis=0, initial=np.inf), np.nan)
        high = np.where(known, np.nanmax(values, axis=0, initial=-np.inf), np.nan)
        return Spread(low, high, "range")

    def of_drawn(drawn: np.ndarray) -> np.ndarray:
        return measured(np.concatenate([groups[i] for i in drawn]))

    return Spread(*bootstrap_interval(of_drawn, len(groups), resamples=resamples, seed=seed), "bootstrap")
