"""The same numbers on a GPU as on the CPU. These tests import nothing but the core, pytest, and each other's models."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
import xarray as xr
from probe_zoo import ZOO, build
from torch import Tensor, nn

from otoscope import Scope, load
from otoscope.probe import RULES, Activation, read_taps, trace, verify, vjp

DEVICE = "cuda"
pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU that CUDA can use"),
]
RATE = 8000


@pytest.fixture(autouse=True)
def _full_precision() -> Iterator[None]:
    """Convolutions and matrix products of float32 in float32: TF32 keeps 10 bits of the mantissa."""
    flags = torch.backends.cudnn, torch.backends.cuda.matmul
    before = [flag.allow_tf32 for flag in flags]
    for flag in flags:
        flag.allow_tf32 = False
    yield
    for flag, allowed in zip(flags, before, strict=True):
        flag.allow_tf32 = allowed


@pytest.mark.parametrize("name", ["plain", "recurrent", "spectrogram"])
def test_traces_are_proved(name: str) -> None:
    model, x = build(name)
    checks = verify(model.to(DEVICE), x.to(DEVICE), RATE)
    assert all(check.passed for check in checks), [check for check in checks if not check.passed]


def close(found: Tensor, expected: Tensor) -> None:
    assert found.device.type == DEVICE
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ZOO)
def test_traces_and_values_agree_with_those_of_the_cpu(name: str) -> None:
    model, x = build(name)
    model, x = model.float(), x.float()
    taps, values = trace(model, x, RATE), read_taps(model, x)
    model, x = model.to(DEVICE), x.to(DEVICE)
    on_gpu, gpu_values = trace(model, x, RATE), read_taps(model, x)
    assert list(taps) == list(on_gpu) == list(gpu_values)
    for tap in taps:
        assert repr(taps[tap]) == repr(on_gpu[tap])
        close(gpu_values[tap], values[tap])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ZOO)
def test_the_way_back_agrees_with_that_of_the_cpu(name: str, rule: str) -> None:
    """In double precision: in single, another rounding may choose another maximum of a pool."""
    model, x = build(name)
    tap = list(trace(model, x, RATE))[-1]
    value, pull = vjp(model, x, tap, rule)
    seeds = torch.randn(3, *value.shape, dtype=value.dtype)
    expected = pull(seeds)
    gpu_value, gpu_pull = vjp(model.to(DEVICE), x.to(DEVICE), tap, rule)
    close(gpu_value, value)
    close(gpu_pull(seeds.to(DEVICE)), expected)


@pytest.mark.parametrize("rule", RULES)
def test_many_seeds_in_one_pass_are_one_after_another(rule: str) -> None:
    passes: list[str] = []

    def counted(grad: Tensor, activation: Activation) -> Tensor:
        passes.append(activation.name)
        return RULES[rule](grad, activation)

    model, x = build("plain")
    value, pull = vjp(model.to(DEVICE), x.to(DEVICE), rule=counted)
    seeds = torch.randn(7, *value.shape, dtype=value.dtype, device=DEVICE)
    assert pull.seeds_at_once >= len(seeds)
    together = pull(seeds)
    in_one_pass = len(passes)
    one_by_one = torch.stack([pull(seed) for seed in seeds])
    assert len(passes) == 8 * in_one_pass
    close(together, one_by_one.cpu())


def test_recurrence_has_a_way_back_in_evaluation_mode() -> None:
    """For which cuDNN has none."""
    model, x = build("recurrent")
    value, pull = vjp(model.float().to(DEVICE), x.float().to(DEVICE))
    assert pull(torch.ones_like(value)).abs().max() > 0
    assert torch.backends.cudnn.enabled


# What a user sees


def network(precision: torch.dtype = torch.float64, device: str = DEVICE) -> Scope:
    torch.manual_seed(3)
    model = load("cnn12", width=0.1, n_classes=4)
    assert isinstance(model, nn.Module)
    return Scope(model.to(device, precision))


def wave() -> np.ndarray:
    time = np.arange(4000) / RATE
    noise = np.random.default_rng(0).standard_normal(len(time))
    return (0.4 * np.sin(880 * np.pi * time) + 0.2 * np.sin(3000 * np.pi * time) + 0.05 * noise).astype("f4")


def numbers(result: xr.DataArray | xr.Dataset) -> dict[str, np.ndarray]:
    whole = result.to_dataset() if isinstance(result, xr.DataArray) else result
    return {str(name): values.values for name, values in whole.data_vars.items()}


@pytest.mark.parametrize("layer", ["features.pool2", "features.relu9"])
def test_sonifications_are_those_of_the_cpu(layer: str) -> None:
    found, expected = (numbers(network(device=device).sonify(wave(), layer=layer)) for device in (DEVICE, "cpu"))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.abs(values).max() > 1e-2
        np.testing.assert_allclose(found[name], values, atol=1e-4)


@pytest.mark.parametrize("rule", RULES)
def test_relevance_is_that_of_the_cpu(rule: str) -> None:
    found, expected = (numbers(network(device=device).relevance(wave(), rule=rule)) for device in (DEVICE, "cpu"))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        scale = np.abs(values).max()
        assert scale > 0
        np.testing.assert_allclose(found[name] / scale, values / scale, atol=1e-4)


@pytest.mark.parametrize("look", [Scope.wigner, Scope.filters, Scope.geometry])
def test_what_is_said_of_the_weights_is_that_of_the_cpu(look: Callable[[Scope], xr.Dataset]) -> None:
    found, expected = (numbers(look(network(device=device))) for device in (DEVICE, "cpu"))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-4 * np.nanmax(np.abs(values)))


@pytest.mark.parametrize("precision", [torch.half, torch.bfloat16])
def test_half_precision_is_close_to_single(precision: torch.dtype) -> None:
    half, single = network(precision), network(torch.float32)
    assert list(half.taps()) == list(single.taps())
    np.testing.assert_allclose(half.output(wave()).float().cpu(), single.output(wave()).cpu(), atol=0.05)
    for look in (lambda scope: scope.relevance(wave(), target=0), lambda scope: scope.sonify(wave(), layer="pool2")):
        rough, fine = (next(iter(numbers(look(scope)).values())).ravel() for scope in (half, single))
        assert np.isfinite(rough).all()
        assert np.corrcoef(rough, fine)[0, 1] > 0.95
