"""Every method on every kind of model: finite numbers, or an error that says why it does not apply."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, load
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


def pairs(scope: Scope, wave: np.ndarray) -> dict[str, Any]:
    """Four sounds of two classes, named as the model names them."""
    classes = scope.classes or ("0", "1")
    return {"waves": [wave, -wave, wave[::-1].copy(), 0.5 * wave], "labels": [classes[0], classes[1]] * 2}


METHODS: dict[str, Callable[[Scope, np.ndarray, Path], Any]] = {
    "geometry": lambda scope, wave, folder: scope.geometry(),
    "filters": lambda scope, wave, folder: scope.filters(),
    "wigner": lambda scope, wave, folder: scope.wigner(),
    "tone_response": lambda scope, wave, folder: scope.tone_response(deeper(scope), frequencies=[300.0, 1000.0]),
    "aliasing_map": lambda scope, wave, folder: scope.aliasing_map(frequencies=[300.0, 3000.0]),
    "strs": lambda scope, wave, folder: scope.strs(wave, hop=400),
    "strs_log": lambda scope, wave, folder: scope.strs(wave, hop=400, scale="log"),
    "crs": lambda scope, wave, folder: scope.crs(wave),
    "frame_response": lambda scope, wave, folder: scope.frame_response(wave),
    "f_vowel": lambda scope, wave, folder: scope.f_vowel(wave),
    "guided": lambda scope, wave, folder: scope.relevance(wave),
    "integrated_gradients": lambda scope, wave, folder: scope.relevance(wave, rule="integrated_gradients", steps=2),
    "smoothgrad": lambda scope, wave, folder: scope.relevance(wave, rule="smoothgrad", samples=2),
    "occlusion": lambda scope, wave, folder: scope.relevance(wave, rule="occlusion"),
    "frequency_occlusion": lambda scope, wave, folder: scope.relevance(wave, rule="frequency_occlusion", bands=4),
    "voice": lambda scope, wave, folder: scope.voice(wave),
    "autocorrelation": lambda scope, wave, folder: scope.autocorrelation(wave),
    "sonify": lambda scope, wave, folder: scope.sonify(wave, deeper(scope)),
    "residual": lambda scope, wave, folder: scope.residual(wave),
    "evolution": lambda scope, wave, folder: scope.evolution(wave, checkpoint(scope, folder), deeper(scope)),
    "data_flow": lambda scope, wave, folder: scope.data_flow(wave),
    "aliasing": lambda scope, wave, folder: scope.aliasing(wave),
    "residual_study": lambda scope, wave, folder: scope.residual_study(**pairs(scope, wave)),
    "coherence": lambda scope, wave, folder: scope.coherence([wave, -wave]),
    "top_activations": lambda scope, wave, folder: scope.top_activations([wave, -wave], deeper(scope)),
}

#: What may be unknown, and is NaN then: what a shorter row does not have, what is silent, what Praat does not find.
MAY_BE_UNKNOWN = {"babel", "best_frequency", "channel_share", "folded_share", "formants", "f0", "median_f0"}


@pytest.fixture(scope="module", params=MODELS)
def heard(request: pytest.FixtureRequest) -> tuple[Scope, np.ndarray]:
    torch.manual_seed(0)
    scope = Scope(MODELS[request.param]())
    return scope, voice(scope)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore")
def test_every_method_runs_on_every_model(heard: tuple[Scope, np.ndarray], method: str, tmp_path: Path) -> None:
    scope, wave = heard
    result = METHODS[method](scope, wave, tmp_path)
    values = result.to_dataset(name=method) if isinstance(result, xr.DataArray) else result
    for name, one in values.data_vars.items():
        if one.dtype.kind == "f" and name not in MAY_BE_UNKNOWN:
            assert np.isfinite(one).all(), f"{name} of {method} holds what is no number"
    result.otoscope.save(tmp_path / "result.nc")
    with xr.open_dataset(tmp_path / "result.nc", engine="scipy") as read:
        assert read.attrs["model"] == scope.name and read.attrs["method"]


class Dense(nn.Module):
    """A model without convolution, pooling or maps in time."""

    sample_rate, classes, input_length = RATE, ("a", "b"), 400

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(400, 8), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.hidden(x[:, 0])))


@pytest.mark.parametrize(
    ("method", "reason"),
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
def test_where_a_method_cannot_apply_the_error_says_why(method: str, reason: str, tmp_path: Path) -> None:
    scope = Scope(Dense())
    with pytest.raises(InputError, match=reason):
        METHODS[method](scope, voice(scope), tmp_path)
