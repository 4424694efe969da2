"""The clips of a sound one by one, with what is asked of each: a control of one has nothing to do with the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from torch import Tensor

from otoscope.errors import InputError
from otoscope.methods.relevance_rules import option_values
from otoscope.methods.targets import Question
from otoscope.probe import Rule
from otoscope.subject import Subject
from otoscope.types import Progress

LONGEST = 60.0
"""Length in s of the longest sound on which a relevance is tested; it is computed a hundred times for that."""


def too_long(seconds: float) -> str | None:
    """Why a relevance is not tested on a sound of so many s; None where it is.

    Examples
    --------
    >>> too_long(60.0), too_long(600.0)
    (None, 'the sound lasts 600 s, and a relevance is tested on at most 60 s: give a part, with --start and --duration')
    """
    if seconds <= LONGEST:
        return None
    return (
        f"the sound lasts {seconds:.4g} s, and a relevance is tested on at most {LONGEST:g} s: give a part, with "
        "--start and --duration"
    )


@dataclass(frozen=True)
class Clip:
    """One sound, and what is asked of it.

    Attributes
    ----------
    wave : DataArray, (clip, [channel,] time)
        With a single clip.
    inputs : Tensor, (1, channel, time)
        As the model takes it.
    question : Question
    """

    wave: xr.DataArray
    inputs: Tensor
    question: Question

    @property
    def samples(self) -> int:
        """Of the recording."""
        return int(self.wave.sizes["time"])


def clips_of(subject: Subject, wave: xr.DataArray, question: Question) -> Iterator[Clip]:
    """The clips of a sound that is read, (time,), (clip, time) or with channels.

    Raises
    ------
    InputError
        If they are longer than a relevance is tested on, or there is not one target for each.
    """
    if reason := too_long(wave.sizes["time"] / subject.sample_rate):
        raise InputError(reason)
    batch = wave if "clip" in wave.dims else wave.expand_dims("clip")
    target = question.target
    if isinstance(target, (Tensor, np.ndarray, xr.DataArray)):
        target = target.tolist()
    if isinstance(target, (list, tuple)) and len(target) != len(batch):
        raise InputError(
            f"{len(target)} classes were given as target, one for each clip, and there are {len(batch)} clips"
        )
    for number in range(len(batch)):
        one = batch.isel(clip=[number])
        asked = replace(question, target=target[number]) if isinstance(target, (list, tuple)) else question
        yield Clip(one, subject.whole(one), asked)


def told(progress: Progress | None, begun: int, total: int) -> Callable[[int], None]:
    """A function that tells how many steps of a test are done, after so many of the clips before.

    Examples
    --------
    >>> tell = told(lambda done, total: print(done, "of", total), 12, 24)
    >>> tell(1)
    13 of 24
    """
    return lambda done: None if progress is None else progress(begun + done, total)


def given_options(rule: str | Rule, seed: int, **given: Any) -> Mapping[str, Any]:
    """The options of a rule, of those that were given; one that draws noise does so by the seed of the method."""
    options = {name: value for name, value in given.items() if value is not None}
    found = option_values(rule, options)
    return found | ({"seed": seed} if "seed" in found else {})
