"""Activations written by hand, against the same networks with modules, or with rules from the textbook."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import Tensor, nn

from otoscope.probe import vjp

NAMED = ("guided", "deconvnet")


def by_mask(value=0.0):
    def act(h: Tensor) -> Tensor:
        h = h.clone()
        h[h < 0] = value
        return h

    return act


def leaky_by_mask(h: Tensor) -> Tensor:
    h = h.clone()
    h[h < 0] *= 0.1
    return h


def overwriting(act):
    """The same on a tensor whose history goes on: a convolution before, in place on what it returned."""

    def forward(h: Tensor) -> Tensor:
        act(h)
        return h

    return forward


def leaky_in_place(h: Tensor) -> Tensor:
    h[h < 0] = 0.1 * h[h < 0]
    return h


def pairs(h: Tensor) -> Tensor:
    """The maximum of h and 0 h."""
    return torch.max(h, 0 * h)


RELU = {
    "maximum": lambda h: torch.maximum(h, torch.zeros_like(h)),
    "maximum of a number": lambda h: torch.maximum(h, torch.zeros(())),
    "maximum from the other side": lambda h: torch.maximum(torch.zeros_like(h), h),
    "max": lambda h: torch.max(h, torch.tensor(0.0, dtype=h.dtype)),
    "max with itself": pairs,
    "fmax": lambda h: torch.fmax(h, torch.zeros_like(h)),
    "mask": lambda h: h * (h > 0),
    "mask from the other side": lambda h: (h > 0) * h,
    "mask as numbers": lambda h: h * (h > 0).float(),
    "mask of a type": lambda h: h * (h > 0).to(h.dtype),
    "mask of at least 0": lambda h: h.mul(h.ge(0)),
    "negated mask": lambda h: h * ~(h <= 0),
    "product in place": lambda h: h.mul_(h > 0),
    "where": lambda h: torch.where(h > 0, h, 0.0),
    "where zeros": lambda h: torch.where(h > 0, h, torch.zeros_like(h)),
    "where, method": lambda h: h.where(h > 0, 0.0),
    "clamp": lambda h: h.clamp(min=0),
    "clamp, positional": lambda h: torch.clamp(h, 0),
    "clamp by a tensor": lambda h: torch.clamp(h, min=torch.tensor(0.0, dtype=h.dtype)),
    "clamp in place": lambda h: torch.clamp_(h, min=0.0),
    "clamp_min": lambda h: h.clamp_min(0),
    "clamp_min by a tensor": lambda h: h.clamp_min(torch.zeros_like(h)),
    "clip": lambda h: h.clip(min=0),
    "clip in place": lambda h: h.clip_(0),
    "masked assignment": by_mask(),
    "masked assignment in place": overwriting(lambda h: h.__setitem__(h < 0, 0)),
    "masked_fill": lambda h: h.masked_fill(h < 0, 0),
    "masked_fill in place": lambda h: h.masked_fill_(h < 0, 0.0),
    "half of h and abs": lambda h: (h + h.abs()) / 2,
    "half of abs and h": lambda h: 0.5 * (torch.abs(h) + h),
    "square root of the square": lambda h: (h + (h**2).sqrt()) * 0.5,
    "sign": lambda h: h * (torch.sign(h) + 1) / 2,
    "mask of what is detached": lambda h: h * (h.detach() > 0),
    "mask of data": lambda h: h * (h.data > 0).float(),
    "mask of the sign": lambda h: h * (h.sign() > 0),
    "method in place": lambda h: h.relu_(),
    "alias": torch.relu,
    "threshold": lambda h: F.threshold(h, 0, 0),
    "aten": torch.ops.aten.relu.default,
    "mask of the type of another": lambda h: h * (h > 0).type_as(h),
    "mask like another": lambda h: h * (h > 0).to(h),
    "mask made a tensor": lambda h: h * torch.as_tensor(h > 0, dtype=h.dtype),
    "mask of integers": lambda h: h * torch.gt(h, torch.zeros_like(h)).int(),
    "mask in another shape": lambda h: h * (h > 0).double().view(h.shape),
    "mask with an axis more": lambda h: h * (h > 0).double()[None][0],
    "product with an axis more": lambda h: (h * (h > 0).double().unsqueeze(0))[0],
    "mask of what is flat": lambda h: (h.flatten() * (h.flatten() > 0).double()).view(h.shape),
    "mask made across": lambda h: h * (h.mT > 0).double().mT,
    "mask written by places": lambda h: (
        h * torch.zeros_like(h).index_put((h > 0).nonzero(as_tuple=True), h.new_ones(()))
    ),
    "mask as one of two classes": lambda h: h * F.one_hot((h > 0).long(), 2)[..., 1],
    "places": lambda h: h.index_put((h < 0).nonzero(as_tuple=True), h.new_zeros(())),
    "places in place": overwriting(lambda h: h.__setitem__((h < 0).nonzero(as_tuple=True), 0)),
    "masked_scatter": lambda h: torch.zeros_like(h).masked_scatter(h > 0, h[h > 0]),
    "lerp": lambda h: torch.lerp(torch.zeros_like(h), h, (h > 0).double()),
    "addcmul": lambda h: torch.addcmul(torch.zeros_like(h), h, (h > 0).double()),
    "einsum": lambda h: torch.einsum("bct,bct->bct", h, (h > 0).double()),
    "largest of two": lambda h: torch.stack([h, 0 * h]).amax(0),
    "largest of two, with its place": lambda h: torch.stack([torch.zeros_like(h), h], -1).max(-1).values,
    "largest of two halves": lambda h: torch.cat([h, torch.zeros_like(h)], 1).unflatten(1, (2, -1)).max(1)[0],
    "larger of two sorted": lambda h: torch.stack([h, torch.zeros_like(h)], -1).sort(-1).values[..., 1],
    "middle of three": lambda h: torch.stack([h, torch.zeros_like(h), torch.full_like(h, 1e9)]).median(0).values,
    "one of two gathered": lambda h: torch.stack([0 * h, h], -1).gather(-1, (h > 0).long()[..., None])[..., 0],
    "largest so far": lambda h: torch.cummax(torch.stack([torch.zeros_like(h), h]), 0).values[1],
    "mean of two": lambda h: torch.stack([h, h.abs()]).mean(0),
    "without what is negative": lambda h: h - h.clamp(max=0),
    "without the minimum": lambda h: h - torch.min(h, torch.zeros_like(h)),
    "with its negative part": lambda h: h + F.relu(-h),
    "negative of the minimum": lambda h: -torch.minimum(-h, torch.zeros_like(h)),
}
ALPHA = 0.1
SMOOTH = {
    "leaky by where": (lambda h: torch.where(h > 0, h, ALPHA * h), nn.LeakyReLU(ALPHA)),
    "leaky by maximum": (lambda h: torch.maximum(h, ALPHA * h), nn.LeakyReLU(ALPHA)),
    "leaky by max": (lambda h: torch.max(ALPHA * h, h), nn.LeakyReLU(ALPHA)),
    "leaky by two clamps": (lambda h: h.clamp(min=0) + ALPHA * h.clamp(max=0), nn.LeakyReLU(ALPHA)),
    "leaky by two rectifiers": (lambda h: F.relu(h) - ALPHA * F.relu(-h), nn.LeakyReLU(ALPHA)),
    "leaky by abs": (lambda h: F.relu(h) + ALPHA * (h - h.abs()) * 0.5, nn.LeakyReLU(ALPHA)),
    "leaky by assignment": (leaky_by_mask, nn.LeakyReLU(ALPHA)),
    "leaky by assignment of a product": (leaky_in_place, nn.LeakyReLU(ALPHA)),
    "silu": (lambda h: h * torch.sigmoid(h), nn.SiLU()),
    "silu by a method": (lambda h: h.sigmoid() * h, nn.SiLU()),
    "silu by mul": (lambda h: h.mul(h.sigmoid()), nn.SiLU()),
    "silu in place": (lambda h: h.mul_(h.sigmoid()), nn.SiLU()),
    "silu by an operator in place": (lambda h: h.__imul__(torch.sigmoid(h)), nn.SiLU()),
    "silu by exp": (lambda h: h / (1 + torch.exp(-h)), nn.SiLU()),
    "silu by expit": (lambda h: h * torch.special.expit(h), nn.SiLU()),
    "mish": (lambda h: h * torch.tanh(F.softplus(h)), nn.Mish()),
    "mish by log and exp": (lambda h: h * (1 + h.exp()).log().tanh(), nn.Mish()),
    "gelu": (lambda h: 0.5 * h * (1 + torch.erf(h / math.sqrt(2))), nn.GELU()),
    "gelu in another order": (lambda h: h * 0.5 * (1.0 + torch.erf(h * 0.7071067811865476)), nn.GELU()),
    "gelu by tanh": (
        lambda h: 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * torch.pow(h, 3)))),
        nn.GELU("tanh"),
    ),
    "hardswish": (lambda h: h * F.relu6(h + 3) / 6, nn.Hardswish()),
    "hardswish by a clamp": (lambda h: h * (h + 3).clamp(0, 6) / 6, nn.Hardswish()),
    "hardswish in place": (lambda h: h * F.relu6(h + 3, inplace=True) / 6, nn.Hardswish()),
    "relu6": (lambda h: h.clamp(0, 6), nn.ReLU6()),
    "relu6 by minimum": (
        lambda h: torch.minimum(torch.maximum(h, torch.zeros_like(h)), torch.full_like(h, 6)),
        nn.ReLU6(),
    ),
    "hardtanh": (lambda h: h.clamp(-1, 1), nn.Hardtanh()),
    "hardtanh in place": (lambda h: h.clamp_(-1, 1), nn.Hardtanh()),
    "elu": (lambda h: torch.where(h > 0, h, torch.exp(h) - 1), nn.ELU()),
    "elu by expm1": (lambda h: torch.where(h > 0, h, 0.7 * torch.expm1(h)), nn.ELU(0.7)),
    "elu by two": (lambda h: F.relu(h) + (h.exp() - 1).clamp(max=0), nn.ELU()),
    "selu": (
        lambda h: 1.0507009873554805 * torch.where(h > 0, h, 1.6732632423543772 * (h.exp() - 1)),
        nn.SELU(),
    ),
    "softplus": (lambda h: torch.log(1 + torch.exp(h)), nn.Softplus()),
    "softplus by log1p": (lambda h: h.exp().log1p(), nn.Softplus()),
    "softplus with a slope": (lambda h: torch.log1p(torch.exp(2 * h)) / 2, nn.Softplus(beta=2)),
    "softplus without overflow": (lambda h: h.clamp(min=0) + torch.log1p(torch.exp(-h.abs())), nn.Softplus()),
    "softplus by logaddexp": (lambda h: torch.logaddexp(h, torch.zeros_like(h)), nn.Softplus()),
    "softplus in place": (lambda h: h.exp_().add_(1).log_(), nn.Softplus()),
    "softsign": (lambda h: h / (1 + h.abs()), nn.Softsign()),
    "tanh": (lambda h: (h.exp() - (-h).exp()) / (h.exp() + (-h).exp()), nn.Tanh()),
    "tanhshrink": (F.tanhshrink, nn.Tanhshrink()),
    "squared relu": (lambda h: torch.where(h > 0, h, 0.0) ** 2, lambda h: F.relu(h) ** 2),
    "glu": (lambda h: h[:, :3] * torch.sigmoid(h[:, 3:]), nn.GLU(1)),
    "glu by chunks": (lambda h: (lambda a, b: b.sigmoid() * a)(*h.chunk(2, 1)), nn.GLU(1)),
    "glu in place": (lambda h: (lambda a, b: a.mul_(b.sigmoid()))(*[t.clone() for t in h.chunk(2, 1)]), nn.GLU(1)),
    "glu by exp": (lambda h: h[:, :3] * (1 / (1 + torch.exp(-h[:, 3:]))), nn.GLU(1)),
}


def net(act, width: int = 6) -> nn.Module:
    torch.manual_seed(3)
    inner = width if width == 6 else 3
    return Written(
        lambda m, x: m.third(act(m.second(act(m.first(x))))),
        first=nn.Conv1d(1, 6, 9),
        second=nn.Conv1d(inner, 6, 5),
        third=nn.Conv1d(inner, 3, 3),
    ).double()


def both(act, twin, rule: str, width: int = 6) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    x, g = torch.randn(2, 1, 60, dtype=torch.float64), torch.randn(2, 3, 46, dtype=torch.float64)
    found, expected = vjp(net(act, width), x, rule=rule), vjp(net(twin, width), x, rule=rule)
    torch.testing.assert_close(found[0], expected[0], rtol=1e-6, atol=1e-6)
    back = found[1](g)
    many = found[1](torch.stack([g, 2 * g, -g]))
    torch.testing.assert_close(many[0], back, rtol=1e-10, atol=1e-12)
    return back, expected[1](g)


@pytest.mark.parametrize("rule", NAMED)
@pytest.mark.parametrize("name", RELU)
def test_a_rectifier_however_it_is_written(name, rule):
    found, expected = both(RELU[name], F.relu, rule)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rule", NAMED)
@pytest.mark.parametrize("name", SMOOTH)
def test_an_activation_written_by_hand_is_its_module(name, rule):
    act, twin = SMOOTH[name]
    found, expected = both(act, twin, rule, width=3 if name.startswith("glu") else 6)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
