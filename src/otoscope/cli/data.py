"""The data sets that can be read, and what of one is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from otoscope.cli.common import Data, Flag, Json
from otoscope.cli.console import (
    Lines,
    begin,
    counted,
    err_console,
    facts_table,
    make_table,
    out_console,
    print_json,
    progress_bar,
)
from otoscope.data.check import Finding, check_data, summary
from otoscope.data.find import find_data
from otoscope.data.items import Source
from otoscope.data.sets import SETS, find_folder, parse, source_of
from otoscope.data.survey import Survey, survey
from otoscope.errors import InputError

_MOST_CLASSES = 60  # that a table lists
_EXAMPLES = 3  # of a finding


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
    facts = _facts(source_of(place.name), folder or place.folder)
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


def check(
    data: Data,
    /,
    *,
    by: Annotated[str | None, Parameter(help="Which of the facts is the class; of a table, a column.")] = None,
    json: Json = False,
    quiet: Annotated[Flag, Parameter(help="Print no messages and no progress.")] = False,
) -> None:
    """Read all sounds and name what harms an evaluation: duplicates and overlaps across splits, silence, and more.

    Equal audio is found by its samples, whatever the files are called. Clipping, DC offsets, unusual lengths,
    different sample rates and labels in the names of files are named too. The exit status is 3 if anything was found
    that harms an evaluation.
    """
    begin(quiet)
    with progress_bar("data check") as report:
        found = find_data(data, by=by)
        for note in found.notes:
            err_console.print(note, markup=False)
        findings = check_data(found, lambda done, total: report(data, done, total))
    harm = [f"{one.kind}: {counted(one.clips, 'sound')}, {one.what}" for one in findings if one.harms]
    if json:
        print_json({"data": data, "sounds": len(found), **summary(findings)})
    else:
        _print_findings(f"{data} ({counted(len(found), 'sound')})", findings)
    if harm:
        err_console.print(f"harms an evaluation: {'; '.join(harm)}", markup=False)
        raise SystemExit(3)


def _print_findings(title: str, findings: list[Finding]) -> None:
    if not findings:
        out_console.print(f"{title}: nothing was found", markup=False)
        return
    rows = [
        {
            "kind": one.kind,
            "clips": one.clips,
            "harms": "yes" if one.harms else "no",
            "what": one.what,
            "first": Lines(one.examples[:_EXAMPLES]),
        }
        for one in findings
    ]
    headings = {"kind": "found", "clips": "sounds", "harms": "harms", "what": "what it is", "first": "first of them"}
    out_console.print(make_table(title, rows, headings))


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
    return Lines(line for line in (one["about"], facts, one["licence"], one["url"]) if line)


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


commands = App(name="data")
"""`otoscope data`, and the commands below it."""
commands.default(data)
commands.command(check)
