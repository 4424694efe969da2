"""Filters of the first layer, also before and after training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otoscope.cli.common import (
    AsJson,
    Device,
    Layer,
    Model,
    Out,
    Rate,
    Weights,
    app,
    make_scope,
    make_table,
    out_console,
    print_json,
    write,
)
from otoscope.errors import InputError

if TYPE_CHECKING:
    from otoscope.scope import Scope


@app.command()
def filters(
    model: Model,
    weights: Weights = None,
    layer: Layer = None,
    n_fft: Annotated[int, typer.Option(help="Length of the Fourier transform.")] = 1024,
    before: Annotated[
        str | None, typer.Option(metavar="WEIGHTS", help="Weights before training to compare with, or `random`.")
    ] = None,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Filters of the first layer: centre frequencies, bandwidths and what they pass together."""
    from otoscope.methods import filters_before_after
    from otoscope.report import filter_rows

    scope = make_scope(model, weights, sample_rate, device)
    result = scope.filters(layer, n_fft)
    results, rows = {"filters": result}, filter_rows(result)
    headings = {"kernel": "kernel", "centre_frequency": "centre (Hz)", "bandwidth": "bandwidth (Hz)"}
    if before is not None:
        earlier = _untrained(model, weights, scope) if before == "random" else _scope_of(model, before, scope, device)
        both = filters_before_after(earlier.filters(layer, n_fft), result)
        results["filters_before_after"], rows = both, filter_rows(both)
        headings |= {"centre_before": "centre before (Hz)", "change": "change of weights"}
    write(out, results)
    if as_json:
        numbers: dict[str, Any] = {"model": scope.name, "kernels": rows}
        for name in ("frequency", "cumulative_response"):
            numbers[name] = result[name].values.tolist()
        print_json(numbers)
    else:
        out_console.print(make_table(f"{scope.name}: filters by centre frequency", rows, headings))


def _scope_of(model: str, weights: str, like: Scope, device: str | None) -> Scope:
    return make_scope(model, Path(weights), like.sample_rate, device)


def _untrained(model: str, weights: Path | None, scope: Scope) -> Scope:
    """The model as it is before any training, from one seed."""
    import torch

    from otoscope import Scope, load
    from otoscope.models.zoo import build

    config = getattr(scope.model, "config", None)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if isinstance(config, dict) and "architecture" in config:
            module = build(config["architecture"], config["options"])
        elif weights is not None and not model.startswith("hf:"):
            module = load(model)
        else:
            raise InputError(
                f"{model} cannot be built without its weights, so there is nothing random to compare with: give "
                "weights from before training as --before FILE"
            )
    return Scope(
        module.to(scope.inputs(torch.zeros(scope.input_length or scope.sample_rate)).device), scope.sample_rate
    )
