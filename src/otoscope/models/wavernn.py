"""WaveRNN: convolutions in windows of 40 ms and a recurrent network across them (Trigeorgis et al. 2016)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from otoscope.errors import InputError

_BLOCKS = 8
_WINDOW = 0.04  # in s


def window_of(sample_rate: int) -> int:
    """The samples of a window of 40 ms.

    Raises
    ------
    InputError
        If they are not a whole number.

    Examples
    --------
    >>> window_of(16_000)
    640
    """
    samples = round(_WINDOW * sample_rate)
    if samples < 1 or samples != _WINDOW * sample_rate:
        raise InputError(f"sample_rate has to be a multiple of 25 Hz, so that windows are 40 ms, not {sample_rate}")
    return samples


class RecurrentHead(nn.Module):
    """Two LSTM layers and two dense layers, above the front ends of WaveRNN and SimpleNet-RNN.

    Parameters
    ----------
    features : int
        Features of a frame.
    n_classes : int
        Outputs.

    Notes
    -----
    SimpleNet, section 4.1: 64 units in each layer, tanh in the LSTM and ReLU elsewhere. The paper does not state the
    input of the dense layer; here it is the last state.

    Examples
    --------
    >>> RecurrentHead(10, n_classes=4)(torch.zeros(2, 150, 10)).shape
    torch.Size([2, 4])
    """

    def __init__(self, features: int, n_classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, 64, num_layers=2, batch_first=True)
        self.linear = nn.Linear(64, 64)
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(64, n_classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of frames (batch, frame, feature)."""
        states, _ = self.lstm(frames)
        logits: torch.Tensor = self.classifier(self.relu(self.linear(states[:, -1])))
        return logits


class WaveRNN(nn.Module):
    """Eight convolutions, each with ReLU and max-pooling by 2, inside every window of 40 ms, then two LSTM layers.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 4 are the emotions of the experiments of SimpleNet.
    filters : int
        Of every convolution.
    first_kernel, kernel : int
        Widths of the first convolution and of the others; 80 samples are 5 ms at 16 kHz.
    sample_rate : int
        In Hz; 16000 in the experiments. Windows are 40 ms at every rate.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    SimpleNet, sections 2.2.1, 2.2.3 and 4.1: windows of 640 samples (40 ms at 16 kHz) without overlap, a pooling
    after each of eight convolutions, kernels initialised after Glorot and Bengio (2010), and above them
    `RecurrentHead`. The paper does not state the sizes; here they are 40 filters each, a first kernel of 5 ms (that of
    Trigeorgis et al. 2016), then kernels of 5, pooling by 2 and zero padding of each window, which leaves 2 frames of
    40 per window. Convolutions have kernels (1, width) over (window, sample), so that time is the axis of the windows.
    Samples after the last complete window are ignored.

    Examples
    --------
    >>> WaveRNN().eval()(torch.zeros(1, 1, 16_000)).shape
    torch.Size([1, 4])
    """

    input_length: int | None = None
    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str = "wavernn"

    def __init__(
        self,
        n_classes: int = 4,
        filters: int = 40,
        first_kernel: int = 80,
        kernel: int = 5,
        sample_rate: int = 16_000,
    ) -> None:
        super().__init__()
        if min(n_classes, filters, first_kernel, kernel) < 1:
            raise InputError("wavernn: n_classes, filters, first_kernel and kernel must be at least 1")
        self.sample_rate, self.minimum_length = sample_rate, window_of(sample_rate)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels, samples = 1, self.minimum_length
        for number in range(1, _BLOCKS + 1):
            width = first_kernel if number == 1 else kernel
            convolution = nn.Conv2d(channels, filters, (1, width), padding=(0, width // 2))
            nn.init.xavier_uniform_(convolution.weight)
            layers[f"conv{number}"] = convolution
            layers[f"relu{number}"] = nn.ReLU()
            layers[f"pool{number}"] = nn.MaxPool2d((1, 2))
            channels, samples = filters, (samples + 2 * (width // 2) - width + 1) // 2
        self.features = nn.Sequential(layers)
        self.head = RecurrentHead(filters * samples, n_classes)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, time) of at least one window."""
        windows = waveform.shape[-1] // self.minimum_length
        heard = waveform[..., : windows * self.minimum_length].unflatten(-1, (windows, self.minimum_length))
        features = self.features(heard)  # (batch, filter, window, sample)
        logits: torch.Tensor = self.head(features.transpose(1, 2).flatten(2))
        return logits
