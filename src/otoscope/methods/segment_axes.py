"""Segments where a model hears them, and the axes of what results say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import xarray as xr

from otoscope.data.segments import OUTSIDE, Segment, segments_of
from otoscope.dsp.portions import by_label, sample_bounds, with_copies
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Segments, Wave

SEGMENT = ("segment_name", "segment_start", "segment_stop")
"""What tables say of each segment."""


@dataclass(frozen=True)
class Placed:
    """Segments in what a model hears of a sound.

    Attributes
    ----------
    segments : tuple of Segment
    bounds : ndarray of int, (copy, 2)
        The first sample of each and the first one after it; where the sound is repeated to fill the length that the
        model takes, also those of its copies.
    places : ndarray of int, (copy,)
        Of which segment each is.
    """

    segments: tuple[Segment, ...]
    bounds: np.ndarray
    places: np.ndarray

    def by_segment(self, parts: np.ndarray) -> np.ndarray:
        """Sums (..., copy) as those of segments."""
        return by_label(parts, self.places.tolist())[1]

    def by_label(self, parts: np.ndarray) -> np.ndarray:
        """Sums (..., segment) as those of labels."""
        return by_label(parts, [one.label for one in self.segments])[1]


def place_segments(subject: Subject, wave: Wave, given: Segments, tier: str | None, samples: int) -> Placed:
    """The segments of a sound, of which the model hears so many samples."""
    sound = cast(xr.DataArray, wave)
    segments = segments_of(given, sound, tier)
    length = sound.sizes["time"]
    bounds = sample_bounds([one[:2] for one in segments], subject.sample_rate, length)
    period = length if subject.contract.padding == "repeat" else max(length, samples)
    return Placed(segments, *with_copies(bounds, period, samples))


def segment_axes(segments: Sequence[Segment], *, outside: bool = True) -> dict[str, xr.Variable]:
    """Coordinates of the dimensions `segment` and `segment_label`, of which the last entry may be what lies outside.

    Examples
    --------
    >>> axes = segment_axes([Segment(0.1, 0.2, "t"), Segment(0.2, 0.3, "t")])
    >>> axes["segment_start"].values.tolist(), axes["segment_label"].values.tolist()
    ([0.1, 0.2], ['t', '(outside)'])
    """
    labels = list(dict.fromkeys(one.label for one in segments)) + [OUTSIDE] * outside
    return {
        "segment": axis("segment", np.arange(len(segments)), "segment"),
        "segment_name": variable(["segment"], [one.label for one in segments], "label of the segment"),
        "segment_start": variable(["segment"], [one.start for one in segments], "start of the segment", "s"),
        "segment_stop": variable(["segment"], [one.stop for one in segments], "end of the segment", "s"),
        "segment_label": axis("segment_label", labels, "label of segments"),
    }
