"""The usual questions to a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from otoscope.cli.common import Flag, Json, Whole
from otoscope.cli.console import begin, counted, err_console
from otoscope.cli.tables import print_frame
from otoscope.errors import InputError
from otoscope.runs import questions
from otoscope.runs.run import Run

Folder = Annotated[Path, Parameter(name="RUN", help="The folder of a sweep.")]
Quiet = Annotated[Flag, Parameter(help="Print no messages.")]
Partial = Annotated[Flag, Parameter(help="Ask a sweep that is not done as far as it is.")]

_NAMED = 10  # maps without top clips, in a message
_OPTIONS = {
    "top": ("layer", "channel", "k", "variable"),
    "dead": ("layer",),
    "summary": ("method", "layer", "channel", "variable", "by", "each_channel", "others"),
    "errors": (),
}


def query(
    run: Folder,
    question: Annotated[
        Literal["top", "dead", "summary", "errors"],
        Parameter(
            name="QUESTION",
            help="What to ask. top: the clips that drive each map most, and what they have in common; dead: maps that "
            "none drives; summary: means with intervals over clips, speakers and seeds; errors: what went wrong, by "
            "cause.",
        ),
    ],
    /,
    *,
    method: Annotated[str | None, Parameter(help="Only this method, of summary.")] = None,
    layer: Annotated[str | None, Parameter(help="Only this layer, by its name or the end of it.")] = None,
    channel: Annotated[Whole | None, Parameter(help="Only this map of the layer.")] = None,
    variable: Annotated[
        str | None, Parameter(help="Only this variable; of top the one that ranks clips, mean_activation, rms or peak.")
    ] = None,
    k: Annotated[Whole | None, Parameter(help="How many clips a map, of top; 5 by default.")] = None,
    by: Annotated[str | None, Parameter(help="A fact of the data, label or split: a row for each, of summary.")] = None,
    each_channel: Annotated[Flag, Parameter(help="A row for each map, of summary.")] = False,
    others: Annotated[
        list[Path] | None,
        Parameter(help="The same sweep of a model from another seed, of summary; may be repeated."),
    ] = None,
    partial: Partial = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask a sweep: top clips of maps, dead maps, means with intervals, or what went wrong."""
    begin(quiet)
    given: dict[str, Any] = {"method": method, "layer": layer, "channel": channel, "variable": variable, "k": k}
    given |= {"by": by, "each_channel": each_channel or None, "others": others}
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name not in _OPTIONS[question]:
            takes = ", ".join(f"--{one.replace('_', '-')}" for one in _OPTIONS[question]) or "no options"
            raise InputError(f"--{name.replace('_', '-')} has no meaning for {question}, which takes {takes}")
    opened = Run(run, partial=partial)
    if "others" in given:
        given["others"] = [Run(other, partial=partial) for other in given["others"]]
    found = getattr(questions, question)(opened, **given)
    notes = _silent(opened, given) if question == "top" else []
    for note in notes:
        err_console.print(note, markup=False)
    if question == "top" and not json:
        print_frame(opened, f"{opened.name}: what they have in common", questions.common(opened, found))
    if question == "dead" and not json:
        counts = found.groupby("layer", dropna=False)["dead"].agg(["sum", "count"])
        for name, (silent, total) in counts.iterrows():
            err_console.print(f"{name}: {silent} of {total} maps are dead", markup=False)
    extra = {"common": questions.common(opened, found)} if question == "top" and json else {}
    print_frame(opened, f"{opened.name}: {question}", found, json=json, extra=extra, question=question, notes=notes)


def _silent(run: Run, given: dict[str, Any]) -> list[str]:
    """In words, which maps have no top clips, layer by layer."""
    found = questions.silent(run, **{name: one for name, one in given.items() if name != "k"})
    return [
        f"{layer}: {counted(len(group), 'map')} without top clips, 0 in every one: "
        + ", ".join(map(str, group["channel"][:_NAMED]))
        + ", ..." * (len(group) > _NAMED)
        for layer, group in found.groupby("layer", dropna=False)
    ]
