"""What a control says of a relevance, in words and numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from otoscope.trust.blocks import Block, noted, number, one_clip, r

_AGAINST = -0.5  # correlation of signed maps
_DIGITS = 8  # of a correlation that is held against a threshold


def block(result: xr.Dataset) -> Block:
    """What a control says, in words and numbers, of one clip."""
    one = one_clip(result)
    own, other, level = (str(one[name].item()) for name in ("class_name", "other", "control_level"))
    to_other, to_random, low, high, to_sound, share = (
        float(one[name])
        for name in (
            "control_runner_up", "control_random", "control_random_low", "control_random_high", "control_sound",
            "share_changed",
        )
    )  # fmt: skip
    limits = json.loads(str(result.attrs["arguments"]))
    head, text = _in_words(own, other, to_other, to_random, limits)
    alone = " alone" if own.startswith(f"{other} against ") else ""
    rows: list[list[Any]] = []
    if other:
        rows += [[f"the map for {other}{alone}", number(to_other, _DIGITS), None, None, "model", limits["alike"]]]
    rows += [
        ["random weights", number(to_random, _DIGITS), number(low), number(high), "model", limits["random"]],
        ["the sound itself", number(to_sound), None, None, "sound"],
    ]
    draws, drawn = one.sizes["draw"], int(np.isfinite(one["control_random_draw"].values).sum())
    note = "Random weights: "
    note += f"mean and range of {draws if drawn == draws else f'{drawn} of {draws}'} draws" if drawn else "no draws"
    note += "." if np.isnan(share) else f", {shown_share(share)} % of the weights drawn again."
    note += f" Thresholds of {limits['alike']:g} and {limits['random']:g} are a choice."
    return {
        "method": "control",
        "level": level,  # type: ignore[typeddict-item]
        "head": head,
        "text": noted(text, result),
        "bars": {"columns": ["this map and", "r"], "signed": result.attrs["form"] == "product", "rows": rows},
        "note": note,
    }


def shown_share(share: float) -> str:
    """A share in percent, which is 100 only where it is all.

    Examples
    --------
    >>> shown_share(1.0), shown_share(0.99999), shown_share(0.0321)
    ('100', '99.9', '3.21')
    """
    return f"{100 * share:.3g}" if share == 1 or share < 0.999 else "99.9"


def _in_words(own: str, other: str, to_other: float, to_random: float, limits: Mapping[str, Any]) -> tuple[str, str]:
    """The head and the text of a control, as its verdict has it."""
    of_random = "Random weights were not compared" if np.isnan(to_random) else "Random weights draw less of it"
    same = to_random >= limits["random"]
    of_random = "Random weights draw much of the same picture" if same else of_random
    of_random += "." if np.isnan(to_random) else f" ({r(to_random, limits['random'])})."
    if to_other >= limits["alike"]:
        if own.startswith(f"{other} against "):
            alike = f"This map is nearly that for {other} alone ({r(to_other, limits['alike'])})"
        else:
            alike = f"This map would look nearly the same for {other} ({r(to_other, limits['alike'])})"
        return f"Not evidence for {own}", f"{alike}: do not read it as evidence for {own}. {of_random}"
    if np.isnan(to_other):
        of_other = f"The map for {other} was not compared. " if other else ""
    elif to_other <= _AGAINST:
        of_other = f"What speaks for {own} speaks against {other} ({r(to_other, limits['alike'])}). "
    else:
        of_other = f"The map for {other} is not the same ({r(to_other, limits['alike'])}). "
    if np.isnan(to_other) and np.isnan(to_random):
        return "No control", f"{of_other}{of_random}"
    if same:
        return "Read with care", f"{of_other}{of_random}"
    if np.isnan(to_other) or np.isnan(to_random):
        only = "random weights" if np.isnan(to_other) else f"the map for {other}"
        return f"Only compared with {only}", f"{of_other}{of_random}"
    return "Nothing speaks against it", f"{of_other}{of_random}"
