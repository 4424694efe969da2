"""Spectrograms for a page: as many frames as a screen can show, whatever the length of the sound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from otoscope.dsp.cross_spectra import Frames, cross_spectrogram
from otoscope.dsp.spectra import short_time_spectrum

WINDOW = 0.025
"""s, of all spectrograms of a page."""
_SHORTEST, _LONGEST = 0.002, 0.005  # s: hops of short sounds, at 4 kHz and less and at high rates
_MOST_FRAMES = 1600
_WIDEST = 0.0125  # s: a hop that frames of the window cover; of longer sounds several frames become one
_AT_ONCE = 2**20  # samples in one go: memory depends on it, not on the length of the sound


@dataclass(frozen=True)
class Grid:
    """Where the frames of a picture are.

    Attributes
    ----------
    rate : int
        Of the sound, in Hz.
    samples : int
        Of the sound.
    step : int
        Samples from one frame to the next.
    pooled : int
        How many frames become one of the picture.
    """

    rate: int
    samples: int
    step: int
    pooled: int = 1

    @classmethod
    def of(cls, samples: int, rate: int) -> Grid:
        """Frames 2 to 5 ms apart, and further apart in sounds of more than a few seconds.

        Examples
        --------
        >>> [Grid.of(seconds * 16_000, 16_000).hop for seconds in (1, 10, 600)]
        [0.004, 0.00625, 0.375]
        """
        shortest = min(max(_SHORTEST * rate / 8000, _SHORTEST), _LONGEST)
        hop = max(round(shortest * rate), math.ceil(samples / _MOST_FRAMES), 1)
        pooled = math.ceil(hop / max(1, math.floor(_WIDEST * rate)))
        return cls(rate, samples, math.ceil(hop / pooled), pooled)

    @property
    def hop(self) -> float:
        """From one frame of the picture to the next, in s."""
        return self.step * self.pooled / self.rate

    @property
    def length(self) -> int:
        """Samples of a window, an even number, so that the last frequency is half the rate."""
        return max(4, 2 * round(WINDOW * self.rate / 2))

    @property
    def frames(self) -> int:
        """How many there are in the picture; the first is centred on the first sample."""
        return -(-(-(-self.samples // self.step) + self.pooled // 2) // self.pooled)

    @property
    def times(self) -> np.ndarray:
        """Their centres, (frame,), in s."""
        return np.arange(self.frames) * self.hop

    @property
    def frequencies(self) -> np.ndarray:
        """(frequency,), in Hz."""
        return np.arange(self.length // 2 + 1) * self.rate / self.length

    def magnitudes(self, signal: np.ndarray) -> np.ndarray:
        """Magnitude of the short-time Fourier transform (frequency, frame); of pooled frames the root mean square."""
        at_once = max(1, _AT_ONCE // self.step) * self.step
        margin = -(-self.length // self.step) * self.step  # whole frames
        pieces = []
        for start in range(0, self.samples, at_once):
            before = min(margin, start)
            piece = torch.from_numpy(signal[start - before : start + at_once + margin])
            found = short_time_spectrum(piece, self.rate, self.length / self.rate, self.step / self.rate)[0].numpy()
            first = before // self.step
            pieces.append(found[:, first : first + at_once // self.step])
        whole = np.concatenate(pieces, axis=1)
        return whole if self.pooled == 1 else np.sqrt(self._groups(whole**2).mean(-1))

    def products(self, sound: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Relevance (frequency, frame) of a sound times a gradient: cells that sum to that of all samples."""
        frames = Frames(self.length, self.step)
        found = cross_spectrogram(torch.from_numpy(sound), torch.from_numpy(gradient), frames).numpy()
        count = -(-self.samples // self.step)
        found[:, count - 1] += found[:, count:].sum(1)  # a frame that is centred behind the end
        return found[:, :count] if self.pooled == 1 else self._groups(found[:, :count]).sum(-1)

    def _groups(self, values: np.ndarray) -> np.ndarray:
        """Frames in groups (frequency, frame, pooled), centred on multiples of the hop, and zeros around them."""
        before = self.pooled // 2
        after = self.frames * self.pooled - before - values.shape[1]
        return np.pad(values, [(0, 0), (before, after)]).reshape(len(values), self.frames, self.pooled)
