"""What taps see of the waveform where no gradient arrives (numpy, quantisers): by replacing more and more of the clip.

Samples from s on (or up to s) become NaN, or noise where NaN vanishes on the way, and s is bisected to where a moment
first changes. A pass tells it of all taps at once. What noise finds is a least field: it may happen to leave a code as
it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from otoscope.probe.moments import Measured, Span, moments_of, read
from otoscope.probe.passes import Passes

Lengths = dict[int, dict[str, tuple[int, ...]]]  # of clips, and the shapes of all taps
Parts = tuple[tuple[int, int], ...]  # of a clip
_LOUD = (100.0, 30.0, 3.0)  # noises, in standard deviations of the clip


def growth(passes: Passes, longer: Tensor, samples: int, name: str, axis: int, lengths: Lengths) -> float | None:
    """The hop of an axis: between the least lengths at which it has more elements than at `samples`, and many more.

    Parameters
    ----------
    passes : Passes
    longer : Tensor, (1, ..., time)
        A clip, whose beginning of `samples` was run.
    samples : int
    name, axis
        The tap, and its axis that grows.
    lengths : dict
        Shapes that are known; what is found is added.
    """

    def elements(n: int) -> int:
        if n not in lengths:
            lengths[n] = passes.shapes(longer[..., :n])
        return lengths[n][name][axis] if name in lengths[n] else 0

    few, many = elements(samples), elements(longer.shape[-1])
    if many <= few + 1:
        return None
    at = []
    for wanted in (few + 1, many):
        low = max(n for n in lengths if elements(n) < wanted)
        high = min(n for n in lengths if elements(n) >= wanted)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if elements(middle) >= wanted else (middle, high)
        at.append(high)
    more = many - elements(at[0])  # where clips are filled up to some multiple there are several more at once
    return (at[1] - at[0]) / more if more else None


def bisected(
    passes: Passes,
    x: Tensor,
    lost: Mapping[str, tuple[int, ...]],
    shapes: Mapping[str, tuple[int, ...]],
    rates: Mapping[str, float],
) -> dict[str, Measured]:
    """Taps that no gradient reaches.

    Parameters
    ----------
    passes : Passes
    x : Tensor, (1, ..., time)
    lost : mapping of str to tuple of int
        The taps, and the axes of each that grow.
    shapes : mapping of str to tuple of int
    rates : mapping of str to float
        Hops by growth, to within one element.
    """
    changes = Changes(passes, x, lost)
    return {name: _bisect(changes, name, axes, shapes[name], rates.get(name)) for name, axes in lost.items()}


def _bisect(changes: Changes, name: str, axes: tuple[int, ...], shape: tuple[int, ...], rate: float | None) -> Measured:
    unknown = Measured(axes, how="growth")
    if not changes.repeats(name):
        return replace(unknown, note="two equal passes differ: random, or with a memory")
    if len(axes) != 1 or rate is None:
        return replace(unknown, note="no gradient arrives, and not one axis grows")
    if not changes.seen(name, shape[axes[0]] // 2, (0, changes.samples)):
        return replace(unknown, note="does not change with the waveform")
    moments = moments_of(shape[axes[0]])
    spans = tuple(Span(j, changes.first(name, j), changes.last(name, j)) for j in moments)
    found, sure = read(spans, changes.samples), changes.spreads(name)
    if not sure and (found.hop is None or abs(found.hop / rate - 1) * moments[-1] > 1):
        found = Measured()  # what changes is not regular: a memory that fades, codes that happen to stay
    note = "" if sure else "sees at least that" if found.field else "changes irregularly, the field is not known"
    how = f"bisection with {'NaN' if sure else 'noise'}"
    return replace(found, axes=axes, how=how, note=note, spans=spans, samples=changes.samples)


class Changes:
    """Which moments of taps change when a part of the clip does; every pass is kept, for all taps."""

    def __init__(self, passes: Passes, x: Tensor, lost: Mapping[str, tuple[int, ...]]) -> None:
        self.passes, self.x, self.lost, self.samples = passes, x, lost, x.shape[-1]
        self.clean, self.again = self._values(x), self._values(x)
        self.nan = passes.run(torch.full_like(x, math.nan), lambda _, t: bool(t.isnan().all()))
        generator = torch.Generator().manual_seed(1)
        noise = [torch.randn(x.shape, generator=generator).to(x) for _ in _LOUD]
        self.noises = [x.std() * loud * one for loud, one in zip(_LOUD, noise, strict=True)]
        self.known: dict[tuple[bool, Parts], dict[str, Tensor]] = {}

    def _values(self, x: Tensor) -> dict[str, Tensor]:
        return self.passes.run(x, lambda name, t: t.clone() if name in self.lost else None)

    def repeats(self, name: str) -> bool:
        clean, again = self.clean.get(name), self.again.get(name)
        return clean is not None and again is not None and torch.equal(clean.nan_to_num(), again.nan_to_num())

    def spreads(self, name: str) -> bool:
        """Whether a clip of NaN gives NaN everywhere."""
        return bool(self.nan.get(name, False))

    def seen(self, name: str, moment: int, *parts: tuple[int, int]) -> bool:
        """Whether a moment changes when samples in `parts`, from a first one to before a last one, do."""
        key = (self.spreads(name), parts)
        if key not in self.known:
            self.known[key] = self._compare(parts, key[0])
        return name in self.known[key] and bool(self.known[key][name][moment])

    def _compare(self, parts: Parts, with_nan: bool) -> dict[str, Tensor]:
        odd: dict[str, Tensor] = {}
        for other in [torch.full_like(self.x, math.nan)] if with_nan else self.noises:
            marked = self.x.clone()
            for start, end in parts:
                marked[..., start:end] = other[..., start:end]
            for name, value in self._values(marked).items():
                if self.lost.get(name) and value is not None and value.shape == self.clean[name].shape:
                    different = (value != self.clean[name]).movedim(self.lost[name][0], 0).flatten(1).any(1)
                    odd[name] = odd[name] | different if name in odd else different
        return odd

    def last(self, name: str, moment: int) -> int:
        """The last sample that a moment sees."""
        low, high = 0, self.samples
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.seen(name, moment, (middle, self.samples)) else (low, middle)
        return low

    def first(self, name: str, moment: int) -> int:
        """The first sample that a moment sees."""
        low, high = -1, self.samples - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.seen(name, moment, (0, middle + 1)) else (middle, high)
        return high
