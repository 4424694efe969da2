"""What a trace records: taps, the layers that convolutions form, and how to name them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from otoscope.errors import InputError
from otoscope.markup import card, facts, note, table
from otoscope.probe.ops import Kind


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
    clip_axis : int or None
        The axis of the clips of a batch. None where they have none of their own, as where frames or bands are folded
        into the batch, or where it is not known: then clips are to be run one by one, and all axes are of one clip.
    time_axis : int or None
        The axis that is time; None behind a pooling over all of time.
    kernel, stride, dilation : tuple of int
        One number a spatial axis; empty for activations.
    hop : float
        Input samples from one element of the time axis to the next; NaN without a time axis.
    receptive_field : int or None
        Input samples on which one element depends through windows, in the middle of the clip; None where that is not
        known, as behind numbers that left torch.
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
        All axes that are time: more than one where a map is over pairs of times, which has no single `time_axis`. Its
        `hop`, `centre` and `receptive_field` are those on the diagonal.
    uneven : float
        Samples by which the interval that an element sees may begin or end elsewhere than ``centre + i * hop`` and the
        field say, as behind interpolation; the field is that of the widest.
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
    receptive_field: int | None
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
    uneven: float = 0.0
    clip_axis: int | None = 0

    def _repr_html_(self) -> str:
        """What is known of it, in notebooks."""
        return card(
            self.name,
            facts({
                "operation": f"{self.op} ({self.kind})",
                "shape of a clip": " x ".join(map(str, self.shape)),
                "channels": self.channels,
                "kernel": " x ".join(map(str, self.kernel)),
                "stride": " x ".join(map(str, self.stride)),
                "hop": "no single time axis" if math.isnan(self.hop) else f"{self.hop:g} samples ({self.rate:g} Hz)",
                "receptive field": "not known" if self.receptive_field is None else
                f"{self.receptive_field} samples ({1000 * self.receptive_field_seconds:.4g} ms)",
                "sees the whole sound": "yes" if self.whole else None,
                "note": self.remarks,
            }),
        )  # fmt: skip

    @property
    def channels(self) -> int:
        return 1 if self.channel_axis is None else self.shape[self.channel_axis]

    @property
    def remarks(self) -> str:
        """The note, and whether clips are run one by one."""
        alone = "" if self.clip_axis is not None else "clips have no axis of their own, and are run one by one"
        return "; ".join(filter(None, [self.note, alone]))

    @property
    def rate(self) -> float:
        """Elements a second, in Hz; NaN where the hop is not known."""
        return self.sample_rate / self.hop

    @property
    def receptive_field_seconds(self) -> float:
        """NaN where the receptive field is not known."""
        return math.nan if self.receptive_field is None else self.receptive_field / self.sample_rate

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
        columns, rows = self._table()
        lines = [columns, *(["-" if one is None else f"{one:g}" if isinstance(one, float) else str(one) for one in row]
                            for row in rows)]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )

    def __repr__(self) -> str:
        names = list(self.taps)
        ends = " to ".join(dict.fromkeys([*names[:1], *names[-1:]]))
        return f"<Trace of {len(names)} taps at {self.sample_rate:g} Hz: {ends}>"

    def _repr_html_(self) -> str:
        """The table, in notebooks."""
        columns, rows = self._table()
        title = f"{len(rows)} taps, in call order"
        return card(title, table(columns, rows), note(f"Hop and receptive field in samples at {self.sample_rate:g} Hz"))

    def _table(self) -> tuple[list[str], list[list[object]]]:
        """Headings, and a row a tap."""
        columns = ["tap", "operation", "channels", "kernel", "stride", "hop", "receptive field", "rate (Hz)"]
        rows: list[list[object]] = [
            [
                tap.name,
                tap.op,
                tap.channels,
                "x".join(map(str, tap.kernel)),
                "x".join(map(str, tap.stride)),
                None if math.isnan(tap.hop) else float(tap.hop),
                tap.receptive_field,
                None if math.isnan(tap.hop) else float(tap.rate),
            ]
            for tap in self.taps.values()
        ]
        if not any(tap.remarks for tap in self.taps.values()):
            return columns, rows
        return [*columns, "note"], [[*row, tap.remarks] for row, tap in zip(rows, self.taps.values(), strict=True)]

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
