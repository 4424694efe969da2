"""A network built by hand, of whose ten maps it is known what each answers to, and sounds in which that varies."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import torch
from torch import nn

from otoscope.audio import write_audio

RATE = 8000
CLASSES = ("hum", "chirp", "click", "hiss")


class Planted(nn.Module):
    """Map 3 answers to F0, map 5 to level, map 7 to the class "hiss", map 9 to nothing that is known of a sound."""

    sample_rate = RATE
    name = "planted"
    classes = CLASSES

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.ReLU()

    def forward(self, wave: torch.Tensor) -> torch.Tensor:
        frames = wave[:, 0].unfold(-1, 800, 400)
        power = torch.fft.rfft(frames, 2048).abs().square()
        frequency = torch.fft.rfftfreq(2048, 1 / RATE)
        lags = torch.arange(RATE // 320, RATE // 70)
        correlation = torch.fft.irfft(power)[..., lags] * (1 - lags / 300)  # of several periods the shortest
        pitch = RATE / lags[correlation.argmax(-1)]
        level = 100 + 10 * torch.log10(frames.square().mean(-1) + 1e-10)
        hiss = power[..., (frequency > 3000) & (frequency < 3600)].sum(-1) / power.sum(-1)
        nothing = (frames.sum(-1) * 1e5).frac().abs()
        zero = torch.zeros_like(level)
        maps = torch.stack([zero, zero, zero, pitch, zero, level, zero, hiss - 0.004, zero, nothing], 1)
        return self.maps(maps).mean(-1)[:, : len(CLASSES)]


def planted() -> nn.Module:
    return Planted().eval()


def band(rng: np.random.Generator, length: int) -> np.ndarray:
    """Noise from 3 to 3.6 kHz with a deviation of 1."""
    spectrum = np.fft.rfft(rng.normal(size=length))
    frequency = np.fft.rfftfreq(length, 1 / RATE)
    spectrum[(frequency < 3000) | (frequency > 3600)] = 0
    noise = np.fft.irfft(spectrum, length)
    return noise / noise.std()


def write_sounds(folder: Path, count: int = 240, seed: int = 0) -> Path:
    """A table of harmonic sounds of many F0s, levels and tilts; those of the class "hiss" have a band of noise."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    time = np.arange(int(0.4 * RATE)) / RATE
    rows = []
    for number in range(count):
        f0, level, label = rng.uniform(90, 250), rng.uniform(-45, -12), CLASSES[number % 4]
        tilt, phase = rng.uniform(0.3, 1.3), rng.uniform(0, 6, size=8)
        sound = sum(np.cos(2 * np.pi * f0 * k * time + phase[k]) / k**tilt for k in range(1, 8))
        if label == "hiss":
            sound = sound + 0.1 * sound.std() * band(rng, time.size)
        sound = sound * 10 ** (level / 20) / np.sqrt(np.mean(sound**2))
        write_audio(folder / f"{number:03d}.wav", sound.astype(np.float32), RATE)
        rows.append({"path": f"{number:03d}.wav", "label": label, "speaker": f"s{number // 6}"})
    with open(folder / "list.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "list.csv"
