"""The steps of the study that need no training: sizes of the encoders, and sonifications of shifted sounds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from otoscope.audio import load_audio
from otoscope.data.find import drawn, sound_of
from otoscope.methods.sonify import sonify
from otoscope.models import load
from otoscope.models.zoo import build
from otoscope.studies.inputs import Sounds
from otoscope.studies.sonification.encoders import all_trained, more_trainings, trainings
from otoscope.studies.sonification.growth import growth_steps
from otoscope.studies.sonification.heard import heard_steps, strided_steps
from otoscope.studies.sonification.probes import probe_steps, tuned_steps, variant_steps
from otoscope.studies.sonification.without import without_steps
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.studies.study import Setting
from otoscope.subject import Subject

LAYERS = ("pool2", "pool5", "pool8")
SETS = ("audioset", "fsd50k", "speech-commands", "voxceleb1")
PUBLISHED_OFFSET = 8645
"""In samples, of Fig. 5.1."""


def plan(setting: Setting) -> Iterator[Step]:
    """The steps, in the order of the thesis."""
    clips = 10 if setting.quick else 50
    yield Step("sizes", sizes, {"n_classes": 527}, part="encoder", seconds=3, command="otoscope models")
    for name in SETS:
        yield Step("sets", count, {}, {"set": name}, (Sounds(name),), part="data", command=f"otoscope data {name}")
    yield Step(
        "shift",
        shift,
        {"model": "fsdd-digit", "clips": clips, "layers": list(LAYERS), "offset": PUBLISHED_OFFSET},
        inputs=(Sounds("esc10"),),
        part="sounds",
        seconds=1.0 * clips,
        command="otoscope sonify fsdd-digit CLIP --layer pool8",
    )
    trained = all_trained(setting)
    for one in trained:
        yield from (one.contrastive, one.supervised)
    for steps in (heard_steps, growth_steps, probe_steps, trainings, without_steps, strided_steps, tuned_steps):
        for one in trained:
            yield from steps(one)
    for one in trained:
        yield from variant_steps(one)
    if not setting.quick:
        for one in trained:
            yield from more_trainings(one)


def count(work: Work) -> Outcome:
    """How many sounds there are of a set."""
    return Outcome([{"sounds": len(work.sounds())}])


def sizes(work: Work) -> Outcome:
    """The numbers of weights of both encoders with a classifier of the classes of AudioSet."""
    rows: list[Row] = []
    for name in ("cnn12", "cnn12-x2"):
        model = build(name, {"n_classes": work.arguments["n_classes"]})
        rows.append({"model": name, "weights": sum(one.numel() for one in model.parameters())})
    return Outcome(rows)


def shift(work: Work) -> Outcome:
    """How alike the sonification of a sound is to that of the same sound without its beginning, moved back.

    Of each layer the map that is most active in the whole sound, at the offset of the thesis and at the largest
    multiple of the hop below it; away from the ends by the receptive field of the layer. Clips that are silent after
    the offset are left out.
    """
    subject = Subject(load(work.arguments["model"]))
    taps = subject.taps()
    rate, rows = subject.sample_rate, list[Row]()
    items = drawn(work.sounds(), work.arguments["clips"]).items
    for number, item in enumerate(items):
        wave = load_audio(sound_of(item, rate), sample_rate=rate)
        samples = torch.as_tensor(np.array(wave.values, dtype=np.float32)).flatten()
        if not samples[work.arguments["offset"] :].any():
            continue
        for layer in work.arguments["layers"]:
            tap = next(one for name, one in taps.items() if name.endswith(f".{layer}"))
            hop, margin = round(tap.hop), int(tap.receptive_field or 1)
            whole = sonify(subject, samples, layer=layer)
            channel = int(whole["channel"][0])
            for offset in (work.arguments["offset"] // hop * hop, work.arguments["offset"]):
                moved = sonify(subject, samples[offset:], layer=layer, channels=channel)
                a = whole["sonification"].values.ravel()[offset:][margin:-margin]
                b = moved["sonification"].values.ravel()[margin:-margin]
                moves = a.std() > 0 and b.std() > 0
                rows.append({
                    "clip": number, "layer": layer, "channel": channel, "offset": offset, "hop": hop,
                    "rest": offset % hop, "correlation": float(np.corrcoef(a, b)[0, 1]) if moves else None,
                })  # fmt: skip
        work.report("clips", number + 1, len(items))
    return Outcome(rows)
