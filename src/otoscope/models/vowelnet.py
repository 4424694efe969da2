"""VowelNet: a small raw-waveform network, and the two trained ones that come with the package.

``vowel-name`` classifies twelve vowels, ``vowel-register`` low, mid and high voices. Both have this architecture and
were trained on the same synthesised sounds; only their task differs. So their cues must differ, and are known: formants
for one, the fundamental and its harmonics for the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from otoscope.errors import InputError

_VOWELS = ("ae", "ah", "aw", "eh", "ei", "er", "ih", "iy", "oa", "oo", "uh", "uw")  # those of vowel-name


class VowelNet(nn.Module):
    """Three convolutions on the waveform, the mean over time, one linear layer.

    Parameters
    ----------
    classes : sequence of str
        Names of the classes, in the order of the logits; the twelve vowels by default.
    channels : tuple of three int
        Filters of the three convolutions.
    kernels : tuple of three int
        Their lengths; that of the first is in samples of the waveform.
    stride : int
        Of the first convolution, in samples.
    pools : tuple of two int
        Lengths of the max-pooling after the first and the second convolution.
    sample_rate : int
        In Hz.
    name : str

    Raises
    ------
    InputError
        If there are no classes.

    Notes
    -----
    Input ``(batch, 1, time)`` of any length from the receptive field on; output logits ``(batch, classes)``. The mean
    over time is the only operation that mixes distant frames, so clips may be longer than those in training.

    Examples
    --------
    >>> import torch
    >>> VowelNet(["low", "high"])(torch.zeros(2, 1, 4000)).shape
    torch.Size([2, 2])
    """

    input_length: int | None = None
    padding: str = "zeros"

    def __init__(
        self,
        classes: Sequence[str] = _VOWELS,
        *,
        channels: tuple[int, int, int] = (64, 64, 96),
        kernels: tuple[int, int, int] = (320, 9, 5),
        stride: int = 4,
        pools: tuple[int, int] = (6, 3),
        sample_rate: int = 16_000,
        name: str = "vowelnet",
    ) -> None:
        super().__init__()
        self.classes = tuple(classes)
        if not self.classes:
            raise InputError("classes is empty: give the names of the classes")
        self.sample_rate = sample_rate
        self.name = name
        frames = pools[0] * (pools[1] * kernels[2] + kernels[1] - 1)  # of the first convolution
        self.minimum_length = (frames - 1) * stride + kernels[0]
        self.conv1 = nn.Conv1d(1, channels[0], kernels[0], stride=stride)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool1d(pools[0])
        self.conv2 = nn.Conv1d(channels[0], channels[1], kernels[1])
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool1d(pools[1])
        self.conv3 = nn.Conv1d(channels[1], channels[2], kernels[2])
        self.relu3 = nn.ReLU()
        self.mean = nn.AdaptiveAvgPool1d(1)
        self.head = nn.Linear(channels[2], len(self.classes))

    def forward(self, waveform: Tensor) -> Tensor:
        """Map waveforms (batch, 1, time) to logits (batch, classes)."""
        x = self.pool1(self.relu1(self.conv1(waveform)))
        x = self.pool2(self.relu2(self.conv2(x)))
        x = self.relu3(self.conv3(x))
        logits: Tensor = self.head(self.mean(x).flatten(1))
        return logits
