"""Response spectra of the first layer."""

from __future__ import annotations

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
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Response spectra of the first layer, short-time and cumulative."""
    from otoscope.report import peak_frequency

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope)
    options: dict[str, Any] = {"layer": layer, "n_fft": n_fft, "hop": hop, "alignment": alignment}
    short, mean = scope.strs(wave, **options), scope.crs(wave, **options)
    write(out, {"strs": short, "crs": mean})
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
