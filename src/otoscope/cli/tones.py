"""Which frequencies excite the maps of a layer."""

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
    counting,
    make_scope,
    make_table,
    out_console,
    print_json,
    progress_bar,
    write,
)


@app.command()
def tones(
    model: Model,
    layer: Annotated[str, typer.Option(help="Tap whose maps are measured, by its name or the end of it.")],
    weights: Weights = None,
    bins_per_octave: Annotated[int, typer.Option(help="Sines from a frequency to its double.")] = 12,
    minimum_frequency: Annotated[float, typer.Option(help="The lowest sine, in Hz.")] = 50.0,
    amplitude: Annotated[float, typer.Option(help="Of the sines; full scale is 1.")] = 0.5,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """How strongly the maps of any layer answer to sines of every frequency."""
    from otoscope.report import tone_rows

    scope = make_scope(model, weights, sample_rate, device)
    with progress_bar("playing sines") as report:
        result = scope.tone_response(
            layer,
            bins_per_octave=bins_per_octave,
            minimum_frequency=minimum_frequency,
            amplitude=amplitude,
            progress=counting(report, layer),
        )
    name = result.attrs["layer"]
    write(out, {f"tone_response_{name}": result})
    rows = tone_rows(result)
    if as_json:
        curves = {"frequency": result.frequency.values.tolist(), "gain": result.gain.values.tolist()}
        print_json({"model": scope.name, "layer": name, "maps": rows, **curves})
    else:
        headings = {"channel": "map", "best_frequency": "best frequency (Hz)", "gain": "gain there"}
        out_console.print(make_table(f"{scope.name}, {name}", rows, headings))
