"""All strangers by name, and each made from one seed, ready to be looked at."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from otoscope import Scope
from strangers import convolutional, front_ends, separators, speech, ways
from strangers.stranger import Stranger, voice

ZOO: dict[str, Stranger] = convolutional.ZOO | separators.ZOO | speech.ZOO | front_ends.ZOO | ways.ZOO


def made(name: str) -> nn.Module:
    """The network from its seed, with batch-norm statistics as a training leaves them, in evaluation mode."""
    torch.manual_seed(11)
    model = ZOO[name].make().eval()
    draw = torch.Generator().manual_seed(3)
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)) and module.running_mean is not None:
            module.running_mean.normal_(0, 0.1, generator=draw)
            module.running_var.uniform_(0.5, 2, generator=draw)
    return model


def clip(name: str) -> Tensor:
    """The sound that it is tried on, (time,)."""
    return voice(ZOO[name].samples, ZOO[name].rate)


def scope(name: str, model: nn.Module, **more: Any) -> Scope:
    """The network as a user gives it to Otoscope."""
    return Scope(model, sample_rate=ZOO[name].rate, name=name, **ZOO[name].given, **more)
