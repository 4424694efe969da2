"""Cumulative response spectra: the mean of the STRS over time, of a sound in memory and of a file in blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

import otoscope.methods.crs as module
from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.methods.crs import crs
from otoscope.methods.strs import strs
from otoscope.subject import Subject

RATE = 16_000


def subject(width: int = 32, count: int = 8, **stated: Any) -> Subject:
    """A first layer of windowed cosines from 500 Hz up, every 1000 Hz, at a stride of 10."""
    time = torch.arange(width) / RATE
    frequencies = 500 + 1000 * torch.arange(count)
    layer = nn.Conv1d(1, count, width, stride=10, bias=False).double()
    layer.weight.data[:, 0] = torch.cos(2 * torch.pi * frequencies[:, None] * time) * torch.hann_window(width)
    return Subject(layer, RATE, contract=Contract(**stated) if stated else None)


def sound(length: int = 1234) -> torch.Tensor:
    return 0.1 * torch.randn(length, generator=torch.Generator().manual_seed(1))


OPTIONS = [{}, {"hop": 7}, {"n_fft": 128}, {"alignment": "start"}, {"scale": "log", "bins_per_octave": 12}]


@pytest.mark.parametrize("options", OPTIONS)
def test_it_is_the_mean_of_the_strs_over_time(options: dict[str, Any]) -> None:
    mean = strs(subject(), sound(), **options).strs.mean("time")
    np.testing.assert_allclose(crs(subject(), sound(), **options).crs, mean, rtol=1e-10)


@pytest.mark.parametrize("options", OPTIONS)
def test_a_long_file_is_read_in_blocks_to_the_same_numbers(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "long.wav", sound(200_000).numpy(), RATE, subtype="FLOAT")
    whole = crs(subject(), sound(200_000), **options)

    def not_whole(*_: object) -> None:
        raise AssertionError("the file was read as a whole")

    monkeypatch.setattr(module, "_LONG", 1.0)
    monkeypatch.setattr("otoscope.subject.load_audio", not_whole)
    of_file = crs(subject(), tmp_path / "long.wav", **options)
    np.testing.assert_allclose(of_file.crs, whole.crs, rtol=1e-10)
    assert of_file.attrs["audio"] == "long.wav" and len(of_file.attrs["audio_sha256"]) == 64


@pytest.mark.parametrize("stated", [{"length": 9000}, {"normalisation": "peak"}, {"trained_length": 30_000}])
def test_a_file_gives_what_the_same_sound_in_memory_gives(
    stated: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "long.wav", sound(20_000).numpy(), RATE, subtype="FLOAT")
    monkeypatch.setattr(module, "_LONG", 2.0 if "trained_length" in stated else 1.0)
    of_wave, of_file = (crs(subject(**stated), wave) for wave in (sound(20_000), tmp_path / "long.wav"))
    np.testing.assert_allclose(of_file.crs, of_wave.crs, rtol=1e-10)


def test_a_tone_is_at_its_frequency_on_either_scale() -> None:
    tone = torch.sin(2 * torch.pi * 1500 * torch.arange(4000, dtype=torch.float64) / RATE)
    for scale in ("linear", "log"):
        result = crs(subject(256), tone, scale=scale)
        assert float(result.peak_frequency) == pytest.approx(1500, rel=0.02)
        assert float(result.crs.idxmax("frequency")) == float(result.peak_frequency)


def test_clips_of_a_batch_have_a_spectrum_each() -> None:
    both = torch.stack([sound(), 0.5 * sound().flip(-1)])
    result = crs(subject(), both)
    assert result.crs.dims == ("clip", "frequency") and result.peak_frequency.dims == ("clip",)
    for i in range(2):
        np.testing.assert_allclose(result.crs[i], crs(subject(), both[i]).crs, rtol=1e-10)


def test_silence_has_no_peak() -> None:
    result = crs(subject(), torch.zeros(400))
    assert not result.crs.any() and np.isnan(result.peak_frequency)


@pytest.mark.parametrize(("name", "message"), [("no.wav", "no such audio file"), (".", "is a folder"), ("", "folder")])
def test_a_path_without_a_sound_is_refused_as_everywhere(tmp_path: Path, name: str, message: str) -> None:
    place = str(tmp_path / name) if name else name
    with pytest.raises(InputError, match=message):
        crs(Subject(nn.Conv1d(1, 4, 20), RATE), place)
