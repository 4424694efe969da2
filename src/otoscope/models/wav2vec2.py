"""A small wav2vec 2.0: strided convolutions, a convolution for positions, and a transformer (Baevski et al. 2020)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from otoscope.errors import InputError

_KERNELS, _STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)


class Wav2Vec2(nn.Module):
    """Strided convolutions with GELU, a small transformer, the mean over time, one linear layer.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 35 are the words of Speech Commands v2.
    channels : int
        Of every convolution; 512 in the paper.
    width : int
        Of the transformer, a multiple of `heads`; 768 in the smaller model of the paper.
    depth, heads : int
        Blocks of the transformer and heads of its attention; 12 and 8 in the smaller model of the paper.
    steps : int
        Convolutions, 1 to 7; 7 drop the rate by 320, 6 by 160.
    norm : {"group", "layer"}
        "group": the first convolution alone is normalised, each channel over time; "layer": every convolution, each
        moment over channels. Both are in the authors' code.
    positions : int
        Taps of the convolution for positions, odd; 128 in the paper.
    dropout : float
        In the transformer and before it.
    sample_rate : int
        In Hz.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    Baevski et al. 2020, *wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations*, section 2
    and appendix B: seven convolutions with strides (5, 2, 2, 2, 2, 2, 2), kernels of (10, 3, 3, 3, 3, 2, 2), GELU and
    normalisation; a layer norm and a linear layer to the width of the transformer; a grouped convolution with GELU
    whose result is added as relative positions, then a layer norm; blocks that normalise after each sum. Here it is
    smaller, positions have an odd number of taps, so that they are symmetric, and groups of 16 channels. There is no
    quantiser: nothing is masked, and the whole is trained with labels.


    Examples
    --------
    >>> Wav2Vec2(n_classes=3).eval()(torch.zeros(2, 1, 8000)).shape
    torch.Size([2, 3])
    """

    input_length: int | None = None
    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str = "wav2vec2"

    def __init__(
        self,
        n_classes: int = 35,
        channels: int = 48,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        steps: int = 7,
        norm: Literal["group", "layer"] = "group",
        positions: int = 31,
        dropout: float = 0.1,
        sample_rate: int = 16_000,
    ) -> None:
        super().__init__()
        if min(n_classes, channels, width, depth, heads) < 1 or width % heads:
            raise InputError(
                "wav2vec2: n_classes, channels, width, depth and heads must be at least 1 and width a multiple of "
                f"heads, not {n_classes}, {channels}, {width}, {depth} and {heads}"
            )
        if not 1 <= steps <= len(_KERNELS):
            raise InputError(f"wav2vec2: steps must be 1 to {len(_KERNELS)}, not {steps}")
        if norm not in ("group", "layer"):
            raise InputError(f"wav2vec2: norm must be group or layer, not {norm!r}")
        if positions < 1 or positions % 2 == 0:
            raise InputError(f"wav2vec2: positions must be odd, not {positions}")
        self.sample_rate = sample_rate
        self.minimum_length = 1
        for kernel, stride in reversed(list(zip(_KERNELS[:steps], _STRIDES[:steps], strict=True))):
            self.minimum_length = kernel + stride * (self.minimum_length - 1)
        self.encoder = nn.Sequential(*(_Convolution(channels, number, norm) for number in range(steps)))
        self.norm = nn.LayerNorm(channels)
        self.project = nn.Linear(channels, width)
        self.dropout = nn.Dropout(dropout)
        self.positions = _Positions(width, positions)
        self.blocks = nn.Sequential(*(_Block(width, heads, dropout) for _ in range(depth)))
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, time) from ``minimum_length`` on."""
        frames = self.encoder(waveform).transpose(1, 2)
        x = self.blocks(self.positions(self.dropout(self.project(self.norm(frames)))))
        logits: torch.Tensor = self.classifier(x.mean(dim=1))
        return logits


class _Convolution(nn.Module):
    """A strided convolution of the encoder, its norm, if any, and GELU."""

    def __init__(self, channels: int, number: int, norm: str) -> None:
        super().__init__()
        taken = channels if number else 1
        self.conv = nn.Conv1d(taken, channels, _KERNELS[number], stride=_STRIDES[number], bias=False)
        nn.init.kaiming_normal_(self.conv.weight)
        self.over_channels = norm == "layer"
        if norm == "layer":
            self.norm: nn.Module = nn.LayerNorm(channels)
        else:
            self.norm = nn.Identity() if number else nn.GroupNorm(channels, channels)
        self.gelu = nn.GELU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        x = self.norm(x.transpose(1, 2)).transpose(1, 2) if self.over_channels else self.norm(x)
        found: torch.Tensor = self.gelu(x)
        return found


class _Positions(nn.Module):
    """Adds what a wide grouped convolution finds around each moment, and normalises, (batch, time, width)."""

    def __init__(self, width: int, taps: int) -> None:
        super().__init__()
        groups = width // 16 if width % 16 == 0 else 1
        conv = nn.Conv1d(width, width, taps, padding=taps // 2, groups=groups)
        nn.init.normal_(conv.weight, std=(4 / (taps * width)) ** 0.5)
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        self.conv = nn.utils.parametrizations.weight_norm(conv, dim=2)
        self.gelu = nn.GELU()
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.norm(x + self.gelu(self.conv(x.transpose(1, 2))).transpose(1, 2))
        return found


class _Block(nn.Module):
    """Attention over time and two linear layers, each added to what it is given and normalised after."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, dropout, batch_first=True)
        self.norm1 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.gelu = nn.GELU()
        self.down = nn.Linear(2 * width, width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm1(x + self.dropout(self.attention(x, x, x, need_weights=False)[0]))
        found: torch.Tensor = self.norm2(x + self.dropout(self.down(self.gelu(self.up(x)))))
        return found
