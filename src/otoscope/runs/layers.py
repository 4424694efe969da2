"""Layers of a sweep, by their names or the ends of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from otoscope.errors import InputError
from otoscope.runs.run import Run


def layer_of(run: Run, layer: str | None) -> str | None:
    """The full name of a layer that is given by the end of its name; None of None.

    Raises
    ------
    InputError
        If the run has no such layer, or several; the message lists its layers.
    """
    if layer is None or has_rows(run, "layer = ?", [layer]):
        return layer
    for where in (f"clip < {run.info['shard_size']}", "true"):  # one part has the layers of all, but for errors
        known = run.sql(f"SELECT DISTINCT layer FROM rows WHERE layer IS NOT NULL AND {where} ORDER BY layer")["layer"]
        found = [name for name in known if name.endswith(f".{layer}")]
        if len(found) == 1:
            return str(found[0])
    what = "there is no layer" if not found else "several layers are called"
    raise InputError(f"{what} {layer!r} in {run.folder}; its layers are {', '.join(known)}")


def has_rows(run: Run, where: str, values: Sequence[Any]) -> bool:
    """Whether there is such a row, which is soon found out where one is, as the rows are sorted."""
    return len(run.sql(f"SELECT 1 FROM rows WHERE {where} LIMIT 1", values)) > 0


def in_order(layer: str) -> list[tuple[int, int, str]]:
    """What layers are sorted by: the numbers in their names, of those that have some.

    Examples
    --------
    >>> sorted(["pool10", "pool2", "relu1"], key=in_order)
    ['pool2', 'pool10', 'relu1']
    """
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", layer)]
