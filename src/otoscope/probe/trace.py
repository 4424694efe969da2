"""One forward pass through any module: every convolution, activation and pooling named and placed in time."""

from __future__ import annotations

import difflib
import math
import os.path
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.errors import InputError
from otoscope.probe.listen import Call, TapReached, evaluating, intercepting
from otoscope.probe.ops import Kind
from otoscope.probe.support import Support, follow, reduced

_PASSING = frozenset("pad contiguous clone dropout dropout1d detach to float identity".split())
_SUMMING = frozenset("add __add__ __radd__ __iadd__".split())
_JOINING = frozenset("cat concat concatenate stack".split())
_COMPLEX = frozenset("complex hypot atan2 arctan2 polar".split())  # of a real and an imaginary part


@dataclass(frozen=True)
class Tap:
    """A point of a model where a convolution, activation or pooling returns its result.

    Attributes
    ----------
    name : str
        The path of the module, or ``<module path>.<operation>[_n]`` for a functional call; a module or
        function called again gets a further number.
    kind : {"convolution", "activation", "pooling"}
    op : str
        The operation, for instance ``conv1d`` or ``relu``.
    shape : tuple of int
        Shape of the result; of one clip, where it comes from a :class:`Trace`.
    channels : int
        Number of feature maps, on axis `channel_axis`.
    time_axis : int or None
        The axis that is time; None behind a pooling over all of time.
    kernel, stride, dilation : tuple of int
        One number a spatial axis; empty for activations.
    hop : float
        Input samples from one element of the time axis to the next; NaN without a time axis.
    receptive_field : int
        Input samples on which one element depends through windows, in the middle of the clip.
    centre : float
        Input sample at the centre of the receptive field of the first element (negative with padding).
    whole : bool
        Whether recurrence, attention or statistics over time let every element also depend on the whole clip.
    sample_rate : float
        Of the waveform, in Hz.
    weight : Tensor or None
        The kernels that reached the operation, ``(channels, inputs / groups, *kernel)``.
    groups : int
    input_shape : tuple of int
        Shape of the tensor that the operation read.
    input_axis : int or None
        Its time axis; None where it has none, or does not come from the waveform.
    input_hop : float
        Input samples from one element of `input_axis` to the next; NaN without a time axis.
    input_centre : float
        Input sample at the centre of the receptive field of the first element of what was read; NaN where not known.
    input_hops : tuple of float
        Input samples from one element to the next along every axis of what was read, 0 along those that are not time:
        frames of a sound are time along two axes. Empty where not known.
    input_field : int or None
        Input samples on which one element of what was read depends; 1 where it is the waveform itself, None where
        not known.
    note : str
        What the place in time rests on, where it is not plain arithmetic.
    time_axes : tuple of int
        All axes that are time: more than one where a map is over pairs of times, which has no single `time_axis`.
    """

    name: str
    kind: Kind
    op: str
    shape: tuple[int, ...]
    channel_axis: int | None
    time_axis: int | None
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    hop: float
    receptive_field: int
    centre: float
    whole: bool
    sample_rate: float
    groups: int = 1
    weight: Tensor | None = field(default=None, repr=False)
    input_shape: tuple[int, ...] = ()
    input_axis: int | None = None
    input_hop: float = math.nan
    input_centre: float = math.nan
    input_hops: tuple[float, ...] = ()
    input_field: int | None = None
    note: str = ""
    time_axes: tuple[int, ...] = ()

    @property
    def channels(self) -> int:
        return 1 if self.channel_axis is None else self.shape[self.channel_axis]

    @property
    def rate(self) -> float:
        """Elements a second, in Hz."""
        return self.sample_rate / self.hop

    @property
    def receptive_field_seconds(self) -> float:
        return self.receptive_field / self.sample_rate

    def times(self) -> Tensor:
        """Time in s of every element of the time axis, the centre of its receptive field."""
        if self.time_axis is None:
            return torch.zeros(1, dtype=torch.float64)
        steps = torch.arange(self.shape[self.time_axis], dtype=torch.float64)
        return (self.centre + self.hop * steps) / self.sample_rate


@dataclass(frozen=True)
class Layer:
    """Convolutions that read the same tensor and are concatenated, most often a single one.

    The real and the imaginary part of a complex transform, which are squared and added, are one layer, too.

    `skip` says whether the result, perhaps normalised, is added to another path.
    """

    name: str
    taps: tuple[Tap, ...]
    skip: bool


@dataclass(frozen=True)
class Trace(Mapping[str, Tap]):
    """The taps of a model by name, in call order, and the layers that its convolutions form."""

    taps: dict[str, Tap]
    layers: tuple[Layer, ...]
    sample_rate: float

    def __getitem__(self, name: str) -> Tap:
        return self.taps[self.resolve(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self.taps)

    def __len__(self) -> int:
        return len(self.taps)

    def __contains__(self, name: object) -> bool:
        return name in self.taps

    def __str__(self) -> str:
        """A table: a line a tap, hop and receptive field in samples."""
        lines = [("tap", "operation", "channels", "kernel", "stride", "hop", "receptive field", "rate (Hz)")]
        lines += [
            (
                tap.name,
                tap.op,
                str(tap.channels),
                "x".join(map(str, tap.kernel)),
                "x".join(map(str, tap.stride)),
                "-" if tap.time_axis is None else f"{tap.hop:g}",
                str(tap.receptive_field),
                "-" if tap.time_axis is None else f"{tap.rate:g}",
            )
            for tap in self.taps.values()
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )

    def resolve(self, name: str) -> str:
        """The full name of a tap given by its full name or by an end of it that only one tap has.

        Raises
        ------
        InputError
            If there is no such tap, or several.
        """
        return resolve_tap(name, list(self.taps))

    def first_layer(self) -> Layer:
        """The first convolutions, which most often read the waveform."""
        if not self.layers:
            raise InputError("the model has no convolution, and so no first layer")
        return self.layers[0]


def resolve_tap(name: str, names: list[str]) -> str:
    """`name` itself where it is one of `names`, else the only one that ends in ``.name``."""
    if name in names:
        return name
    ends = [known for known in names if known.endswith(f".{name}")]
    if len(ends) == 1:
        return ends[0]
    near = ends or difflib.get_close_matches(name, names, n=5, cutoff=0.4) or names[:8]
    problem = f"several taps end in {name!r}; choose one of" if ends else f"no tap is named {name!r}; near it are"
    raise InputError(f"{problem}: {', '.join(near)} (`otoscope taps` lists all {len(names)})")


def trace(
    model: nn.Module,
    inputs: Tensor,
    sample_rate: float,
    time_axes: Mapping[str, int] | None = None,
) -> Trace:
    """Run a model once and record what it does to time.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms; it is run in evaluation mode and left as it was.
    inputs : Tensor, (batch, ..., time)
        What the model takes; the first clip of the batch is used.
    sample_rate : float
        Of `inputs`, in Hz.
    time_axes : mapping of str to int, optional
        Time axes of taps, by name, where the trace gets them wrong.

    Returns
    -------
    Trace
        The taps by name, in call order.

    Raises
    ------
    InputError
        If no convolution, activation or pooling is found.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.MaxPool1d(3))
    >>> taps = trace(model, torch.zeros(1, 1, 16_000), sample_rate=16_000)
    >>> [(tap.name, tap.hop, tap.receptive_field) for tap in taps.values()]
    [('0', 10.0, 30), ('1', 10.0, 30), ('2', 30.0, 50)]
    """
    inputs = inputs[:1].detach().clone()  # a model may overwrite its input
    recorder = _Recorder(inputs, sample_rate, dict(time_axes or {}))
    with torch.no_grad(), evaluating(model), intercepting(model, recorder.handle):
        model(inputs)
    if not recorder.taps:
        raise InputError(
            f"no convolution, activation or pooling was found in {model._get_name()}: scripted and "
            "compiled models hide them, so give the original module"
        )
    return Trace(recorder.taps, recorder.layers(), sample_rate)


def locate(
    model: nn.Module,
    inputs: Tensor,
    sample_rate: float,
    layer: str,
    time_axes: Mapping[str, int] | None = None,
) -> tuple[Tap, Tensor]:
    """One tap and its value, by a forward pass that goes no further than needed.

    Parameters
    ----------
    model, inputs, sample_rate, time_axes
        As in :func:`trace`, but for all clips of `inputs`; the shape of the tap has them on its first axis.
    layer : str
        The tap. With its full name the pass stops there; with the end of it the pass runs to the end of the
        model, since another tap may end alike.

    Returns
    -------
    tap : Tap
    value : Tensor
        What the operation returned, copied before an activation may overwrite it in place.

    Raises
    ------
    InputError
        If there is no such tap, or several.
    """
    recorder = _Recorder(inputs, sample_rate, dict(time_axes or {}), wanted=layer)
    with torch.no_grad(), evaluating(model), intercepting(model, recorder.handle), suppress(TapReached):
        model(inputs.detach().clone())
    tap = recorder.taps[resolve_tap(layer, list(recorder.taps))]
    return tap, recorder.values[tap.name]


@dataclass(frozen=True)
class _Lineage:
    """Where a tensor comes from.

    `origin` is the number of the tensor, unchanged by operations such as padding; `convolutions` are the last
    ones on its way and `upstream` all of them.
    """

    origin: int
    convolutions: frozenset[str] = frozenset()
    upstream: frozenset[str] = frozenset()


class _Recorder:
    def __init__(
        self, inputs: Tensor, sample_rate: float, time_axes: dict[str, int], wanted: str | None = None
    ) -> None:
        self.samples, self.sample_rate = inputs.shape[-1], sample_rate
        self.time_axes, self.wanted = time_axes, wanted
        self.taps: dict[str, Tap] = {}
        self.values: dict[str, Tensor] = {}  # of the taps that `wanted` may mean
        self.reads: dict[str, int] = {}  # convolution -> origin of the tensor it reads
        self.joined: list[frozenset[str]] = []  # convolutions that are concatenated
        self.skipped: set[str] = set()  # convolutions that are added to another path
        self.squares: set[int] = set()  # origins of what was squared
        self._supports: Any = WeakIdKeyDictionary()
        self._lineages: Any = WeakIdKeyDictionary()
        self._count = 0
        self._supports[inputs] = Support.of_waveform(inputs.shape)
        self._lineages[inputs] = self._new_lineage()

    def _new_lineage(
        self, convolutions: frozenset[str] = frozenset(), upstream: frozenset[str] = frozenset()
    ) -> _Lineage:
        self._count += 1
        return _Lineage(self._count, convolutions, upstream | convolutions)

    def handle(self, call: Call) -> Any:
        before = _tensors_of(call)
        read = None if call.tap is None else self._supports.get(call.input)
        read_shape = () if call.tap is None else tuple(call.input.shape)
        lineages = [self._lineages[t] for t in before if t in self._lineages]
        result = call.run()
        for out, support in follow(call, result, self._supports.get):
            self._supports[out] = support
            self._lineages[out] = self._descend(call, lineages)
            if call.tap is not None and call.tap not in self.taps:
                tap = self._tap(call, out, support)
                self.taps[call.tap] = replace(tap, input_shape=read_shape, **_what_was_read(read))
                self._keep(call.tap, out)
        return result

    def _keep(self, name: str, value: Tensor) -> None:
        if self.wanted is not None and f".{name}".endswith(f".{self.wanted}"):
            self.values[name] = value.detach().clone()
            if name == self.wanted:
                raise TapReached

    def _descend(self, call: Call, lineages: list[_Lineage]) -> _Lineage:
        upstream = frozenset().union(*(lineage.upstream for lineage in lineages))
        if call.operation is not None and call.operation.kind == "convolution":
            assert call.tap is not None
            source = self._lineages.get(call.input) or self._new_lineage()
            self.reads[call.tap] = source.origin
            return self._new_lineage(frozenset([call.tap]), upstream)
        if call.name in _PASSING and len(lineages) == 1:
            return lineages[0]
        sums = call.name.rstrip("_") in _SUMMING or call.name in _SUMMING
        convolutions = frozenset().union(*(lineage.convolutions for lineage in lineages))
        squared = bool(convolutions) and all(one.origin in self.squares for one in lineages if one.convolutions)
        if len(lineages) > 1 and (call.name in _JOINING | _COMPLEX or (sums and squared)):
            self.joined.append(convolutions)
        elif sums:
            self._mark_skips(lineages)
        lineage = self._new_lineage(convolutions, upstream)
        if squared or _squares(call):
            self.squares.add(lineage.origin)
        return lineage

    def _mark_skips(self, summands: list[_Lineage]) -> None:
        """Of paths that are added, mark the convolutions that end one, not those that both start from."""
        for one in summands:
            others = [other for other in summands if other.origin != one.origin]
            if others and not any(one.convolutions <= other.upstream for other in others):
                self.skipped |= one.convolutions

    def _tap(self, call: Call, out: Tensor, support: Support) -> Tap:
        operation, name = call.operation, call.tap
        assert operation is not None and name is not None
        axis = self.time_axes.get(name, support.time_axis())
        if axis is not None:
            axis %= out.ndim
        weight, channel_axis = operation.weight, _channel_axis(out.ndim, axis)
        if channel_axis is not None:  # branches of different widths may have been concatenated
            support = reduced(support, [channel_axis])
        return Tap(
            name=name,
            kind=operation.kind,
            op=operation.op,
            shape=tuple(out.shape),
            channel_axis=channel_axis,
            time_axis=axis,
            kernel=operation.kernel,
            stride=operation.stride,
            dilation=operation.dilation,
            hop=float("nan") if axis is None else support.hop(axis),
            receptive_field=min(support.receptive_field(0), self.samples)
            if axis is None
            else support.receptive_field(axis),
            centre=support.centre(0 if axis is None else axis),
            whole=support.whole,
            sample_rate=self.sample_rate,
            groups=operation.groups,
            weight=None if weight is None else weight.detach().clone(),
            time_axes=() if axis is None else (axis,),
        )

    def layers(self) -> tuple[Layer, ...]:
        """Single convolutions and groups of parallel ones, in call order."""
        layers: list[Layer] = []
        placed: set[str] = set()
        for name, tap in self.taps.items():
            if tap.kind != "convolution" or name in placed:
                continue
            members = self._branches(name)
            placed |= set(members)
            taps = tuple(self.taps[member] for member in members)
            layers.append(Layer(_common_name(members), taps, bool(self.skipped & set(members))))
        return tuple(layers)

    def _branches(self, name: str) -> list[str]:
        """The convolutions that read what `name` reads and are concatenated with it, in call order."""
        for group in self.joined:
            beside = [other for other in group if self.reads[other] == self.reads[name]]
            if name in group and len(beside) == len(group):
                return [tap for tap in self.taps if tap in beside]
        return [name]


def _squares(call: Call) -> bool:
    """Whether a call is a square, written in one of its ways."""
    name, args = call.name.strip("_"), call.args
    if name in ("pow", "float_power"):
        return len(args) > 1 and isinstance(args[1], (int, float)) and args[1] == 2
    return name == "square" or (name in ("mul", "multiply") and len(args) > 1 and args[0] is args[1])


def _tensors_of(call: Call) -> list[Tensor]:
    tensors: list[Tensor] = []
    for item in (*call.args, *call.kwargs.values()):
        tensors += [t for t in (item if isinstance(item, (list, tuple)) else [item]) if isinstance(t, Tensor)]
    return tensors


def _what_was_read(support: Support | None) -> dict[str, Any]:
    """The fields of a :class:`Tap` on the place in time of what its operation read."""
    axis = None if support is None else support.time_axis()
    if support is None or axis is None:
        return {}
    return {
        "input_axis": axis,
        "input_hop": support.hop(axis),
        "input_centre": support.centre(axis),
        "input_hops": tuple(support.hop(a) if support.varies(a) else 0.0 for a in range(len(support.shape))),
        "input_field": support.receptive_field(axis),
    }


def _channel_axis(ndim: int, time_axis: int | None) -> int | None:
    """Axis 1 of (batch, channel, ...), unless that is time: then the last one of (batch, time, channel)."""
    if time_axis != 1:
        return 1 if ndim > 1 else None
    return ndim - 1 if ndim > 2 else None


def _common_name(members: list[str]) -> str:
    if len(members) == 1:
        return members[0]
    paths = [member.split(".") for member in members]
    shared = os.path.commonprefix([path[:-1] for path in paths])
    if shared:
        return ".".join(shared)
    return os.path.commonprefix(members).rstrip("._") or "+".join(members)
