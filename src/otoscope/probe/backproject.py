"""Carry a seed at any point of a model back to the waveform."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.folding import run_folding
from otoscope.probe.listen import Call, Reached, differentiable_recurrence, evaluating, frozen, listening, output_tensor
from otoscope.probe.ops import NORMALISING
from otoscope.probe.rules import Rule, find_rule, run_under
from otoscope.probe.trace import resolve_tap

#: Memory in bytes that backward passes of many seeds at once may take.
MEMORY = 2**29


class Pullback:
    """What :func:`vjp` returns to carry seeds back; it may be called any number of times.

    Attributes
    ----------
    seeds_at_once : int
        How many seeds a backward pass takes within the memory budget.
    """

    def __init__(self, value: Tensor, inputs: Tensor, largest: int, memory: int) -> None:
        self._value, self._inputs = value, inputs
        # Gradients of two neighbouring activations, a seed and the room of a convolution live side by side.
        self.seeds_at_once = max(1, memory // (4 * largest * value.element_size()))

    def __call__(self, seed: Tensor) -> Tensor:
        """Carry one seed, or many, from the tap to the input.

        Parameters
        ----------
        seed : Tensor
            Of the shape of the value, or (seeds, *shape of the value).

        Returns
        -------
        Tensor
            Of the shape of the inputs, or (seeds, *shape of the inputs).
        """
        seed = seed.to(self._value)
        if seed.shape == self._value.shape:
            return self._back(seed)
        if seed.shape[1:] != self._value.shape:
            raise InputError(
                f"a seed has to have the shape {tuple(self._value.shape)} of the tap, or that behind a first "
                f"axis of seeds; this one has {tuple(seed.shape)}"
            )
        if not len(seed):
            return self._inputs.new_zeros(0, *self._inputs.shape)
        return torch.cat([self._back_many(part) for part in seed.split(self.seeds_at_once)])

    def _back_many(self, seeds: Tensor) -> Tensor:
        if len(seeds) == 1:
            return self._back(seeds[0])[None]
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*performance drop")
                return torch.func.vmap(self._back)(seeds)
        except RuntimeError as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            # An operation without a batching rule: one seed at a time gives the same.
            return torch.stack([self._back(seed) for seed in seeds])

    def _back(self, seed: Tensor) -> Tensor:
        (grad,) = torch.autograd.grad(self._value, self._inputs, seed, retain_graph=True, allow_unused=True)
        return torch.zeros_like(self._inputs) if grad is None else grad


def vjp(
    model: nn.Module,
    inputs: Tensor,
    tap: str | None = None,
    rule: str | Rule = "gradient",
    memory: int = MEMORY,
) -> tuple[Tensor, Pullback]:
    """Run a model up to a tap; return the value there and the way back.

    Everything is differentiated by autograd, so any architecture has a way back; only activations follow
    `rule`. The model is run in evaluation mode and left as it was, and no gradient is left on its parameters.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (batch, ..., time)
        What the model takes, in floating point.
    tap : str, optional
        Name of a tap; None for the output of the model, before a softmax if that comes last.
    rule : {"gradient", "guided", "deconvnet"} or callable
        See :mod:`otoscope.probe.rules`.
    memory : int
        Bytes that backward passes of many seeds at once may take.

    Returns
    -------
    value : Tensor
        What the operation returned, (batch, ...).
    pull : Pullback
        ``pull(seed)`` has the shape of `inputs`.

    Raises
    ------
    InputError
        If there is no such tap or rule, or if the model cuts gradients on the way to it.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU())
    >>> x = torch.randn(1, 1, 400)
    >>> value, pull = vjp(model, x, tap="1", rule="deconvnet")
    >>> pull(value).shape == x.shape
    True
    """
    pass_back = find_rule(rule)
    if not inputs.is_floating_point():
        raise InputError(f"waveforms have to be floating-point tensors, not {inputs.dtype}")
    leaf = inputs.detach().clone().requires_grad_()
    forward = _Forward(tap, pass_back)
    with torch.enable_grad(), evaluating(model), frozen(model), differentiable_recurrence(model):
        value = forward.run(model, leaf)
    if not _leads_to(value, leaf):
        raise InputError(
            f"the model cuts gradients (torch.no_grad, detach) between the waveform and {tap or 'its output'}"
        )
    return value.detach(), Pullback(value, leaf, max(forward.largest, leaf.numel()), memory)


def backproject(
    model: nn.Module,
    inputs: Tensor,
    seed: Tensor | Callable[[Tensor], Tensor],
    tap: str | None = None,
    rule: str | Rule = "gradient",
    memory: int = MEMORY,
) -> Tensor:
    """Carry a seed at a tap back to the waveform: relevance and sonification in one function.

    Parameters
    ----------
    model, inputs, tap, rule, memory
        As in :func:`vjp`.
    seed : Tensor or callable
        What is carried back, (batch, ...) as the value at the tap, or (seeds, batch, ...); or a function
        from that value to it.

    Returns
    -------
    Tensor
        (batch, ..., time), or (seeds, batch, ..., time).

    Examples
    --------
    The gradient of the second output, for every sample:

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(100, 3))
    >>> x = torch.randn(2, 1, 100)
    >>> signal = backproject(model, x, lambda y: torch.tensor([0.0, 1.0, 0.0]).expand_as(y))
    >>> bool((signal[0, 0] == model[1].weight[1]).all())
    True
    """
    value, pull = vjp(model, inputs, tap, rule, memory)
    return pull(seed(value) if callable(seed) else seed)


def _leads_to(value: Tensor, leaf: Tensor) -> bool:
    """Whether the history of `value` goes back to `leaf`, and not to parameters alone."""
    seen: set[Any] = set()
    nodes = [value.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        if getattr(node, "variable", None) is leaf:
            return True
        seen.add(node)
        nodes += [before for before, _ in node.next_functions]
    return False


class _Forward:
    """One forward pass under a rule, up to a tap."""

    def __init__(self, tap: str | None, rule: Rule) -> None:
        self.tap, self.rule = tap, rule
        self.value: Tensor | None = None
        self.largest = 0
        self._seen: list[str] = []
        self._softmax: tuple[Any, Any] = (None, None)  # its input and its output

    def run(self, model: nn.Module, leaf: Tensor) -> Tensor:
        try:
            with listening(model, self._handle):
                output = output_tensor(model(leaf.clone()))
        except Reached:
            pass
        if self.value is not None:  # also where the model caught the exception
            return self.value
        if self.tap is not None:
            return self._by_ending(model, leaf)
        before, after = self._softmax
        return before if output is after else output

    def _by_ending(self, model: nn.Module, leaf: Tensor) -> Tensor:
        """The tap was given by the end of its name: now that all names are known, go to it."""
        assert self.tap is not None
        return _Forward(resolve_tap(self.tap, self._seen), self.rule).run(model, leaf)

    def _handle(self, call: Call) -> Any:
        bends = call.operation is not None and call.operation.kind == "activation"
        result = run_under(self.rule, call) if bends else run_folding(call)
        if call.name in NORMALISING:
            self._softmax = (call.input, result)
        if call.tap is not None:
            self._seen.append(call.tap)
            value = result[0] if isinstance(result, tuple) else result
            self.largest = max(self.largest, value.numel())
            if call.tap == self.tap:
                self.value = value
                raise Reached
        return result
