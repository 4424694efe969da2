"""What it says that a part of a sound was taken away, in words and numbers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr

from otoscope.text import span
from otoscope.trust.blocks import Block, noted, number, one_clip
from otoscope.trust.taken_away import DOMAINS

_UNITS: dict[str, Literal["s", "Hz"]] = {"time": "s", "band": "Hz"}
_PARTS = {"time": "interval", "band": "band"}


def block(result: xr.Dataset) -> Block:
    """What a test says, in words and numbers, of one clip."""
    one = one_clip(result)
    own, level = str(one["answer"].item()), str(one["taken_level"].item())
    rows: list[list[Any]] = [["nothing", own, number(float(one["margin"])), "", ""]]
    strong = []
    for row, domain in enumerate(DOMAINS, 1):
        taken = one.sel(domain=domain)
        counts = [(int(taken["elsewhere_changed"][at]), int(taken["elsewhere_count"][at])) for at in range(2)]
        cells = [f"{changed} of {count}" if count else "" for changed, count in counts]
        rows.append([_part(taken, domain), taken["taken_answer"].item(), number(float(taken["taken_margin"])), *cells])
        strong += [[row, 1]] if float(taken["changed"]) == 1 else []
    head, text = _in_words(one, own, level)
    return {
        "method": "taken_away",
        "level": level,  # type: ignore[typeddict-item]
        "head": head,
        "text": noted(text, result),
        "table": {"columns": ["without", "says", "margin", "as wide", "as loud"], "rows": rows, "strong": strong},
        "note": "As wide, as loud: how often the answer changes without another part as wide, or of as much energy.",
    }


def _part(taken: xr.Dataset, domain: str) -> str:
    low, high = float(taken["taken_low"]), float(taken["taken_high"])
    return span(low, high, _UNITS[domain]) if np.isfinite(low) else f"(no {_PARTS[domain]})"


def _in_words(one: xr.Dataset, own: str, level: str) -> tuple[str, str]:
    """The head and the text of a test, as its verdict has it."""
    if level == "none":
        return (
            "No test",
            "Without an answer by classes, or a part to take away, it cannot be asked whether that changes.",
        )
    changes = [domain for domain in DOMAINS if float(one["changed"].sel(domain=domain)) == 1]
    if not changes:
        parts = " nor ".join(_part(one.sel(domain=domain), domain) for domain in DOMAINS)
        return (
            "Taken away, the answer stays",
            f"Neither {parts} is needed for {own}: without either it still says {own}.",
        )
    said = []
    for domain in changes:
        taken = one.sel(domain=domain)
        count, changed = int(taken["elsewhere_count"].sum()), int(taken["elsewhere_changed"].sum())
        what = f"Without {_part(taken, domain)} it says {taken['taken_answer'].item()}"
        others = f"other {_PARTS[domain]}s as wide or as loud"
        if not count:
            said.append(f"{what}; there are no {others} to compare it with.")
        elif changed:
            said.append(f"{what}, but the answer also changes without {changed} of {count} {others}.")
        else:
            said.append(f"{what}; without each of {count} {others} the answer stays.")
    return "Taken away, the answer changes", " ".join(said)
