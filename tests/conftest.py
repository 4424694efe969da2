"""What tests of several folders share: recordings, synthesised sounds, small models."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from otoscope import Scope, load

CHECKPOINT = "tssdnet/inc_tssdnet_asvspoof2019_la.pth"


@pytest.fixture(autouse=True)
def no_figures_left() -> Iterator[None]:
    """Close what a test drew, so that others can see which figures they open themselves."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def data() -> Path:
    """The folder with recordings and published weights."""
    folder = os.environ.get("OTOSCOPE_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("OTOSCOPE_DATA names no folder with recordings and published weights")
    return Path(folder)


@pytest.fixture
def published(data: Path) -> Path:
    """The published checkpoint of Inc-TSSDNet."""
    if not (data / CHECKPOINT).is_file():
        pytest.skip(f"OTOSCOPE_DATA has no {CHECKPOINT}")
    return data / CHECKPOINT


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """0.5 s of two sines in noise at 8 kHz."""
    path = tmp_path / "tone.wav"
    soundfile.write(path, two_sines(4000), 8000, subtype="PCM_16")
    return path


@pytest.fixture
def cnn12() -> nn.Module:
    """CNN12 with a tenth of its filters and four classes."""
    torch.manual_seed(3)
    return load("cnn12", width=0.1, n_classes=4)


@pytest.fixture
def scope(cnn12: nn.Module) -> Scope:
    return Scope(cnn12, classes=["zero", "one", "two", "three"])


@pytest.fixture
def clip() -> torch.Tensor:
    """0.5 s at 8 kHz, for `scope`."""
    return torch.from_numpy(two_sines(4000))


def two_sines(length: int, sample_rate: int = 8000) -> np.ndarray:
    """Sines of 440 and 1500 Hz in a little noise, peak below 1, float32."""
    time = np.arange(length) / sample_rate
    noise = np.random.default_rng(0).standard_normal(length)
    return (0.4 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 1500 * time) + 0.05 * noise).astype("f4")
