"""How active every feature map is in a sound: its mean, its root mean square, and its peak with its time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.portions import frames_within
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.segment_axes import SEGMENT, Placed, place_segments, segment_axes
from otoscope.methods.slide import parts_along, pieces_of
from otoscope.pieces import Pieces
from otoscope.probe import Tap, Trace, trace
from otoscope.probe.blocks import block_ends
from otoscope.probe.read import visit_taps
from otoscope.probe.select import by_clip
from otoscope.results import to_numpy, variable
from otoscope.subject import Subject, silence
from otoscope.trial import REFUSALS
from otoscope.types import Segments, Wave

_LONGER = 1.3  # times a second: a second length, of another rest by every stride, that places of taps are read at

_Numbers = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Mean, root mean square, peak and its time, each (clip, channel), and what is in segments, see :func:`_within`."""


@method(
    source=cite("sonification", "section 5.3"),
    takes="wave",
    rows=Rows(
        ("map",),
        ("layer", "channel", "mean_activation", "rms", "peak", "peak_time"),
        beside=(
            Rows(("map", "segment_label"), ("layer", "channel", "label_activation"), top=3),
            Rows(("map", "segment"), ("layer", "channel", *SEGMENT, "segment_activation"), swept=False),
        ),
    ),
    main="mean_activation",
    clipwise=True,
)
def activations(
    subject: Subject,
    wave: Wave,
    *,
    layer: str | Sequence[str] | None = None,
    segments: Segments | None = None,
    tier: str | None = None,
) -> xr.Dataset:
    r"""How active every feature map is in a sound: its mean, root mean square, and peak with its time.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
    layer : str or sequence of str, optional
        One or several taps, by their names or the ends of them, or "all" of those that have feature maps; the ends of
        all blocks by default.
    segments : path, mapping or sequence, optional
        Words, phones or events with their times: a TextGrid, a CTM file, a table with the columns start, stop and
        label, or a folder of such files, named as the sounds. In Python also a list of (start, stop, label).
    tier : str, optional
        Which tier of a TextGrid, or channel of a CTM file, the segments are.

    Returns
    -------
    Dataset
        Over `map`, which counts through all maps of all layers, with its `layer` and its `channel` there:
        `mean_activation`, the mean over time; `rms`, the root mean square; `peak`, the largest value, with its sign;
        `peak_time`, where that first is, in s (NaN at taps without a time axis). Of complex maps their magnitude.
        With segments also `segment_activation` (map, segment), the mean over the frames of a segment, and
        `label_activation` (map, segment_label), over those of all segments of a label, and of none, "(outside)". A
        frame is of the segment in which the centre of its receptive field lies; where there is none, it is NaN. Of a
        sound that is repeated to the length of the model, copies count with their segments.

    Raises
    ------
    InputError
        If there is no such layer, it has no axis of feature maps, or its activations are not finite; if segments
        overlap, are empty or reversed, or end after the sound.

    Notes
    -----
    With :math:`a_m[t]` the activations of map :math:`m`, over time (and frequency, where a map has that axis)

    .. math:: \bar{a}_m = \frac{1}{T} \sum_t a_m[t], \quad
              r_m = \sqrt{\frac{1}{T} \sum_t a_m[t]^2}, \quad p_m = \max_t a_m[t]

    The model runs once for all layers, and of each no more is kept than these numbers. Along a sound longer than the
    one length that it takes it runs in pieces: mean and mean square are then means over pieces, the last of which
    counts less where it overlaps, as in the answer of the model, and the peak is the largest of all pieces.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 8, 30), torch.nn.ReLU())
    >>> result = activations(Subject(model, sample_rate=8000), torch.randn(4000), layer="all")
    >>> result.rms.sizes, result.layer.values[[0, -1]].tolist()
    (Frozen({'map': 16}), ['0', '1'])
    """
    inputs = subject.whole(wave)
    pieces = pieces_of(subject.network, inputs)
    cut = (inputs,) if pieces is None else parts_along(subject.network, pieces, inputs)
    taps = _places(subject, cut[0], layer)
    placed = None if segments is None else place_segments(subject, wave, segments, tier, inputs.shape[-1])
    bounds = None if placed is None else placed.bounds
    # Where frames are the batch, only one clip at a time can be run.
    apart = subject.network.apart and not any(tap.time_axis == 0 for tap in taps.values())
    given = [part for whole in cut for part in ((whole,) if apart else whole.split(1))]
    starts = iter(np.tile((0,) if pieces is None else pieces.starts, len(inputs)).tolist())
    parts = [_numbers(subject, part, taps, bounds, list(islice(starts, len(part)))) for part in given]
    found = [np.concatenate([part[i] for part in parts], axis=int(i == 4)) for i in range(5)]
    found = found if pieces is None else _joined(found, pieces)
    names = [name for name, tap in taps.items() for _ in range(tap.channels)]
    channels = np.concatenate([np.arange(tap.channels) for tap in taps.values()])
    dims = ["clip", "map"]
    result = xr.Dataset(
        {
            "mean_activation": variable(dims, found[0], "mean activation"),
            "rms": variable(dims, found[1], "root mean square of the activation"),
            "peak": variable(dims, found[2], "largest activation"),
            "peak_time": variable(dims, found[3], "time of the largest activation", "s"),
        },
        {"layer": variable(["map"], names, "layer"), "channel": variable(["map"], channels, "feature map")},
    )
    if placed is not None:
        result = result.merge(_in_segments(placed, found[4]))
    if pieces is not None:
        said = pieces.sentence(subject.name, subject.sample_rate, "activations").rstrip(".")
        result.attrs["pieces"] = f"{said}, with the largest of the peaks."
    return resolved(result, layer=list(taps))


def _joined(found: Sequence[np.ndarray], pieces: Pieces) -> list[np.ndarray]:
    """The numbers of sounds from those of their pieces: means over these, and the first of the largest peaks."""
    mean, rms, peak, time = (one.reshape(-1, len(pieces), one.shape[-1]) for one in found[:4])
    shares = np.array(pieces.shares)[:, None]
    largest = peak.argmax(1)[:, None]
    sums = found[4].reshape(2, -1, len(pieces), *found[4].shape[2:])
    return [
        (mean * shares).sum(1, dtype=float).astype(mean.dtype),
        np.sqrt((np.square(rms, dtype=float) * shares).sum(1)).astype(rms.dtype),
        np.take_along_axis(peak, largest, 1)[:, 0],
        np.take_along_axis(time, largest, 1)[:, 0],
        (sums * shares[:, :, None] / shares[0]).sum(2),
    ]


def _in_segments(placed: Placed, sums: np.ndarray) -> xr.Dataset:
    """Mean activations from the sums and counts (2, clip, map, copy + 1) of frames."""
    inside, outside = placed.by_segment(sums[..., :-1]), sums[..., -1:]
    of_labels = np.concatenate([placed.by_label(inside), outside], axis=-1)
    return xr.Dataset(
        {
            "segment_activation": variable(["clip", "map", "segment"], _mean(*inside), "mean activation in a segment"),
            "label_activation": variable(
                ["clip", "map", "segment_label"], _mean(*of_labels), "mean activation in the segments of a label"
            ),
        },
        coords=segment_axes(placed.segments),
    )


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    mean: np.ndarray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _places(subject: Subject, inputs: Tensor, layer: str | Sequence[str] | None) -> dict[str, Tap]:
    """The taps to look at, with their places in time."""
    taps, lasting = _usual(subject, inputs)
    if layer is None:
        names = block_ends(taps)
    elif layer == "all":
        names = [name for name, tap in taps.items() if tap.channel_axis is not None]
    else:
        names = list(dict.fromkeys(map(taps.resolve, [layer] if isinstance(layer, str) else layer)))
    if not names:
        raise InputError("no tap of the model has feature maps in time: name one or more taps")
    for name in names:
        if taps[name].channel_axis is None:
            raise InputError(f"{name} has no axis of feature maps: its shape is {taps[name].shape}")
    if not lasting.issuperset(names):
        taps = trace(subject.network, inputs, subject.sample_rate, subject.time_axes)
    return {name: taps[name] for name in names}


def _usual(subject: Subject, inputs: Tensor) -> tuple[Trace, frozenset[str]]:
    """The taps, and which of them are where they are in time whatever the length of the sound.

    Those are the taps whose place is the same in two lengths of silence, so that sounds of a thousand lengths need no
    trace each; and a short sound, which a layer answers with a single frame, does not look as if it had no time.
    """
    network, rate, axes = subject.network, subject.sample_rate, subject.time_axes
    if subject.contract.length is None:
        one = silence(subject)
        longer = one.new_zeros(*one.shape[:-1], round(_LONGER * one.shape[-1]) + 1)
        try:
            taps, others = (trace(network, given, rate, axes) for given in (one, longer))
        except REFUSALS:  # the model may take sounds of one length only, and does not say so
            pass
        else:
            return taps, frozenset(
                name for name in taps if name in others and _place(taps[name]) == _place(others[name])
            )
    taps = trace(network, inputs, rate, axes)
    return taps, frozenset(taps)


def _place(tap: Tap) -> tuple[object, ...]:
    return tap.channel_axis, tap.time_axis, tap.channels, len(tap.shape), repr(tap.hop), repr(tap.centre)


def _numbers(
    subject: Subject, inputs: Tensor, taps: Mapping[str, Tap], bounds: np.ndarray | None, starts: Sequence[int]
) -> _Numbers:
    """What is kept of each map, in the order of `taps`, by one pass; inputs start at these samples of their sounds."""

    def take(name: str, value: Tensor) -> _Numbers:
        maps = by_clip(value, taps[name])
        if len(maps) != len(inputs):
            raise InputError(f"the first axis of {name} is not that of the clips: its shape is {tuple(value.shape)}")
        return _of_maps(maps, taps[name], bounds, np.array(starts, dtype=float)[:, None])

    found = visit_taps(subject.network, inputs, set(taps), take)
    for name in taps:
        if name not in found:
            raise InputError(f"{name} did not run on a sound of {inputs.shape[-1]} samples: name another layer")
        if not np.isfinite(found[name][1]).all():
            raise InputError(
                f"the activations at {name} are not finite: check the weights for NaN, and that the training converged"
            )
    mean, rms, peak, time = (np.concatenate([found[name][i] for name in taps], axis=1) for i in range(4))
    within = np.concatenate([found[name][4] for name in taps], axis=2)
    return mean, rms, peak, time, within


def _of_maps(maps: Tensor, tap: Tap, bounds: np.ndarray | None, starts: np.ndarray) -> _Numbers:
    """Of feature maps (clip, channel, ..., time), and what of them is within bounds in samples."""
    maps = maps.abs() if maps.is_complex() else maps
    maps = maps.float() if maps.dtype != torch.float64 else maps
    if tap.time_axis is None or maps.ndim < 3:
        flat = maps.flatten(2) if maps.ndim > 2 else maps[..., None]
        peak = flat.amax(-1)
        time = np.full(peak.shape, math.nan)
        within = np.zeros((2, *peak.shape, 1 if bounds is None else len(bounds) + 1))
    else:
        flat = maps.flatten(2) if maps.ndim > 3 else maps
        along = maps.flatten(2, -2).amax(2) if maps.ndim > 3 else maps
        peak, at = _first_largest(along)
        time = (starts + tap.centre + tap.hop * at) / tap.sample_rate
        within = _within(maps, tap, bounds, starts)
    rms = torch.linalg.vector_norm(flat, dim=-1) / math.sqrt(flat.shape[-1])
    return to_numpy(flat.mean(-1)), to_numpy(rms), to_numpy(peak), time, within


def _within(maps: Tensor, tap: Tap, bounds: np.ndarray | None, starts: np.ndarray) -> np.ndarray:
    """Sums of maps (clip, channel, ..., time) over the frames within bounds and outside, and counts of these frames.

    They are (2, clip, channel, bounds + 1); without bounds nothing.
    """
    if bounds is None:
        return np.zeros((2, *maps.shape[:2], 1))
    along = maps.flatten(2, -2).mean(2) if maps.ndim > 3 else maps
    moments = np.asarray(tap.centre + tap.hop * np.arange(maps.shape[-1]), dtype=float)
    values = to_numpy(along)
    if not starts.any():
        return frames_within(values, moments, bounds)
    each = [frames_within(one, first + moments, bounds) for one, first in zip(values, starts, strict=True)]
    return np.stack(each, axis=1)


def _first_largest(values: Tensor) -> tuple[Tensor, np.ndarray]:
    """The largest value along the last axis, and its first place; NumPy finds it ten times faster than torch."""
    if values.device.type != "cpu":
        largest, at = values.max(-1)
        return largest, to_numpy(at)
    at = values.numpy().argmax(-1)
    return values.gather(-1, torch.from_numpy(at)[..., None])[..., 0], at
