"""The same numbers on a GPU."""

from __future__ import annotations

import pytest
import torch
from probe_zoo import ZOO, build

from otoscope.probe import RULES, read_taps, trace, vjp

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.mark.parametrize("name", ZOO)
def test_traces_and_values_agree_with_those_of_the_cpu(name):
    model, x = build(name)
    model, x = model.float(), x.float()
    taps, values = trace(model, x, 8000), read_taps(model, x)
    on_gpu, gpu_values = trace(model.cuda(), x.cuda(), 8000), read_taps(model, x.cuda())
    assert list(taps) == list(on_gpu) == list(gpu_values)
    for tap in taps:
        assert repr(taps[tap]) == repr(on_gpu[tap])
        torch.testing.assert_close(gpu_values[tap].cpu(), values[tap], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ZOO)
def test_the_way_back_agrees_with_that_of_the_cpu(name, rule):
    """In double precision: in single, another rounding may choose another maximum of a pool."""
    model, x = build(name)
    tap = list(trace(model, x, 8000))[-1]
    value, pull = vjp(model, x, tap, rule)
    seeds = torch.randn(3, *value.shape, dtype=value.dtype)
    expected = pull(seeds)
    gpu_value, gpu_pull = vjp(model.cuda(), x.cuda(), tap, rule)
    torch.testing.assert_close(gpu_value.cpu(), value, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(gpu_pull(seeds.cuda()).cpu(), expected, rtol=1e-4, atol=1e-4)


def test_recurrence_has_a_way_back_in_evaluation_mode():
    model, x = build("recurrent")
    value, pull = vjp(model.float().cuda(), x.float().cuda())
    assert pull(torch.ones_like(value)).abs().max() > 0
    assert torch.backends.cudnn.enabled
