"""Hop, centre and field of a tap, read off what its elements at a few moments see of the waveform.

Each edge is read by itself: the end of the clip cuts the right edges of late moments and the left edges of early ones,
and a recurrence moves one edge alone. An edge that is cut is known by not moving as the others do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Whole = Literal["", "before", "after", "clip"]
_STEPS = (720, 360, 240, 120, 60, 48, 24, 12, 8, 6, 4, 3, 2, 1)


class Span(NamedTuple):
    """The first and the last sample that a moment sees."""

    moment: int
    first: int
    last: int


@dataclass(frozen=True)
class Measured:
    """Where a tap is in time, as far as it could be measured.

    Attributes
    ----------
    axes : tuple of int
        That are time; several for a map over pairs of times.
    hop, centre : float or None
        In samples; None where not known.
    field : int or None
        Samples that an element sees; None where it sees the whole clip, or where that is not known.
    whole : {"", "before", "after", "clip"}
        Whether an element sees all that is before it, all that is after it, or all of the clip.
    how : str
        By what it was measured: "gradient", "bisection with NaN", "bisection with noise", "growth".
    note : str
        What is not known, and why.
    spans : tuple of Span
        What was seen at the moments that were looked at.
    samples : int
        Of the clip that they are of.
    """

    axes: tuple[int, ...] = ()
    hop: float | None = None
    centre: float | None = None
    field: int | None = None
    whole: Whole = ""
    how: str = ""
    note: str = ""
    spans: tuple[Span, ...] = ()
    samples: int = 0


def moments_of(n: int) -> list[int]:
    """Three moments of an axis of `n` elements, early, middle and late, a composite number of elements apart.

    So they are in one phase of what is interleaved, repeated or interpolated by any usual factor.

    Examples
    --------
    >>> moments_of(101), moments_of(2), moments_of(1)
    ([26, 50, 74], [1], [0])
    """
    middle, reach = n // 2, max(n // 2 - n // 8 - 1, 0)
    step = next((s * (reach // s) for s in _STEPS if s <= reach), 0)
    return sorted({middle - step, middle, middle + step})


def read(spans: Sequence[Span], samples: int) -> Measured:
    """Hop, centre and field of what moments see of a clip; without a field where the clip cuts an edge everywhere.

    Parameters
    ----------
    spans : sequence of Span
        Of moments in rising order.
    samples : int
        Of the clip.

    Examples
    --------
    >>> found = read([Span(2, 0, 27), Span(10, 78, 107), Span(18, 158, 187)], samples=1000)
    >>> found.hop, found.centre, found.field
    (10.0, -7.5, 30)
    """
    if len(spans) == 1:
        _, first, last = spans[0]
        if first > 0 and last < samples - 1:
            return Measured(centre=(first + last) / 2, field=last - first + 1)
        return Measured(whole="clip")
    firsts = _uncut([(s.moment, s.first) for s in spans], min)
    lasts = _uncut([(s.moment, s.last) for s in spans], max)
    hops = [(edge[-1][1] - edge[0][1]) / (edge[-1][0] - edge[0][0]) for edge in (firsts, lasts) if len(edge) > 1]
    hop = sum(hops) / len(hops) if hops else None
    if not firsts or not lasts or hop is None:
        return Measured(hop=hop, whole="" if firsts and lasts else "before" if lasts else "after" if firsts else "clip")
    middle = spans[1].moment if len(spans) > 2 else spans[0].moment
    (j, first), (k, last) = (min(edge, key=lambda at: abs(at[0] - middle)) for edge in (firsts, lasts))
    start, end = first - hop * j, last - hop * k
    return Measured(hop=hop, centre=(start + end) / 2, field=round(end - start) + 1)


def _uncut(edges: list[tuple[int, int]], outermost: Callable[[Iterable[int]], int]) -> list[tuple[int, int]]:
    """The (moment, sample) that the clip does not cut: all if they move evenly, else those before the outermost."""
    at = [sample for _, sample in edges]
    if len(at) == 3 and at[0] < at[1] < at[2] and abs(at[0] - 2 * at[1] + at[2]) <= 1:
        return edges
    return [(moment, sample) for moment, sample in edges if sample != outermost(at)]
