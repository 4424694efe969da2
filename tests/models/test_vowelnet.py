"""The two bundled models: whole, small, as good as their cards say, and listening to what they must."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import otoscope.models
from otoscope.data.vowels import REGISTERS, SYMBOLS, Vowel, draw, mean_vowel, register, synthesise
from otoscope.errors import InputError
from otoscope.models import load
from otoscope.models.vowelnet import VowelNet
from otoscope.scope import Scope

WEIGHTS = Path(otoscope.models.__file__).parent / "weights"
NAMES = ("vowel-name", "vowel-register")
ANSWER: dict[str, Callable[[Vowel], str]] = {
    "vowel-name": lambda vowel: vowel.symbol,
    "vowel-register": lambda vowel: register(vowel.f0),
}
RATE = 16_000


@cache
def tokens(n: int, seed: int) -> tuple[list[Vowel], Tensor]:
    """Fresh exact vowels at -20 dB RMS, (n, 1, time); the models were trained on other seeds."""
    vowels = draw(n, seed)
    waves = torch.from_numpy(np.stack([synthesise(vowel, duration=0.4) for vowel in vowels]))[:, None]
    return vowels, 0.1 * waves / waves.square().mean(-1, keepdim=True).sqrt()


def bundled(name: str) -> VowelNet:
    model = load(name)
    assert isinstance(model, VowelNet)
    return model


def answers(model: VowelNet, waves: Tensor) -> list[str]:
    with torch.no_grad():
        return [model.classes[i] for i in model(waves).argmax(1)]


def accuracy(name: str, waves: Tensor, vowels: list[Vowel]) -> float:
    right = [ANSWER[name](v) == said for v, said in zip(vowels, answers(bundled(name), waves), strict=True)]
    return sum(right) / len(right)


@pytest.mark.parametrize("name", NAMES)
def test_folder_is_whole_small_and_says_what_it_is(name: str) -> None:
    folder = WEIGHTS / name
    config = json.loads((folder / "config.json").read_text())
    assert config["architecture"] == "vowelnet"
    assert config["name"] == name
    assert config["contract"]["sample_rate"] == RATE
    assert (folder / "model.safetensors").stat().st_size < 2_000_000
    card = (folder / "README.md").read_text()
    for part in ("## Data", "## Training", "## Accuracy", "## Cues", "## Limitations", "Hillenbrand"):
        assert part in card


@pytest.mark.parametrize("name", NAMES)
def test_weights_fit_strictly_and_are_finite(name: str) -> None:
    config = json.loads((WEIGHTS / name / "config.json").read_text())
    tensors = load_file(WEIGHTS / name / "model.safetensors")
    model = VowelNet(**{"classes": config["contract"]["classes"]} | config["options"])
    model.load_state_dict(tensors, strict=True)
    assert all(value.isfinite().all() for value in tensors.values())


def test_same_architecture_and_classes_in_order() -> None:
    name, voice = (bundled(each) for each in NAMES)
    shapes = [[tuple(p.shape) for key, p in m.named_parameters() if "head" not in key] for m in (name, voice)]
    assert shapes[0] == shapes[1]
    assert name.classes == SYMBOLS
    assert voice.classes == REGISTERS
    for model, label in ((name, "vowel-name"), (voice, "vowel-register")):
        assert (model.name, model.sample_rate, model.input_length) == (label, RATE, None)
        assert not model.training


@pytest.mark.parametrize(("name", "bar"), [("vowel-name", 0.90), ("vowel-register", 0.95)])
def test_accuracy_on_fresh_draws(name: str, bar: float) -> None:
    vowels, waves = tokens(120, seed=2024)
    assert accuracy(name, waves, vowels) >= bar


@pytest.mark.parametrize(("name", "bar"), [("vowel-name", 0.85), ("vowel-register", 0.95)])
def test_answer_holds_under_noise_level_and_shift(name: str, bar: float) -> None:
    """White noise at 20 dB, 6 dB up or down, and a start anywhere: as in training."""
    vowels, waves = tokens(120, seed=2024)
    noise = 0.01 * torch.randn(waves.shape, generator=torch.Generator().manual_seed(0))
    for gain, start in ((0.5, 500), (2.0, 1100)):
        assert accuracy(name, gain * (waves + noise)[..., start : start + 4000], vowels) >= bar


def test_register_is_blind_to_the_vowel_and_name_to_the_register() -> None:
    """Same F0 with every vowel, same vowel at many F0: the answer that must not change hardly does."""
    vowels = [Vowel(v.symbol, v.group, 120.0, v.formants, v.tract_length) for v in tokens(60, seed=2025)[0]]
    waves = torch.from_numpy(np.stack([synthesise(v, duration=0.4) for v in vowels]))[:, None] * 0.3
    assert answers(bundled("vowel-register"), waves).count("low") >= 58
    voices = [mean_vowel("ah", "reference", f0) for f0 in np.geomspace(95, 200, 30)]
    waves = torch.from_numpy(np.stack([synthesise(v, duration=0.4) for v in voices]))[:, None] * 0.3
    assert answers(bundled("vowel-name"), waves).count("ah") >= 27


def relevance_power(name: str, waves: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Power spectrum of the guided backpropagation of the predicted logit, written with plain hooks."""

    def clamp(module: nn.Module, inward: tuple[Tensor, ...], outward: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (inward[0].clamp(min=0),)

    model = bundled(name)
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.register_full_backward_hook(clamp)
    x = waves.clone().requires_grad_()
    model(x).max(1).values.sum().backward()
    assert x.grad is not None
    signal = x.grad[:, 0, 1600:-1600].numpy()
    power = np.abs(np.fft.rfft(signal * np.hanning(signal.shape[1]))) ** 2
    return power / power.sum(1, keepdims=True), np.fft.rfftfreq(signal.shape[1], 1 / RATE)


def test_register_hears_low_harmonics_and_name_hears_formants() -> None:
    """Shares of relevance energy, against the same model's share at the formants of another token."""
    vowels, waves = tokens(40, seed=2026)
    f0 = np.array([v.f0 for v in vowels])[:, None]
    formants = np.array([v.formants[:2] for v in vowels])[:, :, None]

    def share_at(power: np.ndarray, f: np.ndarray, centres: np.ndarray) -> float:
        at = (np.abs(f - centres) <= np.maximum(0.1 * centres, f0[:, None] / 2)).any(1)
        return float((power * at).sum(1).mean())

    low, own, others = {}, {}, {}
    for name in NAMES:
        power, f = relevance_power(name, waves)
        low[name] = (power * (f < 3.5 * f0)).sum(1).mean()
        own[name] = share_at(power, f, formants)
        others[name] = share_at(power, f, np.roll(formants, 1, axis=0))
        harmonic = np.abs(f - f0 * np.maximum(np.round(f / f0), 1)) < 0.15 * f0
        assert (power * harmonic).sum(1).mean() > 0.8  # where a voice has its energy
        assert np.isfinite(power).all()
    assert low["vowel-register"] > 0.75
    assert low["vowel-name"] < 0.35
    assert own["vowel-name"] > 0.45
    assert own["vowel-name"] > 2 * others["vowel-name"]
    assert own["vowel-register"] < 0.3


def test_strongest_relevance_of_the_register_is_at_the_fundamental() -> None:
    vowels, waves = tokens(40, seed=2026)
    power, f = relevance_power("vowel-register", waves)
    strongest = f[power.argmax(1)]
    f0 = np.array([v.f0 for v in vowels])
    assert (np.abs(strongest / f0 - 1) < 0.1).mean() > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_any_length_from_the_receptive_field_up(name: str) -> None:
    model = bundled(name)
    shortest = model.minimum_length
    assert model(torch.zeros(2, 1, shortest)).shape == (2, len(model.classes))
    assert model(torch.zeros(1, 1, 3 * RATE)).isfinite().all()
    wave = 0.1 * torch.randn(shortest - 1, generator=torch.Generator().manual_seed(0))
    filled = torch.cat([wave, torch.zeros(1)])
    assert torch.equal(Scope(model).output(wave), model(filled[None, None]))


def test_minimum_length_is_the_receptive_field() -> None:
    """One sample less, and a convolution or pooling would have nothing to work on."""
    model = VowelNet(["a"], channels=(2, 2, 2), kernels=(50, 4, 3), stride=7, pools=(5, 2))
    assert model(torch.zeros(1, 1, model.minimum_length)).shape == (1, 1)
    with pytest.raises(RuntimeError):
        model(torch.zeros(1, 1, model.minimum_length - 1))


def test_no_classes_is_refused() -> None:
    with pytest.raises(InputError, match="classes is empty"):
        VowelNet([])
