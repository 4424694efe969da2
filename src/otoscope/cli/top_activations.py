"""The sounds of a data set that excite feature maps most."""

from __future__ import annotations

from pathlib import Path
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
    counting,
    err_console,
    make_scope,
    make_table,
    out_console,
    print_json,
    progress_bar,
    sound_files,
    write,
)


@app.command()
def top_activations(
    model: Model,
    audio: Audios,
    layer: Annotated[str, typer.Option(help="Tap whose maps are looked at, by its name or the end of it.")],
    weights: Weights = None,
    channel: Annotated[list[int] | None, typer.Option(help="Map number (may be repeated); all by default.")] = None,
    k: Annotated[int, typer.Option("--k", help="How many sounds for each map.")] = 5,
    seconds: Annotated[float, typer.Option(help="Length in s of the pieces around the peaks that --out writes.")] = 1.0,
    rule: Rule = "deconvnet",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """The sounds that excite each map of a layer most; with --out they can be heard."""
    from otoscope.methods.top_sounds import heard_maps
    from otoscope.report.summary import top_rows

    scope, files = make_scope(model, weights, sample_rate, device), sound_files(audio)
    with progress_bar("top activations") as report:
        result = scope.top_activations(files, layer, k, channel or None, progress=counting(report, "clips"))
        if out is not None:
            sounds = scope.top_sounds(
                files, result, channel or None, seconds=seconds, rule=rule, progress=counting(report, "sonifying")
            )
            write(out, {"top_activations": result, "top_sounds": sounds})
            for path in sounds["input"].otoscope.write_audio(out / "top_inputs.wav"):
                err_console.print(str(path), markup=False)
    if as_json:
        head = {"model": scope.name, "layer": result.attrs["layer"], "clips": len(files)}
        print_json(head | {"top": top_rows(result)})
        return
    shown = heard_maps(result, channel or None)
    rows = [row | {"clip_name": Path(row["clip_name"]).name} for row in top_rows(shown)]
    headings = {"channel": "map", "rank": "rank", "clip_name": "sound", "peak_time": "peak (s)", "value": "activation"}
    table = make_table(f"{scope.name}, {result.attrs['layer']}, {counted(len(files), 'sound')}", rows, headings)
    left = result.sizes["channel"] - shown.sizes["channel"]
    table.caption = f"the strongest maps; {left} more with --channel or --json" if left else None
    out_console.print(table)
