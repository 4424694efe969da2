"""StridedNet: four convolutions that drop the rate by stride, or the same four with another way to drop it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import torch
from torch import nn

from otoscope.errors import InputError

_WIDTHS, _STEPS = (33, 9, 5, 3), (4, 4, 4, 2)


class StridedNet(nn.Module):
    """Four convolutions, each followed by batch norm and ReLU, the mean over time, one linear layer.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 35 are the words of Speech Commands v2.
    filters : int
        Of the first convolution; the others have two, three and four times as many.
    reduce : {"stride", "max", "mean"}
        How the rate drops by 4, 4, 4 and 2: by the stride of the convolutions, or by pooling after their activation.
    sample_rate : int
        In Hz.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    No published network, but what most networks on waveforms share, as small as it can be: with `reduce` one can
    compare strides and poolings that are alike in kernels, rates and number of weights.

    Examples
    --------
    >>> StridedNet(n_classes=3).eval()(torch.zeros(2, 1, 4000)).shape
    torch.Size([2, 3])
    """

    input_length: int | None = None
    minimum_length: int = 33 + 4 * (8 + 4 * (4 + 4 * 2)) + 3
    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str = "stridednet"

    def __init__(
        self,
        n_classes: int = 35,
        filters: int = 16,
        reduce: Literal["stride", "max", "mean"] = "stride",
        sample_rate: int = 16_000,
    ) -> None:
        super().__init__()
        if min(n_classes, filters) < 1:
            raise InputError(f"stridednet: n_classes and filters must be at least 1, not {n_classes} and {filters}")
        if reduce not in ("stride", "max", "mean"):
            raise InputError(f"stridednet: reduce must be stride, max or mean, not {reduce!r}")
        self.sample_rate = sample_rate
        channels = (1, filters, 2 * filters, 3 * filters, 4 * filters)
        blocks = zip(channels, channels[1:], _WIDTHS, _STEPS, strict=False)
        self.layers = nn.Sequential(
            OrderedDict((f"block{number}", _block(*block, reduce)) for number, block in enumerate(blocks, start=1))
        )
        self.classifier = nn.Linear(channels[-1], n_classes)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, time) from ``minimum_length`` on."""
        logits: torch.Tensor = self.classifier(self.layers(waveform).mean(dim=-1))
        return logits


def _block(channels_in: int, channels_out: int, width: int, step: int, reduce: str) -> nn.Sequential:
    stride = step if reduce == "stride" else 1
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv1d(channels_in, channels_out, width, stride=stride, padding=width // 2, bias=False),
        bn=nn.BatchNorm1d(channels_out),
        relu=nn.ReLU(),
    )
    if reduce != "stride":
        parts["pool"] = nn.MaxPool1d(step) if reduce == "max" else nn.AvgPool1d(step)
    return nn.Sequential(parts)
