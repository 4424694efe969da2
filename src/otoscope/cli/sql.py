"""Any question to a run, in SQL."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from otoscope.cli.common import Json
from otoscope.cli.console import begin
from otoscope.cli.query import Folder, Partial, Quiet
from otoscope.cli.tables import print_frame
from otoscope.runs.run import Run


def sql(
    run: Annotated[Folder, Parameter(help="The folder of a sweep or an evaluation.")],
    question: Annotated[
        str,
        Parameter(
            name="SQL",
            help="One SELECT on the tables items, errors and rows (of an evaluation scores); DESCRIBE rows lists "
            "columns.",
        ),
    ],
    /,
    *,
    partial: Partial = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask a sweep or an evaluation anything, in SQL: its folder is a handful of tables."""
    begin(quiet)
    opened = Run(run, partial=partial)
    print_frame(opened, "", opened.sql(question), json=json, question=question)
