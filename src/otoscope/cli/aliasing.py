"""What a model folds where it drops samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otoscope.cli.common import (
    AsJson,
    Device,
    Model,
    Out,
    Rate,
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

if TYPE_CHECKING:
    import xarray as xr

    from otoscope.scope import Scope


@app.command()
def aliasing(
    model: Model,
    audio: Annotated[Path | None, typer.Argument(metavar="[AUDIO]", help="A sound; white noise without it.")] = None,
    weights: Weights = None,
    frequencies: Annotated[int, typer.Option(help="How many sines the map over input frequency has.")] = 151,
    duration: Annotated[float, typer.Option(help="Of each sine in s, where the model takes any length.")] = 0.5,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """What each downsampling step folds: the share of a sound, and a map over input frequency."""
    from otoscope.report.summary import aliasing_rows

    scope = make_scope(model, weights, sample_rate, device)
    wave = load_wave(audio, scope) if audio else _white_noise(scope)
    shares = scope.aliasing(wave)
    with progress_bar("playing sines") as report:
        sweep = scope.aliasing_map(duration, frequencies=frequencies, progress=counting(report, scope.name))
    write(out, {"aliasing": shares, "aliasing_map": sweep})
    rows, skipped = aliasing_rows(shares), shares.attrs["skipped"]
    if as_json:
        of_sines = {"input_frequency": sweep.input_frequency.values.tolist()}
        for name in ("folded_frequency", "folded_share"):
            of_sines[name] = {step: sweep[name].sel(step=step).values.tolist() for step in sweep.step.values.tolist()}
        print_json(
            {"model": scope.name, "audio": wave.attrs["name"], "steps": rows, "skipped": skipped, "map": of_sines}
        )
        return
    headings = {
        "step": "step", "stride": "stride", "rate_before": "rate before (Hz)",
        "nyquist": "new limit (Hz)", "share": "folded share", "share_with_mean": "with the mean",
    }  # fmt: skip
    table = make_table(f"{scope.name}, {wave.attrs['name']}", rows, headings)
    table.caption = None if skipped == "nothing" else f"not counted: {skipped}"
    out_console.print(table)


def _white_noise(scope: Scope) -> xr.DataArray:
    import numpy as np

    from otoscope.audio import as_clip

    length = scope.input_length or max(scope.sample_rate, getattr(scope.model, "minimum_length", 0))
    noise = 0.1 * np.random.default_rng(0).standard_normal(length)
    return as_clip(noise.astype("f4"), scope.sample_rate, name="white noise")
