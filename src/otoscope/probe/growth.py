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


class Where(NamedTuple):
    """A tensor of a pass: of a call by its number, the result (or argument) at this place."""

    number: int
    place: int
    argument: bool = False


@dataclass
class Growth:
    """Shapes of what taps and calls return for a clip with `more` samples; of as many as ran."""

    more: int
    taps: dict[str, Shape] = field(default_factory=dict)
    calls: list[_Seen] = field(default_factory=list)

    def of_tap(self, name: str, shape: Shape) -> dict[int, int]:
        """The axes of a tap that grow, and by how many elements; none where that is not known."""
        return _added(shape, self.taps.get(name))

    def of_call(self, where: Where, shape: Shape) -> dict[int, int] | None:
        """The same of one result (or argument) of a call; None where another call had this number."""
        longer = self.shape_of(where)
        return None if longer is None or len(longer) != len(shape) else _added(shape, longer)

    def shape_of(self, where: Where) -> Shape | None:
        """The shape of one result (or argument) of a call."""
        if where.number >= len(self.calls):
            return None
        seen = self.calls[where.number]
        shapes = seen.read if where.argument else seen.returned
        return shapes[where.place] if where.place < len(shapes) else None

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
    _watch(model, _longer(clip, samples + more), found, wanted)
    return found


def of_clips(model: nn.Module, clip: Tensor, clips: int, wanted: str | None = None) -> Growth:
    """Run a clip so many times over in one batch and keep shapes, up to the tap `wanted` or where the model refuses."""
    found = Growth(0)
    _watch(model, torch.cat([clip] * clips), found, wanted)
    return found


def hop_of(model: nn.Module, clip: Tensor, growth: Growth, where: Where, axis: int, elements: int) -> float | None:
    """The hop of one axis to the sample: between the lengths at which it has one element more, and as many as it grows.

    Parameters
    ----------
    model, clip, growth
        Of one trace.
    where : Where
        A result or an argument of a call.
    axis, elements : int
        Of that tensor, and how many it has for the clip.

    Returns
    -------
    float or None
        None where the axis does not grow by two elements at least, or the calls of the model are not the same.
    """

    def count(samples: int) -> int:
        found = Growth(growth.more)
        _watch(model, _longer(clip, samples), found, last=where.number)
        shape = found.shape_of(where)
        if shape is None or len(shape) <= axis:
            raise LookupError(samples)
        return shape[axis]

    try:
        most = count(clip.shape[-1] + growth.more)
        if most < elements + 2:
            return None
        starts = []
        for wanted in (elements + 1, most):
            low, high = clip.shape[-1], clip.shape[-1] + growth.more
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if count(middle) >= wanted else (middle, high)
            starts.append(high)
    except LookupError:
        return None
    return (starts[1] - starts[0]) / (most - elements - 1)


def _longer(clip: Tensor, samples: int) -> Tensor:
    return torch.cat([clip, clip], -1)[..., :samples]


def _watch(model: nn.Module, clip: Tensor, found: Growth, wanted: str | None = None, last: int | None = None) -> None:
    """Keep the shapes of a pass, up to the tap `wanted` or the call number `last`, or to where the model refuses."""

    def handle(call: Call) -> Any:
        read = [tuple(t.shape) for t in tensors_in((call.args, call.kwargs))]
        result = call.run()
        shapes = [tuple(t.shape) for t in tensors_in(result)]
        found.calls.append(_Seen(call.name, read, shapes, torch.is_grad_enabled()))
        if call.tap is not None and shapes:
            found.taps[call.tap] = shapes[0]
        if (call.tap is not None and call.tap == wanted) or len(found.calls) - 1 == last:
            raise TapReached
        return result

    watched = intercepting(model, handle)
    with torch.enable_grad(), evaluating(model), frozen(model), watched, suppress(Exception, TapReached):
        model(clip)  # which a model of fixed length refuses
