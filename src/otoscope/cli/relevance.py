"""Which part of the sound drove an output."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from otoscope.cli.common import (
    AsJson,
    Audio,
    Device,
    Model,
    Out,
    Rate,
    RelevanceRule,
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
from otoscope.errors import InputError


@app.command()
def relevance(
    model: Model,
    audio: Audio,
    weights: Weights = None,
    target: Target = None,
    rule: RelevanceRule = "guided",
    option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Of the rule, e.g. steps=100; may be repeated.")
    ] = None,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Which part of the sound drove an output: relevance in time and frequency."""
    from otoscope.methods.attribution import option_values
    from otoscope.methods.relevance import RELEVANCE_RULES
    from otoscope.report import relevance_summary

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope)
    options = option_values(rule, _options(option or [])) if rule in RELEVANCE_RULES else {}
    result = scope.relevance(wave, target=target, rule=rule, **options)
    write(out, {"relevance": result})
    numbers = {"model": scope.name, "audio": wave.attrs["name"], **relevance_summary(result)}
    if as_json:
        spectrum = result.spectrogram.mean("frame_time")
        numbers["frequency"] = spectrum.frame_frequency.values.tolist()
        numbers["mean_spectrum"] = spectrum.values.tolist()
        print_json(numbers)
    else:
        out_console.print(facts_table(numbers))


def _options(given: list[str]) -> dict[str, Any]:
    """``["steps=100", "bands=0,500,4000"]`` as numbers, and lists of them, by name."""
    options: dict[str, Any] = {}
    for one in given:
        name, _, text = one.partition("=")
        try:
            numbers = [int(part) if part.strip().lstrip("-").isdigit() else float(part) for part in text.split(",")]
        except ValueError:
            raise InputError(f"--option takes NAME=NUMBER or NAME=NUMBER,NUMBER..., not {one!r}") from None
        options[name] = numbers[0] if len(numbers) == 1 else numbers
    return options
