"""The experiments of published works, run whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from otoscope.cli.common import Flag, Folder, Json, Whole
from otoscope.cli.console import begin, counted, err_console, out_console, print_json, print_table, progress_bar
from otoscope.cli.query import Quiet
from otoscope.errors import InputError
from otoscope.studies.inputs import Folder as DataFolder
from otoscope.studies.listing import find_study, names
from otoscope.studies.page import check_out, counts, record, write_study
from otoscope.studies.run import Planned, plan, run
from otoscope.studies.store import copy_kept
from otoscope.studies.study import Setting, Study


def study(
    name: Annotated[
        str | None, Parameter(name="NAME", help="The study; without it all studies are listed, with what they cost.")
    ] = None,
    /,
    *,
    out: Annotated[
        Folder | None, Parameter(help="Folder for the page, figures, tables, rows and trained models.")
    ] = None,
    quick: Annotated[Flag, Parameter(help="With fewer runs and clips, in minutes.")] = False,
    seeds: Annotated[Whole | None, Parameter(help="Runs of each training, in place of the study's own number.")] = None,
    change: Annotated[
        list[str] | None,
        Parameter(help="A key of the recipe of every training to change, such as learn.epochs=3; may be repeated."),
    ] = None,
    data: Annotated[
        Path | None,
        Parameter(
            help="Folder that contains data sets, each in a folder of its name (see `otoscope data`) and in its "
            "official layout; OTOSCOPE_DATA by default. Experiments whose data is there are run as published."
        ),
    ] = None,
    only: Annotated[str | None, Parameter(help="One part of the study.")] = None,
    show_plan: Annotated[Flag, Parameter(name="--plan", help="Print the steps, and what is left to compute.")] = False,
    rows_only: Annotated[
        Flag, Parameter(help="Compute nothing: make the page from rows that are kept in --out or came with Otoscope.")
    ] = False,
    jobs: Annotated[Whole, Parameter(help="Steps at a time, each in a process with one thread.")] = 1,
    export: Annotated[Folder | None, Parameter(help="Also copy the rows of this run into this folder.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the experiments of a published work, and judge each of its claims; a stopped run resumes."""
    begin(quiet)
    if name is None:
        _list(json)
        return
    found = find_study(name)
    if seeds is not None and seeds < 1:
        raise InputError(f"--seeds has to be 1 or more, not {seeds}")
    setting = Setting(quick=quick, seeds=seeds, changes=tuple(change or ()), data=DataFolder(data))
    if show_plan:
        _plan(found, plan(found, setting, out, part=only), json)
        return
    if out is None:
        raise InputError("give --out, the folder for the page and everything beside it, or --plan")
    check_out(out, name)
    try:
        with progress_bar(name) as report:
            ran = run(found, setting, out, part=only, rows_only=rows_only, jobs=jobs, report=report)
    except KeyboardInterrupt:
        err_console.print(f"stopped; the same command continues in {out}", markup=False)
        raise SystemExit(130) from None
    page = write_study(ran, out)
    if export is not None:
        for one in ran.steps:
            if one.kept is not None:
                copy_kept(one.kept, export)
    if json:
        print_json({**record(ran), "page": str(page)})
        return
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts(ran.judged).items())
    err_console.print(f"{counted(len(ran.judged), 'claim')}: {said}", markup=False)
    out_console.print(str(page), markup=False, soft_wrap=True)


def _list(json: bool) -> None:
    rows = [
        {
            "name": one.name,
            "about": one.about,
            "parts": ", ".join(one.parts),
            "claims": len(one.claims),
            "measured": sum(claim.measure is not None for claim in one.claims),
            "cost": one.cost,
        }
        for one in map(find_study, names())
    ]
    if json:
        print_json({"studies": rows})
        return
    headings = {"name": "study", "about": "asks", "parts": "parts", "claims": "claims", "measured": "measured here"}
    print_table("studies", rows, headings | {"cost": "time"}, most=len(rows))


def _plan(found: Study, planned: list[Planned], json: bool) -> None:
    rows = [
        {
            "step": one.step.name,
            "part": one.step.part,
            "state": one.state if one.state != "no data" else f"no data: {_inputs(one)}",
            "seconds": None if one.state != "to compute" else one.step.seconds,
            "command": one.step.command,
        }
        for one in planned
    ]
    left = sum(one.step.seconds for one in planned if one.state == "to compute")
    if json:
        print_json({"study": found.name, "steps": rows, "seconds": left})
        return
    headings = {"step": "step", "part": "part", "state": "state", "seconds": "processor s", "command": "by hand"}
    title = f"{found.name}: {counted(len(rows), 'step')}, about {left / 60:.0f} minutes of one processor left"
    print_table(title, rows, headings, most=len(rows))


def _inputs(one: Planned) -> str:
    return ", ".join(source.name for source in one.step.inputs)
