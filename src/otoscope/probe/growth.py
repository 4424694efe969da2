"""Which axes grow when the clip does: shapes alone, by one more forward pass.

It is a tripwire for operations that are believed known and are misread, and for gaps (integers, numpy): an axis of
time has as many elements more as the added samples hold hops, but for the ends of windows.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from otoscope.probe.layout import tensors_in
from otoscope.probe.listen import Call, TapReached, evaluating, frozen, intercepting

_UNIT = 1440  # samples, which most hops divide
_MOST = 40  # units that are added to a long clip

Shape = tuple[int, ...]


class _Seen(NamedTuple):
    """A call of a pass: shapes of its arguments and of what it returned, and whether gradients were kept."""

    name: str
    read: list[Shape]
    returned: list[Shape]
    differentiable: bool


@dataclass
class Growth:
    """Shapes of what taps and calls return for a clip with `more` samples; of as many as ran."""

    more: int
    taps: dict[str, Shape] = field(default_factory=dict)
    calls: list[_Seen] = field(default_factory=list)

    def of_tap(self, name: str, shape: Shape) -> dict[int, int]:
        """The axes of a tap that grow, and by how many elements; none where that is not known."""
        return _added(shape, self.taps.get(name))

    def of_call(self, number: int, place: int, shape: Shape, argument: bool = False) -> dict[int, int] | None:
        """The same of one result (or argument) of a call; None where another call had this number."""
        if number >= len(self.calls):
            return None
        shapes = self.calls[number].read if argument else self.calls[number].returned
        if place >= len(shapes) or len(shapes[place]) != len(shape):
            return None
        return _added(shape, shapes[place])

    def without_gradients(self, number: int, name: str) -> bool:
        """Whether the model computed this call without gradients by itself."""
        return number < len(self.calls) and self.calls[number].name == name and not self.calls[number].differentiable


def _added(shape: Shape, longer: Shape | None) -> dict[int, int]:
    if longer is None or len(longer) != len(shape):
        return {}
    return {axis: m - n for axis, (n, m) in enumerate(zip(shape, longer, strict=True)) if n != m}


def grown(model: nn.Module, clip: Tensor, wanted: str | None = None) -> Growth:
    """Run a longer clip and keep shapes, up to the tap `wanted` or to where the model refuses it."""
    samples = clip.shape[-1]
    more = _UNIT * min(round(samples / 4 / _UNIT), _MOST) if samples > 4 * _UNIT else samples
    found = Growth(more)

    def handle(call: Call) -> Any:
        read = [tuple(t.shape) for t in tensors_in((call.args, call.kwargs))]
        result = call.run()
        shapes = [tuple(t.shape) for t in tensors_in(result)]
        found.calls.append(_Seen(call.name, read, shapes, torch.is_grad_enabled()))
        if call.tap is not None and shapes:
            found.taps[call.tap] = shapes[0]
            if call.tap == wanted:
                raise TapReached
        return result

    longer = torch.cat([clip, clip], -1)[..., : samples + more]
    watched = intercepting(model, handle)
    with torch.enable_grad(), evaluating(model), frozen(model), watched, suppress(Exception, TapReached):
        model(longer)  # which a model of fixed length refuses
    return found
