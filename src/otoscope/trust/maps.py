"""The relevance of a recording as a map of time and frequency, as it is compared with others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.dsp.cross_spectra import Frames, cross_spectra, cross_spectrogram
from otoscope.methods.relevance_rules import Form
from otoscope.methods.relevance_spectra import Relevance
from otoscope.trust.focus import Focus, audible, focus_of_sums

WINDOW, HOP = 0.025, 0.0025
"""Of the frames of a map, in s, unless others are asked for."""


@dataclass(frozen=True)
class Place:
    """Where a relevance lies; NaN where it has no power that could lie anywhere.

    Attributes
    ----------
    focus : Focus
        With half of its power.
    peak_time, peak_frequency : float
        Where most of its power lies, in s and Hz.
    sound_share_time, sound_share_band : float
        The share of the energy of the sound that lies in the focus.
    """

    focus: Focus
    peak_time: float
    peak_frequency: float
    sound_share_time: float
    sound_share_band: float


@dataclass(frozen=True)
class Map:
    """A relevance over time and frequency.

    Attributes
    ----------
    form : {"product", "gradient", "weighted sound"}
        Of the rule. The map of a product is signed, that of the others a magnitude.
    carried, sound : Tensor, (channel, time)
        The gradient or the weighted sound, and the sound as the model heard it, of each sample of the recording.
    frames : Frames
    sample_rate : int
        In Hz.
    """

    form: Form
    carried: Tensor
    sound: Tensor
    frames: Frames
    sample_rate: int

    @property
    def is_signed(self) -> bool:
        return self.form == "product"

    @property
    def duration(self) -> float:
        return self.sound.shape[-1] / self.sample_rate

    @cached_property
    def cells(self) -> np.ndarray:
        """The map, (channel, frame_frequency, frame_time)."""
        if self.is_signed:
            return cross_spectrogram(self.sound, self.carried, self.frames).numpy()
        return magnitudes(self.carried, self.frames)

    @cached_property
    def of_sound(self) -> np.ndarray:
        """The magnitude of the same transform of the sound, (channel, frame_frequency, frame_time)."""
        return magnitudes(self.sound, self.frames)

    @cached_property
    def power(self) -> np.ndarray:
        """How much lies where, (frame_frequency, frame_time): what is positive, or squared magnitudes."""
        each = np.maximum(self.cells, 0) if self.is_signed else self.cells**2
        return np.asarray(each.sum(0))

    @cached_property
    def times(self) -> np.ndarray:
        return self.frames.times(self.sound.shape[-1], self.sample_rate).numpy()

    @cached_property
    def frequencies(self) -> np.ndarray:
        return self.frames.frequencies(self.sample_rate).numpy()

    @cached_property
    def sums(self) -> tuple[np.ndarray, np.ndarray]:
        """The power at each time, (frame_time,), and at each frequency, (frame_frequency,)."""
        if self.is_signed:
            return _sums(part.clamp(min=0) for part in cross_spectra(self.sound, self.carried, self.frames))
        return _sums(part.abs().square() for part in self.frames.blocks(self.carried.double()))

    @property
    def resolves_time(self) -> bool:
        """Whether the sound is as long as a frame: else every frame holds all of it, and only frequencies differ."""
        return self.sound.shape[-1] >= self.frames.length

    def focus(self, share: float = 0.5) -> Focus:
        """The interval is the whole sound where frames are longer than that."""
        found = focus_of_sums(*self.sums, self.times, self.frequencies, self.duration, share)
        return found if self.resolves_time or not found.is_somewhere else replace(found, start=0.0, stop=self.duration)

    @property
    def note(self) -> list[str]:
        """What is to be said of the frames."""
        if self.resolves_time:
            return []
        window, whole = self.frames.length / self.sample_rate, self.duration
        return [
            f"window is {window:g} s and the sound {whole:.4g} s long, so that its interval is the whole sound: "
            "give a shorter window to see where in time it lies"
        ]

    def place(self) -> Place:
        """Where it lies. Memory does not depend on how long the sound is, but for the sums."""
        over_time, over_frequency = self.sums
        energy_in_time, energy_in_frequency = _sums(
            part.abs().square() for part in self.frames.blocks(self.sound.double())
        )
        focus, heard = self.focus(), audible(self.frequencies)
        if not over_time.any():
            return Place(focus, *[math.nan] * 4)
        within = (self.times >= focus.start) & (self.times <= focus.stop)
        band = (self.frequencies >= focus.low) & (self.frequencies <= focus.high)
        known = focus.is_somewhere
        return Place(
            focus,
            float(self.times[over_time.argmax()]),
            float(self.frequencies[heard][over_frequency[heard].argmax()]),
            _share(energy_in_time, within) if known else math.nan,
            _share(energy_in_frequency[heard], band[heard]) if known else math.nan,
        )


def _sums(blocks: Iterator[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """What blocks (channel, frames, frame_frequency) sum to at each time and at each frequency."""
    both = [(part.sum((0, 2)), part.sum((0, 1))) for part in blocks]
    return torch.cat([one for one, _ in both]).numpy(), torch.stack([one for _, one in both]).sum(0).numpy()


def _share(values: np.ndarray, inside: np.ndarray) -> float:
    total = values.sum()
    return float(values[inside].sum() / total) if total > 0 else math.nan


def map_of_result(found: xr.Dataset, samples: int, repeated: bool) -> Map:
    """The map of what relevance returned of one recording, in the frames that tests have unless others are asked for.

    Parameters
    ----------
    found : Dataset
        Of one clip: `input`, and `gradient` or `relevance`, ([channel,] time).
    samples : int
        Of the recording.
    repeated : bool
        Whether the model took it again and again.
    """
    rate = int(found.attrs["sample_rate"])
    frames = Frames(max(4, round(WINDOW * rate)), max(1, round(HOP * rate)))
    name = "gradient" if "gradient" in found else "relevance"
    carried, sound = (
        torch.from_numpy(np.atleast_2d(found[one].transpose(..., "time").values)) for one in (name, "input")
    )
    carried = _whole(onto(carried, samples, repeated), samples)
    return Map(found.attrs["form"], carried, _whole(onto(sound, samples, False), samples), frames, rate)


def _whole(signal: Tensor, samples: int) -> Tensor:
    """Filled up with zeros, of a model that took less than the recording."""
    return torch.nn.functional.pad(signal, (0, samples - signal.shape[-1]))


def magnitudes(signal: Tensor, frames: Frames) -> np.ndarray:
    """The magnitude of a short-time Fourier transform, of signals (channel, time)."""
    spectra = [part.abs() for part in frames.spectra(signal.double())]
    return torch.cat(spectra, dim=-2).transpose(-1, -2).numpy()


def map_of(relevance: Relevance, samples: int, repeated: bool, frames: Frames, sample_rate: int) -> Map:
    """The map of the relevance of what a model took of one recording, (1, channel, time).

    Parameters
    ----------
    relevance : Relevance
    samples : int
        Of the recording.
    repeated : bool
        Whether the model took it again and again: then what falls on one sample adds up, by the chain rule. What was
        filled with zeros is left out.
    frames : Frames
    sample_rate : int
        In Hz.
    """
    carried, sound = (one.detach().cpu()[0] for one in (relevance.carried, relevance.sound))
    carried, sound = (one[None] if one.ndim == 1 else one for one in (carried, sound))
    return Map(relevance.form, onto(carried, samples, repeated), onto(sound, samples, False), frames, sample_rate)


def onto(signal: Tensor, samples: int, repeated: bool) -> Tensor:
    """What falls on each sample of a recording, of what a model took of it (..., time).

    Examples
    --------
    >>> onto(torch.arange(5), 2, True), onto(torch.arange(5), 2, False)
    (tensor([6, 4]), tensor([0, 1]))
    """
    if not repeated or signal.shape[-1] <= samples:
        return signal[..., :samples]
    whole = torch.nn.functional.pad(signal, (0, -signal.shape[-1] % samples))
    folded: Tensor = whole.unflatten(-1, (-1, samples)).sum(-2)
    return folded
