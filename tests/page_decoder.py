"""Reads the arrays of a page as its table of codings says, sample by sample as the page does."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Ref = dict[str, Any]
KINDS = {"sound", "db", "signed", "share", "map", "envelope"}


def read(packed: bytes, ref: Ref) -> np.ndarray:
    """An array of a part."""
    if "at" not in ref:
        return np.zeros(ref["n"])
    raw, at = zlib.decompress(packed), ref["at"]
    kind = ref["kind"]
    if kind == "sound":
        n, values, level = ref["n"], [], 0
        for i in range(n):
            level = (level + raw[at + i] + 256 * raw[at + n + i] + 2**15) % 2**16 - 2**15
            values.append(level * ref["peak"] / (2 ** (ref["bits"] - 1) - 1))
        return np.array(values)
    if kind == "map":
        coded = np.frombuffer(raw, np.uint8, ref["n"], at).astype(float)
        return (coded - 128) / 127 * ref["peak"]
    rows, columns = ref["shape"]
    if kind == "envelope":
        return np.frombuffer(raw, np.int8, rows * columns, at).reshape(rows, columns) / 127 * ref["peak"]
    steps = np.frombuffer(raw, np.uint8, rows * columns, at).reshape(rows, columns).astype(int)
    coded = np.zeros((rows, columns))
    for column in range(columns):
        coded[:, column] = (steps[:, column] + (coded[:, column - 1] if column else 0)) % 256
    if kind == "db":
        return (coded / 255 - 1) * ref["floor"]
    if kind == "signed":
        root = (coded - 128) / 127
        return np.sign(root) * root**2 * ref["top"]
    assert kind == "share"
    return (coded / 255) ** 2 * ref["peak"]


def manifest_of(page: Path) -> dict[str, Any]:
    """What is shown on a page in one file, which has to be plain JSON without NaN."""
    text = page.read_text("utf-8")
    found = re.search(r'<script type="application/json" id="manifest">(.*?)</script>', text, re.DOTALL)
    assert found is not None, "the page has no manifest"
    manifest: dict[str, Any] = json.loads(found[1], parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    return manifest


def refs(value: Any, part: str = "") -> Iterator[tuple[str, Ref]]:
    """Every array of a manifest, with the name of its part: that which the nearest object around it names."""
    if isinstance(value, dict):
        if value.get("kind") in KINDS and ("n" in value or "shape" in value):
            yield part, value
            return
        inside = value.get("part", part)
        for one in value.values():
            yield from refs(one, inside)
    elif isinstance(value, list):
        for one in value:
            yield from refs(one, part)
