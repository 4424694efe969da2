"""By what rule a recording is explained, and the map of its relevance for one question or another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from otoscope.dsp.cross_spectra import Frames
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.methods.targets import Explained, Question
from otoscope.methods.way_back import WayBack
from otoscope.probe import Rule
from otoscope.results import variable
from otoscope.subject import Subject
from otoscope.trust.clips import Clip
from otoscope.trust.focus import Focus
from otoscope.trust.maps import Map, map_of


@dataclass(frozen=True)
class Explaining:
    """By what rule a relevance is computed, and in which frames its map is.

    Attributes
    ----------
    rule : str or callable
    options : mapping
    frames : Frames
    """

    rule: RelevanceRule | Rule
    options: Mapping[str, Any]
    frames: Frames

    def way(self, subject: Subject, clip: Clip) -> WayBack:
        return WayBack(subject, clip.inputs, self.rule, self.options)

    def map(self, way: WayBack, clip: Clip, question: Question) -> tuple[Explained, Map]:
        """What is asked of a clip, and the map of its relevance."""
        asked, relevance, _ = way.attributed(question)
        contract = way.subject.contract
        repeated = contract.padding == "repeat"
        return asked, map_of(relevance, clip.samples, repeated, self.frames, way.subject.sample_rate)


def same_question(question: Question, asked: Explained) -> Question:
    """A question to any network, where the likeliest class may be another: its class is named by its number."""
    return (
        question if asked.rival is None and int(asked.index[0]) < 0 else replace(question, target=int(asked.index[0]))
    )


def focus_variables(focus: Focus) -> dict[str, xr.Variable]:
    """The edges of a focus, of one clip."""
    return {
        "focus_start": variable(["clip"], [focus.start], "start of the shortest interval with half of the power", "s"),
        "focus_stop": variable(["clip"], [focus.stop], "its stop", "s"),
        "focus_low": variable(["clip"], [focus.low], "low edge of the narrowest band with half of the power", "Hz"),
        "focus_high": variable(["clip"], [focus.high], "its high edge", "Hz"),
    }
