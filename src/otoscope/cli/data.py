"""The data sets that can be read, and what of one is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from otoscope.cli.common import Json
from otoscope.cli.console import facts_table, make_table, out_console, print_json
from otoscope.data.items import Source
from otoscope.data.sets import SETS, find_folder, parse
from otoscope.data.survey import Survey, survey
from otoscope.errors import InputError

_MOST_CLASSES = 60  # that a table lists


def data(
    name: Annotated[
        str | None, Parameter(name="NAME", help="A data set, also as DATA of other commands; all by default.")
    ] = None,
    folder: Annotated[Path | None, Parameter(name="FOLDER", help="Its folder; OTOSCOPE_DATA/NAME by default.")] = None,
    /,
    *,
    by: Annotated[str | None, Parameter(help="Which of the facts is the class, such as speaker of fsdd.")] = None,
    json: Json = False,
) -> None:
    """List the data sets that can be read, or what of one is there."""
    if name is None:
        _list([_facts(source) for source in SETS.values()], json)
        return
    place = parse(name)
    if folder is not None and place.folder is not None:
        raise InputError(f"two folders are given, {place.folder} and {folder}: give one")
    facts = _facts(SETS[place.name], folder or place.folder)
    if facts["folder"] is None and place.name != "vowels":
        found, shown = None, facts | {"note": f"no folder was given, and OTOSCOPE_DATA has no folder {place.name}"}
    else:
        found, shown = survey(place.name, folder or place.folder, task=by, splits=place.splits), facts
    if json:
        print_json(facts | ({} if found is None else _numbers(found)))
        return
    out_console.print(facts_table({key: ", ".join(v) if isinstance(v, list) else v for key, v in shown.items()}))
    if found is not None:
        _show(place.name, found)


def _facts(source: Source, folder: Path | None = None) -> dict[str, Any]:
    place = folder or find_folder(source.name)
    return {
        "name": source.name,
        "about": source.about,
        "licence": source.licence,
        "url": source.url,
        "tasks": list(source.tasks),
        "splits": list(source.splits),
        "sample_rate": source.sample_rate,
        "folder": None if place is None else str(place),
    }


def _numbers(found: Survey) -> dict[str, Any]:
    parts = [part._asdict() | {"missing": part.missing or None} for part in found.parts]
    return {"classes": list(found.classes), "parts": parts, "notes": list(found.notes)}


def _list(facts: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json({"data_sets": facts})
        return
    rows = [{"name": one["name"], "about": _in_words(one)} for one in facts]
    table = make_table("data sets", rows, {"name": "name", "about": "description, classes by, parts, licence, source"})
    table.show_lines = True
    table.columns[-1].overflow = "fold"  # addresses are whole, to be copied
    out_console.print(table)


def _in_words(one: dict[str, Any]) -> str:
    """All of a data set in one cell, for as many columns do not fit a terminal."""
    kinds = (("classes by", "tasks"), ("parts", "splits"))
    facts = "; ".join(f"{word} {', '.join(one[key])}" for word, key in kinds if one[key])
    return "\n".join(line for line in (one["about"], facts, one["licence"], one["url"]) if line)


def _show(name: str, found: Survey) -> None:
    """How many sounds each part has, of each class where a table can hold them, and what is missing."""
    parts = [part for part in found.parts if not part.missing]
    if len(found.classes) <= _MOST_CLASSES:
        rows = [{"class": label} | {part.split: part.classes[label] for part in parts} for label in found.classes]
        rows.append({"class": "sounds"} | {part.split: part.sounds for part in parts})
        out_console.print(make_table(name, rows, {"class": "class"} | {part.split: part.split for part in parts}))
    else:
        rows = [{"part": p.split, "sounds": p.sounds, "classes": sum(n > 0 for n in p.classes.values())} for p in parts]
        out_console.print(make_table(name, rows, {"part": "part", "sounds": "sounds", "classes": "classes"}))
    for line in (*found.notes, *(f"{part.split} is missing: {part.missing}" for part in found.parts if part.missing)):
        out_console.print(line, markup=False)
