"""What a model answers, found out by running it: which axis is time, which holds the classes, what its numbers are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from otoscope.contract import Scores
from otoscope.errors import InputError
from otoscope.network import Network
from otoscope.probe.answer import hidden_name, output_tensor
from otoscope.probe.backproject import answer
from otoscope.probe.listen import evaluating
from otoscope.probe.measure import measure
from otoscope.probe.scores import Answer
from otoscope.probe.trace import Tap, trace
from otoscope.trial import REFUSALS

_ENDS = (0.05, 0.95)  # of what reaches almost 0 and almost 1


@dataclass(frozen=True)
class Frames:
    """Where the elements of an output are in time, in samples of the waveform.

    Attributes
    ----------
    axis : int
    hop, centre : float
        From one to the next, and where the first is centred; NaN where that is not known.
    """

    axis: int
    hop: float
    centre: float


class _Ended(Network):
    """A network whose output is a tap, the last one, so that it has a place in time as any other."""

    def forward(self, inputs: Tensor) -> Tensor:
        output = output_tensor(super().forward(inputs))
        return functional.leaky_relu(output if output.is_floating_point() else output.float())


def found_out(network: Network, inputs: Tensor, sample_rate: float) -> dict[str, Any]:
    """The fields of a contract that say what a model answers, from a few passes.

    Parameters
    ----------
    network : Network
    inputs : Tensor, (1, channel, time)
        A sound that the model takes, such as silence.
    sample_rate : float
        In Hz.

    Returns
    -------
    dict
        `scores`, `multilabel`, `class_axis` and `time_axis` of :class:`otoscope.contract.Contract`; None where the
        passes do not say. Of a hidden state also `output`, its name.

    Examples
    --------
    >>> from torch import nn
    >>> from otoscope.contract import Contract
    >>> frames = nn.Sequential(nn.Conv1d(1, 3, 400, 160), nn.Sigmoid())
    >>> found_out(Network(frames, Contract()), torch.zeros(1, 1, 16_000), 16_000)
    {'class_axis': 1, 'time_axis': 2, 'scores': 'probabilities', 'multilabel': True}
    """
    with torch.no_grad():
        found = answer(network, inputs)
        time_axis = network.contract.time_axis
        if time_axis is None:
            time_axis = _time_axis(network, inputs, found.returned, sample_rate)
        class_axis = class_axis_of(tuple(found.returned.shape), time_axis, network.contract.classes)
        axes = {"class_axis": class_axis, "time_axis": time_axis}
        with evaluating(network):
            hidden = hidden_name(network.ask(inputs.clone()), network.contract.output)
        if hidden is not None:
            return axes | {"scores": "hidden state", "multilabel": None, "output": hidden}
        return axes | _scores(network, inputs, found, class_axis)


def class_axis_of(shape: tuple[int, ...], time_axis: int | None, classes: tuple[str, ...] | None = None) -> int | None:
    """The axis of the classes of an output: what is left beside clips and time, or as long as there are names.

    Examples
    --------
    >>> class_axis_of((1, 10), None), class_axis_of((1, 50, 32), 1), class_axis_of((1, 4, 10), None)
    (1, 2, None)
    """
    left = [axis for axis in range(1, len(shape)) if time_axis is None or axis != time_axis % len(shape)]
    named = [axis for axis in left if classes and shape[axis] == len(classes)]
    long = [axis for axis in left if shape[axis] > 1]
    for choice in (named, left, long):
        if len(choice) == 1:
            return choice[0]
    return None


def frames_of_output(network: Network, inputs: Tensor, sample_rate: float) -> Frames:
    """Where the frames of an output are in time, by the trace, or by measurement where it does not say.

    Examples
    --------
    >>> from torch import nn
    >>> from otoscope.contract import Contract
    >>> network = Network(nn.Conv1d(1, 3, 401, 160), Contract(time_axis=2))
    >>> frames_of_output(network, torch.zeros(1, 1, 16_000), 16_000)
    Frames(axis=2, hop=160.0, centre=200.0)
    """
    with torch.no_grad(), evaluating(network):
        shape = output_tensor(network(inputs.clone())).shape
    tap, ended = _output_tap(network, inputs, sample_rate, shape)
    axis = network.contract.time_axis
    axis = axis % len(shape) if axis is not None else None if tap is None else tap.time_axis
    if axis is None:
        raise InputError("the output has no axis of time")
    if tap is not None and tap.time_axis == axis and tap.hop > 0:
        return Frames(axis, tap.hop, tap.centre)
    measured = None if tap is None else measure(ended, inputs, [tap.name]).get(tap.name)
    if measured is None or axis not in measured.axes or measured.hop is None:
        return Frames(axis, math.nan, math.nan)
    return Frames(axis, measured.hop, math.nan if measured.centre is None else measured.centre)


def _output_tap(
    network: Network, inputs: Tensor, sample_rate: float, shape: Sequence[int]
) -> tuple[Tap | None, Network]:
    """The output as a tap; None where the trace lost it on the way."""
    ended = _Ended(network.model, network.contract, network.given)
    last = list(trace(ended, inputs, sample_rate).values())[-1]
    return (last if last.op == "leaky_relu" and last.shape[1:] == tuple(shape)[1:] else None), ended


def _time_axis(network: Network, inputs: Tensor, output: Tensor, sample_rate: float) -> int | None:
    """The axis that grows with the clip; of a model that takes one length, the one along which it moves."""
    shape, classes = tuple(output.shape), network.contract.classes
    if output.ndim < 2 or (output.ndim == 2 and classes and len(classes) == shape[1]):
        return None
    if network.contract.length is None:
        try:
            with evaluating(network):
                longer = output_tensor(network(torch.cat([inputs, inputs], -1))).shape
        except REFUSALS:
            longer = None
        if longer is not None and len(longer) == len(shape):
            grown = [axis for axis in range(1, len(shape)) if longer[axis] != shape[axis]]
            return grown[0] if len(grown) == 1 else None
    try:
        tap, _ = _output_tap(network, inputs, sample_rate, shape)
    except REFUSALS:
        return None
    return tap.time_axis if tap is not None and tap.time_axis and tap.hop > 0 else None


def _scores(network: Network, inputs: Tensor, found: Answer, class_axis: int | None) -> dict[str, Any]:
    normalised = found.normalised
    if normalised is not None:
        scores: Scores = "log-probabilities" if normalised.log else "probabilities"
        several = class_axis is not None and found.returned.shape[class_axis] > 1
        multilabel = normalised.of == "sigmoid" and several if not normalised.odds else None
        return {"scores": scores, "multilabel": multilabel}
    sums = _like_probabilities(network, inputs, found.returned, class_axis)
    return {"scores": "logits" if sums is None else "probabilities", "multilabel": False if sums else None}


def _like_probabilities(network: Network, inputs: Tensor, returned: Tensor, class_axis: int | None) -> bool | None:
    """Whether values of 0 to 1 for several sounds also sum to 1 over classes; None where they are none.

    Scores of an untrained network, or a cosine, may lie there by chance. Those that do not sum to 1 have to reach both
    ends, as a sigmoid does for sounds that are very loud.
    """
    sums, first, moves = class_axis is not None and returned.shape[class_axis] > 1, returned, False
    least, most = 1.0, 0.0
    for sound in (None, *_sounds(inputs)):
        if sound is not None:
            try:
                with evaluating(network):
                    returned = output_tensor(network(sound))
            except REFUSALS:
                return None
        moves = moves or returned.shape != first.shape or not torch.equal(returned, first)
        if not (returned.is_floating_point() and ((returned >= 0) & (returned <= 1)).all()):
            return None
        if sums:
            assert class_axis is not None
            sums = bool(((returned.sum(class_axis) - 1).abs() < 1e-3).all())
        least, most = min(least, float(returned.min())), max(most, float(returned.max()))
    # what is always the same says nothing
    return sums if moves and (sums or (least < _ENDS[0] and most > _ENDS[1])) else None


def _sounds(inputs: Tensor) -> list[Tensor]:
    """Noise and a tone, soft and very loud: what is not a probability hardly stays between 0 and 1 for all of them."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(inputs.shape, generator=generator).to(inputs)
    tone = torch.sin(0.3 * torch.arange(inputs.shape[-1])).expand(inputs.shape).to(inputs)
    return [0.1 * noise, tone, 1000 * noise, -1000 * tone]
