"""Runs as a site of plain files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from otoscope.app.export import PAGE
from otoscope.app.export import export as export_runs
from otoscope.app.run_page import TOP
from otoscope.cli.common import Flag, Json, Whole
from otoscope.cli.common import Folder as OutFolder
from otoscope.cli.console import begin, counted, err_console, out_console, print_json, progress_bar
from otoscope.cli.query import Partial, Quiet
from otoscope.descriptions.describe import Description, describe
from otoscope.descriptions.measured import facts_there
from otoscope.errors import InputError
from otoscope.files import check_folder
from otoscope.runs.run import Run


def export(
    *runs: Annotated[
        Path,
        Parameter(
            name="RUN",
            help="Folders of sweeps or evaluations: the first is shown first, and each other is compared with it.",
            required=True,
        ),
    ],
    out: Annotated[OutFolder, Parameter(help="Folder of the site: a new one, an empty one, or an earlier export.")],
    described: Annotated[
        list[Path] | None,
        Parameter(help="What otoscope describe RUN --out wrote of the first run, then of the second; may be repeated."),
    ] = None,
    describe_maps: Annotated[
        Flag,
        Parameter(
            name="--describe",
            help="Describe the maps of each run now, as otoscope describe does, by facts that need no sounds.",
        ),
    ] = False,
    sounds: Annotated[
        Whole | None, Parameter(help="At most so many sounds of each map, 0 for none; all that are stored by default.")
    ] = None,
    top: Annotated[Whole, Parameter(help="Clips of each map, of those that drive it most.")] = TOP,
    partial: Partial = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write runs as a site of plain files, for a disk or any web server: maps to browse, compare and hear."""
    begin(quiet)
    if described is not None and describe_maps:
        raise InputError("--described gives what --describe would make: give one of them")
    if described is not None and len(described) > len(runs):
        raise InputError(f"--described was given {len(described)} times, for {counted(len(runs), 'run')}")
    if not 1 <= top <= 255:
        raise InputError(f"--top has to be 1 to 255, not {top}")
    check_folder(out, "export")
    opened = [Run(folder, partial=partial) for folder in runs]
    with progress_bar("exporting") as report:
        known: list[Path | Description | None] = list(described or [])
        if describe_maps:
            known = [_described(run, report) for run in opened]
        found = export_runs(opened, out, described=known, sounds=sounds, top=top, progress=report)
    for note in found.notes:
        err_console.print(f"note: {note}", markup=False)
    place = str(found.folder / PAGE)
    if json:
        print_json(
            {
                "page": place,
                "files": found.files,
                "bytes": found.size,
                "maps": found.maps,
                "clips_heard": found.sounds,
                "notes": found.notes,
            }
        )
        return
    out_console.print(place, markup=False, soft_wrap=True)
    err_console.print(f"{counted(found.files, 'file')}, {found.size / 1e6:.1f} MB", markup=False)


def _described(run: Run, report: Callable[[str, int, int], None]) -> Description | None:
    """The maps of a sweep in words, of facts that are there without its sounds; None where it has no maps."""
    if run.kind != "sweep" or "activations" not in run.info["methods"]:
        return None
    return describe(run, measured=facts_there(run) is not None, progress=report)
