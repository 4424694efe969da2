"""Relevance by random masks: equal to an independent version, and where a planted cue is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.methods.masking import freqrise, rise

RATE = 8000


class Stretch(nn.Module):
    """Hears the energy from 0.2 to 0.25 s, alone."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x[:, 0, 1600:2000].square().sum(-1), x.sum((1, 2))], 1)


class Band(nn.Module):
    """Hears the energy from 1000 to 1500 Hz, alone."""

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x[:, 0])[:, 500:750]
        return torch.stack([spectrum.abs().square().sum(-1) / 1e3, x.sum((1, 2))], 1)


def noise(samples: int = 4000) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(samples).astype(np.float32)


def relevance(model: nn.Module, rule: str, **options: Any) -> xr.Dataset:
    return Scope(model, RATE).relevance(noise(), target=0, rule=rule, **options)


def test_rise_is_the_mean_score_where_a_moment_is_kept() -> None:
    clip = torch.from_numpy(noise())[None, None]
    heard: list[Tensor] = []

    def score(waveforms: Tensor) -> Tensor:
        heard.append(waveforms)
        return waveforms[:, 0, 1600:2000].square().sum(-1)

    signal, found = rise(score, clip, RATE, masks=37, batch_size=8)
    masks = (torch.cat(heard) / clip)[:, 0].double().numpy()
    scores = (masks * noise())[:, 1600:2000].__pow__(2).sum(-1)
    expected = (scores @ masks) / masks.sum(0) - scores.mean()
    np.testing.assert_allclose(found[0], expected, atol=1e-4 * abs(expected).max())
    np.testing.assert_allclose(signal[0, 0], expected * noise(), atol=1e-3 * abs(expected).max())
    assert masks.min() >= -1e-6 and masks.max() <= 1 + 1e-6 and abs(masks.mean() - 0.5) < 0.1


def test_rise_finds_when() -> None:
    found = relevance(Stretch(), "rise", masks=300)
    assert 1500 <= int(found.time_relevance.argmax()) <= 2100
    assert found.attrs["form"] == "weighted sound" and "Captum" not in found.attrs["source"]


def test_freqrise_finds_the_band() -> None:
    found = relevance(Band(), "freqrise", masks=400)
    gain = found.relevance_spectrum / abs(found.input).max()
    inside = float(gain.sel(frequency=slice(1050, 1450)).mean())
    outside = float(gain.sel(frequency=slice(2500, 3800)).mean())
    assert inside > 2 * outside


def test_freqrise_with_all_kept_hears_the_sound_itself() -> None:
    clip = torch.from_numpy(noise())[None, None]

    def score(waveforms: Tensor) -> Tensor:
        torch.testing.assert_close(waveforms, clip.expand_as(waveforms), atol=1e-4, rtol=1e-4)
        return waveforms.sum((1, 2))

    freqrise(score, clip, RATE, masks=2, keep=1 - 1e-9)


@pytest.mark.parametrize("rule", ["rise", "freqrise"])
def test_one_seed_gives_one_result(rule: str) -> None:
    one, same, other = (relevance(Stretch(), rule, masks=8, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.relevance, same.relevance) and not np.array_equal(one.relevance, other.relevance)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"masks": 0}, "masks has to be a whole number of 1 or more"),
        ({"keep": 1.5}, "keep has to be a probability between 0 and 1"),
        ({"cell": 0.0}, "cell has to be a length in s"),
        ({"seed": -1}, "seed has to be a whole number"),
        ({"steps": 3}, "has no option 'steps'"),
    ],
)
@pytest.mark.parametrize("rule", ["rise", "freqrise"])
def test_bad_options_get_one_clear_error(rule: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        relevance(Stretch(), rule, **options)
