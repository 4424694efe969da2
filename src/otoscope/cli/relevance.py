"""Which part of the sound drove an output."""

from __future__ import annotations

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
    facts_table,
    load_wave,
    make_scope,
    out_console,
    print_json,
    write,
)


@app.command()
def relevance(
    model: Model,
    audio: Audio,
    weights: Weights = None,
    target: Target = None,
    rule: Rule = "guided",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Which part of the sound drove an output: relevance in time and frequency."""
    from otoscope.report import relevance_summary

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope)
    result = scope.relevance(wave, target=target, rule=rule)
    write(out, {"relevance": result})
    numbers = {"model": scope.name, "audio": wave.attrs["name"], **relevance_summary(result)}
    if as_json:
        spectrum = result.spectrogram.mean("frame_time")
        numbers["frequency"] = spectrum.frame_frequency.values.tolist()
        numbers["mean_spectrum"] = spectrum.values.tolist()
        print_json(numbers)
    else:
        out_console.print(facts_table(numbers))
