"""A long sound in the pieces that a model takes, and what it says of them as one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from otoscope.contract import Contract

_MOST, _SAMPLES = 16, 2**18  # pieces, and samples of them, that are run together


@dataclass(frozen=True)
class Pieces:
    """Where the pieces of a sound begin, and how much each counts.

    The last piece ends where the sound ends. If it begins less than a hop after the one before, it counts less by that,
    so that a mean over pieces is continuous in the length of the sound.

    Attributes
    ----------
    starts : tuple of int
        First sample of each piece.
    shares : tuple of float
        Their sum is 1.
    length, total : int
        Samples of a piece, and of the sound.

    Examples
    --------
    >>> pieces = Pieces.of(total=10, length=4)
    >>> pieces.starts, pieces.shares
    ((0, 4, 6), (0.4, 0.4, 0.2))
    """

    starts: tuple[int, ...]
    shares: tuple[float, ...]
    length: int
    total: int

    @classmethod
    def of(cls, total: int, length: int, hop: int | None = None) -> Pieces:
        """The pieces of a sound that is as long as a piece or longer; a hop of `length` apart by default."""
        hop = length if hop is None else hop
        count = -(-(total - length) // hop) + 1
        starts = [min(n * hop, total - length) for n in range(count)]
        weights = [1.0] * count
        if count > 1:
            weights[-1] = (starts[-1] - starts[-2]) / hop
        return cls(tuple(starts), tuple(weight / sum(weights) for weight in weights), length, total)

    @classmethod
    def needed(cls, contract: Contract, samples: int) -> Pieces | None:
        """The pieces of a sound that is longer than what a model takes; None for any other."""
        if contract.length is None or samples <= contract.length:
            return None
        return cls.of(samples, contract.length, contract.hop)

    @property
    def at_once(self) -> int:
        """How many are run together: memory depends on it, not on the length of the sound.

        Examples
        --------
        >>> [Pieces.of(10**7, length).at_once for length in (8_000, 64_600, 300_000)]
        [16, 4, 1]
        """
        return max(1, min(_MOST, _SAMPLES // self.length))

    def __len__(self) -> int:
        return len(self.starts)

    def cut(self, waveforms: Tensor) -> Tensor:
        """The pieces (clip x piece, channel, time) of waveforms (clip, channel, time)."""
        parts = [waveforms[..., start : start + self.length] for start in self.starts]
        return torch.stack(parts, 1).flatten(0, 1)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over pieces, (clip, ...), of values (clip x piece, ...)."""
        of_clips = values.reshape(-1, len(self), *values.shape[1:])
        mean: Tensor = torch.tensordot(of_clips.movedim(1, -1), self._shares(values), dims=1)
        return mean

    def spread(self, cotangent: Tensor) -> Tensor:
        """What the derivative by a mean (clip, ...) is by each value, (clip x piece, ...)."""
        shares = self._shares(cotangent).reshape(1, -1, *[1] * (cotangent.ndim - 1))
        return (cotangent[:, None] * shares).flatten(0, 1)

    def join(self, parts: Tensor) -> Tensor:
        """The sum (clip, channel, time) of pieces (clip x piece, channel, time), each in its place."""
        of_clips = parts.reshape(-1, len(self), *parts.shape[1:])
        whole = parts.new_zeros(len(of_clips), *parts.shape[1:-1], self.total)
        for place, start in enumerate(self.starts):
            whole[..., start : start + self.length] += of_clips[:, place]
        return whole

    def sentence(self, name: str, sample_rate: int, of: str = "answers") -> str:
        """What a result says of it, which looks at its answers, or something else of it."""
        hop = self.starts[1] - self.starts[0] if len(self) > 1 else self.length
        overlap = f", which overlap by {self.length - hop}" if hop < self.length else ""
        less = self.shares[-1] < self.shares[0]
        mean = "weighted mean" if less else "mean"
        how = ", in which the last piece counts less," if less else ""
        return (
            f"{name} takes {self.length} samples ({self.length / sample_rate:.3g} s): it was run on {len(self)} pieces "
            f"of the sound, one every {hop} samples{overlap}, and the {mean} of its {of}{how} is looked at."
        )

    def _shares(self, like: Tensor) -> Tensor:
        return torch.tensor(self.shares, dtype=like.dtype, device=like.device)
