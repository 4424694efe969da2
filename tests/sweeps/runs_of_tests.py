"""Sounds to sweep over, and what a run folder holds, as it is compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

RATE = 8000


def write_sounds(folder: Path, each: int = 4) -> Path:
    draw = np.random.default_rng(0)
    for label in "abc":
        (folder / label).mkdir(parents=True)
        for number in range(each):
            samples = draw.uniform(-0.4, 0.4, 1600 + 200 * (number % 4))
            soundfile.write(folder / label / f"{number}.wav", samples, RATE)
    return folder


def read(run: Path, kind: str = "rows") -> list[dict[str, Any]]:
    """All rows of a run, in the order of its parts."""
    parts = sorted((run / kind).glob("*.parquet"))
    return pa.concat_tables([pq.read_table(part) for part in parts]).to_pylist() if parts else []


def content(run: Path) -> dict[str, bytes]:
    """Every file of a run."""
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


def table(run: Path) -> list[tuple[Any, ...]]:
    """The sorted table of a run."""
    columns = ("method", "layer", "channel", "variable", "at", "clip", "value", "text")
    return sorted((tuple(row[name] for name in columns) for row in read(run)), key=repr)


def values(run: Path, **where: Any) -> dict[int, Any]:
    """Value by clip of the rows that agree with `where`."""
    chosen = [row for row in read(run) if all(row[name] == value for name, value in where.items())]
    return {row["clip"]: row["value"] if row["text"] is None else row["text"] for row in chosen}


def items(run: Path) -> list[dict[str, Any]]:
    return pq.read_table(run / "items.parquet").to_pylist()


def run_json(run: Path) -> dict[str, Any]:
    return json.loads((run / "run.json").read_text())
