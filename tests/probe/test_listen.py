"""Models are left as they were, whatever happens while they run."""

from __future__ import annotations

import signal
import sys

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import Tensor, nn
from torch.overrides import _get_current_function_mode_stack

from otoscope.errors import InputError
from otoscope.probe import read_taps, trace, vjp
from otoscope.probe.listen import evaluating

LOOKS = {
    "trace": lambda model, x: trace(model, x, 1.0),
    "read_taps": read_taps,
    "vjp": vjp,
    "vjp of a tap": lambda model, x: vjp(model, x, "a"),
    "vjp under a rule": lambda model, x: vjp(model, x, rule="guided"),
}


class Failure(Exception):
    pass


def is_clean(model: nn.Module) -> bool:
    hooks = [m._forward_hooks or m._forward_pre_hooks or m._forward_hooks_always_called for m in model.modules()]
    return not any(hooks) and not _get_current_function_mode_stack()


def mixed_modes(model: nn.Module) -> list[bool]:
    """Put modules in training by turns; the modes they are in."""
    model.train()
    for i, module in enumerate(model.modules()):
        module.training = i % 2 == 0
    return [module.training for module in model.modules()]


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_hooks_and_modes_are_put_back(look):
    model = Written(
        lambda m, x: F.relu(m.drop(m.b(m.a(x)))), a=nn.Conv1d(1, 4, 9), b=nn.BatchNorm1d(4), drop=nn.Dropout(0.9)
    )
    modes = mixed_modes(model)
    running = model.b.running_mean.clone()
    look(model, torch.randn(2, 1, 50))
    assert is_clean(model)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(model.b.running_mean, running)


@pytest.mark.parametrize("error", [Failure, KeyboardInterrupt])
@pytest.mark.parametrize("look", [LOOKS[name] for name in LOOKS if name != "vjp of a tap"])
def test_also_after_an_exception_in_the_model(look, error):
    def fail(m, x: Tensor) -> Tensor:
        raise error

    model = Written(lambda m, x: m.inner(m.a(x)), a=nn.Conv1d(1, 4, 9), inner=Written(fail))
    modes = mixed_modes(model)
    with pytest.raises(error):
        look(model, torch.randn(2, 1, 50))
    assert is_clean(model)
    assert [module.training for module in model.modules()] == modes
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()


def test_after_an_exception_in_the_rule():
    def broken(grad, activation):
        raise Failure

    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU())
    value, pull = vjp(model, torch.randn(2, 1, 50), rule=broken)
    with pytest.raises(Failure):
        pull(value)
    assert is_clean(model)


def test_names_are_right_after_an_exception_that_the_model_catches():
    def deep(m, x: Tensor) -> Tensor:
        F.relu(x)
        raise Failure

    def forward(m, x: Tensor) -> Tensor:
        try:
            x = m.outer(x)
        except Failure:
            x = F.relu(m.a(x))
        return F.gelu(m.b(x))

    outer = Written(lambda m, x: m.deep(x), deep=Written(deep))
    model = Written(forward, outer=outer, a=nn.Conv1d(1, 4, 9), b=nn.Conv1d(4, 3, 5))
    x = torch.randn(1, 1, 50)
    names = ["outer.deep.relu", "a", "relu", "b", "gelu"]
    assert list(trace(model, x, 1.0)) == list(read_taps(model, x)) == names
    for name in names:
        vjp(model, x, name)
    assert is_clean(model)


def test_names_are_right_when_a_hook_of_the_user_fails_before_a_module_is_entered():
    def refuse(module: nn.Module, args: object) -> None:
        raise Failure

    def forward(m, x: Tensor) -> Tensor:
        try:
            return m.inner(x)
        except Failure:
            return F.relu(m.a(x))

    model = Written(forward, inner=nn.Conv1d(1, 4, 9), a=nn.Conv1d(1, 4, 9))
    hook = model.inner.register_forward_pre_hook(refuse)
    assert list(trace(model, torch.randn(1, 1, 50), 1.0)) == ["a", "relu"]
    hook.remove()


def test_a_model_that_catches_everything_stops_nothing():
    def forward(m, x: Tensor) -> Tensor:
        try:
            return F.relu(m.a(x))
        except BaseException:
            return x

    model, x = Written(forward, a=nn.Conv1d(1, 4, 9)), torch.randn(1, 1, 50)
    value, pull = vjp(model, x, "a")
    assert torch.equal(value, model.a(x))
    assert pull(value).shape == x.shape
    assert is_clean(model)


def test_hooks_of_the_user_stay():
    model, calls = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU()), []
    handle = model[0].register_forward_hook(lambda *args: calls.append(1))
    trace(model, torch.randn(1, 1, 50), 1.0)
    assert set(calls) == {1}, "once for the clip, once for a longer one"
    assert len(model[0]._forward_hooks) == 1
    handle.remove()


def test_backends_are_left_as_they_were():
    model = Written(lambda m, x: F.relu(m.lstm(x.mT)[0]), lstm=nn.LSTM(1, 3, batch_first=True))
    flags = torch.backends.cudnn
    before = (flags.enabled, flags.deterministic, flags.benchmark)
    flags.deterministic = True
    try:
        seen: list[tuple[bool, bool]] = []
        model.register_forward_pre_hook(lambda *args: seen.append((flags.enabled, flags.deterministic)))
        vjp(model, torch.randn(1, 1, 20))
        assert seen == [(False, True)], "recurrence leaves cuDNN for the moment, and nothing else changes"
        assert flags.deterministic
    finally:
        flags.deterministic = before[1]
    assert (flags.enabled, flags.deterministic, flags.benchmark) == before


def test_calls_inside_calls_work():
    """A model may itself look at another one."""
    inner = nn.Sequential(nn.Conv1d(1, 2, 5), nn.ReLU())
    model = Written(lambda m, x: m.conv(x) + read_taps(m.inner, x)["1"].mean(), conv=nn.Conv1d(1, 2, 5), inner=inner)
    taps = trace(model, torch.randn(1, 1, 50), 1.0)
    assert taps["conv"].shape == (1, 2, 46)
    assert is_clean(model)


def test_a_forward_that_ends_the_process_is_refused_and_a_signal_that_does_is_obeyed():
    class Exits(nn.Module):
        def forward(self, x):
            raise SystemExit(0)

    with pytest.raises(InputError, match=r"the forward pass of Exits ends the process, by sys\.exit\(0\)"):
        trace(Exits(), torch.ones(1, 1, 40), 1.0)
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    try:
        with pytest.raises(SystemExit), evaluating(nn.ReLU()):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_forward_that_trains_is_refused_where_its_weights_are_held_still():
    class Adapts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv1d(1, 4, 16, 4), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
            self.step = torch.optim.SGD(self.body.parameters(), lr=0.1)

        def forward(self, waveform: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad():
                self.step.zero_grad()
                self.body(waveform.detach()).sum().backward()
                self.step.step()
            return self.body(waveform)

    model, inputs = Adapts(), torch.randn(1, 1, 200)
    before = [one.clone() for one in model.parameters()]
    with pytest.raises(InputError, match=r"backward\(\) in its forward pass"):
        vjp(model, inputs, rule="guided")
    assert all(map(torch.equal, model.parameters(), before))
    assert all(parameter.grad is None for parameter in model.parameters())
