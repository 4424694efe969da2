"""The floors of the house in docs/architecture.md: an import points downward only, wherever in a file it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import otoscope

SOURCE = Path(otoscope.__file__).parent
FLOORS = (
    {"_version", "errors"},
    {"types", "files", "citations"},
    {"contract", "audio", "results"},
    {"dsp"},
    {"probe"},
    {"models", "data"},
    {"subject", "training"},
    {"sounds"},
    {"methods"},
    {"tables"},
    {"plots"},
    {"report"},
    {"scope", "comparison"},
    {"demo"},
    {"cli"},
    {"__main__"},
)
"""From the ground up; what stands on one floor does not import its neighbours, but parts of itself."""
NOT = {"training": {"subject"}, "dsp": {"files", "citations", "results", "contract"}, "probe": {"results", "contract"}}
"""What a package does without, though it lies below: so it can be read and used by itself."""
TOP = {"__init__"}  # the names that users import; each is loaded when it is asked for


def package(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


FILES = sorted(path for path in SOURCE.rglob("*.py") if package(path) not in TOP)


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports: at its top, in functions, for type checkers, and by name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "otoscope":
            names = [f"otoscope.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.startswith("otoscope."))


def test_every_package_has_a_floor() -> None:
    assert {package(path) for path in FILES} == set().union(*FLOORS)


@pytest.mark.parametrize("floor", range(len(FLOORS)))
def test_imports_point_downward(floor: int) -> None:
    below = set().union(*FLOORS[:floor])
    for path in FILES:
        own = package(path)
        if own in FLOORS[floor]:
            for name in imported(path):
                other = name.split(".")[1]
                allowed = other == own or (other in below and other not in NOT.get(own, ()))
                assert allowed, f"{path.relative_to(SOURCE)} imports {name}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {
        ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"): path
        for path in FILES
    }
    graph = {name: {owner(one, modules) for one in imported(path)} - {name, ""} for name, path in modules.items()}
    for name, path in modules.items():
        if path.name == "__init__.py":  # a package stands above its own files
            for inner in graph:
                if inner.startswith(f"{name}."):
                    graph[inner].discard(name)
    order: list[str] = []
    while len(order) < len(graph):
        free = [name for name, others in graph.items() if name not in order and others <= set(order)]
        assert free, f"these import each other: {sorted(set(graph) - set(order))}"
        order += free


def owner(name: str, modules: dict[str, Path]) -> str:
    """The module that an imported name is from."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name
