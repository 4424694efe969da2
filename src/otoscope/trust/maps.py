"""The relevance of a recording as a map of time and frequency, as it is compared with others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from otoscope.dsp.cross_spectra import Frames, cross_spectrogram
from otoscope.methods.relevance_rules import Form
from otoscope.methods.relevance_spectra import Relevance
from otoscope.trust.focus import Focus, focus_of


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

    def focus(self, share: float = 0.5) -> Focus:
        return focus_of(self.power, self.times, self.frequencies, self.duration, share)


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
