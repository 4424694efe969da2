"""Whether a relevance on a page may be believed, as far as that was tested."""

from __future__ import annotations

from typing import Any

import xarray as xr

from otoscope.app.found import Found
from otoscope.app.numbers import number
from otoscope.trust.blocks import blocks, trust_methods

_FOCUS = {"time": ("focus_start", "focus_stop"), "band": ("focus_low", "focus_high")}
_OF_FOCUS = ("peak_time", "peak_frequency", "sound_share_time", "sound_share_band")


def tested(found: Found, entries: list[dict[str, Any]]) -> None:
    """Give each relevance of a page the blocks that say whether it may be believed, or why there are none.

    The first was tested; where it lies is said as the tests have it, by their frames.
    """
    results = {name: found.results[name] for name in trust_methods() if name in found.results}
    for entry in entries:
        entry["trust"] = []
    if not entries:
        return
    first, *others = entries
    if results:
        first["trust"] = blocks(results)
        first |= _focus(next(iter(results.values())))
        why = f"Tested was the relevance for {first['label']} by the rule {first['rule']}, and not this one."
    else:
        reasons = [found.missing[name] for name in trust_methods() if name in found.missing]
        why = found.untested or f"Whether it may be believed was not tested{f': {reasons[0]}' if reasons else ''}."
        first["trust_note"] = why
    for entry in others:
        entry["trust_note"] = why


def _focus(found: xr.Dataset) -> dict[str, Any]:
    """Where a relevance lies, by the frames of the tests."""
    focus = {
        name: [number(found[edge].item()) for edge in edges]
        for name, edges in _FOCUS.items()
        if all(edge in found for edge in edges)
    }
    known = {name: edges for name, edges in focus.items() if None not in edges}
    return known | {name: number(found[name].item(), 4) for name in _OF_FOCUS if known and name in found}
