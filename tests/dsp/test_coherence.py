"""Magnitude-squared coherence against scipy, and what must hold of it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
from torch import Tensor

from otoscope import InputError, load_audio
from otoscope.dsp.coherence import coherence, mean_top

RATE = 8000
SCIPY_WINDOWS = {"hann": "hann", "hamming": "hamming", "blackman": "blackman", "rectangular": "boxcar"}


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def related(*shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Noise on a slope, and the same filtered with other noise on it."""
    x = noise(*shape) + torch.linspace(-3, 5, shape[-1], dtype=torch.float64)
    y = torch.cumsum(x, -1) + 4 * noise(*shape, seed=1)
    return x.to(dtype), y.to(dtype)


def scipys(x: Tensor, y: Tensor, **options: Any) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # segments longer than the signal
        return scipy.signal.coherence(x.numpy(), y.numpy(), RATE, **options)[1]


# -- As scipy computes it ---------------------------------------------------------------------------------


@pytest.mark.replica("coherence")
@pytest.mark.parametrize("window", SCIPY_WINDOWS)
@pytest.mark.parametrize("detrend", [False, "constant", "linear"])
@pytest.mark.parametrize(
    ("nperseg", "noverlap", "nfft"),
    [
        (256, None, None),
        (256, 0, None),
        (128, 100, 512),
        (255, None, None),
        (100, 37, 333),
        (64, 63, 65),
        (2000, 0, None),
    ],
)
def test_it_is_scipys(window: Any, detrend: Any, nperseg: int, noverlap: int | None, nfft: int | None) -> None:
    x, y = related(2, 1500)
    options = {"nperseg": nperseg, "noverlap": noverlap, "nfft": nfft, "detrend": detrend}
    found, frequencies = coherence(x, y, RATE, window=window, **options)
    expected = scipys(x, y, window=SCIPY_WINDOWS[window], **options)
    if window == "rectangular" and detrend:
        expected[:, 0] = 0  # the mean is gone, and scipy's value is that of rounding errors
    np.testing.assert_allclose(found, expected, atol=1e-9)
    length = nfft or min(nperseg, 1500)
    np.testing.assert_allclose(frequencies, np.fft.rfftfreq(length, 1 / RATE), rtol=1e-14)


def test_a_window_of_ones_own() -> None:
    x, y = related(900)
    own = torch.from_numpy(scipy.signal.windows.tukey(200, 0.3))
    found, _ = coherence(x, y, RATE, window=own, nperseg=200)
    np.testing.assert_allclose(found, scipys(x, y, window=own.numpy()), atol=1e-9)


def test_single_precision_is_close() -> None:
    x, y = related(3, 8000, dtype=torch.float32)
    found, _ = coherence(x, y, RATE)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, scipys(x.double(), y.double()), atol=2e-5)


def test_many_signals_are_worked_off_in_blocks_alike() -> None:
    """Enough of them that a block holds one segment of each."""
    x, y = related(300, 1024)
    found, _ = coherence(x, y, RATE, nperseg=512)
    np.testing.assert_allclose(found, scipys(x, y, nperseg=512), atol=1e-9)


def test_signals_are_broadcast() -> None:
    x, y = noise(4, 1, 2000), noise(4, 7, 2000, seed=1) + noise(4, 1, 2000)
    found, _ = coherence(x, y, RATE)
    assert found.shape == (4, 7, 129)
    np.testing.assert_allclose(found, scipys(x.expand(4, 7, 2000), y), atol=1e-9)
    one, _ = coherence(x[0, 0], y, RATE)
    np.testing.assert_allclose(one, scipys(x[0, 0].expand(4, 7, 2000), y), atol=1e-9)


def test_recordings(data: Path) -> None:
    waves = [load_audio(data / f"fsdd/recordings/7_{who}_0.wav").values for who in ("jackson", "theo")]
    length = min(map(len, waves))
    x, y = (torch.from_numpy(wave[:length]).double() for wave in waves)
    np.testing.assert_allclose(coherence(x, y, RATE)[0], scipys(x, y), atol=1e-9)


# -- What must hold ---------------------------------------------------------------------------------------


def test_a_signal_is_coherent_with_itself_and_with_what_a_filter_makes_of_it() -> None:
    x = noise(64_000)
    np.testing.assert_allclose(coherence(x, x, RATE)[0], 1, atol=1e-12)
    assert (coherence(x, x, RATE)[0] <= 1).all()
    filtered = torch.from_numpy(scipy.signal.lfilter([1, 0.5, 0.2], [1], x.numpy()))
    assert coherence(x, filtered, RATE)[0].min() > 0.99


@pytest.mark.parametrize("segments", [10, 40, 160])
def test_independent_noise_falls_as_one_over_segments(segments: int) -> None:
    """The expected coherence of n independent segments is 1 / n (Carter, Knapp and Nuttall 1973, at coherence 0)."""
    x, y = noise(60, 128 * segments), noise(60, 128 * segments, seed=1)
    found, _ = coherence(x, y, RATE, nperseg=128, noverlap=0, window="rectangular", detrend=False)
    assert found.mean() * segments == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("gain", [1e-30, -3.0, 1e30])
def test_gain_does_not_matter(gain: float, dtype: torch.dtype) -> None:
    x, y = related(4000, dtype=dtype)
    expected = coherence(x, y, RATE)[0]
    np.testing.assert_allclose(coherence(x * gain, y, RATE)[0], expected, atol=1e-5)
    np.testing.assert_allclose(coherence(x, y * gain, RATE)[0], expected, atol=1e-5)


def test_coherence_is_symmetric() -> None:
    x, y = related(4000)
    np.testing.assert_allclose(coherence(x, y, RATE)[0], coherence(y, x, RATE)[0], atol=1e-14)


def test_silence_shares_nothing() -> None:
    x, silent = noise(2, 1000), torch.zeros(2, 1000, dtype=torch.float64)
    for pair in ((x, silent), (silent, x), (silent, silent), (x, silent + 0.3)):
        found, _ = coherence(*pair, RATE)
        assert (found == 0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rounding_errors_share_nothing(dtype: torch.dtype) -> None:
    """Errors of tones repeat with them, and would look coherent at every frequency."""
    period = torch.arange(8, dtype=torch.float64) / 8
    x, y = (torch.sin(2 * torch.pi * n * period).to(dtype).repeat(1000) for n in (1, 2))
    found, _ = coherence(x, y, RATE)
    assert (found == 0).all()


def test_a_common_tone_shows_at_its_frequency() -> None:
    time = torch.arange(16_000, dtype=torch.float64) / RATE
    tone = torch.sin(2 * torch.pi * 1000 * time)
    found, frequencies = coherence(tone + noise(16_000), tone + noise(16_000, seed=1), RATE)
    assert frequencies[found.argmax()] == 1000
    assert found.max() > 0.9
    assert found[frequencies > 2000].mean() < 0.05


def test_mean_top() -> None:
    values = torch.rand(3, 4, 50, generator=torch.Generator().manual_seed(0))
    expected = np.sort(values.numpy(), -1)[..., -5:].mean(-1)
    np.testing.assert_allclose(mean_top(values), expected, rtol=1e-6)
    assert torch.equal(mean_top(values, 1), values.amax(-1))


# -- What cannot be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (noise(100), noise(101), {}, "100 and 101 samples"),
        (noise(2, 100), noise(3, 100), {}, "cannot be broadcast"),
        (noise(0), noise(0), {}, "real samples"),
        (noise(10) + 0j, noise(10), {}, "real samples"),
        (noise(100), noise(100), {"window": "kaiser"}, "the windows are hann"),
        (noise(100), noise(100), {"nperseg": 50, "window": torch.ones(40)}, "a segment 50 samples"),
        (noise(100), noise(100), {"nperseg": 50, "noverlap": 50}, "noverlap has to be less than the segment of 50"),
        (noise(100), noise(100), {"nperseg": 0}, "nperseg has to be 1 sample"),
        (noise(100), noise(100), {"nperseg": 50, "nfft": 49}, "use nfft >= 50"),
        (noise(100), noise(100), {"detrend": "quadratic"}, "not 'quadratic'"),
    ],
)
def test_what_cannot_be_is_refused(x: Tensor, y: Tensor, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        coherence(x, y, RATE, **options)


def test_more_frequencies_than_there_are() -> None:
    with pytest.raises(InputError, match="from 1 to the 5 frequencies there are, not 6"):
        mean_top(torch.ones(5), 6)
