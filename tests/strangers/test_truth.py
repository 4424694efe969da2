"""What strangers state of themselves: fields and hops by brute force, the route by hand by finite differences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from strangers.stranger import At, Stranger
from strangers.zoo import ZOO, made

pytestmark = pytest.mark.strangers

COUNT = 17  # neighbouring elements, so that each phase of what is interpolated comes twice


def modules(model: nn.Module, truth: Mapping[str, At]) -> dict[str, tuple[str, int]]:
    """Taps that a module returns: the path of the module, and which of its calls it is."""
    known = dict(model.named_modules())
    found = {name: (name, 0) for name in truth if name in known}
    for name in truth:
        again = re.fullmatch(r"(.+)_(\d+)", name)
        if name not in known and again and again[1] in known:
            found[name] = again[1], int(again[2]) - 1
    return found


def values(model: nn.Module, places: dict[str, tuple[str, int]], run: Any) -> dict[str, Tensor]:
    """What modules return in a pass, copied before it can be overwritten."""
    seen: dict[str, list[Tensor]] = {path: [] for path, _ in places.values()}
    hooks = [
        model.get_submodule(path).register_forward_hook(lambda m, i, out, path=path: seen[path].append(out.clone()))
        for path in seen
    ]
    run()
    for hook in hooks:
        hook.remove()
    return {name: seen[path][call] for name, (path, call) in places.items()}


def support(value: Tensor, leaf: Tensor, axis: int, place: int) -> tuple[int, int]:
    """First and last sample on which an element depends, all channels taken together."""
    chosen = value.movedim(axis, 0)[place]
    (grad,) = torch.autograd.grad((chosen * torch.randn_like(chosen)).sum(), leaf, retain_graph=True)
    where = grad.nonzero()
    return (int(where[0]), int(where[-1])) if len(where) else (len(leaf), -1)


def supports(
    stranger: Stranger, model: nn.Module, name: str, place: tuple[str, int], at: At
) -> list[tuple[float, float]]:
    """Those of neighbouring elements in the middle, over several sounds, for a pooling reads one of its elements."""
    assert isinstance(at.axis, int) and at.hop is not None
    found: list[tuple[int, int]] = []
    for _ in range(12):
        leaf = torch.randn(stranger.samples, dtype=torch.float64).requires_grad_()
        value = values(model, {name: place}, lambda leaf=leaf: stranger.call(model, leaf))[name]
        size = value.shape[at.axis]
        start = min(size // 3, size - 2)
        ends = [support(value, leaf, at.axis, n) for n in range(start, min(start + COUNT, size))]
        found = [(min(a, c), max(b, d)) for (a, b), (c, d) in zip(found or ends, ends, strict=True)]
    return [(a - at.hop * start, b - at.hop * start) for a, b in found]


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if one.gradient and not (one.random or one.cut)])
def test_stated_fields_are_true(name: str) -> None:
    stranger, model = ZOO[name], made(name).double()
    for tap, place in modules(model, stranger.truth).items():
        at = stranger.truth[tap]
        if not isinstance(at.axis, int) or at.hop is None:
            continue
        torch.manual_seed(0)
        ends = supports(stranger, model, tap, place, at)
        lengths = [b - a + 1 for a, b in ends]
        if at.field is None:
            assert max(lengths) > stranger.samples / 3, tap
            continue
        assert max(lengths) == at.field, (tap, lengths)
        assert ends[-1][0] - ends[0][0] == at.hop * (len(ends) - 1), tap
        if at.centre is not None:
            assert sum(ends[0]) / 2 == at.centre, (tap, ends[0])
