"""Scripted, traced, compiled, exported, checkpointed, parallel and quantised models: right, or refused by name."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from otoscope.errors import InputError
from otoscope.probe import RULES, logits, trace, vjp
from otoscope.probe.originals import originals

X = torch.randn(2, 1, 400, generator=torch.Generator().manual_seed(0))


def plain() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(1, 8, 9, 4), nn.ReLU(), nn.Conv1d(8, 8, 5), nn.GELU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        nn.Linear(8, 3),
    )  # fmt: skip


def with_activation(act) -> nn.Module:
    return Written(lambda m, x: m.net[2:](act(m.net[0](x))), net=plain())


def checkpointed(reentrant: bool) -> nn.Module:
    return Written(lambda m, x: m.net[4:](checkpoint(m.net[:4], x, use_reentrant=reentrant)), net=plain())


def with_part(make) -> nn.Module:
    model = plain()
    model[1] = make(model[1])
    return model


@torch.jit.script
def scripted_relu(x):
    return torch.relu(x)


def compiled(one):
    return torch.compile(one, backend="eager")


SEEN = {
    "scripted function": lambda: with_activation(scripted_relu),
    "traced function": lambda: with_activation(torch.jit.trace(lambda x: F.relu(x), torch.randn(2, 8, 98))),
    "compiled function": lambda: with_activation(compiled(lambda x: x.relu())),
    "compiled": lambda: compiled(plain()),
    "compiled part": lambda: with_part(compiled),
    "graph": lambda: torch.fx.symbolic_trace(plain()),
    "exported": lambda: torch.export.export(plain(), (X,)).module(),
    "exported part": lambda: with_part(lambda one: torch.export.export(one, (torch.randn(2, 8, 98),)).module()),
    "re-entrant checkpoint": lambda: checkpointed(True),
    "checkpoint": lambda: checkpointed(False),
    "parallel": lambda: nn.DataParallel(plain()),
}


def pulled(model: nn.Module, rule: str) -> tuple[Tensor, Tensor, Tensor]:
    value, pull = vjp(model, X, rule=rule)
    seed = torch.eye(3)[1].expand(2, 3)
    return value, pull(seed), pull(torch.stack([seed, -seed]))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", SEEN)
def test_the_python_that_code_was_made_from_is_seen(name, rule):
    model = SEEN[name]()
    for _ in range(2):  # scripted code changes as it runs
        for found, expected in zip(pulled(model, rule), pulled(plain(), rule), strict=True):
            torch.testing.assert_close(found, expected)
    value, pull = vjp(model, X, rule=rule)
    assert [(one.op, one.governed) for one in pull.passed] == [
        ("relu", rule != "gradient"),
        ("gelu", rule != "gradient"),
    ]
    torch.testing.assert_close(model(X), value)


HIDDEN = {
    "scripted": lambda: torch.jit.script(plain()),
    "traced": lambda: torch.jit.trace(plain(), X),
    "frozen": lambda: torch.jit.freeze(torch.jit.script(plain().eval())),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_scripted_model_has_a_gradient_and_no_rule(name):
    model = HIDDEN[name]()
    for _ in range(3):
        torch.testing.assert_close(pulled(model, "gradient")[1], pulled(plain(), "gradient")[1])
        for rule in ("guided", "deconvnet"):
            with pytest.raises(InputError, match=r"governs none of .*scripted model.*give the original module"):
                vjp(model, X, rule=rule)
    with pytest.raises(InputError, match="scripted and compiled models hide them"):
        trace(model, X, 8000)


def test_a_scripted_part_is_named():
    pull = vjp(with_part(torch.jit.script), X, rule="guided")[1]
    assert [(one.name, one.op, one.governed) for one in pull.passed] == [
        ("scripted 1", "relu", False),
        ("3", "gelu", True),
    ]


def test_what_is_quantised_is_refused_by_name():
    model = torch.ao.quantization.quantize_dynamic(plain(), {nn.Linear}, dtype=torch.qint8)
    for rule in RULES:
        with pytest.raises(InputError, match=r"6.linear_dynamic is quantised to integers, and has no deriv.*occlu"):
            vjp(model, X, rule=rule)
    assert logits(model, X).shape == (2, 3)
    _, pull = vjp(model, X, layer="3", rule="guided")  # a tap before it
    assert pull(torch.ones(2, 8, 94)).abs().sum() > 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_has_a_way_back(dtype, rule):
    """By hand and by name: each number within the rounding of a few products."""
    by_name, by_hand = plain(), with_activation(lambda h: h * (h > 0))
    expected = pulled(by_name, rule)[1]
    for model in (by_name.to(dtype), by_hand.to(dtype)):
        value, pull = vjp(model, X.to(dtype), rule=rule)
        found = pull(torch.eye(3)[1].expand(2, 3).to(value))
        assert found.dtype == dtype
        difference = (found.float() - expected).abs().max()
        assert float(difference) < (0.05 if dtype == torch.float16 else 0.3) * float(expected.abs().max())


class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx, grad):
        return grad * (ctx.saved_tensors[0] > 0)


def test_a_derivative_of_its_own_is_named():
    pull = vjp(with_activation(Own.apply), X, rule="guided")[1]
    assert [str(one) for one in pull.passed if not one.governed] == ["a torch.autograd.Function (Own)"]
    alone = Written(lambda m, x: Own.apply(m.conv(x)), conv=nn.Conv1d(1, 2, 9))
    with pytest.raises(InputError, match=r"guided governs none of .*: a torch.autograd.Function \(Own\)"):
        vjp(alone, X, rule="guided")


def under_no_grad(m, x):
    with torch.no_grad():
        x = m.net[0](x)
    return m.net[1:](x)


CUTTING = {
    "numpy": (lambda m, x: m.net(torch.from_numpy(np.ascontiguousarray(x.cpu().numpy()))), r"NumPy \(numpy\)"),
    "array": (lambda m, x: m.net(torch.from_numpy(np.asarray(x) * 1)), r"NumPy \(array\)"),
    "detach": (lambda m, x: m.net(x.detach()), r"\(detach\)"),
    "data": (lambda m, x: m.net(x.data), r"\(data\)"),
    "no_grad": (under_no_grad, r"\(net.0, under torch.no_grad\)"),
}


@pytest.mark.parametrize("name", CUTTING)
def test_what_cuts_gradients_is_named(name):
    forward, where = CUTTING[name]
    model = Written(forward, net=plain())
    for rule in RULES:
        with pytest.raises(InputError, match=f"{where}.*occlusion"):
            vjp(model, X, rule=rule)
    torch.testing.assert_close(logits(model, X), model(X))  # for what needs no gradient


def test_checkpoints_of_another_thread_go_on():
    model, calls = checkpointed(True), []
    seed = torch.ones(2, 3)
    count = model.net[0].register_forward_hook(lambda *_: calls.append(threading.get_ident()))
    leaf = X.clone().requires_grad_()

    def train() -> None:
        model(leaf).backward(seed)

    with originals():
        thread = threading.Thread(target=train)
        thread.start()
        thread.join()
        inside = len(calls)
        model(X.clone().requires_grad_()).backward(seed)
    assert inside == 2  # forward, and again in the backward pass
    assert len(calls) == 3
    count.remove()
    plainly = X.clone().requires_grad_()
    plain()(plainly).backward(seed)
    torch.testing.assert_close(leaf.grad, plainly.grad)


def test_nothing_is_left_behind():
    before = (torch.jit.ScriptFunction.__call__, torch.utils.checkpoint.CheckpointFunction, nn.DataParallel.forward)
    with pytest.raises(ZeroDivisionError), originals(), originals():
        _ = 1 / 0
    after = (torch.jit.ScriptFunction.__call__, torch.utils.checkpoint.CheckpointFunction, nn.DataParallel.forward)
    assert before == after
    assert scripted_relu(torch.tensor(-1.0)) == 0
