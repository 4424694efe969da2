"""What a model takes and answers, and what is inside it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from otoscope.cli.common import Common, CommonOptions, Model, load_wave, make_scope
from otoscope.cli.console import err_console, facts_table, out_console, print_json, print_table
from otoscope.report import taps_table, write_numbers
from otoscope.tables import finite

_HEADINGS = {
    "name": "tap", "op": "op", "channels": "maps", "kernel": "kernel", "stride": "stride", "dilation": "dil.",
    "hop": "hop", "receptive_field": "field", "rate": "rate (Hz)",
}  # fmt: skip


def taps(
    model: Model,
    audio: Annotated[
        Path | None, Parameter(name="AUDIO", help="A sound to run the model on; silence without it.")
    ] = None,
    /,
    *,
    common: CommonOptions = None,
) -> None:
    """List what a model takes and answers, and its convolutions, activations and poolings with their place in time."""
    common = common or Common()
    scope = make_scope(model, common)
    rows = taps_table(scope.taps(load_wave(audio, scope) if audio else None))
    content = {"model": scope.name, "model_sha256": scope.digest, "subject": asdict(scope.contract), "taps": rows}
    if common.out is not None:
        err_console.print(str(write_numbers(common.out, "taps", content)), markup=False)
    if common.json:
        print_json(finite(content))
        return
    stated = scope.contract.filled()
    if scope.classes:
        stated["classes"] = (
            f"{len(scope.classes)}: {', '.join(scope.classes[:12])}{', ...' if len(scope.classes) > 12 else ''}"
        )
    out_console.print(facts_table({"model": scope.name} | stated))
    print_table("Taps; hop and receptive field in samples", rows, _HEADINGS)
