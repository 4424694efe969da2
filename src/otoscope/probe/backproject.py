"""Carry a seed at any point of a model back to the waveform."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.answer import output_tensor
from otoscope.probe.choices import Choices
from otoscope.probe.folding import run_folding
from otoscope.probe.governed import Governor
from otoscope.probe.listen import (
    Call,
    TapReached,
    differentiable_recurrence,
    evaluating,
    frozen,
    intercepting,
)
from otoscope.probe.ops import MAXIMA
from otoscope.probe.overwriting import is_overwritten, keeping_copies
from otoscope.probe.passed import Passage, check_governed
from otoscope.probe.propagation import Propagation
from otoscope.probe.propagator import Propagator
from otoscope.probe.room import Room, keeping_within
from otoscope.probe.rules import Rule, find_rule, gradient, rule_name
from otoscope.probe.scores import Answer, Scores
from otoscope.probe.trace import resolve_tap

# Bytes for backward passes of many seeds at once: on a CPU little more than its caches hold.
_MEMORY_CPU, _MEMORY_GPU = 2**24, 2**30


class Pullback:
    """The way back from a tap to the waveform, as :func:`vjp` returns it; it may be called any number of times.

    Attributes
    ----------
    seeds_at_once : int
        How many seeds a backward pass takes within the memory budget.
    passed : tuple of Passed
        Every non-linearity between the waveform and the tap, with whether the rule governed it.
    answer : Answer or None
        Of the output of the model, what was returned and how it was normalised; None of a tap.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Tensor,
        tap: str | None,
        rule: Rule | Propagation,
        memory: int | None,
        output: int | str | None,
    ) -> None:
        forward, self._value, self._inputs = _forward(model, inputs, tap, rule, output)
        self.tap, self.answer = forward.tap, None if forward.answer is None else forward.answer.detached()
        largest = max(forward.largest, self._inputs.numel())
        self._forward = partial(_forward, model, inputs, self.tap, rule, output)
        self.passed = forward.passage.passed(self._value)
        if rule is not gradient:
            check_governed(self.passed, rule_name(rule), self.tap or "the output", forward.used)
        self._folded: tuple[Tensor, Tensor] | None = None
        self._copied = False
        if memory is None:
            memory = _MEMORY_CPU if inputs.device.type == "cpu" else _MEMORY_GPU
        # At one time there are the gradients of two successive activations, a seed and the workspace of a convolution.
        self.seeds_at_once = max(1, memory // (4 * largest * inputs.element_size()))

    @property
    def value(self) -> Tensor:
        """The value at the tap."""
        return self._value.detach()

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
            return self._back_one(seed)
        if seed.shape[1:] != self._value.shape:
            raise InputError(
                f"a seed has to have the shape {tuple(self._value.shape)} of the tap, with or without an axis of "
                f"seeds before it; this one has {tuple(seed.shape)}"
            )
        if not len(seed):
            return self._inputs.new_zeros(0, *self._inputs.shape)
        return torch.cat([self._back_many(part) for part in seed.split(self.seeds_at_once)])

    def _back_one(self, seed: Tensor) -> Tensor:
        try:
            return _back(self._value, self._inputs, seed)
        except RuntimeError as error:
            if self._copied or not is_overwritten(error):
                raise
            self._copied = True
            self._value, self._inputs = self._forward(copies=True)[1:]
            return _back(self._value, self._inputs, seed)

    def _back_many(self, seeds: Tensor) -> Tensor:
        if len(seeds) > 1:
            try:
                return self._back_folded(seeds)
            except RuntimeError as error:
                if isinstance(error, torch.OutOfMemoryError):
                    raise
                # An operation has no batching rule: one seed at a time gives the same result.
        return torch.stack([self._back_one(seed) for seed in seeds])

    def _back_folded(self, seeds: Tensor) -> Tensor:
        if self._folded is None:
            self._folded = self._forward(folding=True)[1:]
        value, inputs = self._folded
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*performance drop")
            return torch.func.vmap(lambda seed: _back(value, inputs, seed))(seeds)


def _back(value: Tensor, inputs: Tensor, seed: Tensor) -> Tensor:
    (grad,) = torch.autograd.grad(value, inputs, seed, retain_graph=True, allow_unused=True)
    return torch.zeros_like(inputs) if grad is None else grad


def vjp(
    model: nn.Module,
    inputs: Tensor,
    layer: str | None = None,
    rule: str | Rule | Propagation = "gradient",
    memory: int | None = None,
    output: int | str | None = None,
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
    layer : str, optional
        A tap, by its name or the end of it; by default the output of the model, before a softmax or sigmoid if that
        comes last, see ``otoscope.probe.scores``.
    rule : {"gradient", "guided", "deconvnet"}, callable or Propagation
        See :mod:`otoscope.probe.rules` and :mod:`otoscope.probe.propagation`.
    memory : int, optional
        Bytes for backward passes of many seeds at once; by default what suits the device.
    output : int or str, optional
        Which of several outputs is meant where there is no tap, by its place or its name.

    Returns
    -------
    value : Tensor
        What the operation returned, (batch, ...).
    pull : Pullback
        ``pull(seed)`` has the shape of `inputs`.

    Raises
    ------
    InputError
        If there is no such tap or rule, or the model cuts gradients on the way to it.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU())
    >>> x = torch.randn(1, 1, 400)
    >>> value, pull = vjp(model, x, layer="1", rule="deconvnet")
    >>> pull(value).shape == x.shape
    True
    """
    _check_floating(inputs)
    found = rule if isinstance(rule, Propagation) else find_rule(rule)
    pull = Pullback(model, inputs, layer, found, memory, output)
    return pull.value, pull


def logits(model: nn.Module, inputs: Tensor, output: int | str | None = None) -> Tensor:
    """The output of a model, before a softmax or sigmoid if that comes last, for methods that run the model themselves.

    Gradients flow back to `inputs` where they ask for it. The model is run in evaluation mode and left as it was.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (batch, ..., time)
        What the model takes, in floating point.
    output : int or str, optional
        Which of several outputs, by its place or its name.

    Returns
    -------
    Tensor, (batch, ...)

    Raises
    ------
    InputError
        If `inputs` ask for gradients and the model cuts them.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(100, 3), nn.Softmax(-1))
    >>> x = torch.randn(2, 1, 100)
    >>> bool((logits(model, x) == model[:2](x)).all())
    True
    """
    return answer(model, inputs, output).value


def answer(model: nn.Module, inputs: Tensor, output: int | str | None = None) -> Answer:
    """As :func:`logits`, with what the model returned and how it was normalised.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(100, 1), nn.Sigmoid())
    >>> found = answer(model, torch.randn(2, 1, 100))
    >>> found.normalised.of, bool((found.value.sigmoid() == found.returned).all())
    ('sigmoid', True)
    """
    _check_floating(inputs)
    forward = _Forward(model, None, gradient, output)
    with evaluating(model), frozen(model), differentiable_recurrence(model):
        value = forward.run(model, inputs)
    if inputs.requires_grad and torch.is_grad_enabled() and not value.requires_grad:
        raise forward.passage.cuts.error("its output")
    assert forward.answer is not None
    return forward.answer


def _check_floating(inputs: Tensor) -> None:
    if not inputs.is_floating_point():
        raise InputError(f"waveforms have to be floating-point tensors, not {inputs.dtype}: convert them with .float()")


def _forward(
    model: nn.Module,
    inputs: Tensor,
    tap: str | None,
    rule: Rule | Propagation,
    output: int | str | None = None,
    folding: bool = False,
    copies: bool = False,
) -> tuple[_Forward, Tensor, Tensor]:
    """A forward pass, the value at the tap or output, and the input it is differentiated by."""
    notes = _at_silence(model, inputs, rule) if isinstance(rule, Propagation) and rule.reference else None
    forward = _Forward(model, tap, rule, output, folding, len(inputs), notes)
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        evaluating(model),
        frozen(model),
        differentiable_recurrence(model),
    ):
        leaf = inputs.detach().clone().requires_grad_()
        with keeping_copies(copies), nullcontext() if copies or folding else keeping_within() as forward.room:
            value = forward.run(model, leaf)
    if not _leads_to(value, leaf):
        raise forward.passage.cuts.error(tap or "its output")
    return forward, value, leaf


def _at_silence(model: nn.Module, inputs: Tensor, rule: Propagation) -> list[tuple[Any, ...]]:
    """What a rule that compares with silence notes of it."""
    noting = Propagator(rule, len(inputs))
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        evaluating(model),
        frozen(model),
        differentiable_recurrence(model),
        intercepting(model, noting.run),
    ):
        model(torch.zeros_like(inputs).requires_grad_().clone())
    return noting.notes


def backproject(
    model: nn.Module,
    inputs: Tensor,
    seed: Tensor | Callable[[Tensor], Tensor],
    layer: str | None = None,
    rule: str | Rule | Propagation = "gradient",
    memory: int | None = None,
) -> Tensor:
    """Carry a seed at a tap back to the waveform: relevance and sonification in one function.

    Parameters
    ----------
    model, inputs, layer, rule, memory
        As in :func:`vjp`.
    seed : Tensor or callable
        What is carried back: of the shape (batch, ...) of the value at the tap, or (seeds, batch, ...); or a function
        of that value that returns it.

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
    value, pull = vjp(model, inputs, layer, rule, memory)
    return pull(seed(value) if callable(seed) else seed)


def _leads_to(value: Tensor, leaf: Tensor) -> bool:
    """Whether the history of `value` goes back to `leaf`, and not to parameters alone."""
    visited: set[Any] = set()
    nodes = [value.grad_fn]
    while nodes:
        node = nodes.pop()
        if node is None or node in visited:
            continue
        if getattr(node, "variable", None) is leaf:
            return True
        visited.add(node)
        nodes += [before for before, _ in node.next_functions]
    return False


class _Forward:
    """One forward pass under a rule, up to a tap."""

    def __init__(
        self,
        model: nn.Module,
        tap: str | None,
        rule: Rule | Propagation,
        output: int | str | None = None,
        folding: bool = False,
        clips: int = 1,
        notes: list[tuple[Any, ...]] | None = None,
    ) -> None:
        carries = isinstance(rule, Propagation)
        self.tap, self.output, self.folding = tap, output, folding and not carries
        self._choices = Choices()
        self._governor = (
            Propagator(rule, clips, notes) if isinstance(rule, Propagation) else Governor(rule, self._choices)
        )
        self.passage = Passage(model, self._choices)
        self.room: Room | None = None
        self.value: Tensor | None = None
        self.largest = 0
        self._names: list[str] = []
        self._scores = Scores()
        self.answer: Answer | None = None

    @property
    def used(self) -> bool:
        """Whether a rule that carries relevance held anything constant, of which no history tells."""
        return isinstance(self._governor, Propagator) and self._governor.held > 0

    def run(self, model: nn.Module, leaf: Tensor) -> Tensor:
        try:
            with intercepting(model, self._handle):
                output = output_tensor(model(leaf.clone()), self.output)
                self.passage.end()
        except TapReached:
            pass
        if self.value is not None:  # also where the model caught the exception
            return self.value
        if self.tap is not None:
            return self._by_ending(model, leaf)
        self.answer, self._scores = replace(self._scores.answer(output), largest=self.largest), Scores()
        return self.answer.value

    def _by_ending(self, model: nn.Module, leaf: Tensor) -> Tensor:
        """Run again to a tap that was given by the end of its name, now that all names are known."""
        assert self.tap is not None
        self.tap, self._names, self.passage = resolve_tap(self.tap, self._names), [], Passage(model, self._choices)
        return self.run(model, leaf)

    def _handle(self, call: Call) -> Any:
        operation = call.operation
        folds = self.folding and operation is not None and operation.kind != "activation" and operation.op not in MAXIMA
        run = partial(run_folding, call) if folds else partial(self._governor.run, call)
        if self.room is not None:
            run = partial(self.room.run, call, run)
        if self.tap is None:
            run = partial(self._scores.run, call, run)
        result = self.passage.run(call, run)
        if call.tap is not None:
            self._names.append(call.tap)
            value = result[0] if isinstance(result, tuple) else result
            self.largest = max(self.largest, value.numel())
            if call.tap == self.tap:
                self.value = value
                raise TapReached
        return result
