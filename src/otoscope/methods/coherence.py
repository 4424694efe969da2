"""How much of its input is left in the sound of a layer, over a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp import coherence as dsp
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.methods.clips import Clip, batched
from otoscope.methods.most_active import sounds_of_most_active
from otoscope.methods.sonify import sonify
from otoscope.probe import Rule, Tap, rule_name
from otoscope.probe.select import Channels, find_taps
from otoscope.results import axis, sign, variable

_SOURCE = "Yadav 2022, section 6.3, equations 6.1 and 6.2"
_BATCH = 8  # clips; a batch keeps every activation up to the layer for the way back


def coherence(
    model: nn.Module,
    clips: Iterable[Clip],
    *,
    sample_rate: float,
    layers: Sequence[str] | None = None,
    channel: Channels = None,
    top: int = 5,
    rule: str | Rule = "deconvnet",
    window: dsp.Window = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: dsp.Detrend = "constant",
    time_axes: Mapping[str, int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Coherence between sounds and their sonifications, layer by layer.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    clips : iterable of Clip
        Of any lengths, read one batch after another.
    sample_rate : float
        In Hz.
    layers : sequence of str, optional
        Taps; by default the last of every block.
    channel : int, sequence of int, "all" or "layer", optional
        Which maps are heard, as in :func:`otoscope.methods.sonify`; the value of a clip is the mean over several.
        By default, as in the thesis, the one that is most active in the clip.
    top : int
        How many of the most coherent frequencies the mean is taken over.
    rule : {"deconvnet", "guided", "gradient"} or callable
        Of the sonification.
    window, nperseg, noverlap, nfft, detrend
        Of Welch's method, see :func:`otoscope.dsp.coherence.coherence`; the defaults are scipy's.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips; `total` is 0 where it is not known.

    Returns
    -------
    Dataset
        Over `layer`: `coherence`, the measure :math:`M_c`, `low` and `high`, the bounds of its 95 % confidence interval
        over clips (NaN for a single clip), and `count` of clips. Over (clip, layer): `value`, the measure of
        one clip, and `channel`, the map that was heard, where it is the most active one. `spectrum`
        (layer, frequency), the coherence at each frequency, mean over clips.

    Raises
    ------
    InputError
        If there is no clip or no such layer or map, or a clip is shorter than two segments.

    Notes
    -----
    .. math:: M_c = \frac{1}{kN} \sum_{i=1}^{N} \sum \mathrm{top}_k \, C_{x_i s_i}(f)

    with the input :math:`x_i`, the sonification :math:`s_i` and k = 5 (sonification, eq. 6.2). The sonification of
    a map without any activity is silence and its coherence 0. The coherence of few segments is high for any two
    sounds (1 for a single one), and the highest values of a spectrum higher still: compare layers and models on the
    same clips, rather than the measure with 0.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30), nn.ReLU(), nn.Conv1d(8, 8, 30), nn.ReLU())
    >>> clips = [Clip(str(n), torch.randn(1, 1, 4000)) for n in range(3)]
    >>> result = coherence(model, clips, sample_rate=8000)
    >>> result["coherence"].sizes, result["layer"].values.tolist(), result["count"].values.tolist()
    (Frozen({'layer': 2}), ['1', '3'], [3, 3])
    """
    welch: dict[str, Any] = {
        "window": window, "nperseg": nperseg, "noverlap": noverlap, "nfft": nfft, "detrend": detrend,
    }  # fmt: skip
    total = len(clips) if isinstance(clips, Sized) else 0
    names: list[str] = []
    labels: list[str] = []
    taps: list[Tap] = []
    values, maps, spectra = [], [], torch.zeros(())
    for batch, inputs in batched(clips, _BATCH if channel is None else 1):
        _check_length(batch[0], inputs, sample_rate, nperseg, noverlap)
        taps = taps or find_taps(model, inputs, sample_rate, layers, time_axes)
        sounds, heard = _sounds(model, inputs, taps, sample_rate, channel, rule, time_axes)
        waveform = inputs.reshape(len(inputs), 1, -1)
        shared = [dsp.coherence(waveform, sound, sample_rate, **welch)[0].cpu() for sound in sounds]
        values.append(torch.stack([dsp.mean_top(one, top).mean(-1) for one in shared], dim=1))
        spectra = spectra + torch.stack([one.double().mean(1).sum(0) for one in shared])
        maps.append(heard)
        names += [clip.name for clip in batch]
        labels += [clip.label or "" for clip in batch]
        if progress:
            progress(len(names), total)
    if not names:
        raise InputError("there is no clip to measure the coherence of: give at least one")
    frequency = np.fft.rfftfreq(nfft or nperseg, 1 / sample_rate)
    result = _labelled(taps, names, frequency, torch.cat(values), spectra / len(names))
    if any(labels):
        result = result.assign_coords(label=("clip", labels))
    if channel is None:
        result["channel"] = variable(["clip", "layer"], torch.cat(maps), "most active map, which is heard")
    result.attrs.update(sample_rate=sample_rate, rule=rule_name(rule), top=top)
    return sign(result, "coherence", _SOURCE, layers=layers, channel=channel, top=top, rule=rule, **welch)


def _check_length(clip: Clip, inputs: Tensor, sample_rate: float, nperseg: int, noverlap: int | None) -> None:
    needed = 2 * nperseg - (nperseg // 2 if noverlap is None else noverlap)
    if inputs.shape[-1] < needed:
        raise InputError(
            f"{clip.name} has {inputs.shape[-1]} samples at {sample_rate:g} Hz: two segments, of which coherence needs "
            f"at least so many, take {needed}; give a longer sound or a smaller nperseg"
        )


def _sounds(
    model: nn.Module,
    inputs: Tensor,
    taps: list[Tap],
    sample_rate: float,
    channel: Channels,
    rule: str | Rule,
    time_axes: Mapping[str, int] | None,
) -> tuple[Iterable[Tensor], Tensor]:
    """Sounds (clip, map, time) of every tap; the most active maps (clip, tap), where it is them that are heard."""
    if channel is None:
        sounds, maps = sounds_of_most_active(model, inputs, taps, rule)
        return sounds[:, :, None].unbind(1), maps
    asked: dict[str, Any] = {"channel": channel, "rule": rule, "time_axes": time_axes}
    each = (sonify(model, inputs, sample_rate=sample_rate, layer=tap.name, **asked) for tap in taps)
    return (torch.from_numpy(sounds.values).to(inputs) for sounds in each), inputs.new_zeros(0)


def _labelled(taps: list[Tap], names: list[str], frequency: np.ndarray, values: Tensor, spectra: Tensor) -> xr.Dataset:
    mean, low, high = mean_interval(values)
    low, high = low.clip(0, 1), high.clip(0, 1)  # as coherence itself is
    coords: dict[str, Any] = {
        "layer": [tap.name for tap in taps],
        "clip": names,
        "frequency": axis("frequency", frequency, "frequency", "Hz"),
    }
    return xr.Dataset(
        {
            "coherence": variable(["layer"], mean, "mean coherence of input and sonification"),
            "low": variable(["layer"], low, "lower bound of its 95 % confidence interval"),
            "high": variable(["layer"], high, "upper bound of its 95 % confidence interval"),
            "count": variable(["layer"], np.full(len(taps), len(names)), "clips"),
            "value": variable(["clip", "layer"], values, "coherence of one clip"),
            "spectrum": variable(["layer", "frequency"], spectra, "coherence at each frequency, mean over clips"),
        },
        coords=coords,
    )
