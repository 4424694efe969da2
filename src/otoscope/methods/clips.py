"""Clips of a data set, one after another, as the methods that look at many sounds take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Clip:
    """One sound of a data set.

    Attributes
    ----------
    name : str
        By which results call it, most often its file.
    inputs : Tensor, (1, ..., time)
        As the model takes it.
    label : str or None
        Its class, where it is known.
    """

    name: str
    inputs: Tensor
    label: str | None = None


def batched(clips: Iterable[Clip], most: int = 16) -> Iterator[tuple[list[Clip], Tensor]]:
    """Consecutive clips of one length together, at most `most`, with their inputs as one batch.

    Only one batch is held at a time, so that memory does not grow with the data set.

    Examples
    --------
    >>> clips = [Clip(str(n), torch.zeros(1, 1, n)) for n in (5, 5, 5, 3)]
    >>> [tuple(batch.shape) for _, batch in batched(clips, 2)]
    [(2, 1, 5), (1, 1, 5), (1, 1, 3)]
    """
    held: list[Clip] = []
    for clip in clips:
        if held and (len(held) == most or clip.inputs.shape != held[0].inputs.shape):
            yield held, torch.cat([one.inputs for one in held])
            held = []
        held.append(clip)
    if held:
        yield held, torch.cat([one.inputs for one in held])
