"""A trace proves itself on every stranger, and pages are written of those that are hardest to look into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from page_decoder import manifest_of
from strangers import ways
from strangers.untouched import untouched
from strangers.zoo import ZOO, clip, made, scope

pytestmark = [pytest.mark.strangers, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if not one.random])
def test_the_trace_is_proved(name: str) -> None:
    model = made(name)
    with untouched(model):
        checks = scope(name, model).verify(clip(name))
    assert sum(check.passed is True for check in checks) > len(ZOO[name].truth)
    assert not [check for check in checks if check.passed is False]


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if one.random])
def test_what_is_random_is_not_proved(name: str) -> None:
    failed = [check for check in scope(name, made(name)).verify(clip(name)) if check.passed is False]
    assert [check.check for check in failed] == ["repeat"] and "random" in failed[0].details


@pytest.mark.parametrize(("network", "code"), [("Two", 0), ("Streaming", 0), ("MonteCarlo", 1)])
def test_the_command_says_whether_the_trace_is_proved(network: str, code: int, otoscope: Callable[..., Any]) -> None:
    ran = otoscope("taps", f"{ways.__file__}:{network}", "--sample-rate", 8000, "--verify")
    assert ran.code == code, ran.err


@pytest.mark.parametrize("name", ["aasist", "crepe", "embedding", "enhancer", "frame_level", "no_gradient_front"])
def test_a_page_is_written(name: str, tmp_path: Path) -> None:
    model = made(name)
    with untouched(model):
        scope(name, model).inspect(clip(name), tmp_path / "page")
    assert manifest_of(tmp_path / "page" / "report.html")["runs"][0]["model"] == name
