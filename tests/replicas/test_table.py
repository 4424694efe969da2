"""No method without an independent rewrite of its mathematics.

A test that computes what a method computes without the library's code (from the equation in numpy, or by another
library) is marked with the name of the method:

    @pytest.mark.replica("strs")
    def test_strs_is_equation_1(...): ...

so that a new method brings its entry in its own file. What is marked has to be a test function, and to run where all
tests run: a test that needs a data set or a GPU does not count.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from otoscope.methods.listing import listing

TESTS = Path(__file__).resolve().parents[1]
ELSEWHERE = {"data", "published", "recordings"}
"""Fixtures that skip where there is no folder of data sets."""


def replicas() -> dict[str, list[str]]:
    """Name of the method: the tests that rewrite it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        if path.name == "test_cuda.py":
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                if ELSEWHERE & {argument.arg for argument in node.args.args}:
                    continue
                for mark in filter(None, map(_marked, node.decorator_list)):
                    found[mark].append(f"{path.relative_to(TESTS).as_posix()}::{node.name}")
    return found


def _marked(decorator: ast.expr) -> str | None:
    """The method that ``pytest.mark.replica("method")`` names."""
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.replica":
        (name,) = decorator.args
        assert isinstance(name, ast.Constant) and isinstance(name.value, str), ast.unparse(decorator)
        return name.value
    return None


TABLE = replicas()


@pytest.mark.parametrize("method", list(listing()))
def test_a_method_is_rewritten(method: str) -> None:
    assert TABLE.get(method), f'no test is marked replica("{method}"): write its mathematics again, without its code'


def test_what_is_rewritten_is_a_method() -> None:
    unknown = set(TABLE) - set(listing())
    assert not unknown, f"no methods of Scope: {', '.join(sorted(unknown))}, rewritten by {[TABLE[n] for n in unknown]}"
