"""What the first layer makes of one frame, and which of its filters fire most."""

from __future__ import annotations

from typing import Annotated

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
    make_table,
    out_console,
    print_json,
    write,
)

_N_FFT = typer.Option(help="Length of the Fourier transform.")


@app.command()
def frame(
    model: Model,
    audio: Audio,
    weights: Weights = None,
    time: Annotated[
        float | None, typer.Option(help="Middle of the frame in s; by default that of most energy.")
    ] = None,
    layer: Layer = None,
    n_fft: Annotated[int, _N_FFT] = 1024,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Response of the first layer to one frame, beside the frame's own spectrum."""
    from otoscope.dsp.audible import peak_frequency

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope)
    result = scope.frame_response(wave, time, layer=layer, n_fft=n_fft)
    write(out, {"frame_response": result})
    facts = {
        "model": scope.name,
        "audio": wave.attrs["name"],
        "frame_time": float(result.frame_time),
        "response_peak_frequency": peak_frequency(result.response),
        "spectrum_peak_frequency": peak_frequency(result.spectrum),
    }
    if as_json:
        curves = ("frequency", "response", "spectrum", "cumulative_response")
        print_json(facts | {name: result[name].values.tolist() for name in curves})
    else:
        out_console.print(facts_table(facts))


@app.command()
def f_vowel(
    model: Model,
    audio: Audio,
    weights: Weights = None,
    top: Annotated[int, typer.Option(help="How many filters are taken, those that fire most.")] = 5,
    layer: Layer = None,
    n_fft: Annotated[int, _N_FFT] = 1024,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Mean response of the filters that fire most in a sound, such as a vowel."""
    from otoscope.dsp.audible import peak_frequency

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope)
    result = scope.f_vowel(wave, top=top, layer=layer, n_fft=n_fft)
    write(out, {"f_vowel": result})
    shares = result.firing.where(result.taken > 0, drop=True).sortby("kernel")
    order = shares.values.argsort(kind="stable")[::-1]
    rows = [{"kernel": int(shares.kernel[i]), "share_of_frames": float(shares[i])} for i in order]
    facts = {
        "model": scope.name,
        "audio": wave.attrs["name"],
        "peak_frequency": peak_frequency(result.f_vowel),
        "filters": rows,
    }
    if as_json:
        print_json(facts | {name: result[name].values.tolist() for name in ("frequency", "f_vowel")})
        return
    out_console.print(facts_table(facts))
    if rows:
        headings = {"kernel": "kernel", "share_of_frames": "share of frames"}
        out_console.print(make_table("filters that fire most", rows, headings))
