"""On which axis of each tensor of a pass the clips of a batch are.

They are followed from the waveform on. Most operations leave axes alone. What reshapes a tensor keeps the order of its
elements, and so the place of the clips among them. Any other operation is run once more without numbers (on torch's
"meta" device), on twice as many clips: the axis that is then twice as long is that of the clips. Where all this fails,
as behind a function that is not seen, the model itself is run on twice as many clips, once, for shapes alone.

A model may fold frames, bands or heads into its batch. Then clips have no axis of their own, and are to be run one by
one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from otoscope.probe.by_tensor import ByTensor
from otoscope.probe.elementwise import is_elementwise
from otoscope.probe.follow import given, plain_name, returned
from otoscope.probe.growth import Growth, Where
from otoscope.probe.layout import tensors_in
from otoscope.probe.listen import Call
from otoscope.probe.ops import MAXIMA, NORMALISING

_RESHAPING = frozenset("view reshape view_as reshape_as flatten ravel unflatten".split())
_RECURRENT = frozenset("lstm gru rnn_tanh rnn_relu".split())
_SPREADING = frozenset("expand expand_as broadcast_to".split())
_JOINING = frozenset("cat concat concatenate".split())
_REDUCING = frozenset("mean sum amax amin".split())
_KEEPING = NORMALISING | frozenset(
    "linear batch_norm layer_norm group_norm instance_norm rms_norm dropout dropout1d dropout2d to type type_as float "
    "double half cpu cuda detach data requires_grad requires_grad_ cumsum cumprod flip roll".split()
)


@dataclass(frozen=True)
class Place:
    """Where the clips are in a tensor of this shape.

    `before` elements of the axis come before the clips, None where that is not known; it is 1 but where clips are
    folded into an axis with other things, inside of these. `alone` says whether nothing else is on the axis.
    """

    shape: tuple[int, ...]
    axis: int
    alone: bool = True
    before: int | None = 1


class Clips:
    """The clips of one pass.

    Parameters
    ----------
    inputs : Tensor, (clip, ..., time)
        The very tensor that the model is given.
    doubled : callable
        Runs the model on twice as many clips, for shapes alone.
    """

    def __init__(self, inputs: Tensor, doubled: Callable[[], Growth]) -> None:
        self._count, self._doubled = len(inputs), doubled
        self._found: Growth | None = None
        self._places: ByTensor[Place | None] = ByTensor()  # None where it is not known; clips are in no other tensor
        self._places[inputs] = Place(tuple(inputs.shape), 0)

    def lose(self, t: Tensor) -> None:
        """Take note that it is not known how a tensor was made."""
        self._places[t] = None

    def follow(self, call: Call, outputs: Sequence[Tensor]) -> None:
        """Note where the clips are in what a call made."""
        read = [t for t in tensors_in((call.args, call.kwargs)) if t in self._places]
        if not read:
            return
        known = [place for t in read if (place := self._places.get(t)) is not None]
        places: Sequence[Place | str | None] = self._made(call, known, outputs) if known else [None] * len(outputs)
        for out, made in zip(outputs, places, strict=True):
            if isinstance(made, str):  # "gone"
                self._places.drop(out)
            else:
                self._places[out] = made

    def at(self, number: int, out: Tensor) -> Place | None:
        """Where the clips are in the first result of call `number`; None where they are in no axis, or nobody knows."""
        place = self._places.get(out)
        if place is None:
            self._found = self._found or self._doubled()
            twice = self._found.of_call(Where(number, 0), tuple(out.shape))
            place = self._places[out] = None if not twice else _grown(tuple(out.shape), twice, self._count)
        return place

    def _made(self, call: Call, known: list[Place], outputs: Sequence[Tensor]) -> list[Place | str | None]:
        name, shapes = plain_name(call), [tuple(out.shape) for out in outputs]
        first = self._places.get(call.args[0]) if call.args and isinstance(call.args[0], Tensor) else None
        if name in _RESHAPING and first is not None and len(shapes) == 1:
            return [_in_order(first, shapes[0], self._count)]
        if name in _RECURRENT and first is not None and len(first.shape) == 3:
            return [_kept(first, shapes[0]), *(Place(shape, 1) for shape in shapes[1:])]
        if is_elementwise(name) or name in _SPREADING or name in _JOINING:
            agreeing = {_kept(place, shape) for place in known for shape in shapes}
            if len(agreeing) == 1 and None not in agreeing:
                return [*agreeing] * len(shapes)
        elif first is not None and name in _REDUCING and (reduced := _reduced(call, first, shapes[0])):
            return [reduced]
        elif first is not None and (name in _KEEPING or (call.operation is not None and name not in MAXIMA)):
            kept = [_kept(first, shape) for shape in shapes]
            if None not in kept and len(first.shape) == len(shapes[0]):
                return list(kept)
        return self._on_twice_as_many(call, known[0], shapes)

    def _on_twice_as_many(self, call: Call, like: Place, shapes: list[tuple[int, ...]]) -> list[Place | str | None]:
        """By running the call without numbers: what was made for a batch may have to be made for the larger one."""
        for also in (None, like):
            try:
                args, kwargs = (self._twice(given, also) for given in (call.args, call.kwargs))
                again = replace(call, args=args, kwargs=kwargs)
                result = [tuple(t.shape) for t in tensors_in(returned(again, again.func(*args, **kwargs)))]
            except Exception:  # whatever a function says to sizes that it does not know
                continue
            if len(result) == len(shapes):
                return [_compared(shape, twice, like, self._count) for shape, twice in zip(shapes, result, strict=True)]
        return [None] * len(shapes)

    def _twice(self, given: Any, also: Place | None) -> Any:
        """Arguments on the device without numbers, with twice as many clips; constants, too, where they look `also`."""
        if isinstance(given, Tensor):
            place = self._places.get(given)
            shape = list(given.shape if place is None else place.shape)
            if place is None and also is not None and len(shape) == len(also.shape):
                place = also if shape[also.axis] == self._count else None
            if place is not None:
                shape[place.axis] *= 2
            return torch.empty(shape, dtype=given.dtype, device="meta")
        if type(given) in (list, tuple):
            return type(given)(self._twice(item, also) for item in given)
        if isinstance(given, dict):
            return {key: self._twice(item, also) for key, item in given.items()}
        return given


def _kept(place: Place, shape: tuple[int, ...]) -> Place | None:
    """The place in a tensor whose last axes are those of the old one."""
    axis = place.axis + len(shape) - len(place.shape)
    as_long = axis >= 0 and shape[axis] == place.shape[place.axis]
    return replace(place, shape=shape, axis=axis) if as_long else None


def _reduced(call: Call, place: Place, shape: tuple[int, ...]) -> Place | None:
    """The place in a mean or the like along other axes."""
    dim = given(call, "input", "dim").get("dim", call.kwargs.get("axis"))
    dims: Sequence[Any] = dim if isinstance(dim, (tuple, list)) else [dim]
    if not dims or any(type(one) is not int for one in dims):
        return None
    axes = {one % len(place.shape) for one in dims}
    gone = 0 if len(shape) == len(place.shape) else sum(axis < place.axis for axis in axes)
    return None if place.axis in axes else replace(place, shape=shape, axis=place.axis - gone)


def _in_order(place: Place, shape: tuple[int, ...], count: int) -> Place | None:
    """The place where the order of all elements stays, and axes are others."""
    if place.before is None or 0 in shape:
        return None
    start = math.prod(place.shape[: place.axis]) * place.before
    own = [axis for axis in range(len(place.shape)) if _begins(place.shape, axis, start, count)]
    found = [axis for axis in range(len(shape)) if _begins(shape, axis, start, count)]
    if found:  # one clip may have further axes of one element beside it
        which = own.index(place.axis) if place.axis in own else 0
        return Place(shape, found[which]) if which == 0 or len(found) == len(own) else None
    for axis, size in enumerate(shape):
        outside = math.prod(shape[:axis])
        if start < outside * size or axis == len(shape) - 1:
            return Place(shape, axis, False, start // outside) if start % outside == 0 else None
    return None


def _begins(shape: tuple[int, ...], axis: int, start: int, count: int) -> bool:
    return math.prod(shape[:axis]) == start and shape[axis] == count


def _compared(shape: tuple[int, ...], twice: tuple[int, ...], like: Place, count: int) -> Place | str | None:
    """The place by what has become twice as long; "gone" where nothing has."""
    if len(shape) != len(twice) or shape == twice:
        return "gone"
    added = {axis: m - n for axis, (n, m) in enumerate(zip(shape, twice, strict=True)) if n != m}
    found = _grown(shape, added, count)
    if found is None or shape[found.axis] != like.shape[like.axis]:
        return found
    return replace(found, alone=like.alone, before=like.before)


def _grown(shape: tuple[int, ...], added: dict[int, int], count: int) -> Place | None:
    """The place by the axes that grow with the number of clips, and by how much."""
    twice = [axis for axis, more in added.items() if more == shape[axis]]
    if len(added) != 1 or not twice:
        return None
    alone = shape[twice[0]] == count
    return Place(shape, twice[0], alone, 1 if alone else None)
