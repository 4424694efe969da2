"""Every method tried once before a sweep begins, so that a wrong argument is one error and not one a clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import xarray as xr

from otoscope.audio import as_clip
from otoscope.causes import said
from otoscope.data.find import sound_of
from otoscope.data.item import Item
from otoscope.errors import InputError
from otoscope.subject import Subject
from otoscope.sweeps.known import record_of
from otoscope.sweeps.plan import Listed
from otoscope.sweeps.rows import Rows

_LEVEL = 0.1  # standard deviation of the noise
_CLIPS = 3  # of the list that are tried where a method does not take noise


def rows_of_each(subject: Subject, found: Listed, methods: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many rows every method gives of a second of noise, or of a clip where it takes no noise.

    Raises
    ------
    InputError
        Of a method that takes neither noise nor the first clips.
    """
    return {
        name: tried(subject, found, name, partial(_rows, subject, name, arguments))
        for name, arguments in methods.items()
    }


def tried(subject: Subject, found: Listed, name: str, call: Callable[[xr.DataArray, Item | None], int]) -> int:
    """What a call of a method gives of a second of noise, or of a clip and its item where it takes no noise.

    Raises
    ------
    InputError
        If it takes neither noise nor the first clips.
    """
    refused: Exception
    try:
        return call(_noise(subject), None)
    except Exception as error:  # of the user's model, which may raise anything at noise, and take its sounds
        refused = error
    for clip in found.shard(0, _CLIPS).clips:
        try:
            sound = sound_of(clip.item, subject.sample_rate, subject.clip)
            return call(subject.clip(sound), clip.item)
        except Exception as error:
            refused = error
    raise InputError(f"{name} does not take these sounds: {said(refused)}") from refused


def _rows(subject: Subject, name: str, arguments: Mapping[str, Any], wave: xr.DataArray, item: Item | None) -> int:
    record, rows = record_of(name), Rows()
    data = [wave if item is None else replace(item, sound=wave, start=None, stop=None)]
    rows.add(name, record.function(subject, data if record.takes == "data" else wave, **arguments), record, [0])
    return len(rows)


def _noise(subject: Subject) -> xr.DataArray:
    samples = subject.contract.length or subject.sample_rate
    draw = torch.Generator().manual_seed(0)
    return as_clip(_LEVEL * torch.randn(samples, generator=draw), subject.sample_rate, name="noise")
