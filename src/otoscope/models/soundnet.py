"""SoundNet of eight layers (Aytar, Vondrick and Torralba 2016)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from otoscope.errors import InputError
from otoscope.models.smooth_pool import SmoothPool

# (filters, kernel, padding, max-pooling after it); every stride is 2
_LAYERS = (
    *((16, 64, 32, 8), (32, 32, 16, 8), (64, 16, 8, 1), (128, 8, 4, 1)),
    *((256, 4, 2, 4), (512, 4, 2, 1), (1024, 4, 2, 1)),
)
_HEAD = 8  # width of conv8, in frames
_OBJECTS, _SCENES = 1000, 401


class SoundNet(nn.Module):
    """Seven blocks of convolution, batch-norm and ReLU, three of them with max-pooling, and an eighth convolution.

    Parameters
    ----------
    n_classes : int, optional
        Outputs of a classifier on the mean of the seventh layer over time, with 64 hidden units. Without it the
        model ends as published, in 1000 logits of objects and 401 of scenes, averaged over time.
    input_length : int, optional
        Samples that shorter clips are padded to and longer ones cut to; None takes clips of any length from
        ``minimum_length`` on. 220500 is 10 s, the smallest whole number of seconds that gives a frame of the published
        outputs.
    sample_rate : int
        In Hz; 22050 as published, 16000 in the experiments of SimpleNet.
    low_pass : bool
        Whether the poolings filter their maxima before they drop all but every n-th, so that they fold little, see
        ``otoscope.models.smooth_pool.SmoothPool``. It adds no weights.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    Aytar, Vondrick and Torralba 2016, *SoundNet: Learning Sound Representations from Unlabeled Video*, Table 1 on
    the network of eight layers: kernels of 64, 32, 16, 8, 4, 4, 4, 8 at stride 2 with 16, 32, 64, 128, 256, 512,
    1024 and 1000 + 401 filters, max-pooling by 8, 8 and 4 after the first, second and fifth. The published
    weights expect samples 256 times as large as here. Kernels start as in SimpleNet, section 4 (Glorot and Bengio
    2010). SimpleNet leaves open how its classifier is joined. It cannot be on conv8, which six seconds at
    16 kHz are too short for; here it is the mean of conv7 over time, then the dense layer of 64 units that all of
    its networks have.

    Examples
    --------
    >>> import torch
    >>> SoundNet(n_classes=4).eval()(torch.zeros(1, 1, 96_000)).shape
    torch.Size([1, 4])
    """

    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str = "soundnet"

    def __init__(
        self,
        n_classes: int | None = None,
        input_length: int | None = 220_500,
        sample_rate: int = 22_050,
        low_pass: bool = False,
    ) -> None:
        super().__init__()
        if n_classes is not None and n_classes < 1:
            raise InputError(f"soundnet: n_classes must be at least 1, not {n_classes}")
        self.input_length = input_length
        self.sample_rate = sample_rate
        self.minimum_length = _samples_for(_HEAD if n_classes is None else 1)
        if input_length is not None and input_length < self.minimum_length:
            raise InputError(f"soundnet: input_length must be {self.minimum_length} or more, not {input_length}")
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 1
        for number, (filters, kernel, padding, pool) in enumerate(_LAYERS, start=1):
            layers[f"conv{number}"] = nn.Conv1d(channels, filters, kernel, 2, padding)
            layers[f"bn{number}"] = nn.BatchNorm1d(filters)
            layers[f"relu{number}"] = nn.ReLU()
            if pool > 1:
                layers[f"pool{number}"] = SmoothPool(pool) if low_pass else nn.MaxPool1d(pool)
            channels = filters
        self.features = nn.Sequential(layers)
        self.head = _Published(channels) if n_classes is None else _Classifier(channels, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, 1401) or (batch, n_classes) of clips (batch, 1, time) from ``minimum_length`` on."""
        logits: torch.Tensor = self.head(self.features(waveform))
        return logits


class _Published(nn.Module):
    """conv8: a convolution for objects and one for scenes, in this order."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.objects = nn.Conv1d(channels, _OBJECTS, _HEAD, 2)
        self.scenes = nn.Conv1d(channels, _SCENES, _HEAD, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((self.objects(x), self.scenes(x)), dim=1).mean(dim=-1)


class _Classifier(nn.Module):
    def __init__(self, channels: int, n_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, 64)
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(64, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(self.relu(self.linear(x.mean(dim=-1))))
        return logits


def _samples_for(frames: int) -> int:
    """Samples that give so many frames at the seventh convolution."""
    for _, kernel, padding, pool in reversed(_LAYERS):
        frames = max(1, (frames * pool - 1) * 2 + kernel - 2 * padding)
    return frames
