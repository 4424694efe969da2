"""The sounds of a data set as a model takes them, one after another."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.data.find import find_data, sound_of
from otoscope.data.items import DataSet, Item
from otoscope.data.table import text_of
from otoscope.errors import InputError
from otoscope.heard import changes_of, joined_note
from otoscope.probe.blocks import block_ends
from otoscope.subject import Subject
from otoscope.trial import REFUSALS
from otoscope.types import Data


@dataclass(frozen=True)
class Clip:
    """One sound of a data set.

    Attributes
    ----------
    name : str
        By which results call it, most often its file.
    inputs : Tensor, (1, channel, time)
        As the model takes it.
    label : str or None
        Its class, where it is known; several are divided by commas.
    facts : mapping of str to str
        What else is known of it, such as its speaker.
    filling : int
        How many samples at the end of `inputs` are zeros that filled it up.
    changes : sequence of (str, str)
        What was done to the sound, see ``otoscope.heard.changes_of``.
    wave : DataArray or None
        As it was read.
    labels : tuple of str
        Its classes, where it may have several.
    """

    name: str
    inputs: Tensor
    label: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    filling: int = 0
    changes: Sequence[tuple[str, str]] = ()
    wave: xr.DataArray | None = None
    labels: tuple[str, ...] = ()

    @property
    def samples(self) -> int:
        """How many samples of the sound itself are in `inputs`."""
        return self.inputs.shape[-1] - self.filling


class Sounds(Sized, Iterable[Clip]):
    """The sounds of a data set as a model takes them, each read when its turn comes.

    `len` is 0 where it is not known; `latest` are the clips that were read last; `several` says whether a sound may
    have several labels.
    """

    def __init__(self, subject: Subject, data: Data, name: str = "") -> None:
        self.subject, self.name = subject, str(data) if isinstance(data, (str, Path)) else name
        found = find_data(data, sample_rate=subject.sample_rate) if isinstance(data, (str, Path)) else data
        self._remarks = found.remarks if isinstance(found, DataSet) else ()
        self.several = found.multilabel if isinstance(found, DataSet) else False
        self._sounds, self._hash, self._count = found, hashlib.sha256(), 0
        self._changes: Counter[tuple[str, str]] = Counter()
        self.latest: deque[Clip] = deque(maxlen=32)  # more than a batch

    def __len__(self) -> int:
        return len(self._sounds) if isinstance(self._sounds, Sized) else 0

    def __iter__(self) -> Iterator[Clip]:
        self._hash, self._count, self._changes = hashlib.sha256(), 0, Counter()
        for number, sound in enumerate(self._sounds):
            clip = _clip(self.subject, sound, number)
            # facts count, for some methods divide the sounds by them: into speakers, into groups
            self._hash.update(json.dumps([clip.name, clip.label, sorted(clip.facts.items())]).encode())
            self._hash.update(clip.inputs.detach().float().cpu().numpy().tobytes())
            self._count += 1
            self._changes.update(clip.changes)
            self.latest.append(clip)
            yield clip

    @property
    def once(self) -> bool:
        """Whether the sounds can be read once only, as those of a generator."""
        return isinstance(self._sounds, Iterator)

    def again(self, numbers: Collection[int]) -> Iterator[tuple[int, Clip]]:
        """Some of the sounds once more, by their numbers."""
        for number, sound in enumerate(self._sounds):
            if number in numbers:
                yield number, _clip(self.subject, sound, number)

    @property
    def facts(self) -> dict[str, str]:
        """What results say of the data: its name and count, a hash of it, and how many sounds were changed."""
        count = f"{self._count} sound{'' if self._count == 1 else 's'}"
        said: dict[str, list[str]] = {}
        for (kind, change), number in self._changes.items():
            said.setdefault(kind, []).append(f"{number} of {count} {'was' if number == 1 else 'were'} {change}")
        return {
            "audio": f"{self.name} ({count})" if self.name else count,
            "audio_sha256": self._hash.hexdigest(),
            **{kind: "; ".join(said[kind]) for kind in ("cut", "filled") if kind in said},
            **joined_note(*self._remarks, *chain.from_iterable(said.values())),
        }


def sounds_of(subject: Subject, data: Data) -> Sounds:
    """The sounds of a data set, filled up where the model takes or was scored on no shorter ones."""
    if _is_one_sound(data):
        raise InputError("this is one sound, and many are needed: give a list of sounds, of one too: [sound]")
    return data if isinstance(data, Sounds) else Sounds(subject, data)


def _is_one_sound(data: Data) -> bool:
    """Whether it is the samples of a sound, each of which would be taken for a sound."""
    if isinstance(data, Tensor):
        return data.ndim == 1
    return isinstance(data, (np.ndarray, xr.DataArray)) and data.ndim == 1 and data.dtype.kind in "fiuc"


def needs_classes(classes: Sequence[str]) -> str:
    """What is said of sounds that are not of two classes or more."""
    if not classes:
        return "there are no sounds"
    return (
        f"all sounds are of the class {classes[0]!r}, and two classes or more are needed: sort them into a folder a "
        "class, or choose another fact of the data as the class (--by on the command line)"
    )


def usual_taps(
    subject: Subject, layer: str | Sequence[str] | None = None
) -> tuple[str | Sequence[str] | None, dict[str, int]]:
    """Layers to look at, by default the ends of all blocks, and the time axes of taps, as a second of silence shows.

    The first sound of a data set may be so short that a layer has a single frame, which looks like no time at all.
    """
    try:
        seen = subject.taps()
    except REFUSALS:  # the model may take sounds of one length only, and those of the data set have it
        return layer, dict(subject.time_axes)
    axes = {tap.name: tap.time_axis for tap in seen.values() if tap.time_axis is not None}
    return (block_ends(seen) or None) if layer is None else layer, axes | subject.time_axes


def _clip(subject: Subject, sound: Any, number: int) -> Clip:
    if isinstance(sound, Item):
        wave = sound_of(sound, subject.sample_rate, subject.clip)
        labels, label, facts = sound.labels, ",".join(sound.labels) or None, sound.facts
    else:
        (wave, label), facts = sound if isinstance(sound, tuple) else (sound, None), {}
        labels = tuple(map(text_of, label)) if isinstance(label, (list, tuple)) else ()
        label = text_of(label) or None
    named = wave.attrs.get("name", number) if isinstance(wave, xr.DataArray) else number
    name = str(wave) if isinstance(wave, (str, Path)) else str(named)
    clip = subject.clip(wave)
    if "clip" in clip.dims:
        raise InputError(f"each sound of a data set is one clip (time,), and {name} has the shape {clip.shape}")
    inputs = subject.inputs(clip)
    filling = max(0, inputs.shape[-1] - clip.sizes["time"]) if subject.contract.padding == "zeros" else 0
    return Clip(name, inputs, label, facts, filling, changes_of(subject, clip), clip, labels)


def batched(clips: Iterable[Clip], batch_size: int = 16) -> Iterator[tuple[list[Clip], Tensor]]:
    """Consecutive clips of one length together, at most `batch_size`, with their inputs as one batch.

    Only one batch is held at a time, so that memory does not grow with the data set. Clips of a model in which they
    would meet go one by one.

    Examples
    --------
    >>> clips = [Clip(str(n), torch.zeros(1, 1, n)) for n in (5, 5, 5, 3)]
    >>> [tuple(batch.shape) for _, batch in batched(clips, 2)]
    [(2, 1, 5), (1, 1, 5), (1, 1, 3)]
    """
    if isinstance(clips, Sounds) and not clips.subject.network.apart:
        batch_size = 1
    held: list[Clip] = []
    for clip in clips:
        if held and (len(held) == batch_size or clip.inputs.shape != held[0].inputs.shape):
            yield held, torch.cat([one.inputs for one in held])
            held = []
        held.append(clip)
    if held:
        yield held, torch.cat([one.inputs for one in held])
