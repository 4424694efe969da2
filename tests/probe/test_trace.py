"""Names, kernels and places in time of what runs, checked against the support of input gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from probe_zoo import WIDTHS, ZOO, Written, build
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe import Tap, read_taps, trace, vjp
from otoscope.probe.listen import Call, intercepting
from otoscope.probe.trace import locate

SAMPLE_RATE = 8000


def smoothly(call: Call) -> Any:
    """Run a call, or a stand-in through which every input of a window has a gradient, so none is off by chance."""
    if call.name.strip("_") == "relu":
        return F.softplus(call.input)
    if call.name in ("max_pool1d", "max_pool2d"):
        size, stride = call.args[1], call.kwargs.get("stride", call.args[2] if len(call.args) > 2 else None)
        return getattr(F, call.name.replace("max", "avg"))(call.input, size, stride)
    return call.run()


def smooth_values(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The values at all taps of the model with these stand-ins."""
    values = {}

    def handle(call: Call) -> Any:
        result = smoothly(call)
        if call.tap is not None:
            values[call.tap] = result.clone()
        return result

    with intercepting(model, handle):
        model(x)
    return values


def seen_samples(value: Tensor, x: Tensor, tap: Tap, element: int) -> np.ndarray:
    """Samples with a gradient from one element of a tap, over all channels."""
    seed = torch.zeros_like(value)
    place: list = [n // 2 for n in value.shape]
    place[tap.channel_axis] = slice(None)
    place[tap.time_axis] = element
    seed[tuple(place)] = torch.rand_like(seed[tuple(place)]) + 0.5
    (gradient,) = torch.autograd.grad(value, x, seed, retain_graph=True)
    return np.flatnonzero(gradient.flatten().numpy())


def span(tap: Tap, element: int) -> tuple[float, float]:
    """First and last sample that a tap says an element sees."""
    centre, reach = tap.centre + element * tap.hop, (tap.receptive_field - 1) / 2
    return centre - reach, centre + reach


@pytest.mark.parametrize("name", ZOO)
def test_hop_receptive_field_and_centre_are_those_of_the_gradient(name):
    model, x = build(name)
    clip = x.clone().requires_grad_()
    values = smooth_values(model, clip.clone())
    checked = 0
    for tap in trace(model, x, SAMPLE_RATE).values():
        if tap.time_axis is None:
            continue
        length = tap.shape[tap.time_axis]
        inside = [i for i in range(length) if span(tap, i)[0] >= 0 and span(tap, i)[1] < x.shape[-1]]
        assert inside, f"{tap.name} has no element that sees no edge: the clip of the test is too short"
        for element in {inside[-1]} if tap.whole else {inside[0], inside[len(inside) // 2], inside[-1]}:
            seen = seen_samples(values[tap.name], clip, tap, element)
            first, last = span(tap, element)
            if tap.whole:
                assert seen[0] < first or seen[-1] > last, tap
            else:
                assert (seen[0], seen[-1]) == (first, last), tap
            checked += 1
    assert checked


@pytest.mark.parametrize("name", ZOO)
def test_trace_read_and_vjp_agree_on_names_order_and_shapes(name):
    model, x = build(name)
    taps = trace(model, x, SAMPLE_RATE)
    values = read_taps(model, x)
    assert list(taps) == list(values)
    assert [tap.shape for tap in taps.values()] == [tuple(value.shape) for value in values.values()]
    for tap in taps:
        value, _ = vjp(model, x, tap)
        torch.testing.assert_close(value, values[tap], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ZOO)
def test_traces_are_the_same_every_time(name):
    model, x = build(name)
    one, other = trace(model, x, SAMPLE_RATE), trace(model, x, SAMPLE_RATE)
    assert list(one) == list(other)
    for tap in one:
        assert repr(one[tap]) == repr(other[tap])


def test_the_closed_form_of_a_plain_stack():
    model, x = build("plain")
    taps = trace(model, x, SAMPLE_RATE)
    figures = {name: (tap.op, tap.hop, tap.receptive_field) for name, tap in taps.items()}
    assert figures == {
        "0": ("conv1d", 3, 9),
        "1": ("relu", 3, 9),
        "2": ("max_pool1d", 6, 12),
        "3": ("conv1d", 6, 60),
        "4": ("gelu", 6, 60),
        "5": ("avg_pool1d", 12, 72),
        "6": ("conv1d", 12, 96),
    }
    assert taps["0"].centre == 4
    assert taps["3"].kernel == (5,)
    assert taps["3"].dilation == (2,)
    assert taps["6"].groups == 2
    assert taps["0"].rate == SAMPLE_RATE / 3
    assert taps["0"].receptive_field_seconds == 9 / SAMPLE_RATE
    np.testing.assert_allclose(taps["0"].times()[:3], np.array([4, 7, 10]) / SAMPLE_RATE)


def test_a_tap_says_what_its_operation_read():
    model, x = build("plain")
    taps = trace(model, x, SAMPLE_RATE)
    read = {name: (tap.input_axis, tap.input_hop, tap.input_field, tap.input_centre) for name, tap in taps.items()}
    assert read["0"] == (2, 1, 1, 0)
    assert read["2"] == (2, taps["1"].hop, taps["1"].receptive_field, taps["1"].centre)
    assert taps["0"].input_shape == tuple(x[:1].shape)
    assert taps["3"].input_shape == taps["2"].shape
    model, x = build("transformer")
    last = list(trace(model, x, SAMPLE_RATE).values())[-1]
    assert (last.input_axis, last.input_hop, last.time_axes) == (1, last.hop, (1,))


def test_frames_of_a_sound_are_time_along_two_axes() -> None:
    model, clip = build("framed")
    first = trace(model, clip, SAMPLE_RATE)["first"]
    assert first.input_shape == (30, 1, 64, 1) and first.input_hops == (32.0, 0.0, 1.0, 0.0)


def test_functional_calls_are_named_after_the_module_that_makes_them():
    model, x = build("dilated")
    taps = trace(model, x, SAMPLE_RATE)
    assert list(taps)[:3] == ["conv1", "relu", "max_pool1d"]
    block = [name for name in taps if name.startswith("block1.")]
    assert block == ["block1.conv1", "block1.conv2", "block1.conv3", "block1.relu", "block1.max_pool1d"]
    assert taps["block1.relu"].kind == "activation"
    assert taps["block1.max_pool1d"].kind == "pooling"


def test_parallel_dilated_branches_are_one_layer():
    model, x = build("dilated")
    layers = trace(model, x, SAMPLE_RATE).layers
    assert [layer.name for layer in layers] == ["conv1", "block1", "block2"]
    assert [tap.dilation for tap in layers[1].taps] == [(1,), (2,), (4,)]
    assert not any(layer.skip for layer in layers)


def test_convolutions_that_end_a_summed_path_are_marked():
    model, x = build("residual")
    layers = trace(model, x, SAMPLE_RATE).layers
    marks = {layer.name: layer.skip for layer in layers}
    assert marks == {
        "stem": False,
        "inner1": False,
        "inner2": True,
        "outer1": False,
        "outer2": True,
        "project": True,
        "head": False,
    }


def test_a_padded_branch_belongs_to_the_multi_resolution_layer():
    model, x = build("multi_resolution")
    taps = trace(model, x, SAMPLE_RATE)
    first = taps.first_layer()
    assert [tap.kernel for tap in first.taps] == [(w,) for w in WIDTHS]
    assert [layer.name for layer in taps.layers][1:] == ["top"]
    assert {tap.hop for tap in first.taps} == {10}
    assert {tap.centre for tap in first.taps} == {4.5}, "branches of all widths are centred on the same samples"
    assert [tap.receptive_field for tap in first.taps] == list(WIDTHS)
    assert taps["elu"].receptive_field == 500, "the widest branch tells what the joined maps see"


def test_branches_that_share_a_prefix_are_named_by_it():
    model = Written(
        lambda m, x: torch.cat([conv(x) for conv in m.branches], dim=1),
        branches=nn.ModuleList(nn.Conv1d(1, 2, k, padding=k // 2) for k in (3, 5, 7)),
    )
    (layer,) = trace(model, torch.zeros(1, 1, 50), SAMPLE_RATE).layers
    assert layer.name == "branches"


def test_kernels_computed_in_the_forward_pass_are_seen():
    model, x = build("sinc")
    tap = trace(model, x, SAMPLE_RATE)["0.conv1d"]
    assert torch.equal(tap.weight, model[0].kernels())
    assert (tap.hop, tap.receptive_field) == (4, 31)


def test_the_weight_is_the_normalised_one():
    model, x = build("weight_norm")
    tap = trace(model, x, SAMPLE_RATE)["0"]
    g, v = (getattr(model[0].parametrizations.weight, f"original{i}") for i in (0, 1))
    torch.testing.assert_close(tap.weight, g * v / v.norm(dim=(1, 2), keepdim=True))
    assert not torch.allclose(tap.weight, v)


def test_the_weight_is_a_copy():
    model = nn.Sequential(nn.Conv1d(1, 2, 3))
    tap = trace(model, torch.zeros(1, 1, 9), SAMPLE_RATE)["0"]
    before = tap.weight.clone()
    with torch.no_grad():
        model[0].weight.zero_()
    assert torch.equal(tap.weight, before)
    assert not tap.weight.requires_grad


def test_frames_in_the_batch_are_time():
    model, x = build("framed")
    for tap in trace(model, x, SAMPLE_RATE).values():
        assert (tap.time_axis, tap.channel_axis, tap.hop) == (0, 1, 32)
    assert trace(model, x, SAMPLE_RATE)["first"].kernel == (10, 1)


@pytest.mark.parametrize(
    ("name", "tap", "time_axis", "channel_axis"),
    [
        ("rows", "1", 3, 1),
        ("recurrent", "conv", 2, 1),
        ("recurrent", "relu_2", 1, 2),
        ("transformer", "encoder.layers.1.relu", 1, 2),
        ("two_dimensional", "first", 3, 1),
        ("two_dimensional", "pool", 3, 1),
        ("pooled", "relu_2", None, 1),
        ("wav2vec2_layer", "encoder.layers.0.feed_forward.intermediate_act_fn.gelu", 1, 2),
    ],
)
def test_time_and_channel_axes(name, tap, time_axis, channel_axis):
    model, x = build(name)
    tap = trace(model, x, SAMPLE_RATE)[tap]
    assert (tap.time_axis, tap.channel_axis) == (time_axis, channel_axis)
    assert math.isnan(tap.hop) == (time_axis is None)


@pytest.mark.parametrize(
    ("name", "whole", "local"),
    [
        ("recurrent", ["relu_2"], ["conv", "relu"]),
        ("transformer", ["encoder.layers.0.relu"], ["conv", "gelu"]),
        ("excited", ["conv", "relu", "relu_2", "last"], []),
        ("wav2vec2_group", ["feature_extractor.conv_layers.1.conv"], ["feature_extractor.conv_layers.0.conv"]),
        ("wav2vec2_layer", ["intermediate_act_fn.gelu"], ["feature_extractor.conv_layers.1.conv"]),
    ],
)
def test_what_looks_at_the_whole_clip_says_so(name, whole, local):
    model, x = build(name)
    taps = trace(model, x, SAMPLE_RATE)
    assert all(taps[tap].whole for tap in whole)
    assert not any(taps[tap].whole for tap in local)


def test_batch_norm_is_whole_only_without_running_statistics():
    for kept in (True, False):
        model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2, track_running_stats=kept), nn.ReLU())
        assert trace(model, torch.randn(1, 1, 50), SAMPLE_RATE)["2"].whole is not kept


def test_the_user_may_know_the_time_axis_better():
    model, x = build("two_dimensional")
    taps = trace(model, x, SAMPLE_RATE, time_axes={"first": 2, "second": -1})
    assert taps["first"].time_axis == 2
    assert taps["second"].time_axis == 3
    assert taps["pool"].time_axis == 3


def test_one_module_used_three_times_is_three_taps():
    model = Written(
        lambda m, x: m.relu(m.b(m.relu(m.a(m.relu(x))))),
        a=nn.Conv1d(1, 4, 3),
        b=nn.Conv1d(4, 4, 3),
        relu=nn.ReLU(),
    )
    x = torch.randn(2, 1, 50)
    assert list(trace(model, x, SAMPLE_RATE)) == ["relu", "a", "relu_2", "b", "relu_3"]
    values = read_taps(model, x)
    assert torch.equal(values["relu_2"], values["a"].relu())
    assert torch.equal(values["relu_3"], values["b"].relu())


def test_activations_of_parameters_are_taps_that_see_nothing():
    model = Written(
        lambda m, x: F.relu(F.conv1d(x, F.softplus(m.w))) * torch.relu(m.gain),
        w=nn.Parameter(torch.randn(3, 1, 9)),
        gain=nn.Parameter(torch.randn(3, 1)),
    )
    x = torch.randn(1, 1, 50)
    taps = trace(model, x, SAMPLE_RATE)
    assert list(taps) == list(read_taps(model, x)) == ["softplus", "conv1d", "relu", "relu_2"]
    assert (taps["softplus"].receptive_field, taps["softplus"].time_axis) == (0, None)
    assert (taps["conv1d"].receptive_field, taps["conv1d"].time_axis, taps["conv1d"].whole) == (9, 2, False)


W = torch.ones(16)


@pytest.mark.parametrize(
    ("forward", "hop", "field"),
    [
        (lambda m, x: F.relu(torch.einsum("bct,kc->bkt", m.conv(x), m.w)), 1, 5),
        (lambda m, x: F.relu(torch.istft(torch.stft(x[:, 0], 16, window=W, return_complex=True), 16, window=W)), 1, 28),
        (lambda m, x: F.relu(m.up(m.conv(x))), 1, 9),
        (lambda m, x: F.relu(F.interpolate(m.conv(x), scale_factor=2)), 0.5, 5),
    ],
    ids=["einsum", "inverse stft", "transposed convolution", "interpolation"],
)
def test_operations_that_keep_time(forward, hop, field):
    model = Written(forward, conv=nn.Conv1d(1, 4, 5), w=nn.Parameter(torch.randn(3, 4)), up=nn.ConvTranspose1d(4, 4, 5))
    tap = trace(model, torch.randn(1, 1, 100), SAMPLE_RATE)["relu"]
    assert (tap.hop, tap.receptive_field, tap.whole) == (hop, field, False)


@pytest.mark.parametrize(
    "forward",
    [lambda m, x: F.relu(torch.fft.fft(m.conv(x)).real), lambda m, x: F.relu(m.conv(x).cumsum(-1))],
    ids=["fft", "sum over the past"],
)
def test_what_sees_the_whole_clip_says_so(forward):
    taps = trace(Written(forward, conv=nn.Conv1d(1, 4, 5)), torch.randn(1, 1, 100), SAMPLE_RATE)
    assert taps["relu"].whole


def test_only_the_first_clip_is_traced_and_it_is_left_as_it_was():
    model = Written(lambda m, x: m.conv(x.sub_(x.mean())), conv=nn.Conv1d(1, 2, 3))
    x = torch.randn(3, 1, 50)
    before = x.clone()
    assert trace(model, x, SAMPLE_RATE)["conv"].shape == (1, 2, 48)
    assert torch.equal(x, before)


def test_taps_by_the_end_of_their_name():
    model, x = build("dilated")
    taps = trace(model, x, SAMPLE_RATE)
    assert taps["block2.relu"].name == taps.resolve("block2.relu") == "block2.relu"
    nested = trace(nn.Sequential(model), x, SAMPLE_RATE)
    assert nested.resolve("block1.conv2") == "0.block1.conv2"
    with pytest.raises(InputError, match=r"several taps end in 'conv2'.*0\.block1\.conv2.*0\.block2\.conv2"):
        nested["conv2"]
    with pytest.raises(InputError, match=r"no tap is named 'block1.rely'.*block1\.relu"):
        nested["block1.rely"]
    assert "0.conv1" in nested
    assert "nothing" not in nested


def test_a_model_without_operations_is_refused():
    with pytest.raises(InputError, match="no convolution, activation or pooling was found in Linear"):
        trace(nn.Linear(10, 2), torch.zeros(1, 10), SAMPLE_RATE)


# -- One tap alone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ZOO)
def test_one_tap_is_located_as_the_trace_has_it(name):
    model, x = build(name)
    taps, values = trace(model, x, SAMPLE_RATE), read_taps(model, x)
    names = list(taps)
    for wanted in (names[0], names[len(names) // 2], names[-1]):
        tap, value = locate(model, x, SAMPLE_RATE, wanted)
        assert repr(tap) == repr(taps[wanted])
        assert torch.equal(value, values[wanted])


def test_locating_takes_all_clips_and_goes_no_further_than_needed():
    def never(x: Tensor) -> Tensor:
        raise RuntimeError("was run")

    inner = nn.Sequential(nn.Conv1d(1, 3, 9), nn.ReLU(inplace=True))
    model = Written(lambda m, x: never(m.inner(x.mul_(2))), inner=inner)
    x = torch.randn(4, 1, 50)
    before = x.clone()
    tap, value = locate(model, x, SAMPLE_RATE, "inner.0")
    assert tap.shape == tuple(value.shape) == (4, 3, 42)
    assert torch.equal(x, before)
    assert torch.equal(value, inner[0](2 * before))
    with pytest.raises(RuntimeError, match="was run"):
        locate(model, x, SAMPLE_RATE, "0")


def test_locating_by_the_end_of_a_name():
    model, x = build("dilated")
    tap, value = locate(nn.Sequential(model), x, SAMPLE_RATE, "block2.relu")
    assert tap.name == "0.block2.relu"
    assert torch.equal(value, read_taps(model, x)["block2.relu"])
    with pytest.raises(InputError, match="several taps end in 'conv2'"):
        locate(model, x, SAMPLE_RATE, "conv2")
    with pytest.raises(InputError, match=r"no tap is named 'block7\.relu'"):
        locate(model, x, SAMPLE_RATE, "block7.relu")


def test_a_trace_prints_as_a_table():
    taps = trace(nn.Sequential(nn.Conv1d(1, 4, 30, stride=10), nn.ReLU()), torch.zeros(1, 1, 400), SAMPLE_RATE)
    heading, first, second = str(taps).splitlines()
    assert heading.split() == "tap operation channels kernel stride hop receptive field rate (Hz)".split()
    assert first.split() == ["0", "conv1d", "4", "30", "10", "10", "30", f"{SAMPLE_RATE / 10:g}"]
    assert second.split()[:2] == ["1", "relu"]


class HardSign(torch.autograd.Function):
    """Rounded to signs, with a gradient that goes straight through."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.relu(torch.sign(x))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad


def test_a_function_with_a_derivative_of_its_own_is_no_cut() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        return m.b(HardSign.apply(m.a(x))).relu()

    def cut(m: Any, x: Tensor) -> Tensor:
        with torch.no_grad():
            h = m.a(x).relu()
        return m.b(h)

    parts = {"a": nn.Conv1d(1, 4, 20, 5), "b": nn.Conv1d(4, 4, 3)}
    clip = torch.randn(1, 1, 800)
    assert not [tap.note for tap in trace(Written(forward, **parts), clip, 8000).values() if tap.note]
    assert trace(Written(cut, **parts), clip, 8000)["b"].note == "behind a cut: no_grad"
