"""The coherence of sounds and their sonifications within segments, of each and of each label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from torch import Tensor

from otoscope.data.segments import NoSegments, Segment, segments_of
from otoscope.dsp.coherence import coherence_within, mean_top
from otoscope.dsp.portions import sample_bounds
from otoscope.dsp.statistics import mean_interval
from otoscope.results import axis, variable
from otoscope.sounds import Clip
from otoscope.types import Segments


@dataclass
class InSegments:
    """What is found within the segments of one clip after another.

    Attributes
    ----------
    given, tier
        As a method is given them.
    sample_rate : float
        In Hz.
    welch : mapping
        Arguments of Welch's method.
    n_frequencies : int
        Over which the mean is taken.
    """

    given: Segments
    tier: str | None
    sample_rate: float
    welch: Mapping[str, Any]
    n_frequencies: int
    _clips: list[str] = field(default_factory=list)  # of each segment
    _segments: list[Segment] = field(default_factory=list)
    _each: list[list[float]] = field(default_factory=list)  # segment, layer
    _windows: list[int] = field(default_factory=list)
    _labels: list[dict[str, tuple[list[float], int]]] = field(default_factory=list)  # clip, label
    _without: list[NoSegments] = field(default_factory=list)

    def add(self, clip: Clip, inputs: Tensor, sounds: Sequence[Tensor]) -> None:
        """One clip, (1, channel, time), and what of it is left in every layer, each (1, map, channel, time)."""
        try:
            assert clip.wave is not None
            segments = segments_of(self.given, clip.wave, self.tier, clip.name)
        except NoSegments as error:
            self._without.append(error)
            self._labels.append({})
            return
        bounds = [
            tuple(one) for one in sample_bounds([one[:2] for one in segments], self.sample_rate, inputs.shape[-1])
        ]
        for one, place in zip(segments, bounds, strict=True):
            values, count = self._measure(inputs, sounds, [place])
            self._clips.append(clip.name)
            self._segments.append(one)
            self._each.append(values)
            self._windows.append(count)
        own = {}
        for label in dict.fromkeys(one.label for one in segments):
            places = [place for one, place in zip(segments, bounds, strict=True) if one.label == label]
            own[label] = self._measure(inputs, sounds, places)
        self._labels.append(own)

    def _measure(self, inputs: Tensor, sounds: Sequence[Tensor], bounds: Sequence[Any]) -> tuple[list[float], int]:
        """The measure of every layer within stretches of a clip, and of how many windows it is."""
        values, count = [], 0
        for one in sounds:
            shared, count = coherence_within(inputs[:, None], one, bounds, **self.welch)
            values.append(float(mean_top(shared.cpu().mean(2), self.n_frequencies).mean()))
        return values, count

    def note(self) -> str | None:
        """Which clips have no segments."""
        if not self._without:
            return None
        return f"{len(self._without)} of {len(self._labels)} sounds have no segments: {self._without[0]}"

    def labelled(self, layers: int) -> xr.Dataset:
        """Variables over `segment` and `segment_label`.

        Raises
        ------
        NoSegments
            If no clip has segments.
        """
        if not self._segments:
            raise self._without[0]
        labels = list(dict.fromkeys(one.label for one in self._segments))
        nothing = ([np.nan] * layers, 0)
        of_clips = np.array([[clip.get(label, nothing)[0] for label in labels] for clip in self._labels])
        windows = np.array([[clip.get(label, nothing)[1] for label in labels] for clip in self._labels])
        of_clips = of_clips.swapaxes(1, 2)  # clip, layer, label
        mean, low, high = mean_interval(of_clips)  # of the clips that have the label
        count = np.isfinite(of_clips).sum(0)
        of, of_clip = ["layer", "segment_label"], ["clip", "layer", "segment_label"]
        return xr.Dataset(
            {
                "label_coherence": variable(of, mean, "mean coherence in the segments of a label"),
                "label_ci_low": variable(of, low.clip(0, 1), "lower bound of its 95 % confidence interval"),
                "label_ci_high": variable(of, high.clip(0, 1), "upper bound of its 95 % confidence interval"),
                "label_clips": variable(of, count, "clips with two windows or more in such segments"),
                "clip_label_coherence": variable(of_clip, of_clips, "coherence in the segments of a label of one clip"),
                "clip_label_windows": variable(["clip", "segment_label"], windows, "windows in segments of the label"),
                "segment_coherence": variable(["layer", "segment"], np.array(self._each).T, "coherence in a segment"),
                "segment_windows": variable(["segment"], self._windows, "windows in the segment"),
            },
            coords={
                "segment": axis("segment", np.arange(len(self._segments)), "segment"),
                "segment_clip": variable(["segment"], self._clips, "clip of the segment"),
                "segment_name": variable(["segment"], [one.label for one in self._segments], "label of the segment"),
                "segment_start": variable(["segment"], [one.start for one in self._segments], "start", "s"),
                "segment_stop": variable(["segment"], [one.stop for one in self._segments], "end", "s"),
                "segment_label": axis("segment_label", labels, "label of segments"),
            },
        )
