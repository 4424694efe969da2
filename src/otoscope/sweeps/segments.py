"""The segments that methods of a sweep are given: those of many sounds, the same when a run is taken up again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otoscope.audio import file_digest
from otoscope.data.segments import IN_FOLDERS, check_names_sounds, check_segments
from otoscope.results import as_json

_Methods = Mapping[str, Mapping[str, Any]]


def segments_digests(methods: _Methods, clips: int) -> dict[str, dict[str, str]]:
    """A hash of the segments of each method that has some, as a field of ``run.json``; no field where none has.

    Raises
    ------
    InputError
        If they are those of one sound, and there are several clips; if a tier is chosen of none.

    Examples
    --------
    >>> segments_digests({"activations": {"layer": None, "segments": None}}, 2)
    {}
    """
    for of in methods.values():
        check_segments(of.get("segments"), of.get("tier"))
    given = {name: of["segments"] for name, of in methods.items() if of.get("segments") is not None}
    for name, segments in given.items() if clips > 1 else ():
        check_names_sounds(segments, methods[name].get("tier"))
    digests = {name: _digest(segments) for name, segments in given.items()}
    return {"segments": digests} if digests else {}


def with_whole_paths(methods: _Methods) -> dict[str, dict[str, Any]]:
    """The same methods with the paths of segments whole, for processes that work elsewhere."""
    return {name: {key: _whole(key, value) for key, value in of.items()} for name, of in methods.items()}


def _whole(argument: str, value: Any) -> Any:
    return str(Path(value).absolute()) if argument == "segments" and isinstance(value, (str, Path)) else value


def _digest(segments: Any) -> str:
    if not isinstance(segments, (str, Path)):
        return hashlib.sha256(as_json({"segments": segments}).encode()).hexdigest()
    path = Path(segments)
    if not path.is_dir():
        return file_digest(path)
    told = hashlib.sha256()  # of names and contents, which are the same in a copy of the folder
    for one in sorted(path.rglob("*")):
        if one.suffix in IN_FOLDERS and one.is_file():
            told.update(f"{file_digest(one)} {one.relative_to(path).as_posix()}\n".encode())
    return told.hexdigest()
