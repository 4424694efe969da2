"""Sounds from magnitudes: how near they come, and what is lost."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.dsp.vocoder import griffin_lim, mel_vocoded
from otoscope.errors import InputError

RATE = 8000


def voice(samples: int = 4000) -> torch.Tensor:
    time = torch.arange(samples, dtype=torch.double) / RATE
    parts = [torch.cos(2 * torch.pi * 150 * k * time + k * k) / k for k in range(1, 20)]
    return torch.stack(parts).sum(0)


def magnitude(signal: torch.Tensor, n_fft: int = 256, hop: int = 64) -> torch.Tensor:
    window = torch.hann_window(n_fft, dtype=signal.dtype)
    return torch.stft(signal, n_fft, hop, window=window, return_complex=True).abs()


def test_every_iteration_comes_nearer_to_the_magnitudes() -> None:
    wanted = magnitude(voice())
    errors = [
        float((magnitude(griffin_lim(wanted, 64, 4000, iterations=n)) - wanted).norm() / wanted.norm())
        for n in (1, 2, 4, 8, 64)
    ]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.7 * errors[0]


def test_the_same_seed_makes_the_same_sound() -> None:
    wanted = magnitude(voice())
    made = [griffin_lim(wanted, 64, 4000, iterations=2, seed=seed) for seed in (0, 0, 1)]
    assert torch.equal(made[0], made[1]) and not torch.allclose(made[0], made[2])


def test_a_vocoder_keeps_level_and_bands_and_loses_the_harmonics_above_narrow_bands() -> None:
    sound = voice()
    made = mel_vocoded(sound, RATE, n_bands=20)
    assert made.square().mean().item() == pytest.approx(sound.square().mean().item())
    spectra = [np.abs(np.fft.rfft(one.numpy())) ** 2 for one in (sound, made)]
    frequency = np.fft.rfftfreq(4000, 1 / RATE)
    for low, high in ((0, 500), (500, 1500), (1500, 4000)):
        ours, theirs = (one[(frequency >= low) & (frequency < high)].sum() / one.sum() for one in spectra)
        assert theirs == pytest.approx(ours, abs=0.1)
    near = (np.abs(frequency[:, None] - 150 * np.arange(10, 20)) < 20).any(1)  # harmonics in wide bands
    high = (frequency > 1450) & (frequency < 2900)
    shares = [one[near & high].sum() / one[high].sum() for one in spectra]
    assert shares[0] > 0.95 and shares[1] < 0.75


@pytest.mark.parametrize("given", [(torch.ones(5), 1, 100), (torch.ones(5, 26), 5, 100), (torch.ones(5, 20), 4, 100)])
def test_what_is_no_spectrum_is_refused(given: tuple[torch.Tensor, int, int]) -> None:
    with pytest.raises(InputError, match=r"magnitudes have to be|frames, not"):
        griffin_lim(*given)


def test_a_sound_shorter_than_half_a_window_is_refused() -> None:
    with pytest.raises(InputError, match="longer than half a window of 256 samples"):
        mel_vocoded(torch.ones(100), RATE)
