"""What the maps of a random network sound like: of the same maps, and nothing where no network is random."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from otoscope import Scope
from otoscope.app.maps import likeness
from otoscope.app.sound_page import sound_page
from otoscope.report.gather import gather
from otoscope.trust.random_networks import random_subject
from otoscope.trust.random_sounds import random_sounds

RATE = 8000
X = np.random.default_rng(0).standard_normal(2000).astype(np.float32)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(1, 4, 20, stride=5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3)
    )


def test_they_are_the_same_maps_of_the_random_network_of_the_control() -> None:
    scope = Scope(model(), RATE)
    own = scope.sonify(X, layer="1", channels=[2, 0])
    found = random_sounds(scope, scope.clip(X), {"1": own})["1"]
    assert found.channel.values.tolist() == [2, 0]
    _, redraw = random_subject(scope, [0, 0])
    with redraw.in_place(x := scope.whole(X)):
        maps = torch.relu(nn.functional.conv1d(x, scope.model[0].weight, scope.model[0].bias, stride=5))
    np.testing.assert_allclose(found.activity, maps[0, [2, 0]].square().mean(-1).sqrt(), rtol=1e-4)
    assert not np.allclose(found.sonification, own.sonification)
    assert all(torch.equal(a, b) for a, b in zip(scope.model.parameters(), model().parameters(), strict=True))


def test_where_no_network_is_random_there_are_none() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("bank", torch.randn(4, 1, 9))
            self.gain = nn.Parameter(torch.rand(4) + 0.5)

        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.conv1d(x, self.bank).relu().mean(-1) * self.gain

    scope = Scope(Fixed(), RATE)
    (layer,) = [name for name in scope.taps(X) if name.startswith("relu")]
    assert random_sounds(scope, scope.clip(X), {layer: scope.sonify(X, layer=layer)}) == {}


def test_a_layer_before_the_first_weight_that_is_drawn_has_none() -> None:
    class Bank(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("bank", torch.randn(4, 1, 9))
            self.conv, self.out = nn.Conv1d(4, 4, 5), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            h = self.conv(nn.functional.conv1d(x, self.bank).relu()).tanh()
            return self.out(h.mean(-1))

    scope = Scope(Bank(), RATE)
    layers = [name for name in scope.taps(X) if name.startswith(("relu", "tanh"))]
    sounds = {layer: scope.sonify(X, layer=layer) for layer in layers}
    assert len(layers) == 2 and set(random_sounds(scope, scope.clip(X), sounds)) == {layers[1]}


def test_a_page_says_how_like_the_sound_they_are() -> None:
    scope = Scope(model(), RATE)
    found = gather(scope, X, layer="1", n_maps=3)
    (run,) = sound_page({"m": found}).manifest["runs"]
    items = run["maps"]["1"]["items"]
    assert len(items) == 3 and all(-1 <= item["r_twin_sound"] <= 1 for item in items)
    assert not any(item["twin_silent"] for item in items)
    assert any(abs(item["r_twin_sound"] - item["r_sound"]) > 0.01 for item in items)
    assert set(found.random_sounds) == {"1"} and likeness(np.eye(3), np.eye(3)) == 1
    found.random_sounds["1"]["sonification"][:] = 0
    (run,) = sound_page({"m": found}).manifest["runs"]
    silent = run["maps"]["1"]["items"]
    assert all(item["twin_silent"] and item["r_twin_sound"] is None for item in silent)
    assert not gather(scope, X, layer="1", control=False, without=("wigner", "voice")).random_sounds
