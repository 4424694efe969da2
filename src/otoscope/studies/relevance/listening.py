"""Relevance signals played to an independent recogniser, and their STOI against the sounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import soxr
import torch

from otoscope.dsp.intelligibility import stoi
from otoscope.models import load
from otoscope.studies.relevance.heard import RATE, Explained, explained, heard_by
from otoscope.studies.step import Outcome, Row, Work
from otoscope.subject import Subject

ROW = 10
"""Sounds in a row of which one STOI is taken: single digits are too short for it."""


def heard_of(work: Work) -> Outcome:
    """Of the relevance signal of each sound, whether a recogniser hears what is said."""
    return Outcome(list(_heard(work, ((one.heard.name, one.heard.label, _as_loud(one)) for one in explained(work)))))


def heard_themselves(work: Work) -> Outcome:
    """Whether it hears what is said in the sounds."""
    return Outcome(list(_heard(work, ((one.name, one.label, one.wave) for one in heard_by(work)))))


def stoi_of(work: Work) -> Outcome:
    """The STOI of relevance signals against the sounds, each of ten in a row."""
    pairs = list(explained(work))
    rows: list[Row] = []
    for first in range(0, len(pairs) - ROW + 1, ROW):
        group = pairs[first : first + ROW]
        sound = np.concatenate([_unit(one.heard.wave) for one in group])
        relevance = np.concatenate([_unit(one.relevance) for one in group])
        rows.append({"first": group[0].heard.name, "stoi": round(stoi(sound, relevance, RATE), 4)})
    return Outcome(rows)


def _heard(work: Work, signals: Iterator[tuple[str, str, np.ndarray]]) -> Iterator[Row]:
    listener = Subject(load(work.arguments["listener"]))
    classes: Sequence[str] = listener.classes or ()
    for name, label, signal in signals:
        wave = soxr.resample(signal, RATE, listener.sample_rate).astype(np.float32)
        answer = classes[int(listener.output(torch.as_tensor(wave)[None]).argmax())]
        yield {"sound": name, "label": label, "heard": answer == label}


def _as_loud(one: Explained) -> np.ndarray:
    """The relevance signal, as loud as the sound."""
    return _unit(one.relevance) * float(np.sqrt(np.mean(np.square(one.heard.wave, dtype=float))))


def _unit(signal: np.ndarray) -> np.ndarray:
    """A signal of a root mean square of 1; silence as it is."""
    signal = np.asarray(signal, dtype=float)
    return signal / (float(np.sqrt(np.mean(np.square(signal)))) or 1.0)
