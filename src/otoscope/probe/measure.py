"""Measure where the taps of any model are in time: axes, hop, centre and receptive field.

Nothing is known here of what operations do to time. The model is looked at in five ways, the cheap ones first:

1. *Growth.* A clip and a longer one are run, and shapes alone are kept. An axis that grows is time (two: pairs of
   moments); samples more over elements more is the hop, to within one element.
2. *Ends.* Four clips in a row are run, half a clip at either end NaN. What reaches the last (first) element of a tap
   from there is seen by all: the whole clip, or all before (after).
3. *Gradients of NaN,* for all that does not see the whole clip. One pass keeps the graph; moments of the time axis of
   a tap get a gradient of NaN, all else 0, and what comes out as NaN was read (:mod:`otoscope.probe.passes`). Three
   moments, early, middle and late: by one backward pass where what they see lies apart, else by three. Cut off by the
   clip everywhere: again on four clips.
4. *Bisection* where no gradient arrives (:mod:`otoscope.probe.bisection`).
5. *Growth to the sample,* for the hop, where no edge moves.

A *second opinion* (`values=True`) takes random numbers for NaN, in double precision. It leaves out what is read but
multiplied by zero (masks, zero-padded windows, filters by FFT), and what is zero by chance of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from otoscope.probe.bisection import Lengths, bisected, growth
from otoscope.probe.moments import Measured, Span, Whole, moments_of, read
from otoscope.probe.passes import Edge, Passes
from otoscope.probe.precise import in_double

Axes = tuple[int, ...]


def measure(
    model: nn.Module,
    inputs: Tensor,
    names: Sequence[str] | None = None,
    *,
    values: bool = False,
    clips: int = 4,
    passes: Passes | None = None,
) -> dict[str, Measured]:
    """Where taps are in time, by passes forward and back.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (batch, ..., time)
        What it takes; the first clip is used, and noise where that is silent.
    names : sequence of str, optional
        Of the taps; all by default.
    values : bool
        Whether what matters is measured, in double precision where the model can be copied, and not what is read.
    clips : int
        How many clips in a row tell what sees all of a clip; with 1 that is not asked.
    passes : Passes, optional
        Of the model, to go on counting.

    Returns
    -------
    dict of str to Measured

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.MaxPool1d(3))
    >>> found = measure(model, torch.randn(1, 1, 4_000))
    >>> [(name, tap.hop, tap.field) for name, tap in found.items()]
    [('0', 10.0, 30), ('1', 10.0, 30), ('2', 30.0, 50)]
    """
    x = heard(inputs[:1].detach())
    passes = passes or Passes(model)
    if values:
        clips = 1
        passes, x = precise(passes, x)
    return Measuring(passes, x, clips, values).taps(names)


def heard(x: Tensor) -> Tensor:
    """A clip itself, or noise where it is silent: 0 / 0 and 0 x inf are NaN by themselves."""
    if x.shape[-1] > 1 and x.std() > 0:
        return x
    return torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x)


def precise(passes: Passes, x: Tensor) -> tuple[Passes, Tensor]:
    """Passes of a copy in double precision, and the clip; as they are where the model cannot be copied, or run so."""
    copied = in_double(passes.model)
    try:
        if copied is not None and (doubled := Passes(copied)).shapes(x.double()):
            return doubled, x.double()
    except Exception:  # of a model that mixes in tensors of single precision
        pass
    return passes, x


class Measuring:
    """Measurements of one clip, with the shapes that are known so far.

    Attributes
    ----------
    passes : Passes
    x : Tensor, (1, ..., time)
    samples, more : int
        Of the clip, and how many more the longer clip has that is run beside it.
    before, after : dict
        Shapes of taps of the clip and of the longer one.
    """

    def __init__(self, passes: Passes, x: Tensor, clips: int, values: bool = False) -> None:
        self.passes, self.x, self.clips, self.values = passes, x, clips, values
        self.samples = x.shape[-1]
        self.stated: Mapping[str, Axes] = {}
        more = max(2880 * round(self.samples / 5760), 1) if self.samples > 5760 else self.samples
        self.more = more
        self.longer = torch.cat([x, x], -1)[..., : self.samples + more]
        self.lengths: Lengths = {self.samples: passes.shapes(x)}
        self.lengths[self.samples + more] = passes.shapes(self.longer)
        self.before, self.after = self.lengths[self.samples], self.lengths[self.samples + more]
        self.four: dict[str, tuple[int, ...]] = {}  # shapes of taps on several clips in a row

    def taps(
        self, names: Sequence[str] | None, stated: Mapping[str, Axes] | None = None, bisect: bool = True
    ) -> dict[str, Measured]:
        """What is found of taps.

        Parameters
        ----------
        names : sequence of str, optional
            All by default.
        stated : mapping of str to tuple of int, optional
            Where what is seen moves along stated axes of a tap that does not grow, others are not tried.
        bisect : bool
            Whether to bisect where no gradient arrives, which takes many passes, or to leave such taps out.
        """
        self.stated = stated or {}
        names = [name for name in (self.before if names is None else names) if name in self.before]
        axes = {name: grown(self.before[name], self.after.get(name, ())) for name in names}
        rates = {n: self.more / (self.after[n][a[0]] - self.before[n][a[0]]) for n, a in axes.items() if a}
        ends = self._ends(axes) if self.clips > 1 else {}
        found, lost, cut = self._by_gradients(names, axes, ends)
        if cut:
            further = Measuring(self.passes, torch.cat([self.x] * self.clips, -1), 1)
            found |= further.taps(cut, self.stated, bisect)
        if lost and bisect:
            found |= bisected(self.passes, self.x, lost, self.before, rates)
        found = {name: found[name] for name in names if name in found}
        if self.clips > 1:
            exact = {one.hop for one in found.values() if one.hop}
            for name, one in found.items():
                if one.hop is None and name in rates:
                    hop = self.hop_of_growth(name, axes[name][0], rates[name], exact)
                    found[name] = replace(one, hop=hop, note=one.note or "hop of growth")
        return found

    def _by_gradients(
        self, names: Sequence[str], axes: dict[str, Axes], ends: dict[str, str]
    ) -> tuple[dict[str, Measured], dict[str, Axes], list[str]]:
        """What is found, the taps that no gradient reaches, and those whose field the clip cuts off."""
        found: dict[str, Measured] = {}
        lost: dict[str, Axes] = {}
        cut: list[str] = []
        leaf = self.x.clone().requires_grad_()
        edges = self.passes.edges(leaf)
        suspect = bool(edges) and self._polluted(leaf, edges[list(edges)[-1]])
        for name in names:
            if name not in edges or (suspect and self._polluted(leaf, edges[name])):
                lost[name] = axes[name]
                continue
            found[name] = self._by_gradient(leaf, edges[name], axes[name], self.stated.get(name, ()), ends.get(name))
            if found[name].spans and found[name].field is None and ends.get(name) == "":
                cut.append(name)
        return found, lost, cut

    def _polluted(self, leaf: Tensor, edge: Edge) -> bool:
        """Whether seeds of zero come back as NaN (0 x inf), or not at all."""
        mask = self.passes.pull(leaf, edge, (), [])
        return mask is None or bool(mask.any())

    def _by_gradient(self, leaf: Tensor, edge: Edge, axes: Axes, stated: Axes, end: str | None) -> Measured:
        """A tap that gradients reach; `end` is what it sees across several clips, None where these were not taken."""
        if axes and end == "clip":
            return Measured(axes, whole="clip", how="gradient")
        tried = axes or stated
        spans = self._spans(leaf, edge, tried) if tried else []
        if not axes and not _moves(spans):
            axes = self._moving(leaf, edge)
            spans = self._spans(leaf, edge, axes) if axes else spans
        axes = axes or tried
        if not axes:
            return Measured(how="gradient", note="no time axis")
        if not spans:
            return Measured(axes, how="gradient", note="sees nothing of the waveform")
        if end == "backwards":
            return replace(_backwards(spans, self.samples), axes=axes, how="gradient", samples=self.samples)
        one = read(spans, self.samples)
        note = "no longer clip was taken" if one.field is None and end is None and self.clips > 1 else ""
        whole: Whole = "before" if end == "before" else "after" if end == "after" else one.whole
        return replace(one, axes=axes, whole=whole, how="gradient", note=note, spans=tuple(spans), samples=self.samples)

    def spans(self, x: Tensor, name: str, axes: Axes, moments: Sequence[int]) -> list[Span]:
        """What elements of a tap see of a clip."""
        leaf = x.clone().requires_grad_()
        edge = self.passes.edges(leaf).get(name)
        return self._spans(leaf, edge, axes, moments) if edge else []

    def _spans(self, leaf: Tensor, edge: Edge, axes: Axes, moments: Sequence[int] | None = None) -> list[Span]:
        """What moments see, by a pass each: what one sees may lie amid what others do. None where one sees nothing."""
        spans = []
        for moment in moments_of(edge.shape[axes[0]]) if moments is None else moments:
            mask = self._pull(leaf, edge, axes, [moment])
            hull = None if mask is None else _hull(mask)
            if hull is None:
                return []
            spans.append(Span(moment, *hull))
        return spans

    def _pull(self, leaf: Tensor, edge: Edge, axes: Axes, moments: Sequence[int]) -> Tensor | None:
        return self.passes.pull(leaf, edge, axes, moments, values=self.values)

    def _moving(self, leaf: Tensor, edge: Edge) -> Axes:
        """The axis along which what is seen moves furthest, of a tap that does not grow; none where it hardly moves."""
        best: Axes = ()
        furthest = 0.0
        for axis, n in reversed(list(enumerate(edge.shape))):
            spans = self._spans(leaf, edge, (axis,), [0, n - 1]) if n > 1 and axis else []
            if not spans:
                continue
            moved = abs(spans[1].first + spans[1].last - spans[0].first - spans[0].last) / 2
            if moved > max(furthest, min(s.last - s.first + 1 for s in spans) / 10):
                best, furthest = (axis,), moved
            if moved > 0.75 * self.samples:  # there is not room enough for another that moves further
                break
        return best

    def _ends(self, axes: dict[str, Axes]) -> dict[str, str]:
        """What taps see across several clips, where these are taken: "clip", "before", "after", "backwards" or ""."""
        half, reach = self.samples // 2, []

        def reached(name: str, t: Tensor) -> tuple[bool, bool]:
            """Whether the first and the last element see NaN."""
            self.four[name] = tuple(t.shape)
            ends = [[e if i in axes.get(name, ()) else slice(None) for i in range(t.ndim)] for e in (0, -1)]
            first, last = (bool(t[tuple(end)].isnan().any()) for end in ends)
            return first, last

        for part in (slice(None, half), slice(self.samples * self.clips - half, None)):
            marked = torch.cat([self.x] * self.clips, -1)
            marked[..., part] = math.nan
            reach.append(self.passes.run(marked, reached))
        start, end = reach
        return {n: _across(start[n], end[n]) for n in start if n in end and axes.get(n)}

    def hop_of_growth(self, name: str, axis: int, rate: float, exact: set[float]) -> float | None:
        """The hop where no edge moves: that of another tap, where growth fits it, else found by lengths."""
        more = self.samples * (self.clips - 1)
        if name not in self.four or more == rate * (self.four[name][axis] - self.before[name][axis]):
            return rate
        near = [hop for hop in exact if abs(hop - rate) <= hop * hop / self.more]
        if near:
            return min(near, key=lambda hop: abs(hop - rate))
        return growth(self.passes, self.longer, self.samples, name, axis, self.lengths)


def grown(shape: Sequence[int], longer: Sequence[int]) -> Axes:
    """The axes along which a tap of a longer clip has more elements."""
    if len(longer) != len(shape):
        return ()
    return tuple(i for i, (n, m) in enumerate(zip(shape, longer, strict=True)) if n != m)


def _moves(spans: Sequence[Span]) -> bool:
    return len({span.first for span in spans}) > 1 or len({span.last for span in spans}) > 1


def _hull(mask: Tensor) -> tuple[int, int] | None:
    where = mask.nonzero().flatten()
    return (int(where[0]), int(where[-1])) if len(where) else None


def _across(start: tuple[bool, bool], end: tuple[bool, bool]) -> str:
    """What is seen, of whether the first and last elements see the start of the clips, and their end."""
    if start[1] and end[0] and not start[0] and not end[1]:
        return "backwards"
    return {(True, True): "clip", (True, False): "before", (False, True): "after"}.get((start[1], end[0]), "")


def _backwards(spans: Sequence[Span], samples: int) -> Measured:
    """A tap whose time runs backwards: what is seen moves to earlier samples."""
    moments = [span.moment for span in spans]
    turned = [Span(j, s.first, s.last) for j, s in zip(moments, reversed(spans), strict=True)]
    one = read(turned, samples)
    if one.field is None or one.hop is None or one.centre is None:
        return replace(one, spans=tuple(spans))
    centre = one.centre + 2 * one.hop * moments[len(moments) // 2]
    return replace(one, hop=-one.hop, centre=centre, note="time runs backwards", spans=tuple(spans))
