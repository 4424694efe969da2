"""Probabilities at the end of a model, however they are written, are taken back to their logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from otoscope import vjp
from otoscope.probe.backproject import answer, logits

Last = Callable[[Tensor], Any]


class Ending(nn.Module):
    """Logits z (clip, class) or (clip, class, frame), linear in the waveform, and what comes last."""

    def __init__(self, last: Last, frames: int = 0, scale: float = 1.0) -> None:
        super().__init__()
        self.linear = nn.Linear(40, 4 * max(1, frames))
        self.linear.weight.data *= scale
        self.last, self.frames = last, frames

    def before(self, x: Tensor) -> Tensor:
        z: Tensor = self.linear(x.flatten(1))
        return z.unflatten(1, (4, self.frames)) if self.frames else z

    def forward(self, x: Tensor) -> Any:
        return self.last(self.before(x))


def by_hand(z: Tensor) -> Tensor:
    e = (z - z.max(1, keepdim=True).values).exp()
    return e / e.sum(1, keepdim=True)


def in_place(z: Tensor) -> Tensor:
    e = z.sub_(z.amax(1, keepdim=True)).exp_()
    return e.div_(e.sum(1, keepdim=True))


def of_jacobian(e: Tensor) -> Tensor:
    return e.exp() / e.exp().sum(dim=1).unsqueeze(1)


IDENTICAL: dict[str, Last] = {
    "softmax": nn.Softmax(1),
    "F.softmax": lambda z: F.softmax(z, dim=1),
    "method": lambda z: z.softmax(-1),
    "special": lambda z: torch.special.softmax(z, 1),
    "2d": lambda z: nn.Softmax2d()(z[:, :, None, None])[:, :, 0, 0],
    "log softmax": nn.LogSoftmax(1),
    "log of softmax": lambda z: z.softmax(1).log(),
    "log of softmax, with a floor": lambda z: (z.softmax(1) + 1e-8).log(),
    "exp of log softmax": lambda z: z.log_softmax(1).exp(),
    "logsumexp": lambda z: z - z.logsumexp(1, keepdim=True),
    "exp of it": lambda z: (z - torch.logsumexp(z, dim=1, keepdim=True)).exp(),
    "exp over sum": lambda z: z.exp() / z.exp().sum(1, keepdim=True),
    "exp over sum, reshaped": of_jacobian,
    "less the maximum": by_hand,
    "in place": in_place,
    "normalize": lambda z: F.normalize(z.exp(), p=1, dim=1),
    "sigmoid": nn.Sigmoid(),
    "torch.sigmoid": torch.sigmoid,
    "method in place": lambda z: z.sigmoid_(),
    "expit": torch.special.expit,
    "log sigmoid": nn.LogSigmoid(),
    "log of sigmoid": lambda z: torch.log(torch.sigmoid(z)),
    "softplus": lambda z: -F.softplus(-z),
    "1 / (1 + exp(-z))": lambda z: 1 / (1 + torch.exp(-z)),
    "reciprocal": lambda z: ((-z).exp() + 1).reciprocal(),
    "power": lambda z: (1 + (-z).exp()) ** -1,
    "of ones": lambda z: torch.ones_like(z) / (torch.ones_like(z) + torch.exp(-z)),
    "exp over 1 + exp": lambda z: z.exp() / (1 + z.exp()),
    "tanh": lambda z: 0.5 * (1 + torch.tanh(z / 2)),
    "tanh, divided": lambda z: (torch.tanh(z * 0.5) + 1) / 2,
    "twice turned": lambda z: 1 - torch.sigmoid(-z),
    "limited": lambda z: z.sigmoid().clamp(1e-7, 1 - 1e-7),
    "reshaped": lambda z: z.softmax(1)[:, None].transpose(1, 2).squeeze(-1).contiguous().view(-1, 4).reshape(len(z), 4),
    "converted": lambda z: z.double().softmax(1).float(),
    "in a tuple": lambda z: (z.softmax(1),),
    "in a mapping": lambda z: {"probabilities": z.sigmoid(), "class": z.argmax(1)},
    "class by class": lambda z: torch.cat([one.sigmoid() for one in z.split(1, 1)], 1),
    "stacked": lambda z: torch.stack([torch.sigmoid(one) for one in z.unbind(1)], -1),
    "clip by clip": lambda z: torch.cat([one.softmax(1) for one in z.split(1)]),
    "dropped out": lambda z: F.dropout(z.softmax(1), 0.5, training=False),
    "negative log-likelihood": lambda z: -z.log_softmax(1),
    "negative log of softmax": lambda z: -(z.softmax(1) + 1e-9).log(),
    "negative softmax": lambda z: z.softmax(1).neg(),
    "less than nothing": lambda z: 0 - z.softmax(1),
    "times -1": lambda z: z.log_softmax(1) * -1,
    "decibels": lambda z: -10 * torch.log10(z.softmax(1)),
    "bits": lambda z: torch.log2(z.sigmoid()),
    "percent": lambda z: 100 * z.softmax(1),
    "percent of each": lambda z: z.sigmoid() * 100,
    "percent in place": lambda z: z.softmax(1).mul_(100),
    "percent, turned": lambda z: 100 - 100 * z.neg().sigmoid(),
    "divided": lambda z: z.softmax(1) / 0.01,
    "by a constant tensor": lambda z: torch.tensor(100.0) * z.softmax(1),
    "percent class by class": lambda z: torch.cat([100 * one.sigmoid() for one in z.split(1, 1)], 1),
}

OVERFLOWING = ("exp over sum", "exp over sum, reshaped", "normalize", "exp over 1 + exp")  # as exp(z) itself does


@pytest.mark.parametrize("last", IDENTICAL.values(), ids=IDENTICAL)
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_the_logits_before_are_what_is_explained(last: Last, scale: float) -> None:
    model, x = Ending(last, scale=scale), torch.randn(3, 1, 40)
    if scale > 1 and last in [IDENTICAL[name] for name in OVERFLOWING]:
        model.linear.weight.data *= 0.15
    found = answer(model, x)
    assert found.normalised is not None
    with torch.no_grad():
        shift = found.value - model.before(x)
    shift = shift - shift.mean(1, keepdim=True) if found.normalised.of == "softmax" else shift
    assert float(shift.abs().max()) < 1e-4 * scale
    value, pull = vjp(model, x, rule="guided")
    assert torch.equal(value, found.value)
    seed = torch.tensor([0.0, 1.0, 0.0, 0.0]).expand(3, 4)
    assert torch.allclose(pull(seed)[:, 0], model.linear.weight[1].expand(3, 40), rtol=1e-4)
    many = pull(torch.stack([seed, 2 * seed]))
    assert torch.allclose(many[1], 2 * many[0], rtol=1e-4)


UNCHANGED: dict[str, Last] = {
    "nothing": lambda z: z,
    "a gate": lambda z: z * z.sigmoid(),
    "attention": lambda z: (z.softmax(1) * z).cumsum(1),
    "a sum": lambda z: z.softmax(1) + z,
    "a scale of each clip": lambda z: z.amax(1, keepdim=True) * z.softmax(1),
    "a scale of each class": lambda z: torch.arange(4) * z.softmax(1),
    "a score of 1 to 5": lambda z: 1 + 4 * z.sigmoid(),
    "exp of a negative log-likelihood": lambda z: (-z.log_softmax(1)).exp(),
    "overwritten": lambda z: z.sigmoid().mul_(3),
    "written into": lambda z: _first_zeroed(z.sigmoid()),
    "through weights": lambda z: z.softmax(1) @ torch.ones(4, 4),
    "tanh": torch.tanh,
    "another half": lambda z: 0.25 * (1 + torch.tanh(z)),
    "exp": torch.exp,
    "not of the same": lambda z: z.exp() / (2 * z).exp().sum(1, keepdim=True),
    "largest of two": lambda z: (z - torch.max(z, -z)).exp() / (z - torch.max(z, -z)).exp().sum(1, keepdim=True),
}


def _first_zeroed(p: Tensor) -> Tensor:
    p[:, 0] = 0
    return p


@pytest.mark.parametrize("last", UNCHANGED.values(), ids=UNCHANGED)
def test_what_is_no_probability_stays_as_it_is(last: Last) -> None:
    model, x = Ending(last), torch.randn(3, 1, 40)
    found = answer(model, x)
    assert torch.equal(found.value, model(x)) and (found.normalised is None or last is UNCHANGED["largest of two"])


def test_one_class_of_a_softmax_is_its_log_odds() -> None:
    """As anti-spoofing models return the probability that a voice is real; also where it is 1 in floating point."""
    for scale in (1.0, 200.0):
        model, x = Ending(lambda z: z.softmax(1)[:, 1], scale=scale), torch.randn(3, 1, 40)
        z, found = model.before(x).detach(), answer(model, x)
        expected = z[:, 1] - z[:, [0, 2, 3]].logsumexp(1)
        assert torch.allclose(found.value, expected, rtol=1e-4)
        assert found.normalised is not None and found.normalised.odds
    one = Ending(lambda z: z.softmax(1)[:, 1], scale=200.0)
    single = answer(one, x[:1])  # of a single clip it may be exactly 1, and so sum to 1
    assert single.value.shape == (1,) and single.normalised is not None and single.normalised.of == "sigmoid"


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("last", [nn.Softmax(1), nn.Sigmoid()])
def test_the_mean_over_frames_is_the_log_odds_of_it(last: nn.Module, scale: float) -> None:
    endings: list[Last] = [
        lambda z: last(z).mean(-1),
        lambda z: F.adaptive_avg_pool1d(last(z), 1).squeeze(-1),
        lambda z: last(z).transpose(1, 2).mean(dim=1),
    ]
    for ending in endings:
        model, x = Ending(ending, frames=5, scale=scale).double(), torch.randn(2, 1, 40).double()
        found = answer(model, x)
        assert found.normalised is not None and found.normalised.odds and found.normalised.averaged
        assert torch.allclose(found.value.sigmoid(), found.returned)
        assert found.value.isfinite().all()
        leaf = x.clone().requires_grad_()
        slope = torch.autograd.grad(logits(model, leaf).sum(), leaf)[0]
        assert slope.isfinite().all() and bool(slope.any())  # where the mean itself is 0 or 1 in floating point, too
        if scale == 1:
            p = model(x).detach()
            assert torch.allclose(found.value, p.log() - (1 - p).log())


def test_the_largest_over_time_and_the_mean_of_logarithms() -> None:
    x = torch.randn(2, 1, 40)
    model = Ending(lambda z: z.sigmoid().max(-1)[0], frames=5)
    assert torch.equal(answer(model, x).value, model.before(x).amax(-1))
    model = Ending(lambda z: z.softmax(1).amax(-1), frames=5)
    assert torch.allclose(answer(model, x).value.sigmoid(), model(x))
    model = Ending(lambda z: z.log_softmax(1).mean(-1), frames=5)
    assert torch.allclose(answer(model, x).value, model.before(x).mean(-1))
    model = Ending(lambda z: z.softmax(1).sum(-1), frames=5)
    assert answer(model, x).normalised is None


def test_nothing_is_kept_of_a_pass() -> None:
    model = Ending(nn.Softmax(1))
    first, second = (answer(model, torch.full((1, 1, 40), level)).value for level in (0.0, 1.0))
    assert not torch.equal(first, second) and math.isfinite(float(second.sum()))
