"""What the maps of an encoder sound like, as numbers: activity, bands, coherence, and what a recogniser makes of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.data.find import drawn
from otoscope.dsp.coherence import coherence, mean_top
from otoscope.methods.most_active import sounds_of_most_active
from otoscope.methods.sonify import scaled
from otoscope.models import load
from otoscope.probe.layerwise import ways_back
from otoscope.probe.select import by_clip, find_taps, heard_activity_of
from otoscope.probe.trace import Tap
from otoscope.studies.inputs import Input, Sounds
from otoscope.studies.sonification.encoders import CONTRASTIVE, FREE, NONE, STRIDED, SUPERVISED, Trained
from otoscope.studies.sonification.features import LAYERS, blocks, inputs_of, of_layers, peak_over_time, subject_of
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.subject import Subject

HIGH = 2000.0
"""In Hz; what is above are high frequencies."""
ACTIVE = 0.01
"""Of the activity of the most active map of the layer: what is below is not active in the clip."""
MEASURES = (
    "active", "selectivity", "high", "high_maps", "level_power", "coherence", "coherence_layer", "coherence_chance",
)  # fmt: skip
_MAPS = 6
_SECONDS = 2.0
_TOP = 20


def heard_steps(one: Trained) -> Iterator[Step]:
    """Of the encoders of a seed, and of one with random weights."""
    for start in (CONTRASTIVE, SUPERVISED, NONE):
        yield _heard(one, start, one.contrastive if start == NONE else one.encoder(start))
    for start in (CONTRASTIVE, SUPERVISED):
        labels: dict[str, str | int] = {"data": one.data, "start": start, "seed": one.seed}
        yield Step(
            "top_clips", top_clips, {"clips": 80 if one.setting.quick else 160, "top": _TOP, "seconds": _SECONDS},
            labels, (hearing(one),), (one.encoder(start),), part="activity", seconds=2,
            command="otoscope top-activations FOLDER CLIPS --layer relu11",
        )  # fmt: skip
        if one.data == FREE:
            yield Step(
                "recognised", recognised, {"clips": 20 if one.setting.quick else 100, "recogniser": "fsdd-digit"},
                labels, (Sounds("fsdd", splits=("test",)),), (one.encoder(start),), part="activity", seconds=8,
                command="otoscope sonify FOLDER CLIP",
            )  # fmt: skip


def strided_steps(one: Trained) -> Iterator[Step]:
    """The same of an encoder with strides in place of pooling."""
    yield _heard(one, STRIDED, one.strided)


def _heard(one: Trained, start: str, needs: Step) -> Step:
    clips = 10 if one.setting.quick else 40
    return Step(
        "heard", heard, {"clips": clips, "maps": _MAPS, "seconds": _SECONDS},
        {"data": one.data, "start": start, "seed": one.seed}, (hearing(one),), (needs,),
        part="sounds" if start == STRIDED else "activity", seconds=0.2 * clips,
        command="otoscope coherence FOLDER CLIPS",
    )  # fmt: skip


def hearing(one: Trained) -> Input:
    """The sounds that encoders are looked at with, which they were not trained on."""
    if one.data == FREE:
        return Sounds("fsdd+esc10", splits=("fsdd/test", "esc10/fold5"))
    return Sounds("audioset", splits=("eval",))


def heard(work: Work) -> Outcome:
    """Of each layer and clip what maps sound like; means over the clips as rows, and all as an array.

    `active`, the share of maps that the clip drives; of some random maps that it drives `selectivity` (the peak over
    the mean of the spectrum of the sonification) and `high_maps` (the share of its energy above 2 kHz), and of all of
    these, silent ones too, `level_power` (mean square over that of the clip); of the most active map `high` and
    `coherence` with the clip; `coherence_layer`, that of the whole layer; and `coherence_chance`, that of the most
    active map's sonification played backwards, which has its spectrum and is otherwise unrelated.
    """
    given = work.arguments
    start = work.step.labels["start"]
    subject = subject_of(work.model(), 0 if start == NONE else None)
    data = drawn(work.sounds(), given["clips"])
    clips = [clip for clip in inputs_of(subject, data, given["seconds"]) if clip.any()]
    taps: list[Tap] = []
    found = np.full((len(MEASURES), len(clips), LAYERS), np.nan, np.float32)
    for number, clip in enumerate(clips):
        taps = taps or find_taps(subject.network, clip, subject.sample_rate, blocks(subject.model))
        found[:, number] = _of_clip(subject, clip, taps, given["maps"])
        work.report("clips", number + 1, len(clips))
    rows: list[Row] = []
    for layer in range(LAYERS):
        means = {name: _mean(found[place, :, layer]) for place, name in enumerate(MEASURES)}
        rows.append({"layer": layer + 1, "clips": len(clips), **means})
    result = xr.Dataset(
        {name: (("clip", "layer"), found[place]) for place, name in enumerate(MEASURES)},
        {"layer": np.arange(1, LAYERS + 1)},
        {"method": "coherence"},
    )
    return Outcome(rows, {"clips": result})


def _mean(values: np.ndarray) -> float | None:
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def _of_clip(subject: Subject, clip: Tensor, taps: list[Tap], maps: int) -> np.ndarray:
    """(measure, layer)"""
    ways = ways_back(subject.network, clip, [tap.name for tap in taps], "deconvnet")
    found = np.full((len(MEASURES), len(taps)), np.nan, np.float32)
    for place, tap in enumerate(taps):
        value = ways.values[tap.name]
        activity = heard_activity_of(by_clip(value, tap))[0]
        top = int(activity.argmax())
        live = activity > ACTIVE * activity[top] if activity[top] > 0 else torch.zeros_like(activity, dtype=torch.bool)
        chosen = np.random.default_rng(0).permutation(len(activity))[:maps].tolist()
        sounds = torch.cat([
            scaled(ways.pull(tap.name, seed).reshape(1, 1, -1), clip.reshape(1, 1, -1))
            for seed in (_only(value, tap, top), value, *(_only(value, tap, one) for one in chosen))
        ])[:, 0]  # fmt: skip
        some = [sound for sound, one in zip(sounds[2:], chosen, strict=True) if live[one] and sound.any()]
        power = sounds[2:].double().square().mean(-1)
        found[:, place] = (
            float(live.double().mean()),
            np.mean([selectivity(one.numpy()) for one in some]) if some else np.nan,
            _high(sounds[0], subject.sample_rate),
            np.mean([_high(one, subject.sample_rate) for one in some]) if some else np.nan,
            float(power.mean() / clip.double().square().mean()),
            _shared(clip, sounds[0], subject.sample_rate),
            _shared(clip, sounds[1], subject.sample_rate),
            _shared(clip, sounds[0].flip(-1), subject.sample_rate),
        )
    return found


def _only(value: Tensor, tap: Tap, channel: int) -> Tensor:
    seed = torch.zeros_like(value)
    by_clip(seed, tap)[:, channel] = by_clip(value, tap)[:, channel]
    return seed


def selectivity(sound: np.ndarray) -> float:
    """The peak over the mean of the magnitude spectrum of a sound, from short-time spectra averaged over time.

    Examples
    --------
    >>> rng, time = np.random.default_rng(0), np.arange(8000) / 8000
    >>> selectivity(rng.standard_normal(8000)) < 2 < 20 < selectivity(np.sin(2 * np.pi * 1000 * time))
    True
    """
    size = min(256, len(sound))
    pieces = np.lib.stride_tricks.sliding_window_view(sound, size)[:: size // 2]
    spectrum = np.abs(np.fft.rfft(pieces * np.hanning(size))).mean(0)
    return float(spectrum.max() / spectrum.mean()) if spectrum.any() else float("nan")


def _high(sound: Tensor, rate: float) -> float:
    """The share of the energy above 2 kHz; NaN of silence."""
    power = np.abs(np.fft.rfft(sound.double().numpy())) ** 2
    frequency = np.fft.rfftfreq(sound.shape[-1], 1 / rate)
    return float(power[frequency >= HIGH].sum() / power.sum()) if power.any() else float("nan")


def _shared(clip: Tensor, sound: Tensor, rate: float) -> float:
    """The mean of the five highest values of the coherence, 0 of silence."""
    found, _ = coherence(clip.reshape(-1), sound, rate)
    return float(mean_top(found))


def top_clips(work: Work) -> Outcome:
    """Of each live map of the last layer the share of the most frequent class among the clips that drive it most.

    Clips are drawn as evenly over classes as can be; `chance` is the same share for as many clips drawn at random.
    """
    subject, given = subject_of(work.model()), work.arguments
    data = drawn(work.sounds(), given["clips"])
    labels = [item.labels for item in data.items]
    peaks = of_layers(subject.model, inputs_of(subject, data, given["seconds"]), {"peak": peak_over_time})["peak"][-1]
    top = min(given["top"], len(labels))
    live = [n for n in range(peaks.shape[1]) if int((peaks[:, n] > 0).sum()) >= top]
    shares = [_commonest([labels[n] for n in peaks[:, one].topk(top).indices.tolist()]) for one in live]
    rng = np.random.default_rng(0)
    random = [_commonest([labels[n] for n in rng.permutation(len(labels))[:top]]) for _ in range(200)]
    return Outcome([{
        "layer": LAYERS, "maps": len(live), "share": float(np.mean(shares)) if shares else None,
        "chance": float(np.mean(random)), "clips": len(labels),
    }])  # fmt: skip


def _commonest(labels: list[tuple[str, ...]]) -> float:
    """The share of the clips that have the most frequent label."""
    every = [label for several in labels for label in set(several)]
    return max(map(every.count, set(every)), default=0) / len(labels)


def recognised(work: Work) -> Outcome:
    """Whether a network that was trained by itself still knows the digit in the sonification of the most active map."""
    subject, recogniser = subject_of(work.model()), Subject(load(work.arguments["recogniser"]))
    data = drawn(work.sounds(), work.arguments["clips"])
    classes = recogniser.classes or ()
    hits = np.zeros((len(data), 1 + LAYERS), np.float32)
    taps: list[Tap] = []
    for number, inputs in enumerate(inputs_of(subject, data)):
        taps = taps or find_taps(subject.network, inputs, subject.sample_rate, blocks(subject.model))
        sounds, _ = sounds_of_most_active(subject.network, inputs, taps)
        played = torch.cat([inputs[:, 0], scaled(sounds, inputs.reshape(1, 1, -1))[0]])
        with torch.no_grad():
            answers = recogniser.network(torch.cat([recogniser.inputs(one) for one in played])).argmax(-1)
        hits[number] = [classes[answer] == data.items[number].labels[0] for answer in answers.tolist()]
        work.report("clips", number + 1, len(data))
    rows: list[Row] = [
        {"layer": layer, "clips": len(data), "score": float(hits[:, layer].mean())} for layer in range(LAYERS + 1)
    ]
    result = xr.Dataset({"hit": (("clip", "layer"), hits)}, {"layer": np.arange(LAYERS + 1)}, {"method": "sonify"})
    return Outcome(rows, {"hits": result})
