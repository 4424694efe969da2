"""From probabilities that a model returns back to the logits that it computed.

A probability that is all but certain hardly moves: the derivative of a sigmoid or softmax is p (1 - p), which is 0 in
floating point long before p is 1. What was computed before it moves as ever. So the softmax or sigmoid at the end of a
model is found and left out, whether it is a module, a function, or written by hand.

It is found by following a forward pass. Results of a few operations carry a note of what they are (exp(z), its sum,
1 + exp(z), z less its maximum ...) until these make a probability, which has its logits beside it. What merely
rearranges probabilities (a reshape, a slice, a limit at 1e-7) is done to the logits too. In the end the logits are
normalised again and compared with what the model returned: only where both agree are they what is explained.

For the sigmoid :math:`\\sigma` and softmax over classes:

=================================== ==================================================================
the model returns                   the logits are
=================================== ==================================================================
softmax(z), log softmax(z)          z
:math:`\\sigma(z)`, log of it        z
1 - :math:`\\sigma(z)`               -z
100 softmax(z), -log softmax(z)     z, whose likeliest class has the smallest value of a negative log-likelihood
one class of a softmax              its log odds, :math:`z_c - \\log \\sum_{k \\ne c} e^{z_k}`
the mean of probabilities over time the log odds of that mean, in the domain of logarithms and so never saturated; the
                                    logits of single frames cannot be recovered from it
the largest over time               the largest log odds
the mean of log-probabilities       the mean of z, which orders classes alike; its scale is not that of a probability
=================================== ==================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.listen import Call
from otoscope.probe.normalising import BEGINNING, IN_PLACE, RULES, Form, Known
from otoscope.probe.probabilities import Normalised


@dataclass(frozen=True)
class Answer:
    """What a model answers.

    Attributes
    ----------
    value : Tensor
        What is explained: the logits where they are known, else what the model returned.
    returned : Tensor
        What the model returned.
    normalised : Normalised or None
        How the one became the other; None where they are the same.
    largest : int
        Elements of the largest value at a tap on the way to it.
    """

    value: Tensor
    returned: Tensor
    normalised: Normalised | None = None
    largest: int = 0

    def detached(self) -> Answer:
        """The same numbers without their history, which holds all that the way back needs."""
        known = self.normalised
        if known is not None:
            share = None if known.share is None else known.share.detach()
            known = replace(known, logit=known.logit.detach(), share=share)
        return replace(self, value=self.value.detach(), returned=self.returned.detach(), normalised=known)


class Scores:
    """Follows one forward pass, and says of its output what it was normalised from."""

    def __init__(self) -> None:
        self._known: Any = WeakIdKeyDictionary()

    def run(self, call: Call, run: Callable[[], Any]) -> Any:
        """Run a call of the pass, and note what its result is."""
        name = call.name
        in_place = (name.endswith("_") and not name.endswith("__")) or bool(call.kwargs.get("inplace"))
        name = name if name.startswith("__") else name.rstrip("_")
        rule = RULES.get(name)
        if rule is None:
            result = run()
            if in_place or name == "__setitem__":
                self._forget(call)
            return result
        args = list(call.args)
        known = [self._of(one) for one in args]
        if in_place or name == "__isub__":
            _keep_input(name, args, known)
        result = run()
        found = rule(args, call.kwargs, known, result)
        if found is None and (in_place or name in IN_PLACE):
            self._forget(call)
        for tensor, what in _pairs(result, found):
            self._known[tensor] = what
        return result

    def answer(self, output: Tensor) -> Answer:
        """An output, with what it was normalised from where that is known and makes the same output again."""
        found = self._known.get(output)
        if isinstance(found, Normalised) and found.agrees(output):
            return Answer(found.logit, output, found)
        return Answer(output, output)

    def _of(self, argument: Any) -> Any:
        if isinstance(argument, Tensor):
            return self._known.get(argument)
        if isinstance(argument, (list, tuple)) and argument and all(isinstance(one, Tensor) for one in argument):
            return [self._known.get(one) for one in argument]
        return None

    def _forget(self, call: Call) -> None:
        if call.args and isinstance(call.args[0], Tensor):
            self._known.pop(call.args[0], None)


def _keep_input(name: str, args: list[Any], known: list[Any]) -> None:
    """Before z is overwritten in place by a step of a normalisation, keep a copy of it."""
    if not args or not isinstance(args[0], Tensor):
        return
    if known[0] is None and name in BEGINNING:
        args[0] = args[0].clone()
    maximum = known[1] if len(known) > 1 else None
    if name in ("sub", "__isub__") and isinstance(maximum, Form) and maximum.z is args[0]:
        args[0] = args[0].clone()
        known[1] = replace(maximum, z=args[0])


def _pairs(result: Any, found: Any) -> list[tuple[Tensor, Known]]:
    if found is None:
        return []
    if isinstance(found, (list, tuple)):
        return [pair for pair in zip(result, found, strict=True) if pair[1] is not None]
    return [(result, found)] if isinstance(result, Tensor) else []
