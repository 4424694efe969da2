"""For every method: how it is called on a small model, and another value of each of its parameters."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import Any, NamedTuple

import numpy as np
import soundfile
import torch
from torch import Tensor

from otoscope import load

SOURCE = '''
"""Models of a user."""

import torch
from torch import nn


class Small(nn.Module):
    sample_rate = 8000
    classes = ("a", "b", "c")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 4, 20, stride=5)
        self.out = nn.Linear(4, 3)
        nn.init.uniform_(self.out.weight)

    def forward(self, x):
        return self.out(torch.relu(self.conv(x)).mean(-1))


class Pair(nn.Module):
    """Two convolutions that read the waveform, each with its activation."""

    sample_rate = 8000
    classes = ("a", "b", "c")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.wide = nn.Conv1d(1, 4, 20, stride=5), nn.Conv1d(1, 4, 40, stride=10)
        self.relu, self.other = nn.ReLU(), nn.ReLU()
        self.out = nn.Linear(8, 3)
        nn.init.uniform_(self.out.weight)

    def forward(self, x):
        maps = self.relu(self.conv(x)), self.other(self.wide(0.5 * x))
        return self.out(torch.cat([one.mean(-1) for one in maps], 1))


class Framed(Pair):
    """The same with scores for each frame."""

    name = "Pair"

    def forward(self, x):
        maps = self.relu(self.conv(x))[..., :-3:2], self.other(self.wide(0.5 * x))
        length = min(one.shape[-1] for one in maps)
        return self.out(torch.cat([one[..., :length] for one in maps], 1).transpose(1, 2))


def frames():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(1, 4, 20, stride=5), nn.ReLU())
'''


VOWELS = """(c) nobody

Note: zero means that the formant was not measurable.
m01ae 323 174  663 2012 2659 3691  669 2008 2671  671 1992 2659  685 1773 2680 \r
w49ah 326 224 1145    0 3272 4370 1145    0 3272 1145    0 3272 1145    0 3272 \r
"""
"""Two vowels as the file of Hillenbrand et al. gives them."""


class Example(NamedTuple):
    """A call of a method.

    Attributes
    ----------
    model : str
        As on the command line.
    given : tuple of str
        What the method takes beside the model: a sound, a data set, or nothing.
    arguments : dict
        By keyword: what has to be given, and what makes it fast.
    others : dict of dict
        For each parameter, arguments in which it has another value than in `arguments`.
    """

    model: str
    given: tuple[str, ...]
    arguments: dict[str, Any]
    others: dict[str, dict[str, Any]]

    def changed(self, parameter: str) -> dict[str, Any]:
        return {**self.arguments, **self.others[parameter]}


def half_right(outputs: Tensor, classes: Tensor) -> float:
    """A metric of a user."""
    return float((outputs.argmax(1) == classes).float().mean() / 2)


def examples(folder: Path) -> dict[str, Example]:
    """Write a model, sounds, a data set and checkpoints into a folder, and call every method on them.

    The calls are those below, and those of ``methods/example_NAME.py``, where a new method brings its own.
    """
    (folder / "mine.py").write_text(SOURCE)
    model = f"{folder / 'mine.py'}:Pair"
    (folder / "vowels").mkdir()
    (folder / "vowels" / "vowdata.dat").write_text(VOWELS, encoding="latin-1", newline="")
    sound = _sounds(folder)
    _checkpoints(folder / "checkpoints", model)

    def on(given: tuple[str, ...], arguments: dict[str, Any], **others: Any) -> Example:
        changes = {name: other if isinstance(other, dict) else {name: other} for name, other in others.items()}
        return Example(model, given, arguments, changes)

    wave, data = (str(sound),), (str(folder / "set"),)
    times = _segments(folder)
    segments = {"segments": times, "tier": {"segments": times, "tier": "1"}}
    spectra = {"layer": "wide", "n_fft": 256, "hop": 20, "alignment": "start", "scale": "log"}
    scale = {"bins_per_octave": 4, "minimum_frequency": 100.0}
    segment = {"segment_start": 0.1, "segment_stop": 0.3, "segment_duration": 0.2}
    relevance = {
        "target": "c",
        "at": [0.1, 0.2],
        "against": {"target": "c", "against": "a"},
        "target_band": {"target": "energy", "target_band": [50.0, 150.0]},
        "rule": "gradient",
    }
    options = {
        "window": 0.05,
        "hop": 0.02,
        "steps": {"rule": "integrated_gradients", "steps": 3},
        "samples": {"rule": "smoothgrad", "samples": 3},
        "noise": {"rule": "smoothgrad", "samples": 3, "noise": 0.2},
        "occlusion_window": {"rule": "occlusion", "occlusion_window": 0.1},
        "occlusion_hop": {"rule": "occlusion", "occlusion_hop": 0.05},
        "epsilon": {"rule": "lrp_epsilon", "epsilon": 0.5},
        "gamma": {"rule": "lrp_gamma", "gamma": 1.0},
        "first": {"rule": "lrp_gamma", "first": "rule"},
        "layer": {"rule": "gradcam", "layer": "wide"},
        "masks": {"rule": "rise", "masks": 5},
        "cell": {"rule": "rise", "masks": 5, "cell": 0.1},
        "keep": {"rule": "rise", "masks": 5, "keep": 0.3},
        "bands": {"rule": "frequency_occlusion", "bands": 3},
        "batch_size": {"rule": "occlusion", "batch_size": 4},
    }
    maps = {"channels": [2, 0], "n_maps": 2, "rule": "guided"}
    found = {
        "strs": on(wave, {}, **spectra, **{name: {"scale": "log", name: value} for name, value in scale.items()}),
        "crs": on(wave, {}, **spectra, **{name: {"scale": "log", name: value} for name, value in scale.items()}),
        "filters": on((), {}, layer="wide", n_fft=256, before=str(folder / "checkpoints" / "step=5.pt")),
        "frame_response": on(wave, {}, time=0.2, layer="wide", n_fft=256),
        "f_vowel": on(wave, {}, n_filters=2, layer="wide", n_fft=256),
        "tone_response": on(
            (),
            {"layer": "relu", "bins_per_octave": 2},
            layer="wide",
            frequencies=[100.0, 500.0],
            minimum_frequency=100.0,
            bins_per_octave=1,
            amplitude=0.25,
            duration=0.5,
        ),
        "tuning": on(
            (),
            {"layer": "relu", "bins_per_octave": 2, "rates": [4.0, 8.0], "duration": 0.5},
            layer="wide",
            bins_per_octave=1,
            minimum_frequency=100.0,
            levels=[-50.0, -20.0],
            rates=[16.0],
            level=-30.0,
            depth=0.5,
            duration=0.6,
            seed=1,
        ),
        "wigner": on((), {}, layer="wide", n_fft=64, n_kernels=3, distributions=True),
        "geometry": on((), {}),
        "relevance": on(
            wave,
            {},
            **relevance,
            seed={"rule": "smoothgrad", "samples": 3, "seed": 1},
            **options,
            **segments,
        ),
        "control": on(
            wave,
            {"draws": 2},
            **relevance,
            draws=3,
            seed=1,
            alike=0.5,
            random=0.1,
            **options,
        ),
        "taken_away": on(
            wave,
            {"places": 4},
            **relevance,
            share=0.3,
            places=3,
            overlap=0.0,
            keep_level=True,
            seed={"rule": "smoothgrad", "samples": 3, "seed": 1},
            **options,
        ),
        "voice": on(
            wave,
            {},
            **relevance,
            **segment,
            floor=60.0,
            ceiling=500.0,
            maximum=3900.0,
            pre_emphasis=50.0,
            order=10,
        ),
        "autocorrelation": on(wave, {}, **relevance, **segment),
        "vowels": on(
            (),
            {"limit": 4},
            **relevance,
            recordings=str(folder / "vowels"),
            groups=["men", "women"],
            limit=3,
            seed=1,
            pre_emphasis=50.0,
        ),
        "sonify": on(wave, {"layer": "relu"}, layer="other", **maps, peak=True),
        "residual": on(wave, {}, layer="wide", rule="guided"),
        "coherence": on(
            data,
            {},
            layer="wide",
            channels=[2, 0],
            n_frequencies=3,
            rule="guided",
            window="hamming",
            nperseg=128,
            noverlap=64,
            nfft=512,
            detrend="linear",
            **segments,
        ),
        "top_activations": on(
            data,
            {"layer": "relu", "k": 2},
            layer="other",
            k=1,
            channels=[2, 0],
            n_maps=2,
            sounds=True,
            duration={"sounds": True, "n_maps": 1, "duration": 0.1},
            peak={"sounds": True, "n_maps": 1, "peak": True},
            rule={"sounds": True, "n_maps": 1, "rule": "guided"},
            batch_size=4,
        ),
        "data_flow": on(wave, {}, layer="wide", channels=[2], n_maps=2),
        "aliasing": on(wave, {}),
        "aliasing_map": on((), {"frequencies": 5}, frequencies=7, duration=0.2, amplitude=0.25, cells=24),
        "residual_study": on(
            data,
            {"resamples": 50},
            layer="wide",
            rule="guided",
            control="noise",
            batch_size=4,
            resamples=60,
            seed=1,
            own_answers=True,
            metric=half_right,
        ),
        "layer_importance": on(
            data,
            {"layer": "relu", "epochs": 1, "seeds": 2},
            layer="wide",
            test=str(folder / "other"),
            frozen=False,
            epochs=2,
            seeds=1,
            learning_rate=0.02,
            encoder_learning_rate=0.01,
            batch_size=4,
        ),
        "evolution": on(
            wave,
            {"checkpoints": str(folder / "checkpoints"), "layer": "relu"},
            checkpoints=str(folder / "checkpoints" / "step=5.pt"),
            layer="wide",
            **maps,
        ),
    }
    own = {
        path.stem.removeprefix("example_"): path for path in (Path(__file__).parent / "methods").glob("example_*.py")
    }
    found |= {name: run_path(str(path))["example"](on, wave, data) for name, path in own.items()}
    framed = model.replace(":Pair", ":Framed")
    return {name: one._replace(model=framed) if "at" in one.others else one for name, one in found.items()}


def _sounds(folder: Path) -> Path:
    """A voice, and two small data sets of noise; the voice is returned."""
    rate, draw = 8000, np.random.default_rng(0)
    time = np.arange(rate // 2) / rate
    voice = sum(np.cos(2 * np.pi * 120 * k * time) / (1 + ((120 * k - 700) / 200) ** 2) for k in range(1, 30))
    soundfile.write(folder / "voice.wav", 0.5 * voice / np.abs(voice).max(), rate)
    for name in ("set", "other"):
        for label in "abc":
            (folder / name / label).mkdir(parents=True)
            for number in range(4):
                noise = draw.uniform(-0.4, 0.4, 1600 + 200 * number)
                soundfile.write(folder / name / label / f"{number}.wav", noise, rate)
    return folder / "voice.wav"


def _segments(folder: Path) -> str:
    """Two segments of every sound, as a CTM file."""
    sounds = ["voice", *(f"set/{label}/{number}" for label in "abc" for number in range(4))]
    lines = [f"{name} 1 {start} 0.09 {label}\n" for name in sounds for start, label in ((0.0, "ah"), (0.1, "t"))]
    (folder / "segments.ctm").write_text("".join(lines))
    return str(folder / "segments.ctm")


def _checkpoints(folder: Path, model: str) -> None:
    folder.mkdir()
    state = load(model).state_dict()
    for step in (5, 40):
        torch.save(state | {"conv.weight": state["conv.weight"] * step / 40}, folder / f"step={step}.pt")
