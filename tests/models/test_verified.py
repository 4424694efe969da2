"""`otoscope taps MODEL --verify` proves what it lists of every model that comes with Otoscope, in under a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from otoscope import models

BOUNDED = 60.0  # s of processor time


@pytest.mark.slow
@pytest.mark.parametrize("name", models.available())
def test_traces_of_the_zoo_are_proved_within_a_minute(otoscope: Callable[..., Any], name: str) -> None:
    start = time.process_time()
    checks = otoscope("taps", name, "--verify", "--json", "--device", "cpu").json()["checks"]
    assert time.process_time() - start < BOUNDED
    assert checks[0]["check"] == "repeat" and checks[0]["passed"]
    for check in checks:
        assert check["passed"] or check["details"] == "the model takes no longer clip", check
    assert {check["tap"] for check in checks if check["check"] == "gradient" and check["passed"]} == {
        check["tap"] for check in checks if check["tap"]
    }
