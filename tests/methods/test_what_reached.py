"""Every method of the first layer behind what a model does before it: against NumPy on what the layer read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from otoscope.audio import write_audio
from otoscope.errors import InputError
from otoscope.scope import Scope

RATE, SAMPLES, STRIDE, WIDTH = 8000, 4000, 8, 64
N_FFT = 256


class Bank(nn.Module):
    """Cosines under a Hann window behind what `front` makes of the sound."""

    def __init__(self, front: Callable[[Tensor], Tensor], rate: int = RATE, kernels: int = 12) -> None:
        super().__init__()
        self.front, self.sample_rate = front, RATE
        self.bank, self.last = nn.Conv1d(1, kernels, WIDTH, STRIDE, bias=False), nn.Linear(kernels, 3)
        time = torch.arange(WIDTH) / rate
        centres = torch.linspace(0.05, 0.9, kernels)[:, None] * rate / 2
        self.bank.weight.data = (torch.hann_window(WIDTH) * torch.cos(2 * torch.pi * centres * time))[:, None]

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.bank(self.front(x)).relu().mean(-1))


def difference(x: Tensor) -> Tensor:
    return torch.cat([x[..., :1], x[..., 1:] - 0.97 * x[..., :-1]], -1)


def two_taps(x: Tensor) -> Tensor:
    return F.conv1d(F.pad(x, (1, 0)), x.new_tensor([[[-0.97, 1.0]]]))


def normalised(x: Tensor) -> Tensor:
    return F.instance_norm(two_taps(x))


def halved(x: Tensor) -> Tensor:
    n = torch.arange(31) - 15
    low = torch.sinc(n / 2) * torch.hann_window(31, periodic=False) / 2
    return F.conv1d(x, low[None, None], stride=2, padding=15)


def emphasised(w: np.ndarray) -> np.ndarray:
    return np.append(w[:1], w[1:] - 0.97 * w[:-1])


def standard(w: np.ndarray) -> np.ndarray:
    return (w - w.mean()) / np.sqrt(w.var() + 1e-5)


def decimated(w: np.ndarray) -> np.ndarray:
    return np.convolve(w, np.sinc((np.arange(31) - 15) / 2) * np.hanning(31) / 2, "same")[::2]


#: By name: what a model does, the same in NumPy, the rate behind it, and where in samples its first value lies.
FRONTS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[np.ndarray], np.ndarray], int, float]] = {
    "nothing": (lambda x: x, lambda w: w, RATE, 0.0),
    "difference": (difference, emphasised, RATE, -0.5),
    "two taps": (two_taps, emphasised, RATE, -0.5),
    "normalised": (normalised, lambda w: standard(emphasised(w)), RATE, -0.5),
    "halved": (halved, decimated, RATE // 2, 0.0),
}


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    rng = np.random.default_rng(1)
    time = np.arange(SAMPLES) / RATE
    tones = 0.5 * np.sin(2 * np.pi * 100 * time) + 0.05 * np.sin(2 * np.pi * 1500 * time)
    return np.asarray(tones + 0.01 * rng.standard_normal(SAMPLES), np.float32)


@pytest.fixture(params=FRONTS)
def behind(request: pytest.FixtureRequest, wave: np.ndarray) -> tuple[Scope, np.ndarray, int, float]:
    front, by_hand, rate, offset = FRONTS[request.param]
    return Scope(Bank(front, rate)), by_hand(wave.astype(float)), rate, offset


def kernels_of(scope: Scope) -> np.ndarray:
    found: np.ndarray = scope.model.bank.weight.detach().numpy()[:, 0].astype(float)  # type: ignore[union-attr]
    return found


def frames(signal: np.ndarray) -> np.ndarray:
    """(frame, sample), each centred on its time."""
    padded = np.pad(signal, (WIDTH // 2, WIDTH))
    return np.stack([padded[start : start + WIDTH] for start in range(0, len(signal), STRIDE)])


def spectra(signal: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(kernels, N_FFT).T @ (kernels @ frames(signal).T))


def close(found: xr.DataArray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-5 * np.abs(expected).max())


def test_strs_and_crs_are_those_of_what_reached_the_layer(behind: Any, wave: np.ndarray) -> None:
    scope, reached, rate, offset = behind
    result = scope.strs(wave, n_fft=N_FFT)
    expected = spectra(reached, kernels_of(scope))
    close(result.strs, expected)
    np.testing.assert_allclose(result.frequency, np.fft.rfftfreq(N_FFT, 1 / rate))
    seconds = (offset + np.arange(expected.shape[1]) * STRIDE * RATE / rate) / RATE
    np.testing.assert_allclose(result.time, seconds)
    close(scope.crs(wave, n_fft=N_FFT).crs, expected.mean(1))


def test_f_vowel_counts_responses_to_what_reached_the_layer(behind: Any, wave: np.ndarray) -> None:
    scope, reached, rate, _ = behind
    result = scope.f_vowel(wave, n_fft=N_FFT, n_filters=3)
    winners = np.bincount(np.abs(kernels_of(scope) @ frames(reached).T).argmax(0), minlength=12)
    np.testing.assert_allclose(result.firing, winners / winners.sum())
    most = np.argsort(-winners, kind="stable")[:3]
    magnitude = np.abs(np.fft.rfft(kernels_of(scope), N_FFT))
    close(result.f_vowel, winners[most] / winners[most].sum() @ magnitude[most])
    assert float(result.frequency[-1]) == rate / 2


def test_a_frame_is_one_of_what_reached_the_layer(behind: Any, wave: np.ndarray) -> None:
    scope, reached, rate, offset = behind
    result = scope.frame_response(wave, time=0.25, n_fft=N_FFT)
    place = round((0.25 * RATE - offset) * rate / RATE)
    frame = np.pad(reached, (WIDTH // 2, WIDTH))[place : place + WIDTH]
    close(result.input, frame)
    close(result.frame_response, np.abs(np.fft.rfft(kernels_of(scope), N_FFT).T @ (kernels_of(scope) @ frame)))
    assert float(result.frame_time) == pytest.approx((place * RATE / rate + offset) / RATE)
    np.testing.assert_allclose(np.diff(result.lag), 1 / rate)
    assert float(result.frequency[-1]) == rate / 2


def test_kernels_have_the_frequencies_of_their_own_rate(behind: Any) -> None:
    scope, _, rate, _ = behind
    centres = np.linspace(0.05, 0.9, 12) * rate / 2
    np.testing.assert_allclose(scope.filters().centre_frequency, centres, atol=rate / 500)
    np.testing.assert_allclose(np.diff(scope.filters().lag), 1 / rate)
    result = scope.wigner()
    np.testing.assert_allclose(result.peak_frequency, centres, atol=rate / 100)
    np.testing.assert_allclose(np.diff(result.time), 0.5 / rate)
    assert json.loads(result.attrs["arguments"])["layer"] == "bank"


@pytest.mark.parametrize("name", FRONTS)
def test_tones_find_the_same_centres(name: str) -> None:
    """The measured response, which runs the whole model, agrees with the response of the kernels alone."""
    front, _, rate, _ = FRONTS[name]
    scope = Scope(Bank(front, rate))
    tones = scope.tone_response(layer="bank", frequencies=np.linspace(50, 0.97 * rate / 2, 60), duration=0.3)
    by_kernels = scope.filters().centre_frequency
    np.testing.assert_allclose(tones.best_frequency[1:-1], by_kernels[1:-1], atol=0.05 * rate / 2)


def test_classes_are_told_apart_by_what_reached_the_layer(wave: np.ndarray) -> None:
    """Two classes that differ at 3.2 kHz by little beside a loud hum, which a pre-emphasis weakens."""
    rng = np.random.default_rng(0)
    time = np.arange(SAMPLES) / RATE

    def clip(level: float) -> np.ndarray:
        hum = np.sin(2 * np.pi * 100 * time) * rng.uniform(0.5, 1)
        return np.asarray(hum + level * np.sin(2 * np.pi * 3200 * time) + 0.002 * rng.standard_normal(SAMPLES), "f4")

    data = [(clip(0.01 * (1 + n % 2)), "ab"[n % 2]) for n in range(12)]
    result = Scope(Bank(difference)).crs_classifier(data, n_fft=N_FFT, folds=3, resamples=20)
    kernels = kernels_of(Scope(Bank(difference)))
    by_hand = [spectra(FRONTS["difference"][1](one.astype(float)), kernels).mean(1) for one, _ in data]
    np.testing.assert_allclose(result.class_crs, [np.mean(by_hand[n::2], axis=0) for n in (0, 1)], rtol=1e-3)
    assert result.attrs["reads"] == "the waveform, filtered"


@pytest.mark.parametrize("name", ["difference", "normalised", "halved"])
def test_a_long_file_is_what_it_is_as_a_whole(name: str, tmp_path: Path) -> None:
    long = np.random.default_rng(0).uniform(-0.5, 0.5, 70 * RATE + 3).astype(np.float32)
    write_audio(tmp_path / "long.wav", long, RATE)
    scope = Scope(Bank(FRONTS[name][0]))
    found, whole = scope.crs(tmp_path / "long.wav", n_fft=N_FFT), scope.crs(long, n_fft=N_FFT)
    np.testing.assert_allclose(found.crs, whole.crs, rtol=2e-3)  # the file holds 16 bits
    assert not np.allclose(found.crs, Scope(Bank(lambda x: x)).crs(tmp_path / "long.wav", n_fft=N_FFT).crs, rtol=0.1)


def depthwise() -> nn.Module:
    class Separable(nn.Module):
        sample_rate = RATE

        def __init__(self) -> None:
            super().__init__()
            self.dw, self.pw = nn.Conv1d(65, 65, 11, groups=65), nn.Conv1d(65, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            frames = torch.stft(x[:, 0], 128, 64, window=torch.hann_window(128), return_complex=True).abs()
            return self.pw(self.dw(frames)).relu().mean(-1)

    return Separable()


def test_a_layer_on_frames_of_a_spectrogram_has_an_axis_of_its_own(wave: np.ndarray) -> None:
    scope = Scope(depthwise())
    for ask in (scope.filters, scope.wigner, lambda: scope.strs(wave), lambda: scope.crs(wave)):
        with pytest.raises(InputError, match=r"the first, 'dw', reads 65 channels, 125 values a second"):
            ask()
    for ask in (scope.strs, scope.crs, scope.f_vowel, scope.frame_response):
        with pytest.raises(InputError, match=r"layer 'dw' reads 65 channels, 125 values a second, and not a waveform"):
            ask(wave, layer="dw")
    for result in (scope.filters(layer="dw"), scope.wigner(layer="dw")):
        assert float(result.frequency.max()) <= 62.5
        assert result.frequency.attrs["long_name"] == "modulation frequency"
        assert result.attrs["reads"] == "65 channels, 125 values a second"
    assert float(scope.filters(layer="dw").lag.diff("lag")[0]) == 1 / 125


def test_a_short_transform_is_raised_and_said(wave: np.ndarray) -> None:
    scope = Scope(Bank(lambda x: x))
    for result in (
        scope.strs(wave, n_fft=10),
        scope.crs(wave, n_fft=10),
        scope.f_vowel(wave, n_fft=10),
        scope.frame_response(wave, n_fft=10),
        scope.filters(n_fft=10),
    ):
        assert result.sizes["frequency"] == 33
        assert json.loads(result.attrs["arguments"])["n_fft"] == 64
