"""Data sets on the command line: what DATA may be, the options that go with it, and what is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otoscope.cli.common import AsJson, app, facts_table, make_table, out_console, print_json

if TYPE_CHECKING:
    from otoscope.data.items import Source
    from otoscope.data.labelled import Sound
    from otoscope.data.survey import Survey
    from otoscope.scope import Scope

_DATA_HELP = (
    "A data set by name (see `otoscope data`): `vowels`, the built-in one, fsdd:FOLDER, or fsdd@test:FOLDER for a part "
    "of it. Or a folder with a folder for each class, or a csv file with the columns file and label."
)
Data = Annotated[str, typer.Argument(metavar="DATA", help=_DATA_HELP, show_default=False)]
By = Annotated[
    str | None,
    typer.Option(
        help="What is told apart, such as vowel or register of `vowels` (see `otoscope data`), or a column of a csv."
    ),
]
Layers = Annotated[list[str] | None, typer.Option("--layer", help="Taps; the ends of all blocks by default.")]
Limit = Annotated[int | None, typer.Option(help="Take at most so many sounds, evenly over the classes.")]


def find_sounds(place: str | Path, scope: Scope, by: str | None, limit: int | None) -> list[Sound]:
    """The labelled sounds of a data set, those that are built in at the rate of the model."""
    from otoscope.data.labelled import labelled_sounds

    return labelled_sounds(place, by=by, limit=limit, sample_rate=scope.sample_rate)


def waves_and_labels(sounds: list[Sound]) -> tuple[list[Any], list[str]]:
    """The sounds, and their labels, each by themselves."""
    return [wave for wave, _ in sounds], [label for _, label in sounds]


_MOST_CLASSES = 60  # that a table lists


@app.command()
def data(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A data set, also as DATA of other commands; all by default."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Where it lies; OTOSCOPE_DATA/NAME by default.")
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """List the data sets that can be read, or what of one is there."""
    from otoscope.data.sets import SETS, parse
    from otoscope.data.survey import survey
    from otoscope.errors import InputError

    if name is None:
        _list([_facts(source) for source in SETS.values()], as_json)
        return
    place = parse(name)
    if folder is not None and place.folder is not None:
        raise InputError(f"two folders are given, {place.folder} and {folder}: give one")
    facts = _facts(SETS[place.name], folder or place.folder)
    if facts["folder"] is None and place.name != "vowels":
        found, shown = None, facts | {"note": f"no folder was given, and OTOSCOPE_DATA has no folder {place.name}"}
    else:
        found, shown = survey(place.name, folder or place.folder, task=by, splits=place.splits), facts
    if as_json:
        print_json(facts | ({} if found is None else _numbers(found)))
        return
    out_console.print(facts_table({key: ", ".join(v) if isinstance(v, list) else v for key, v in shown.items()}))
    if found is not None:
        _show(place.name, found)


def _facts(source: Source, folder: Path | None = None) -> dict[str, Any]:
    from otoscope.data.sets import find_folder

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


def _list(facts: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({"data_sets": facts})
        return
    rows = [{"name": one["name"], "about": _in_words(one)} for one in facts]
    table = make_table(
        "data sets", rows, {"name": "name", "about": "what it is, what is told apart, parts, licence, from"}
    )
    table.show_lines = True
    table.columns[-1].overflow = "fold"  # addresses are whole, to be copied
    out_console.print(table)


def _in_words(one: dict[str, Any]) -> str:
    """All of a data set in one cell, for as many columns do not fit a terminal."""
    kinds = (("by", "tasks"), ("parts", "splits"))
    told = "; ".join(f"{word} {', '.join(one[key])}" for word, key in kinds if one[key])
    return "\n".join(line for line in (one["about"], told, one["licence"], one["url"]) if line)


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
