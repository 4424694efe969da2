"""Two models, or two checkpoints of one, on the same sound."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from otoscope.cli.common import (
    Against,
    At,
    Audio,
    Drawn,
    DrawnOptions,
    Memory,
    Model,
    Part,
    PartOptions,
    Target,
    TargetBand,
    as_span,
    make_scope,
)
from otoscope.cli.console import Lines, end_named, err_console, print_json, print_table, progress_bar
from otoscope.comparison import compare as compare_models
from otoscope.errors import InputError
from otoscope.files import check_apart
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.report import write_comparison
from otoscope.tables import comparison_envelope, comparison_pairs, comparison_rows


def _of(side: str, what: str) -> Parameter:
    return Parameter(help=f"{what} of the {side} model.")


def compare(
    model_a: Annotated[Model, Parameter(name="MODEL_A")],
    model_b: Annotated[Model, Parameter(name="MODEL_B", help="Another, or the same.")],
    audio: Audio,
    /,
    *,
    weights_a: Annotated[Path | None, _of("first", "Weights")] = None,
    weights_b: Annotated[Path | None, _of("second", "Weights")] = None,
    output_a: Annotated[str | None, _of("first", "Output")] = None,
    output_b: Annotated[str | None, _of("second", "Output")] = None,
    target: Target = None,
    target_a: Annotated[str | None, _of("first", "Class")] = None,
    target_b: Annotated[str | None, _of("second", "Class")] = None,
    at: At = None,
    against: Against = None,
    target_band: TargetBand = None,
    rule: Annotated[RelevanceRule, Parameter(help="Rule of the relevance.")] = "guided",
    layer: Annotated[str | None, Parameter(help="Tap of both whose whole layer is sonified.")] = None,
    layer_a: Annotated[str | None, _of("first", "Tap")] = None,
    layer_b: Annotated[str | None, _of("second", "Tap")] = None,
    mark: Annotated[
        list[str] | None, Parameter(help="A frequency that pictures mark, as NAME=HZ; may be repeated.")
    ] = None,
    memory: Memory = None,
    part: PartOptions = None,
    common: DrawnOptions = None,
) -> None:
    """Two models, or two checkpoints of one, side by side on the same sound.

    Exit with 3 where something could not be compared; page, JSON and a message name it, with the reason.
    """
    common = common or Drawn()
    common.check()
    if common.out is not None:
        check_apart(common.out)
    weights = [weights_a or common.weights, weights_b or common.weights]
    scopes = [
        make_scope(model, replace(common, weights=file, output=output or common.output))
        for model, file, output in zip((model_a, model_b), weights, (output_a, output_b), strict=True)
    ]
    if scopes[0].name == scopes[1].name:
        for scope, file in zip(scopes, weights, strict=True):
            scope.name += f" ({file.stem})" if file else ""
    wave = (part or Part()).of(audio)
    asked: dict[str, Any] = {
        "target": [target_a or target, target_b or target] if target or target_a or target_b else None,
        "at": as_span(at),
        "against": against,
        "target_band": target_band,
        "rule": rule,
        "layer": [layer_a or layer, layer_b or layer] if layer or layer_a or layer_b else None,
        "memory": memory,
    }
    with progress_bar("comparing") as report:
        result = compare_models(scopes, wave, marks=_marks(mark) if mark else None, progress=report, **asked)
    missing = json.loads(result.attrs["missing"])
    if common.out is not None:
        with progress_bar("writing the page") as report:
            written, not_made = write_comparison(
                common.out, scopes, wave, result, style=common.style, progress=report, **asked
            )
        missing |= not_made
        for path in written:
            err_console.print(str(path), markup=False)
    notes = [note for note in str(result.attrs["notes"]).splitlines() if not note.startswith("Not compared:")]
    for note in notes:  # what was not compared is said at the end
        err_console.print(note, markup=False)
    if common.json:
        print_json(comparison_envelope(result))
        end_named(missing)
        return
    title = Lines([result.attrs["audio"], *(f"note: {note}" for note in notes)])
    _print_table(title, comparison_rows(result), {
        "model": "model", "target": "class", "probability": "probability", "relevance_peak": "relevance peaks at (Hz)",
        "input_overlap": "overlap with the input", "crs_peak": "CRS peaks at (Hz)",
        "receptive_field": "receptive field (s)",
    })  # fmt: skip
    _print_table("How alike they are; 1 is the same", comparison_pairs(result), {
        "model": "model", "other": "other", "band_overlap": "relevance in the same bands",
        "spectrum_cosine": "cosine of relevance spectra", "band_rank_correlation": "rank correlation of bands",
        "crs_cosine": "cosine of CRS",
    })  # fmt: skip
    end_named(missing)


def _print_table(title: str, rows: list[dict[str, Any]], headings: dict[str, str]) -> None:
    print_table(title, rows, {name: heading for name, heading in headings.items() if name in rows[0]})


def _marks(given: list[str]) -> dict[str, float]:
    marks = {}
    for one in given:
        name, _, hertz = one.partition("=")
        try:
            marks[name] = float(hertz)
        except ValueError:
            raise InputError(f"--mark takes NAME=HZ, as in F0=120, not {one!r}") from None
    return marks
