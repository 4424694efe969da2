"""A trace is proved, and what is false in it, or in the model, is found."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from known_nets import NETS
from probe_zoo import ZOO, Written, build
from torch import Tensor, nn

from otoscope.probe import Check, trace, verify
from otoscope.probe.trace import Trace


def failures(checks: list[Check]) -> set[tuple[str, str]]:
    return {(check.tap, check.check) for check in checks if check.passed is False}


def unknown(checks: list[Check]) -> set[tuple[str, str]]:
    return {(check.tap, check.check) for check in checks if check.passed is None}


@pytest.mark.parametrize("name", ZOO)
def test_traces_of_small_models_are_proved(name: str) -> None:
    model, x = build(name)
    checks = verify(model, x, 16_000)
    assert not failures(checks), [check for check in checks if not check.passed]
    assert {check.tap for check in checks} == {"", *trace(model, x, 16_000)}


@pytest.mark.parametrize("name", NETS)
def test_traces_of_networks_of_known_places_are_proved(name: str) -> None:
    known = NETS[name]()
    checks = verify(known.build().eval(), torch.randn(1, 1, known.samples), 16_000)
    assert not failures(checks), [check for check in checks if check.passed is False]
    assert known.cut or not unknown(checks) or name == "fixed_length_without_gradients"


def chain() -> tuple[nn.Module, Tensor, Trace]:
    model = nn.Sequential(nn.Conv1d(1, 4, 20, 5), nn.ReLU(inplace=True), nn.MaxPool1d(3), nn.Conv1d(4, 3, 5, 1, 2))
    x = torch.randn(1, 1, 2000)
    return model.eval(), x, trace(model.eval(), x, 16_000)


@pytest.mark.parametrize(
    ("claim", "failing"),
    [
        ({"hop": 10.0}, {"axis", "hop", "field"}),
        ({"hop": 0.0}, {"hop"}),
        ({"receptive_field": 28}, {"field"}),
        ({"receptive_field": 36}, {"field"}),
        ({"centre": 17.0}, {"field"}),
        ({"whole": True}, {"field"}),
        ({"time_axis": 1, "time_axes": (1,), "hop": 5.0}, {"axis", "field", "hop"}),
        ({"time_axis": None, "time_axes": ()}, {"axis"}),
    ],
)
def test_false_claims_are_found(claim: dict[str, Any], failing: set[str]) -> None:
    model, x, traced = chain()
    assert not failures(verify(model, x, traced))
    false = replace(traced, taps=traced.taps | {"2": replace(traced.taps["2"], **claim)})
    assert failures(verify(model, x, false)) == {("2", one) for one in failing}


def test_a_record_that_is_not_of_the_operation_is_found() -> None:
    model, x, traced = chain()
    weight = traced["0"].weight
    assert weight is not None
    for claim in ({"weight": 2 * weight}, {"stride": (6,)}, {"dilation": (2,)}):
        false = replace(traced, taps=traced.taps | {"0": replace(traced.taps["0"], **claim)})
        assert failures(verify(model, x, false)) == {("0", "replay")}


@pytest.mark.parametrize(
    ("tap", "claim", "failing"),
    [
        ("2", {"receptive_field": 34}, "field"),
        ("2", {"uneven": 500.0}, "field"),
        ("2", {"receptive_field": None}, "field"),
        ("3", {"kernel": (9,)}, "replay"),
        ("3", {"channel_axis": 0}, "replay"),
        ("3", {"input_hop": 3.0}, "hop"),
        ("3", {"input_centre": 999.0}, "hop"),
    ],
)
def test_small_lies_and_those_of_what_is_read_are_found(tap: str, claim: dict[str, Any], failing: str) -> None:
    model, x, traced = chain()
    assert traced["2"].receptive_field == 30
    false = replace(traced, taps=traced.taps | {tap: replace(traced.taps[tap], **claim)})
    assert failures(verify(model, x, false)) == {(tap, failing)}


def noisy(m: Any, x: Tensor) -> Tensor:
    return m.conv(x + 1e-3 * torch.randn_like(x)).relu()


def dropping(m: Any, x: Tensor) -> Tensor:
    return F.dropout(m.conv(x).relu(), 0.2)


def drawn_by_numpy(m: Any, x: Tensor) -> Tensor:
    return m.conv(x).relu() * float(np.random.rand())  # noqa: NPY002


def drawn_by_python(m: Any, x: Tensor) -> Tensor:
    return m.conv(x * random.random()).relu()


def a_little(m: Any, x: Tensor) -> Tensor:
    return m.conv(x).relu() * (1 + 1e-3 * torch.rand(1))


def next_to_nothing(m: Any, x: Tensor) -> Tensor:
    return m.conv(x).relu() + 1e-6 * torch.rand(1)


def by_its_own_generator(m: Any, x: Tensor) -> Tensor:
    return m.conv(x + 1e-2 * torch.randn(x.shape, generator=m.held)).relu()


def by_its_own_of_numpy(m: Any, x: Tensor) -> Tensor:
    return m.conv(x + 1e-2 * torch.tensor(m.held.standard_normal(x.shape), dtype=x.dtype)).relu()


def by_its_own_of_python(m: Any, x: Tensor) -> Tensor:
    return m.conv(x * m.held.random()).relu()


def rarely(m: Any, x: Tensor) -> Tensor:
    return m.conv(x).relu() + (torch.rand(()) < 0.3)


def timed(m: Any, x: Tensor) -> Tensor:
    return m.conv(x).relu() * (1 + 1e-2 * (time.perf_counter() % 1))


@pytest.mark.parametrize(
    ("forward", "held"),
    [
        (a_little, None),
        (next_to_nothing, None),
        (rarely, None),
        (by_its_own_generator, torch.Generator()),
        (by_its_own_of_numpy, np.random.default_rng(0)),
        (by_its_own_of_python, random.Random(0)),
        (timed, None),
    ],
)
def test_any_two_passes_that_draw_fail(forward: Any, held: Any) -> None:
    """However little it is, and from whatever source."""
    model = Written(forward, conv=nn.Conv1d(1, 4, 8, 4), held=held).eval()
    checks = verify(model, torch.randn(1, 1, 1000), 16_000)
    assert checks[0].check == "repeat"
    assert checks[0].passed is False
    assert ("state" if forward is timed else "random") in checks[0].details


def test_numbers_that_change_nothing_and_state_that_is_put_back_pass() -> None:
    def unused(m: Any, x: Tensor) -> Tensor:
        return m.conv(x).relu() + 0 * torch.rand(1)

    def streaming(m: Any, x: Tensor) -> Tensor:
        m.last += m.conv(x).mean()
        return m.conv(x).relu() + m.last

    for forward, said in ((unused, "16 seeds of the numbers that it draws"), (streaming, "the state that it keeps")):
        model = Written(forward, conv=nn.Conv1d(1, 4, 8, 4), last=torch.zeros(1)).eval()
        check = verify(model, torch.randn(1, 1, 1000), 16_000)[0]
        assert check.passed
        assert said in check.details


@pytest.mark.parametrize("forward", [noisy, dropping, drawn_by_numpy, drawn_by_python])
def test_a_forward_that_is_random_fails(forward: Any) -> None:
    model = Written(forward, conv=nn.Conv1d(1, 4, 8, 4)).eval()
    checks = verify(model, torch.randn(1, 1, 1000), 16_000)
    assert failures(checks) == {("", "repeat")}
    assert "random" in checks[0].details and ("output" in checks[0].details or "conv" in checks[0].details)


def test_state_that_cannot_be_put_back_fails_and_that_of_the_model_does_not() -> None:
    calls = iter(range(1, 10_000))

    def counted_outside(m: Any, x: Tensor) -> Tensor:
        return m.conv(x * next(calls)).relu()

    def counted_inside(m: Any, x: Tensor) -> Tensor:
        m.count += 1
        return m.conv(x * m.count).relu()

    x = torch.randn(1, 1, 1000)
    checks = verify(Written(counted_outside, conv=nn.Conv1d(1, 4, 8, 4)).eval(), x, 16_000)
    assert ("", "repeat") in failures(checks) and "keeps state" in checks[0].details
    checks = verify(Written(counted_inside, conv=nn.Conv1d(1, 4, 8, 4), count=0).eval(), x, 16_000)
    assert not failures(checks)


class Wrong(torch.autograd.Function):
    """A ReLU whose backward pass doubles the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * grad * (x > 0)


class Selecting(Wrong):
    """A ReLU whose backward pass lets nothing through that was negative, not even NaN."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, grad, torch.zeros_like(grad))


@pytest.mark.parametrize(("activation", "failing"), [(Wrong, {("conv", "gradient")}), (Selecting, set())])
def test_gradients_written_by_hand_are_compared_with_differences(activation: Any, failing: set[Any]) -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        return m.conv(activation.apply(m.first(x)))

    model = Written(forward, first=nn.Conv1d(1, 1, 4, 2), conv=nn.Conv1d(1, 2, 3)).eval()
    assert failures(verify(model, torch.randn(1, 1, 1000), 16_000)) == failing


class Refusing(Wrong):
    """A ReLU without a backward pass."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        raise RuntimeError("no way back")


def test_a_gradient_that_cannot_be_computed_fails() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        return m.conv(Refusing.apply(m.first(x)))

    model = Written(forward, first=nn.Conv1d(1, 2, 4, 2), conv=nn.Conv1d(2, 2, 3)).eval()
    checks = verify(model, torch.randn(1, 1, 1000), 16_000)
    assert failures(checks) == {("conv", "gradient")} and any("no way back" in check.details for check in checks)


@pytest.mark.parametrize(
    "written",
    [
        lambda m, x: m.conv(m.first(x).detach()),
        lambda m, x: m.conv(m.first(x) / m.first(x).detach().abs().mean()),
        lambda m, x: m.conv(m.first(x) + (m.first(x).round() - m.first(x)).detach()),
    ],
    ids=["cut", "cut in part", "straight through"],
)
def test_what_lies_behind_a_cut_is_not_known_and_does_not_fail(written: Any) -> None:
    model = Written(written, first=nn.Conv1d(1, 2, 4, 2), conv=nn.Conv1d(2, 2, 3)).eval()
    checks = verify(model, torch.randn(1, 1, 1000), 16_000)
    assert not failures(checks) and ("conv", "gradient") in unknown(checks)
    assert all(check.details for check in checks)


def test_kinks_jumps_and_a_clip_of_silence_pass() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        h = F.max_pool1d(m.first(x).relu(), 4).abs()
        return m.second(h + h.round()).clamp(-1, 1).relu()

    model = Written(forward, first=nn.Conv1d(1, 8, 8, 2), second=nn.Conv1d(8, 4, 3)).eval()
    for x in (torch.zeros(1, 1, 2000), 30 * torch.randn(1, 1, 2000)):
        assert not failures(verify(model, x, 16_000))


def test_models_of_single_precision_alone_and_of_weights_kept_by_a_pass_are_compared() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        m.kept = m.first(x.float())
        return m.second(m.kept).tanh()

    model = Written(forward, first=nn.Conv1d(1, 4, 8, 2), second=nn.Conv1d(4, 4, 3)).eval()
    model(torch.randn(1, 1, 500))  # which leaves a tensor with a graph on the module
    checks = verify(model, torch.randn(1, 1, 1000), 16_000)
    assert not failures(checks) and not unknown(checks)
    old = nn.Sequential(torch.nn.utils.weight_norm(nn.Conv1d(1, 4, 8, 2)), nn.ReLU()).eval()
    old(torch.randn(1, 1, 500))
    assert all(check.passed for check in verify(old, torch.randn(1, 1, 1000), 16_000))


def test_clips_that_are_filled_up_to_a_multiple_grow_in_steps() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        return m.conv(F.pad(x, (0, -x.shape[-1] % 512))).relu()

    model = Written(forward, conv=nn.Conv1d(1, 4, 16, 16)).eval()
    checks = verify(model, torch.randn(1, 1, 7000), 16_000)
    assert not failures(checks), [check for check in checks if not check.passed]


def test_a_model_is_left_as_it_was_and_progress_is_told() -> None:
    model, x, traced = chain()
    model.train()
    before, state, told = [p.clone() for p in model.parameters()], torch.get_rng_state(), []
    verify(model, x, traced, progress=lambda done, total: told.append((done, total)))
    assert model.training and all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert torch.equal(torch.get_rng_state(), state) and told == [(n, told[0][1]) for n in range(len(told))]


def test_the_kinks_of_bands_that_a_sound_does_not_reach_are_no_fault() -> None:
    """A sound without a trace of anything above a quarter of its rate, in a bank of rectified band-pass filters."""
    torch.manual_seed(0)
    n = torch.arange(64) - 31.5
    centres = torch.linspace(0.02, 0.48, 24)[:, None]
    bank = nn.Conv1d(1, 24, 64, stride=4, bias=False)
    bank.weight.data = (torch.hann_window(64) ** 2 * torch.cos(2 * torch.pi * centres * n))[:, None]
    layers = [
        bank,
        Rectify(),
        nn.MaxPool1d(3),
        nn.Conv1d(24, 16, 3),
        nn.LeakyReLU(),
        nn.MaxPool1d(3),
        nn.Linear(144, 4),
    ]
    spectrum = torch.fft.rfft(torch.randn(1, 1, 5300))
    spectrum[..., 1300:] = 0
    checks = verify(nn.Sequential(*layers).eval(), torch.fft.irfft(spectrum, 5300), 16_000)
    assert not [check for check in checks if check.passed is False]


class Rectify(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.abs()


@pytest.mark.parametrize("pooling", [nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d])
@pytest.mark.parametrize(("bins", "stride"), [(4, 16), (7, 64)])
def test_bins_of_uneven_width_are_moved_by_their_hop_as_far_as_they_are_even(
    pooling: type[nn.Module], bins: int, stride: int
) -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 32, stride), nn.ReLU(), pooling(bins), nn.Flatten(), nn.Linear(4 * bins, 3))
    checks = verify(model.eval(), torch.randn(1, 1, 16_000), 16_000)
    assert not [check for check in checks if check.passed is False]
