"""Picture of aliasing: bars are the shares."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope import InputError, plots
from otoscope.methods.aliasing import aliasing
from otoscope.plots.aliasing import aliasing as draw
from otoscope.subject import Subject


def test_bars_are_the_shares() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 9, stride=4), nn.ReLU(), nn.MaxPool1d(10))
    result = aliasing(Subject(model, 8000), torch.randn(4000))
    ax = plots.plot(result)
    np.testing.assert_allclose([bar.get_height() for bar in ax.patches], result.share)
    flat = next(lines for lines in ax.collections if lines.get_label() == "flat spectrum")
    assert [segment[0, 1] for segment in flat.get_segments()] == [0.75, 0.9]
    low, high = np.percentile(result.channel_share, [10, 90], axis=-1)
    inner = next(lines for lines in ax.collections if "channels" in lines.get_label())
    np.testing.assert_allclose([segment[:, 1] for segment in inner.get_segments()], np.stack([low, high], 1))


def test_silence_has_no_bars() -> None:
    layer = nn.Conv1d(1, 2, 4, stride=2, bias=False)
    ax = draw(aliasing(Subject(layer, 8000), torch.zeros(400)))
    assert [bar.get_height() for bar in ax.patches] == [0]
    with pytest.raises(InputError, match="no share"):
        draw(aliasing(Subject(layer, 8000), torch.zeros(400)).drop_vars("share"))
