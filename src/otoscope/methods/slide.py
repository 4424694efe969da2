"""The answer of a model to sounds longer than it takes, and the way back from it: the mean over pieces of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from otoscope.errors import InputError
from otoscope.network import Network
from otoscope.pieces import Pieces
from otoscope.probe import Pullback, Rule, vjp
from otoscope.probe.backproject import answer
from otoscope.probe.propagation import Propagation
from otoscope.probe.scores import Answer

Pull = Callable[[Tensor], Tensor]


def pieces_of(network: Network, inputs: Tensor) -> Pieces | None:
    """The pieces in which a model is run along sounds (clip, channel, time); None where it takes them whole."""
    return Pieces.needed(network.contract, inputs.shape[-1])


def answers_along(network: Network, inputs: Tensor) -> Tensor:
    """The logits (clip, class) of sounds (clip, channel, time), of long ones the mean over pieces."""
    return answer_along(network, inputs).value


def answer_along(network: Network, inputs: Tensor) -> Answer:
    """As :func:`answers_along`, with what the model returned and how it was normalised."""
    pieces = pieces_of(network, inputs)
    parts = network.parts(inputs) if pieces is None else parts_along(network, pieces, inputs)
    return joined([answer(network, part) for part in parts], pieces)


def joined(found: Sequence[Answer], pieces: Pieces | None) -> Answer:
    """The answers to clips, or the mean of those to pieces of them, as one."""

    def join(each: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(each)) if pieces is None else pieces.mean(torch.cat(list(each)))

    value, returned = join([one.value for one in found]), join([one.returned for one in found])
    largest = max(one.largest for one in found)
    known = [one.normalised for one in found if one.normalised is not None]
    if not known:
        return Answer(value, returned, largest=largest)
    first = known[0]
    if len(known) < len(found) or not all(one.is_like(first) for one in known):
        raise InputError(
            "the model answers with probabilities of one kind to some of the clips or pieces of the sound, and with "
            "something else to others, so that they have no logits in common: give one clip, or a part of the sound "
            "(--start and --duration on the command line)"
        )
    shares = [one.share for one in known if one.share is not None]
    share = join(shares) if len(shares) == len(known) else None
    averaged = first.averaged or (first.log and pieces is not None)  # of logarithms there is a mean, too
    return Answer(value, returned, replace(first, logit=value, share=share, averaged=averaged), largest)


def vjp_along(network: Network, inputs: Tensor, rule: str | Rule | Propagation) -> tuple[Answer, Pull | Pullback]:
    """As :func:`otoscope.vjp` of the output, along sounds that may be longer than what the model takes.

    The way back takes the gradient by the mean over pieces, and runs the model once more on a few pieces at a time.
    Rules that compare with the level of a layer take clips one by one, since where clips are in a layer is not known.
    """
    pieces = pieces_of(network, inputs)
    alone = isinstance(rule, Propagation)
    if pieces is None and alone and len(inputs) > 1:
        return _vjp_one_by_one(network, inputs, rule)
    if pieces is None:
        way = vjp(network, inputs, rule=rule)[1]
        assert way.answer is not None
        return way.answer, way
    parts = parts_along(network, pieces, inputs)
    parts = tuple(one for part in parts for one in part.split(1)) if alone else parts
    with torch.no_grad():
        found = [answer(network, part) for part in parts]

    def pull(cotangent: Tensor) -> Tensor:
        seeds = pieces.spread(cotangent).split([len(part) for part in parts])
        back = [vjp(network, part, rule=rule)[1](seed) for part, seed in zip(parts, seeds, strict=True)]
        return pieces.join(torch.cat(back))

    return joined(found, pieces), pull


def _vjp_one_by_one(network: Network, inputs: Tensor, rule: str | Rule | Propagation) -> tuple[Answer, Pull]:
    ways = [vjp(network, one, rule=rule)[1] for one in inputs.split(1)]

    def pull(cotangent: Tensor) -> Tensor:
        return torch.cat([way(seed) for way, seed in zip(ways, cotangent.split(1), strict=True)])

    return joined([way.answer for way in ways if way.answer is not None], None), pull


def parts_along(network: Network, pieces: Pieces, inputs: Tensor) -> tuple[Tensor, ...]:
    """Pieces (clip x piece, channel, time) as they can be run together."""
    cut = pieces.cut(inputs)
    if network.contract.normalisation == "frame":
        cut = network.contract.normalise(cut)
    parts: tuple[Tensor, ...] = cut.split(pieces.at_once if network.apart else 1)
    return parts
