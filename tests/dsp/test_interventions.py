"""Changes of a sound: against scipy and Praat, and what is not changed."""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
import xarray as xr

from otoscope.dsp.interventions import at_level_of, band_stop, scaled_f0, silent_gap
from otoscope.errors import InputError

RATE = 8000


def noise(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape))


def voice(f0: float = 120.0, seconds: float = 0.5) -> torch.Tensor:
    time = np.arange(round(RATE * seconds)) / RATE
    level = lambda f: 1 / (1 + ((f - 700) / 100) ** 2) + 0.5 / (1 + ((f - 1800) / 150) ** 2)  # noqa: E731
    return torch.from_numpy(sum(level(f0 * k) * np.cos(2 * np.pi * f0 * k * time) for k in range(1, int(3800 / f0))))


def test_a_gap_is_silent_and_touches_nothing_beyond_its_edges() -> None:
    signal = noise(3, 4000)
    cut = silent_gap(signal, RATE, 0.1, 0.2)
    times = torch.arange(4000) / RATE
    inside, outside = (times > 0.1025) & (times < 0.1975), (times < 0.0975) | (times > 0.2025)
    assert not cut[:, inside].any() and torch.equal(cut[:, outside], signal[:, outside])
    at = round(0.1 * RATE)
    np.testing.assert_allclose(cut[:, at], signal[:, at] / 2)  # in the middle of its edge


def test_a_gap_over_the_ends_silences_them() -> None:
    signal = noise(800)
    assert not silent_gap(signal, RATE, -0.1, 0.2).any()
    assert not silent_gap(signal, RATE, 0.05, 9.0)[-300:].any()


@pytest.mark.parametrize(("frequency", "gain"), [(300.0, 1.0), (480.0, 1.0), (500.0, 0.5), (700.0, 0.0), (900.0, 0.5)])
def test_a_band_is_filtered_out_and_tones_beside_it_stay(frequency: float, gain: float) -> None:
    tone = torch.cos(2 * torch.pi * frequency * torch.arange(8000, dtype=torch.float64) / RATE)
    left = band_stop(tone, RATE, 500.0, 900.0)[2000:6000]
    assert left.square().mean().sqrt().item() == pytest.approx(gain * 0.5**0.5, abs=0.01)


def test_all_bands_together_are_the_sound() -> None:
    signal, edges = noise(2, 1001), [-100.0, 400.0, 1100.0, 2500.0, 5000.0]
    taken = [signal - band_stop(signal, RATE, low, high, edge=0.0) for low, high in pairwise(edges)]
    np.testing.assert_allclose(sum(taken), signal, atol=1e-9)


@pytest.mark.parametrize("change", [silent_gap, band_stop])
def test_the_level_is_kept_where_asked(change: object) -> None:
    signal = noise(2, 4000)
    part = (0.1, 0.3) if change is silent_gap else (300.0, 2000.0)
    less, kept = (change(signal, RATE, *part, keep_level=keep) for keep in (False, True))  # type: ignore[operator]
    assert (less.square().mean(-1) < 0.9 * signal.square().mean(-1)).all()
    np.testing.assert_allclose(kept.square().mean(-1), signal.square().mean(-1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_type_and_shape_stay(dtype: torch.dtype) -> None:
    signal = noise(2, 1, 500).to(dtype)
    for changed in (silent_gap(signal, RATE, 0.01, 0.02), band_stop(signal, RATE, 100.0, 900.0)):
        assert changed.shape == signal.shape and changed.dtype == dtype


def test_silence_stays_silence() -> None:
    silence = torch.zeros(4000)
    for keep in (False, True):
        assert not silent_gap(silence, RATE, 0.1, 0.2, keep_level=keep).any()
        assert not band_stop(silence, RATE, 100.0, 900.0, keep_level=keep).any()
    assert torch.equal(at_level_of(torch.zeros(3), torch.ones(3)), torch.zeros(3))


@pytest.mark.parametrize(
    ("change", "arguments"),
    [
        (silent_gap, (0.2, 0.1)), (silent_gap, (0.1, 0.1)), (silent_gap, (float("nan"), 0.1)),
        (band_stop, (900.0, 100.0)), (band_stop, (100.0, float("inf"))),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_away_is_refused(change: object, arguments: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="from one number"):
        change(noise(100), RATE, *arguments)  # type: ignore[operator]


@pytest.mark.parametrize("signal", [torch.zeros(0), torch.zeros(3, dtype=torch.int64), torch.tensor(1.0)])
def test_what_is_no_signal_is_refused(signal: torch.Tensor) -> None:
    with pytest.raises(InputError, match="real samples"):
        silent_gap(signal, RATE, 0.0, 1.0)


@pytest.mark.parametrize("factor", [0.8, 1.5])
def test_a_voice_moves_in_pitch_and_keeps_its_formants(factor: float) -> None:
    pytest.importorskip("parselmouth")
    from otoscope.dsp.voice import formants, pitch

    signal = voice(100.0)
    moved = scaled_f0(signal, RATE, factor)
    assert moved.shape == signal.shape
    np.testing.assert_allclose(moved.square().mean(), signal.square().mean())
    assert np.nanmedian(pitch(moved.numpy(), RATE)[0]) == pytest.approx(100 * factor, rel=0.02)
    before, after = (np.nanmedian(formants(one.numpy(), RATE, 4000, 3)[0], axis=1)[:2] for one in (signal, moved))
    np.testing.assert_allclose(after, before, rtol=0.12)


def test_channels_move_one_by_one() -> None:
    pytest.importorskip("parselmouth")
    both = scaled_f0(torch.stack([voice(120.0), voice(150.0)])[:, None], RATE, 1.2)
    np.testing.assert_allclose(both[1, 0], scaled_f0(voice(150.0), RATE, 1.2), atol=1e-9)


@pytest.mark.parametrize(
    ("signal", "arguments", "message"),
    [
        (voice(), {"factor": 9.0}, "factor"),
        (voice(), {"factor": 1.5, "floor": 500.0, "ceiling": 100.0}, "range"),
        (voice(seconds=0.02), {"factor": 1.5}, "too short"),
        (0.1 * noise(4000), {"factor": 1.5}, "no voice"),
        (voice() * float("nan"), {"factor": 1.5}, "finite"),
    ],
)
def test_what_has_no_pitch_to_move_is_refused(signal: torch.Tensor, arguments: dict[str, float], message: str) -> None:
    pytest.importorskip("parselmouth")
    with pytest.raises(InputError, match=message):
        scaled_f0(signal, RATE, **arguments)


def test_without_parselmouth_it_is_said_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    with pytest.raises(InputError, match=r"otoscope\[voice\]"):
        scaled_f0(voice(), RATE, 1.5)


@pytest.mark.parametrize(
    ("change", "arguments"),
    [(silent_gap, (0.6, 0.7)), (silent_gap, (-0.4, -0.1)), (band_stop, (5000.0, 6000.0)), (band_stop, (-90.0, -50.0))],
)
def test_what_lies_outside_of_the_sound_is_refused(change: object, arguments: tuple[float, float]) -> None:
    most = "0.5 s" if change is silent_gap else "4000 Hz"
    with pytest.raises(InputError, match=f"there is nothing of the sound, which goes from 0 to {most}"):
        change(noise(4000), RATE, *arguments)  # type: ignore[operator]


def test_what_load_audio_returns_is_taken() -> None:
    values = voice().numpy().astype(np.float32)
    for sound in (values, xr.DataArray(values, dims="time")):
        for change, arguments in ((silent_gap, (0.1, 0.2)), (band_stop, (100.0, 900.0))):
            found = change(sound, RATE, *arguments)  # type: ignore[operator]
            assert torch.equal(found, change(torch.from_numpy(values), RATE, *arguments))  # type: ignore[operator]
        if importlib.util.find_spec("parselmouth"):
            assert torch.equal(scaled_f0(sound, RATE, 1.2), scaled_f0(torch.from_numpy(values), RATE, 1.2))
    with pytest.raises(InputError, match="what load_audio returns"):
        silent_gap("a.wav", RATE, 0.1, 0.2)  # type: ignore[arg-type]
