"""How much of its input is left in the sound of a layer, over a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp import coherence as dsp
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.heard import joined_note
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.coherent_segments import InSegments
from otoscope.methods.most_active import sounds_of_most_active
from otoscope.methods.segment_axes import SEGMENT
from otoscope.methods.sonify import sounds_of_maps
from otoscope.methods.ways import with_a_way_back
from otoscope.probe import Rule, RuleName, Tap, rule_name
from otoscope.probe.select import Channels, find_taps
from otoscope.results import axis, variable
from otoscope.sounds import Clip, batched, sounds_of, usual_taps
from otoscope.subject import Subject
from otoscope.types import Data, Progress, Segments

_BATCH = 8  # clips; a batch keeps every activation up to the layer for the way back


@method(
    source=cite("sonification", "section 6.3, equations 6.1 and 6.2"),
    takes="data",
    rows=Rows(
        ("layer",),
        ("coherence", "ci_low", "ci_high", "clips"),
        beside=(
            Rows(("layer", "segment_label"), ("label_coherence", "label_ci_low", "label_ci_high", "label_clips")),
            Rows(("layer", "segment"), ("segment_clip", *SEGMENT, "segment_coherence", "segment_windows")),
        ),
    ),
    clips=Rows(
        ("layer",),
        ("clip_coherence", "channel"),
        names=("channel",),
        beside=(
            Rows(("layer", "segment_label"), ("clip_label_coherence", "clip_label_windows")),
            Rows(("layer", "segment"), (*SEGMENT, "segment_coherence", "segment_windows")),
        ),
    ),
)
def coherence(
    subject: Subject,
    data: Data,
    *,
    layer: str | Sequence[str] | None = None,
    channels: Channels = None,
    n_frequencies: int = 5,
    rule: RuleName | Rule = "deconvnet",
    window: dsp.Window = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: dsp.Detrend = "constant",
    segments: Segments | None = None,
    tier: str | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""How much of sounds is left in each layer: their coherence with their sonifications.

    Parameters
    ----------
    data : folder, data set or waves
        Sounds of any lengths, read one batch after another.
    layer : str or sequence of str, optional
        One or several taps, by their names or the ends of them; by default the ends of all blocks, but for those from
        which the rule finds no way back, which a note names.
    channels : int, sequence of int, "all" or "layer", optional
        Which maps are sonified, as in :func:`otoscope.methods.sonify.sonify`; the value of a clip is the mean over
        several. By default, as in the thesis, the one that is most active in the clip.
    n_frequencies : int
        How many of the most coherent frequencies the mean is taken over.
    rule : {"deconvnet", "guided", "gradient"} or callable
        What activations pass back in the sonification, see :mod:`otoscope.probe.rules`.
    window : str
        Of Welch's method, see :func:`otoscope.dsp.coherence.coherence`; this and what follows is by default as in
        scipy.
    nperseg : int
        Samples of a segment.
    noverlap : int, optional
        Samples by which segments overlap; half of them by default.
    nfft : int, optional
        Length of the Fourier transform; that of a segment by default.
    detrend : {"constant", "linear"} or False
        What is taken off each segment: its mean, a line, or nothing.
    segments : path, mapping or sequence, optional
        Words, phones or events with their times: a CTM file, a table with the columns path, start, stop and label, or a
        folder of such files or TextGrids, named as the sounds. In Python also lists of (start, stop, label), by the
        names of the sounds.
    tier : str, optional
        Which tier of a TextGrid, or channel of a CTM file, the segments are.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips; `total` is 0 where it is not known.

    Returns
    -------
    Dataset
        Over `layer`: `coherence`, the measure :math:`M_c`, `ci_low` and `ci_high`, the bounds of its 95 % confidence
        interval over clips (NaN for a single clip), and `clips`, their number. `clip_coherence` (clip, layer), the
        measure of one clip; `channel` (clip, layer), the map that was sonified, where it is the most active one;
        `coherence_spectrum` (layer, frequency), the coherence at each frequency, mean over clips. With segments also
        `label_coherence` (layer, segment_label), the mean over the clips that have such segments, with `label_ci_low`,
        `label_ci_high` and `label_clips`; of one clip `clip_label_coherence` (clip, layer, segment_label), from the
        windows in all its segments of the label, which `clip_label_windows` counts; and `segment_coherence` (layer,
        segment) of every segment of all clips. It is NaN where fewer than two windows lie wholly within.

    Raises
    ------
    InputError
        If there is no clip or no such layer or map, or a clip is shorter than two windows; if no clip has segments, or
        segments overlap, are empty or reversed, or end after the sound.

    Notes
    -----
    .. math:: M_c = \frac{1}{kN} \sum_{i=1}^{N} \sum \mathrm{top}_k \, C_{x_i s_i}(f)

    with the input :math:`x_i`, the sonification :math:`s_i` and k = 5 (sonification, eq. 6.2). The sonification of
    a map without any activity is silence and its coherence 0. The coherence of few segments is high for any two
    sounds (1 for a single one), and the highest values of a spectrum higher still: compare layers and models on the
    same clips, rather than the measure with 0. Of a sound of several channels it is the mean over them, frequency by
    frequency.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Conv1d(1, 8, 30), torch.nn.ReLU())
    >>> result = coherence(Subject(model, sample_rate=8000), [torch.randn(4000) for _ in range(3)])
    >>> result.coherence.sizes, result.clips.values.tolist()
    (Frozen({'layer': 1}), [3])
    """
    welch: dict[str, Any] = {
        "window": window, "nperseg": nperseg, "noverlap": noverlap, "nfft": nfft, "detrend": detrend,
    }  # fmt: skip
    sounds = sounds_of(subject, data)
    named = layer is not None
    layer, time_axes = usual_taps(subject, layer)
    names: list[str] = []
    labels: list[str] = []
    taps: list[Tap] = []
    left_out: list[str] = []
    values, maps, spectra = [], [], torch.zeros(())
    within = None if segments is None else InSegments(segments, tier, subject.sample_rate, welch, n_frequencies)
    for batch, inputs in batched(sounds, _BATCH if channels is None else 1):
        _check_length(batch[0], inputs, subject.sample_rate, nperseg, noverlap)
        if not taps:
            taps = find_taps(subject.network, inputs, subject.sample_rate, layer, time_axes)
            if not named:
                taps, left_out = with_a_way_back(subject.network, inputs, taps, rule)
        sonified, most_active = _sonified(subject, inputs, taps, channels, rule, time_axes)
        apart = (one.reshape(*one.shape[:2], *inputs.shape[1:]) for one in sonified)
        sounds_of_taps = list(apart) if within is not None else apart
        shared = [_with_input(inputs, one, subject.sample_rate, welch) for one in sounds_of_taps]
        values.append(torch.stack([dsp.mean_top(one, n_frequencies).mean(-1) for one in shared], dim=1))
        spectra = spectra + torch.stack([one.double().mean(1).sum(0) for one in shared])
        maps.append(most_active)
        if within is not None:
            for place, clip in enumerate(batch):
                within.add(clip, inputs[place : place + 1], [one[place : place + 1] for one in sounds_of_taps])
        names += [clip.name for clip in batch]
        labels += [clip.label or "" for clip in batch]
        if progress:
            progress(len(names), len(sounds))
    if not names:
        raise InputError("there is no clip to measure the coherence of: give at least one")
    frequency = np.fft.rfftfreq(nfft or nperseg, 1 / subject.sample_rate)
    result = _labelled(taps, names, frequency, torch.cat(values), spectra / len(names))
    if any(labels):
        result = result.assign_coords(label=("clip", labels))
    if channels is None:
        result["channel"] = variable(["clip", "layer"], torch.cat(maps), "most active map, which is sonified")
    notes = [*left_out]
    if within is not None:
        result = result.merge(within.labelled(len(taps)))
        notes += filter(None, [within.note()])
    result.attrs.update(sample_rate=subject.sample_rate, rule=rule_name(rule), **joined_note(*notes))
    return resolved(
        result,
        layer=[tap.name for tap in taps],
        channels="the most active of each clip" if channels is None else channels,
        noverlap=nperseg // 2 if noverlap is None else noverlap,
        nfft=nfft or nperseg,
    )


def _check_length(clip: Clip, inputs: Tensor, sample_rate: float, nperseg: int, noverlap: int | None) -> None:
    needed = 2 * nperseg - (nperseg // 2 if noverlap is None else noverlap)
    if inputs.shape[-1] < needed:
        raise InputError(
            f"{clip.name} has {inputs.shape[-1]} samples at {sample_rate:g} Hz: two segments, of which coherence needs "
            f"at least so many, take {needed}; give a longer sound or a smaller nperseg"
        )


def _with_input(inputs: Tensor, sounds: Tensor, sample_rate: float, welch: dict[str, Any]) -> Tensor:
    """The coherence (clip, map, frequency) of waveforms (clip, channel, time) and sounds (clip, map, channel, time)."""
    return dsp.coherence(inputs[:, None], sounds, sample_rate, **welch)[0].cpu().mean(2)


def _sonified(
    subject: Subject,
    inputs: Tensor,
    taps: list[Tap],
    channels: Channels,
    rule: RuleName | Rule,
    time_axes: Mapping[str, int],
) -> tuple[Iterable[Tensor], Tensor]:
    """Sounds (clip, map, ...) of every tap; the most active maps (clip, tap), where those are sonified."""
    if channels is None:
        sounds, maps = sounds_of_most_active(subject.network, inputs, taps, rule)
        return sounds[:, :, None].unbind(1), maps
    each = (
        sounds_of_maps(subject, inputs, layer=tap.name, channels=channels, rule=rule, time_axes=time_axes)
        for tap in taps
    )
    return (torch.from_numpy(sounds["sonification"].values).to(inputs) for sounds in each), inputs.new_zeros(0)


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
            "ci_low": variable(["layer"], low, "lower bound of its 95 % confidence interval"),
            "ci_high": variable(["layer"], high, "upper bound of its 95 % confidence interval"),
            "clips": variable(["layer"], np.full(len(taps), len(names)), "clips"),
            "clip_coherence": variable(["clip", "layer"], values, "coherence of one clip"),
            "coherence_spectrum": variable(
                ["layer", "frequency"], spectra, "coherence at each frequency, mean over clips"
            ),
        },
        coords=coords,
    )
