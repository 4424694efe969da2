"""Compare the gradient from every tap with finite differences, in double precision.

Of a tap t and a random seed s the scalar <s, t(x)> has the derivative <g, u> along a direction u, with g what the seed
becomes at the waveform. It has to equal (<s, t(x + h u)> - <s, t(x - h u)>) / 2h. Two passes give that for all taps.

Piecewise linear functions have kinks, and rounding has jumps, on which the two sides of a difference may lie: a smaller
h makes that rarer. So the two have to agree at one of several h, and in every direction. A recording has bands, and
stretches, with next to nothing in them, where thousands of kinks lie within the smallest h: noise as loud as
the sound is added, which takes every operation away from its kinks. Along a random u of unit
variance <g, u> has the standard deviation ||g||, which is what a difference is measured by, or by what rounding leaves
of the tap where that is more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.backproject import vjp
from otoscope.probe.check import Check
from otoscope.probe.measure import precise
from otoscope.probe.passes import Passes
from otoscope.probe.trace import Tap

_DIRECTIONS = 2
_NOISE = 1.0  # in standard deviations of the clip
_STEPS = (1e-7, 1e-5, 1e-9, 1e-8, 1e-6, 1e-10)  # in standard deviations of the clip
_ROUGH_STEPS = (1e-3, 1e-4, 1e-2)  # where the model does not run in double precision
_AGREE, _ROUGHLY_AGREE = 1e-4, 5e-2
_LEAST, _ROUGHLY_LEAST = 1e-6, 1e-3  # gradients that show beside rounding, of the tap over the clip


def differentiated(model: nn.Module, x: Tensor, taps: Mapping[str, Tap]) -> Iterator[Check]:
    """A check of each tap: its gradient agrees with finite differences.

    Parameters
    ----------
    model : nn.Module
    x : Tensor, (1, ..., time)
    taps : mapping of str to Tap
    """
    yield from _Differences(model, x).checks(taps)


class _Differences:
    """Directional derivatives of taps by differences, kept by direction and step."""

    def __init__(self, model: nn.Module, x: Tensor) -> None:
        self.passes, x = precise(Passes(model), x)
        self.x = x + _NOISE * float(x.std()) * torch.randn(x.shape, generator=torch.Generator().manual_seed(3)).to(x)
        self.double = self.x.dtype == torch.float64 and self._all_double()
        self.steps = _STEPS if self.double else _ROUGH_STEPS
        self.agree = _AGREE if self.double else _ROUGHLY_AGREE
        self.least = (_LEAST if self.double else _ROUGHLY_LEAST) / float(self.x.std())
        draw = torch.Generator().manual_seed(2)
        self.directions = [
            torch.randn(x.shape, generator=draw, dtype=torch.float64).to(self.x) for _ in range(_DIRECTIONS)
        ]
        self.known: dict[tuple[int, float], dict[str, float]] = {}

    def _all_double(self) -> bool:
        kinds = self.passes.run(self.x, lambda _, t: t.dtype)
        return all(kind in (torch.float64, torch.complex128) or not kind.is_floating_point for kind in kinds.values())

    def checks(self, taps: Mapping[str, Tap]) -> Iterator[Check]:
        for name in taps:
            yield self._check(name)

    def _check(self, name: str) -> Check:
        try:
            value, pull = vjp(self.passes.model, self.x, layer=name)
            seed = _seed(name, value)
            grad = pull(seed)
        except InputError as error:
            return Check(name, "gradient", None, str(error))
        except RuntimeError as error:
            return Check(name, "gradient", False, f"there is none: {str(error).partition(chr(10))[0]}")
        size = max(float(grad.norm()), self.least * float((seed * value).norm()), torch.finfo(torch.float64).tiny)
        apart = self._apart(name, grad, size)
        if apart < self.agree:
            return Check(name, "gradient", True, f"differs from finite differences by {apart:.0e}")
        if (uncut := self._uncut(name, value)) is not None and self._apart(name, uncut, size) < self.agree:
            return Check(name, "gradient", None, "the model cuts gradients (detach, no_grad) on a part of the way")
        return Check(name, "gradient", False, f"differs from finite differences by {apart:.1e} of what is usual")

    def _uncut(self, name: str, value: Tensor) -> Tensor | None:
        """The gradient where nothing is detached."""
        leaf = self.x.clone().requires_grad_()
        edge = self.passes.edges(leaf, "cuts").get(name)
        if edge is None:
            return None
        try:
            (grad,) = torch.autograd.grad(edge.node, leaf, _seed(name, value), allow_unused=True)
        except RuntimeError:  # it was overwritten in place
            return None
        return grad

    def _apart(self, name: str, grad: Tensor, size: float) -> float:
        """The largest disagreement over directions, each at the step where it is least, in units of `size`."""
        worst = 0.0
        for n, direction in enumerate(self.directions):
            expected, apart = float((grad * direction).sum()), torch.inf
            for step in self.steps:
                found = self._difference(n, step).get(name, torch.nan)
                apart = min(apart, abs(found - expected) / max(size, abs(found)))
                if apart < self.agree:
                    break
            worst = max(worst, apart)
        return worst

    def _difference(self, n: int, step: float) -> dict[str, float]:
        """Derivatives of all taps along a direction."""
        if (n, step) not in self.known:
            h = step * float(self.x.std())
            up, down = (
                self.passes.run(self.x + sign * h * self.directions[n], lambda name, t: _product(name, t))
                for sign in (1, -1)
            )
            self.known[n, step] = {name: (up[name] - down[name]) / (2 * h) for name in up if name in down}
        return self.known[n, step]


def _product(name: str, value: Tensor) -> float:
    return float((_seed(name, value) * value).sum(dtype=torch.float64)) if value.is_floating_point() else torch.nan


def _seed(name: str, value: Tensor) -> Tensor:
    """Random numbers of the shape of a tap, the same whenever it is asked for."""
    draw = torch.Generator().manual_seed(sum(map(ord, name)))
    return torch.randn(value.shape, generator=draw, dtype=torch.float64).to(value)
