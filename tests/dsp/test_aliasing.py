"""Energy on either side of a frequency against numpy and scipy; where sampling puts a tone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from otoscope.dsp.aliasing import band_energies, folded_frequency, spectrum_in_cells


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5)) + 0.3


@pytest.mark.parametrize("length", [1, 2, 3, 64, 65, 1000])
@pytest.mark.parametrize("stride", [2, 3, 7])
def test_energies_add_up_to_that_of_the_signal(length: int, stride: int) -> None:
    x = noise(2, 3, length)
    energies = band_energies(x, 0.5 / stride)
    torch.testing.assert_close(sum(energies), x.square().sum(-1))
    torch.testing.assert_close(energies.mean, length * x.mean(-1).square())


def test_energies_are_sums_over_the_full_discrete_fourier_transform() -> None:
    x = noise(129)
    power = np.abs(np.fft.fft(x.numpy())) ** 2 / 129
    frequency = np.abs(np.fft.fftfreq(129))
    energies = band_energies(x, 0.1)
    assert float(energies.above) == pytest.approx(power[frequency > 0.1].sum())
    assert float(energies.below) == pytest.approx(power[(frequency <= 0.1) & (frequency > 0)].sum())


def test_a_tone_at_the_limit_is_not_above_it() -> None:
    n = torch.arange(800, dtype=torch.float64)
    for stride in (2, 4, 5):
        at = torch.cos(torch.pi / stride * n)
        assert float(band_energies(at, 0.5 / stride).above) < 1e-9
        beyond = torch.cos((torch.pi / stride + 2 * torch.pi / 800) * n)
        assert float(band_energies(beyond, 0.5 / stride).above) == pytest.approx(400)


def test_many_signals_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x = noise(7, 50)
    whole = band_energies(x, 0.25)
    monkeypatch.setattr("otoscope.dsp.aliasing._AT_ONCE", 100)
    for some, all_at_once in zip(band_energies(x, 0.25), whole, strict=True):
        torch.testing.assert_close(some, all_at_once)


@pytest.mark.parametrize("frequency", [130.0, 1900.0, 2100.0, 3456.0, 5001.0, 7777.0])
@pytest.mark.parametrize("stride", [4, 5])
def test_a_decimated_tone_is_found_at_the_folded_frequency(frequency: float, stride: int) -> None:
    tone = np.sin(2 * np.pi * frequency * np.arange(16_000) / 16_000)
    rate = 16_000 / stride
    found = np.abs(np.fft.rfft(tone[::stride])).argmax() * rate / len(tone[::stride])
    assert float(folded_frequency(torch.tensor(frequency), rate)) == pytest.approx(found, abs=0.6)


def test_folding_twice_is_folding_once() -> None:
    frequencies = torch.linspace(0, 8000, 321, dtype=torch.float64)
    once = folded_frequency(frequencies, 16_000 / 12)
    torch.testing.assert_close(folded_frequency(folded_frequency(frequencies, 4000), 16_000 / 12), once)


@pytest.mark.parametrize("length", [30, 64, 127, 1000])
def test_cells_hold_all_the_power_of_the_weighted_signal(length: int) -> None:
    x = noise(3, length)
    cells = spectrum_in_cells(x, 16)
    window = np.hanning(length + 2)[1:-1]
    weighted = (x - x.mean(-1, keepdim=True)).numpy() * window
    n_fft = 2 * 16 * -(-length // 32)
    power = np.abs(np.fft.rfft(weighted, n_fft)) ** 2
    np.testing.assert_allclose(cells.sum(-1), power[:, :-1].sum(-1), rtol=1e-10)


def test_a_tone_is_in_its_cell() -> None:
    n = torch.arange(400, dtype=torch.float64)
    for cell in range(16):
        tone = torch.sin(torch.pi * (cell + 0.5) / 16 * n) + 7
        assert int(spectrum_in_cells(tone, 16).argmax()) == cell
