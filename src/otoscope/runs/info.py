"""What ``run.json`` says of a run, read and checked: whatever is asked of it afterwards is there, and of its type."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otoscope.errors import InputError

SCHEMA = 1
"""Version of the layout of a run folder, and of its tables."""

INFORMS = (("model", "given"), ("data", "given"))
"""Fields that do not distinguish one run from another."""

_FIELDS = {
    "model.name": str,
    "model.sha256": str,
    "model.given": str,
    "data.given": str,
    "data.count": int,
    "methods": dict,
    "versions.otoscope": str,
}
_OF_SWEEP = {"shards": int, "shard_size": int, "batch_size": int, "model.subject": dict}
_IF_THERE = {"model.subject": dict, "model.subject.sample_rate": int, "model.subject.channels": int, "classes": list}
_WORDS = {str: "text", int: "a whole number above 0", dict: "an object", list: "a list"}


def read_info(folder: Path) -> dict[str, Any]:
    """What the run in a folder is.

    Raises
    ------
    FileNotFoundError
        If there is none.
    InputError
        If ``run.json`` cannot be read, is of another version, or was changed so that it says no more what it has to.
    """
    path = folder / "run.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    if not isinstance(info, dict) or info.get("schema") != SCHEMA or info.get("kind") not in ("sweep", "evaluation"):
        found = info.get("schema") if isinstance(info, dict) else None
        raise InputError(
            f"{folder} is a run of another version of Otoscope (schema {found}, not {SCHEMA}): use that version, or "
            "make the run again in another folder"
        )
    needed = _FIELDS | (_OF_SWEEP if info["kind"] == "sweep" else {})
    for field, kind in (needed | _IF_THERE).items():
        value: Any = info
        for name in field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if value is None and field not in needed:
            continue
        if type(value) is not kind or (isinstance(value, int) and value < 1):
            found = "missing" if value is None else json.dumps(value, ensure_ascii=False)[:60]
            raise InputError(
                f"{path} was changed: {field} has to be {_WORDS[kind]}, and is {found}; put it back as it was, or make "
                "the run again in another folder"
            )
    return info


def fingerprint(run: Mapping[str, Any]) -> str:
    """A hash of all that distinguishes a run from others."""
    told = {
        name: {key: value for key, value in of.items() if (name, key) not in INFORMS} if isinstance(of, dict) else of
        for name, of in run.items()
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
