"""What lies on the way back, and what a rule said of it."""

from __future__ import annotations

import re
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import nn

from otoscope.errors import InputError
from otoscope.probe import backproject, vjp
from otoscope.probe.derivatives import KINDS, LINEAR, PRODUCTS
from otoscope.probe.layerwise import ways_back
from otoscope.probe.passed import said

X = torch.randn(2, 1, 200, generator=torch.Generator().manual_seed(0)).double()


def net(forward, **members) -> nn.Module:
    torch.manual_seed(0)
    convs = {"a": nn.Conv1d(1, 4, 9), "b": nn.Conv1d(4, 4, 5, padding=2), "c": nn.Conv1d(4, 2, 3)}
    return Written(forward, **convs, **members).double()


def passed(forward, rule="guided", **members):
    pull = vjp(net(forward, **members), X, rule=rule)[1]
    return [(one.name, one.kind, one.governed) for one in pull.passed]


def test_names_in_the_order_of_calls():
    def forward(m, x):
        x = m.act(m.a(x))
        x = F.max_pool1d(x, 2)
        x = torch.where(x > 1, x, 0.5 * x)
        x = x * torch.sigmoid(m.b(x)).mean(-1, keepdim=True)
        return m.c(F.layer_norm(x, x.shape[-1:]).tanh())

    assert passed(forward, act=nn.ReLU()) == [
        ("act", "activation", True),
        ("max_pool1d", "selection", False),
        ("where", "activation", True),
        ("sigmoid", "weight", False),
        ("mul", "weighting", False),
        ("layer_norm", "normalisation", False),
        ("tanh", "activation", True),
    ]


@pytest.mark.parametrize("rule", ["guided", "deconvnet", lambda grad, activation: grad])
@pytest.mark.parametrize(
    ("forward", "named"),
    [
        (lambda m, x: m.c(torch.sigmoid(m.a(x)) + 1), "sigmoid"),
        (lambda m, x: m.c(m.a(x) ** 2), "pow"),
        (lambda m, x: m.c(m.a(x) * m.b(m.a(x))), "mul"),
        (lambda m, x: m.c(torch.log(m.a(x) * 0.1 + 9)), "log"),
        (lambda m, x: m.c(m.a(x).softmax(1) - 1), "softmax"),
        (lambda m, x: m.gru(m.a(x).mT)[0], "gru.gru"),
        (lambda m, x: torch.stft(m.a(x)[:, 0], 64, return_complex=True, window=torch.ones(64).double()).abs(), "abs"),
    ],
)  # fmt: skip
def test_a_rule_that_governs_nothing_is_an_error(forward, named, rule):
    model = net(forward, gru=nn.GRU(4, 3, batch_first=True))
    with pytest.raises(
        InputError, match=rf"governs none of the non-linearities .* {re.escape(named)}.*use the rule grad"
    ):
        vjp(model, X, rule=rule)
    vjp(model, X, rule="gradient")


@pytest.mark.parametrize(
    "forward",
    [
        lambda m, x: m.c(m.b(m.a(x)) + m.a(x)).mean(-1),
        lambda m, x: m.c(F.max_pool1d(m.a(x), 3)),
        lambda m, x: m.c(m.a(x).cumsum(-1).flip(1).roll(2, -1)[..., ::2]),
        lambda m, x: m.a((x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5)),
        lambda m, x: m.a(x / x.abs().amax(-1, keepdim=True)),
        lambda m, x: m.a(x / (x.square().mean(-1, keepdim=True) + 1e-7).sqrt()),
        lambda m, x: torch.fft.irfft(torch.fft.rfft(m.a(x)) * torch.linspace(0, 1, 97)),
        lambda m, x: F.interpolate(F.unfold(m.a(x)[:, None], (1, 4), stride=(1, 2)), scale_factor=2),
    ],
)
def test_where_nothing_bends_every_rule_is_the_gradient(forward):
    model = net(forward)
    value = vjp(model, X)[0]
    for rule in ("guided", "deconvnet"):
        if "abs" in forward.__code__.co_names:
            continue
        torch.testing.assert_close(backproject(model, X, value, rule=rule), backproject(model, X, value))


def test_a_linear_way_says_so():
    assert said(vjp(net(lambda m, x: m.c(m.a(x))), X, rule="guided")[1].passed) == {
        "governed": "linear",
        "not_governed": "",
    }


def chosen_by_numpy(h):
    return h * torch.from_numpy((h.detach().numpy() > 0).astype("float64"))


@pytest.mark.parametrize(
    ("choose", "name"),
    [
        (lambda h: h * (h >= h.topk(2, dim=1).values[:, -1:]).double(), "mul"),
        (lambda h: h * (h.roll(1, -1) > 0).to(h), "mul"),
        (lambda h: torch.where((h.roll(1, -1) > 0).view(h.shape), h, 2 * h), "where"),
        (lambda h: h.gather(-1, h.argsort(-1)), "gather"),
        (lambda h: h[..., h.mean((0, 1)).argsort()], "getitem"),
        (lambda h: h.sort(1).values, "sort"),
        (lambda h: h.cummax(-1).values, "cummax"),
        (lambda h: torch.maximum(h, h.roll(1, -1)), "maximum"),
        (lambda h: torch.stack([h, 0.1 * h]).amax(0), "amax"),
        (lambda h: F.max_pool1d(torch.stack([h, 0 * h], -1).flatten(0, 2), 2).reshape(h.shape), "max_pool1d"),
        (lambda h: torch.vmap(lambda one: torch.where(one > 0, one, 0.0))(h), "where within torch.func.vmap (where)"),
        (lambda h: h + (h.roll(1, -1).round() - h).detach(), "add"),
    ],
)
def test_what_the_sound_chooses_and_no_gradient_says_is_named(choose, name):
    none = "guided governs none of the non-linearities"
    with pytest.raises(InputError, match=rf"{none} .*: {re.escape(name)}\."):
        vjp(net(lambda m, x: m.c(choose(m.a(x)))), X, rule="guided")
    pull = vjp(net(lambda m, x: m.c(choose(F.relu(m.a(x))))), X, rule="guided")[1]
    assert said(pull.passed) == {"governed": "relu", "not_governed": name}


@pytest.mark.parametrize(
    ("leave", "name"),
    [
        (chosen_by_numpy, "numpy"),
        (lambda h: h * h.abs().max().item(), "item"),
        (lambda h: h * float(h.detach()[0, 0, 0]), "float"),
        (lambda h: h * torch.tensor(h.detach().tolist()), "tolist"),
        (lambda h: h / h.detach().square().mean(), "div"),
    ],
)
def test_a_way_on_which_numbers_leave_torch_or_scale_it_is_never_called_linear(leave, name):
    found = said(vjp(net(lambda m, x: m.c(leave(m.a(x)))), X, rule="guided")[1].passed)
    assert found["governed"] == "" and name in found["not_governed"].split(", ")


def test_a_way_that_the_sound_decides_on_is_not_called_linear():
    def forward(m, x):
        return m.c(m.a(x)) if x.mean() > 9 else m.c(2 * m.a(x))

    assert said(vjp(net(forward), X, rule="guided")[1].passed) == {"governed": "", "not_governed": ""}


@pytest.mark.parametrize(
    "pool",
    [
        lambda h: h.amax(-1, keepdim=True).expand_as(h),
        lambda h: torch.cat([h, 2 * h], 1).max(-1, keepdim=True).values[:, :4].expand_as(h),
        lambda h: F.max_pool1d(torch.cat([h, 2 * h], 1), 3)[:, :4],
        lambda h: h * (torch.arange(h.shape[-1]) > 9).to(h),
        lambda h: torch.cat([h, torch.zeros_like(h)], 1)[:, :4].view_as(h),
    ],
)
def test_poolings_and_masks_that_no_sound_made_are_no_choice(pool):
    assert said(vjp(net(lambda m, x: m.c(pool(F.relu(m.a(x))))), X, rule="guided")[1].passed) == {
        "governed": "relu",
        "not_governed": "",
    }


def test_an_activation_by_hand_is_named_by_its_last_step():
    pull = vjp(net(lambda m, x: m.c((m.a(x).clamp(-1, 1) * 2).float().double())), X, rule="guided")[1]
    assert [str(one) for one in pull.passed] == ["clamp"]


def test_models_that_transform_functions_themselves():
    model = net(lambda m, x: m.c(F.relu(torch.func.vmap(lambda one: 2 * one.tanh())(m.a(x)))))
    pull = vjp(model, X, rule="guided")[1]
    assert [(one.op, one.governed) for one in pull.passed] == [("tanh", False), ("relu", True)]


def test_an_activation_that_a_transform_hides_is_refused_with_the_way_out():
    model = net(lambda m, x: m.c(torch.func.vmap(torch.relu)(m.a(x))))
    with pytest.raises(InputError, match=r"relu within torch\.func\.vmap.*write the model without it"):
        backproject(model, X, torch.ones_like, rule="guided")


def masked(m, spectrum):
    return spectrum * torch.sigmoid(F.relu(spectrum.abs()) - 1)


def compressed(m, spectrum):
    return torch.tanh(spectrum) * F.relu(spectrum.abs())


@pytest.mark.parametrize(("form", "left"), [(masked, "mul"), (compressed, "tanh")])
@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
def test_complex_numbers_keep_their_gradient_and_say_so(form, left, rule):
    """As by a rule on the rectifier alone, whose input is real."""

    def spectral(m, x):
        spectrum = torch.stft(m.a(x)[:, 0], 32, 8, window=torch.hann_window(32).double(), return_complex=True)
        return torch.istft(form(m, spectrum), 32, 8, window=torch.hann_window(32).double())

    model, seed = net(spectral), torch.ones_like
    value, pull = vjp(model, X, rule=rule)
    assert left in said(pull.passed)["not_governed"].split(", ") and "relu" in said(pull.passed)["governed"]
    # The magnitude is positive, so that the rectifier only stops gradients that are negative.
    leaf = X.clone().requires_grad_()
    with mock.patch.object(F, "relu", Positive.apply):
        (expected,) = torch.autograd.grad(model(leaf), leaf, seed(value))
    torch.testing.assert_close(pull(seed(value)), expected)


class Positive(torch.autograd.Function):
    """Of a signal that is positive, passes back positive gradients."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad.clamp(min=0)


def test_what_lies_beyond_the_tap_does_not_count():
    model = net(lambda m, x: m.c(F.relu(m.a(x))).log_softmax(1) ** 2)
    assert vjp(model, X, "a", "guided")[1].passed == ()
    assert [one.name for one in vjp(model, X, "relu", "guided")[1].passed] == ["relu"]


def test_only_what_leads_to_the_sound_counts():
    model = net(lambda m, x: m.c(F.relu(m.a(x)) * torch.sigmoid(m.weight.exp())), weight=nn.Parameter(torch.ones(4, 1)))
    assert [one.name for one in vjp(model, X, rule="guided")[1].passed] == ["relu"]


def test_many_taps_at_once_say_the_same():
    def forward(m, x):
        x = m.a(x) ** 2
        return m.c(F.relu(m.b(x)))

    ways = ways_back(net(forward), X, ["b", "c"], "guided")
    with pytest.raises(InputError, match=r"guided governs none of .* between the waveform and b: pow"):
        ways.pull("b", ways.values["b"])
    assert ways.pull("c", ways.values["c"]).abs().sum() > 0
    assert [str(one) for one in ways.passed("c")] == ["pow", "relu"]


def test_most_nodes_of_autograd_are_known():
    known = KINDS.keys() | LINEAR | PRODUCTS
    assert not (KINDS.keys() & LINEAR or KINDS.keys() & PRODUCTS or LINEAR & PRODUCTS)
    made = {re.sub(r"Backward\d*$", "", name) for name in dir(torch._C._functions) if re.search(r"Backward\d*$", name)}
    misspelt = {stem for stem in known - made if not stem.startswith(("Mkldnn", "Cudnn", "Miopen", "Mps", "Thnn"))}
    assert misspelt <= {"AccumulateGrad", "CopySlices", "CopyBackwards"}, sorted(misspelt)
