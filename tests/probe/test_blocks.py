"""The ends of blocks, in networks written in many ways."""

from __future__ import annotations

import pytest
import torch
from probe_zoo import build
from torch import nn

from otoscope import load, trace
from otoscope.probe.blocks import block_ends

ENDS = {
    "plain": ["2", "5"],
    "dilated": ["max_pool1d", "block1.max_pool1d", "max_pool1d_2"],
    "residual": ["relu", "relu_2", "relu_3", "relu_4", "relu_5"],
    "multi_resolution": ["elu"],
    "framed": ["max_pool2d", "relu_2"],
    "transformer": ["gelu", "encoder.layers.0.relu", "encoder.layers.1.relu"],
    "pre_emphasis": ["conv"],
}


@pytest.mark.parametrize("name", ENDS)
def test_blocks_end_where_their_writers_would_say(name: str) -> None:
    model, x = build(name)
    assert block_ends(trace(model, x, 8000)) == ENDS[name]


def test_those_of_cnn12_are_the_eleven_blocks_of_the_thesis(cnn12: nn.Module) -> None:
    ends = block_ends(trace(cnn12, torch.zeros(1, 1, 4000), 8000))
    assert ends == [f"features.pool{n}" for n in range(1, 9)] + [f"features.relu{n}" for n in (9, 10, 11)]


def test_parallel_branches_are_one_block() -> None:
    ends = block_ends(trace(load("inc-tssdnet"), torch.zeros(1, 1, 96_000), 16_000))
    assert ends == ["max_pool1d", *(f"max_pool1d_{n}" for n in range(2, 6))]
