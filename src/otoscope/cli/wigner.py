"""Where in time and frequency the kernels of the first layer lie."""

from __future__ import annotations

from typing import Annotated

import typer

from otoscope.cli.common import (
    AsJson,
    Device,
    Layer,
    Model,
    Out,
    Rate,
    Weights,
    app,
    make_scope,
    make_table,
    out_console,
    print_json,
    write,
)


@app.command()
def wigner(
    model: Model,
    weights: Weights = None,
    layer: Layer = None,
    n_fft: Annotated[
        int | None, typer.Option(help="Number of frequencies; the widest kernel and at least 256 by default.")
    ] = None,
    distributions: Annotated[bool, typer.Option(help="Write the distribution of every kernel too.")] = False,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Wigner-Ville distribution of the first layer's kernels: where each lies in time and frequency."""
    from otoscope.report import wigner_rows

    scope = make_scope(model, weights, sample_rate, device)
    result = scope.wigner(layer, n_fft=n_fft, distributions=distributions)
    write(out, {"wigner": result})
    rows = wigner_rows(result)
    if as_json:
        print_json({"model": scope.name, "kernels": rows})
    else:
        headings = {
            "kernel": "kernel",
            "width": "width (samples)",
            "peak_frequency": "peak (Hz)",
            "peak_time": "from the centre (s)",
        }
        out_console.print(make_table(f"{scope.name}: kernels of the first layer", rows, headings))
