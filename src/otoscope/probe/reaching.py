"""What reached a layer: the tensor that its convolutions read, as one signal with a rate and a place in time.

A model may filter, scale, resample or frame a sound before its first layer. What is said of that layer has to be said
of the tensor that it read. The trace gives the place of every element of that tensor on the waveform: element
(i, j, ...) lies at the sample

    origin + i h_0 + j h_1 + ...

with the hop h of each axis, 0 where the axis is not time. If the kernels slide along the axis of hop h, the elements
lie on a grid of that step, and each is written to its place on it. So frames, of which several may hold the same
sample, become the signal that was framed. Places beyond the ends of the sound are padding, and are left out.

Whether that signal is still a waveform is not known from the operations, of which there are too many; it is measured on
noise. With r what reached the layer,

    r(x + y) = a r(x) + b r(y) + c

for a linear step, where a and b are not 1 if each clip is scaled by a number of its own (normalisation), and c is an
offset; and a sound that begins later arrives as much later, up to such a scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe.listen import Call, TapReached, evaluating, intercepting
from otoscope.probe.locks import lock_of
from otoscope.probe.memory import Memory
from otoscope.probe.trace import Tap

_LARGEST_REST = 1e-3  # of what is not linear, relative; rounding leaves 1e-6
_MOST_STEPS = 4096


class NotOneSignal(InputError):
    """What reached a layer is not one signal; the message says what it is."""


@dataclass(frozen=True)
class Grid:
    """Where the elements that a convolution reads lie on the axis of time.

    Attributes
    ----------
    hop : float
        Samples of the waveform from one place of the grid to the next, along which the kernels slide.
    origin : float
        Sample of the waveform at the element whose indices are all 0.
    steps : tuple of int
        Places of the grid from one element to the next along every axis; 0 where the axis is not time.
    others : int
        Elements at each place: the channels that are read.
    along : int
        Which axis of the kernels it is that slides.
    """

    hop: float
    origin: float
    steps: tuple[int, ...]
    others: int = 1
    along: int = 0


def grid_of(tap: Tap) -> Grid:
    """The grid on which the kernels of a convolution slide.

    Raises
    ------
    InputError
        If the place in time of what it reads is not known, or its kernels do not slide along time.

    Examples
    --------
    >>> from otoscope.probe.trace import trace
    >>> model = nn.Sequential(nn.Conv1d(1, 1, 32, stride=2, padding=15), nn.Conv1d(1, 8, 64))
    >>> taps = trace(model, torch.zeros(1, 1, 400), sample_rate=8000)
    >>> grid_of(taps["1"])
    Grid(hop=2.0, origin=0.5, steps=(0, 0, 1), others=1, along=0)
    """
    if not tap.input_hops or tap.input_axis is None:
        note = f" ({tap.note})" if tap.note else ""
        raise InputError(f"it is not known where in time the elements lie that {tap.name!r} reads{note}")
    hops, shape = tap.input_hops, tap.input_shape
    spatial = range(len(shape) - len(tap.kernel), len(shape))
    along = max(spatial, key=lambda axis: (tap.kernel[axis - spatial.start] > 1, hops[axis] != 0, axis))
    hop = hops[along]
    if not hop > 0:
        raise InputError(
            f"the kernels of layer {tap.name!r} slide along an axis that is not known to be time; choose another layer"
        )
    # The centre is that of the first element of one axis, in the middle of the others.
    middle = sum(h * (n // 2) for axis, (h, n) in enumerate(zip(hops, shape, strict=True)) if axis != tap.input_axis)
    steps = [h / hop for h in hops]
    if any(math.isnan(step) or abs(step - round(step)) > 1e-6 for step in steps):
        raise InputError(f"layer {tap.name!r} reads pieces of the sound that do not lie on one grid of time")
    fixed = [n for n, h in zip(shape, hops, strict=True) if h == 0]
    origin = tap.input_centre - middle
    return Grid(hop, origin, tuple(map(round, steps)), math.prod(fixed), along - spatial.start)


def grid_by_length(tap: Tap, samples: int) -> Grid | None:
    """The grid of as many elements as the clip has samples, where the place of what a convolution reads is not known.

    Whether they lie there has to be measured.

    Examples
    --------
    >>> from otoscope.probe.trace import trace
    >>> tap = trace(nn.Conv1d(1, 8, 64), torch.zeros(1, 1, 400), sample_rate=8000)["conv1d"]
    >>> grid_by_length(tap, 400), grid_by_length(tap, 800)
    (Grid(hop=1.0, origin=0.0, steps=(0, 0, 1), others=1, along=0), None)
    """
    shape = tap.input_shape
    if samples not in shape or math.prod(shape) != samples:
        return None
    axis = shape.index(samples)
    steps = tuple(int(other == axis) for other in range(len(shape)))
    return Grid(1.0, 0.0, steps, 1, max(axis - len(shape) + len(tap.kernel), 0))


def captured(model: nn.Module, clip: Tensor, taps: Sequence[str]) -> list[Tensor]:
    """What convolutions read, by their names, for one clip; the model is run no further than to the last of them."""
    read: dict[str, Tensor] = {}

    def handle(call: Call) -> Any:
        if call.tap is not None and call.tap in taps:
            read[call.tap] = call.input.detach().clone()
            if len(read) == len(taps):
                raise TapReached
        return call.run()

    with torch.no_grad(), evaluating(model), intercepting(model, handle), suppress(TapReached):
        model(clip.detach().clone())
    return [read[tap] for tap in taps]


def assembled(values: Sequence[Tensor], grids: Sequence[Grid], samples: int) -> tuple[Tensor, float]:
    """The signal that several convolutions read, each perhaps with padding of its own or in frames.

    Parameters
    ----------
    values : sequence of Tensor
        What each of them read.
    grids : sequence of Grid
    samples : int
        Of the clip.

    Returns
    -------
    signal : Tensor, (time,)
    offset : float
        Sample of the waveform at its first element.

    Raises
    ------
    NotOneSignal
        If what they read is not one signal: several channels, or frames that differ where they overlap.

    Examples
    --------
    >>> frames = torch.arange(8.0).unfold(0, 4, 2)  # of 4 samples, every 2
    >>> assembled([frames], [Grid(1.0, 0.0, (2, 1))], samples=8)[0]
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    hop, start = grids[0].hop, grids[0].origin
    places, flat = [], []
    for value, grid in zip(values, grids, strict=True):
        if grid.others > 1:
            raise NotOneSignal(f"{grid.others} channels")
        base = (grid.origin - start) / hop
        if grid.hop != hop or abs(base - round(base)) > 1e-6:
            raise NotOneSignal("signals of different rates")
        place = torch.full((1,) * value.ndim, round(base), device=value.device)
        for axis, step in enumerate(grid.steps):
            index = torch.arange(value.shape[axis], device=value.device) * step
            place = place + index.reshape([-1 if other == axis else 1 for other in range(value.ndim)])
        places.append(place.expand(value.shape).flatten())
        flat.append(value.flatten())
    place, found = torch.cat(places), torch.cat(flat)
    sample = start + place.double() * hop
    inside = (sample >= -hop / 2) & (sample <= samples - 1 + hop / 2)
    place, found = place[inside], found[inside]
    if not len(place):
        raise NotOneSignal("nothing of the sound")
    first = int(place.min())
    count = int(place.max()) - first + 1
    signal = found.new_zeros(count)
    signal[place - first] = found
    held = torch.zeros(count, dtype=torch.bool, device=found.device)
    held[place - first] = True
    if not held.all():
        raise NotOneSignal("pieces of the sound with gaps between them")
    if count < len(place) and not torch.allclose(signal[place - first], found, rtol=1e-4, atol=1e-6, equal_nan=True):
        raise NotOneSignal("frames that differ where they overlap")
    return signal, start + first * hop


@dataclass(frozen=True)
class Nature:
    """What reached a layer, as measured.

    Attributes
    ----------
    linear : bool
        Whether it is linear in the sound, up to a scale and an offset of each clip.
    moves : bool
        Whether it moves with the sound.
    scaled : bool
        Whether each clip is scaled by a number of its own.
    same : bool
        Whether it is the sound itself, up to that scale and an offset.
    untouched : bool
        Whether it is the sound itself, value for value.
    mixed : bool
        Whether it is one signal of a sound of several channels.
    """

    linear: bool
    moves: bool
    scaled: bool
    same: bool
    untouched: bool = False
    mixed: bool = False

    @property
    def waveform(self) -> bool:
        return self.linear and self.moves


def measured(model: nn.Module, inputs: Tensor, taps: Sequence[str], grids: Sequence[Grid]) -> Nature:
    """Find out with noise what reaches a layer; once for a model, as long as it is the same.

    Parameters
    ----------
    model : nn.Module
    inputs : Tensor, (clip, ..., time)
        Of what shape and type the noise is.
    taps : sequence of str
        The convolutions of the layer.
    grids : sequence of Grid
        Of each.

    Returns
    -------
    Nature

    Examples
    --------
    >>> from otoscope.probe.trace import trace
    >>> model, clip = nn.Sequential(nn.Tanh(), nn.Conv1d(1, 8, 64)), torch.zeros(1, 1, 400)
    >>> measured(model, clip, ["1"], [grid_of(trace(model, clip, 8000)["1"])]).linear
    False
    """
    key = (tuple(inputs.shape[1:]), inputs.dtype, inputs.device, tuple(taps), tuple(grids))
    with lock_of(model):
        known, remember = _natures.recall(model, key)
        if known is None:
            known = _measured(model, inputs[:1], taps, grids)
            remember(known)
    return known


def _measured(model: nn.Module, like: Tensor, taps: Sequence[str], grids: Sequence[Grid]) -> Nature:
    samples = like.shape[-1]
    x, y = _noise(like)

    def read(clip: Tensor) -> Tensor:
        return assembled(captured(model, clip, taps), grids, samples)[0].double()

    signal, offset = assembled(captured(model, x, taps), grids, samples)
    of_x, start = signal.double(), round(offset)
    most = max(_LARGEST_REST, torch.finfo(signal.dtype).eps)  # rounding of half precision
    channels = x.flatten(0, -2).double()[:, max(start, 0) : start + len(of_x)]  # the last samples may fill no frame
    alike = grids[0].hop == 1 and start == offset >= 0 and channels.shape[-1] == len(of_x)
    if alike and len(channels) == 1 and bool((of_x == channels[0]).all()):
        return Nature(True, True, False, True, True)
    weights, rest = _fit([of_x, read(y)], read(x + y))
    linear = rest < most
    scaled = linear and any(abs(weight - 1) > most for weight in weights)
    same = alike and _fit(list(channels), of_x)[1] < most
    hop = grids[0].hop
    moves = True
    step = whole_step(hop)
    if step is not None and 4 * step <= samples:
        shift = round(step / hop) * max(1, samples // 8 // step)
        later = read(x.roll(round(shift * hop), -1))
        count = min(len(later), len(of_x)) - shift
        moves = count > 0 and _fit([of_x[:count]], later[shift : shift + count])[1] < most
    return Nature(linear, moves, scaled, same, mixed=len(channels) > 1)


def whole_step(hop: float) -> int | None:
    """The fewest whole samples that are a whole number of hops; None where there are none.

    Examples
    --------
    >>> whole_step(2.0), whole_step(0.5), whole_step(441 / 160)
    (2, 1, 441)
    """
    hops = (n * hop for n in range(1, _MOST_STEPS))
    return next((round(many) for many in hops if many > 1 - 1e-6 and abs(many - round(many)) < 1e-6), None)


_natures: Memory[Nature] = Memory()


def _noise(like: Tensor) -> tuple[Tensor, Tensor]:
    """Two sounds of noise of which a quarter at each end is silent, so that they can be moved."""
    samples = like.shape[-1]
    generator = torch.Generator().manual_seed(0)
    window = torch.zeros(samples)
    window[samples // 4 : max(samples - samples // 4, 1)] = 1
    draws = (0.6 * torch.rand((2, *like.shape), generator=generator) - 0.3) * window
    x, y = draws.to(like)
    return x, y


def _fit(columns: Sequence[Tensor], target: Tensor) -> tuple[list[float], float]:
    """Weights of signals (and of a constant) that come nearest to another, and what is left, relative to it."""
    size = min(len(one) for one in (*columns, target))
    matrix = torch.stack([*(one[:size] for one in columns), target.new_ones(size)], 1).cpu()
    target = target[:size].cpu()
    deviation = (target - target.mean()).norm()
    if not (matrix.isfinite().all() and target.isfinite().all()) or deviation == 0:
        return [], float("inf")
    weights = torch.linalg.lstsq(matrix, target[:, None], driver="gelsd").solution[:, 0]
    rest = (target - matrix @ weights).norm() / deviation
    return weights[:-1].tolist(), float(rest)
