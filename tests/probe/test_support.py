"""The samples that windows see, against the closed-form recursion and the gradient, for random stacks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from otoscope.probe import trace, vjp
from otoscope.probe.readoff import read_off
from otoscope.probe.support import Support, hull

LENGTH = 700

windows = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["conv", "average", "maximum"]),
        "kernel": st.integers(1, 7),
        "stride": st.integers(1, 3),
        "dilation": st.integers(1, 3),
        "padding": st.integers(0, 3),
    }
)


def layer(kind: str, kernel: int, stride: int, dilation: int, padding: int) -> nn.Module:
    if kind == "conv":
        return nn.Conv1d(1, 1, kernel, stride, padding, dilation)
    if kind == "average":
        return nn.AvgPool1d(kernel, stride, min(padding, kernel // 2))
    return nn.MaxPool1d(kernel, stride, min(padding, kernel // 2), dilation)


def recursion(layers: list[nn.Module]) -> tuple[int, int, float]:
    """Hop, receptive field and centre of the first element by the textbook recursion."""
    hop, field, centre = 1, 1, 0.0
    for window in layers:
        kernel, stride, padding, dilation = (
            value[0] if isinstance(value, tuple) else value
            for value in (window.kernel_size, window.stride, window.padding, getattr(window, "dilation", 1))
        )
        reach = (kernel - 1) * dilation
        centre += hop * (reach / 2 - padding)
        field += hop * reach
        hop *= stride
    return hop, field, centre


@settings(max_examples=40, deadline=None)
@given(stack=st.lists(windows, min_size=1, max_size=4))
def test_the_trace_follows_the_recursion(stack):
    layers = [layer(**window) for window in stack]
    hop, field, centre = recursion(layers)
    tap = list(trace(nn.Sequential(*layers), torch.randn(1, 1, LENGTH), 1.0).values())[-1]
    assert (tap.hop, tap.receptive_field, tap.centre) == (hop, field, centre)
    assert not tap.whole


@settings(max_examples=15, deadline=None)
@given(stack=st.lists(windows.filter(lambda w: w["kind"] != "maximum"), min_size=1, max_size=3))
def test_the_trace_is_the_support_of_the_gradient(stack):
    model = nn.Sequential(*(layer(**window) for window in stack)).double()
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    x = torch.randn(1, 1, LENGTH, dtype=torch.float64)
    taps = trace(model, x, 1.0)
    tap = list(taps.values())[-1]
    value, pull = vjp(model, x, tap.name)
    middle = value.shape[-1] // 2
    seen = np.flatnonzero(pull(torch.eye(value.shape[-1], dtype=torch.float64)[middle][None, None]).numpy())
    centre, reach = tap.centre + tap.hop * middle, (tap.receptive_field - 1) / 2
    assert (seen[0], seen[-1]) == (centre - reach, centre + reach)


@settings(max_examples=15, deadline=None)
@given(window=windows, length=st.integers(30, 60))
def test_every_single_element_of_a_window_is_right_also_at_the_edges(window, length):
    """Brute force: which outputs change when one input sample changes."""
    module = layer(**{**window, "kind": "conv"}).double()
    nn.init.uniform_(module.weight, 0.5, 1.5)
    samples = torch.eye(length, dtype=torch.float64)[:, None]
    seen = (module(samples) - module(torch.zeros_like(samples)))[:, 0].abs() > 1e-9  # (input, output)
    tap = trace(module, torch.zeros(1, 1, length, dtype=torch.float64), 1.0)["conv1d"]
    for element in range(seen.shape[1]):
        first = tap.centre + tap.hop * element - (tap.receptive_field - 1) / 2
        window_taps = first + np.arange(tap.kernel[0]) * tap.dilation[0]
        inside = window_taps[(window_taps >= 0) & (window_taps < length)]
        np.testing.assert_array_equal(np.flatnonzero(seen[:, element].numpy()), inside)


@pytest.mark.parametrize("length", [30, 300])
def test_padding_at_the_edges_of_a_short_clip_hides_nothing(length):
    """Every element of the last layer sees an edge of the shorter clip, most see both."""
    layers = [nn.Conv1d(1, 1, 9, padding=4), nn.MaxPool1d(2), nn.ConstantPad1d((12, 0), 0.0), nn.Conv1d(1, 1, 13)]
    layers += [nn.ReflectionPad1d(3), nn.Conv1d(1, 1, 7), nn.Conv1d(1, 1, 33, padding="same")]
    tap = list(trace(nn.Sequential(*layers), torch.randn(1, 1, length), 1.0).values())[-1]
    assert (tap.hop, tap.receptive_field) == (2, 9 + 1 + 2 * (12 + 6 + 32))
    assert tap.centre == 0.5 - 2 * 6


def test_a_tap_without_time_sees_no_more_than_the_clip():
    model = nn.Sequential(nn.Conv1d(1, 1, 9, padding=4), nn.AdaptiveMaxPool1d(1), nn.ReLU())
    assert trace(model, torch.randn(1, 1, 50), 1.0)["2"].receptive_field == 50


def test_a_waveform_sees_itself():
    support = Support.of_waveform((2, 1, 50))
    place = read_off(support)
    assert (support.time_axis, place.axes) == (2, (2,))
    assert (place.hop, place.field, place.centre) == (1, 1, 0)
    assert support.reach == 49
    assert support.varies(2)
    assert not support.varies(0)


def test_a_constant_sees_nothing():
    support = Support.of_constant((1, 4, 50))
    assert support.time_axis is None
    assert read_off(support).field == 0
    assert math.isnan(read_off(support).hop)


def test_a_hull_sees_what_either_sees():
    early, late = Support.of_waveform((1, 50)), Support.of_waveform((1, 50))
    late = Support(late.first + 3, late.last + 3, late.shape)
    both = hull([early, late], (1, 50))
    place = read_off(both)
    assert (place.field, place.centre, both.whole) == (4, 1.5, False)


def test_statistics_beside_a_sequence_leave_its_place_in_time():
    sequence = Support.of_waveform((1, 4, 50))
    mean = Support(torch.zeros(1, 1, 1), torch.full((1, 1, 1), 49.0), (1, 4, 1))
    both = hull([sequence, mean], (1, 4, 50))
    assert (both.time_axis, read_off(both).field, both.whole) == (2, 1, True)


@pytest.mark.parametrize(
    ("module", "hop", "field"),
    [
        (nn.Conv1d(1, 2, 6, padding="same", dilation=2), 1, 11),
        (nn.Conv1d(1, 2, 6, padding="valid"), 1, 6),
        (nn.MaxPool1d(4, ceil_mode=True), 4, 4),
        (nn.LPPool1d(2, 5, stride=2), 2, 5),
        (nn.AvgPool1d(3, stride=2), 2, 3),
        (nn.AdaptiveAvgPool1d(20), 5, 5),
        (nn.AdaptiveMaxPool1d(10), 10, 10),
        (nn.Sequential(nn.ReflectionPad1d(5), nn.Conv1d(1, 2, 11)), 1, 11),
        (nn.Sequential(nn.ConstantPad1d((20, 0), 0.0), nn.Conv1d(1, 2, 11)), 1, 11),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_windows_of_every_sort(module, hop, field):
    tap = list(trace(module, torch.randn(1, 1, 100), 1.0).values())[-1]
    assert (tap.hop, tap.receptive_field) == (hop, field)


@pytest.mark.parametrize(
    "shape_of",
    [
        lambda x: x.permute(2, 0, 1),
        lambda x: x.reshape(1, 2, 2, -1).transpose(1, 3),
        lambda x: torch.stack([x, x], dim=0),
        lambda x: x.mT.contiguous(),
        lambda x: x.flip(1).repeat(2, 1, 1),
        lambda x: torch.cat(x.chunk(2, dim=1)),
        lambda x: x[:, [0, 2]][..., None],
        lambda x: x.unsqueeze(1).expand(-1, 3, -1, -1),
        lambda x: x.view(-1, x.shape[-1]),
        lambda x: x.movedim(-1, 0).squeeze(),
    ],
)
def test_layout_changes_keep_time(shape_of):
    class Laid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 4, 8, stride=4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return shape_of(self.conv(x)).relu()

    tap = trace(Laid(), torch.randn(1, 1, 100), 1.0)["relu"]
    assert tap.shape[tap.time_axis] == 24
    assert (tap.hop, tap.receptive_field, tap.centre, tap.whole) == (4, 8, 3.5, False)


@pytest.mark.parametrize(
    ("reduce", "axis"),
    [
        (lambda x: x.mean(1), 1),
        (lambda x: x.amax(dim=1, keepdim=True), 2),
        (lambda x: x.max(dim=1).values, 1),
        (lambda x: torch.norm(x, 2, 1), 1),
        (lambda x: torch.linalg.vector_norm(x, dim=1), 1),
        (lambda x: x.std(1), 1),
        (lambda x: x.mean(-1), None),
        (lambda x: x.max(dim=-1)[0], None),
        (lambda x: torch.norm(x, 2, 2), None),
        (lambda x: x.mean((0, 1)), 0),
    ],
)
def test_reductions_over_channels_keep_time_and_over_time_end_it(reduce, axis):
    class Reduced(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 4, 8, stride=4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return reduce(self.conv(x)).relu()

    tap = trace(Reduced(), torch.randn(1, 1, 100), 1.0)["relu"]
    assert tap.time_axis == axis
    assert tap.receptive_field == (8 if axis is not None else 100)


def test_channels_of_padded_branches_are_no_time_when_time_has_ended():
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.branches = nn.ModuleList(nn.Conv1d(1, 2, 3, 4, padding=d, dilation=d) for d in (1, 2, 4, 8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            n = min(branch(x).shape[-1] for branch in self.branches)
            joined = torch.cat([branch(x)[..., :n] for branch in self.branches], dim=1)
            return joined.amax(dim=-1).relu()

    assert trace(Branches(), torch.randn(1, 1, 999), 1.0)["relu"].time_axis is None
