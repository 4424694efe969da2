"""Read off intervals where a tensor is in time: its axes, hop, centre and receptive field.

The edges of intervals are read at three moments, early, middle and late, a composite number of elements apart, so that
they are in one phase of whatever repeats (interleaving, interpolation). Each edge is read alone: one that the ends of
the clip hold fast (a recurrence written as a loop, a frame that is repeated) moves unevenly or not at all, and tells no
hop; the other one does. Of an edge that stands still at first, or at last, the moments at which it moves count.

Between the moments, elements of one period may lie a little before or behind their even places (interpolation). The
field is that of the widest; the centre is amid them, and `uneven` says how far off the edges of some are.

A map over pairs of times is read on its diagonal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otoscope.probe.support import Support

_STEPS = (720, 360, 240, 120, 60, 48, 24, 12, 8, 6, 4, 3, 2, 1)
_PERIOD = 360  # elements on either side of the middle that are compared
_LONGEST = 64  # elements after which steps are tried to come again

CHANGES = "what is seen changes along the clip"
UNEVEN = "elements do not follow one another evenly in time: hop not known"

Moments = list[tuple[int, float]]
Edge = NDArray[np.float64]  # of what the elements of one axis see, (element,)


@dataclass(frozen=True)
class Place:
    """Where a tensor is in time, in samples of the waveform.

    `sees` is "before", "after" or "clip" where elements see all that is there; `hop` is NaN where it is not known or
    there is no time, `field` None where it is not known.
    """

    axes: tuple[int, ...] = ()
    hop: float = math.nan
    centre: float = math.nan
    field: int | None = None
    sees: str = ""
    uneven: float = 0.0
    note: str = ""


def moments_of(n: int) -> list[int]:
    """Early, middle and late positions on an axis of `n` elements.

    Examples
    --------
    >>> moments_of(100), moments_of(3), moments_of(1)
    ([26, 50, 74], [0, 1, 2], [0])
    """
    if n < 4:
        return list(range(n))
    middle, reach = n // 2, max(n // 2 - n // 8 - 1, 1)
    step = next(s * (reach // s) for s in _STEPS if s <= reach)
    return [middle - step, middle, middle + step]


def read_off(support: Support, axes: Sequence[int] | None = None) -> Place:
    """The place in time of a tensor, along `axes` if these are given; of one tensor it is read once."""
    chosen = support.time_axes if axes is None else tuple(axes)
    if chosen not in support.read:
        support.read[chosen] = _read_off(support, chosen)
    place: Place = support.read[chosen]
    return place


def _read_off(support: Support, axes: tuple[int, ...]) -> Place:
    first, last = _lines(support, axes)
    if not axes or len(first) < 2:
        middle = len(first) // 2
        low, high = float(first[middle]), float(last[middle])
        field = max(round(high - low) + 1, 0) if low <= high else 0
        return Place(axes, math.nan, (low + high) / 2 if field else math.nan, field if support.known else None)
    sees = first <= last
    if not sees.any():
        return Place(axes, field=0)
    begin, end = int(sees.argmax()), len(sees) - int(sees[::-1].argmax())
    place = _read(first[begin:end], last[begin:end], begin)
    return replace(place, axes=axes, field=place.field if support.known else None)


def _lines(support: Support, axes: Sequence[int]) -> tuple[Edge, Edge]:
    """First and last along the axes of time (on the diagonal of several), in the middle of the others."""
    lines: list[Edge] = []
    for edge in (support.first.numpy(), support.last.numpy()):
        line = edge[tuple(slice(None) if i in axes else n // 2 for i, n in enumerate(edge.shape))]
        while line.ndim > 1:
            line = line.diagonal()
        lines.append(line.reshape(-1))
    return lines[0], lines[1]


def _read(first: Edge, last: Edge, offset: int) -> Place:
    """The place of elements of which the first and the last one see something."""
    sees = first <= last
    apart = _apart(sees)
    place = _evenly(first[::apart], last[::apart]) if apart else None
    if place is not None and apart > 1:
        place = replace(place, hop=place.hop / apart)
    if place is None:
        moments = _seeing(sees, moments_of(len(first)))
        firsts, lasts = ([(m, float(edge[m])) for m in moments] for edge in (first, last))
        place = read_edges(firsts, lasts)
        if place.hop > 0 and place.sees in ("before", "after"):
            place = _nominal(place, first, last)
    return replace(place, centre=place.centre - place.hop * offset) if offset else place


def _apart(sees: NDArray[np.bool_]) -> int:
    """How many elements those are apart that see something, as zeros may lie between; 0 where that is not even."""
    if sees.all():
        return int(len(sees) > 1)
    steps = np.diff(np.flatnonzero(sees))
    return int(steps[0]) if len(steps) and (steps == steps[0]).all() else 0


def _seeing(sees: NDArray[np.bool_], moments: list[int]) -> list[int]:
    """The moments, or as many a little later, at which elements see something: some between may see nothing."""
    shifted = [[m + shift for m in moments if m + shift < len(sees) and sees[m + shift]] for shift in range(_LONGEST)]
    return max(shifted, key=len) or [0]


def _evenly(first: Edge, last: Edge) -> Place | None:
    """The place of elements both of whose edges move evenly about the middle, perhaps in steps; None where they do not.

    Steps that come again after some elements (interleaving, interpolation) tell the hop exactly; else (adaptive
    windows) it is that of the straight line which fits best. Of short axes all elements count, unless the ends of the
    clip hold some of them.
    """
    middle, n = len(first) // 2, len(first)
    moments = moments_of(n)
    inner = max(middle - _PERIOD, moments[0]), min(middle + _PERIOD, moments[-1]) + 1
    parts = ((0, n), inner) if n <= 2 * _PERIOD else (inner,)
    for told in (_repeating, _fitted):
        for begin, end in parts:
            edges = first[begin:end], last[begin:end]
            hop = told(*edges)
            if hop is not None and hop > 0:
                even = hop * np.arange(begin, end, dtype=np.float64)
                return between(Place(hop=hop), edges[0] - even, edges[1] - even)
    return None


def _repeating(first: Edge, last: Edge) -> float | None:
    for period in range(1, min(_LONGEST, (len(first) - 1) // 2 or 1) + 1):
        steps = np.concatenate([edge[period:] - edge[:-period] for edge in (first, last)])
        if float(steps.max() - steps.min()) < 1e-6:
            return float(steps.mean()) / period
    return None


def _fitted(first: Edge, last: Edge) -> float | None:
    """The slope of the straight line through both edges, if neither is further off it than by one of its steps."""
    if len(first) < 4:
        return None
    at = np.arange(len(first), dtype=np.float64)
    at = at - at.mean()
    slopes = [float((at * (edge - edge.mean())).sum() / np.square(at).sum()) for edge in (first, last)]
    slope = sum(slopes) / 2
    for edge in (first, last):
        off = edge - edge.mean() - slope * at
        if float(np.abs(off).max()) > float(np.diff(edge).max()):
            return None
    return slope


def read_edges(firsts: Moments, lasts: Moments) -> Place:
    """Hop, centre and field of what some moments see; no field where one edge stands still or is cut off everywhere."""
    if len(firsts) == 1:
        (j, low), (_, high) = firsts[0], lasts[0]
        return Place(centre=(low + high) / 2, field=round(high - low) + 1)
    if _falls(firsts) and _falls(lasts):
        back = read_edges([(-j, e) for j, e in reversed(firsts)], [(-j, e) for j, e in reversed(lasts)])
        return Place(centre=back.centre, field=back.field, sees=back.sees, note="time runs backwards")
    fields = {round(high - low) + 1 for (_, low), (_, high) in zip(firsts, lasts, strict=True)}
    if len(fields) == 1 and _bends(firsts) > max(fields):
        return Place(field=fields.pop(), note=UNEVEN)
    firsts, lasts = _uncut(firsts, min), _uncut(lasts, max)
    hops = [(s[-1][1] - s[0][1]) / (s[-1][0] - s[0][0]) for s in (firsts, lasts) if len(s) > 1]
    if not hops or min(hops) <= 0:
        return Place(sees="clip", note="" if not firsts and not lasts else f"{CHANGES}: hop not known")
    hop = sum(hops) / len(hops)
    if not firsts or not lasts:
        return Place(hop=hop, sees="before" if lasts else "after")
    middle = (firsts[0][0] + firsts[-1][0] + lasts[0][0] + lasts[-1][0]) / 4
    (j, low), (k, high) = (min(s, key=lambda moment: abs(moment[0] - middle)) for s in (firsts, lasts))
    low, high = low - hop * j, high - hop * k
    grows = abs(hops[0] - hops[-1]) * (firsts[-1][0] - firsts[0][0])
    if high < low or grows > max(1.5, (high - low + 1) / 2):  # by more than elements differ behind interpolation
        return Place(hop=hop, centre=(low + high) / 2, sees="clip", note=CHANGES)
    return Place(hop=hop, centre=(low + high) / 2, field=round(high - low) + 1)


def _falls(edges: Moments) -> bool:
    """Whether an edge moves to earlier samples, and never to later ones."""
    steps = [b - a for (_, a), (_, b) in pairwise(edges)]
    return min(steps) < 0 and max(steps) <= 0


def _bends(edges: Moments) -> float:
    """Samples by which an edge is off a straight line at the middle one of three moments, twice over."""
    at = [edge for _, edge in edges]
    return abs(at[0] - 2 * at[1] + at[2]) if len(at) == 3 else 0.0


def _moves_evenly(edges: Moments) -> bool:
    steps = [(b - a) / (j - i) for (i, a), (j, b) in pairwise(edges)]
    longest = max((j - i for (i, _), (j, _) in pairwise(edges)), default=1)
    return bool(steps) and min(steps) > 0 and max(steps) - min(steps) <= 1 / longest


def _uncut(edges: Moments, outermost: Callable[[list[float]], float]) -> Moments:
    """The moments at which an edge moves: all if it moves evenly, else those before it is held fast."""
    if _moves_evenly(edges):
        return edges
    stop = outermost([edge for _, edge in edges])
    return [(j, edge) for j, edge in edges if edge != stop]


def _nominal(place: Place, first: Edge, last: Edge) -> Place:
    """Beside the edge that moves, the shortest interval of any element: what one sees before it remembers."""
    field = max(float((last - first).min()) + 1, 1.0)
    m = len(first) // 2
    edge = float(last[m]) - (field - 1) / 2 if place.sees == "before" else float(first[m]) + (field - 1) / 2
    return Place(hop=place.hop, centre=edge - place.hop * m, field=round(field), sees=place.sees)


def between(place: Place, first: Edge, last: Edge) -> Place:
    """A place with the field of the widest of some elements, the centre amid them all, and how uneven they are.

    Parameters
    ----------
    place : Place
        With the hop.
    first, last : array, (element,)
        Edges of what the elements see, moved back by their hops.
    """
    field = round(float((last - first).max())) + 1
    least, most = float((first + last).min()) / 2, float((first + last).max()) / 2
    edges = float(first.max() - first.min()), float(last.max() - last.min())
    if max(edges) < 1e-6 * max(place.hop, 1.0):
        middle = len(first) // 2
        return replace(place, field=field, centre=float(first[middle] + last[middle]) / 2)
    centre, reach = (least + most) / 2, (field - 1) / 2
    off = max(float(np.abs(first - centre + reach).max()), float(np.abs(last - centre - reach).max()))
    return replace(place, field=field, centre=centre, uneven=off)
