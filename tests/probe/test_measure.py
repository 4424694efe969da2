"""Where taps are in time, measured: on networks whose place in time is known by construction."""

from __future__ import annotations

import pytest
import torch
from known_nets import NETS, READ_MORE, Place
from probe_zoo import Written
from torch import nn

from otoscope.probe.listen import Call, intercepting
from otoscope.probe.measure import measure
from otoscope.probe.moments import Measured, Span, moments_of, read
from otoscope.probe.opened import opened
from otoscope.probe.passes import Passes


def check(found: Measured, true: Place) -> None:
    assert found.axes == true.axes, found
    if not true.axes:
        return
    assert found.hop == pytest.approx(true.hop), found
    assert found.whole == true.whole, found
    if not true.whole:
        assert found.field == true.field, found
        assert true.centre is None or found.centre == pytest.approx(true.centre, abs=0.51), found


@pytest.mark.parametrize("name", NETS)
def test_places_are_measured_as_they_are_built(name: str) -> None:
    known = NETS[name]()
    found = measure(known.build().eval(), torch.randn(1, 1, known.samples), values=name in READ_MORE)
    for tap, true in known.places.items():
        check(found[tap], true)


@pytest.mark.parametrize("name", ["unet_linear", "graph_attention", "complex_view"])
def test_a_second_opinion_by_random_numbers_agrees(name: str) -> None:
    known = NETS[name]()
    found = measure(known.build().eval(), torch.randn(1, 1, known.samples), values=True)
    for tap, true in known.places.items():
        if not true.whole and tap in found and name != "complex_view":
            check(found[tap], true)
        elif found[tap].field is not None and true.field is not None:
            assert true.field - 128 <= found[tap].field <= true.field  # a Hann window begins with a zero


def test_silence_is_measured_with_noise() -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 8, 4), nn.InstanceNorm1d(4), nn.ReLU(), nn.MaxPool1d(4))
    found = measure(model.eval(), torch.zeros(1, 1, 4000))
    assert found["0"].field == 8 and found["3"].whole == "clip" and found["3"].hop == 16


def test_a_model_that_keeps_a_count_is_said_to() -> None:
    counted = [0]  # where nobody puts it back

    def forward(m: Written, x: torch.Tensor) -> torch.Tensor:
        counted[0] += 1
        codes = (m.a(x) * counted[0]).round().long()
        return m.b(codes.to(x)).relu()

    model = Written(forward, a=nn.Conv1d(1, 4, 16, 8), b=nn.Conv1d(4, 4, 3))
    found = measure(model.eval(), torch.randn(1, 1, 2000))
    assert found["a"].field == 16
    assert found["relu"].hop is not None and "two equal passes differ" in found["relu"].note


def test_moments_are_composite_numbers_apart() -> None:
    for n in range(1, 2000):
        moments = moments_of(n)
        assert all(0 <= moment < n for moment in moments) and moments[len(moments) // 2] == n // 2
        if n >= 100:
            assert len(moments) == 3 and (moments[2] - moments[1]) % 12 == 0


@pytest.mark.parametrize(
    ("spans", "hop", "field", "whole"),
    [
        ([(5, 0, 59), (10, 0, 109), (15, 0, 159)], 10.0, None, "before"),
        ([(5, 50, 199), (10, 100, 199), (15, 150, 199)], 10.0, None, "after"),
        ([(5, 0, 64), (10, 35, 114), (15, 85, 164)], 10.0, 80, ""),
        ([(5, 0, 199), (10, 0, 199), (15, 0, 199)], None, None, "clip"),
    ],
)
def test_edges_that_the_clip_cuts_are_left_out(
    spans: list[tuple[int, int, int]], hop: float | None, field: int | None, whole: str
) -> None:
    found = read([Span(*span) for span in spans], 200)
    assert (found.hop, found.field, found.whole) == (hop, field, whole)


OPENED = {
    "relu": (lambda x: x.relu(), 1),
    "where": (lambda x: torch.where(x > 0, x, 0.0), 1),
    "round": (lambda x: x.round(), 1),
    "detach": (lambda x: x.detach(), 1),
    "in place": (lambda x: (x * 1).relu_(), 1),
    "pool": (lambda x: nn.functional.max_pool1d(x, 3, 1, 1), 3),
    "dilated pool": (lambda x: nn.functional.max_pool1d(x, 4, 1, 2, 2), 7),
    "max of an axis": (lambda x: x.unfold(-1, 5, 1).max(-1).values, 5),
    "median": (lambda x: x.unfold(-1, 5, 1).median(-1)[0], 5),
    "sort": (lambda x: x.unfold(-1, 5, 1).sort(-1)[0][..., 0], 5),
    "topk": (lambda x: x.unfold(-1, 5, 1).topk(2)[0][..., 0], 5),
    "max of two": (lambda x: torch.max(x[..., 1:], x[..., :-1]), 2),
    "clamp": (lambda x: x.clamp(0, 1e-3), 1),
}


@pytest.mark.parametrize("name", OPENED)
def test_opened_calls_have_their_values_and_pass_on_all_gradients(name: str) -> None:
    function, field = OPENED[name]
    model = Written(lambda m, x: m.conv(function(x)), conv=nn.Conv1d(1, 1, 1))
    x = torch.randn(1, 1, 200)
    leaf = x.clone().requires_grad_()

    def handle(call: Call) -> object:
        return opened(call)

    with intercepting(model, handle):
        value = model(leaf)
    torch.testing.assert_close(value, model(x))
    (grad,) = torch.autograd.grad(value[0, 0, 100], leaf)
    assert int(grad.count_nonzero()) <= field
    found = measure(model, x)["conv"]
    assert (found.field, found.hop) == (field, 1)


def test_a_pass_takes_the_same_random_numbers() -> None:
    model = Written(lambda m, x: m.relu(x + torch.randn_like(x)), relu=nn.ReLU())
    passes, x, state = Passes(model), torch.randn(1, 1, 100), torch.get_rng_state()
    one, other = (passes.run(x, lambda _, t: t.clone())["relu"] for _ in range(2))
    assert torch.equal(one, other) and torch.equal(torch.get_rng_state(), state) and passes.forwards == 2


def test_of_a_fixed_length_what_the_clip_does_not_cut_is_measured() -> None:
    def forward(m: Written, x: torch.Tensor) -> torch.Tensor:
        if x.shape[-1] != 500:
            raise ValueError("this model takes 500 samples")
        return m.wide(m.narrow(x)).relu()

    model = Written(forward, narrow=nn.Conv1d(1, 2, 21, 10), wide=nn.Conv1d(2, 2, 81, padding=40))
    found = measure(model, torch.randn(1, 1, 500))
    assert (found["narrow"].axes, found["narrow"].hop, found["narrow"].field) == ((2,), 10, 21)
    assert found["wide"].axes == (2,) and found["wide"].field is None and "no longer clip" in found["wide"].note
