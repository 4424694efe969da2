"""Passes of one model that is measured: what its taps return, and what they see of the waveform.

The core is a gradient of NaN. As 0 x NaN = NaN, every sample that is read on the way back comes out as NaN, however
small, zero, saturated or cancelling the weights and slopes between are: no threshold and no double precision is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge

from otoscope.probe.draws import draw_from
from otoscope.probe.listen import Call, differentiable_recurrence, evaluating, frozen, intercepting
from otoscope.probe.opened import attached, opened

Through = Literal["", "cuts", "selections"]
_INVERSE_FFTS = ("irfft", "ifft", "irfftn", "ifftn", "irfft2", "ifft2")


class Edge(NamedTuple):
    """Where a gradient enters the graph of a pass: at the tensor that a tap returned."""

    node: GradientEdge
    shape: tuple[int, ...]
    dtype: torch.dtype


class Passes:
    """Passes of one model, all from the same random numbers and the same state.

    Attributes
    ----------
    model : nn.Module
    forwards, backwards : int
        How many there were.
    leaks : bool
        Whether an inverse FFT ran, whose rounding reaches every sample.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.forwards = self.backwards = 0
        self.leaks = False

    def run(
        self, x: Tensor, take: Callable[[str, Tensor], Any], *, graph: bool = False, through: Through = ""
    ) -> dict[str, Any]:
        """What `take` makes of the tensor of every tap, by name.

        A model that refuses a clip ends there: what was taken until then is returned. The first clip has to be taken.

        Parameters
        ----------
        x : Tensor, (1, ..., time)
        take : callable
            Given the name of a tap and its tensor.
        graph : bool
            Whether the pass records gradients.
        through : {"", "cuts", "selections"}
            What gradients go through: `detach` and `no_grad`, and also calls that select
            (:func:`otoscope.probe.opened.opened`).
        """
        seen: dict[str, Any] = {}
        run = {"": Call.run, "cuts": attached, "selections": opened}[through]

        def handler(call: Call) -> Any:
            self.leaks |= call.name.endswith(_INVERSE_FFTS)
            with torch.set_grad_enabled(graph and (bool(through) or torch.is_grad_enabled())):
                out = run(call)
                value = out[0] if isinstance(out, (tuple, list)) else out
                if call.tap and call.tap not in seen and (not graph or value.requires_grad):
                    seen[call.tap] = take(call.tap, value)
            return out

        self.forwards += 1
        recurrence = differentiable_recurrence(self.model)
        with evaluating(self.model), frozen(self.model), recurrence, torch.set_grad_enabled(graph):
            draw_from(0)
            try:
                with intercepting(self.model, handler):
                    self.model(x.clone())
            except Exception:
                if self.forwards == 1:
                    raise
        return seen

    def shapes(self, x: Tensor) -> dict[str, tuple[int, ...]]:
        """The shape of every tap."""
        return self.run(x, lambda _, value: tuple(value.shape))

    def edges(self, leaf: Tensor, through: Through = "selections") -> dict[str, Edge]:
        """Where gradients enter, of every tap that `leaf` reaches."""
        return self.run(
            leaf, lambda _, t: Edge(get_gradient_edge(t), tuple(t.shape), t.dtype), graph=True, through=through
        )

    def pull(
        self, leaf: Tensor, edge: Edge, axes: Sequence[int], moments: Sequence[int], *, values: bool = False
    ) -> Tensor | None:
        """Which samples the elements of a tap at `moments` of its time axes see; None where no gradient arrives.

        All maps are looked at, and the middle of other axes (frequency, place in a frame).

        Parameters
        ----------
        leaf, edge
            Of one pass.
        axes, moments : sequence of int
        values : bool
            Whether the seed is random numbers, for what matters, and not NaN, for what is read.

        Returns
        -------
        Tensor of bool, (time,), or None
        """
        seed = torch.zeros(edge.shape, dtype=edge.dtype, device=leaf.device)
        channel = len(edge.shape) - 1 if 1 in axes else 1
        for moment in moments:
            at = tuple(
                min(moment, n - 1) if axis in axes else slice(None) if axis == channel else n // 2
                for axis, n in enumerate(edge.shape)
            )
            seed[at] = torch.rand_like(seed[at]) + 0.5 if values else math.nan
        self.backwards += 1
        try:
            (grad,) = torch.autograd.grad(edge.node, leaf, seed, retain_graph=True, allow_unused=True)
        except RuntimeError:  # overwritten in place, or in inference mode
            return None
        if grad is None:
            return None
        if not values:
            return grad.isnan().flatten(0, -2).any(0)
        least = 1e3 * torch.finfo(grad.dtype).eps * grad.abs().max() if self.leaks else 0.0
        return (grad.abs() > least).flatten(0, -2).any(0)
