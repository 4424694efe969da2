"""NT-Xent against the equation in numpy, and two processes against one."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import Tensor

from otoscope import InputError
from otoscope.training import nt_xent

CLIPS, DIMENSION = 6, 5


def views() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, CLIPS, DIMENSION, generator=generator, dtype=torch.float64)
    return first, second + 0.5 * first


def by_equation(first: np.ndarray, second: np.ndarray, temperature: float) -> float:
    """Equation 3.7 as it is written, view by view."""
    z = np.concatenate([first, second])
    count = len(z)
    losses = []
    for i in range(count):
        j = (i + count // 2) % count
        similar = [
            math.exp(z[i] @ z[k] / np.linalg.norm(z[i]) / np.linalg.norm(z[k]) / temperature) for k in range(count)
        ]
        losses.append(-math.log(similar[j] / sum(similar[k] for k in range(count) if k != i)))
    return float(np.mean(losses))


@pytest.mark.parametrize("temperature", [0.1, 0.3, 1.0])
def test_it_is_the_equation(temperature: float) -> None:
    first, second = views()
    loss = nt_xent(first, second, temperature=temperature)
    assert float(loss) == pytest.approx(by_equation(first.numpy(), second.numpy(), temperature), rel=1e-12)


def test_its_gradient_is_that_of_finite_differences() -> None:
    first, second = (view.requires_grad_() for view in views())
    assert torch.autograd.gradcheck(nt_xent, (first, second))


def test_lengths_and_the_order_of_views_do_not_count() -> None:
    first, second = views()
    loss = nt_xent(first, second)
    scales = torch.arange(1, CLIPS + 1, dtype=torch.float64)[:, None]
    torch.testing.assert_close(nt_xent(scales * first, second / scales), loss)
    torch.testing.assert_close(nt_xent(second, first), loss)
    order = torch.randperm(CLIPS, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(nt_xent(first[order], second[order]), loss)


def test_views_that_are_all_alike_cannot_be_told_apart() -> None:
    alike = torch.ones(CLIPS, DIMENSION, dtype=torch.float64)
    assert float(nt_xent(alike, alike)) == pytest.approx(math.log(2 * CLIPS - 1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype: torch.dtype) -> None:
    first, second = (view.to(dtype) for view in views())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nt_xent(first, second)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(by_equation(first.double().numpy(), second.double().numpy(), 0.1), rel=1e-5)


def rank_of_two(rank: int, folder: str) -> None:
    """One of two processes: its half of the clips through a layer whose gradients are averaged."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    mine = slice(rank * CLIPS // 2, (rank + 1) * CLIPS // 2)
    torch.save(loss_and_gradients(*(view[mine] for view in views()), average=True), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def loss_and_gradients(first: Tensor, second: Tensor, *, average: bool) -> list[Tensor]:
    layer = torch.nn.Linear(DIMENSION, 4, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.sin(torch.arange(4.0 * DIMENSION)).reshape(4, DIMENSION))
        layer.bias.copy_(torch.arange(4.0) / 10)
    loss = nt_xent(layer(first), layer(second))
    loss.backward()
    gradients = [parameter.grad for parameter in layer.parameters()]
    if average:  # as DistributedDataParallel does
        for gradient in gradients:
            dist.all_reduce(gradient)
            gradient /= 2
    return [loss.detach(), *gradients]


@pytest.mark.skipif(not dist.is_available() or not dist.is_gloo_available(), reason="this torch has no gloo")
def test_two_processes_learn_as_one_with_all_clips(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(rank_of_two, (str(tmp_path),), nprocs=2)
    whole = loss_and_gradients(*views(), average=False)
    assert whole[1].abs().max() > 0.01
    for rank in range(2):
        for part, expected in zip(torch.load(tmp_path / f"{rank}.pt"), whole, strict=True):
            torch.testing.assert_close(part, expected, rtol=1e-12, atol=1e-14)


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(InputError, match=r"the same shape \(clip, dimension\), not \(2, 3\) and \(3, 3\)"):
        nt_xent(torch.zeros(2, 3), torch.zeros(3, 3))
    with pytest.raises(InputError, match="above 0, not 0"):
        nt_xent(*views(), temperature=0)
