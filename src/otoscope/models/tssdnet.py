"""The two anti-spoofing networks of Hua, Teoh and Zhang (2021): Inc-TSSDNet and Res-TSSDNet.

Module and parameter names are those of the authors' published checkpoints. ReLU and pooling are functional
calls, as in the authors' networks, so these models also test that a trace records such calls.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from otoscope.errors import InputError

_CHANNELS = (16, 32, 64, 128, 128)


class _DilatedBlock(nn.Module):
    """Four parallel convolutions of dilation 1, 2, 4, 8, concatenated over channels."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        quarter = channels_out // 4
        for dilation in (1, 2, 4, 8):
            convolution = nn.Conv1d(channels_in, quarter, 3, dilation=dilation, padding=dilation, bias=False)
            self.add_module(f"cv{dilation}", convolution)
            self.add_module(f"bn{dilation}", nn.BatchNorm1d(quarter))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branches = ((self.get_submodule(f"cv{d}"), self.get_submodule(f"bn{d}")) for d in (1, 2, 4, 8))
        return torch.cat([F.relu(norm(convolution(x))) for convolution, norm in branches], dim=1)


class _ResidualBlock(nn.Module):
    """Three convolutions, the input added through a pointwise one."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels_in, channels_out, 3, padding=1, bias=False)
        self.conv2 = nn.Conv1d(channels_out, channels_out, 3, padding=1, bias=False)
        self.conv3 = nn.Conv1d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm1d(channels_out)
        self.bn2 = nn.BatchNorm1d(channels_out)
        self.bn3 = nn.BatchNorm1d(channels_out)
        self.nin = nn.Conv1d(channels_in, channels_out, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y) + self.nin(x)))


class _TSSDNet(nn.Module):
    """The common structure of both networks: first convolution, four blocks, maximum over time, three dense layers."""

    sample_rate: int = 16000
    input_length: int | None = 96000
    padding: str = "repeat"
    minimum_length: int = 4**4  # four poolings by 4 must leave one frame
    classes: tuple[str, ...] | None = ("bonafide", "spoof")
    name: str

    def __init__(
        self,
        block: type[nn.Module],
        block_name: str,
        n_classes: int,
        width: float,
        input_length: int | None,
        sample_rate: int,
    ) -> None:
        super().__init__()
        channels = [4 * round(count * width / 4) for count in _CHANNELS]
        if n_classes < 1 or min(channels) < 4:
            raise InputError(
                f"{self.name}: n_classes must be at least 1 and width large enough for four filters in each layer "
                f"(0.2 or more), not {n_classes} and {width}"
            )
        if input_length is not None and input_length < self.minimum_length:
            raise InputError(f"{self.name}: input_length must be at least {self.minimum_length}, not {input_length}")
        self.sample_rate, self.input_length = sample_rate, input_length
        if n_classes != 2:
            self.classes = None
        self.conv1 = nn.Conv1d(1, channels[0], 7, padding=3, bias=False)
        self.bn1 = nn.BatchNorm1d(channels[0])
        self._block_names = tuple(f"{block_name}{number}" for number in range(1, 5))
        for name, channels_in, channels_out in zip(self._block_names, channels, channels[1:], strict=False):
            self.add_module(name, block(channels_in, channels_out))
        self.fc1 = nn.Linear(channels[-1], 64)
        self.fc2 = nn.Linear(64, 32)
        self.out = nn.Linear(32, n_classes)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, class), by default bona fide and spoof, of clips (batch, 1, time) of 256 samples or more."""
        x = F.relu(self.bn1(self.conv1(waveform)))
        for name in self._block_names:
            x = self.get_submodule(name)(F.max_pool1d(x, 4))
        x = F.max_pool1d(x, x.shape[-1]).flatten(1)
        logits: torch.Tensor = self.out(F.relu(self.fc2(F.relu(self.fc1(x)))))
        return logits


class IncTSSDNet(_TSSDNet):
    """Inc-TSSDNet: four blocks of parallel dilated convolutions, about 0.09 M parameters.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 2 are bona fide and spoofed speech.
    width : float
        Share of the filters of the paper, 0.2 or more; their numbers are rounded to multiples of 4.
    input_length : int, optional
        Samples of a clip; 96000 are the 6 s of the paper.
    sample_rate : int
        In Hz.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    Its sample rate is 16 kHz; it was trained on 96000 samples (6 s), with shorter clips repeated (``input_length`` and
    ``padding``). Because of the maximum over time it takes other lengths, too.

    Hua, Teoh and Zhang 2021, *Towards End-to-End Synthetic Speech Detection*. Each block concatenates
    convolutions of 3 samples with dilations 1, 2, 4 and 8; ``load("inc-tssdnet", weights=...)`` reads the
    published checkpoint.

    Examples
    --------
    >>> import torch
    >>> IncTSSDNet().eval()(torch.zeros(1, 1, 4000)).shape
    torch.Size([1, 2])
    """

    name: str = "inc-tssdnet"

    def __init__(
        self, n_classes: int = 2, width: float = 1.0, input_length: int | None = 96_000, sample_rate: int = 16_000
    ) -> None:
        super().__init__(_DilatedBlock, "DCM", n_classes, width, input_length, sample_rate)


class ResTSSDNet(_TSSDNet):
    """Res-TSSDNet: four residual blocks of three convolutions, about 0.35 M parameters.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 2 are bona fide and spoofed speech.
    width : float
        Share of the filters of the paper, 0.2 or more; their numbers are rounded to multiples of 4.
    input_length : int, optional
        Samples of a clip; 96000 are the 6 s of the paper.
    sample_rate : int
        In Hz.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    Sample rate, length and outputs are those of `IncTSSDNet`.

    Hua, Teoh and Zhang 2021, *Towards End-to-End Synthetic Speech Detection*. The input of a block reaches
    its last batch-norm through a pointwise convolution.

    Examples
    --------
    >>> import torch
    >>> ResTSSDNet().eval()(torch.zeros(1, 1, 4000)).shape
    torch.Size([1, 2])
    """

    name: str = "res-tssdnet"

    def __init__(
        self, n_classes: int = 2, width: float = 1.0, input_length: int | None = 96_000, sample_rate: int = 16_000
    ) -> None:
        super().__init__(_ResidualBlock, "RSM", n_classes, width, input_length, sample_rate)
