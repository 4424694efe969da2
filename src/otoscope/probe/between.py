"""What lies between a tap and the output: the value there, and the derivative of the output by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.answer import output_tensor
from otoscope.probe.listen import Call, differentiable_recurrence, evaluating, frozen, intercepting
from otoscope.probe.scores import Answer, Scores


@dataclass(frozen=True)
class Between:
    """The value at a tap, and the way back to it from the output.

    Attributes
    ----------
    answer : Answer
        Without its history.
    value : Tensor
    """

    answer: Answer
    value: Tensor
    _output: Tensor
    _at: Tensor

    def pull(self, seed: Tensor) -> Tensor:
        """The derivative by the value at the tap, of the shape of that, of the output times a seed of its shape."""
        output = self._output
        (found,) = torch.autograd.grad(output, self._at, seed.to(output), retain_graph=True, allow_unused=True)
        return torch.zeros_like(self.value) if found is None else found


def between(model: nn.Module, inputs: Tensor, layer: str) -> Between:
    """Run a model once, and keep the value at a tap and all that lies between it and the output.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms; it is run in evaluation mode and left as it was.
    inputs : Tensor, (batch, ..., time)
    layer : str
        The full name of a tap.

    Returns
    -------
    Between

    Raises
    ------
    InputError
        If the tap is not reached, or gradients are cut between it and the output.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(196, 2))
    >>> found = between(model, torch.randn(1, 1, 100), "0")
    >>> found.pull(torch.tensor([[1.0, 0.0]])).shape == found.value.shape
    True
    """
    kept: list[Tensor] = []
    scores = Scores()

    def handle(call: Call) -> Any:
        result = scores.run(call, call.run)
        if call.tap != layer or kept:
            return result
        value = result[0] if isinstance(result, tuple) else result
        kept.append(value.detach().requires_grad_())
        copy = kept[0].clone()  # which may be overwritten
        return type(result)((copy, *result[1:])) if isinstance(result, tuple) else copy

    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        evaluating(model),
        frozen(model),
        differentiable_recurrence(model),
        intercepting(model, handle),
    ):
        found = scores.answer(output_tensor(model(inputs.detach().clone()), None))
    if not kept or not found.value.requires_grad:
        raise InputError(f"no gradient leads from the output to {layer}: give another layer, or another rule")
    return Between(found.detached(), kept[0].detach(), found.value, kept[0])
