"""The answer of a model to sounds longer than it takes, and the way back from it: the mean over pieces of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from otoscope.network import Network
from otoscope.pieces import Pieces
from otoscope.probe import Pullback, Rule, logits, vjp

_AT_ONCE = 16  # pieces: memory depends on it, not on the length of the sound

Pull = Callable[[Tensor], Tensor]


def pieces_of(network: Network, inputs: Tensor) -> Pieces | None:
    """The pieces in which a model is run along sounds (clip, channel, time); None where it takes them whole."""
    return Pieces.needed(network.contract, inputs.shape[-1])


def answers_along(network: Network, inputs: Tensor) -> Tensor:
    """The logits (clip, class) of sounds (clip, channel, time), of long ones the mean over pieces."""
    pieces = pieces_of(network, inputs)
    if pieces is None:
        return torch.cat([logits(network, one) for one in network.parts(inputs)])
    parts = _parts(network, pieces, inputs)
    return pieces.mean(torch.cat([logits(network, part) for part in parts]))


def vjp_along(network: Network, inputs: Tensor, rule: str | Rule) -> tuple[Tensor, Pull | Pullback]:
    """As :func:`otoscope.vjp` of the output, along sounds that may be longer than what the model takes.

    The way back takes the gradient by the mean over pieces, and runs the model once more on a few pieces at a time.
    """
    pieces = pieces_of(network, inputs)
    if pieces is None:
        return vjp(network, inputs, rule=rule)
    parts = _parts(network, pieces, inputs)
    with torch.no_grad():
        values = [logits(network, part) for part in parts]

    def pull(cotangent: Tensor) -> Tensor:
        seeds = pieces.spread(cotangent).split([len(part) for part in parts])
        found = [vjp(network, part, rule=rule)[1](seed) for part, seed in zip(parts, seeds, strict=True)]
        return pieces.join(torch.cat(found))

    return pieces.mean(torch.cat(values)), pull


def _parts(network: Network, pieces: Pieces, inputs: Tensor) -> tuple[Tensor, ...]:
    """Pieces as they can be run together."""
    cut = pieces.cut(inputs)
    if network.contract.normalisation == "frame":
        cut = network.contract.normalise(cut)
    parts: tuple[Tensor, ...] = cut.split(_AT_ONCE if network.apart else 1)
    return parts
