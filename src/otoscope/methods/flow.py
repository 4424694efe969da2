"""Data flow: feature maps from the waveform upward, in time and in frequency, each at the rate that it has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp.spectra import amplitude_spectrum
from otoscope.errors import InputError
from otoscope.probe import Tap, Trace, read_taps, trace
from otoscope.probe.blocks import block_ends
from otoscope.probe.select import activity_of, by_clip, choose_channels
from otoscope.results import axis, sign, variable

_SOURCE = (
    "How do deep convolutional neural networks learn from raw audio waveforms? (SimpleNet), section 2.2, figures 1 to 3"
)


def data_flow(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    taps: Sequence[str] | None = None,
    channels: int | Sequence[int] | None = None,
    top: int = 1,
    time_axes: Mapping[str, int] | None = None,
) -> xr.Dataset:
    r"""Follow a sound through a model: feature maps of one tap after another, in time and in frequency.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them.
    sample_rate : float
        In Hz.
    taps : sequence of str, optional
        Where to look; at the end of every block by default.
    channels : int or sequence of int, optional
        Feature maps, the same of every tap; by default the `top` most active ones of each, that is those of
        largest root mean square over the clips given.
    top : int
        How many of the most active maps.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.

    Returns
    -------
    Dataset
        Over `tap`: its name (the first is the input), `hop` in samples, `rate` and `nyquist` in Hz. Every tap
        has axes of its own, which bear its number n: `signal_n` (clip, channel_n, time_n) and `spectrum_n` (clip,
        channel_n, frequency_n), times in s on the clock of the input. :func:`flow_at` takes one tap out.

    Raises
    ------
    InputError
        If there is no such tap or map, a tap has no time axis, or holds values that are not finite.

    Notes
    -----
    The spectrum is :math:`\frac{2}{N} |\mathrm{DFT}|` of the whole map (half of that at 0 Hz and at half the
    rate), so that a sine of amplitude a has the height a. Its axis ends at half the rate of the tap: what a
    stride or pooling has dropped can be seen to be gone, or to have been folded (see :func:`aliasing`). A
    map with a further axis, as in two-dimensional stages, is averaged over it.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.MaxPool1d(2))
    >>> flow = data_flow(model, torch.randn(1, 1, 16_000), sample_rate=16_000, taps=["1", "2"])
    >>> flow.tap.values.tolist(), flow.rate.values.tolist()
    (['input', '1', '2'], [16000.0, 1600.0, 800.0])
    """
    seen = trace(model, inputs, sample_rate, time_axes)
    chosen = _chosen(seen, taps)
    names = [tap.name for tap in chosen]
    read = [read_taps(model, one, names) for one in inputs.split(1)]  # one by one, for frames may be the batch
    waveform = inputs.reshape(len(inputs), 1, -1)
    variables, coords = _labelled(0, waveform, [0], np.arange(waveform.shape[-1]) / sample_rate, sample_rate, "input")
    for n, tap in enumerate(chosen, start=1):
        maps = torch.cat([by_clip(values[tap.name], tap) for values in read])
        if len(maps) != len(inputs):
            raise InputError(f"{tap.name} does not have the clips on its first axis: its shape is {tap.shape}")
        if not maps.isfinite().all():
            raise InputError(
                f"{tap.name} holds values that are not finite: do the weights hold NaN, or does the model divide by "
                "the level of a sound that is silent?"
            )
        numbers = choose_channels(channels, top, activity_of(maps), tap)
        assert numbers is not None  # whole layers cannot be asked for here
        signals = maps[:, numbers]
        signals = signals.flatten(2, -2).mean(2) if signals.ndim > 3 else signals
        of_tap = _labelled(n, signals, numbers, tap.times().numpy(), tap.rate, tap.name)
        variables, coords = variables | of_tap[0], coords | of_tap[1]
    rates = np.array([sample_rate, *(tap.rate for tap in chosen)])
    coords |= {
        "tap": axis("tap", ["input", *names], "tap"),
        "hop": axis("tap", sample_rate / rates, "samples of the input from one value to the next"),
        "rate": axis("tap", rates, "sampling rate", "Hz"),
        "nyquist": axis("tap", rates / 2, "half the sampling rate", "Hz"),
    }
    result = xr.Dataset(variables, coords, attrs={"sample_rate": sample_rate})
    return sign(result, "data_flow", _SOURCE, taps=taps, channels=channels, top=top)


def flow_at(flow: xr.Dataset, tap: str) -> xr.Dataset:
    """One tap of a data flow, its axes by their plain names.

    Parameters
    ----------
    flow : Dataset
        Of :func:`data_flow`.
    tap : str
        One of ``flow.tap``, for instance ``"input"``.

    Returns
    -------
    Dataset
        `signal` (clip, channel, time) and `spectrum` (clip, channel, frequency), with `rate` in Hz.

    Raises
    ------
    InputError
        If the flow has no such tap.

    Examples
    --------
    >>> flow = data_flow(nn.Conv1d(1, 2, 5, stride=4), torch.randn(1, 1, 400), sample_rate=8000)
    >>> flow_at(flow, "conv1d").signal.sizes
    Frozen({'clip': 1, 'channel': 1, 'time': 99})
    """
    names = [str(name) for name in flow["tap"].values]
    if tap not in names:
        raise InputError(f"the data flow has no tap {tap!r}; it has {', '.join(names)}")
    n = names.index(tap)
    own = {f"{name}_{n}": name for name in ("signal", "spectrum", "channel", "time", "frequency")}
    one = flow[[f"signal_{n}", f"spectrum_{n}"]].rename(own)
    return one.assign_attrs(tap=tap, rate=float(flow["rate"][n]))


def _chosen(seen: Trace, taps: Sequence[str] | None) -> list[Tap]:
    with_time = [name for name, tap in seen.items() if tap.time_axis is not None and tap.hop == tap.hop]
    if taps is None:
        ends = [name for name in block_ends(seen) if name in with_time] or with_time
        return [seen[name] for name in ends]
    names = list(dict.fromkeys(seen.resolve(name) for name in taps))
    for name in names:
        if name not in with_time:
            raise InputError(f"{name} has no time axis, or a single value along it; choose another tap")
    return [seen[name] for name in names]


def _labelled(
    n: int, signals: Tensor, channels: list[int], times: np.ndarray, rate: float, name: str
) -> tuple[dict[str, xr.Variable], dict[str, xr.Variable]]:
    """Variables and coordinates of tap number n."""
    spectrum = amplitude_spectrum(signals)
    frequencies = np.arange(spectrum.shape[-1]) * rate / signals.shape[-1]
    variables = {
        f"signal_{n}": variable(["clip", f"channel_{n}", f"time_{n}"], signals, name),
        f"spectrum_{n}": variable(["clip", f"channel_{n}", f"frequency_{n}"], spectrum, f"spectrum of {name}"),
    }
    coords = {
        f"channel_{n}": axis(f"channel_{n}", channels, "feature map"),
        f"time_{n}": axis(f"time_{n}", times, "time", "s"),
        f"frequency_{n}": axis(f"frequency_{n}", frequencies, "frequency", "Hz"),
    }
    return variables, coords
