"""What feature maps sound like."""

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
    Rule,
    Weights,
    app,
    counting,
    load_wave,
    make_scope,
    make_table,
    out_console,
    print_json,
    progress_bar,
    write,
)
from otoscope.errors import InputError


@app.command()
def sonify(
    model: Model,
    audio: Audio,
    layer: Annotated[str, typer.Option(help="Tap whose maps are heard, by its name or the end of it.")],
    weights: Weights = None,
    channel: Annotated[
        list[str] | None, typer.Option(help="Map number (may be repeated), `all`, or `layer` for the sum.")
    ] = None,
    top: Annotated[int, typer.Option(help="The most active maps, where no channel is given.")] = 1,
    peak: Annotated[bool, typer.Option("--peak", help="Only the strongest activation of each map.")] = False,
    rule: Rule = "deconvnet",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """What feature maps sound like."""
    from otoscope.report import sonification_rows

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope)
    with progress_bar("sonifying") as report:
        result = scope.sonify(
            wave, layer, parse_channels(channel), top=top, peak=peak, rule=rule, progress=counting(report, layer)
        )
    write(out, {f"sonification_{result.attrs['layer']}": result})
    rows = sonification_rows(result)
    if as_json:
        print_json({"model": scope.name, "audio": wave.attrs["name"], "layer": result.attrs["layer"], "maps": rows})
        return
    headings = {"channel": "map", "activity": "activity (rms)", "peak_time": "peak (s)",
                "peak_frequency": "loudest frequency (Hz)"}  # fmt: skip
    out_console.print(make_table(f"{scope.name}, {result.attrs['layer']}, {wave.attrs['name']}", rows, headings))


def parse_channels(given: list[str] | None) -> Any:
    if not given:
        return None
    if len(given) == 1 and given[0] in ("all", "layer"):
        return given[0]
    try:
        return [int(one) for one in given]
    except ValueError:
        raise InputError(f"--channel takes map numbers, `all` or `layer`, not {' '.join(given)!r}") from None
