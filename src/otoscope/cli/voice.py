"""The voice in a sound and in its relevance."""

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
    Rule,
    Target,
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
def voice(
    model: Model,
    audio: Audio,
    start: Annotated[float | None, typer.Option(help="Of the segment in s; the loudest 0.1 s by default.")] = None,
    stop: Annotated[float | None, typer.Option(help="Of the segment in s.")] = None,
    floor: Annotated[float, typer.Option(help="Lowest F0 in Hz.")] = 75.0,
    ceiling: Annotated[float, typer.Option(help="Highest F0 in Hz.")] = 600.0,
    maximum: Annotated[
        float, typer.Option(help="Below it are five formants, in Hz: 5000 for men, 5500 for women, 6000 for children.")
    ] = 5500.0,
    weights: Weights = None,
    target: Target = None,
    rule: Rule = "guided",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """F0, formants and linear prediction of a sound and of its relevance."""
    from otoscope.report.summary import voice_summary

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope)
    result = scope.voice(wave, target, rule, start, stop, floor=floor, ceiling=ceiling, maximum=maximum)
    write(out, {"voice": result, "autocorrelation": scope.autocorrelation(wave, target, rule, start, stop)})
    numbers = {"model": scope.name, "audio": wave.attrs["name"], **voice_summary(result)}
    if as_json:
        print_json(numbers)
        return
    rows = [
        {"signal": signal, "f0": numbers[signal]["f0"]}
        | {f"f{n}": value for n, value in enumerate(numbers[signal]["formants"], 1)}
        for signal in ("input", "relevance")
    ]
    headings = {name: name.upper() + " (Hz)" if name != "signal" else "" for name in rows[0]}
    segment = f"{numbers['start']:.3f} to {numbers['stop']:.3f} s"
    out_console.print(make_table(f"{scope.name}, {wave.attrs['name']}, {segment}", rows, headings))
