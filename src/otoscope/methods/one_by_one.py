"""The results of single clips as that of a batch, for models whose clips must not be run together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import xarray as xr

from otoscope.errors import InputError
from otoscope.heard import joined_note


def together(results: Sequence[xr.Dataset]) -> xr.Dataset:
    """Results of one clip each, with an axis `clip` of length 1, as one result.

    Raises
    ------
    InputError
        If they differ in another axis than `clip`, as where each has most active maps of its own.

    Examples
    --------
    >>> ones = [xr.Dataset({"logit": ("clip", [n])}, attrs={"target": str(n), "rule": "guided"}) for n in (3, 5)]
    >>> both = together(ones)
    >>> both.logit.values.tolist(), both.attrs
    ([3, 5], {'target': '3, 5', 'rule': 'guided'})
    """
    try:
        return xr.concat(
            results,
            "clip",
            data_vars="minimal",
            coords="minimal",
            compat="equals",
            join="exact",
            combine_attrs=lambda attrs, context=None: _joined(attrs),
        )
    except ValueError:
        raise InputError(
            "the clips of this model meet in a batch, so that they were run one by one, and their results have "
            "different axes (such as different most active maps): name what is looked at (channels, layer), or give "
            "one clip at a time"
        ) from None


def _joined(attrs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What all have in common, and what differs as text of each."""
    notes = dict.fromkeys(one["note"] for one in attrs if one.get("note"))
    others = [name for name in attrs[0] if name != "note"]
    return {name: _join(name, [one.get(name) for one in attrs]) for name in others} | joined_note(*notes)


def _join(name: str, values: list[Any]) -> Any:
    if name != "target" and all(value == values[0] for value in values):
        return values[0]
    if name == "resolved":
        objects = [json.loads(value) for value in values]
        each = {key: [one.get(key) for one in objects] for key in objects[0]}
        return json.dumps({key: of[0] if all(one == of[0] for one in of) else of for key, of in each.items()})
    return ", ".join(map(str, values))
