"""Layer importance where the answer is known: separable features, shuffled labels, nothing to train."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from scipy.optimize import minimize
from torch import Tensor, nn

from otoscope import InputError, Scope, load
from otoscope.data.labelled import labelled_sounds, split_sounds
from otoscope.dsp.statistics import mean_interval
from otoscope.methods import layer_importance
from otoscope.methods.clips import Clip

RATE = 8000


class Power(nn.Module):
    """Energy in the halves of the spectrum: without parameters."""

    def __init__(self) -> None:
        super().__init__()
        kernels = torch.tensor([[1.0, 1.0], [1.0, -1.0]])[:, None]
        self.register_buffer("kernels", kernels)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(nn.functional.conv1d(x, self.kernels).square())


def tones(count: int, seed: int = 0, lengths: tuple[int, ...] = (200,)) -> list[Clip]:
    """Low tones are `a`, high tones `b`."""
    rng = np.random.default_rng(seed)
    clips = []
    for n in range(count):
        frequency = rng.uniform(200, 1200) if n % 2 else rng.uniform(2800, 3800)
        time = np.arange(lengths[n % len(lengths)]) / RATE
        wave = np.sin(2 * np.pi * frequency * time) + 0.1 * rng.standard_normal(len(time))
        clips.append(Clip(str(n), torch.as_tensor(wave, dtype=torch.float32)[None, None], "ab"[n % 2]))
    return clips


def ask(model: nn.Module, train: list[Clip], test: list[Clip], **options: object) -> xr.Dataset:
    return layer_importance(model, train, test, sample_rate=RATE, **options)


@pytest.mark.parametrize("frozen", [True, False])
def test_what_is_linearly_separable_is_told_apart(frozen: bool) -> None:
    result = ask(Power(), tones(30), tones(20, seed=1), frozen=frozen, epochs=15)
    assert result.layer.values.tolist() == ["relu"]
    assert (result.accuracy == 1).all() and result["mean"].item() == 1


def test_shuffled_labels_are_guessed() -> None:
    rng = np.random.default_rng(2)

    def shuffled(clips: list[Clip]) -> list[Clip]:
        return [Clip(c.name, c.inputs, "ab"[rng.integers(2)]) for c in clips]

    result = ask(Power(), shuffled(tones(120)), shuffled(tones(160, seed=1)), epochs=8)
    assert abs(result["mean"].item() - 0.5) < 0.12  # three standard errors
    assert 0.5 <= float(result.chance) < 0.62


def test_frozen_and_full_agree_where_nothing_is_before_the_cut() -> None:
    train, test = tones(24, lengths=(200, 230)), tones(20, seed=1)
    options = {"epochs": 3, "batch": 7}
    one, other = (ask(Power(), train, test, frozen=frozen, **options) for frozen in (True, False))
    np.testing.assert_array_equal(one.accuracy, other.accuracy)
    assert one.accuracy.min() > 0.9


def deep(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Conv1d(6, 8, 5), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 2),
    )  # fmt: skip


@pytest.mark.parametrize("frozen", [True, False])
def test_the_model_is_left_as_it_was(frozen: bool) -> None:
    model = deep().train()
    model[0].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    ask(model, tones(12), tones(6), frozen=frozen, epochs=2, seeds=1)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(module.training for module in model.modules())
    assert not model[0].weight.requires_grad and model[4].weight.requires_grad


def test_training_the_encoder_learns_what_it_did_not_know() -> None:
    """A first layer that is nearly deaf to the difference of the classes learns to hear it."""
    model = nn.Sequential(nn.Conv1d(1, 2, 2, bias=False), nn.ReLU())
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[[1.0, 0.0]], [[-1.0, 0.0]]]))
    train, test = tones(40), tones(40, seed=1)
    frozen = ask(model, train, test, epochs=15, seeds=1)
    full = ask(model, train, test, frozen=False, epochs=15, seeds=1, encoder_rate=0.05)
    assert full["mean"].item() > frozen["mean"].item() + 0.1 and full["mean"].item() > 0.9


@pytest.mark.parametrize("frozen", [True, False])
def test_a_seed_gives_the_same_numbers(frozen: bool) -> None:
    one, other = (ask(deep(), tones(14), tones(9, seed=1), frozen=frozen, epochs=2, seeds=[4, 9]) for _ in range(2))
    np.testing.assert_array_equal(one.accuracy, other.accuracy)
    assert one.run.values.tolist() == [4, 9] and one.layer.values.tolist() == ["2", "5"]
    np.testing.assert_allclose(one.low, np.clip(mean_interval(one.accuracy.values.T)[1], 0, 1))


def test_the_accuracy_is_that_of_logistic_regression() -> None:
    """Trained to the end, the classifier decides as the one that scipy finds on features computed by hand."""
    rng = np.random.default_rng(0)
    model = deep().eval()

    def noisy(count: int) -> list[Clip]:
        waves = rng.standard_normal((count, 1, 200)).astype("f4") * rng.uniform(0.5, 2, (count, 1, 1)).astype("f4")
        return [Clip(str(n), torch.from_numpy(w)[None], "ab"[int(w.std() > 1.1)]) for n, w in enumerate(waves)]

    train, test = noisy(80), noisy(80)
    features = [np.stack([model[:3](c.inputs).mean(-1)[0].detach().numpy() for c in part]) for part in (train, test)]
    mean, deviation = features[0].mean(0), features[0].std(0)
    seen = [np.c_[(part - mean) / deviation, np.ones(len(part))] for part in features]
    signs = [np.array([1.0 if clip.label == "b" else -1.0 for clip in part]) for part in (train, test)]

    def loss(weights: np.ndarray) -> float:
        return np.logaddexp(0, -signs[0] * (seen[0] @ weights)).mean() + 1e-3 * np.sum(weights**2)

    expected = np.mean(np.sign(seen[1] @ minimize(loss, np.zeros(7)).x) == signs[1])
    found = ask(model, train, test, layers=["2"], seeds=1)["mean"].item()
    assert abs(found - expected) < 0.03


def test_interrupted_it_returns_what_is_done() -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        result = ask(deep(), tones(12), tones(6), epochs=1, seeds=2, progress=stop)
    assert np.isfinite(result.accuracy).values.tolist() == [[True, True], [True, False]]


def test_deeper_layers_of_the_vowel_model_know_the_vowel_better() -> None:
    scope = Scope(load("vowel-name"))
    train, test = split_sounds(labelled_sounds("vowels", limit=60))
    result = scope.layer_importance(*(list(zip(*part, strict=True)) for part in (train, test)), seeds=1)
    assert result.layer.values.tolist() == ["pool1", "pool2", "relu3"]
    assert result["mean"][0] < result["mean"][-1] and result["mean"][-1] > 0.7


def test_spoken_digits(data: Path, cnn12: nn.Module) -> None:
    """Even untrained features of a first layer tell some speakers apart, by level and brightness."""
    sounds = labelled_sounds(data / "fsdd" / "recordings", by="speaker", limit=120)
    sounds = [sound for sound in sounds if soundfile.info(sound[0]).frames >= 2370]  # the shortest that CNN12 takes
    train, test = split_sounds(sounds)
    scope = Scope(cnn12)
    result = scope.layer_importance(*(list(zip(*p, strict=True)) for p in (train, test)), layers=["pool1"], seeds=2)
    assert float(result.chance) < 0.25
    assert result["mean"].item() > 0.4


def test_the_result_can_be_saved(tmp_path: Path) -> None:
    result = ask(deep(), tones(8), tones(4), epochs=1)
    result.otoscope.save(tmp_path / "importance.nc")
    xr.testing.assert_allclose(xr.open_dataset(tmp_path / "importance.nc"), result)


def test_bad_input_is_said() -> None:
    train, x = tones(6), torch.zeros(1, 1, 200)
    with pytest.raises(InputError, match="z has no label"):
        ask(deep(), [*train, Clip("z", x)], train)
    with pytest.raises(InputError, match="the label 'c' of z is none to train on; those are a, b"):
        ask(deep(), train, [Clip("z", x, "c")])
    with pytest.raises(InputError, match="nothing to tell apart"):
        ask(deep(), train[::2], train)
    with pytest.raises(InputError, match="no clips"):
        ask(deep(), train, [])
    with pytest.raises(InputError, match="1 or more"):
        ask(deep(), train, train, seeds=0)
    with pytest.raises(InputError, match="no tap is named 'x'"):
        ask(deep(), train, train, layers=["x"])
