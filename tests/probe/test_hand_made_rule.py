"""Rules against ones made by hand: a derivative of its own for every activation, and plain autograd."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from otoscope.probe import vjp

Act = Callable[[str, Tensor], Tensor]


def rule_by_hand(rule: str) -> Act:
    """An activation by name, with the rule as its derivative."""
    slopes = {
        "selu": lambda x: 1.0507009873554805 * torch.where(x > 0, 1.0, 1.6732632423543772 * x.exp()),
        "tanh": lambda x: 1 - x.tanh() ** 2,
        "abs": torch.sign,
        "snake": lambda x: 1 + torch.sin(2 * 0.7 * x),
        "one": torch.ones_like,
    }
    values = {
        "selu": F.selu,
        "tanh": torch.tanh,
        "abs": torch.abs,
        "snake": lambda x: x + torch.sin(0.7 * x) ** 2 / 0.7,
        "one": torch.clone,
    }

    class Ruled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, name):
            ctx.save_for_backward(x)
            ctx.name = name
            return values[name](x)

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            if rule == "gradient":
                return grad * slopes[ctx.name](x), None
            grad = grad * (grad > 0)
            return (grad if rule == "deconvnet" else grad * slopes[ctx.name](x) * (x > 0)), None

    return lambda name, x: Ruled.apply(x, name)


class GraphAttention(nn.Module):
    """Nodes that attend to their products, with a map of (node, node) and tanh."""

    def __init__(self, size: int, out: int) -> None:
        super().__init__()
        self.pairs, self.weight = nn.Linear(size, out), nn.Parameter(torch.randn(out, 1))
        self.with_attention, self.without = nn.Linear(size, out), nn.Linear(size, out)
        self.norm = nn.BatchNorm1d(out)

    def forward(self, x: Tensor, net: AntiSpoofing) -> Tensor:
        pairs = net.tanh(self.pairs(x[:, :, None] * x[:, None]))  # (clip, node, node, feature)
        attention = torch.softmax(torch.matmul(pairs, self.weight) / 2.0, dim=-2)[..., 0]
        x = self.with_attention(attention @ x) + self.without(x)
        x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return net.selu_(x)


class AntiSpoofing(nn.Module):
    """Sinc-like front end, two-dimensional residual blocks, graphs over time and frequency, their pools and a readout.

    `act` replaces each activation by its name where it is given.
    """

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.front = nn.Conv1d(1, 23, 65)
        self.first_norm = nn.BatchNorm2d(1)
        self.in_1, self.in_2, self.in_down = (
            nn.Conv2d(1, 8, (2, 3), padding=1),
            nn.Conv2d(8, 8, (2, 3), padding=(0, 1)),
            nn.Conv2d(1, 8, 1),
        )
        self.in_norm = nn.BatchNorm2d(8)
        self.graph_time, self.graph_frequency = GraphAttention(8, 6), GraphAttention(8, 6)
        self.pool = nn.Linear(6, 1)
        self.position = nn.Parameter(torch.randn(1, 7, 8))
        self.out = nn.Linear(4 * 6, 2)
        self.act: Act | None = None

    def selu_(self, x: Tensor) -> Tensor:
        return self.act("selu", x) if self.act else F.selu(x, inplace=True)

    def tanh(self, x: Tensor) -> Tensor:
        return self.act("tanh", x) if self.act else torch.tanh(x)

    def magnitude(self, x: Tensor) -> Tensor:
        return self.act("abs", x) if self.act else torch.abs(x)

    def block(self, x: Tensor) -> Tensor:
        y = self.in_2(self.selu_(self.in_norm(self.in_1(x))))
        if self.act:
            y = y + self.in_down(x)
        else:
            y += self.in_down(x)
        return F.max_pool2d(y, (1, 3))

    def keep_best(self, x: Tensor) -> Tensor:
        """Half of the nodes, weighted by their scores."""
        scores = torch.sigmoid(self.pool(x))
        x = x * scores
        _, best = torch.topk(scores, max(1, x.shape[1] // 2), dim=1)
        return torch.gather(x, 1, best.expand(-1, -1, x.shape[2]))

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.magnitude(self.front(x)[:, None]), (3, 3))
        x = self.block(self.selu_(self.first_norm(x)))
        of_frequency, _ = torch.max(self.magnitude(x), dim=3)
        of_time, _ = torch.max(self.magnitude(x), dim=2)
        frequency = self.graph_frequency(of_frequency.transpose(1, 2)[:, :7] + self.position, self)
        time = self.graph_time(of_time.transpose(1, 2), self)
        read = []
        for nodes in (self.keep_best(frequency), self.keep_best(time)):
            largest, _ = torch.max(self.magnitude(nodes), dim=1)
            read += [largest, nodes.mean(1)]
        return self.out(torch.cat(read, dim=1))


def by_hand(model: nn.Module, x: Tensor, rule: str, seed: Tensor) -> Tensor:
    model.act = rule_by_hand(rule)
    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(model(leaf), leaf, seed)
    model.act = None
    return grad


@pytest.mark.parametrize("rule", ["gradient", "guided", "deconvnet"])
def test_a_network_with_graph_attention_and_activations_in_place(rule):
    model = AntiSpoofing().double().eval()
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    x, seed = torch.randn(2, 1, 800, dtype=torch.float64), torch.eye(2).double()
    expected = by_hand(model, x, rule, seed)
    value, pull = vjp(model, x, rule=rule)
    torch.testing.assert_close(value, model(x))
    assert float(expected.abs().max()) > 0
    torch.testing.assert_close(pull(seed), expected, rtol=1e-8, atol=1e-12 * float(expected.abs().max()))
    governed = {one.op for one in pull.passed if one.governed}
    assert governed == (set() if rule == "gradient" else {"selu", "tanh", "abs"})
    assert {"softmax", "sigmoid"} <= {one.op for one in pull.passed if not one.governed}


def through(by: Act | None, name: str, x: Tensor) -> Tensor:
    plain = {"abs": torch.abs, "snake": lambda x: x + torch.sin(0.7 * x).pow(2) / 0.7, "one": lambda x: x}
    return by(name, x) if by else plain[name](x)


FORMS = {
    "abs": lambda h, by: through(by, "abs", h),
    "snake": lambda h, by: through(by, "snake", h),
    "maxout of chunks": lambda h, by: through(by, "one", torch.max(*h.chunk(2, 1))),
    "maxout of halves": lambda h, by: through(by, "one", torch.maximum(h[:, :3], h[:, 3:])),
    "maxout of an axis": lambda h, by: through(by, "one", h.view(h.shape[0], 3, 2, -1).max(2).values),
    "maxout by amax": lambda h, by: through(by, "one", h.unflatten(1, (3, 2)).amax(2)),
    "smooth maxout": lambda h, by: through(by, "one", h.reshape(h.shape[0], 3, 2, -1).logsumexp(2)),
    "glu": lambda h, by: F.glu(h, 1) if by is None else by("one", h[:, :3]) * h[:, 3:].sigmoid(),
    "glu by a product": lambda h, by: through(by, "one", h[:, :3]) * h[:, 3:].sigmoid(),
    "gated tanh": lambda h, by: (by("tanh", h[:, :3]) if by else h[:, :3].tanh()) * h[:, 3:].sigmoid(),
    "three pieces": lambda h, by: through(
        by, "one", torch.max(through(by, "one", torch.max(h[:, 0:2], h[:, 2:4])), h[:, 4:6])
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
@pytest.mark.parametrize("form", FORMS)
def test_what_has_no_module(form, rule):
    class Net(nn.Module):
        act: Act | None = None

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Conv1d(1, 6, 9), nn.LazyConv1d(6, 5)

        def forward(self, x: Tensor) -> Tensor:
            return FORMS[form](self.b(FORMS[form](self.a(x), self.act)), self.act)

    model, x = Net(), torch.randn(2, 1, 80)
    seed = torch.randn_like(model(x)).double()
    model, x = model.double(), x.double()
    _, pull = vjp(model, x, rule=rule)
    torch.testing.assert_close(pull(seed), by_hand(model, x, rule, seed), rtol=1e-10, atol=1e-12)
    assert any(one.governed for one in pull.passed)


@pytest.mark.parametrize(
    "pool",
    [
        lambda h: h.max(-1, keepdim=True).values,
        lambda h: h.amax(-1, keepdim=True),
        lambda h: h.view(*h.shape[:2], -1, 4).max(-1).values,
        lambda h: torch.max(h[..., ::2], h[..., 1::2]),
        lambda h: torch.maximum(h[..., 1:], h[..., :-1]),
    ],
)
def test_the_maximum_over_time_is_a_pooling(pool):
    class Net(nn.Module):
        act: Act | None = None

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.a = nn.Conv1d(1, 6, 9)

        def forward(self, x: Tensor) -> Tensor:
            x = self.a(x)
            return pool(self.act("tanh", x) if self.act else x.tanh())

    model, x = Net().double(), torch.randn(2, 1, 80).double()
    seed = torch.randn_like(model(x))
    for rule in ("guided", "deconvnet"):
        pull = vjp(model, x, rule=rule)[1]
        torch.testing.assert_close(pull(seed), by_hand(model, x, rule, seed))
        assert [one.kind for one in pull.passed] == ["activation", "selection"]
