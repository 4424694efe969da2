"""The first layer: the first bank of kernels on something that is still a waveform, and what reaches it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.dsp.dictionary import unrolled_atoms
from otoscope.errors import InputError
from otoscope.probe.reaching import (
    Grid,
    Nature,
    NotOneSignal,
    assembled,
    captured,
    grid_by_length,
    grid_of,
    measured,
    whole_step,
)
from otoscope.probe.select import find_layer
from otoscope.probe.trace import Layer, Tap, Trace, trace

_FEW_TAPS = 2  # of a pre-emphasis


@dataclass(frozen=True)
class FirstLayer:
    """Kernels of one input channel, and what reaches them.

    Attributes
    ----------
    layer : str
        The name of the layer.
    kernels : list of Tensor, (kernel, width)
        One tensor for each of the parallel convolutions of the layer, with zeros between the taps of dilated kernels.
    stride : int
        In values of what the layer reads.
    hop : float
        Samples of the waveform from one value of what the layer reads to the next.
    sample_rate : float
        Of the waveform, in Hz.
    nature : Nature or None
        What was measured of the signal that it reads; None where it is not one signal.
    problem : str
        What it reads where that is not one signal.
    seen : int or None
        Samples of the waveform on which a value of what it reads depends; None for the whole clip, or where not known.
    note : str
        What the rate rests on, where it is not plain arithmetic.
    convolutions : tuple of str
        The taps of the layer.
    grids : tuple of Grid
        Where what each of them reads lies in time.
    """

    layer: str
    kernels: list[Tensor]
    stride: int
    hop: float
    sample_rate: float
    nature: Nature | None
    problem: str
    seen: int | None
    note: str
    convolutions: tuple[str, ...] = field(repr=False)
    grids: tuple[Grid, ...] = field(repr=False)

    @property
    def rate(self) -> float:
        """Values a second of what the layer reads, in Hz."""
        return self.sample_rate / self.hop

    @property
    def waveform(self) -> bool:
        """Whether the layer reads a waveform: one signal that is linear in the sound and moves with it."""
        return self.nature is not None and self.nature.waveform

    @property
    def reads(self) -> str:
        """What the layer reads, in words."""
        nature, rate = self.nature, f"{self.rate:.6g} values a second"
        if nature is None:
            told = [self.problem, rate]
        elif not nature.waveform:
            told = [f"a signal that {'does not move with' if nature.linear else 'is not linear in'} the sound", rate]
        else:
            steps = ["mixed down by the model"] if nature.mixed else []
            steps += [] if nature.same else ["filtered" if self.hop == 1 else "resampled"]
            steps += ["scaled clip by clip"] if nature.scaled else []
            told = ["the waveform", " and ".join(steps), rate if self.hop != 1 else ""]
        note = f" ({self.note})" if self.note and not (nature and nature.untouched) else ""
        return ", ".join(filter(None, told)) + note

    @property
    def frequency(self) -> str:
        """What the frequencies of its kernels are called."""
        if self.waveform:
            return "frequency"
        return "modulation frequency" if self.hop > 1 else "frequency of what the layer reads"

    def signal(self, model: nn.Module, inputs: Tensor) -> tuple[Tensor, float]:
        """What reaches the layer, clip by clip.

        Parameters
        ----------
        model : nn.Module
        inputs : Tensor, (clip, ..., time)

        Returns
        -------
        signal : Tensor, (clip, time)
            At :attr:`rate`.
        offset : float
            Sample of the waveform at its first value.

        Raises
        ------
        InputError
            If the layer does not read one signal.
        """
        if self.nature is None:
            raise InputError(
                f"layer {self.layer!r} reads {self.reads}, and not a waveform; choose another layer, or see its "
                "kernels alone with `filters`"
            )
        found = [
            assembled(captured(model, clip, self.convolutions), self.grids, inputs.shape[-1])
            for clip in inputs.split(1)
        ]
        if len({signal.shape for signal, _ in found}) > 1:
            raise InputError(
                f"what reaches layer {self.layer!r} is of another length for every clip: give clips one by one"
            )
        return torch.stack([signal for signal, _ in found]), found[0][1]

    @property
    def streams(self) -> bool:
        """Whether what reaches the layer can be had of a sound block by block."""
        nature = self.nature
        return nature is not None and (nature.untouched or (nature.waveform and not nature.scaled and bool(self.seen)))

    def stream(self, model: nn.Module, blocks: Iterable[np.ndarray], like: Tensor) -> Iterator[Tensor]:
        """What reaches the layer of a sound that is read block by block, where it :attr:`streams`.

        Parameters
        ----------
        model : nn.Module
        blocks : iterable of arrays (n,)
            Consecutive pieces of one sound.
        like : Tensor, (clip, 1, time)
            Whose type and device the model takes.

        Yields
        ------
        Tensor, (m,)
            Together what :meth:`signal` gives of the whole sound.
        """
        if self.nature is not None and self.nature.untouched:
            yield from (torch.as_tensor(block).to(like) for block in blocks)
            return
        # Pieces begin on the grid of time, and what lies within a margin of a cut is taken from the next piece.
        unit = whole_step(self.hop) or 1
        margin = unit * math.ceil((self.seen or 1) / unit + 1)
        held, start, done = like.new_zeros(0), 0, -math.inf
        for block in blocks:
            held = torch.cat([held, torch.as_tensor(block).to(like)])
            if len(held) > 4 * margin:
                until = start + len(held) - margin
                yield self._piece(model, held, start, done, until)
                done = until
                kept = (until - margin - start) // unit * unit
                held, start = held[kept:], start + kept
        yield self._piece(model, held, start, done, math.inf)

    def _piece(self, model: nn.Module, held: Tensor, start: int, first: float, last: float) -> Tensor:
        """What reaches the layer from sample `first` to before sample `last`, of a piece that begins at `start`."""
        signal, offset = self.signal(model, held[None, None])
        places = start + offset + self.hop * torch.arange(signal.shape[-1], dtype=torch.float64, device=signal.device)
        return signal[0, (places >= first - 1e-6) & (places < last - 1e-6)]

    def times(self, values: Tensor, offset: float) -> Tensor:
        """Time in s of values of what the layer reads, by their numbers."""
        return (offset + values.double() * self.hop) / self.sample_rate


def first_layer(model: nn.Module, inputs: Tensor, sample_rate: float, layer: str | None = None) -> FirstLayer:
    """The first layer of a model, or another of one input channel.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (clip, ..., time)
        What the model takes; only its shape and type matter.
    sample_rate : float
        In Hz.
    layer : str, optional
        The layer, see :func:`otoscope.probe.select.find_layer`. By default the first with more than one kernel, of more
        than two taps, that reads a waveform; so no pre-emphasis, and no resampler.

    Returns
    -------
    FirstLayer

    Raises
    ------
    InputError
        If there is no such layer, or its kernels are complex, not finite, of several channels or not on time.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 1, 2, padding=1), nn.Conv1d(1, 8, 30, stride=10), nn.ReLU())
    >>> first = first_layer(model, torch.zeros(1, 1, 400), sample_rate=8000)
    >>> first.layer, [kernel.shape for kernel in first.kernels], first.stride, first.reads
    ('1', [torch.Size([8, 30])], 10, 'the waveform, filtered')
    """
    taps = trace(model, inputs, sample_rate)
    if layer is not None:
        return _looked_at(model, inputs, find_layer(taps.layers, layer))
    return _first(model, inputs, taps)


def named_bank(taps: Trace, names: Sequence[str]) -> str | None:
    """The first of these names whose layer reads one signal, for what is said of a first layer.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 1, 32, 2), nn.Conv1d(1, 8, 30), nn.ReLU(), nn.Conv1d(8, 4, 3))
    >>> taps = trace(model, torch.zeros(1, 1, 400), sample_rate=8000)
    >>> named_bank(taps, ["2", "3", "1"])
    '1'
    """
    for name in names:
        with suppress(InputError):
            layer = find_layer(taps.layers, name)
            if not _several(layer) and all(grid_of(tap).others == 1 for tap in layer.taps):
                return layer.name
    return None


def _first(model: nn.Module, inputs: Tensor, taps: Trace) -> FirstLayer:
    first = taps.first_layer()
    rest: list[FirstLayer] = []  # that read one signal, but are not the first layer
    chosen: FirstLayer | None = None
    for layer in taps.layers:
        if chosen is not None and not _behind(layer, chosen, taps):
            continue
        try:
            found = _looked_at(model, inputs, layer)
        except InputError:
            if layer is first and _unusable(layer):
                raise
            continue
        if found.waveform and _is_bank(found):
            chosen = found
        elif found.nature is not None:
            rest.append(found)
    if chosen is not None:
        return chosen
    if rest:
        return min(rest, key=lambda one: (not one.waveform or _widest(one) <= _FEW_TAPS, not _is_bank(one)))
    read = _looked_at(model, inputs, first)  # which says why it does not serve
    raise InputError(
        f"no layer of the model reads a waveform: the first, {read.layer!r}, reads {read.reads}; choose a layer "
        "whose kernels you want to see all the same"
    )


def _behind(layer: Layer, chosen: FirstLayer, taps: Trace) -> bool:
    """Whether a layer may read what a resampler of several kernels made of the waveform."""
    read, made = layer.taps[0].input_field, taps[chosen.convolutions[0]].receptive_field
    return read is not None and made is not None and read >= made


def _looked_at(model: nn.Module, inputs: Tensor, layer: Layer) -> FirstLayer:
    if problem := _unusable(layer) or _several(layer):
        raise InputError(problem)
    tap, names = layer.taps[0], tuple(tap.name for tap in layer.taps)
    note, unknown = tap.note, None
    try:
        grids = tuple(grid_of(tap) for tap in layer.taps)
    except InputError as error:
        guessed, unknown = [grid_by_length(tap, inputs.shape[-1]) for tap in layer.taps], error
        grids = tuple(grid for grid in guessed if grid is not None)
        if len(grids) < len(layer.taps):
            raise
        note = "; ".join(filter(None, [note, "place told by its length"]))
    nature, problem = None, f"{grids[0].others} channels"
    if grids[0].others == 1:
        try:
            nature, problem = measured(model, inputs, names, grids), ""
        except NotOneSignal as error:
            problem = str(error)
    if unknown is not None and not (nature and nature.waveform):
        raise unknown
    kernels = [
        unrolled_atoms([_weight(tap).flatten(1)[:, None]], [tap.dilation[grid.along]])
        for tap, grid in zip(layer.taps, grids, strict=True)
    ]
    stride, hop = tap.stride[grids[0].along], grids[0].hop
    seen = None if tap.whole else tap.input_field
    return FirstLayer(layer.name, kernels, stride, hop, tap.sample_rate, nature, problem, seen, note, names, grids)


def _unusable(layer: Layer) -> str:
    """Why kernels have no response at all."""
    if any(_weight(tap).is_complex() for tap in layer.taps):
        return f"layer {layer.name!r} has complex kernels; choose a layer with real ones"
    if not all(bool(_weight(tap).isfinite().all()) for tap in layer.taps):
        return f"layer {layer.name!r} has weights that are NaN or infinite; load other weights"
    return ""


def _several(layer: Layer) -> str:
    """Why kernels do not slide along one signal."""
    for tap in layer.taps:
        if not _of_one_channel(tap):
            return (
                f"layer {layer.name!r} has kernels of shape {tuple(_weight(tap).shape[1:])} and does not read a "
                f"waveform of one channel{_read_instead(tap)}; choose another layer"
            )
    return ""


def _read_instead(tap: Tap) -> str:
    try:
        grid = grid_of(tap)
    except InputError:
        return ""
    rate = "" if grid.hop == 1 else f", {tap.sample_rate / grid.hop:.6g} values a second"
    return f" but {grid.others} channels{rate}" if grid.others > 1 else ""


def _of_one_channel(tap: Tap) -> bool:
    return "transpose" not in tap.op and _weight(tap).shape[1] == 1 and sum(n > 1 for n in tap.kernel) <= 1


def _is_bank(one: FirstLayer) -> bool:
    return sum(map(len, one.kernels)) > 1 and _widest(one) > _FEW_TAPS


def _widest(one: FirstLayer) -> int:
    return max(kernel.shape[1] for kernel in one.kernels)


def _weight(tap: Tap) -> Tensor:
    assert tap.weight is not None
    return tap.weight


def at_least(n_fft: int, kernels: Sequence[Tensor]) -> int:
    """A length of Fourier transforms, raised to a power of two where it is shorter than a kernel."""
    widest = max(kernel.shape[-1] for kernel in kernels)
    if n_fft < 1:
        raise InputError(f"n_fft has to be 1 or more, not {n_fft}")
    return n_fft if n_fft >= widest else 1 << (widest - 1).bit_length()
