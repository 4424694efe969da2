"""Writes to weights are looked for where the model computes, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from otoscope.probe import trace
from otoscope.probe.listen import evaluating
from otoscope.probe.state import kept
from otoscope.probe.writes import Writes, unwatched


@pytest.fixture
def watched(monkeypatch) -> list[str]:
    """The operations at which was looked."""
    names, dispatch = [], Writes.__torch_dispatch__

    def noting(self: Writes, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        names.append(str(func))
        return dispatch(self, func, types, args, kwargs)

    monkeypatch.setattr(Writes, "__torch_dispatch__", noting)
    return names


class Growing(nn.Module):
    """Doubles its weights whenever it runs, through memory that torch keeps no count of."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.table = nn.Conv1d(1, 4, 9), nn.Embedding(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        self.conv.weight.data.mul_(2)
        h = torch.special.erf(torch.stft(self.conv(x)[:, 0], 16, 8, window=torch.ones(16), return_complex=True).abs())
        return nn.functional.max_pool1d(h, 3).relu()


def test_a_trace_is_watched_where_the_model_computes_and_not_in_its_own_arithmetic(watched):
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU(), nn.Conv1d(4, 4, 9), nn.Softplus()).eval()
    with evaluating(model):
        model(torch.randn(1, 1, 800))
    passes = len(watched)
    trace(model, torch.randn(1, 1, 800), 8000)
    assert len(watched) - passes <= 3 * passes, "two passes, and the place of the waveform"


def test_poolings_are_as_fast_as_without(watched):
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.MaxPool1d(2)).eval()
    trace(model, torch.randn(1, 1, 800), 8000)
    assert not [name for name in watched if "pool" in name]


def test_a_pooling_that_writes_to_a_weight_is_seen():
    class Into(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.kept = nn.Conv1d(1, 4, 9), nn.Parameter(torch.ones(1, 4), requires_grad=False)

        def forward(self, x: Tensor) -> Tensor:
            return torch.amax(self.conv(x).relu(), 2, out=self.kept.data)

    model = Into()
    trace(model, torch.randn(1, 1, 200), 8000)
    assert torch.equal(model.kept, torch.ones(1, 4))


def test_a_traced_model_keeps_its_weights_though_it_writes_to_them():
    model = Growing().eval()
    before = model.conv.weight.detach().clone()
    trace(model, torch.randn(1, 1, 400), 8000)
    assert torch.equal(model.conv.weight, before)


def test_a_model_that_runs_unwatched_is_looked_at_anew(watched):
    model = Growing().eval()
    before = model.conv.weight.detach().clone()
    with kept(model):
        with unwatched():
            torch.ones(3).mul(2)
            assert not watched
            with kept(model):
                model(torch.randn(1, 1, 400))
            assert watched
            assert torch.equal(model.conv.weight, before)
        seen = len(watched)
        torch.ones(3)
        assert len(watched) == seen + 1, "and on it goes"


def test_modes_of_the_user_go_on():
    class Counting(torch.utils._python_dispatch.TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.count += 1
            return func(*args, **(kwargs or {}))

    with Writes([]), Counting() as counting, unwatched():
        torch.ones(3)
    assert counting.count == 1


def test_no_compiler_is_imported():
    code = """if True:
        import sys, torch
        from otoscope.probe import trace
        class Averaged(torch.nn.Sequential):
            def forward(self, x):
                return torch.cat([super(Averaged, self).forward(x).mean(-1), torch.ones(len(x), 2)], 1).relu()
        trace(Averaged(torch.nn.Conv1d(1, 4, 9), torch.nn.ReLU()), torch.zeros(1, 1, 400), 8000)
        sys.exit("torch._dynamo" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
