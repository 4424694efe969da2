"""How much of a data set is left in each layer."""

from __future__ import annotations

from typing import Annotated

import typer

from otoscope.cli.common import (
    AsJson,
    Audios,
    Device,
    Model,
    Out,
    Rate,
    Rule,
    Weights,
    app,
    counted,
    make_scope,
    make_table,
    out_console,
    print_json,
    progress_bar,
    sound_files,
    write,
)


@app.command()
def coherence(
    model: Model,
    audio: Audios,
    weights: Weights = None,
    layer: Annotated[
        list[str] | None, typer.Option(help="Tap (may be repeated); the end of every block by default.")
    ] = None,
    top: Annotated[int, typer.Option(help="How many of the most coherent frequencies are averaged.")] = 5,
    nperseg: Annotated[int, typer.Option(help="Samples of a segment, as in scipy.signal.coherence.")] = 256,
    rule: Rule = "deconvnet",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """How much of sounds is left in the sonifications of each layer."""
    from otoscope.report.summary import coherence_rows

    scope, files = make_scope(model, weights, sample_rate, device), sound_files(audio)
    with progress_bar("coherence") as report:
        result = scope.coherence(
            files, layer or None, top=top, nperseg=nperseg, rule=rule,
            progress=lambda done, total: report("clips", done, total),
        )  # fmt: skip
    write(out, {"coherence": result})
    rows = coherence_rows(result)
    if as_json:
        print_json({"model": scope.name, "audio": [str(file) for file in files], "top": top, "layers": rows})
        return
    headings = {"layer": "layer", "coherence": "mean coherence", "low": "95 % from", "high": "to", "count": "clips"}
    out_console.print(make_table(f"{scope.name}, {counted(len(files), 'sound')}", rows, headings))
