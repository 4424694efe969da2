"""How much each layer knows."""

from __future__ import annotations

from typing import Annotated

import typer

from otoscope.cli.common import (
    AsJson,
    Device,
    Model,
    Out,
    Rate,
    Weights,
    app,
    counted,
    counting,
    make_scope,
    make_table,
    out_console,
    print_json,
    progress_bar,
    write,
)
from otoscope.cli.data import By, Data, Layers, Limit, find_sounds, waves_and_labels


@app.command()
def importance(
    model: Model,
    data: Data,
    weights: Weights = None,
    test: Annotated[
        str | None, typer.Option(metavar="DATA", help="To test on; a quarter of DATA, held out, by default.")
    ] = None,
    layer: Layers = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also train what is before the cut, not the classifier alone.")
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the sounds; enough for a thousand steps, or 10.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs of each layer.")] = 3,
    by: By = None,
    limit: Limit = None,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """How well a linear classifier behind each layer tells the classes of a data set apart."""
    from otoscope.data.labelled import split_sounds
    from otoscope.report import importance_rows

    scope = make_scope(model, weights, sample_rate, device)
    found = find_sounds(data, scope, by, limit)
    train, held_out = split_sounds(found) if test is None else (found, find_sounds(test, scope, by, limit))
    with progress_bar("importance") as report:
        result = scope.layer_importance(
            waves_and_labels(train),
            waves_and_labels(held_out),
            layers=layer,
            frozen=not full,
            epochs=epochs,
            seeds=seeds,
            progress=counting(report, "runs"),
        )
    write(out, {"layer_importance": result})
    rows, chance = importance_rows(result), float(result["chance"])
    if as_json:
        numbers = {"train": len(train), "test": len(held_out), "chance": chance, "layers": rows}
        print_json({"model": scope.name, "frozen": not full, "runs": seeds, **numbers})
        return
    headings = {"layer": "layer", "features": "features", "accuracy": "accuracy", "low": "from", "high": "to"}
    trained = f"{scope.name}: linear classifier on {counted(len(train), 'sound')}"
    title = f"{trained}, tested on {len(held_out)} (chance {chance:.3g})"
    out_console.print(make_table(title, rows, headings))
