"""Listen to one forward pass and note where each tap is in time, and which convolutions form layers."""

from __future__ import annotations

import math
import os.path
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.probe.by_tensor import ByTensor
from otoscope.probe.clips import Clips
from otoscope.probe.clips import Place as ClipsAt
from otoscope.probe.follow import CHOSEN, follow, returned
from otoscope.probe.growth import Growth, Where, hop_of, of_clips
from otoscope.probe.inject import Injection
from otoscope.probe.layout import supports_of, tensors_in
from otoscope.probe.listen import Call, TapReached
from otoscope.probe.readoff import Place, read_off
from otoscope.probe.sharing import Sharing, overwritten
from otoscope.probe.support import Support, even, marks, reduced
from otoscope.probe.tap import Layer, Tap
from otoscope.probe.transforms import transform
from otoscope.probe.writes import unwatched

_PASSING = frozenset("pad contiguous clone dropout dropout1d detach to float identity".split())
_SUMMING = frozenset("add __add__ __radd__ __iadd__".split())
_JOINING = frozenset("cat concat concatenate stack".split())
_PAIRING = _JOINING | frozenset("complex hypot atan2 arctan2 polar".split())  # of a real and an imaginary part
_LEAVING = frozenset("numpy item tolist __array__ __float__ __int__ __bool__ __index__ __dlpack__".split())
_MAKING = frozenset("tensor as_tensor asarray from_numpy frombuffer from_dlpack new_tensor".split())


@dataclass(frozen=True)
class Lineage:
    """Where a tensor comes from.

    `origin` is the number of the tensor, unchanged by operations such as padding; `convolutions` are the last
    ones on its way and `upstream` all of them.
    """

    origin: int
    convolutions: frozenset[str] = frozenset()
    upstream: frozenset[str] = frozenset()


class Recorder:
    """The handler of a forward pass from which a trace is made.

    Parameters
    ----------
    model : nn.Module
    inputs : Tensor
        The very tensor that the model is given.
    sample_rate : float
    time_axes : mapping of str to int
        Time axes of taps, by name, as the user knows them.
    growth : Growth
        Shapes of the same pass for a longer clip.
    injection : Injection
        For measurements of what arithmetic does not know.
    wanted : str, optional
        The tap at which the pass ends, by its name or the end of it; its value is kept.
    """

    def __init__(
        self, model: nn.Module, inputs: Tensor, sample_rate: float, time_axes: Mapping[str, int], growth: Growth,
        injection: Injection, wanted: str | None = None,
    ) -> None:  # fmt: skip
        self._model, self.samples, self.sample_rate = model, inputs.shape[-1], sample_rate
        self.time_axes, self.wanted, self.growth, self.injection = time_axes, wanted, growth, injection
        self.taps: dict[str, Tap] = {}
        self.values: dict[str, Tensor] = {}  # of the taps that `wanted` may mean
        self.computed = False  # whether a kernel, or the way through the model, comes from the sound
        self._reads: dict[str, int] = {}  # convolution -> origin of the tensor it reads
        self._joined: list[frozenset[str]] = []  # convolutions that are concatenated
        self._skipped: set[str] = set()  # convolutions that are added to another path
        self._squares: set[int] = set()  # origins of what was squared
        self._supports: ByTensor[Support | None] = ByTensor()  # None for what is computed from parameters alone
        self._lineages: ByTensor[Lineage] = ByTensor()
        self._sharing = Sharing()
        self._clips = Clips(inputs, lambda: of_clips(model, injection.clip, 2 * len(inputs), wanted))
        self._tensors, self._calls, self._coarsest = 0, 0, 1.0
        self._left = ""  # the first function by which numbers from the sound left torch
        for t in _tensors_of_modules(model):
            self._supports[t] = None
        self._supports[inputs] = Support.of_waveform(inputs.shape)
        self._lineages[inputs] = self._new_lineage()

    def handle(self, call: Call) -> Any:
        """Run a call, and follow what it does to time."""
        number, self._calls = self._calls, self._calls + 1
        if transform():  # whose tensors have no storage; what comes out of it is measured
            return call.run()
        before = tensors_in((call.args, call.kwargs))
        self._meet(before, number)
        lineages = [known for t in before if (known := self._lineages.get(t)) is not None]
        read = None if call.tap is None else (self._supports.get(call.input), tuple(call.input.shape))
        result = call.run()
        with unwatched():
            self._follow(call, number, result, before, lineages, read)
        return result

    def _follow(
        self, call: Call, number: int, result: Any, before: list[Tensor], lineages: list[Lineage],
        read: tuple[Support | None, tuple[int, ...]] | None,
    ) -> None:  # fmt: skip
        """Note what a call made of what it read, and where that is in time."""
        outputs = tensors_in(returned(call, result))
        if not outputs:
            self._watch_leaving(call, before)
            return

        def unknown(out: Tensor, inputs: list[Support]) -> Support:
            place = next((i for i, one in enumerate(outputs) if one is out), 0)
            return self._measured(call, number, place, inputs, out)

        followed = follow(call, result, self._supports.get, unknown)
        if not followed and self._left and call.name in _MAKING:
            followed = [(out, self._behind(number, i, out)) for i, out in enumerate(outputs)]
            for out in outputs:
                self._clips.lose(out)
        self._clips.follow(call, outputs)
        own = _within_a_function()
        for out, support in followed:
            if own:  # its derivative is not that of what it calls
                support = replace(support, cut=marks(supports_of(before, self._supports.get))[2])
            elif not support.cut and self.growth.without_gradients(number, call.name):
                support = replace(support, cut="no_grad")
            if call.tap is not None and call.tap not in self.taps and read is not None:
                support = self._note(call, number, out, support, *read)
                self._keep(call.tap, out)
            self._supports[out] = support
            self._lineages[out] = self._descend(call, lineages)
            if any(out is t for t in before):
                for other in self._sharing.beside(out):
                    self._supports[other] = overwritten(other, self._supports.get(other), out, support)
        self._sharing.meet(before, outputs)
        for out in outputs:
            if out not in self._supports:
                self._supports[out] = None

    def _keep(self, name: str, value: Tensor) -> None:
        if self.wanted is not None and f".{name}".endswith(f".{self.wanted}"):
            self.values[name] = value.detach().clone()
            if name == self.wanted:
                raise TapReached

    # -- What arithmetic does not know ----------------------------------------------------------------------

    def _meet(self, tensors: list[Tensor], number: int) -> None:
        """Find out where tensors come from that no function made which was listened to: scripts, numpy, constants."""
        for place, t in enumerate(tensors):
            if t in self._supports:
                continue
            if isinstance(t, nn.Parameter):
                self._supports[t] = None
                continue
            with unwatched():
                origin = self.injection.of_argument(number, place, t, self.growth)
            if isinstance(origin, Support):
                self._supports[t] = origin
            elif origin == "constant" or not (self._left and (t.is_floating_point() or t.is_complex())):
                self._supports[t] = None
            else:
                self._supports[t] = self._behind(number, place, t, argument=True)
            if self._supports.get(t) is not None:
                self._clips.lose(t)

    def _watch_leaving(self, call: Call, tensors: list[Tensor]) -> None:
        if call.name not in _LEAVING:
            return
        supports = [self._supports.get(t) for t in tensors]
        if any(support is not None and support.reach >= 0 for support in supports):
            self.computed = True
            if call.name not in ("__bool__", "__index__"):
                self._left = self._left or call.name.strip("_")

    def _measured(self, call: Call, number: int, place: int, inputs: list[Support], out: Tensor) -> Support:
        """What the result of an operation sees that is not known: by measurement, else it is said to be unknown."""
        shape = tuple(out.shape)
        found = self.injection.of_result(number, place, inputs, self.growth, call.name, shape)
        if found is not None:
            return found
        _, _, cut, notes = marks(inputs)
        return self._unknown(shape, Where(number, place), cut, (*notes, f"field not known behind {call.name}"))

    def _behind(self, number: int, place: int, out: Tensor, argument: bool = False) -> Support:
        """The support of a tensor that was made of numbers which had left torch."""
        shape = tuple(out.shape)
        return self._unknown(shape, Where(number, place, argument), self._left, ())

    def _unknown(self, shape: tuple[int, ...], where: Where, cut: str, notes: tuple[str, ...]) -> Support:
        grown = self.growth.of_call(where, shape)
        if not grown or len(grown) > 1 or min(grown.values()) < 1:
            ones = torch.ones([1] * len(shape), dtype=torch.float64)
            return Support(0 * ones, (self.samples - 1) * ones, shape, True, False, cut, notes)
        ((axis, added),) = grown.items()
        hop = hop_of(self._model, self.injection.clip, self.growth, where, axis, shape[axis])
        told = "hop told by the growth of the clip alone"
        if hop is None:
            hop = self.growth.more / added
            told = f"{told}, to within {100 / added:.2g} %"
        support = even(shape, axis, hop, (hop - 1) / 2, max(round(hop), 1), True)
        return replace(support, known=False, cut=cut, notes=tuple(dict.fromkeys([*notes, told])))

    # -- Taps -------------------------------------------------------------------------------------------------

    def _note(
        self, call: Call, number: int, out: Tensor, support: Support, read: Support | None, shape: tuple[int, ...]
    ) -> Support:
        """Keep the tap of a call; its support, perhaps measured where arithmetic disagrees with how the clip grows."""
        name = call.tap
        assert name is not None
        place = read_off(support)
        if self._stated(name) is None and not self._agrees(name, out, support, place):
            measured = self.injection.of_result(number, 0, [support], self.growth, call.name, tuple(out.shape))
            if measured is not None and self._agrees(name, out, measured, read_off(measured)):
                support = measured
            else:
                support = replace(support, notes=(*support.notes, "disagrees with how the clip grows"))
        clips = self._clips.at(number, out) if support.reach >= 0 else None
        tap = self._tap(call, out, support, clips)
        if tap.hop > self._coarsest:
            self._coarsest = tap.hop
        self.taps[name] = replace(tap, input_shape=shape, **_what_was_read(read))
        return support

    def _stated(self, name: str) -> int | None:
        """The axis of time that the user gave to a tap, by its name or the end of it."""
        for stated, axis in self.time_axes.items():
            if f".{name}".endswith(f".{stated}"):
                return axis
        return None

    def _agrees(self, name: str, out: Tensor, support: Support, place: Place) -> bool:
        """Whether the axis of time and its hop are those by which the tap grows with the clip."""
        if support.reach < 0 or CHOSEN in support.notes or name not in self.growth.taps:
            return True
        shape = tuple(out.shape)
        grown = self.growth.of_tap(name, shape)
        if not grown:  # of a fixed length, or nothing is known
            return True
        if len(grown) > 1 or len(place.axes) != 1:
            return tuple(grown) == place.axes
        off = abs(grown.get(place.axes[0], 0) * place.hop - self.growth.more)
        return not off > 2 * max(place.hop, self._coarsest) + 0.1 * self.growth.more

    def _tap(self, call: Call, out: Tensor, support: Support, clips: ClipsAt | None) -> Tap:
        operation, name = call.operation, call.tap
        assert operation is not None and name is not None
        axes = support.time_axes
        stated = self._stated(name)
        if stated is not None:
            axes = (stated % out.ndim,)
        weight, channel_axis = operation.weight, _channel_axis(tuple(out.shape), axes, clips)
        if channel_axis is not None:  # branches of different widths may have been concatenated
            support = reduced(support, [channel_axis])
        if weight is not None:
            self.computed |= self._comes_from_the_sound(call)
        place = read_off(support, axes)
        axis = axes[0] if len(axes) == 1 else None
        field = place.field if axes or place.field is None else min(place.field, self.samples)
        return Tap(
            name=name,
            kind=operation.kind,
            op=operation.op,
            shape=tuple(out.shape),
            clip_axis=clips.axis if clips is not None and clips.alone else None,
            channel_axis=channel_axis,
            time_axis=axis,
            kernel=operation.kernel,
            stride=operation.stride,
            dilation=operation.dilation,
            hop=place.hop if place.hop > 0 else math.nan,
            receptive_field=field,
            centre=place.centre,
            whole=support.whole or bool(axes and place.sees),
            sample_rate=self.sample_rate,
            groups=operation.groups,
            weight=None if weight is None else weight.detach().clone(),
            note=_note_on(support, place),
            time_axes=axes,
            uneven=place.uneven,
        )

    def _comes_from_the_sound(self, call: Call) -> bool:
        supports = [self._supports.get(t) for t in tensors_in((call.args[1:], call.kwargs)) if t is not call.input]
        return any(support is not None and support.reach >= 0 for support in supports)

    # -- Layers -----------------------------------------------------------------------------------------------

    def _new_lineage(
        self, convolutions: frozenset[str] = frozenset(), upstream: frozenset[str] = frozenset()
    ) -> Lineage:
        self._tensors += 1
        return Lineage(self._tensors, convolutions, upstream | convolutions)

    def _descend(self, call: Call, lineages: list[Lineage]) -> Lineage:
        upstream = frozenset().union(*(lineage.upstream for lineage in lineages))
        if call.operation is not None and call.operation.kind == "convolution":
            assert call.tap is not None
            source = self._lineages.get(call.input) or self._new_lineage()
            self._reads[call.tap] = source.origin
            return self._new_lineage(frozenset([call.tap]), upstream)
        if call.name in _PASSING and len(lineages) == 1:
            return lineages[0]
        sums = call.name.rstrip("_") in _SUMMING or call.name in _SUMMING
        convolutions = frozenset().union(*(lineage.convolutions for lineage in lineages))
        squared = bool(convolutions) and all(one.origin in self._squares for one in lineages if one.convolutions)
        if len(lineages) > 1 and (call.name in _PAIRING or (sums and squared)):
            self._joined.append(convolutions)
        elif sums:
            self._mark_skips(lineages)
        lineage = self._new_lineage(convolutions, upstream)
        if squared or _squares(call):
            self._squares.add(lineage.origin)
        return lineage

    def _mark_skips(self, summands: list[Lineage]) -> None:
        """Of paths that are added, mark the convolutions that end one, not those that both start from."""
        for one in summands:
            others = [other for other in summands if other.origin != one.origin]
            if others and not any(one.convolutions <= other.upstream for other in others):
                self._skipped |= one.convolutions

    def layers(self) -> tuple[Layer, ...]:
        """Single convolutions and groups of parallel ones, in call order, each under a name of its own."""
        groups: list[list[str]] = []
        placed: set[str] = set()
        for name, tap in self.taps.items():
            if tap.kind == "convolution" and name not in placed:
                groups.append(self._branches(name))
                placed |= set(groups[-1])
        names = [_common_name(members) for members in groups]
        taken = {name for name in names if names.count(name) > 1}
        return tuple(
            Layer(
                "+".join(members) if name in taken else name,
                tuple(self.taps[member] for member in members),
                bool(self._skipped & set(members)),
            )
            for name, members in zip(names, groups, strict=True)
        )

    def _branches(self, name: str) -> list[str]:
        """The convolutions that read what `name` reads and are concatenated with it, in call order."""
        for group in self._joined:
            beside = [other for other in group if self._reads[other] == self._reads[name]]
            if name in group and len(beside) == len(group):
                return [tap for tap in self.taps if tap in beside]
        return [name]


def _within_a_function() -> bool:
    """Whether this is in the forward pass of a `torch.autograd.Function`, where no call makes a graph."""
    return not torch._C._is_fwd_grad_enabled() and not torch.is_inference_mode_enabled()


def _squares(call: Call) -> bool:
    """Whether a call is a square, written in one of its ways."""
    name, args = call.name.strip("_"), call.args
    if name in ("pow", "float_power"):
        return len(args) > 1 and isinstance(args[1], (int, float)) and args[1] == 2
    return name == "square" or (name in ("mul", "multiply") and len(args) > 1 and args[0] is args[1])


def _tensors_of_modules(model: nn.Module) -> list[Tensor]:
    """Parameters, buffers and tensors that modules keep as plain attributes."""
    kept: list[Tensor] = [*model.parameters(), *model.buffers()]
    for module in model.modules():
        kept += tensors_in([value for key, value in vars(module).items() if not key.startswith("_")])
    return kept


def _what_was_read(support: Support | None) -> dict[str, Any]:
    """The fields of a :class:`Tap` on the place in time of what its operation read."""
    axis = None if support is None else support.time_axis
    if support is None or axis is None or len(support.time_axes) > 1:
        return {}
    place = read_off(support)
    return {
        "input_axis": axis,
        "input_hop": place.hop if place.hop > 0 else math.nan,
        "input_centre": place.centre,
        "input_hops": tuple(_hop_along(support, a) for a in range(len(support.shape))),
        "input_field": place.field,
    }


def _hop_along(support: Support, axis: int) -> float:
    """The hop along one axis, 0 where it is not one of time: channels of padded branches may differ a little."""
    hop = read_off(support, [axis]).hop if support.moves_along(axis) else 0.0
    return hop if hop > 0 or axis == support.time_axis else 0.0


def _note_on(support: Support, place: Place) -> str:
    """What the place of a tap in time rests on, in words."""
    words = []
    if support.cut:
        words.append(f"behind a cut: {support.cut}" + ("" if support.known else ", field not known"))
    words += support.notes
    if len(place.axes) > 1:
        words.append("two time axes: a map over pairs of times")
    if place.sees in ("before", "after") and place.axes:
        words.append(f"sees all {place.sees}")
    if place.note and place.axes:
        words.append(place.note)
    if place.uneven:
        words.append(f"elements lie up to {place.uneven:g} samples off an even hop")
    return "; ".join(dict.fromkeys(words))


def _channel_axis(shape: tuple[int, ...], time: tuple[int, ...], clips: ClipsAt | None) -> int | None:
    """The first axis beside clips and time, as in (clip, channel, ...); the last one of (clip, time, ..., channel).

    Without an axis of clips, one that clips are folded into comes after others, and one of a single element last.
    """
    left = [axis for axis in range(len(shape)) if axis not in time]
    if clips is not None and clips.alone:
        left = [axis for axis in left if axis != clips.axis]
        return (left[-1] if time and min(time) < left[0] else left[0]) if left else None
    folded = None if clips is None else clips.axis
    left.sort(key=lambda axis: (shape[axis] == 1, axis == folded))
    return left[0] if left else None


def _common_name(members: list[str]) -> str:
    if len(members) == 1:
        return members[0]
    paths = [member.split(".") for member in members]
    shared = os.path.commonprefix([path[:-1] for path in paths])
    if shared:
        return ".".join(shared)
    return os.path.commonprefix(members).rstrip("._") or "+".join(members)
