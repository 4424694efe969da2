"""What is inside a model."""

from __future__ import annotations

from pathlib import Path
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
    err_console,
    load_wave,
    make_scope,
    make_table,
    out_console,
    print_json,
)


@app.command()
def taps(
    model: Model,
    audio: Annotated[Path | None, typer.Argument(metavar="[AUDIO]")] = None,
    weights: Weights = None,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List what is inside a model: convolutions, activations and poolings, and their place in time."""
    from otoscope.report import taps_table, write_numbers

    scope = make_scope(model, weights, sample_rate, device)
    rows = taps_table(scope.taps(load_wave(audio, scope) if audio else None))
    content = {"model": scope.name, "sample_rate": scope.sample_rate, "taps": rows}
    if out is not None:
        err_console.print(str(write_numbers(out, "taps", content)), markup=False)
    if as_json:
        print_json(content)
        return
    headings = {
        "name": "tap", "op": "op", "channels": "maps", "kernel": "kernel", "stride": "stride",
        "dilation": "dil.", "hop": "hop", "receptive_field": "field",
        "rate": "rate (Hz)",
    }  # fmt: skip
    out_console.print(
        make_table(f"{scope.name} at {scope.sample_rate} Hz; hop and (receptive) field in samples", rows, headings)
    )
