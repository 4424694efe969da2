"""A network whose tensors are (time, clip, channel) is looked at as its twin of (clip, time, channel) is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from otoscope import Scope
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing

SOUNDS = 0.2 * torch.randn(4, 4000, generator=torch.Generator().manual_seed(1))
LAYER = "elu"
ASKED: dict[str, dict[str, Any]] = {
    "tone_response": {"layer": LAYER, "frequencies": [300.0, 1000.0]},
    "tuning": {"layer": LAYER, "bins_per_octave": 1, "rates": [8.0], "duration": 0.3},
    "sonify": {"layer": LAYER, "channels": "all"},
    "top_activations": {"layer": LAYER, "sounds": True},
    "residual": {"layer": [LAYER]},
    "coherence": {"layer": [LAYER]},
    "data_flow": {"n_maps": 3},
    "layer_importance": {"epochs": 1, "seeds": 2},
    "residual_study": {"layer": [LAYER], "resamples": 50},
    "relevance": {"target": 1},
    "crs_classifier": {"folds": 2, "resamples": 50, "hop": 100},
    "aliasing_map": {"frequencies": [300.0, 3000.0], "duration": 0.3},
    "subband_emphasis": {"resamples": 50},
}
ELSEWHERE = {"evolution", "vowels"}  # which take checkpoints, and recordings


class ClipFirst(nn.Module):
    sample_rate = 8000
    classes = ("a", "b")
    axis = 1

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.rows = nn.Conv1d(1, 16, 80, 40), nn.Linear(16, 12)
        self.gru, self.out = nn.GRU(12, 12, batch_first=self.axis == 1), nn.Linear(12, 2)
        nn.init.uniform_(self.out.weight)

    def arranged(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = F.elu(self.rows(self.arranged(self.conv(x).relu())))
        return self.out((h + F.silu(self.gru(h)[0])).mean(self.axis))


class TimeFirst(ClipFirst):
    axis = 0

    def arranged(self, x: Tensor) -> Tensor:
        return x.permute(2, 0, 1)


@pytest.fixture(scope="module")
def twins() -> tuple[Scope, Scope]:
    return Scope(TimeFirst().eval(), name="twin"), Scope(ClipFirst().eval(), name="twin")


def test_taps_have_the_same_maps_and_places(twins: tuple[Scope, Scope]) -> None:
    for one, other in zip(*(scope.taps(SOUNDS[0]).values() for scope in twins), strict=True):
        assert (one.name, one.channels, one.hop, one.centre) == (other.name, other.channels, other.hop, other.centre)
    tap = twins[0].taps(SOUNDS[0])[LAYER]
    assert (tap.time_axis, tap.clip_axis, tap.channel_axis) == (0, 1, 2)


@pytest.mark.parametrize("method", [name for name in listing() if name not in ELSEWHERE])
@pytest.mark.filterwarnings("ignore")
def test_every_method_finds_the_same(method: str, twins: tuple[Scope, Scope]) -> None:
    labelled = list(zip(SOUNDS, "abab", strict=True))
    given = {"model": (), "wave": (SOUNDS,), "data": (labelled,)}[METHODS[method].takes]
    one, other = (getattr(scope, method)(*given, **ASKED.get(method, {})) for scope in twins)
    assert dict(one.sizes) == dict(other.sizes)
    for name in {**one.data_vars, **one.coords}:
        if one[name].dtype.kind in "fc":
            largest = float(np.nanmax(abs(other[name].values), initial=1e-9))
            np.testing.assert_allclose(one[name], other[name], atol=1e-4 * largest, err_msg=name)
        else:
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)
