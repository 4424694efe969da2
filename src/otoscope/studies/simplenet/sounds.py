"""The sounds of the steps, and what all of them measure on signals."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from otoscope.audio import load_audio
from otoscope.data.find import drawn, sound_of
from otoscope.studies.simplenet.network import RATE
from otoscope.studies.step import Work

BANDS = ((0, 2000), (2000, 4000), (4000, 6000), (6000, 8000))
"""In Hz, of the shares of energy."""
OUTPUTS = {("conv1", 0): "1,1", ("conv1", 1): "1,2", ("conv2", 0): "2,1", ("conv2", 1): "2,2"}
"""The names of the paper."""


def clips_of(work: Work) -> list[tuple[str, Tensor]]:
    """The clips of a step at the rate of the network, evenly over the classes."""
    items = drawn(work.sounds(), work.arguments.get("clips", 1)).items
    root = work.data.path(work.step.inputs[0])
    found = []
    for number, item in enumerate(items):
        wave = load_audio(sound_of(item, RATE), sample_rate=RATE)
        samples = torch.as_tensor(np.array(wave.values, dtype=np.float32)).flatten()
        found.append((item.name.removeprefix(f"{root}/"), samples))
        work.report("clips", number + 1, len(items))
    return found


def by_band(signal: Tensor) -> list[float]:
    """Energy in each of :data:`BANDS`."""
    power = torch.fft.rfft(signal).abs().square()
    frequency = torch.arange(len(power)) * RATE / len(signal)
    return [float(power[(frequency > low) & (frequency <= high)].sum()) for low, high in BANDS]


def highest_of(signal: Tensor) -> Tensor:
    """The larger of each two neighbours: a max pooling by 2 before it drops every other value."""
    return torch.maximum(signal[:-1], signal[1:])
