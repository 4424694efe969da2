"""How much worse a model does without what its most active maps respond to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from otoscope.cli.common import (
    AsJson,
    Device,
    Model,
    Out,
    Rate,
    Rule,
    Weights,
    app,
    counted,
    counting,
    load_wave,
    make_scope,
    make_table,
    out_console,
    print_json,
    progress_bar,
    write,
)
from otoscope.cli.data import By, Layers, Limit, find_sounds, waves_and_labels


@app.command()
def residual(
    model: Model,
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA...", help="A data set with labels (see `otoscope importance`), or sound files."),
    ],
    weights: Weights = None,
    layer: Layers = None,
    rule: Rule = "deconvnet",
    by: By = None,
    limit: Limit = None,
    unlabelled: Annotated[
        bool, typer.Option("--unlabelled", help="Compare with the model's own answers, whatever the labels.")
    ] = False,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """How much worse a model does without what the most active map of a layer responds to."""
    from otoscope.report import residual_rows

    scope = make_scope(model, weights, sample_rate, device)
    files = all(Path(one).is_file() and Path(one).suffix.lower() != ".csv" for one in data)
    waves: list[Any] = [Path(one) for one in data]
    labels: list[str] | None = None
    if not files:
        waves, labels = waves_and_labels([sound for one in data for sound in find_sounds(one, scope, by, limit)])
    with progress_bar("residuals") as report:
        result = scope.residual_study(
            waves,
            None if unlabelled else labels,
            layers=layer,
            rule=rule,
            progress=counting(report, counted(len(waves), "sound")),
        )
    results: dict[str, Any] = {"residual_study": result}
    if out is not None and files and len(waves) == 1:
        results["residual_sound"] = scope.residual(load_wave(waves[0], scope), layers=layer, rule=rule)
    write(out, results)
    rows = residual_rows(result)
    metric, baseline = result.attrs["metric"], float(result["baseline"])
    if as_json:
        print_json({"model": scope.name, "clips": len(waves), "metric": metric, "baseline": baseline, "layers": rows})
        return
    headings = {
        "layer": "layer", "score": f"{metric} on residuals", "change": "change", "agreement": "same answer",
        "probability_change": "change of the answer's probability",
    }  # fmt: skip
    shown = [row | {name: _with_bounds(row, name) for name in ("score", "change")} for row in rows]
    title = f"{scope.name}, {counted(len(waves), 'sound')}: {metric} {baseline:.3g} on whole sounds"
    out_console.print(make_table(title, shown, headings))


def _with_bounds(row: dict[str, Any], name: str) -> str:
    """A number and its interval, where there is one, in one cell: as many columns do not fit a terminal."""
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    return f"{value:.3g} ({low:.3g} to {high:.3g})" if low == low else f"{value:.3g}"
