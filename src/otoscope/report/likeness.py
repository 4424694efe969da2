"""Whether two models hear alike, or any two networks would: the likeness of their maps beside that of random ones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from otoscope.dsp.cross_spectra import Frames
from otoscope.dsp.similarity import correlation
from otoscope.errors import InputError
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.methods.targets import Question
from otoscope.probe.passed import noting
from otoscope.subject import Subject
from otoscope.trust.clips import Clip, clips_of, given_options
from otoscope.trust.control import share_drawn
from otoscope.trust.explaining import Explaining, same_question
from otoscope.trust.maps import HOP, WINDOW, Map
from otoscope.trust.random_networks import random_subject


@dataclass(frozen=True)
class Asked:
    """A model, a sound as it hears it, and what is asked."""

    subject: Subject
    clip: xr.DataArray
    question: Question


def likeness(
    models: Sequence[Asked], rule: RelevanceRule, *, draws: int = 10, seed: int = 0
) -> dict[tuple[int, int], dict[str, Any]]:
    """How alike the maps of relevance of each pair are, and those of pairs of networks with random weights.

    Parameters
    ----------
    models : sequence of Asked
        On one recording, which each may take at a rate of its own.
    rule : str
        Of the relevance.
    draws : int
        How many random networks of each model, no two of which have the same weights.
    seed : int

    Returns
    -------
    dict of (int, int) to dict
        By the numbers of two models: Pearson's correlation `r` of their maps, over the cells that both have; `random`,
        that of each pair of random networks; `rule`; and `notes`, why there are none.

    Raises
    ------
    InputError
        If a model has no relevance, for the reasons that relevance names.
    """
    maps, random, notes = [], [], []
    for number, one in enumerate(models):
        own, drawn, said = _maps(one, rule, draws, seed, number)
        maps.append(own)
        random.append(drawn)
        notes.append(said)
    return {
        (i, j): {
            "rule": rule,
            "r": alike(maps[i], maps[j]),
            "random": [
                alike(a, b) for a, b in zip(random[i], random[j], strict=False) if a is not None and b is not None
            ],
            "notes": list(dict.fromkeys([*notes[i], *notes[j]])),
        }
        for i, j in itertools.combinations(range(len(models)), 2)
    }


def alike(one: Map, other: Map) -> float:
    """Pearson's correlation of two maps over the times and frequencies of the coarser one, as far as both reach."""
    coarse, fine = sorted((one, other), key=lambda each: each.sample_rate)
    times = coarse.times[coarse.times <= fine.times[-1]]
    frequencies = coarse.frequencies[coarse.frequencies <= fine.frequencies[-1]]
    rows, columns = _nearest(fine.frequencies, frequencies), _nearest(fine.times, times)
    a = coarse.cells.sum(0)[: frequencies.size, : times.size]
    return float(correlation(a, fine.cells.sum(0)[np.ix_(rows, columns)]))


def _nearest(places: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The numbers of the places, evenly apart, that are nearest."""
    step = places[1] - places[0] if places.size > 1 else 1.0
    return np.asarray(np.rint((wanted - places[0]) / step).astype(int).clip(0, places.size - 1))


def _maps(
    asked: Asked, rule: RelevanceRule, draws: int, seed: int, number: int
) -> tuple[Map, list[Map | None], list[str]]:
    """The map of a model, those of random networks of its shape, and why there are none."""
    subject, notes = asked.subject, list[str]()
    how = Explaining(rule, given_options(rule, seed), Frames.of(WINDOW, HOP, subject.sample_rate))
    (clip,) = clips_of(subject, asked.clip, asked.question)
    explained, own = how.map(how.way(subject, clip), clip, asked.question)
    question = same_question(asked.question, explained)
    drawn: list[Map | None] = []
    for draw in range(draws):
        other, redraw = random_subject(subject, [seed, draw, number])
        drawn.append(_map_of(how, other, clip, question))
        if not draw and not share_drawn(other, redraw, clip.inputs, notes)[1]:
            return own, [], notes
    return own, drawn, notes


def _map_of(how: Explaining, subject: Subject, clip: Clip, question: Question) -> Map | None:
    try:
        with noting():
            return how.map(how.way(subject, clip), clip, question)[1]
    except InputError:
        return None
