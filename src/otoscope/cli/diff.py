"""Two runs of the same clips."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from otoscope.cli.common import Flag, Json
from otoscope.cli.console import begin, err_console
from otoscope.cli.query import Folder, Partial, Quiet
from otoscope.cli.tables import print_frame
from otoscope.runs import between
from otoscope.runs.run import Run


def diff(
    first: Annotated[Folder, Parameter(name="RUN_A", help="The folder of a sweep or an evaluation.")],
    second: Annotated[Folder, Parameter(name="RUN_B", help="Another, of the same clips.")],
    /,
    *,
    method: Annotated[str | None, Parameter(help="Of sweeps only this method.")] = None,
    layer: Annotated[str | None, Parameter(help="Of sweeps only this layer, by its name or the end of it.")] = None,
    variable: Annotated[str | None, Parameter(help="Of sweeps only this variable.")] = None,
    each_channel: Annotated[Flag, Parameter(help="Of sweeps a row for each map.")] = False,
    partial: Partial = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Where two sweeps or two evaluations of the same clips differ, with a paired test."""
    begin(quiet)
    runs = [Run(folder, partial=partial) for folder in (first, second)]
    found = between.diff(*runs, method=method, layer=layer, variable=variable, each_channel=each_channel)
    apart = between.unpaired(*runs)
    for one in apart:
        err_console.print(one, markup=False)
    extra = {}
    if runs[0].kind == "evaluation":
        extra["disagreements"] = between.disagreements(*runs)
    print_frame(
        runs[0], f"{runs[0].name} (first) and {runs[1].name} (second)", found, json=json, extra=extra, notes=apart
    )
    if not json:
        for name, table in extra.items():
            print_frame(runs[0], name, table)
