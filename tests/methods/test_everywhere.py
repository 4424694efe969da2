"""Every method on every kind of model: finite numbers, or an error that says why it does not apply."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import otoscope
from otoscope import InputError, Scope, load
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing
from otoscope.methods.no_relevance import NoRelevance
from otoscope.models.huggingface import HuggingFaceModel

RATE = 8000


class SincNet(nn.Module):
    """Band-pass kernels computed from their edges in every pass, then two ordinary convolutions."""

    sample_rate, classes = RATE, ("low", "high")

    def __init__(self) -> None:
        super().__init__()
        self.low = nn.Parameter(torch.linspace(50, 2500, 12))
        self.band = nn.Parameter(torch.linspace(150, 800, 12))
        self.bn1, self.bn2 = nn.BatchNorm1d(12), nn.BatchNorm1d(16)
        self.conv2 = nn.Conv1d(12, 16, 5, bias=False)
        self.out = nn.Linear(16, 2)

    def kernels(self) -> Tensor:
        time = torch.arange(-50, 51) / RATE
        low, high = self.low.abs()[:, None], (self.low.abs() + self.band.abs())[:, None]
        kernels = 2 * high * torch.sinc(2 * high * time) - 2 * low * torch.sinc(2 * low * time)
        return (kernels * torch.hann_window(101, periodic=False) / RATE)[:, None]

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.conv1d(x, self.kernels(), stride=4)
        x = nn.functional.leaky_relu(self.bn1(nn.functional.max_pool1d(x, 3)), 0.2)
        x = nn.functional.leaky_relu(self.bn2(nn.functional.max_pool1d(self.conv2(x), 3)), 0.2)
        return self.out(x.mean(-1))


def wav2vec2() -> nn.Module:
    transformers = pytest.importorskip("transformers")
    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24, conv_dim=(8, 8, 8),
        conv_kernel=(10, 3, 2), conv_stride=(5, 2, 2), num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
        num_labels=3, classifier_proj_size=8,
    )  # fmt: skip
    network = transformers.Wav2Vec2ForSequenceClassification(config)
    return HuggingFaceModel(network, sample_rate=RATE, normalize=True, name="wav2vec2")


MODELS: dict[str, Callable[[], nn.Module]] = {
    "cnn12": lambda: load("cnn12", width=0.1, n_classes=4),
    "res-tssdnet": lambda: load("res-tssdnet"),
    "inc-tssdnet": lambda: load("inc-tssdnet"),
    "swam-segmental": lambda: load("swam-segmental"),
    "swam-subsegmental": lambda: load("swam-subsegmental"),
    "swam-multiresolution": lambda: load("swam-multiresolution"),
    "sincnet": SincNet,
    "wav2vec2": wav2vec2,
    "vowel-name": lambda: load("vowel-name"),
    "vowel-register": lambda: load("vowel-register"),
}


def voice(scope: Scope) -> np.ndarray:
    """A second of harmonics of 120 Hz with two resonances, in a little noise."""
    rate = scope.sample_rate
    time = np.arange(rate) / rate
    level = lambda f: 1 / (1 + ((f - 700) / 150) ** 2) + 0.5 / (1 + ((f - 1200) / 200) ** 2) + 0.02  # noqa: E731
    sound = sum(level(120 * k) * np.cos(2 * np.pi * 120 * k * time) for k in range(1, rate // 240))
    sound = sound / np.abs(sound).max() + 0.01 * np.random.default_rng(0).standard_normal(rate)
    return (0.5 * sound).astype(np.float32)


def deeper(scope: Scope) -> str:
    """A tap in the middle of the model that is in time."""
    names = [tap.name for tap in scope.taps().values() if tap.time_axis is not None and tap.kind != "convolution"]
    return names[len(names) // 2]


def checkpoint(scope: Scope, folder: Path) -> Path:
    path = folder / "step_1.pt"
    torch.save(scope.model.state_dict(), path)
    return path


def pairs(scope: Scope, wave: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """Four sounds of two classes, named as the model names them."""
    classes = scope.classes or ("0", "1")
    return list(zip((wave, -wave, wave[::-1].copy(), 0.5 * wave), [classes[0], classes[1]] * 2, strict=True))


def given(scope: Scope, wave: np.ndarray, name: str) -> tuple[Any, ...]:
    """What a method takes beside the model."""
    return {"model": (), "wave": (wave,), "data": (pairs(scope, wave),)}[METHODS[name].takes]


Options = Callable[[Scope, Path], dict[str, Any]]

NEEDED: dict[str, Options] = {
    "strs": lambda scope, folder: {"hop": 400},
    "tone_response": lambda scope, folder: {"layer": deeper(scope), "frequencies": [300.0, 1000.0]},
    "tuning": lambda scope, folder: {"layer": deeper(scope), "bins_per_octave": 1, "rates": [8.0]},
    "vowels": lambda scope, folder: {"groups": "men", "limit": 2},
    "sonify": lambda scope, folder: {"layer": deeper(scope)},
    "top_activations": lambda scope, folder: {"layer": deeper(scope)},
    "aliasing_map": lambda scope, folder: {"frequencies": [300.0, 3000.0]},
    "residual_study": lambda scope, folder: {"resamples": 100},
    "layer_importance": lambda scope, folder: {"epochs": 1, "seeds": 2},
    "evolution": lambda scope, folder: {"checkpoints": checkpoint(scope, folder), "layer": deeper(scope)},
    "subband_emphasis": lambda scope, folder: {"resamples": 100},
    "crs_classifier": lambda scope, folder: {"folds": 2, "resamples": 100},
}
"""What methods have to be given, and what makes them fast; any other runs with its defaults."""


def spoken_for(scope: Scope, folder: Path) -> dict[str, Any]:
    """Grad-CAM for a class against another: where no map of the layer speaks for the one, some speak for the other."""
    for target in range(2):
        options = {"rule": "gradcam", "target": target, "against": 1 - target}
        with suppress(NoRelevance):
            scope.relevance(voice(scope), **options)
            return options
    raise AssertionError("no map speaks for either class")


PROPAGATED = ("lrp_epsilon", "lrp_gamma", "lrp_zplus", "lrp_alpha2beta1", "attnlrp", "deeplift")
VARIANTS: dict[str, tuple[str, Options]] = {
    "strs_in_octaves": ("strs", lambda scope, folder: {"hop": 400, "scale": "log"}),
    "integrated_gradients": ("relevance", lambda scope, folder: {"rule": "integrated_gradients", "steps": 2}),
    "smoothgrad": ("relevance", lambda scope, folder: {"rule": "smoothgrad", "samples": 2}),
    "occlusion": ("relevance", lambda scope, folder: {"rule": "occlusion"}),
    "frequency_occlusion": ("relevance", lambda scope, folder: {"rule": "frequency_occlusion", "bands": 4}),
    **{rule: ("relevance", lambda scope, folder, rule=rule: {"rule": rule}) for rule in PROPAGATED},
    "gradcam": ("relevance", spoken_for),
    "rise": ("relevance", lambda scope, folder: {"rule": "rise", "masks": 4}),
    "freqrise": ("relevance", lambda scope, folder: {"rule": "freqrise", "masks": 4}),
}
CALLS = {name: (name, NEEDED.get(name, lambda scope, folder: {})) for name in listing()} | VARIANTS


def call(scope: Scope, wave: np.ndarray, name: str, folder: Path) -> xr.Dataset:
    method, options = CALLS[name]
    result: xr.Dataset = getattr(scope, method)(*given(scope, wave, method), **options(scope, folder))
    return result


WITH_A_NOTE = {
    "control_runner_up", "control_random", "control_random_draw", "control_random_high", "control_random_low",
    "other_map", "random_map", "share_changed", "margin", "changed", "taken_margin", "elsewhere_high", "elsewhere_low",
    "elsewhere_margin", "elsewhere_place_margin", "elsewhere_score", "elsewhere_share", "elsewhere_place_score",
    "elsewhere_changed", "elsewhere_place_changed",
}  # fmt: skip
"""What is NaN where there is nothing to compare with; a note says so."""
MAY_BE_UNKNOWN = {
    "babel", "best_frequency", "best_modulation_gain", "best_rate", "channel_share", "exponent", "f_ratio_ci_high",
    "folded_share", "formants", "f0", "measured", "median_f0", "modulation_gain", "peak_frequency", "period",
    "periodicity", "relevance_share", "threshold", "width",
    *WITH_A_NOTE,
}  # fmt: skip
"""What is NaN where a row is shorter than others, a map is silent, Praat finds nothing, a class does not vary, or
relevance sums to 0."""

WITHOUT_TIME = {("activations", "peak_time")}
"""What is NaN at a pooling over all of time."""


def chosen() -> list[Any]:
    """Each call on two or three models, each model with a quarter of the calls; all other pairs are slow."""
    pairs = itertools.product(enumerate(MODELS), enumerate(CALLS))
    slow = {("res-tssdnet", "occlusion"), ("inc-tssdnet", "occlusion"), ("res-tssdnet", "residual_study")}
    return [
        pytest.param(model, name, marks=[] if (i + j) % 4 == 0 and (model, name) not in slow else [pytest.mark.slow])
        for (i, model), (j, name) in pairs
    ]


@cache
def looked_at(model: str) -> tuple[Scope, np.ndarray]:
    torch.manual_seed(0)
    scope = Scope(MODELS[model]())
    return scope, voice(scope)


@pytest.mark.parametrize(("model", "name"), chosen())
@pytest.mark.filterwarnings("ignore")
def test_every_method_runs_on_every_model(model: str, name: str, tmp_path: Path) -> None:
    scope, wave = looked_at(model)
    result = call(scope, wave, name, tmp_path)
    for variable, one in result.data_vars.items():
        if one.dtype.kind == "f" and variable not in MAY_BE_UNKNOWN and (name, variable) not in WITHOUT_TIME:
            assert np.isfinite(one).all(), f"{variable} of {name} holds what is not a number"
    result.otoscope.save(tmp_path / "result.nc")
    read = otoscope.open(tmp_path / "result.nc")
    assert read.attrs["model"] == scope.name and read.attrs["method"] == CALLS[name][0]


class Dense(nn.Module):
    """A model without convolution, pooling or maps in time."""

    sample_rate, classes, input_length = RATE, ("a", "b"), 400

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(400, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.hidden(x[:, 0])))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("strs", "no convolution"),
        ("crs", "no convolution"),
        ("filters", "no convolution"),
        ("frame_response", "no convolution"),
        ("f_vowel", "no convolution"),
        ("wigner", "no convolution"),
        ("geometry", "no convolution"),
        ("aliasing", "no convolution or pooling"),
        ("aliasing_map", "no convolution or pooling"),
        ("residual", "no tap of the model has feature maps in time"),
        ("coherence", "time"),
    ],
)
def test_where_a_method_cannot_apply_the_error_says_why(name: str, reason: str, tmp_path: Path) -> None:
    scope = Scope(Dense())
    with pytest.raises(InputError, match=reason):
        call(scope, voice(scope), name, tmp_path)
