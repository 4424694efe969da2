"""From the channels of a sound file to what is heard of them: their mean, one of them, or all."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from otoscope.embedded import Embedded
from otoscope.errors import InputError

_CANCELLED = 0.05  # of the power of the channels: what is left of two that are alike but for their sign


class Mix:
    """What is done to the channels of a file, block by block, and whether they cancelled.

    Parameters
    ----------
    path : Path or Embedded
        Of the file, for messages.
    mono : bool
        Whether the channels become one.
    channel : int, optional
        Which one that is; their mean by default.

    Examples
    --------
    >>> mix = Mix(Path("stereo.wav"))
    >>> left = np.array([[0.5], [0.25]])
    >>> mix(np.hstack([left, -left])).ravel(), mix.note()
    (array([0., 0.]), 'its channels cancel each other')
    """

    def __init__(self, path: Path | Embedded, mono: bool = True, channel: int | None = None) -> None:
        self.path, self.channel = path, channel
        self.averages = mono and channel is None
        self.keeps_one = mono or channel is not None
        self._before, self._after = 0.0, 0.0  # power of the channels, and of their mean

    def check(self, channels: int) -> None:
        """Raise an InputError where the file has no such channel."""
        whole = isinstance(self.channel, (int, np.integer)) and not isinstance(self.channel, bool)
        if self.channel is not None and not (whole and 0 <= self.channel < channels):
            known = "the one channel 0" if channels == 1 else f"the channels 0 to {channels - 1}"
            raise InputError(f"{self.path} has {known}, not {self.channel!r}")

    def __call__(self, block: np.ndarray) -> np.ndarray:
        """Of samples (time, channel), what is heard, (time, channel)."""
        if self.channel is not None:
            return block[:, [self.channel]]
        if not self.averages or block.shape[1] == 1:
            return block
        mean: np.ndarray = block.mean(1, keepdims=True)
        self._before += float(np.square(block, dtype=float).mean(1).sum())
        self._after += float(np.square(mean, dtype=float).sum())
        return mean

    def note(self) -> str:
        """What is said of channels that cancel; "" of others."""
        return "its channels cancel each other" if self._after < _CANCELLED * self._before else ""

    def warn(self) -> None:
        """Warn where the channels cancelled."""
        if self.note():
            warnings.warn(
                f"the channels of {self.path.name} are of opposite sign and cancel each other when mixed down: "
                "choose one of them, with channel=0 (--channel 0 on the command line)",
                stacklevel=3,
            )
