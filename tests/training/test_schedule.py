"""The learning rate at every epoch."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch

from otoscope import InputError
from otoscope.training import exponential_decay, warm_up_cosine


def rates(total: int, warm_up: int, lr: float = 0.003) -> list[float]:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    schedule = warm_up_cosine(optimizer, total=total, warm_up=warm_up)
    noted = []
    for _ in range(total + 1):
        noted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return noted


@pytest.mark.parametrize(("total", "warm_up"), [(50, 10), (11, 10), (5, 0), (2, 1)])
def test_it_is_the_equation(total: int, warm_up: int) -> None:
    expected = [
        (epoch + 1) / (warm_up + 1)
        if epoch < warm_up
        else (1 + math.cos(math.pi * (epoch - warm_up) / (total - warm_up))) / 2
        for epoch in range(total + 1)
    ]
    np.testing.assert_allclose(rates(total, warm_up), 0.003 * np.array(expected), rtol=1e-9, atol=1e-15)


def test_it_goes_on_where_a_checkpoint_left_it() -> None:
    def start() -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        return optimizer, warm_up_cosine(optimizer, total=20, warm_up=5)

    for stop in (3, 12):
        optimizer, schedule = start()
        for _ in range(stop):
            optimizer.step()
            schedule.step()
        later, resumed = start()
        later.load_state_dict(optimizer.state_dict())
        resumed.load_state_dict(schedule.state_dict())
        for _ in range(stop, 19):
            for each, following in ((optimizer, schedule), (later, resumed)):
                each.step()
                following.step()
            assert later.param_groups[0]["lr"] == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)


def test_it_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(rates(8, 3)) == 9


@pytest.mark.parametrize(("total", "warm_up"), [(10, 10), (5, 10), (5, -1)])
def test_a_rise_without_a_fall_is_refused(total: int, warm_up: int) -> None:
    with pytest.raises(InputError, match=f"less than total, not {warm_up} of {total}"):
        rates(total, warm_up)


@pytest.mark.parametrize(("decay", "warm_up"), [(0.95, 0), (0.5, 3), (1.0, 1)])
def test_the_decay_is_the_equation(decay: float, warm_up: int) -> None:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=0.003)
    schedule, noted = exponential_decay(optimizer, decay=decay, warm_up=warm_up), []
    for _ in range(12):
        noted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    expected = [(e + 1) / (warm_up + 1) if e < warm_up else decay ** (e - warm_up) for e in range(12)]
    np.testing.assert_allclose(noted, 0.003 * np.array(expected), rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"), [({"decay": 0.0}, "decay"), ({"decay": 1.1}, "decay"), ({"warm_up": -1}, "warm_up")]
)
def test_a_decay_out_of_range_is_refused(options: dict[str, float], message: str) -> None:
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    with pytest.raises(InputError, match=message):
        exponential_decay(optimizer, **options)  # type: ignore[arg-type]
