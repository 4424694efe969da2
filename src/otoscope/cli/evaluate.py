"""What a model scores on a data set."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import Annotated

import xarray as xr
from cyclopts import Parameter

from otoscope.cli.common import Data, Drawn, DrawnOptions, Model, Whole, make_scope
from otoscope.cli.console import counted, err_console, print_json, print_table, progress_bar
from otoscope.evaluation import evaluate as evaluate_model
from otoscope.evaluation.folder import check_installed, write_evaluation
from otoscope.evaluation.report import causes, group_rows, metric_rows, report, wrong_rows
from otoscope.files import check_folder, whole_folder, write_summary
from otoscope.report import write_picture
from otoscope.tables import notes

_WRONG = 20  # wrong answers, and clips left out, that the screen shows
_LEFT_OUT = ("problem", "problem_message")


def evaluate(
    model: Model,
    data: Data,
    /,
    *,
    task: Annotated[
        str | None, Parameter(help="Which of the facts of the data is the class, as speaker of fsdd.")
    ] = None,
    multilabel: Annotated[
        bool | None,
        Parameter(help="Whether a clip may have several classes; as labels that are lists or the model say."),
    ] = None,
    by: Annotated[
        list[str] | None,
        Parameter(
            help="A fact to break all down by, duration or level too; year:bins for bins of it. May be repeated."
        ),
    ] = None,
    limit: Annotated[Whole | None, Parameter(help="Take at most so many clips, evenly over the classes.")] = None,
    positive: Annotated[str | None, Parameter(help="Of two classes the one that is detected; the last.")] = None,
    p_target: Annotated[float, Parameter(help="Prior probability of that class, of the detection cost.")] = 0.05,
    resamples: Annotated[Whole, Parameter(help="Of the bootstrap.")] = 1000,
    seed: Annotated[Whole, Parameter(help="Of the bootstrap.")] = 0,
    batch_size: Annotated[Whole, Parameter(help="Consecutive clips of one length that run together.")] = 16,
    common: DrawnOptions = None,
) -> None:
    """What a model scores on a data set, and where it fails: metrics with 95 % intervals, confusion, calibration.

    With --out the scores of every clip as Parquet, the confusion, pictures and all that is printed. Exit with 3 where
    clips were left out, which are named.
    """
    common = common or Drawn()
    common.check()
    if common.out is not None:
        check_folder(common.out, "evaluate")
    scope = make_scope(model, common)
    with nullcontext() if common.out is None else whole_folder(common.out, "evaluate") as part:
        if part is not None:
            check_installed()
        with progress_bar("evaluate") as shown:
            result = evaluate_model(
                scope,
                data,
                task=task,
                multilabel=multilabel,
                by=by,
                limit=limit,
                positive=positive,
                p_target=p_target,
                resamples=resamples,
                seed=seed,
                batch_size=batch_size,
                progress=lambda done, total: shown(scope.name, done, total),
            )
        content = report(result)
        if part is not None:
            write_evaluation(part, result, model=model, data=data)
            write_picture(result, part / "evaluate", style=common.style)
            write_summary(part, "evaluate", content)
    if common.out is not None:
        err_console.print(str(common.out), markup=False)
    if common.json:
        print_json(content)
    else:
        _print(result)
    left_out = causes(result)
    for cause, count in left_out.items():
        err_console.print(f"missing: {counted(count, 'clip')}: {cause}", markup=False)
    if left_out:
        sys.exit(3)


def _print(result: xr.Dataset) -> None:
    rows, attrs = metric_rows(result), result.attrs
    for note in notes(result):
        err_console.print(note, markup=False)
    headings = {"metric": "metric", "value": "value", "ci_low": "95 % from", "ci_high": "to"}
    if "speakers" in attrs:
        what = "of one speaker from" if attrs["speakers_interval"] == "range" else "over speakers from"
        headings |= {"speakers_low": what, "speakers_high": "to"}
    names = [row | {"metric": row["metric"].replace("_", " ")} for row in rows]
    print_table(f"{attrs['model']}, {attrs['audio']}", names, headings)
    first = rows[0]["metric"]
    if groups := group_rows(result, first):
        about = {"by": "by", "group": "group", "clips": "clips", "value": first.replace("_", " ")}
        print_table("", groups, about | {"ci_low": "95 % from", "ci_high": "to"}, keys=2)
    wrong = wrong_rows(result)
    if wrong and "confusion" in result:
        about = {"clip": "clip", "label": "class", "answer": "answer", "probability": "probability"}
        print_table(f"{counted(len(wrong), 'wrong answer')}, the surest first", wrong, about, most=_WRONG)
    for problem, cause in (
        zip(*(result[name].values[:_WRONG] for name in _LEFT_OUT), strict=True) if causes(result) else ()
    ):
        err_console.print(f"{problem}: {cause}", markup=False)
