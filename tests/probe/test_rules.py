"""What activations pass back, against Captum where it works and the derivatives of a textbook where not."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from scipy.special import erf, expit
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe import RULES, Activation, backproject, vjp

SLOPES = {
    "relu": (F.relu, lambda x: (x > 0) * 1.0),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), lambda x: np.where(x > 0, 1, 0.2)),
    "prelu": (lambda x: F.prelu(x, torch.full((3,), 0.25).double()), lambda x: np.where(x > 0, 1, 0.25)),
    "elu": (lambda x: F.elu(x, 0.7), lambda x: np.where(x > 0, 1, 0.7 * np.exp(x))),
    "celu": (lambda x: F.celu(x, 0.5), lambda x: np.where(x > 0, 1, np.exp(2 * x))),
    "selu": (
        F.selu,
        lambda x: 1.0507009873554805 * np.where(x > 0, 1, 1.6732632423543772 * np.exp(x)),
    ),
    "gelu": (
        F.gelu,
        lambda x: 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi),
    ),
    "silu": (F.silu, lambda x: expit(x) * (1 + x * (1 - expit(x)))),
    "mish": (
        F.mish,
        lambda x: np.tanh(np.log1p(np.exp(x))) + x * expit(x) / np.cosh(np.log1p(np.exp(x))) ** 2,
    ),
    "tanh": (torch.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "softplus": (F.softplus, expit),
    "hardtanh": (F.hardtanh, lambda x: (np.abs(x) < 1) * 1.0),
    "relu6": (F.relu6, lambda x: ((x > 0) & (x < 6)) * 1.0),
    "hardswish": (F.hardswish, lambda x: np.where(x < -3, 0, np.where(x > 3, 1, (2 * x + 3) / 6))),
    "softshrink": (F.softshrink, lambda x: (np.abs(x) > 0.5) * 1.0),
}


@pytest.mark.parametrize("name", SLOPES)
def test_the_formulas_of_the_table(name):
    act, slope = SLOPES[name]
    x = 4 * torch.randn(2, 3, 200, dtype=torch.float64)
    g = torch.randn_like(x)
    model = Written(lambda m, x: act(x))
    slopes, x_np, g_np = slope(x.numpy()), x.numpy(), g.numpy()
    expected = {
        "gradient": g_np * slopes,
        "guided": g_np * (g_np > 0) * slopes * (x_np > 0),
        "deconvnet": g_np * (g_np > 0),
    }
    for rule, formula in expected.items():
        np.testing.assert_allclose(backproject(model, x, g, rule=rule), formula, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("gate", [torch.sigmoid, F.hardsigmoid])
def test_gates_keep_their_gradient(gate, rule):
    x = torch.randn(2, 4, 50, dtype=torch.float64)
    model = Written(lambda m, x: gate(F.relu(x)) + 0.3)  # at the very end it would be left out
    g = torch.randn_like(model(x))
    leaf = F.relu(x).requires_grad_()
    (before,) = torch.autograd.grad(gate(leaf), leaf, g)
    torch.testing.assert_close(backproject(model, x, g, rule=rule), backproject(nn.ReLU(), x, before, rule=rule))


def test_the_learned_slope_of_a_prelu_is_used():
    model = nn.PReLU(init=0.3)
    x, g = torch.tensor([[[-2.0, 3.0]]]), torch.tensor([[[5.0, 7.0]]])
    torch.testing.assert_close(backproject(model, x, g), torch.tensor([[[1.5, 7.0]]]))
    torch.testing.assert_close(backproject(model, x, g, rule="guided"), torch.tensor([[[0.0, 7.0]]]))


# -- Activations in place ---------------------------------------------------------------------------------


def two_convs(act) -> nn.Module:
    torch.manual_seed(3)
    return Written(
        lambda m, x: m.third(act(m.second(act(m.first(x))))),
        first=nn.Conv1d(1, 4, 9),
        second=nn.Conv1d(4, 4, 5),
        third=nn.Conv1d(4, 3, 3),
    ).double()


def ignoring_what_is_returned(act):
    def forward(x: Tensor) -> Tensor:
        act(x)
        return x

    return forward


IN_PLACE = {
    "module": (nn.ReLU(inplace=True), F.relu),
    "functional": (lambda x: F.relu(x, inplace=True), F.relu),
    "torch": (torch.relu_, F.relu),
    "method": (lambda x: x.relu_(), F.relu),
    "clamp": (lambda x: x.clamp_(min=0), F.relu),
    "leaky": (lambda x: F.leaky_relu(x, 0.2, inplace=True), lambda x: F.leaky_relu(x, 0.2)),
    "elu": (F.elu_, F.elu),
    "silu": (nn.SiLU(inplace=True), F.silu),
    "mish": (nn.Mish(inplace=True), F.mish),
    "hardswish": (nn.Hardswish(inplace=True), F.hardswish),
    "relu6": (nn.ReLU6(inplace=True), F.relu6),
    "tanh": (lambda x: x.tanh_(), torch.tanh),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_is_the_same_as_its_twin(name, rule):
    act, twin = IN_PLACE[name]
    x, g = torch.randn(2, 1, 60, dtype=torch.float64), torch.randn(2, 3, 46, dtype=torch.float64)
    value, pull = vjp(two_convs(twin), x, rule=rule)
    for form in (act, ignoring_what_is_returned(act)):
        in_place, back = vjp(two_convs(form), x, rule=rule)
        assert torch.equal(in_place, value)
        torch.testing.assert_close(back(g), pull(g), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rule", RULES)
def test_in_place_on_part_of_a_tensor(rule):
    def half(x: Tensor) -> Tensor:
        torch.relu_(x[:, :2])
        return x

    def half_twin(x: Tensor) -> Tensor:
        return torch.cat([x[:, :2].relu(), x[:, 2:]], dim=1)

    x, g = torch.randn(2, 1, 60, dtype=torch.float64), torch.randn(2, 3, 46, dtype=torch.float64)
    one, other = (backproject(two_convs(act), x, g, rule=rule) for act in (half, half_twin))
    torch.testing.assert_close(one, other)


# -- Captum -----------------------------------------------------------------------------------------------


class Residual(nn.Module):
    """A residual block that uses no module twice, as Captum needs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.relu1 = nn.Conv1d(4, 4, 3, padding=1), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv1d(4, 4, 3, padding=1), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu2(self.conv2(self.relu1(self.conv1(x))) + x)


NETS = {
    "plain": lambda: [nn.Conv1d(1, 4, 9), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 4, 5), nn.ReLU()],
    "padded": lambda: [nn.Conv1d(1, 4, 9, padding=4), nn.ReLU(), nn.Conv1d(4, 4, 5, padding="same"), nn.ReLU()],
    "strided": lambda: [nn.Conv1d(1, 4, 9, stride=3), nn.ReLU(), nn.Conv1d(4, 4, 5, stride=2), nn.ReLU()],
    "dilated": lambda: [nn.Conv1d(1, 4, 5, dilation=4), nn.ReLU(), nn.Conv1d(4, 4, 3, dilation=2), nn.ReLU()],
    "grouped": lambda: [nn.Conv1d(1, 4, 9), nn.ReLU(), nn.Conv1d(4, 8, 5, groups=4), nn.ReLU()],
    "residual": lambda: [nn.Conv1d(1, 4, 9, stride=2), nn.ReLU(), Residual(), Residual()],
    "normalised": lambda: [nn.Conv1d(1, 4, 9), nn.BatchNorm1d(4), nn.ReLU(), nn.Conv1d(4, 4, 5), nn.ReLU()],
    "averaged": lambda: [nn.Conv1d(1, 4, 9), nn.ReLU(), nn.AvgPool1d(3), nn.Conv1d(4, 4, 5), nn.ReLU()],
}


@pytest.mark.replica("relevance")
@pytest.mark.filterwarnings("ignore::UserWarning")  # Captum announces its hooks
@pytest.mark.parametrize(
    ("rule", "peer"), [("guided", "GuidedBackprop"), ("deconvnet", "Deconvolution"), ("gradient", "Saliency")]
)
@pytest.mark.parametrize("net", NETS)
def test_bit_for_bit_captum(net, rule, peer):
    attribution = pytest.importorskip("captum.attr")
    model = nn.Sequential(*NETS[net](), nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.LazyLinear(3)).eval()
    x = torch.randn(2, 1, 120)
    model(x)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    method = getattr(attribution, peer)(model)
    options = {"abs": False} if peer == "Saliency" else {}
    theirs = method.attribute(x.clone().requires_grad_(), target=1, **options)
    ours = backproject(model, x, torch.eye(3)[1].expand(2, 3), rule=rule)
    assert ours.abs().sum() > 0
    assert torch.equal(ours, theirs)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("rule", "peer"), [("guided", "GuidedBackprop"), ("deconvnet", "Deconvolution")])
def test_functional_rectifiers_follow_the_rule_where_captum_returns_the_plain_gradient(rule, peer):
    attribution = pytest.importorskip("captum.attr")
    convs = [nn.Conv1d(1, 6, 9), nn.Conv1d(6, 6, 5)]
    head = nn.Sequential(nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(12, 3))
    functional = Written(lambda m, x: m.head(F.relu(m.b(torch.relu(m.a(x))))), a=convs[0], b=convs[1], head=head).eval()
    modules = nn.Sequential(convs[0], nn.ReLU(), convs[1], nn.ReLU(), copy.deepcopy(head)).eval()
    x, seed = torch.randn(2, 1, 60), torch.eye(3)[1].expand(2, 3)
    ours = backproject(functional, x, seed, rule=rule)
    assert torch.equal(ours, backproject(modules, x, seed, rule=rule))
    theirs = getattr(attribution, peer)(functional).attribute(x.clone().requires_grad_(), target=1)
    assert torch.equal(theirs, backproject(functional, x, seed, rule="gradient"))
    assert not torch.allclose(theirs, ours)


# -- Rules of one's own -----------------------------------------------------------------------------------


def test_a_rule_is_a_function():
    seen: list[tuple[str, bool]] = []

    def doubled(grad: Tensor, activation: Activation) -> Tensor:
        seen.append((activation.name, activation.unit_slope))
        return 2 * activation.backward(grad)

    x, g = torch.randn(1, 1, 60).double(), torch.randn(1, 3, 46).double()
    model = two_convs(F.gelu)
    torch.testing.assert_close(backproject(model, x, g, rule=doubled), 4 * backproject(model, x, g))
    assert seen == [("gelu", False)] * 2


def test_a_rule_may_be_called_by_a_name(monkeypatch):
    monkeypatch.setitem(RULES, "straight", lambda grad, activation: grad)
    x, g = torch.randn(1, 1, 60).double(), torch.randn(1, 3, 46).double()
    straight = backproject(two_convs(F.relu), x, g, rule="straight")
    torch.testing.assert_close(straight, backproject(two_convs(lambda x: x), x, g))


def test_an_unknown_rule_is_refused():
    with pytest.raises(InputError, match="unknown rule 'guide'; the rules are gradient, guided, deconvnet"):
        vjp(nn.ReLU(), torch.randn(1, 1, 9), rule="guide")


@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
def test_a_log_sigmoid_within_a_model_is_an_activation(rule):
    torch.manual_seed(0)
    first, last = torch.nn.Conv1d(1, 4, 8), torch.nn.Conv1d(4, 1, 5)
    x = torch.randn(1, 1, 60)
    value, pull = vjp(torch.nn.Sequential(first, torch.nn.LogSigmoid(), last), x, rule=rule)
    seed = torch.randn_like(value)
    h = first(x)
    grad = torch.nn.functional.conv_transpose1d(seed, last.weight).clamp(min=0)
    if rule == "guided":
        grad = grad * torch.sigmoid(-h) * (h > 0)
    expected = torch.nn.functional.conv_transpose1d(grad, first.weight)
    torch.testing.assert_close(pull(seed), expected)
