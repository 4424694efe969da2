"""The rows of steps on disk: one small JSON file for each, under its key, and netCDF files beside it for arrays.

A file is written whole or not at all, and the JSON file last: where it is, the step is done.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from otoscope.errors import InputError
from otoscope.files import make_folder, write_text
from otoscope.results import open_result, save
from otoscope.studies.inputs import Folder
from otoscope.studies.step import Outcome, Row, Step

_FORMAT = 1


@dataclass(frozen=True)
class Kept:
    """What is kept of a step.

    Attributes
    ----------
    path : Path
        Of its JSON file.
    key, recipe : str
        As of :class:`~otoscope.studies.step.Step`.
    rows : list of mapping
        With the labels of the step as their first columns.
    results : mapping of str to Path
        Its netCDF files.
    inputs : mapping of str to str
        The fingerprint of each input.
    """

    path: Path
    key: str
    recipe: str
    rows: list[dict[str, Any]]
    results: Mapping[str, Path] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    def result(self, name: str) -> xr.Dataset:
        """An array of the step, by its name."""
        return open_result(self.results[name])


class Store:
    """Rows in a folder that is written to, and in folders that are read only.

    Parameters
    ----------
    folder : Path or None
        Where new rows go; None to read only.
    also : sequence of Path
        Folders that are looked into as well, such as that of the rows in the repository.
    """

    def __init__(self, folder: Path | None, also: Sequence[Path] = ()) -> None:
        self.folder = folder
        self._folders = [one for one in (folder, *also) if one is not None]

    def find(self, step: Step, data: Folder, *, any_data: bool = False) -> Kept | None:
        """What is kept of a step.

        Parameters
        ----------
        step : Step
        data : Folder
        any_data : bool
            Also take rows of the same step on other data, where there are none of the data that is there. Where there
            is no data at all, rows of any data are taken.

        Returns
        -------
        Kept or None
            None where the step has not been computed.

        Raises
        ------
        InputError
            If a file is damaged.
        """
        key = step.key(data)
        if key is not None:
            for folder in self._folders:
                path = folder / _file(step, key)
                if path.is_file():
                    return read_kept(path)
        if key is None or any_data:
            for folder in self._folders:
                for path in sorted(folder.glob(f"{_plain(step.table)}-*.json")):
                    kept = read_kept(path)
                    if kept.recipe == step.recipe:
                        return kept
        return None

    def write(self, step: Step, data: Folder, outcome: Outcome) -> Kept:
        """Keep what a step found.

        Raises
        ------
        InputError
            If the folder cannot be written, or the rows hold anything but plain values.
        """
        if self.folder is None:
            raise InputError("there is no folder to write rows to: give --out")
        make_folder(self.folder)
        key = step.key(data)
        if key is None:
            raise InputError(f"the data of {step.name} is not there any more")
        path = self.folder / _file(step, key)
        for name, result in outcome.results.items():
            save(result, path.with_name(f"{path.stem}.{_plain(name)}.nc"))
        content = {
            "format": _FORMAT,
            "table": step.table,
            "key": key,
            "recipe": step.recipe,
            "version": step.version,
            "labels": dict(step.labels),
            "arguments": dict(step.arguments),
            "inputs": {one.name: data.fingerprint(one) for one in step.inputs},
            "needs": [one.key(data) for one in step.needs],
            "command": step.command,
            "results": {name: f"{path.stem}.{_plain(name)}.nc" for name in outcome.results},
            **_columns([{**step.labels, **row} for row in outcome.rows], step),
        }
        write_text(path, _compact(content))
        return read_kept(path)


def copy_kept(kept: Kept, folder: Path) -> None:
    """Copy what is kept of a step into another folder, as that of the repository."""
    make_folder(folder)
    for path in kept.results.values():
        shutil.copyfile(path, folder / path.name)
    write_text(folder / kept.path.name, kept.path.read_text(encoding="utf-8"))


def read_kept(path: Path) -> Kept:
    """Read the file of a step.

    Raises
    ------
    InputError
        If it is not one, or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise InputError(f"{path} is of another version of Otoscope: remove it, and run the study again")
        columns = content["columns"]
        rows = [dict(zip(columns, map(_read, row), strict=True)) for row in content["rows"]]
        results = {name: path.with_name(file) for name, file in content["results"].items()}
        return Kept(path, content["key"], content["recipe"], rows, results, content["inputs"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is damaged ({error}): remove it, and run the study again") from None


def _file(step: Step, key: str) -> str:
    return f"{_plain(step.table)}-{key}.json"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _columns(rows: Sequence[Row], step: Step) -> dict[str, Any]:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return {"columns": columns, "rows": [[_written(row.get(name), step, name) for name in columns] for row in rows]}


def _written(value: Any, step: Step, column: str) -> Any:
    """A plain value, with what JSON has no number for in words."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": str(value)}
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise InputError(f"column {column!r} of {step.name} holds a {type(value).__name__}: give plain values")
    return value


def _read(value: Any) -> Any:
    return float(value["number"]) if isinstance(value, dict) else value


def _compact(content: dict[str, Any]) -> str:
    """JSON with a line for each row, so that a change of one shows as such."""
    rows = content.pop("rows")
    head = json.dumps(content, indent=1, allow_nan=False)[:-2]
    body = ",\n".join(f"  {json.dumps(row, allow_nan=False, ensure_ascii=False)}" for row in rows)
    return f'{head},\n "rows": [\n{body}\n ]\n}}\n' if rows else f'{head},\n "rows": []\n}}\n'
