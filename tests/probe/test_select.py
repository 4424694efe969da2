"""Choice of layers, taps and maps: layouts and activities against plain loops."""

from __future__ import annotations

import pytest
import torch
from probe_zoo import build
from torch import Tensor, nn

from otoscope import Scope
from otoscope.errors import InputError
from otoscope.probe import Tap, locate, trace
from otoscope.probe.blocks import block_ends
from otoscope.probe.select import (
    activity_of,
    by_clip,
    check_finite,
    choose_channels,
    find_layer,
    find_taps,
    heard_activity_of,
    maps_of,
)

RATE = 8000


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(1, 5, 9, stride=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(5, 4, 3), nn.ReLU())


def tap(channels: int = 5) -> Tap:
    return trace(nn.Conv1d(1, channels, 9), torch.zeros(1, 1, 100), RATE)["conv1d"]


def test_a_layer_is_found_by_its_name_an_end_of_it_or_one_of_its_convolutions() -> None:
    model, clip = build("multi_resolution")
    layers = trace(model, clip, RATE).layers
    assert all(find_layer(layers, one.name) is layers[0] for one in layers[0].taps)
    nested = trace(nn.ModuleDict({"features": small()})["features"], torch.zeros(1, 1, 400), RATE).layers
    assert find_layer(nested, "3") is nested[1]
    with pytest.raises(InputError, match="no layer is named 'conv9'; the layers are 0, 3"):
        find_layer(nested, "conv9")


def test_taps_are_those_given_each_once_or_the_ends_of_blocks() -> None:
    model, clip = small(), torch.zeros(1, 1, 400)
    assert [one.name for one in find_taps(model, clip, RATE)] == block_ends(trace(model, clip, RATE))
    assert [one.name for one in find_taps(model, clip, RATE, ["4", "1", "4"])] == ["4", "1"]
    assert find_taps(model, clip, RATE, "1")[0].name == find_taps(model, clip, RATE, ["1"])[0].name == "1"
    with pytest.raises(InputError, match="no layer was given: name one or more taps"):
        find_taps(model, clip, RATE, [])
    with pytest.raises(InputError, match="no tap is named 'nowhere'"):
        find_taps(model, clip, RATE, "nowhere")
    assert find_taps(model, clip, RATE, "1", {"1": 1})[0].time_axis == 1


@pytest.mark.parametrize("name", ["plain", "framed", "transformer", "two_dimensional", "rows"])
def test_maps_of_clips_together_are_those_of_each_alone(name: str) -> None:
    model, clip = build(name)
    model.eval()
    clips = torch.cat([clip[:1], torch.randn_like(clip[:1]), 0.1 * torch.randn_like(clip[:1])])
    layer = block_ends(trace(model, clip, RATE))[0]
    found, maps = maps_of(model, clips, RATE, layer)
    assert maps.shape[:2] == (3, found.channels)
    for one, expected in zip(clips.split(1), maps, strict=True):
        torch.testing.assert_close(maps_of(model, one, RATE, layer)[1][0], expected)


def test_by_clip_puts_every_element_where_the_axes_of_the_tap_say() -> None:
    model, clip = build("transformer")
    found, value = locate(model, clip[:1], RATE, "encoder.layers.0.relu")
    assert found.time_axis == 1 and found.channel_axis == 2
    maps = by_clip(value, found)
    for frame, channel in [(0, 0), (3, 5), (value.shape[1] - 1, value.shape[2] - 1)]:
        assert maps[0, channel, frame] == value[0, frame, channel]


def test_activity_is_the_root_mean_square_of_a_map_whatever_its_axes() -> None:
    values = torch.randn(2, 3, 4, 5)
    expected = [[float(values[i, j].pow(2).mean()) ** 0.5 for j in range(3)] for i in range(2)]
    torch.testing.assert_close(activity_of(values), torch.tensor(expected))
    flat = torch.tensor([[-2.0, 3.0]])
    assert activity_of(flat).tolist() == [[2.0, 3.0]]


def test_what_is_heard_of_a_map_leaves_a_constant_below_zero_out() -> None:
    """Batch normalisation can make a map that nothing drives a large negative constant, which is silent."""
    moving = torch.randn(1, 2, 500)
    rectified = moving.relu()
    torch.testing.assert_close(heard_activity_of(rectified), activity_of(rectified))
    torch.testing.assert_close(heard_activity_of(moving + 1), activity_of(moving + 1))
    dead = torch.full((1, 1, 500), -9.0)
    found = heard_activity_of(torch.cat([dead, rectified, moving - 9], dim=1))[0]
    assert found[0] == 0
    torch.testing.assert_close(found[3:], moving.std(-1, correction=0)[0])
    assert heard_activity_of(torch.tensor([[-2.0, 3.0]])).tolist() == [[2.0, 3.0]]


def test_the_most_active_maps_are_those_of_most_energy_over_all_clips() -> None:
    activity = torch.tensor([[3.0, 0.0, 2.9, 1.0, 0.0], [0.0, 4.0, 2.9, 1.0, 0.0]])  # energy 9, 16, 16.8, 2, 0
    assert choose_channels(None, 3, activity, tap()) == [2, 1, 0]
    assert choose_channels(None, 99, activity, tap()) == [2, 1, 0, 3, 4]
    assert choose_channels("all", 1, activity, tap()) == [0, 1, 2, 3, 4]
    assert choose_channels("layer", 1, activity, tap()) is None
    assert choose_channels([3, 1, 3], 1, activity, tap()) == [3, 1]
    assert choose_channels(4, 1, activity, tap()) == [4]


@pytest.mark.parametrize(
    ("channels", "n_maps", "message"),
    [
        (5, 1, "unknown map 5: conv1d has 5 feature maps, 0 to 4"),
        ([0, -1], 1, "unknown map -1"),
        ([0, "x"], 1, "unknown map 'x'"),
        ([], 1, "give at least one channel"),
        (None, 0, "n_maps has to be 1 or more, not 0"),
    ],
)
def test_maps_that_are_not_there_are_refused(channels, n_maps: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_channels(channels, n_maps, torch.ones(1, 5), tap())


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_activations_that_are_not_finite_are_refused(value: float) -> None:
    check_finite(torch.ones(3), "relu")
    with pytest.raises(InputError, match="the activations at relu are not finite"):
        check_finite(torch.tensor([1.0, value]), "relu")


@pytest.mark.parametrize("name", ["sonify", "top_activations", "coherence", "data_flow"])
def test_complex_feature_maps_are_refused(name: str) -> None:
    class Complex(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.out = nn.Conv1d(1, 4, 64, 16, dtype=torch.cfloat), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.out(self.conv(x.to(torch.cfloat)).abs().mean(-1))
            return answer

    scope = Scope(Complex().eval(), 8000)
    sound = torch.randn(2000)
    with pytest.raises(InputError, match="feature maps of conv are complex"):
        getattr(scope, name)([sound] if name in ("top_activations", "coherence") else sound, layer="conv")
    assert (scope.tone_response(layer="conv").gain > 0).all()
