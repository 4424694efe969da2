"""The phone and the speaker network of the relevance paper (Muckenhirn et al. 2019, Table 1)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from otoscope.errors import InputError

_POOL = 3


class _SpeechCNN(nn.Module):
    """What both networks share: convolutions, each with max-pooling and ReLU, and two dense layers."""

    sample_rate: int = 16000
    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str

    def __init__(
        self, blocks: tuple[tuple[int, int, int], ...], hidden: int, n_classes: int, input_length: int
    ) -> None:
        super().__init__()
        if n_classes < 1:
            raise InputError(f"{self.name}: n_classes must be at least 1, not {n_classes}")
        self.input_length: int | None = input_length
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels, frames = 1, input_length
        for number, (filters, kernel, stride) in enumerate(blocks, start=1):
            layers[f"conv{number}"] = nn.Conv1d(channels, filters, kernel, stride)
            layers[f"pool{number}"] = nn.MaxPool1d(_POOL)
            layers[f"relu{number}"] = nn.ReLU()
            channels, frames = filters, ((frames - kernel) // stride + 1) // _POOL
        if frames < 1:
            raise InputError(f"{self.name}: input_length of {input_length} samples leaves no frame")
        self.features = nn.Sequential(layers)
        self.dense = nn.Sequential(
            OrderedDict(flatten=nn.Flatten(), linear=nn.Linear(channels * frames, hidden), relu=nn.ReLU())
        )
        self.classifier = nn.Linear(hidden, n_classes)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, input_length)."""
        if waveform.shape[-1] != self.input_length:
            raise InputError(
                f"{self.name} takes {self.input_length} samples, got {waveform.shape[-1]}: "
                "pad or cut the clip, or build the model with another input_length"
            )
        logits: torch.Tensor = self.classifier(self.dense(self.features(waveform)))
        return logits


class PhoneCNN(_SpeechCNN):
    """Three convolutions and two dense layers on 250 ms of raw speech, for phones.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1.
    input_length : int
        Samples of every input; the first dense layer depends on it. 4000 is 250 ms.

    Raises
    ------
    InputError
        If an option is out of range or a clip has another length than ``input_length``.

    Notes
    -----
    Muckenhirn et al. 2019, section 4.1 and Table 1: kernels of 30 / 7 / 7 samples at stride 10 / 1 / 1 with
    80 / 60 / 60 filters, each followed by max-pooling by 3 and ReLU, then 1024 hidden units. The paper does not state
    the number of outputs, here the 39 phones that TIMIT is usually folded into; the activation of the hidden units,
    here ReLU; and the padding, here none.

    Examples
    --------
    >>> import torch
    >>> PhoneCNN().eval()(torch.zeros(2, 1, 4000)).shape
    torch.Size([2, 39])
    """

    name: str = "phone-cnn"

    def __init__(self, n_classes: int = 39, input_length: int = 4000) -> None:
        super().__init__(((80, 30, 10), (60, 7, 1), (60, 7, 1)), 1024, n_classes, input_length)


class SpeakerCNN(_SpeechCNN):
    """Two convolutions and two dense layers on raw speech, for speakers.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 462 are the speakers of the training set of TIMIT.
    input_length : int
        Samples of every input; the first dense layer depends on it. 4000 is 250 ms.

    Raises
    ------
    InputError
        If an option is out of range or a clip has another length than ``input_length``.

    Notes
    -----
    Muckenhirn et al. 2019, section 4.1 and Table 1: kernels of 30 / 10 samples at stride 10 / 1 with 80 / 80
    filters, then 100 hidden units. The paper does not state input length, pooling and padding of this network; here
    they are those of `PhoneCNN`.

    Examples
    --------
    >>> import torch
    >>> SpeakerCNN().eval()(torch.zeros(2, 1, 4000)).shape
    torch.Size([2, 462])
    """

    name: str = "speaker-cnn"

    def __init__(self, n_classes: int = 462, input_length: int = 4000) -> None:
        super().__init__(((80, 30, 10), (80, 10, 1)), 100, n_classes, input_length)
