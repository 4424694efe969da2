"""The floors of the house in docs/architecture.md: an import points downward only, wherever in a file it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import otoscope

SOURCE = Path(otoscope.__file__).parent
FLOORS = (
    {"_version", "text"},
    {"errors", "markup"},
    {"embedded"},
    {"types", "files", "flac", "citations", "mixing", "optional", "processes"},
    {"contract", "audio", "results", "causes"},
    {"pieces"},
    {"dsp", "metrics"},
    {"probe"},
    {"models", "data", "network"},
    {"trial"},
    {"answers"},
    {"subject", "training"},
    {"heard"},
    {"sounds"},
    {"methods"},
    {"trust"},
    {"tables"},
    {"plots", "evaluation", "runs"},
    {"sweeps"},
    {"descriptions"},
    {"app"},
    {"report"},
    {"scope", "comparison"},
    {"demo", "opened", "server", "studies"},
    {"cli"},
    {"__main__"},
)
"""From the ground up; what stands on one floor does not import its neighbours, but parts of itself."""
NOT = {
    "training": {"subject"},
    "dsp": {"files", "citations", "results", "contract"},
    "metrics": {"files", "citations", "results", "contract"},
    "probe": {"results", "contract"},
}
"""What a package does without, though it lies below: so it can be read and used by itself."""
TOP = {"__init__"}  # the names that users import; each is loaded when it is asked for


def package(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


FILES = sorted(path for path in SOURCE.rglob("*.py") if package(path) not in TOP)


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports: at its top, in functions, for type checkers, and by name."""
    here = ("otoscope", *path.relative_to(SOURCE).parent.parts)  # the package of the file
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) + 1 - node.level] if node.level else ()
            module = ".".join([*base, *filter(None, [node.module])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            names = [text for text in map(literal, node.args[:1]) if text]
        else:
            continue
        yield from (name for name in names if name.startswith("otoscope."))


def literal(node: ast.expr) -> str:
    """The text of an expression, as far as it is written out from its beginning."""
    if isinstance(node, ast.JoinedStr):
        node = node.values[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import otoscope.plots.crs", "otoscope.plots.crs"),
        ("from otoscope import plots", "otoscope.plots"),
        ("from otoscope.plots import crs", "otoscope.plots.crs"),
        ("def f():\n    from ..plots import crs", "otoscope.plots.crs"),
        ("from .. import plots", "otoscope.plots"),
        ("from . import strs", "otoscope.methods.strs"),
        ("from .strs import strs", "otoscope.methods.strs.strs"),
        ("importlib.import_module('otoscope.plots')", "otoscope.plots"),
        ("import_module(f'otoscope.plots.{name}')", "otoscope.plots."),
        ("__import__('otoscope.plots')", "otoscope.plots"),
    ],
)
def test_every_form_of_import_is_seen(line: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.SOURCE", tmp_path)
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/crs.py").write_text(line)
    assert list(imported(tmp_path / "methods/crs.py")) == [name]


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
