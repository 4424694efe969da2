"""How many clips a shard has: as many as take one to two minutes, by counts of operations and never by a clock."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from otoscope.methods.catalogue import Record
from otoscope.probe.listen import evaluating
from otoscope.subject import Subject, silence
from otoscope.trial import REFUSALS

_WORK = 60.0  # s, what a shard is to take
_RATE = 1e10  # operations a second of one core, about
_CALL = 3e-3  # s, what a method takes beside the passes of the model
_PASSES = {"wave": 1, "data": 20}  # of the model, that a method takes; one that explains goes back, too
_MOST_ROWS = 2_000_000  # of a shard, which are in memory until it is written
_LEAST_SHARDS = 16  # so that workers share a small list
_MOST = 1 << 14


def shard_size(subject: Subject, seconds: np.ndarray, records: Mapping[str, Record], rows: Mapping[str, int]) -> int:
    """How many clips of a list a shard is to have.

    Parameters
    ----------
    subject : Subject
    seconds : ndarray
        Of the clips; NaN where it is not known.
    records : mapping of str to Record
    rows : mapping of str to int
        How many rows each method gives of a clip.
    """
    known = seconds[np.isfinite(seconds)]
    length = float(known.mean()) if known.size else 1.0
    passes = sum(_PASSES[record.takes] * (3 if record.explains else 1) for record in records.values())
    work = passes * length * operations(subject) / _RATE + _CALL * len(records)
    by_work = math.ceil(_WORK / work)
    by_rows = max(1, _MOST_ROWS // max(1, sum(rows.values())))
    return max(1, min(by_work, by_rows, math.ceil(seconds.size / _LEAST_SHARDS), _MOST))


def operations(subject: Subject) -> float:
    """Operations of a pass of the model over a second of sound; 0 where it takes no silence."""
    counter = FlopCounterMode(display=False)
    try:
        inputs = silence(subject)
        with subject.lock, torch.no_grad(), evaluating(subject.model), counter:
            subject.network(inputs)
    except REFUSALS:
        return 0.0
    return float(counter.get_total_flops()) * subject.sample_rate / inputs.shape[-1]
