"""What feature maps are excited by most, to be heard: pieces of the top clips and of their sonifications."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from torch import nn

from otoscope.errors import InputError
from otoscope.methods.clips import Clip
from otoscope.methods.sonify import sonify
from otoscope.methods.top_activations import SOURCE
from otoscope.probe import Rule, rule_name
from otoscope.results import axis, sign, to_numpy, variable

_MAPS = 3  # as many as figure A.1 shows of each layer


def top_sounds(
    model: nn.Module,
    top: xr.Dataset,
    clips: Mapping[int, Clip] | Sequence[Clip],
    *,
    sample_rate: float,
    channels: Sequence[int] | None = None,
    seconds: float | None = 1.0,
    peak: bool = False,
    rule: str | Rule = "deconvnet",
    time_axes: Mapping[str, int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Inputs and sonifications of the clips that excite feature maps most, around the peak.

    Parameters
    ----------
    model : nn.Module
        The one that `top` is from.
    top : Dataset
        Of :func:`otoscope.methods.top_activations`.
    clips : mapping of int to Clip, or sequence of Clip
        The data set; only clips that are in `top` are looked up, by their `clip_index`.
    sample_rate : float
        In Hz.
    channels : sequence of int, optional
        Maps of `top`; by default the three with the strongest activations.
    seconds : float, optional
        Length of the pieces in s, with the peak in the middle where the clip goes on so far; None for whole clips.
    peak : bool
        Carry back only the strongest activation, rather than the whole map.
    rule : {"deconvnet", "guided", "gradient"} or callable
        Of the sonification.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips.

    Returns
    -------
    Dataset, (channel, rank)
        What `top` says of these maps, and `input` and `signal` (channel, rank, time), a piece of the clip and of its
        sonification, and `start`, where in the clip they begin in s. Pieces of clips that are shorter end
        in zeros.

    Raises
    ------
    InputError
        If `top` has no such map, `clips` are not those it was made of, or `seconds` is shorter than two samples.

    Notes
    -----
    Figure A.1 of the thesis shows them as spectrograms, a row a map: :func:`otoscope.plots.top_sounds`.

    Examples
    --------
    >>> import torch
    >>> from otoscope.methods import top_activations
    >>> model = nn.Sequential(nn.Conv1d(1, 4, 30), nn.ReLU())
    >>> clips = [Clip(str(n), torch.randn(1, 1, 1600)) for n in range(3)]
    >>> top = top_activations(model, clips, sample_rate=8000, layer="1", k=2)
    >>> top_sounds(model, top, clips, sample_rate=8000, channels=[3, 0], seconds=0.1)["signal"].sizes
    Frozen({'channel': 2, 'rank': 2, 'time': 800})
    """
    if seconds is not None and not 2 <= seconds * sample_rate < math.inf:
        raise InputError(f"seconds has to be a positive length of two samples or more, not {seconds}")
    chosen = heard_maps(top, channels)
    wanted = _wanted_maps(chosen)
    pieces: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, float]] = {}
    for done, (index, maps) in enumerate(wanted.items(), start=1):
        clip = _look_up(clips, index, chosen)
        sounds = sonify(
            model, clip.inputs, sample_rate=sample_rate, layer=top.attrs["layer"], channel=list(maps),
            peak=peak, rule=rule, time_axes=time_axes,
        )[0].values  # fmt: skip
        samples = to_numpy(clip.inputs.reshape(-1))
        for sound, (channel, peak_time) in zip(sounds, maps.items(), strict=True):
            first, length = _around(peak_time, samples.size, sample_rate, seconds)
            cut = slice(first, first + length)
            pieces[channel, index] = samples[cut], sound[cut], first / sample_rate
        if progress:
            progress(done, len(wanted))
    result = chosen.merge(_labelled(chosen, pieces, sample_rate))
    result.attrs.update(rule=rule_name(rule))
    return sign(
        result, "top_sounds", SOURCE, layer=top.attrs["layer"], channels=channels, seconds=seconds, peak=peak, rule=rule
    )


def heard_maps(top: xr.Dataset, channels: Sequence[int] | None = None) -> xr.Dataset:
    """The part of top activations that is about some maps, by default the three with the strongest ones."""
    known = top["channel"].values.tolist()
    if channels is None:
        strongest = np.argsort(-top["value"].values[:, 0], kind="stable")[:_MAPS]
        return top.isel(channel=strongest)
    for channel in channels:
        if channel not in known:
            raise InputError(f"the top activations of map {channel!r} were not looked for: ask for them first")
    if not len(channels):
        raise InputError("no feature map was asked for: give at least one channel")
    return top.sel(channel=list(dict.fromkeys(channels)))


def _wanted_maps(chosen: xr.Dataset) -> dict[int, dict[int, float]]:
    """By the number of a clip, the maps that it excites, and when: each clip is run but once."""
    wanted: dict[int, dict[int, float]] = {}
    for channel in chosen["channel"].values.tolist():
        rows = chosen.sel(channel=channel)
        for index, peak_time in zip(rows["clip_index"].values.tolist(), rows["peak_time"].values.tolist(), strict=True):
            wanted.setdefault(index, {})[channel] = peak_time
    return wanted


def _look_up(clips: Mapping[int, Clip] | Sequence[Clip], index: int, chosen: xr.Dataset) -> Clip:
    name = str(chosen["clip_name"].values[chosen["clip_index"].values == index][0])
    try:
        clip = clips[index]
    except (KeyError, IndexError):
        raise InputError(f"clip {index} ({name}) is missing: give the clips of the top activations") from None
    if clip.name != name:
        raise InputError(
            f"clip {index} is {clip.name} and was {name}: give the clips of the top activations, in the same order"
        )
    return clip


def _around(peak_time: float, size: int, sample_rate: float, seconds: float | None) -> tuple[int, int]:
    """First sample and length of a piece with the peak in the middle, or as near to it as the clip allows."""
    length = size if seconds is None else min(size, max(1, round(seconds * sample_rate)))
    middle = 0 if math.isnan(peak_time) else round(peak_time * sample_rate)
    return min(max(0, middle - length // 2), size - length), length


def _labelled(
    chosen: xr.Dataset, pieces: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, float]], sample_rate: float
) -> xr.Dataset:
    indices = chosen["clip_index"].values
    longest = max(piece.size for piece, *_ in pieces.values())
    sounds = np.zeros((2, *indices.shape, longest), dtype=np.float32)
    starts = np.zeros(indices.shape)
    for row, channel in enumerate(chosen["channel"].values.tolist()):
        for rank, index in enumerate(indices[row].tolist()):
            sample, sound, starts[row, rank] = pieces[channel, index]
            sounds[0, row, rank, : sample.size], sounds[1, row, rank, : sound.size] = sample, sound
    dims = ["channel", "rank", "time"]
    parts: dict[str, Any] = {
        "input": variable(dims, sounds[0], "piece of the clip"),
        "signal": variable(dims, sounds[1], "its sonification"),
        "start": variable(dims[:2], starts, "where the piece begins in the clip", "s"),
    }
    for name in ("input", "signal"):
        parts[name].attrs["sample_rate"] = sample_rate
    return xr.Dataset(parts, {"time": axis("time", np.arange(longest) / sample_rate, "time", "s")})
