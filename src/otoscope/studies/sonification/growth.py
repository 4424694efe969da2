"""How maps come to be: which are dead, and since when, and how selective of bands they are at each checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.data.find import drawn
from otoscope.data.items import DataSet
from otoscope.methods.evolution import evolution
from otoscope.methods.sonify import scaled
from otoscope.methods.top_activations import top_activations
from otoscope.models import checkpoint_files, fitting_weights, read_weights
from otoscope.probe.layerwise import ways_back
from otoscope.probe.select import by_clip, find_taps
from otoscope.probe.trace import Tap
from otoscope.studies.inputs import Sounds
from otoscope.studies.sonification.encoders import CONTRASTIVE, FREE, SUPERVISED, Trained
from otoscope.studies.sonification.features import LAYERS, blocks, inputs_of, of_layers, peak_over_time, subject_of
from otoscope.studies.sonification.heard import hearing, selectivity
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.subject import Subject

SELECTIVE = (1, 2, 3, 5)
"""Layers whose selectivity of bands the claims are about."""
DEAD = 1e-6
"""Of the strongest activation of the layer: a map that no clip drives further is dead."""
_SECONDS, _MAPS, _SOUNDS = 2.0, 6, 6


def growth_steps(one: Trained) -> Iterator[Step]:
    """Of both encoders of a seed."""
    for start in (CONTRASTIVE, SUPERVISED):
        labels: dict[str, str | int] = {"data": one.data, "start": start, "seed": one.seed}
        yield Step(
            "growth", growth, {"clips": 40 if one.setting.quick else 80, "maps": _MAPS, "sounds": _SOUNDS},
            labels, (hearing(one),), (one.encoder(start),), part="evolution", seconds=3,
            command="otoscope evolution FOLDER CLIP --checkpoints FOLDER/steps --layer pool5",
        )  # fmt: skip
        if one.seed == 0:
            sounds = Sounds("fsdd", splits=("test",)) if one.data == FREE else hearing(one)
            yield Step(
                "pictures", pictures, {"clips": 40, "ranks": 2, "seconds": 0.3, "checkpoints": 4}, labels,
                (sounds,), (one.encoder(start),), part="activity", seconds=12,
                command="otoscope top-activations FOLDER CLIPS --layer pool5 --sounds",
            )  # fmt: skip


def growth(work: Work) -> Outcome:
    """Of each checkpoint and layer how many maps are dead, and how many of those that are dead in the end.

    `selectivity` of some layers is that of some random maps in some clips, where they sound.
    """
    subject, given = subject_of(work.model()), work.arguments
    clips = inputs_of(subject, drawn(work.sounds(), given["clips"]), _SECONDS)
    heard = [clip for clip in clips if clip.any()][: given["sounds"]]
    states = [*_steps(work, subject), ("end", {k: v.clone() for k, v in subject.model.state_dict().items()})]
    dead: dict[str, list[Tensor]] = {}
    bands: dict[str, dict[int, list[float]]] = {}
    for done, (name, state) in enumerate(states, 1):
        subject.model.load_state_dict(state)
        now = Subject(subject.model)
        peaks = of_layers(now.model, clips, {"peak": peak_over_time})["peak"]
        dead[name] = [of.amax(0) <= DEAD * float(of.max()) for of in peaks]
        bands[name] = _bands(now, heard, given["maps"])
        work.report("checkpoints", done, len(states))
    rows: list[Row] = []
    for name, of_step in dead.items():
        for layer, (now_dead, at_end) in enumerate(zip(of_step, dead["end"], strict=True), start=1):
            values = bands[name].get(layer, [])
            rows.append({
                "step": name, "layer": layer, "maps": len(now_dead), "dead": int(now_dead.sum()),
                "dead_at_end": int(at_end.sum()), "dead_then_and_at_end": int((now_dead & at_end).sum()),
                "selectivity": float(np.mean(values)) if values else None,
            })  # fmt: skip
    return Outcome(rows)


def _steps(work: Work, subject: Subject) -> list[tuple[str, dict[str, Tensor]]]:
    return [
        (str(label), dict(fitting_weights(subject.model, read_weights(path), path)))
        for label, path in checkpoint_files(work.model() / "steps")
    ]


def _bands(subject: Subject, clips: list[Tensor], maps: int) -> dict[int, list[float]]:
    """The selectivity of bands of some maps of :data:`SELECTIVE` layers, in each clip in which they sound."""
    found: dict[int, list[float]] = {layer: [] for layer in SELECTIVE}
    taps: list[Tap] = []
    names = blocks(subject.model)
    for clip in clips:
        taps = taps or find_taps(subject.network, clip, subject.sample_rate, [names[layer - 1] for layer in SELECTIVE])
        ways = ways_back(subject.network, clip, [tap.name for tap in taps], "deconvnet")
        for layer, tap in zip(SELECTIVE, taps, strict=True):
            value = ways.values[tap.name]
            count = by_clip(value, tap).shape[1]
            for channel in np.random.default_rng(0).permutation(count)[:maps].tolist():
                seed = torch.zeros_like(value)
                by_clip(seed, tap)[:, channel] = by_clip(value, tap)[:, channel]
                sound = scaled(ways.pull(tap.name, seed).reshape(1, 1, -1), clip.reshape(1, 1, -1))[0, 0]
                if sound.any():
                    found[layer].append(selectivity(sound.numpy()))
    return found


def pictures(work: Work) -> Outcome:
    """Of a random map of each layer the sounds that drive it most with their sonifications, and its evolution."""
    given = work.arguments
    subject = subject_of(work.model())
    data: DataSet = drawn(work.sounds(), given["clips"])
    files = dict(checkpoint_files(work.model() / "steps"))
    files["end"] = work.model() / "model.safetensors"
    labels = list(files)
    chosen = [labels[n] for n in np.unique(np.linspace(0, len(labels) - 1, given["checkpoints"]).round().astype(int))]
    rows: list[Row] = []
    results = {}
    for layer, name in enumerate(blocks(subject.model), start=1):
        width = subject.taps()[_full(subject, name)].channels or 1
        channel = int(np.random.default_rng(layer).integers(width))
        top = top_activations(
            subject, data, layer=name, k=given["ranks"], channels=channel, sounds=True, duration=given["seconds"]
        )
        best = data.items[int(top["clip_index"][0, 0])]
        clip = inputs_of(subject, DataSet((best,), data.classes), given["seconds"])[0]
        wave = clip.reshape(-1)[: round(given["seconds"] * subject.sample_rate)]
        checkpoints = [files[label] for label in chosen]
        grown = evolution(subject, wave, checkpoints=checkpoints, layer=name, channels=channel)
        results[f"top_{layer}"], results[f"evolution_{layer}"] = map(_small, (top, grown.drop_vars("input")))
        rows.append({"layer": layer, "channel": channel, "activation": float(top["activation"][0, 0])})
        work.report("layers", layer, LAYERS)
    return Outcome(rows, results)


def _full(subject: Subject, name: str) -> str:
    return next(one for one in subject.taps() if one.endswith(name))


def _small(result: xr.Dataset) -> xr.Dataset:
    """With sounds of 16 bits on disk, and without their times, which follow from the rate."""
    result = result.drop_vars("time")
    for name in ("input", "sonification"):
        if name in result:
            peak = float(abs(result[name]).max()) or 1.0
            result[name].encoding = {"dtype": "int16", "scale_factor": peak / 32000, "_FillValue": -32768}
    return result
