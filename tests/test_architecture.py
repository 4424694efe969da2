"""The floors of the house in docs/architecture.md: an import points downward only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import otoscope

SOURCE = Path(otoscope.__file__).parent
GROUND = {"errors", "_version", "files", "citations"}
MAY_IMPORT = {
    "errors": set(),
    "files": {"errors", "_version"},
    "citations": {"errors"},
    "audio": GROUND,
    "dsp": GROUND | {"dsp"},
    "probe": GROUND | {"probe", "dsp"},
    "results": GROUND | {"audio", "plots"},
    "methods": GROUND | {"methods", "probe", "dsp", "audio", "results"},
    "models": GROUND | {"models", "probe", "dsp", "audio"},
    "data": GROUND | {"data", "audio"},
    "training": GROUND | {"training", "probe", "dsp", "audio", "models", "data", "results"},
    "drawing": GROUND,
    "plots": GROUND | {"drawing", "dsp", "plots", "results"},
}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_point_downward(part: str) -> None:
    files = sorted((SOURCE / part).rglob("*.py")) or [SOURCE / f"{part}.py"]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            for name in _modules(node):
                inside = name.split(".")[1]
                assert inside in MAY_IMPORT[part], f"{file.relative_to(SOURCE)} imports {name}"


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module == "otoscope":
        names = [f"otoscope.{alias.name}" for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    else:
        names = []
    return [name for name in names if name.startswith("otoscope.")]
