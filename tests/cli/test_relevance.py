"""The command of a relevance says beside it whether it may be believed, unless asked not to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from method_examples import Example
from otoscope import Scope

Otoscope = Callable[..., Any]
KEYS = ("class", "probability", "runner_up", "margin", "control_runner_up", "control_random", "control_sound")


def test_rows_carry_the_numbers_of_the_control(otoscope: Otoscope, example: Callable[[str], Example]) -> None:
    one = example("relevance")
    ran = otoscope("relevance", one.model, *one.given, "--rule", "gradient", "--target", "b", "--json")
    (row,) = ran.json()["rows"]
    assert set(KEYS) <= set(row) and row["class"] == "b"
    control = Scope(one.model).control(*one.given, rule="gradient", target="b")
    for name in KEYS[1:]:
        assert row[name] == control[name].item(), name


def test_the_two_lines_stand_below_the_table(otoscope: Otoscope, example: Callable[[str], Example]) -> None:
    one = example("relevance")
    out = otoscope("relevance", one.model, *one.given).out
    control, taken = (
        next(line for line in out.splitlines() if line.startswith(name)) for name in ("control:", "taken")
    )
    assert "r = " in control and taken.startswith("taken away: Taken away, the answer")


def test_no_control_leaves_it_out(otoscope: Otoscope, example: Callable[[str], Example]) -> None:
    one = example("relevance")
    (row,) = otoscope("relevance", one.model, *one.given, "--no-control", "--json").json()["rows"]
    assert not [name for name in row if name.startswith("control")] and {"class", "margin"} <= set(row)
    out = otoscope("relevance", one.model, *one.given, "--no-control").out
    assert "control:" not in out and "taken away" not in out


def test_in_python_a_relevance_has_no_control(example: Callable[[str], Example]) -> None:
    one = example("relevance")
    assert not [name for name in Scope(one.model).relevance(*one.given) if str(name).startswith("control")]


def test_what_is_no_class_has_none(otoscope: Otoscope, example: Callable[[str], Example]) -> None:
    one = example("relevance")
    ran = otoscope("relevance", one.model, *one.given, "--target", "energy", "--rule", "gradient", "--json")
    (row,) = ran.json()["rows"]
    assert row["class"] is None and row["control_runner_up"] is None
    assert row["control_random"] == pytest.approx(row["control_random"], abs=0) and -1 <= row["control_random"] <= 1


@pytest.mark.parametrize("name", ["control", "taken-away"])
def test_methods_of_trust_print_their_line(otoscope: Otoscope, example: Callable[[str], Example], name: str) -> None:
    one = example(name.replace("-", "_"))
    assert f"{name.replace('-', ' ')}: " in otoscope(name, one.model, *one.given).out
