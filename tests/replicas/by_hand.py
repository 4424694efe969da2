"""A small network and the way back through it, in loops over the equations: numpy alone, no autograd, no library."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

RATE = 8000
LAYERS = ("1", "2", "4")
"""Taps of ``module`` behind an activation: ReLU, max pooling, ReLU."""


def convolve(x: np.ndarray, kernels: np.ndarray, bias: np.ndarray, stride: int = 1) -> np.ndarray:
    """(channel, time) by (map, channel, tap)."""
    width = kernels.shape[-1]
    frames = range(0, x.shape[-1] - width + 1, stride)
    return np.array([[np.sum(k * x[:, t : t + width]) + b for t in frames] for k, b in zip(kernels, bias, strict=True)])


def convolve_back(g: np.ndarray, kernels: np.ndarray, length: int, stride: int = 1) -> np.ndarray:
    """Every value adds its kernel where it looked."""
    x = np.zeros((kernels.shape[1], length))
    for of_map, kernel in zip(g, kernels, strict=True):
        for t, value in enumerate(of_map):
            x[:, t * stride : t * stride + kernel.shape[-1]] += value * kernel
    return x


def rectify_back(g: np.ndarray, x: np.ndarray, rule: str) -> np.ndarray:
    """Springenberg et al. 2015, figure 1: what a ReLU with the input x passes back."""
    if rule == "gradient":
        return g * (x > 0)
    if rule == "guided":
        return g * (x > 0) * (g > 0)
    assert rule == "deconvnet"
    return g * (g > 0)


def pool(x: np.ndarray, width: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Largest values of windows that do not overlap, and where they were."""
    windows = [[row[t : t + width] for t in range(0, len(row) - width + 1, width)] for row in x]
    where = np.array([[t * width + int(np.argmax(one)) for t, one in enumerate(row)] for row in windows])
    return np.array([[max(one) for one in row] for row in windows]), where


class Network:
    """Convolution (5 taps, stride 2), ReLU, max pooling by 2, convolution (3 taps), ReLU, mean over time, classes."""

    def __init__(self, seed: int = 0, classes: int = 3) -> None:
        draw = np.random.default_rng(seed)
        self.first, self.first_bias = draw.normal(size=(3, 1, 5)), draw.normal(size=3) * 0.1
        self.second, self.second_bias = draw.normal(size=(4, 3, 3)), draw.normal(size=4) * 0.1
        self.matrix, self.matrix_bias = draw.normal(size=(classes, 4)), draw.normal(size=classes) * 0.1

    def module(self) -> nn.Module:
        """The same for torch, in double precision; the taps are "0" to "4"."""
        model = nn.Sequential(
            nn.Conv1d(1, 3, 5, stride=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(3, 4, 3), nn.ReLU(),
            nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, len(self.matrix)),
        ).double()  # fmt: skip
        arrays = [self.first, self.first_bias, self.second, self.second_bias, self.matrix, self.matrix_bias]
        with torch.no_grad():
            for parameter, array in zip(model.parameters(), arrays, strict=True):
                parameter.copy_(torch.from_numpy(array))
        return model.eval()

    def run(self, wave: np.ndarray) -> dict[str, np.ndarray]:
        """Values (map, time) at every tap, and the classes' at "output"."""
        taps = {"0": convolve(wave[None], self.first, self.first_bias, stride=2)}
        taps["1"] = np.maximum(taps["0"], 0)
        taps["2"], self.where = pool(taps["1"])
        taps["3"] = convolve(taps["2"], self.second, self.second_bias)
        taps["4"] = np.maximum(taps["3"], 0)
        taps["output"] = self.matrix @ taps["4"].mean(-1) + self.matrix_bias
        return taps

    def back(self, wave: np.ndarray, tap: str, seed: np.ndarray, rule: str) -> np.ndarray:
        """A seed of the shape of the value at "1", "2", "4" or "output" brought to the waveform, (time,)."""
        taps, g = self.run(wave), seed
        if tap == "output":
            frames = taps["4"].shape[-1]
            g = np.repeat((self.matrix.T @ g)[:, None] / frames, frames, axis=1)
        if tap in ("output", "4"):
            g = rectify_back(g, taps["3"], rule)
            g = convolve_back(g, self.second, taps["2"].shape[-1])
        if tap != "1":
            above, g = g, np.zeros_like(taps["1"])
            for row, to, values in zip(g, self.where, above, strict=True):
                row[to] = values
        g = rectify_back(g, taps["0"], rule)
        return convolve_back(g, self.first, len(wave), stride=2)[0]

    def most_active(self, wave: np.ndarray, tap: str) -> int:
        return int(np.argmax([np.mean(row**2) for row in self.run(wave)[tap]]))

    def sonify(self, wave: np.ndarray, tap: str, channel: int, rule: str = "deconvnet") -> np.ndarray:
        """Yadav 2022, algorithm 1: all maps but one set to zero, carried back, scaled to the peak of the sound."""
        value = self.run(wave)[tap]
        seed = np.zeros_like(value)
        seed[channel] = value[channel]
        sound = self.back(wave, tap, seed, rule)
        peak = np.abs(sound).max()
        return sound / peak * np.abs(wave).max() if peak > 0 else sound

    def residual(self, wave: np.ndarray, tap: str) -> np.ndarray:
        return wave - self.sonify(wave, tap, self.most_active(wave, tap))


def noise(length: int = 200, seed: int = 0) -> np.ndarray:
    """White noise, peak below 1."""
    wave = np.random.default_rng(seed).standard_normal(length)
    return 0.9 * wave / np.abs(wave).max()


def transform(x: np.ndarray) -> np.ndarray:
    """The discrete Fourier transform over the last axis, from its sum."""
    n = np.arange(x.shape[-1])
    return x @ np.exp(-2j * np.pi * np.outer(n, n) / len(n))
