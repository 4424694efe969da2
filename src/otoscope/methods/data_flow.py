"""Data flow: feature maps from the waveform upward, in time and in frequency, each at the rate that it has there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.dictionary import unrolled_atoms
from otoscope.dsp.spectra import amplitude_spectrum
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.probe import Tap, Trace, read_taps, trace
from otoscope.probe.blocks import block_ends
from otoscope.probe.select import activity_of, by_clip, check_real, choose_channels
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Wave

_MEASURES = {
    "deviation": ("standard deviation over time", "1"),
    "mean_activation": ("mean over time", "1"),
    "peak_frequency": ("frequency of the largest value of the spectrum above 0 Hz", "Hz"),
}


def maps_in_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """A row for each map that was followed, and for each clip of a batch."""
    rows = []
    clips = range(result.sizes["clip"]) if "clip" in result.dims else [None]
    for clip, n, rank in itertools.product(clips, range(result.sizes["layer"]), range(result.sizes["rank"])):
        one = result[["channel", *_MEASURES]].isel(
            {"layer": n, "rank": rank} | ({} if clip is None else {"clip": clip})
        )
        if one["channel"] >= 0:
            row = {} if clip is None else {"clip": clip}
            row |= {name: one[name].item() for name in ("layer", "channel", "rate", "nyquist", *_MEASURES)}
            rows.append(row)
    return rows


@method(
    source=cite("simplenet", "section 2.2, Fig. 1 to 3"),
    takes="wave",
    rows=Rows(make=maps_in_rows),
    main="deviation",
)
def data_flow(
    subject: Subject,
    wave: Wave,
    *,
    layer: str | Sequence[str] | None = None,
    channels: int | Sequence[int] | None = None,
    n_maps: int = 1,
) -> xr.Dataset:
    r"""Feature maps of one layer after another, in time and in frequency.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
    layer : str or sequence of str, optional
        One or several taps, by their names or the ends of them; the ends of all blocks by default.
    channels : int or sequence of int, optional
        Numbers of feature maps, the same of every layer; by default the `n_maps` most active ones of each, that is
        those of largest root mean square over the clips given.
    n_maps : int
        How many of the most active maps are followed, where no `channels` are given.

    Returns
    -------
    Dataset
        Over `layer`, of which the first is the input, and `rank`, the place among the maps of a layer: `deviation` and
        `mean_activation` (clip, layer, rank) over time, `peak_frequency` (clip, layer, rank) above 0 Hz, in Hz (NaN
        where nothing moves); `channel` (layer, rank), the number of the map, -1 where a layer has no more. Coordinates
        of a layer: `hop` in samples, `rate` and `nyquist` in Hz. Every layer has axes of its own, which bear its number
        n: `signal_n` (clip, channel_n, time_n) and `spectrum_n` (clip, channel_n, frequency_n), times in s on the clock
        of the input. :func:`otoscope.methods.data_flow.flow_at` takes one layer out.

    Raises
    ------
    InputError
        If there is no such layer or map, a layer has no time axis, or holds values that are not finite.

    Notes
    -----
    The spectrum is :math:`\frac{2}{N} |\mathrm{DFT}|` of the whole map (half of that at 0 Hz and at half the
    rate), so that a sine of amplitude a has the height a. Its axis ends at half the rate of the layer: what a
    stride or pooling has dropped can be seen to be gone, or to have been folded (see
    :func:`otoscope.methods.aliasing.aliasing`). A map with a further axis, as in two-dimensional stages, is averaged
    over it.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.MaxPool1d(2))
    >>> flow = data_flow(Subject(model, sample_rate=16_000), torch.randn(16_000), layer=["1", "2"])
    >>> flow.layer.values.tolist(), flow.rate.values.tolist()
    (['input', '1', '2'], [16000.0, 1600.0, 800.0])
    """
    inputs, sample_rate = subject.inputs(wave), float(subject.sample_rate)
    taps = _chosen(trace(subject.network, inputs, sample_rate, subject.time_axes), layer)
    names = [tap.name for tap in taps]
    # clips one by one, for frames may be the batch
    values = [read_taps(subject.network, one, names) for one in torch.split(inputs, 1)]
    times, channels_heard = np.arange(inputs.shape[-1]) / sample_rate, list(range(inputs.shape[1]))
    result = _labelled(0, inputs, channels_heard, times, sample_rate, "input")
    counts, hop, below = [inputs.shape[1]], 1.0, channels_heard
    for n, tap in enumerate(taps, start=1):
        maps = _maps(tap, [one[tap.name] for one in values])
        numbers = choose_channels(channels, n_maps, activity_of(maps), tap)
        assert numbers is not None  # whole layers cannot be asked for here
        signals = maps[:, numbers]
        signals = signals.flatten(2, -2).mean(2) if signals.ndim > 3 else signals
        result = result.merge(_labelled(n, signals, numbers, tap.times().numpy(), tap.rate, tap.name))
        kernels = _kernels(tap, counts[-1], hop)
        if kernels is not None:
            dims = [f"channel_{n}", f"channel_{n - 1}", f"tap_{n}"]
            result[f"kernel_{n}"] = variable(dims, kernels[numbers][:, below], f"kernels of {tap.name}")
        counts, hop, below = [*counts, maps.shape[1]], tap.hop, numbers
    rates = np.array([sample_rate, *(tap.rate for tap in taps)])
    result = result.assign_coords(
        layer=axis("layer", ["input", *names], "layer"),
        hop=axis("layer", sample_rate / rates, "samples of the input from one value to the next"),
        rate=axis("layer", rates, "sampling rate", "Hz"),
        nyquist=axis("layer", rates / 2, "half the sampling rate", "Hz"),
        maps=axis("layer", counts, "number of feature maps"),
    )
    followed = {name: result[f"channel_{n}"].values for n, name in enumerate(names, start=1)}
    return resolved(result.assign(_measured(result)), layer=names, channels=followed)


def flow_at(flow: xr.Dataset, layer: str) -> xr.Dataset:
    """One layer of a data flow, its axes by their plain names.

    Parameters
    ----------
    flow : Dataset
        Of :func:`data_flow`.
    layer : str
        One of ``flow.layer``, for instance ``"input"``.

    Returns
    -------
    Dataset
        `signal` (clip, channel, time) and `spectrum` (clip, channel, frequency), with `rate` in Hz.

    Raises
    ------
    InputError
        If the flow has no such layer.

    Examples
    --------
    >>> from torch import nn
    >>> flow = data_flow(Subject(nn.Conv1d(1, 2, 5, stride=4), sample_rate=8000), torch.randn(400))
    >>> flow_at(flow, "conv1d").signal.sizes
    Frozen({'channel': 1, 'time': 99})
    """
    names = [str(name) for name in flow["layer"].values]
    if layer not in names:
        raise InputError(f"the data flow has no layer {layer!r}; it has {', '.join(names)}")
    n = names.index(layer)
    own = {f"{name}_{n}": name for name in ("signal", "spectrum", "channel", "time", "frequency")}
    one = flow[[f"signal_{n}", f"spectrum_{n}"]].rename(own)
    return one.assign_attrs(layer=layer, rate=float(flow["rate"][n]))


def _chosen(taps: Trace, layer: str | Sequence[str] | None) -> list[Tap]:
    in_time = [name for name, tap in taps.items() if tap.time_axis is not None and math.isfinite(tap.hop)]
    if layer is None:
        ends = [name for name in block_ends(taps) if name in in_time] or in_time
        return [taps[name] for name in ends]
    names = list(dict.fromkeys(map(taps.resolve, [layer] if isinstance(layer, str) else layer)))
    for name in names:
        if name not in in_time:
            raise InputError(f"{name} has no time axis, or a single value along it; choose another tap")
    return [taps[name] for name in names]


def _maps(tap: Tap, values: Sequence[Tensor]) -> Tensor:
    """The maps of a tap, (clip, channel, ..., time), from its values for one clip after another."""
    maps = torch.cat([by_clip(value, tap) for value in values])
    check_real(maps, tap.name)
    if not maps.isfinite().all():
        raise InputError(
            f"{tap.name} holds values that are not finite: do the weights hold NaN, or does the model divide by "
            "the level of a sound that is silent?"
        )
    return maps


def _kernels(tap: Tap, inputs: int, hop: float) -> Tensor | None:
    """The kernels (map, input, tap) of a convolution over time that reads so many maps of that hop, else None."""
    weight = tap.weight
    along = [place for place, size in enumerate(tap.kernel) if size > 1]
    if weight is None or "transpose" in tap.op or weight.is_complex() or len(along) > 1 or tap.input_hop != hop:
        return None
    if weight.shape[1] * tap.groups != inputs:
        return None
    dilation = tap.dilation[along[0]] if along else 1
    atoms = unrolled_atoms([weight.detach().flatten(2)], [dilation]).reshape(*weight.shape[:2], -1)
    if tap.groups == 1:
        return atoms
    whole = atoms.new_zeros(len(atoms), inputs, atoms.shape[-1])
    for group, rows in enumerate(torch.arange(len(atoms)).chunk(tap.groups)):
        whole[rows, group * weight.shape[1] : (group + 1) * weight.shape[1]] = atoms[rows]
    return whole


def _labelled(n: int, signals: Tensor, channels: list[int], times: np.ndarray, rate: float, name: str) -> xr.Dataset:
    """Signals and spectra of layer number n."""
    spectrum = amplitude_spectrum(signals)
    frequencies = np.arange(spectrum.shape[-1]) * rate / signals.shape[-1]
    return xr.Dataset(
        {
            f"signal_{n}": variable(["clip", f"channel_{n}", f"time_{n}"], signals, name),
            f"spectrum_{n}": variable(["clip", f"channel_{n}", f"frequency_{n}"], spectrum, f"spectrum of {name}"),
        },
        coords={
            f"channel_{n}": axis(f"channel_{n}", channels, "feature map"),
            f"time_{n}": axis(f"time_{n}", times, "time", "s"),
            f"frequency_{n}": axis(f"frequency_{n}", frequencies, "frequency", "Hz"),
        },
    )


def _measured(result: xr.Dataset) -> dict[str, xr.Variable]:
    """What the table has of each map; NaN, and channel -1, where a layer has fewer maps than another."""
    layers = range(result.sizes["layer"])
    ranks = max(result.sizes[f"channel_{n}"] for n in layers)
    channel = np.full((len(layers), ranks), -1)
    values = {name: np.full((result.sizes["clip"], len(layers), ranks), np.nan) for name in _MEASURES}
    for n in layers:
        count = result.sizes[f"channel_{n}"]
        signal, spectrum = result[f"signal_{n}"].values, result[f"spectrum_{n}"].values
        moving = spectrum[..., 1:]
        channel[n, :count] = result[f"channel_{n}"].values
        values["deviation"][:, n, :count] = signal.std(-1)
        values["mean_activation"][:, n, :count] = signal.mean(-1)
        if moving.shape[-1]:
            peaks = result[f"frequency_{n}"].values[1 + moving.argmax(-1)]
            moves = moving.max(-1) > 1e-6 * spectrum[..., 0]  # else it is rounding
            values["peak_frequency"][:, n, :count] = np.where(moves, peaks, np.nan)
    measured = {name: variable(["clip", "layer", "rank"], values[name], *about) for name, about in _MEASURES.items()}
    return measured | {"channel": variable(["layer", "rank"], channel, "number of the feature map")}
