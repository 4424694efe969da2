"""Compare where taps say they are in time with where they are measured to be.

The sandwich: the samples that matter (whose gradient, by random numbers in double precision, is not zero) have to lie
inside those that a tap states, and these inside those that are read (that a gradient of NaN reaches). Where operations
multiply by zero (masks, padded windows, filters by FFT) more is read than matters, and what is stated may lie anywhere
between.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from otoscope.probe.bisection import Changes, growth
from otoscope.probe.check import Check
from otoscope.probe.follow import CHOSEN
from otoscope.probe.measure import Measuring, grown, heard, measure
from otoscope.probe.moments import Measured, Span, moments_of
from otoscope.probe.passes import Passes
from otoscope.probe.trace import Tap

_ELEMENTS = 16  # that are looked at for how uneven they are
_LOUD = (100.0, 1.0, -1.0)  # of samples that are tried, in standard deviations of the clip


def placed(model: nn.Module, x: Tensor, taps: Mapping[str, Tap]) -> Iterator[Check]:
    """Checks of each tap: its time axis grows with the clip, what it sees moves by its hop, and lies inside its field.

    Parameters
    ----------
    model : nn.Module
    x : Tensor, (1, ..., time)
    taps : mapping of str to Tap
    """
    placing = _Placing(model, heard(x), taps)
    for tap in taps.values():
        yield from placing.checks(tap)


def axes_of(tap: Tap) -> tuple[int, ...]:
    """The axes that a tap says are time."""
    return tap.time_axes or (() if tap.time_axis is None else (tap.time_axis,))


def knows_its_place(tap: Tap) -> bool:
    """Whether a tap states a hop and a field."""
    return tap.hop > 0 and not math.isnan(tap.centre) and (tap.receptive_field or 0) > 0


class _Placing:
    def __init__(self, model: nn.Module, x: Tensor, taps: Mapping[str, Tap]) -> None:
        self.model, self.x = model, x
        self.passes = Passes(model)
        self.measuring = Measuring(self.passes, x, clips=4)
        stating = {name: axes_of(tap) for name, tap in taps.items() if axes_of(tap) and knows_its_place(tap)}
        self.read = self.measuring.taps(list(stating), stating, bisect=False)
        before = self.measuring.before
        lost = {name: axes for name, axes in stating.items() if name not in self.read and name in before}
        self.changes = Changes(self.passes, self.x, lost) if lost else None
        odd = [name for name, found in self.read.items() if not _exactly(taps[name], found)]
        self.mattering = measure(model, x, odd, values=True) if odd else {}

    def checks(self, tap: Tap) -> Iterator[Check]:
        yield self._axis(tap)
        if not axes_of(tap):
            return
        if tap.hop <= 0:
            yield Check(tap.name, "hop", False, f"states {tap.hop:g} samples")
        if tap.receptive_field is None and not tap.whole and not tap.note:
            yield Check(tap.name, "field", False, "states no field, and does not say why")
            return
        if not knows_its_place(tap):
            yield Check(tap.name, "field", None, tap.note or "it does not state its hop and its field")
            return
        if tap.name in self.read:
            yield self._hop(tap)
            yield self._field(tap)
        elif self.changes is not None and tap.name in self.changes.lost:
            yield self._tried(tap, self.changes)

    def _axis(self, tap: Tap) -> Check:
        """The axes that grow with the clip, by as much as the hop says."""
        name, axes, measuring = tap.name, axes_of(tap), self.measuring
        before, after = measuring.before.get(name), measuring.after.get(name)
        found = self.read.get(name, Measured())
        if before is None:
            return Check(name, "axis", False, "a pass on another clip does not come by")
        if after is None:
            if axes and found.hop:
                return Check(name, "axis", axes == found.axes, f"what is seen moves along {_listed(found.axes)}")
            return Check(name, "axis", None, "the model takes no longer clip")
        grew = grown(before, after)
        if not grew and axes and found.hop:
            return Check(name, "axis", axes == found.axes, f"what is seen moves along {_listed(found.axes)}")
        if grew and not axes and all(before[axis] == 1 for axis in grew):
            return Check(name, "axis", True, f"of this clip {_listed(grew)} has one element, of a longer one more")
        if set(grew) != set(axes) and CHOSEN in tap.note:
            return Check(name, "axis", None, tap.note)
        if set(grew) != set(axes):
            stated = f"{_listed(axes)} of {tuple(before)} is said to be time"
            return Check(name, "axis", False, f"{stated}, and {_listed(grew)} grows with the clip")
        if not grew:
            return Check(name, "axis", True, "it has no time axis, and nothing grows with the clip")
        if not tap.hop > 0:
            return Check(name, "axis", True, f"{_listed(grew)} grows with the clip")
        more = [after[axis] - before[axis] for axis in grew]
        agrees = all(abs(measuring.more / tap.hop - n) <= 1 for n in more) or self._grows_in_steps(tap, grew[0])
        return Check(name, "axis", agrees, f"{_listed(grew)} grows by {more[0]} for {measuring.more} samples more")

    def _grows_in_steps(self, tap: Tap, axis: int) -> bool:
        """Whether the hop is that of lengths at which there are more elements: clips may be filled up to a multiple."""
        m = self.measuring
        hop = growth(self.passes, m.longer, m.samples, tap.name, axis, m.lengths)
        return hop is not None and abs(hop - tap.hop) <= 1e-6 * tap.hop

    def _hop(self, tap: Tap) -> Check:
        found = self.read[tap.name]
        if found.hop is None:
            why = found.note or "what every element sees is cut off by the clip"
            return Check(tap.name, "hop", None, f"could not be measured: {why}")
        moments = [span.moment for span in found.spans]
        distance = max(moments) - min(moments) if len(moments) > 1 else 1
        agrees = abs(found.hop - tap.hop) * distance <= 1 + 2 * tap.uneven  # of either moment
        if not found.spans:  # it is known by growth, to within one element of all
            agrees = abs(self.measuring.more / tap.hop - self.measuring.more / found.hop) <= 1
        elif not agrees and not _moves_evenly(found) and self._grows_in_steps(tap, found.axes[0]):
            return Check(tap.name, "hop", True, f"grows by one for {tap.hop:g} samples; what is seen moves irregularly")
        return Check(tap.name, "hop", agrees, f"states {tap.hop:g} samples, moves by {found.hop:g}")

    def _field(self, tap: Tap) -> Check:
        name, found = tap.name, self.read[tap.name]
        matter = self.mattering.get(name, found)
        if tap.whole:
            if found.whole:
                seen = {"before": "all before", "after": "all after", "clip": "the whole clip"}[found.whole]
                return Check(name, "field", True, f"sees {seen}")
            if found.field is None:
                return Check(name, "field", None, f"could not be measured: {found.note}")
            return Check(name, "field", False, f"is said to see the whole clip, and reads {found.field} samples")
        if not found.spans and not matter.spans and not found.whole:
            return Check(name, "field", None, f"could not be measured: {found.note}")
        stated = f"states {tap.receptive_field}"
        if outside := [s for s in matter.spans if not _inside(s, tap, matter.samples)]:
            return Check(name, "field", False, f"{stated}: {_beyond(outside[0], tap)}")
        if found.whole and not found.spans and matter.whole and _ends_inside(tap, self.x.shape[-1]):
            return Check(name, "field", False, f"{stated}, and the whole clip matters")
        for span in found.spans:
            if not self._reads(tap, span, found):
                return Check(name, "field", False, f"{stated}, and reads samples {span.first} to {span.last} alone")
        if not self._as_uneven(tap, found):
            return Check(name, "field", False, f"no element was found to be {tap.uneven:g} samples off an even hop")
        if _exactly(tap, found):
            return Check(name, "field", True, f"{stated}, reads as many")
        reads = "the whole clip" if found.whole else _width(found)
        return Check(name, "field", True, f"{stated}: {_width(matter)} matter, {reads} are read")

    def _tried(self, tap: Tap, changes: Changes) -> Check:
        """The field where no gradient arrives: what lies outside of it may not change a moment, its ends have to."""
        name, axes = tap.name, axes_of(tap)
        if tap.whole or len(axes) > 1 or not changes.repeats(name):
            return Check(name, "field", None, tap.note or "no gradient arrives")
        end = changes.samples
        for moment in moments_of(self.measuring.before[name][axes[0]]):
            first, last = (round(edge) for edge in _stated(tap, moment))
            slack = math.floor(_slack(tap))
            if changes.seen(name, moment, (0, max(first - slack, 0)), (min(last + slack + 1, end), end)):
                return Check(name, "field", False, f"samples outside of {first} to {last} matter at {moment}")
            inside = [edge for edge in (first, last) if 0 <= edge < end and changes.spreads(name)]
            for edge in inside:
                if not changes.seen(name, moment, (max(edge - slack, 0), edge + slack + 1)):
                    return Check(name, "field", False, f"sample {edge} is said to matter at {moment}, and does not")
        found = "" if changes.spreads(name) else ", which may be more than it is"
        return Check(name, "field", True, f"states {tap.receptive_field}, and nothing outside changes it{found}")

    def _reads(self, tap: Tap, span: Span, found: Measured) -> bool:
        """Whether a moment reads all of the clip that the tap states, by what was read or by trying."""
        slack = _slack(tap) + tap.uneven  # the field is that of the widest element
        first, last = _stated(tap, span.moment)
        first, last = max(first, 0.0), min(last, found.samples - 1.0)
        if first >= span.first - slack and last <= span.last + slack:
            return True
        begin, end = self._ends(tap, found)  # of what is read at all: windows may leave out the end of a clip
        first, last = max(first, begin), min(last, end)
        if first < span.first - slack and not self._changes(tap, span, found, math.ceil(first - slack), span.first):
            return False
        return last <= span.last + slack or self._changes(tap, span, found, span.last + 1, math.floor(last + slack) + 1)

    def _as_uneven(self, tap: Tap, found: Measured) -> bool:
        """Whether elements lie off an even hop by about as much as is said, if that is more than a hop."""
        if tap.uneven <= max(tap.hop, 1.0) + 1 or found.whole or len(found.axes) != 1 or not found.spans:
            return True
        first, last = found.spans[0].moment, found.spans[-1].moment
        draw = torch.Generator().manual_seed(0)
        moments = torch.randint(first, last + 1, (_ELEMENTS,), generator=draw).tolist()
        furthest = 0.0
        for span in self.measuring.spans(self._clips(found), tap.name, found.axes, moments):
            begin, end = _stated(tap, span.moment)
            furthest = max(furthest, abs(span.first - begin) if span.first else 0.0)
            furthest = max(furthest, abs(span.last - end) if span.last < found.samples - 1 else 0.0)
        return tap.uneven <= 2 * furthest + tap.hop

    def _ends(self, tap: Tap, found: Measured) -> tuple[float, float]:
        """The first and the last sample that any element reads."""
        leaf = self._clips(found).clone().requires_grad_()
        edge = self.passes.edges(leaf).get(tap.name)
        everything = range(edge.shape[found.axes[0]]) if edge else ()
        mask = self.passes.pull(leaf, edge, found.axes, everything) if edge else None
        at = torch.arange(found.samples) if mask is None else mask.nonzero().flatten()
        return float(at.min()), float(at.max())

    def _clips(self, found: Measured) -> Tensor:
        """What was run to find it: the clip, or several in a row."""
        return torch.cat([self.x] * (found.samples // self.x.shape[-1]), -1)

    def _changes(self, tap: Tap, span: Span, found: Measured, start: int, end: int) -> bool:
        """Whether a moment changes with samples that no gradient comes to, as an activation written by hand hides."""
        x = self._clips(found)

        def take(name: str, value: Tensor) -> Tensor | None:
            at = [span.moment if i in found.axes else slice(None) for i in range(value.ndim)]
            return value[tuple(at)].clone() if name == tap.name else None

        clean = self.passes.run(x, take).get(tap.name)
        draw = torch.Generator().manual_seed(3)
        for loud in _LOUD:
            other = x.clone()
            noise = torch.rand(x[..., start:end].shape, generator=draw).to(x)
            other[..., start:end] = loud * float(x.std()) * (noise + 0.5)
            changed = self.passes.run(other, take).get(tap.name)
            if clean is not None and changed is not None and not torch.equal(clean, changed):
                return True
        return False


def _stated(tap: Tap, moment: int) -> tuple[float, float]:
    """The first and the last sample that a moment is said to see."""
    middle, reach = tap.centre + tap.hop * moment, ((tap.receptive_field or 1) - 1) / 2
    return middle - reach, middle + reach


def _slack(tap: Tap) -> float:
    """Samples by which edges may be off: what an element sees begins at whole samples, whatever the hop is."""
    return tap.uneven + (0.25 if float(tap.hop).is_integer() and not tap.uneven else 1.0)


def _inside(span: Span, tap: Tap, samples: int) -> bool:
    first, last = _stated(tap, span.moment)
    return span.first >= max(first, 0.0) - _slack(tap) and span.last <= min(last, samples - 1.0) + _slack(tap)


def _ends_inside(tap: Tap, samples: int) -> bool:
    """Whether some element is said not to see the whole of a clip."""
    return (tap.receptive_field or 0) < samples


def _moves_evenly(found: Measured) -> bool:
    """Whether what is seen moves evenly inside the clip: gradients that are selected leave holes, and ragged edges."""
    firsts = [(span.moment, span.first) for span in found.spans if span.first > 0]
    lasts = [(span.moment, span.last) for span in found.spans if span.last < found.samples - 1]
    slopes = [(n - m) / (j - i) for edge in (firsts, lasts) for (i, m), (j, n) in pairwise(edge)]
    distance = max((j - i for edge in (firsts, lasts) for (i, _), (j, _) in pairwise(edge)), default=1)
    return not slopes or (max(slopes) - min(slopes)) * distance <= 1


def _exactly(tap: Tap, found: Measured) -> bool:
    if tap.whole or found.whole or found.centre is None:
        return False
    return found.field == tap.receptive_field and abs(found.centre - tap.centre) <= _slack(tap)


def _beyond(span: Span, tap: Tap) -> str:
    first, last = _stated(tap, span.moment)
    return f"samples {span.first} to {span.last} matter at {span.moment}, stated {first:g} to {last:g}"


def _width(found: Measured) -> str:
    if found.field is not None:
        return str(found.field)
    return str(max((s.last - s.first + 1 for s in found.spans), default=0)) if found.spans else "none or all"


def _listed(axes: tuple[int, ...]) -> str:
    return "no axis" if not axes else f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"
