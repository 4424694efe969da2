"""Values and pullbacks of many taps by one forward pass, and a forward pass that ends at a tap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.choices import Choices
from otoscope.probe.governed import Governor
from otoscope.probe.listen import Call, TapReached, differentiable_recurrence, evaluating, frozen, intercepting
from otoscope.probe.overwriting import is_overwritten, keeping_copies
from otoscope.probe.passed import Passage, Passed, check_governed
from otoscope.probe.rules import Rule, find_rule, gradient, rule_name


class WaysBack:
    """The pullbacks of several taps, from one forward pass.

    Attributes
    ----------
    values : dict of str to Tensor
        By the name of the tap, what its operation returned.
    """

    def __init__(self, forward: Callable[[bool], tuple[Tensor, dict[str, Tensor], Passage]], rule: Rule) -> None:
        self._forward, self._rule, self._copied = forward, rule, False
        self._leaf, self._values, self._passage = forward(False)
        self.values = {name: value.detach() for name, value in self._values.items()}

    def pull(self, tap: str, seed: Tensor) -> Tensor:
        """Carry a seed of the shape of a tap's value back to the input."""
        self.check(tap)
        try:
            return self._back(tap, seed)
        except RuntimeError as error:
            if self._copied or not is_overwritten(error):
                raise
            self._copied = True
            self._leaf, self._values, self._passage = self._forward(True)
            return self._back(tap, seed)

    def check(self, tap: str) -> None:
        """Raise an InputError where no way leads back from a tap, or the rule governs nothing on it."""
        if not self._values[tap].requires_grad:
            raise self._passage.cuts.error(tap)
        if self._rule is not gradient:
            check_governed(self.passed(tap), rule_name(self._rule), tap)

    def passed(self, tap: str) -> tuple[Passed, ...]:
        """Every non-linearity between the waveform and a tap, with whether the rule governed it."""
        return self._passage.passed(self._values[tap])

    def _back(self, tap: str, seed: Tensor) -> Tensor:
        return torch.autograd.grad(self._values[tap], self._leaf, seed, retain_graph=True)[0]


def ways_back(model: nn.Module, inputs: Tensor, taps: Sequence[str], rule: str | Rule = "gradient") -> WaysBack:
    """Run a model once; keep the values at taps, and the way from each of them back to the waveform.

    :func:`otoscope.vjp` runs up to one tap; this runs to the end and holds every activation as long as the result is
    held.

    Parameters
    ----------
    model : nn.Module
        It is run in evaluation mode and left as it was, and no gradient is left on its parameters.
    inputs : Tensor, (batch, ..., time)
    taps : sequence of str
        Full names.
    rule : {"gradient", "guided", "deconvnet"} or callable
        See :mod:`otoscope.probe.rules`.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU(), nn.Conv1d(4, 2, 3))
    >>> found = ways_back(model, torch.randn(1, 1, 50), ["0", "1"], "deconvnet")
    >>> found.pull("1", found.values["1"]).shape
    torch.Size([1, 1, 50])
    """
    rule, wanted = find_rule(rule), set(taps)

    def forward(copies: bool) -> tuple[Tensor, dict[str, Tensor], Passage]:
        choices = Choices()
        governor, passage = Governor(rule, choices), Passage(model, choices)
        values: dict[str, Tensor] = {}

        def handle(call: Call) -> Any:
            result = passage.run(call, partial(governor.run, call))
            if call.tap in wanted:
                assert call.tap is not None
                # A copy, which no activation in place can overwrite.
                values[call.tap] = (result[0] if isinstance(result, tuple) else result).clone()
            return result

        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            evaluating(model),
            frozen(model),
            differentiable_recurrence(model),
            keeping_copies(copies),
        ):
            leaf = inputs.detach().clone().requires_grad_()
            with intercepting(model, handle):
                model(leaf.clone())
        return leaf, values, passage

    return WaysBack(forward, rule)


def run_to(model: nn.Module, inputs: Tensor, layer: str) -> Tensor:
    """The value at a tap, by a forward pass that ends there; gradients flow to the parameters.

    Parameters
    ----------
    model : nn.Module
        It is run in the mode, training or evaluation, that it is in.
    inputs : Tensor, (batch, ..., time)
    layer : str
        The tap, by its full name.

    Raises
    ------
    InputError
        If the pass does not reach that tap.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU(), nn.Conv1d(4, 2, 3))
    >>> run_to(model, torch.randn(1, 1, 50), "1").sum().backward()
    >>> model[0].weight.grad is not None, model[2].weight.grad is None
    (True, True)
    """
    found: list[Tensor] = []

    def handle(call: Call) -> Any:
        result = call.run()
        if call.tap == layer:
            found.append(result[0] if isinstance(result, tuple) else result)
            raise TapReached
        return result

    with intercepting(model, handle), suppress(TapReached):
        model(inputs.clone())
    if not found:
        raise InputError(f"no tap is named {layer!r} (`otoscope taps` lists all)")
    return found[0]
