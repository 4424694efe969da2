"""Feature maps at the checkpoints of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.common import (
    AsJson,
    Audio,
    Device,
    Model,
    Out,
    Rate,
    Rule,
    app,
    counting,
    err_console,
    load_wave,
    make_scope,
    make_table,
    out_console,
    print_json,
    progress_bar,
    write,
)
from otoscope.cli.sonify import parse_channels


@app.command()
def evolution(
    model: Model,
    audio: Audio,
    checkpoints: Annotated[
        list[Path], typer.Option(help="Weights file, or folder of them, sorted by step; may be repeated.")
    ],
    layer: Annotated[str, typer.Option(help="Tap whose maps are heard, by its name or the end of it.")],
    channel: Annotated[
        list[str] | None, typer.Option(help="Map number (may be repeated), `all`, or `layer` for the sum.")
    ] = None,
    top: Annotated[
        int, typer.Option(help="The most active maps at the last checkpoint, where no channel is given.")
    ] = 1,
    rule: Rule = "deconvnet",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """What the same feature maps sound like at the checkpoints of a training."""
    from otoscope.report import evolution_rows

    scope = make_scope(model, None, sample_rate, device)
    wave = load_wave(audio, scope)
    with progress_bar("evolution") as report:
        result = scope.evolution(
            wave,
            checkpoints,
            layer,
            parse_channels(channel),
            top=top,
            rule=rule,
            progress=counting(report, "checkpoints"),
        )
    write(out, {"evolution": result})
    if out is not None:
        for path in result["sonification"].otoscope.write_audio(out / "evolution.wav"):
            err_console.print(str(path), markup=False)
    rows = evolution_rows(result)
    if as_json:
        print_json({"model": scope.name, "audio": wave.attrs["name"], "layer": result.attrs["layer"], "maps": rows})
        return
    headings = {"channel": "map", "checkpoint": "checkpoint", "activity": "activity (rms)",
                "peak_frequency": "loudest frequency (Hz)"}  # fmt: skip
    out_console.print(make_table(f"{scope.name}, {result.attrs['layer']}, {wave.attrs['name']}", rows, headings))
