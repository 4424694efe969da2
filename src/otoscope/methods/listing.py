"""The methods by name, with their first lines, read off the files: nothing is imported."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

from otoscope.errors import InputError

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = ("methods", "trust")
"""Of methods, a file each; a listing need not import what stands above it."""


class Listed(NamedTuple):
    """Where a method is, and what it does in a line."""

    module: str
    summary: str


@cache
def listing() -> dict[str, Listed]:
    """Of every method that the class in ``scope.py`` has, in its order, the module and the first line."""
    scope = ast.parse((_PACKAGE / "scope.py").read_text(encoding="utf-8"))
    body = next(node.body for node in scope.body if isinstance(node, ast.ClassDef))
    found = {}
    for node in body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute)):
            continue
        name, module = ast.unparse(node.targets[0]), ast.unparse(node.value.value)
        for folder in _FOLDERS:
            path = _PACKAGE / folder / f"{module}.py"
            if path.is_file():
                found[name] = Listed(f"otoscope.{folder}.{module}", summary(path, name))
    return found


def summary(path: Path, name: str) -> str:
    """The first line of the docstring of a function in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    raise InputError(f"{path} has no function {name}")
