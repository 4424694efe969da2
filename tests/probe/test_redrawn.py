"""Weights are drawn again wherever they reach an operation, and the model keeps its own."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, weight_norm

from otoscope import Scope
from otoscope.models.sincnet import SincNet
from otoscope.probe.redrawn import Redraw, drawn_like, packed
from otoscope.trust.random_networks import not_drawn, random_subject

RATE = 8000
X = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 1, 800)).astype(np.float32))


class Functional(nn.Module):
    """Weights that no module has, one of them used twice, another seen from the side."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel, self.matrix = nn.Parameter(torch.randn(4, 1, 9)), nn.Parameter(torch.randn(4, 4))
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        h = F.conv1d(x, self.kernel).relu().mean(-1)
        return (h @ self.matrix).relu() @ self.matrix.t() * self.gain


class Gabor(nn.Module):
    """Kernels that are computed of two numbers each."""

    def __init__(self) -> None:
        super().__init__()
        self.frequency, self.width = nn.Parameter(torch.linspace(0.02, 0.4, 6)), nn.Parameter(torch.full((6,), 20.0))
        self.out = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        time = torch.arange(-40, 41, dtype=x.dtype)
        kernels = torch.cos(2 * torch.pi * self.frequency[:, None] * time) * torch.exp(
            -((time / self.width[:, None]) ** 2)
        )
        return self.out(F.conv1d(x, kernels[:, None]).abs().mean(-1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.rnn = nn.Conv1d(1, 4, 20, stride=10), nn.GRU(4, 5, batch_first=True, bidirectional=True)
        self.out = nn.Linear(10, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(self.conv(x).transpose(1, 2))[0].mean(1))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.token = nn.Conv1d(1, 8, 20, stride=10), nn.Parameter(torch.randn(1, 1, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv(x).transpose(1, 2)
        return self.out(self.layer(torch.cat([self.token.expand(len(h), -1, -1), h], 1))[:, 0])


class Complex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pole, self.out = nn.Parameter(torch.randn(801, dtype=torch.complex64)), nn.Linear(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x[:, 0], 1600)
        return self.out(torch.fft.irfft(spectrum * self.pole).square().mean(-1, keepdim=True))


def head(first: nn.Module) -> nn.Module:
    return nn.Sequential(first, nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3))


def normed() -> nn.Module:
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.BatchNorm1d(4), nn.PReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
                          nn.LayerNorm(4), nn.Linear(4, 3))  # fmt: skip
    model.train()(X)
    return model.eval()


def tied() -> nn.Module:
    layers = [nn.Conv1d(1, 4, 9), nn.Conv1d(4, 4, 1), nn.ReLU(), nn.Conv1d(4, 4, 1), nn.AdaptiveAvgPool1d(1)]
    model = nn.Sequential(*layers, nn.Flatten())
    model[3].weight = model[1].weight
    return model


MODELS: dict[str, Callable[[], nn.Module]] = {
    "modules": lambda: head(nn.Conv1d(1, 4, 9)),
    "functional": Functional,
    "sinc": SincNet,
    "gabor": Gabor,
    "weight_norm": lambda: head(weight_norm(nn.Conv1d(1, 4, 9))),
    "parametrised": lambda: head(parametrizations.weight_norm(nn.Conv1d(1, 4, 9))),
    "spectral": lambda: head(parametrizations.spectral_norm(nn.Conv1d(1, 4, 9))),
    "normed": normed,
    "tied": tied,
    "recurrent": Recurrent,
    "attention": Attention,
    "complex": Complex,
}


def subject(name: str) -> Scope:
    torch.manual_seed(0)
    model = MODELS[name]()
    return Scope(model, getattr(model, "sample_rate", RATE))


def inputs(scope: Scope) -> Tensor:
    return scope.whole(np.random.default_rng(0).standard_normal(scope.sample_rate).astype(np.float32))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore")
def test_every_weight_is_drawn_again_and_the_model_is_as_it_was(name: str) -> None:
    scope = subject(name)
    x = inputs(scope)
    before = copy.deepcopy(scope.model.state_dict())
    own = scope.output(x[0, 0])
    other, redraw = random_subject(scope, [0, 0])
    drawn = other.output(x[0, 0])
    assert redraw.reached and redraw.changed == redraw.reached and not redraw.left
    assert not not_drawn(other, redraw, x)
    assert (drawn - own).abs().max() > 1e-3 * own.abs().max()
    assert torch.equal(other.output(x[0, 0]), drawn)  # the same at every pass
    again, _ = random_subject(scope, [0, 0])
    assert torch.equal(again.output(x[0, 0]), drawn)
    another, _ = random_subject(scope, [0, 1])
    assert not torch.equal(another.output(x[0, 0]), drawn)
    assert torch.equal(scope.output(x[0, 0]), own)
    after = scope.model.state_dict()
    assert all(torch.equal(one, before[key]) for key, one in after.items())


def counted(model: nn.Module, x: Tensor = X) -> Redraw:
    redraw = Redraw(model, [0])
    with torch.no_grad(), redraw.in_place(x):
        model(x)
    return redraw


def test_tied_weights_are_one_weight() -> None:
    model = tied()
    redraw = counted(model)
    assert redraw.reached == sum(one.numel() for one in model.parameters())
    with torch.no_grad(), redraw.in_place(X):
        h = torch.relu(model[1](model[0](X)))
        twice = model[3](h)
    weight, bias = redraw._drawn["1.weight"], redraw._drawn["3.bias"]
    assert torch.allclose(twice, F.conv1d(h, weight, bias), atol=1e-6)


def test_views_of_a_weight_are_views_of_what_is_drawn() -> None:
    model = Functional()
    redraw = counted(model)
    assert redraw.reached == 4 * 9 + 16 + 1 and set(redraw._drawn) == {"kernel", "matrix", "gain"}


def test_batch_norm_has_the_statistics_of_the_clip() -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 9, bias=False), nn.BatchNorm1d(4)).eval()
    redraw = counted(model)
    with torch.no_grad(), redraw.in_place(X):
        out = model(X)
    kernel, weight, bias = (redraw._drawn[name] for name in ("0.weight", "1.weight", "1.bias"))
    h = F.conv1d(X, kernel)
    expected = (h - h.mean((0, 2), keepdim=True)) / (h.var((0, 2), keepdim=True) + 1e-5).sqrt()
    assert torch.allclose(out, expected * weight[:, None] + bias[:, None], atol=1e-5)
    assert not model[1].running_mean.any() and model[1].num_batches_tracked == 0


def test_what_leaves_torch_is_said_to_be_left() -> None:
    class Leaking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.scale = nn.Conv1d(1, 2, 9), nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).mean(-1) * self.scale.item()

    model = Leaking()
    assert counted(model).left == {"scale"}
    scope = Scope(model, RATE)
    other, redraw = random_subject(scope, [0])
    assert not_drawn(other, redraw, X) == {"scale": 1}
    found = scope.control(X[0, 0], rule="gradient", draws=2)
    assert np.isnan(found.control_random) and found.share_changed.item() == pytest.approx(20 / 21)
    assert "cannot be drawn again: scale" in found.attrs["note"]


def test_what_is_scripted_is_said_to_be_left() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.out = nn.Conv1d(1, 4, 9), torch.jit.script(nn.Linear(4, 3))

        def forward(self, x: Tensor) -> Tensor:
            return self.out(torch.relu(self.conv(x)).mean(-1))

    found = Scope(Hidden(), RATE).control(X[0, 0], rule="gradient", draws=2)
    assert np.isnan(found.control_random) and found.share_changed < 1 and "out.weight" in found.attrs["note"]


@pytest.mark.filterwarnings("ignore")
def test_packed_weights_are_found() -> None:
    model = head(nn.Conv1d(1, 4, 9))
    if not torch.backends.quantized.supported_engines:
        pytest.skip("this torch has no quantised kernels")
    quantised = torch.ao.quantization.quantize_dynamic(model, {nn.Linear})
    assert packed(model) == [] and "4" in packed(quantised)
    found = Scope(quantised, RATE).control(X[0, 0], rule="occlusion", draws=2)
    assert np.isnan(found.control_random) and "packed" in found.attrs["note"]


def test_kernels_that_are_no_parameters_stay_and_are_named() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("bank", torch.randn(4, 1, 9))
            self.out = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(F.conv1d(x, self.bank).relu().mean(-1))

    found = Scope(Fixed(), RATE).control(X[0, 0], draws=2)
    assert found.share_changed.item() == pytest.approx(15 / (15 + 36))
    assert "kernels of conv1d that are not parameters" in found.attrs["note"] and np.isfinite(found.control_random)


def products(how: str, first: Tensor, second: Tensor) -> Tensor:
    if how == "einsum":
        return torch.einsum("bti,io->bto", first, second)
    if how == "bmm":
        return torch.bmm(first, second[None])
    if how == "addmm":
        return torch.addmm(torch.zeros(second.shape[1]), first[0], second)[None]
    return first @ second if how == "@" else torch.matmul(first, second)


@pytest.mark.parametrize("how", ["@", "matmul", "einsum", "bmm", "addmm"])
@pytest.mark.parametrize("with_head", [False, True])
def test_constants_that_weigh_the_signal_are_named_and_are_no_random_network(how: str, with_head: bool) -> None:
    class Attributes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.kept = [torch.randn(9, 8), torch.randn(8, 4)]
            self.scale = nn.Parameter(torch.rand(4) + 0.5)
            self.head = nn.Linear(4, 4) if with_head else nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            frames = products(how, x[:, 0].unfold(-1, 9, 4), self.kept[0]).relu()
            return self.head((frames.mean(1) @ self.kept[1]) * self.scale)

    found = Scope(Attributes(), RATE).control(X[0, 0], rule="gradient", draws=2)
    name = {"@": "matmul"}.get(how, how)
    assert name in found.attrs["note"] and "not parameters stay" in found.attrs["note"]
    own = 4 + (20 if with_head else 0)
    assert found.share_changed.item() == pytest.approx(own / (own + 72 + 32))
    assert np.isfinite(found.control_random) == with_head
    assert with_head or "only scale and shift" in found.attrs["note"]


def test_a_model_without_parameters_has_no_random_networks() -> None:
    class Level(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x.square().mean(-1), x.abs().mean(-1)], -1)

    found = Scope(Level(), RATE).control(X[0, 0], rule="gradient", draws=2)
    assert np.isnan(found.control_random) and "no parameters" in found.attrs["note"]
    assert np.isfinite(found.control_runner_up)


@pytest.mark.parametrize(
    ("values", "sign"),
    [(torch.rand(500) + 0.1, 1), (-torch.rand(20, 25) - 0.1, -1), (torch.randn(20, 25), 0), (torch.ones(500), 1)],
)
def test_what_is_of_one_sign_keeps_it(values: Tensor, sign: int) -> None:
    drawn = drawn_like(values, np.random.default_rng(0))
    assert bool((drawn != values).all()) and drawn.shape == values.shape
    assert sign == 0 or bool((drawn.sign() == sign).all())
    assert 0.3 < float(drawn.square().mean().sqrt() / values.square().mean().sqrt()) < 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.half, torch.double, torch.complex64])
def test_no_number_is_as_it_was(dtype: torch.dtype) -> None:
    values: Any = torch.randn(40, 40, dtype=torch.float64).to(dtype)
    drawn = drawn_like(values, np.random.default_rng(0))
    assert drawn.dtype == dtype and bool((drawn != values).all())


class Kept(nn.Module):
    """A kernel that was computed of a parameter when the model was made, and is kept in one way or another."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.tone = nn.Parameter(torch.linspace(0.02, 0.4, 4))
        time = torch.arange(-20, 21.0)
        kernel = torch.cos(2 * torch.pi * self.tone[:, None] * time)[:, None]
        self.kept: Any = {"attribute": kernel, "list": [kernel], "detached": kernel.detach()}[how]
        self.out = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.kept[0] if isinstance(self.kept, list) else self.kept
        return self.out(F.conv1d(x, kernel).relu().mean(-1))


@pytest.mark.parametrize("how", ["attribute", "list"])
def test_kernels_that_were_computed_before_are_drawn_again(how: str) -> None:
    found = Scope(Kept(how), RATE).control(X[0, 0], rule="gradient", draws=2)
    assert found.share_changed.item() == 1 and "note" not in found.attrs


def test_kernels_that_no_longer_know_of_their_parameters_are_named() -> None:
    found = Scope(Kept("detached"), RATE).control(X[0, 0], rule="gradient", draws=2)
    assert found.share_changed.item() == pytest.approx(15 / (15 + 4 * 41))
    assert "kernels of conv1d that are not parameters stay" in found.attrs["note"]


def test_parameters_of_no_module_are_drawn_again() -> None:
    kernel = nn.Parameter(torch.randn(4, 1, 9))

    class Loose(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.matrices = [nn.Parameter(torch.randn(4, 3))]

        def forward(self, x: Tensor) -> Tensor:
            return F.conv1d(x, kernel).relu().mean(-1) @ self.matrices[0]

    found = Scope(Loose(), RATE).control(X[0, 0], rule="gradient", draws=2)
    assert found.share_changed.item() == 1 and np.isfinite(found.control_random)


def scaled(how: str, h: Tensor, factor: Tensor, table: Tensor) -> Tensor:
    if how == "mul":
        return h * factor[:, None]
    if how == "div":
        return h / factor[:, None]
    if how == "in place":
        h = h + 0
        h *= factor[:, None]
        return h
    if how == "layer_norm":
        return F.layer_norm(h.transpose(1, 2), (4,), factor).transpose(1, 2)
    chosen = torch.cdist(h.transpose(1, 2), table[None]).argmin(-1)
    return h + table[chosen].transpose(1, 2)


@pytest.mark.parametrize(
    ("how", "said", "numbers"),
    [("mul", "factors of mul", 4), ("div", "factors of div", 4), ("in place", "factors of mul", 4),
     ("layer_norm", "factors of layer_norm", 4), ("table", "tables of getitem", 64)],
)  # fmt: skip
def test_constant_factors_and_tables_are_named_and_counted(how: str, said: str, numbers: int) -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.out = nn.Conv1d(1, 4, 9), nn.Linear(4, 3)
            self.factor, self.table = torch.rand(4) + 0.5, torch.randn(16, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(scaled(how, self.conv(x), self.factor, self.table).relu().mean(-1))

    found = Scope(Scaled(), RATE).control(X[0, 0], rule="gradient", draws=2)
    assert f"{said} that are not parameters stay" in found.attrs["note"]
    assert found.share_changed.item() == pytest.approx(55 / (55 + numbers))


@pytest.mark.parametrize("how", ["window", "mask", "number", "position"])
def test_what_weighs_nothing_is_not_counted(how: str) -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.mask = head(nn.Conv1d(1, 4, 9)), (torch.arange(800) < 600).float()
            self.half, self.position = torch.full((800,), 0.5), torch.randn(800)

        def forward(self, x: Tensor) -> Tensor:
            if how == "position":
                return self.inner(x + self.position)
            given = {"window": torch.hann_window(x.shape[-1]), "mask": self.mask, "number": self.half}
            return self.inner(x * given[how])

    found = Scope(Plain(), RATE).control(X[0, 0], rule="gradient", draws=2)
    assert found.share_changed.item() == 1 and "note" not in found.attrs


def test_a_kernel_that_is_a_product_is_no_random_network_where_the_rest_only_scales() -> None:
    class ByHand(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.kernel, self.gain = torch.randn(9), nn.Parameter(torch.rand(3) + 0.5)

        def forward(self, x: Tensor) -> Tensor:
            return (x.unfold(-1, 9, 1) * self.kernel).sum(-1).relu().mean(-1) * self.gain

    found = Scope(ByHand(), RATE).control(X[0, 0], rule="gradient", draws=2)
    assert np.isnan(found.control_random) and "only scale and shift" in found.attrs["note"]
