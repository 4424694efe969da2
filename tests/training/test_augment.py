"""Augmentations, measured: levels, ratios, lengths, and how often."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from scipy.stats import kstest
from torch import Tensor

from otoscope import InputError
from otoscope.training import augment, gaussian_noise, inject_background, random_gain, time_masks

MANY = 4000
RATE = 100


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sounds(clips: int, total: int = 200, seed: int = 5) -> Tensor:
    return torch.randn(clips, 1, total, generator=seeded(seed), dtype=torch.float64)


def is_uniform(values: np.ndarray, low: float, high: float) -> bool:
    return kstest(values, "uniform", args=(low, high - low)).pvalue > 0.001


def is_half(chosen: Tensor) -> bool:
    """Within four deviations of a fair coin."""
    return abs(float(chosen.double().mean()) - 0.5) < 4 * 0.5 / len(chosen) ** 0.5


def changed(before: Tensor, after: Tensor) -> Tensor:
    return (before != after).flatten(1).any(1)


def test_gain_is_uniform_in_decibels_and_changes_half_of_the_clips() -> None:
    waves = sounds(MANY, 20)
    louder = random_gain(waves, seeded())
    chosen = changed(waves, louder)
    assert is_half(chosen)
    ratio = (louder / waves)[chosen]
    torch.testing.assert_close(ratio, ratio[..., :1].expand_as(ratio))
    assert is_uniform(20 * np.log10(ratio[:, 0, 0].numpy()), -18, 6)


def test_noise_is_white_gaussian_of_uniform_deviation() -> None:
    waves = sounds(MANY, 400)
    noise = gaussian_noise(waves, seeded()) - waves
    chosen = noise.flatten(1).any(1)
    assert is_half(chosen)
    noise = noise[chosen][:, 0].numpy()
    deviation = noise.std(1)
    # Of 400 samples a deviation is known to 3.5 %.
    assert 0.001 * 0.85 < deviation.min() < 0.0015 and 0.0145 < deviation.max() < 0.015 * 1.15
    assert deviation.mean() == pytest.approx(0.008, rel=0.03)
    whitened = noise / deviation[:, None]
    assert kstest(whitened[:200].ravel(), "norm").pvalue > 0.001
    assert abs(np.mean(whitened[:, 1:] * whitened[:, :-1])) < 0.01


def test_masks_have_any_length_up_to_the_longest_at_any_place() -> None:
    waves = torch.ones(MANY, 1, 200)
    hidden = time_masks(waves, seeded(), sample_rate=RATE, count=1, duration=0.5)[:, 0] == 0
    lengths = hidden.sum(1).numpy()
    # No mask half of the time, and else 0 to 50 samples.
    assert lengths.max() == 50
    assert np.mean(lengths == 0) == pytest.approx(0.5 + 0.5 / 51, abs=4 * 0.5 / MANY**0.5)
    assert lengths[lengths > 0].mean() == pytest.approx(25.5, abs=4 * 14.4 / (MANY / 2) ** 0.5)
    edges = np.diff(hidden.int().numpy(), axis=1, prepend=0, append=0)
    assert ((edges == 1).sum(1) <= 1).all()
    full = time_masks(waves, seeded(1), sample_rate=RATE, count=1, duration=2.0)[:, 0] == 0
    assert full.sum(1).max() == 200


def test_there_are_none_one_or_two_masks() -> None:
    waves = torch.ones(MANY, 1, 2000)
    hidden = (time_masks(waves, seeded(), sample_rate=RATE, duration=0.1)[:, 0] == 0).int().numpy()
    stretches = (np.diff(hidden, axis=1, prepend=0) == 1).sum(1)
    assert stretches.max() == 2
    assert hidden.sum(1).max() <= 20
    # A mask of length 0 (1 in 11) is none, and two of them can meet in one place.
    shares = np.bincount(stretches, minlength=3) / MANY
    zero = 1 / 11
    expected = [(1 + zero + zero**2) / 3, (1 - zero + 2 * zero * (1 - zero)) / 3, (1 - zero) ** 2 / 3]
    np.testing.assert_allclose(shares, expected, atol=0.03)


def test_a_mask_is_the_same_in_all_channels_and_leaves_the_rest() -> None:
    waves = torch.randn(50, 2, 3, 200)
    masked = time_masks(waves, seeded(), sample_rate=RATE)
    hidden = masked == 0
    assert hidden.any()
    assert torch.equal(hidden, hidden[:, :1, :1].expand_as(hidden))
    assert torch.equal(masked[~hidden], waves[~hidden])


def test_the_ratio_to_the_background_is_exact_and_uniform() -> None:
    waves, backgrounds = sounds(MANY, 50), 3 * sounds(MANY, 50, seed=6)
    added = inject_background(waves, backgrounds, seeded()) - waves
    chosen = added.flatten(1).any(1)
    assert is_half(chosen)
    power = waves[chosen].square().sum((1, 2)) / added[chosen].square().sum((1, 2))
    assert is_uniform(10 * np.log10(power.numpy()), 10, 25)
    ratio = (added / backgrounds)[chosen]
    torch.testing.assert_close(ratio, ratio[..., :1].expand_as(ratio), rtol=1e-6, atol=0)
    exact = inject_background(waves, backgrounds, seeded(), low=17, high=17, probability=1) - waves
    level = 10 * torch.log10(waves.square().sum((1, 2)) / exact.square().sum((1, 2)))
    torch.testing.assert_close(level, torch.full_like(level, 17), rtol=0, atol=1e-9)


def test_silence_has_no_ratio() -> None:
    silent, sound = torch.zeros(3, 1, 10), torch.randn(3, 1, 10)
    assert torch.equal(inject_background(silent, sound, seeded(), probability=1), silent)
    assert torch.equal(inject_background(sound, silent, seeded(), probability=1), sound)


def test_on_recordings(data: Path) -> None:
    files = sorted((data / "fsdd").rglob("*.wav"))[:2]
    if len(files) < 2:
        pytest.skip("OTOSCOPE_DATA has no fsdd")
    speech, behind = (torch.from_numpy(soundfile.read(file, frames=2000)[0])[None, None] for file in files)
    mixed = inject_background(speech, behind, seeded(), low=10, high=10, probability=1)
    assert float(10 * torch.log10(speech.square().sum() / (mixed - speech).square().sum())) == pytest.approx(10)


CHANGES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "gain": random_gain,
    "noise": gaussian_noise,
    "masks": lambda waves, generator: time_masks(waves, generator, sample_rate=RATE),
    "background": lambda waves, generator: inject_background(waves, waves.flip(0), generator),
    "all": lambda waves, generator: augment(waves, generator, sample_rate=RATE, backgrounds=waves.flip(0)),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_determined_by_the_seed_alone(name: str, dtype: torch.dtype) -> None:
    waves = sounds(16).to(dtype)
    kept, state = waves.clone(), torch.get_rng_state()
    changed_once = CHANGES[name](waves, seeded(2))
    assert changed_once.dtype == dtype and changed_once.shape == waves.shape
    assert torch.equal(changed_once, CHANGES[name](waves, seeded(2)))
    assert not torch.equal(changed_once, CHANGES[name](waves, seeded(3)))
    assert torch.equal(waves, kept), "the batch given is left as it is"
    assert torch.equal(torch.get_rng_state(), state), "the global generator is left alone"


def test_all_is_each_in_turn() -> None:
    waves, backgrounds, generator = sounds(8), sounds(8, seed=7), seeded(4)
    step = gaussian_noise(random_gain(waves, generator), generator)
    step = time_masks(step, generator, sample_rate=RATE)
    assert torch.equal(augment(waves, seeded(4), sample_rate=RATE), step)
    step = inject_background(step, backgrounds, generator)
    assert torch.equal(augment(waves, seeded(4), sample_rate=RATE, backgrounds=backgrounds), step)


def test_probability_none_and_always() -> None:
    waves = sounds(100)
    assert torch.equal(random_gain(waves, seeded(), probability=0), waves)
    assert changed(waves, random_gain(waves, seeded(), probability=1)).all()
    assert torch.equal(time_masks(waves, seeded(), sample_rate=RATE, count=0), waves)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(InputError, match=r"batch \(clip, ..., time\) of floating-point numbers"):
        random_gain(torch.zeros(5), seeded())
    with pytest.raises(InputError, match="int64"):
        gaussian_noise(torch.zeros(2, 5, dtype=torch.int64), seeded())
    with pytest.raises(InputError, match="range from 6 to -18 is empty"):
        random_gain(sounds(2), seeded(), low=6, high=-18)
    with pytest.raises(InputError, match=r"between 0 and 1, not 1\.5"):
        random_gain(sounds(2), seeded(), probability=1.5)
    with pytest.raises(InputError, match="0 or more, not -1"):
        gaussian_noise(sounds(2), seeded(), low=-1)
    with pytest.raises(InputError, match="count and duration must be 0 or more"):
        time_masks(sounds(2), seeded(), sample_rate=RATE, count=-1)
    with pytest.raises(InputError, match="must have the same shape"):
        inject_background(sounds(2), sounds(3), seeded())
