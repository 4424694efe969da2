"""Response spectra of the first layer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from otoscope.cli.common import (
    AsJson,
    Audio,
    Device,
    Layer,
    Model,
    Out,
    Rate,
    Weights,
    app,
    err_console,
    facts_table,
    load_wave,
    make_scope,
    out_console,
    print_json,
    write,
)


@app.command()
def strs(
    model: Model,
    audio: Audio,
    weights: Weights = None,
    layer: Layer = None,
    n_fft: Annotated[int, typer.Option(help="Length of the Fourier transform.")] = 1024,
    hop: Annotated[int | None, typer.Option(help="Samples between frames; the layer's stride by default.")] = None,
    alignment: Annotated[str, typer.Option(help="centre, or start as in the published script.")] = "centre",
    scale: Annotated[str, typer.Option(help="Of frequency: linear, or log as in a constant-Q transform.")] = "linear",
    bins_per_octave: Annotated[int, typer.Option(help="Of the scale log.")] = 36,
    minimum_frequency: Annotated[float, typer.Option(help="Where the scale log begins, in Hz.")] = 32.7,
    animate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a film of the STRS as a surface: .gif, or .mp4 by ffmpeg."),
    ] = None,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Response spectra of the first layer, short-time and cumulative."""
    from otoscope.dsp.audible import peak_frequency

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope)
    options: dict[str, Any] = {"layer": layer, "n_fft": n_fft, "hop": hop, "alignment": alignment, "scale": scale}
    options |= {"bins_per_octave": bins_per_octave, "minimum_frequency": minimum_frequency}
    short, mean = scope.strs(wave, **options), scope.crs(wave, **options)
    write(out, {"strs": short, "crs": mean})
    if animate is not None:
        from otoscope.plots import animate_strs

        err_console.print(str(animate_strs(short, animate)), markup=False)
    numbers = {
        "model": scope.name,
        "audio": wave.attrs["name"],
        "frames": short.sizes["time"],
        "peak_frequency": peak_frequency(mean),
        "frequency": mean.frequency.values.tolist(),
        "crs": mean.values.tolist(),
    }
    if as_json:
        print_json(numbers)
    else:
        out_console.print(facts_table({key: numbers[key] for key in ("model", "audio", "frames", "peak_frequency")}))
