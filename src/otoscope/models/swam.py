"""The three speech networks of SWAM (Gupta and Abrol): segmental, sub-segmental, multi-resolution."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import torch
from torch import nn

from otoscope.errors import InputError

_STRIDES = (10, 1, 1)
# per convolution: how many filters of each kernel width
_FRONT_ENDS: dict[str, tuple[dict[int, int], ...]] = {
    "segmental": ({300: 80}, {7: 80}, {3: 100}),
    "subsegmental": ({30: 80}, {7: 80}, {3: 100}),
    "multiresolution": (
        dict.fromkeys((10, 30, 50, 70, 90, 150, 300, 500), 10),
        dict.fromkeys((3, 6, 9, 12), 20),
        dict.fromkeys((3, 5, 7, 9), 25),
    ),
}
# of the max-poolings of the scripts that the authors published; 1 where they have none
_SCRIPTS = {"segmental": (2, 2, 2), "subsegmental": (2, 2, 2), "multiresolution": (3, 3, 1)}


class ParallelConv1d(nn.Module):
    """Convolutions of several kernel widths on one input, with aligned centres and concatenated channels.

    Each branch is padded by half its width on both sides, so frame j of every branch is centred on sample
    ``j * stride`` (for an even width, half a sample before). An even width may give one frame more than an odd one;
    all branches are cut to the shortest.

    Parameters
    ----------
    channels : int
        Input channels.
    filters : dict of int to int
        Number of filters of each kernel width in samples of the input.
    stride : int
        Hop of all branches.

    Examples
    --------
    >>> import torch
    >>> ParallelConv1d(1, {3: 4, 6: 2})(torch.zeros(1, 1, 100)).shape
    torch.Size([1, 6, 100])
    """

    def __init__(self, channels: int, filters: dict[int, int], stride: int = 1) -> None:
        super().__init__()
        self.branches = nn.ModuleDict(
            {
                f"kernel{kernel}": nn.Conv1d(channels, count, kernel, stride, padding=kernel // 2)
                for kernel, count in filters.items()
            }
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branches = [convolution(x) for convolution in self.branches.values()]
        frames = min(branch.shape[-1] for branch in branches)
        return torch.cat([branch[..., :frames] for branch in branches], dim=1)


class SWAM(nn.Module):
    """Three convolutions and two dense layers on one second of raw speech.

    Parameters
    ----------
    front_end : {"segmental", "subsegmental", "multiresolution"}
        First kernel of 300 samples, of 30, or eight widths from 10 to 500 in parallel.
    n_classes : int
        Outputs, at least 1; 35 are the words of Speech Commands v2, 251 the speakers of LibriSpeech
        train-clean-100.
    input_length : int
        Samples of every input; the first dense layer depends on it. 16000 is 1 s.
    pool : int or "scripts"
        Width and stride of each max-pooling, in frames; "scripts" are those of the authors' published scripts: 2, and
        3, 3 and none of the multi-resolution network.
    dropout : float
        Share of the 1024 hidden units dropped in training, 0 to 1.

    Raises
    ------
    InputError
        If an option is out of range or a clip has another length than ``input_length``.

    Notes
    -----
    SWAM, section 3.1: kernels of 300 (30) / 7 / 3 samples at stride 10 / 1 / 1 with 80 / 80 / 100 filters;
    multi-resolution 10 filters each of 10, 30, 50, 70, 90, 150, 300, 500, then 20 each of 3, 6, 9, 12, then
    25 each of 3, 5, 7, 9; after every convolution ELU, batch-norm and max-pooling; dense layers of 1024
    (ReLU, dropout) and ``n_classes``. The paper does not state the following, chosen here: a clip length of 1 s
    at 16 kHz (as in Speech Commands); pooling by 3, as in the networks of Muckenhirn et al. 2019, Table 1; no padding
    of single kernels, and half a kernel for parallel ones (see `ParallelConv1d`); dropout of 0.25, on the hidden layer
    alone. The scripts that the authors published (https://github.com/Cross-Caps/SWAM) pool otherwise, see `pool`; their
    second layers are not those of the paper either (100 filters, and a fifth width of 15 samples), which is no option
    here.

    Examples
    --------
    >>> import torch
    >>> model = SWAM("subsegmental", n_classes=10, input_length=4000).eval()
    >>> model(torch.zeros(2, 1, 4000)).shape
    torch.Size([2, 10])
    """

    sample_rate: int = 16000
    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str

    def __init__(
        self,
        front_end: str = "segmental",
        n_classes: int = 35,
        input_length: int = 16000,
        pool: int | Literal["scripts"] = 3,
        dropout: float = 0.25,
    ) -> None:
        super().__init__()
        if front_end not in _FRONT_ENDS:
            raise InputError(f"swam: front_end must be one of {', '.join(_FRONT_ENDS)}, not {front_end!r}")
        self.name = f"swam-{front_end}"
        self.input_length: int | None = input_length
        if n_classes < 1:
            raise InputError(f"{self.name}: n_classes must be 1 or more, not {n_classes}")
        kernels, pools = _FRONT_ENDS[front_end], self._pools(front_end, pool)
        frames = _frames_left(kernels, input_length, pools)
        if frames < 1:
            raise InputError(f"{self.name}: input_length of {input_length} samples leaves no frame")
        self.features = _features(kernels, pools)
        self.dense = nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                linear=nn.Linear(sum(kernels[-1].values()) * frames, 1024),
                relu=nn.ReLU(),
                dropout=nn.Dropout(dropout),
            )
        )
        self.classifier = nn.Linear(1024, n_classes)

    def _pools(self, front_end: str, pool: int | str) -> tuple[int, ...]:
        """The width of the max-pooling after each convolution."""
        if pool == "scripts":
            return _SCRIPTS[front_end]
        if not isinstance(pool, int) or pool < 1:
            raise InputError(f'{self.name}: pool must be 1 or more, or "scripts", not {pool!r}')
        return (pool,) * len(_STRIDES)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, input_length)."""
        if waveform.shape[-1] != self.input_length:
            raise InputError(
                f"{self.name} takes {self.input_length} samples, got {waveform.shape[-1]}: "
                "pad or cut the clip, or build the model with another input_length"
            )
        logits: torch.Tensor = self.classifier(self.dense(self.features(waveform)))
        return logits


def _features(kernels: tuple[dict[int, int], ...], pools: tuple[int, ...]) -> nn.Sequential:
    """Convolutions with what follows each; pooling by 1 is left out."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 1
    for number, (filters, stride, pool) in enumerate(zip(kernels, _STRIDES, pools, strict=True), start=1):
        layers[f"conv{number}"] = _convolution(channels, filters, stride)
        channels = sum(filters.values())
        layers[f"elu{number}"] = nn.ELU()
        layers[f"bn{number}"] = nn.BatchNorm1d(channels)
        if pool > 1:
            layers[f"pool{number}"] = nn.MaxPool1d(pool)
    return nn.Sequential(layers)


def _convolution(channels: int, filters: dict[int, int], stride: int) -> nn.Module:
    if len(filters) > 1:
        return ParallelConv1d(channels, filters, stride)
    [(kernel, count)] = filters.items()
    return nn.Conv1d(channels, count, kernel, stride)


def _frames_left(kernels: tuple[dict[int, int], ...], length: int, pools: tuple[int, ...]) -> int:
    """Frames after the last pooling, 0 when the clip is too short for a kernel."""
    for filters, stride, pool in zip(kernels, _STRIDES, pools, strict=True):
        padded = {kernel: length + 2 * (kernel // 2 if len(filters) > 1 else 0) for kernel in filters}
        length = min((padded[kernel] - kernel) // stride + 1 for kernel in filters) // pool
        if length < 1:
            return 0
    return length
