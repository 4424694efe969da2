"""Wherever an interrupt comes, the user's model and torch are as before."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from otoscope import Contract, Scope
from otoscope.probe.interrupts import interrupts_wait


class Writing(nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.seen = nn.Conv1d(1, 4, 16, 8), nn.BatchNorm1d(4), []
        self.register_buffer("n", torch.zeros(1))

    def forward(self, x):
        self.n += 1
        self.seen.append(1)
        self.conv.weight.data.mul_(1.01)
        return self.norm(self.conv(x[:, None])).relu().mean(-1)


def changed(model, before):
    """What is not as it was, of a model in training mode all gradients of which are there."""
    now = model.state_dict()
    found = {
        "weights": all(torch.equal(now[name], value) for name, value in before.items()),
        "gradients": all(p.grad is not None for p in model.parameters()),
        "modes": all(one.training for one in model.modules()),
        "list": not model.seen,
        "modes of torch": not (_get_current_function_mode_stack() or _get_current_dispatch_mode_stack()),
        "no_grad": torch.is_grad_enabled(),
        "handler": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    }
    return [name for name, same in found.items() if not same]


def interrupted_at(step, work):
    """Run `work` with a Ctrl-C at one of its steps; whether that came, and how many steps there were."""
    steps = [0]

    def trace(frame, event, arg):
        steps[0] += 1
        if steps[0] == step:
            signal.raise_signal(signal.SIGINT)
        return trace

    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        return True, steps[0]
    finally:
        sys.settrace(None)
    return False, steps[0]


@pytest.fixture
def ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # where it comes in a destructor
def test_a_model_is_left_as_it_was_wherever_an_interrupt_comes(ctrl_c):
    x = torch.randn(1, 800)
    model = Writing().train()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = {name: value.clone() for name, value in model.state_dict().items()}

    contract = Contract(sample_rate=8000, layout="(batch, time)", clips="meet", clip_axis="kept", calls="state")
    scope = Scope(model, contract=contract)

    def work():
        scope.relevance(x, target=1, rule="gradient")

    work()
    _, steps = interrupted_at(0, work)
    came = 0
    for step in range(1, steps, max(1, steps // 60)):
        try:
            came += interrupted_at(step, work)[0]
            threading.Event().wait(0.01)  # for one that had to wait
        except KeyboardInterrupt:
            came += 1
        assert not changed(model, before), step
    assert came > 50


def test_an_interrupt_waits_until_a_context_is_left(ctrl_c):
    done = []

    @contextmanager
    def slow():
        yield
        signal.raise_signal(signal.SIGINT)
        done.append("put back")

    def work():
        with interrupts_wait():
            with slow():
                done.append("worked")
            threading.Event().wait(1)
            done.append("not reached")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["worked", "put back"]


def test_the_handler_of_the_user_is_called_and_stays():
    called = []

    def handler(number, frame):
        called.append(number)

    before = signal.signal(signal.SIGTERM, handler)
    try:
        with interrupts_wait(), interrupts_wait():
            signal.raise_signal(signal.SIGTERM)
        assert called == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)
