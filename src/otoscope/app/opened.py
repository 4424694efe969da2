"""How a user has a model and a sound again: what the calls on a page to copy begin with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from otoscope.app.found import Found


def opened(found: Found) -> dict[str, Any]:
    """`model` and `options`, `sound` (the name of its file, None of an array) with its `part`, and its `rate`.

    Of paths there are the last parts alone: a page that is sent says nothing of folders.
    """
    model = dict(found.model.opened) if found.model else {}
    return {"model": model.get("model"), "options": _plain(model.get("options", {})), **_sound(found.clip)}


def opened_together(founds: Sequence[Found]) -> dict[str, Any]:
    """The same of several models on one sound, as `models`."""
    each = [opened(found) for found in founds]
    models = [{"model": one["model"], "options": one["options"]} for one in each]
    return {"models": models, **_sound(founds[0].clip)}


def _sound(clip: xr.DataArray) -> dict[str, Any]:
    path = clip.attrs.get("path")
    return {
        "sound": Path(str(path)).name if path else None,
        "part": json.loads(clip.attrs.get("excerpt", "{}")),
        "rate": int(clip.attrs["sample_rate"]),
    }


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Options as JSON has them: a path to an output is a list."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
