"""Layer importance where the answer is known: separable features, shuffled labels, nothing to train."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from scipy.optimize import minimize
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.audio import as_clip
from otoscope.data.find import find_sounds, split_labels, split_sounds
from otoscope.data.items import DataSet, Item
from otoscope.dsp.scores import share_interval
from otoscope.dsp.statistics import mean_interval

RATE = 8000
Sound = tuple[Tensor, str]


class Power(nn.Module):
    """Energy in the halves of the spectrum: without parameters."""

    def __init__(self) -> None:
        super().__init__()
        kernels = torch.tensor([[1.0, 1.0], [1.0, -1.0]])[:, None]
        self.register_buffer("kernels", kernels)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(nn.functional.conv1d(x, self.kernels).square())


def tones(count: int, seed: int = 0, lengths: tuple[int, ...] = (200,)) -> list[Sound]:
    """Low tones are `a`, high tones `b`."""
    rng = np.random.default_rng(seed)
    clips = []
    for n in range(count):
        frequency = rng.uniform(200, 1200) if n % 2 else rng.uniform(2800, 3800)
        time = np.arange(lengths[n % len(lengths)]) / RATE
        wave = np.sin(2 * np.pi * frequency * time) + 0.1 * rng.standard_normal(len(time))
        clips.append((torch.as_tensor(wave, dtype=torch.float32), "ab"[n % 2]))
    return clips


def ask(model: nn.Module, train: Any, test: Any = None, **options: Any) -> xr.Dataset:
    return Scope(model, RATE).layer_importance(train, test=test, **options)


@pytest.mark.parametrize("frozen", [True, False])
def test_what_is_linearly_separable_is_known(frozen: bool) -> None:
    result = ask(Power(), tones(30), tones(20, seed=1), frozen=frozen, epochs=15)
    assert result.layer.values.tolist() == ["relu"]
    assert (result.run_accuracy == 1).all() and result.accuracy.item() == 1


def test_shuffled_labels_are_guessed() -> None:
    rng = np.random.default_rng(2)

    def shuffled(sounds: list[Sound]) -> list[Sound]:
        return [(wave, "ab"[rng.integers(2)]) for wave, _ in sounds]

    result = ask(Power(), shuffled(tones(120)), shuffled(tones(160, seed=1)), epochs=8)
    assert abs(result.accuracy.item() - 0.5) < 0.12  # three standard errors
    assert 0.5 <= float(result.chance) < 0.62


def test_frozen_and_full_agree_where_nothing_is_before_the_cut() -> None:
    train, test = tones(24, lengths=(200, 230)), tones(20, seed=1)
    options = {"epochs": 3, "batch_size": 7}
    one, other = (ask(Power(), train, test, frozen=frozen, **options) for frozen in (True, False))
    np.testing.assert_array_equal(one.run_accuracy, other.run_accuracy)
    assert one.run_accuracy.min() > 0.9


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
    full = ask(model, train, test, frozen=False, epochs=15, seeds=1, encoder_learning_rate=0.05)
    assert full.accuracy.item() > frozen.accuracy.item() + 0.1 and full.accuracy.item() > 0.9


@pytest.mark.parametrize("frozen", [True, False])
def test_a_seed_gives_the_same_numbers(frozen: bool) -> None:
    one, other = (ask(deep(), tones(14), tones(9, seed=1), frozen=frozen, epochs=2, seeds=[4, 9]) for _ in range(2))
    np.testing.assert_array_equal(one.run_accuracy, other.run_accuracy)
    assert one.run.values.tolist() == [4, 9] and one.layer.values.tolist() == ["2", "5"]
    mean, low, high = mean_interval(one.run_accuracy.values.T)
    np.testing.assert_allclose(one.accuracy, mean)
    np.testing.assert_allclose(one.ci_low, np.clip(low, 0, 1))
    np.testing.assert_allclose(one.ci_high, np.clip(high, 0, 1))
    low, high = share_interval(mean * 9, 9)
    np.testing.assert_allclose(one.test_ci_low, low)
    np.testing.assert_allclose(one.test_ci_high, high)
    arguments = json.loads(one.attrs["arguments"])
    assert arguments["seeds"] == [4, 9] and arguments["test"]["audio"] == "9 sounds"


def test_the_accuracy_is_that_of_logistic_regression() -> None:
    """Trained to the end, the classifier decides as the one that scipy finds on features computed by hand."""
    rng = np.random.default_rng(0)
    model = deep().eval()

    def noisy(count: int) -> list[Sound]:
        waves = rng.standard_normal((count, 200)).astype("f4") * rng.uniform(0.5, 2, (count, 1)).astype("f4")
        return [(torch.from_numpy(wave), "ab"[int(wave.std() > 1.1)]) for wave in waves]

    train, test = noisy(80), noisy(80)
    features = [
        np.stack([model[:3](wave[None, None]).mean(-1)[0].detach().numpy() for wave, _ in part])
        for part in (train, test)
    ]
    mean, deviation = features[0].mean(0), features[0].std(0)
    seen = [np.c_[(part - mean) / deviation, np.ones(len(part))] for part in features]
    signs = [np.array([1.0 if label == "b" else -1.0 for _, label in part]) for part in (train, test)]

    def loss(weights: np.ndarray) -> float:
        return np.logaddexp(0, -signs[0] * (seen[0] @ weights)).mean() + 1e-3 * np.sum(weights**2)

    expected = np.mean(np.sign(seen[1] @ minimize(loss, np.zeros(7)).x) == signs[1])
    found = ask(model, train, test, layer="2", seeds=1).accuracy.item()
    assert abs(found - expected) < 0.03


@pytest.mark.parametrize("frozen", [True, False])
def test_without_sounds_to_test_on_a_quarter_of_each_class_is_held_out(frozen: bool) -> None:
    sounds = tones(16)
    held = ask(deep(), iter(sounds), frozen=frozen, epochs=2, seeds=2)  # read but once
    parts = split_labels([label for _, label in sounds])
    train, test = ([sounds[place] for place in places] for places in parts)
    given = ask(deep(), train, test, frozen=frozen, epochs=2, seeds=2)
    np.testing.assert_allclose(held.run_accuracy, given.run_accuracy)
    assert (int(held.train_clips), int(held.test_clips)) == (12, 4)
    assert json.loads(held.attrs["arguments"])["test"] == "a quarter of each class"
    assert held.attrs["audio"] == "16 sounds"


def test_runs_that_agree_do_not_make_few_sounds_certain() -> None:
    """Every run knows the twenty sounds as well as any other; another twenty may be known less well."""
    result = ask(Power(), tones(30), tones(20, seed=1), epochs=15)
    assert result.ci_low.item() == result.ci_high.item() == 1
    assert result.test_ci_low.item() < 0.9 and result.test_ci_high.item() == 1


def test_interrupted_it_returns_nothing() -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(deep(), tones(12), tones(6), epochs=1, seeds=2, progress=stop)


def test_deeper_layers_of_the_vowel_model_know_the_vowel_better() -> None:
    result = Scope("vowel-name").layer_importance(find_sounds("vowels", limit=60), seeds=1)
    assert result.layer.values.tolist() == ["pool1", "pool2", "relu3"]
    assert result.accuracy[0] < result.accuracy[-1] and result.accuracy[-1] > 0.7


def test_spoken_digits(data: Path, scope: Scope) -> None:
    """Even untrained features of a first layer tell some speakers apart, by level and brightness."""
    sounds = find_sounds(data / "fsdd" / "recordings", by="speaker", limit=120)
    sounds = [item for item in sounds if soundfile.info(item.sound).frames >= 2370]  # the shortest that CNN12 takes
    train, test = split_sounds(sounds)
    result = scope.layer_importance(train, test=test, layer="pool1", seeds=2)
    assert float(result.chance) < 0.25
    assert result.accuracy.item() > 0.4


def test_the_result_can_be_saved(tmp_path: Path) -> None:
    result = ask(deep(), tones(8), tones(4), epochs=1)
    result.otoscope.save(tmp_path / "importance.nc")
    xr.testing.assert_allclose(xr.open_dataset(tmp_path / "importance.nc"), result)


def test_bad_input_is_refused() -> None:
    train, x = tones(6), torch.zeros(200)
    with pytest.raises(InputError, match="6 has no label"):
        ask(deep(), [*train, x], train)
    with pytest.raises(InputError, match="the label 'c' of 0 is not a class of the sounds to train on; those are a, b"):
        ask(deep(), train, [(x, "c")])
    with pytest.raises(InputError, match="give sounds of two or more classes"):
        ask(deep(), train[::2], train)
    with pytest.raises(InputError, match="no clips"):
        ask(deep(), train, [])
    with pytest.raises(InputError, match="1 or more"):
        ask(deep(), train, train, seeds=0)
    with pytest.raises(InputError, match="no tap is named 'x'"):
        ask(deep(), train, train, layer=["x"])
    with pytest.raises(InputError, match="class 'b' has a single sound"):
        ask(deep(), train[:3])


def chords(count: int, seed: int = 0) -> DataSet:
    """Sounds with a low tone, a high one, both or none."""
    rng = np.random.default_rng(seed)
    time, items = np.arange(300) / RATE, []
    for n in range(count):
        labels = (("low",), ("high",), ("high", "low"), ())[n % 4]
        wave = 0.1 * rng.standard_normal(len(time))
        for label in labels:
            frequency = rng.uniform(200, 1200) if label == "low" else rng.uniform(2800, 3800)
            wave = wave + np.sin(2 * np.pi * frequency * time + rng.uniform(0, 6))
        items.append(Item(as_clip(wave.astype(np.float32), RATE, name=f"chord {n}"), labels))
    return DataSet(tuple(items), ("high", "low"), multilabel=True)


@pytest.mark.parametrize("frozen", [True, False])
def test_sounds_with_several_labels_are_scored_by_mean_average_precision(frozen: bool) -> None:
    found = ask(Power(), chords(60), chords(40, seed=1), frozen=frozen, epochs=30, seeds=2)
    assert found.attrs["metric"] == "mAP" and found.attrs["classes"] == "high, low"
    assert "mean average precision" in found.attrs["note"]
    assert found.accuracy.item() > 0.95
    assert float(found.chance) == 0.5
    assert found.test_ci_low.item() <= found.accuracy.item() <= found.test_ci_high.item()


def test_several_labels_are_divided_at_random_where_no_test_sounds_are_given() -> None:
    found = ask(Power(), chords(40), seeds=1, epochs=20)
    assert (int(found.train_clips), int(found.test_clips)) == (30, 10)


def test_shuffled_labels_of_several_are_guessed() -> None:
    rng = np.random.default_rng(3)
    data = chords(80)
    labels = [data.items[n].labels for n in rng.permutation(80)]
    items = tuple(replace(item, labels=one) for item, one in zip(data.items, labels, strict=True))
    found = ask(Power(), replace(data, items=items), chords(80, seed=4), seeds=1, epochs=5)
    assert abs(found.accuracy.item() - 0.5) < 0.25
