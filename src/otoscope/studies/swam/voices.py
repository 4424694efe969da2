"""Genuine and made speech: spoken digits beside what vocoders make of them, or ASVspoof 2019 where it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
import xarray as xr

from otoscope.audio import load_audio
from otoscope.data.find import drawn
from otoscope.data.items import DataSet, Item
from otoscope.dsp.interventions import scaled_f0
from otoscope.dsp.vocoder import mel_vocoded
from otoscope.errors import InputError

GENUINE, MADE = "genuine", "made"
GROUPS = ("TTS", "TTS_VC", "VC")
"""As ASVspoof names them, in the order of Table 1."""
STAND_INS = {
    "TTS": "40 mel bands, Griffin-Lim",
    "TTS_VC": "Griffin-Lim, then Praat's overlap-add with F0 times 1.3",
    "VC": "Praat's overlap-add with F0 times 1.3",
}
"""What stands for each kind of spoof where there is no ASVspoof."""
FACTOR = 1.3
"""By which a voice is moved in pitch."""


def resynthesised(found: DataSet, group: str, clips: int, rate: int) -> DataSet:
    """Recordings, and what vocoders make of each at the rate of the recording, all resampled alike.

    Recordings in which Praat finds no voice are left out on both sides.

    Parameters
    ----------
    found : DataSet
    group : {"TTS", "TTS_VC", "VC"}
        What is made of them, see :data:`STAND_INS`.
    clips : int
        Recordings, evenly over the classes of the set.
    rate : int
        In Hz, of the sounds that are returned.

    Returns
    -------
    DataSet
        Of the classes ``genuine`` and ``made``, with the speakers as facts.
    """
    pairs = [pair for item in drawn(found, clips) if (pair := _pair(item, group, rate)) is not None]
    return DataSet(tuple(one for pair in pairs for one in pair), (GENUINE, MADE))


def spoofed(found: DataSet, group: str, clips: int) -> DataSet:
    """Bona fide speech of ASVspoof 2019, and spoofs of one group, as many of each.

    Parameters
    ----------
    found : DataSet
        With the groups as labels, and speakers as facts.
    group : {"TTS", "TTS_VC", "VC"}
    clips : int
        Of each class, at most.
    """
    names = {"bonafide": GENUINE, group: MADE}
    items = [
        replace(item, labels=(names[label],), facts={"speaker": item.facts.get("speaker", "")})
        for item in found
        if (label := item.labels[0]) in names
    ]
    return drawn(DataSet(tuple(items), (GENUINE, MADE)), 2 * clips)


def _pair(item: Item, group: str, rate: int) -> tuple[Item, Item] | None:
    """A recording and what is made of it; None where there is no voice to move."""
    if isinstance(item.sound, xr.DataArray):
        raise InputError(f"{item.name} is no file")
    wave = load_audio(item.sound)
    own, samples = int(wave.attrs["sample_rate"]), torch.from_numpy(np.array(wave.values, dtype=float).ravel())
    try:
        made = _made(samples, own, group)
    except InputError as error:
        if "no voice was found" in str(error) or "too short" in str(error):
            return None
        raise
    return tuple(_item(item, one, own, rate, label) for one, label in ((samples, GENUINE), (made, MADE)))  # type: ignore[return-value]


def _made(samples: torch.Tensor, rate: int, group: str) -> torch.Tensor:
    for step in _STEPS[group]:
        samples = step(samples, rate)
    return samples


def _moved(samples: torch.Tensor, rate: int) -> torch.Tensor:
    return scaled_f0(samples, rate, FACTOR)


_STEPS: dict[str, tuple[Callable[[torch.Tensor, int], torch.Tensor], ...]] = {
    "TTS": (mel_vocoded,),
    "VC": (_moved,),
    "TTS_VC": (mel_vocoded, _moved),
}


def _item(item: Item, samples: torch.Tensor, own: int, rate: int, label: str) -> Item:
    import soxr

    values = soxr.resample(samples.numpy(), own, rate) if own != rate else samples.numpy()
    sound = xr.DataArray(values.astype(np.float32), dims="time", attrs={"sample_rate": rate, "name": item.name})
    return replace(item, sound=sound.assign_coords(time=np.arange(len(values)) / rate), labels=(label,))


def names_of(found: DataSet, fact: str) -> Iterator[str]:
    """A fact of each sound; empty where it is not known."""
    return (item.facts.get(fact, "") for item in found)
