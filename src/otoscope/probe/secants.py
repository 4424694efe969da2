"""The slope of a function of each element between two points."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_NEAR = 1e-3  # of the size of both, where their difference would cancel


def secant(
    function: Callable[[Tensor], Tensor],
    point: Tensor,
    reference: Tensor | float,
    smooth: bool = False,
    whole: bool = False,
) -> tuple[Tensor, Tensor]:
    """What a function is at a point, and its slope from a reference to there.

    Parameters
    ----------
    function : callable
        Of each element.
    point, reference : Tensor
    smooth : bool
        Whether the derivative is no larger near 0 than about 1, so that it may stand for the slope over a small step.
    whole : bool
        Take f(x) / x, although f(0) is not 0.

    Returns
    -------
    y, slope : Tensor
        Where both points are all but the same, the derivative half-way; 0 where that is not finite.

    Examples
    --------
    >>> secant(torch.square, torch.tensor([3.0]), torch.tensor([1.0]))
    (tensor([9.]), tensor([4.]))
    """
    with torch.no_grad():
        y = function(point)
        start = function(torch.zeros_like(point) + reference)
        start = torch.where(start.isfinite(), start, 0.0)
        step = point - reference
        size = point.abs() + torch.as_tensor(reference).abs() + float(smooth)
        near = step == 0 if whole else step.abs() <= _NEAR * size
        found = (y - (0.0 if whole else start)) / torch.where(step == 0, 1.0, step)
    if bool(near.any()):
        with torch.enable_grad():
            middle = (point - step / 2).requires_grad_()
            (slope,) = torch.autograd.grad(function(middle).sum(), middle)
        found = torch.where(near, slope, found)
    return y, torch.where(found.isfinite(), found, 0.0)
