"""Relevance through every operation: equal to zennit, LXT and dense matrices where these apply, and conserved."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from otoscope import InputError
from otoscope.probe import vjp
from otoscope.probe.propagation import AlphaBeta, AttnLRP, DeepLift, Gamma, Propagation

RULES: dict[str, Propagation] = {
    "lrp_epsilon": Propagation(1e-9),
    "lrp_gamma": Gamma(),
    "lrp_zplus": Gamma(gamma=math.inf),
    "lrp_alpha2beta1": AlphaBeta(),
    "attnlrp": AttnLRP(),
    "deeplift": DeepLift(),
}
LRP = [name for name in RULES if name.startswith("lrp")]


def pulled(model: nn.Module, x: Tensor, rule: Propagation, target: int = 0) -> tuple[Tensor, Tensor]:
    """The output and the relevance of one of its classes."""
    value, pull = vjp(model, x, rule=rule)
    seed = torch.zeros_like(value)
    seed[:, target] = 1
    return value, x * pull(seed)


def sums(relevance: Tensor) -> Tensor:
    return relevance.flatten(1).sum(1)


def close(one: Tensor, other: Tensor, within: float = 1e-5) -> None:
    apart = float((one - other).abs().max() / other.abs().max())
    assert apart <= within


def gradient_x_input(model: nn.Module, x: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(model(leaf)[:, 0].sum(), leaf)
    return x * found


class Functional(nn.Module):
    """Without biases: functions, in place, a module called twice, slices, a residual sum."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(8, 1, 9) / 3)
        self.again = nn.Conv1d(8, 8, 5, padding=2, bias=False)
        self.head = nn.Parameter(torch.randn(3, 8) / 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv1d(x, self.kernel, stride=2)
        F.relu(x, inplace=True)
        x = F.max_pool1d(x, 2)
        y = torch.relu_(self.again(x))
        y = self.again(y) + x
        y = y.relu_()[..., ::2]
        y = torch.cat([y[..., :20], y[..., 20:]], -1)
        return F.linear(y.mean(-1), self.head)


class Modules(nn.Module):
    """The same, of modules."""

    def __init__(self, twin: Functional) -> None:
        super().__init__()
        self.conv, self.pool, self.head = (
            nn.Conv1d(1, 8, 9, stride=2, bias=False),
            nn.MaxPool1d(2),
            nn.Linear(8, 3, False),
        )
        self.again, self.relu, self.mean = twin.again, nn.ReLU(), nn.AdaptiveAvgPool1d(1)
        self.conv.weight, self.head.weight = twin.kernel, twin.head

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.conv(x)))
        y = self.relu(self.again(self.relu(self.again(x))) + x)
        return self.head(self.mean(y[..., ::2])[..., 0])


@pytest.fixture
def functional() -> Functional:
    torch.manual_seed(0)
    return Functional()


@pytest.mark.parametrize("rule", RULES)
def test_the_value_is_that_of_the_model(functional: Functional, rule: str) -> None:
    x = torch.randn(2, 1, 400)
    torch.testing.assert_close(pulled(functional, x, RULES[rule])[0], functional(x).detach())


@pytest.mark.parametrize("rule", RULES)
def test_relevance_is_conserved(functional: Functional, rule: str) -> None:
    x = torch.randn(4, 1, 400)
    value, relevance = pulled(functional, x, RULES[rule])
    close(sums(relevance), value[:, 0], 1e-3 if rule == "lrp_alpha2beta1" else 1e-4)


@pytest.mark.parametrize("rule", RULES)
def test_functions_and_modules_are_the_same(functional: Functional, rule: str) -> None:
    x = torch.randn(2, 1, 400)
    close(pulled(functional, x, RULES[rule])[1], pulled(Modules(functional), x, RULES[rule])[1])


def test_a_small_epsilon_is_gradient_times_input(functional: Functional) -> None:
    x = torch.randn(2, 1, 400)
    close(pulled(functional, x, Propagation(1e-9))[1], gradient_x_input(functional, x))
    far = pulled(functional, x, Propagation(0.1))[1] - gradient_x_input(functional, x)
    assert float(far.abs().max()) > 0.01 * float(gradient_x_input(functional, x).abs().max())


def test_samples_that_are_zero_keep_their_gradient(functional: Functional) -> None:
    """A relevance divided by the input would lose it, and with it the spectrum of a quantised sound."""
    x = torch.randn(1, 1, 400)
    x[..., ::2] = 0
    value, pull = vjp(functional, x, rule=Gamma())
    assert float(pull(torch.ones_like(value))[..., ::2].abs().max()) > 0


@pytest.mark.parametrize("rule", RULES)
def test_a_clip_is_the_same_alone_and_in_a_batch(functional: Functional, rule: str) -> None:
    x = torch.randn(3, 1, 400) * torch.tensor([1e-3, 1.0, 30.0])[:, None, None]
    together = pulled(functional, x, RULES[rule])[1]
    for number in range(3):
        close(together[number : number + 1], pulled(functional, x[number : number + 1], RULES[rule])[1])


# -- Dense matrices ---------------------------------------------------------------------------------------


def by_matrices(weights: list[np.ndarray], x: np.ndarray, rule: str) -> np.ndarray:
    """LRP of the first output of a multilayer perceptron with ReLU, contribution by contribution."""
    inputs = [x]
    for place, weight in enumerate(weights):
        z = weight @ inputs[-1]
        inputs.append(z if place == len(weights) - 1 else np.maximum(z, 0))
    relevance = np.where(np.arange(len(inputs[-1])) == 0, inputs[-1], 0.0)
    for weight, a in zip(weights[::-1], inputs[-2::-1], strict=True):
        lower = np.zeros_like(a)
        for j, row in enumerate(weight):
            parts = row * a
            sign = 1.0 if parts.sum() >= 0 else -1.0
            own, against = np.where(sign * parts > 0, parts, 0.0), np.where(sign * parts < 0, parts, 0.0)
            if rule == "lrp_epsilon":
                shares = parts / parts.sum()
            elif rule == "lrp_gamma":
                shares = (parts + 0.25 * own) / (parts + 0.25 * own).sum()
            elif rule == "lrp_zplus" or not against.any():
                shares = own / own.sum()
            else:
                shares = 2 * own / own.sum() - against / against.sum()
            lower += shares * relevance[j]
        relevance = lower
    return relevance


@pytest.mark.parametrize("rule", LRP)
def test_equals_contributions_one_by_one(rule: str) -> None:
    torch.manual_seed(3)
    layers = [nn.Linear(12, 7, bias=False), nn.Linear(7, 5, bias=False), nn.Linear(5, 2, bias=False)]
    model = nn.Sequential(nn.Flatten(), layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2]).double()
    x = torch.randn(1, 1, 12, dtype=torch.float64)
    chosen = {"lrp_gamma": Gamma(1e-12, True), "lrp_zplus": Gamma(1e-12, True, math.inf)}
    found = pulled(model, x, chosen.get(rule, Propagation(1e-12) if rule == "lrp_epsilon" else AlphaBeta(1e-12, True)))[
        1
    ]
    expected = by_matrices([layer.weight.detach().numpy() for layer in layers], x[0, 0].numpy(), rule)
    np.testing.assert_allclose(found[0, 0].numpy(), expected, atol=1e-9 * abs(expected).max())


# -- zennit -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def zennit() -> Iterator[ModuleType]:
    """zennit, without torchvision, of which it wants two names that are not needed here."""
    if find_spec("zennit") is None:
        pytest.skip("zennit is not installed (pip install --no-deps zennit)")
    added = {}
    if find_spec("torchvision") is None:
        names = ("torchvision", "torchvision.models", "torchvision.models.resnet", "torchvision.models.vgg")
        added = {name: ModuleType(name) for name in names}
        added[names[2]].__dict__.update(Bottleneck=nn.Module, BasicBlock=nn.Module, ResNet=nn.Module)
        added[names[3]].__dict__.update(VGG=nn.Module)
        sys.modules.update(added)
    import zennit.attribution
    import zennit.canonizers
    import zennit.layer
    import zennit.rules
    import zennit.types

    yield zennit
    for name in added:
        del sys.modules[name]


class Block(nn.Module):
    def __init__(self, add: nn.Module) -> None:
        super().__init__()
        self.c1, self.b1, self.r1 = nn.Conv1d(8, 8, 3, padding=1), nn.BatchNorm1d(8), nn.ReLU()
        self.c2, self.b2, self.add, self.r2 = (
            nn.Conv1d(8, 8, 3, padding=1, bias=False),
            nn.BatchNorm1d(8),
            add,
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.b2(self.c2(self.r1(self.b1(self.c1(x)))))
        return self.r2(self.add(torch.stack([y, x], -1)))


def of_modules(block: nn.Module | None) -> nn.Module:
    torch.manual_seed(1)
    body: list[nn.Module] = [nn.Conv1d(1, 8, 41, stride=2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2)]
    body += [] if block is None else [Block(block)]
    body += [nn.Conv1d(8, 8, 5), nn.ReLU(), nn.AvgPool1d(2), nn.Flatten(), nn.LazyLinear(3)]
    model = nn.Sequential(*body).double()
    model(torch.randn(2, 1, 200).double())
    for one in model.modules():
        if isinstance(one, nn.BatchNorm1d):
            nn.init.uniform_(one.weight, -1.5, 1.5), nn.init.normal_(one.bias, std=0.3)
            one.running_mean.normal_(std=0.3), one.running_var.uniform_(0.5, 2)
            one.eps = 0.0  # which zennit leaves in what it has merged
    return model.eval()


def by_zennit(zennit: ModuleType, model: nn.Module, x: Tensor, make: Callable[[], Any]) -> Tensor:
    def chosen(ctx: Any, name: str, module: nn.Module) -> Any:
        if isinstance(module, (zennit.layer.Sum, zennit.types.AvgPool)):
            return zennit.rules.Norm(1e-12)
        if isinstance(module, (zennit.types.Activation, zennit.types.BatchNorm)):
            return zennit.rules.Pass()
        return make() if isinstance(module, (zennit.types.Convolution, zennit.types.Linear)) else None

    composite = zennit.core.Composite(module_map=chosen, canonizers=[zennit.canonizers.SequentialMergeBatchNorm()])
    with zennit.attribution.Gradient(copy.deepcopy(model), composite) as attributor:
        _, found = attributor(x.clone().requires_grad_(), lambda y: F.one_hot(torch.tensor([0] * len(y)), 3) * y)
    return found


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("rule", ["lrp_epsilon", "lrp_gamma", "lrp_zplus", "lrp_alpha2beta1"])
def test_equals_zennit(zennit: ModuleType, rule: str, residual: bool) -> None:
    if residual and rule == "lrp_alpha2beta1":
        pytest.skip("zennit does not mirror the rule below zero, where a residual sum takes it")
    rules = zennit.rules
    ours, theirs = {
        "lrp_epsilon": (Propagation(1e-9), lambda: rules.Epsilon(1e-9)),
        "lrp_gamma": (Gamma(1e-9, True), lambda: rules.Gamma(0.25, 1e-9)),
        "lrp_zplus": (Gamma(1e-9, True, math.inf), lambda: rules.Gamma(1e6, 1e-9)),
        "lrp_alpha2beta1": (AlphaBeta(1e-9, True), lambda: rules.AlphaBeta(2, 1, 1e-9)),
    }[rule]
    model, x = of_modules(zennit.layer.Sum() if residual else None), torch.randn(3, 1, 200).double()
    if rule == "lrp_alpha2beta1":
        x = x[model(x)[:, 0] > 0]
    close(pulled(model, x, ours)[1], by_zennit(zennit, model, x, theirs))


# -- DeepLIFT -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [nn.ReLU, nn.ELU, nn.Tanh, nn.Sigmoid, nn.Softplus])
def test_deeplift_equals_captum(act: type[nn.Module]) -> None:
    attr = pytest.importorskip("captum.attr")
    torch.manual_seed(2)
    # Captum is wrong where non-linear modules are next to each other.
    model = nn.Sequential(
        nn.Conv1d(1, 8, 9, stride=2), nn.BatchNorm1d(8), act(), nn.Conv1d(8, 8, 5), nn.MaxPool1d(2), nn.Conv1d(8, 8, 5),
        act(), nn.AvgPool1d(2), nn.Flatten(), nn.LazyLinear(3),
    )  # fmt: skip
    model = model.double()
    x = torch.randn(3, 1, 200).double()
    model(x)
    model.eval()
    expected = attr.DeepLift(copy.deepcopy(model)).attribute(x, torch.zeros_like(x), target=0).detach()
    close(pulled(model, x, DeepLift())[1], expected)


def test_deeplift_sums_to_the_difference_to_silence() -> None:
    torch.manual_seed(4)
    model = Transformer().double().eval()
    x = torch.randn(2, 1, 200).double()
    value, relevance = pulled(model, x, DeepLift())
    close(sums(relevance), (value - model(torch.zeros_like(x)))[:, 0].detach(), 1e-9)


def test_deeplift_says_where_silence_takes_another_way() -> None:
    class Data(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (
                torch.stack([x.tanh().sum(-1), x.sin().cos().sum(-1)], 1)[..., 0] if x.any() else x[..., :2].exp()[:, 0]
            )

    with pytest.raises(InputError, match="takes other steps for silence"):
        vjp(Data(), torch.randn(1, 1, 20), rule=DeepLift())


# -- Attention ----------------------------------------------------------------------------------------------


class Transformer(nn.Module):
    def __init__(self, fused: bool = True, width: int = 16, heads: int = 4) -> None:
        super().__init__()
        self.fused, self.heads = fused, heads
        self.front = nn.Conv1d(1, width, 20, stride=10, bias=False)
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down, self.head = nn.Linear(width, 4 * width), nn.Linear(4 * width, width), nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.front(x)).transpose(1, 2)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(self.n1(x)).chunk(3, -1))
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = torch.softmax(torch.matmul(q, k.transpose(-1, -2)) / q.shape[-1] ** 0.5, -1) @ v
        x = x + self.out(y.transpose(1, 2).flatten(2))
        x = x + self.down(F.gelu(self.up(self.n2(x))))
        return self.head(x.mean(1))


class _Relevance(torch.autograd.Function):
    """A function through which relevance itself flows back, by a formula of its own."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, back: Any, *inputs: Tensor) -> Tensor:
        ctx.back = back
        return value.clone()

    @staticmethod
    def backward(ctx: Any, relevance: Tensor) -> Any:
        return None, None, *ctx.back(relevance)


def lxt_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """R_i = sum_j x_i w_ji R_j / z_j"""
    z = F.linear(x, weight, bias)
    return _Relevance.apply(z, lambda r: (x * ((r / z) @ weight),), x)


def lxt_product(a: Tensor, b: Tensor) -> Tensor:
    """Half to each factor."""
    z = a @ b
    return _Relevance.apply(
        z, lambda r: (a * ((r / z) @ b.transpose(-1, -2)) / 2, b * (a.transpose(-1, -2) @ (r / z)) / 2), a, b
    )


def lxt_softmax(x: Tensor) -> Tensor:
    s = x.softmax(-1)
    return _Relevance.apply(s, lambda r: (x * (r - s * r.sum(-1, keepdim=True)),), x)


def lxt_layer_norm(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """The deviation is constant: x - mean(x), with relevance in proportion."""
    scale = (x.var(-1, unbiased=False, keepdim=True) + norm.eps).rsqrt()
    y = norm(x)

    def back(r: Tensor) -> tuple[Tensor]:
        g = r / y * scale * norm.weight
        return (x * (g - g.mean(-1, keepdim=True)),)

    return _Relevance.apply(y, back, x)


def lxt_sum(a: Tensor, b: Tensor) -> Tensor:
    z = a + b
    return _Relevance.apply(z, lambda r: (a * r / z, b * r / z), a, b)


def lxt_as_it_is(y: Tensor, x: Tensor) -> Tensor:
    """An element by itself, or a product with a number: everything goes on."""
    return _Relevance.apply(y, lambda r: (r,), x)


def by_lxt(model: Transformer, x: Tensor) -> Tensor:
    frames = x[:, 0].unfold(-1, 20, 10).clone().requires_grad_()

    def heads(t: Tensor) -> Tensor:
        return t.unflatten(-1, (model.heads, -1)).transpose(1, 2)

    h = lxt_linear(frames, model.front.weight[:, 0], None)
    h = lxt_as_it_is(F.gelu(h), h)
    q, k, v = map(heads, lxt_linear(lxt_layer_norm(h, model.n1), model.qkv.weight, model.qkv.bias).chunk(3, -1))
    scores = lxt_product(q, k.transpose(-1, -2))
    weights = lxt_softmax(lxt_as_it_is(scores / q.shape[-1] ** 0.5, scores))
    y = lxt_product(weights, v).transpose(1, 2).flatten(2)
    h = lxt_sum(h, lxt_linear(y, model.out.weight, model.out.bias))
    up = lxt_linear(lxt_layer_norm(h, model.n2), model.up.weight, model.up.bias)
    h = lxt_sum(h, lxt_linear(lxt_as_it_is(F.gelu(up), up), model.down.weight, model.down.bias))
    mean = h.mean(1, keepdim=True)
    pooled = _Relevance.apply(mean, lambda r: (h * r / mean / h.shape[1],), h)[:, 0]
    out = lxt_linear(pooled, model.head.weight, model.head.bias)
    seed = torch.zeros_like(out)
    seed[:, 0] = out[:, 0].detach()
    (relevance,) = torch.autograd.grad(out, frames, seed)
    whole = torch.zeros_like(x[:, 0])
    for place in range(relevance.shape[1]):
        whole[:, place * 10 : place * 10 + 20] += relevance[:, place]
    return whole[:, None]


def test_attnlrp_equals_the_formulas_of_lxt() -> None:
    torch.manual_seed(3)
    model, x = Transformer().double(), torch.randn(2, 1, 200).double()
    close(pulled(model, x, AttnLRP(1e-14))[1], by_lxt(model, x))


@pytest.mark.parametrize("rule", RULES)
def test_attention_written_out_is_the_same(rule: str) -> None:
    torch.manual_seed(3)
    model, x = Transformer().double(), torch.randn(2, 1, 200).double()
    apart = copy.deepcopy(model)
    apart.fused = False
    close(pulled(model, x, RULES[rule])[1], pulled(apart, x, RULES[rule])[1], 1e-9)


def test_attention_of_a_module() -> None:
    torch.manual_seed(0)

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.front = nn.Conv1d(1, 16, 20, stride=10)
            self.block = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, activation="gelu")
            self.head = nn.Linear(16, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.block(F.gelu(self.front(x)).transpose(1, 2)).mean(1))

    model, x = Encoder().double().eval(), torch.randn(2, 1, 200).double()
    value, relevance = pulled(model, x, DeepLift())
    torch.testing.assert_close(value, model(x).detach())
    close(sums(relevance), (value - model(torch.zeros_like(x)))[:, 0].detach(), 1e-9)


# -- All that models are made of --------------------------------------------------------------------------


def conv(inputs: int, outputs: int, length: int = 5) -> nn.Module:
    return nn.Conv1d(inputs, outputs, length, bias=False)


class Made(nn.Module):
    def __init__(self, run: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.parts, self.run = nn.ModuleList(modules), run

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x, *self.parts)


def head(width: int = 8) -> nn.Module:
    return nn.Linear(width, 3, bias=False)


def mean(h: Tensor) -> Tensor:
    return h.mean(-1)


PARTS: dict[str, Callable[[], nn.Module]] = {
    **{
        name: lambda name=name: Made(
            lambda x, a, act, b, h: h(mean(act(b(act(a(x)))))), conv(1, 8), getattr(nn, name)(), conv(8, 8), head()
        )
        for name in ("GELU", "SELU", "SiLU", "Tanh", "LeakyReLU", "Hardtanh", "PReLU", "Mish")
    },
    "squeeze and excite": lambda: Made(
        lambda x, a, gate, h: (lambda f: h(mean(f * torch.sigmoid(gate(mean(f)))[..., None])))(F.relu(a(x))),
        conv(1, 8), nn.Linear(8, 8), head(),
    ),
    "gated": lambda: Made(lambda x, a, h: h(mean(F.glu(a(x), 1))), conv(1, 16), head()),
    "GRU": lambda: Made(
        lambda x, a, g, h: h(g(a(x).transpose(1, 2))[0].mean(1)),
        nn.Conv1d(1, 8, 10, stride=10, bias=False),
        nn.GRU(8, 8, batch_first=True, bidirectional=True, bias=False), head(16),
    ),
    "LSTM": lambda: Made(
        lambda x, a, g, h: h(g(a(x).transpose(1, 2))[0].mean(1)),
        nn.Conv1d(1, 8, 10, stride=10, bias=False), nn.LSTM(8, 8, 2, batch_first=True, bias=False), head(),
    ),
    "maximum over time": lambda: Made(lambda x, a, h: h(F.gelu(a(x)).max(-1)[0]), conv(1, 8), head()),
    "mean and deviation": lambda: Made(
        lambda x, a, h: (lambda f: h(torch.cat([mean(f), f.std(-1)], -1)))(F.relu(a(x))), conv(1, 8), head(16)
    ),
    "group norm": lambda: Made(
        lambda x, a, n, h: h(F.relu(n(a(x))).amax(-1)), conv(1, 8), nn.GroupNorm(2, 8), head()
    ),
    "attention over time": lambda: Made(
        lambda x, a, w, h: (lambda f: h((f @ torch.softmax(w(f.transpose(1, 2)), 1))[..., 0]))(F.relu(a(x))),
        conv(1, 8), nn.Linear(8, 1), head(),
    ),
    "spectrum": lambda: Made(
        lambda x, h: h(
            torch.stft(x[:, 0], 64, 32, window=torch.hann_window(64).to(x), return_complex=True).abs().pow(2).mean(-1)
        ),
        head(33),
    ),
    "logarithm": lambda: Made(lambda x, a, h: h(mean((a(x).square() + 1.0).log())), conv(1, 8), head()),
    "sinc kernels": lambda: Made(
        lambda x, h: h(
            mean(F.conv1d(x, torch.sinc(torch.arange(1, 9)[:, None, None] * torch.arange(-15, 16) / 16).to(x)).abs())
        ),
        head(),
    ),
    "slices": lambda: Made(
        lambda x, a, h: h(mean(torch.cat([F.relu(a(x))[..., ::2], F.relu(a(x))[..., 1::3]], -1))), conv(1, 8), head()
    ),
    "in place": lambda: Made(lambda x, a, h: h(mean(a(x).mul_(2.0).relu_().div_(3.0))), conv(1, 8), head()),
}  # fmt: skip


@pytest.mark.parametrize("rule", [*LRP, "deeplift"])
@pytest.mark.parametrize("name", PARTS)
def test_relevance_is_conserved_by_all_that_models_are_made_of(name: str, rule: str) -> None:
    torch.manual_seed(4)
    model = PARTS[name]().double().eval()
    x = torch.randn(2, 1, 300).double()
    value, relevance = pulled(model, x, RULES[rule])
    torch.testing.assert_close(value, model(x).detach())
    expected = value[:, 0]
    if rule == "deeplift":
        expected = expected - model(torch.zeros_like(x))[:, 0].detach()
        if name == "mean and deviation":
            pytest.skip("a deviation has no slope at silence")
    elif name == "logarithm":
        pytest.skip("the offset absorbs")
    close(sums(relevance), expected, 1e-3 if "alpha" in rule else 1e-4)


def test_a_batch_norm_is_folded_into_the_layer_before_it() -> None:
    torch.manual_seed(0)
    layer, norm = nn.Conv1d(1, 8, 9), nn.BatchNorm1d(8)
    (
        norm.running_mean.normal_(),
        norm.running_var.uniform_(0.5, 2),
        nn.init.normal_(norm.weight),
        nn.init.normal_(norm.bias),
    )
    folded = torch.nn.utils.fuse_conv_bn_eval(layer.eval(), norm.eval())
    x = torch.randn(2, 1, 100)
    for rule in (Gamma(1e-9, True), AlphaBeta(1e-9, True)):
        apart, together = (
            nn.Sequential(*one, nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten()) for one in ([layer, norm], [folded])
        )
        close(pulled(apart.eval(), x, rule)[1], pulled(together.eval(), x, rule)[1], 1e-4)


def test_a_layer_that_was_changed_is_not_folded() -> None:
    torch.manual_seed(0)
    model = Made(
        lambda x, a, n, h: h(mean(n(a(x).add_(1.0).mul_(2.0)).relu())), nn.Conv1d(1, 8, 5), nn.BatchNorm1d(8), head()
    ).eval()
    x = torch.randn(1, 1, 100)
    torch.testing.assert_close(pulled(model, x, Gamma())[0], model(x).detach())


# -- A planted band ---------------------------------------------------------------------------------------


def band_detector(squared: bool) -> nn.Module:
    time = torch.arange(-128, 129) / 8000
    window = torch.hann_window(257, periodic=False)
    angle = 2 * torch.pi * 1250 * time
    kernels = torch.stack([window * angle.cos(), window * angle.sin()])[:, None] / 60
    if squared:
        return Made(lambda x: F.conv1d(x, kernels).pow(2).sum(1, keepdim=True).mean(-1))
    return Made(lambda x: F.conv1d(x, torch.cat([kernels, -kernels])).relu().sum(1, keepdim=True).mean(-1))


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("rule", RULES)
def test_relevance_lies_in_the_band_that_is_heard(rule: str, squared: bool) -> None:
    torch.manual_seed(0)
    x = (torch.randn(2, 1, 8000) * 4).round() / 8  # quantised, with many zeros
    value, pull = vjp(band_detector(squared), x, rule=RULES[rule])
    q = pull(torch.ones_like(value))
    of_bins = (torch.fft.rfft(x) * torch.fft.rfft(q).conj()).real.abs()
    inside = (torch.fft.rfftfreq(8000, 1 / 8000) - 1250).abs() < 70
    assert float(of_bins[..., inside].sum() / of_bins.sum()) > 0.95


def test_by_the_rule_itself_a_waveform_gets_harmonics() -> None:
    x = torch.randn(1, 1, 8000, generator=torch.Generator().manual_seed(0))
    value, pull = vjp(band_detector(True), x, rule=Gamma(first=True, gamma=math.inf))
    of_bins = (torch.fft.rfft(x) * torch.fft.rfft(pull(torch.ones_like(value))).conj()).real.abs()
    inside = (torch.fft.rfftfreq(8000, 1 / 8000) - 1250).abs() < 70
    assert float(of_bins[..., inside].sum() / of_bins.sum()) < 0.5


# -- What results say -------------------------------------------------------------------------------------


def test_what_was_passed_is_said() -> None:
    model = Made(lambda x, a, h: h(mean(a(x).relu().sort(-1)[0].logcumsumexp(-1))), conv(1, 8), head())
    _, pull = vjp(model, torch.randn(1, 1, 100), rule=Propagation())
    assert [one.op for one in pull.passed if one.governed] == ["conv1d", "relu", "linear"]
    assert {one.op for one in pull.passed if not one.governed} == {"sort", "logcumsumexp"}


def test_many_seeds_are_each_alone(functional: Functional) -> None:
    x = torch.randn(2, 1, 400)
    value, pull = vjp(functional, x, rule=Gamma())
    seeds = torch.randn(4, *value.shape)
    close(pull(seeds), torch.stack([pull(seed) for seed in seeds]))
