"""Feature maps through a model, in time and in frequency."""

from __future__ import annotations

from typing import Annotated

import typer

from otoscope.cli.common import (
    AsJson,
    Audio,
    Device,
    Model,
    Out,
    Rate,
    Weights,
    app,
    load_wave,
    make_scope,
    make_table,
    out_console,
    print_json,
    write,
)


@app.command()
def flow(
    model: Model,
    audio: Audio,
    weights: Weights = None,
    layer: Annotated[
        list[str] | None, typer.Option(help="Tap (may be repeated); the end of every block by default.")
    ] = None,
    channel: Annotated[
        list[int] | None, typer.Option(help="Map number (may be repeated); the most active of each tap by default.")
    ] = None,
    top: Annotated[int, typer.Option(help="The most active maps, where no channel is given.")] = 1,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Follow a sound through a model: feature maps in time and in frequency, each at its own rate."""
    from otoscope.report.summary import flow_rows

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope)
    result = scope.data_flow(wave, layer or None, channel or None, top)
    write(out, {"data_flow": result})
    rows = flow_rows(result)
    if as_json:
        print_json({"model": scope.name, "audio": wave.attrs["name"], "maps": rows})
        return
    headings = {
        "tap": "tap", "channel": "map", "rate": "rate (Hz)", "mean": "mean",
        "deviation": "deviation", "peak_frequency": "strongest frequency (Hz)",
    }  # fmt: skip
    out_console.print(make_table(f"{scope.name}, {wave.attrs['name']}", rows, headings))
