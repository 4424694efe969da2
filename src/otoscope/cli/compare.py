"""Two models, or two checkpoints of one, on the same sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from otoscope.cli.common import (
    AsJson,
    Audio,
    Device,
    Out,
    Rate,
    RelevanceRule,
    Target,
    app,
    err_console,
    make_scope,
    make_table,
    out_console,
    print_json,
    progress_bar,
    write,
)
from otoscope.errors import InputError


def _of(side: str, what: str) -> Any:
    return typer.Option(help=f"{what} of the {side} model.")


@app.command()
def compare(
    model_a: Annotated[str, typer.Argument(metavar="MODEL_A", help="As in other commands.", show_default=False)],
    model_b: Annotated[str, typer.Argument(metavar="MODEL_B", help="Another, or the same.", show_default=False)],
    audio: Audio,
    weights_a: Annotated[Path | None, _of("first", "Weights")] = None,
    weights_b: Annotated[Path | None, _of("second", "Weights")] = None,
    target: Target = None,
    target_a: Annotated[str | None, _of("first", "Class")] = None,
    target_b: Annotated[str | None, _of("second", "Class")] = None,
    rule: RelevanceRule = "guided",
    layer: Annotated[str | None, typer.Option(help="Tap of both whose whole layer is sonified.")] = None,
    layer_a: Annotated[str | None, _of("first", "Tap")] = None,
    layer_b: Annotated[str | None, _of("second", "Tap")] = None,
    mark: Annotated[list[str] | None, typer.Option(metavar="NAME=HZ", help="A frequency that pictures mark.")] = None,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Two models, or two checkpoints of one, side by side on the same sound."""
    import otoscope
    from otoscope.report import comparison_pairs, comparison_rows

    models, weights = (model_a, model_b), (weights_a, weights_b)
    scopes = [make_scope(model, file, sample_rate, device) for model, file in zip(models, weights, strict=True)]
    if scopes[0].name == scopes[1].name:
        for scope, file in zip(scopes, weights, strict=True):
            scope.name += f" ({file.stem})" if file else ""
    with progress_bar("comparing") as report:
        result = otoscope.compare(
            scopes,
            audio,
            target=[target_a or target, target_b or target] if target or target_a or target_b else None,
            rule=rule,
            layer=[layer_a or layer, layer_b or layer] if layer or layer_a or layer_b else None,
            marks=_marks(mark) if mark else None,
            progress=report,
        )
    write(out, {"compare": result})
    if out is not None and "sonification" in result:
        for path in result["sonification"].otoscope.write_audio(out / "compare_sonification.wav"):
            err_console.print(str(path), markup=False)
    rows, pairs = comparison_rows(result), comparison_pairs(result)
    notes = str(result.attrs["notes"]).splitlines()
    if as_json:
        content: dict[str, Any] = {"audio": result.attrs["audio"], "models": rows, "pairs": pairs, "notes": notes}
        if "share" in result:
            content |= {"band": result["band"].values.tolist(), "input_share": result["input_share"].values.tolist()}
            content["share"] = dict(zip(result["model"].values.tolist(), result["share"].values.tolist(), strict=True))
        print_json(content)
        return
    for note in notes:
        err_console.print(note, markup=False)
    _print_table(result.attrs["audio"], rows, {
        "model": "model", "target": "says", "relevance_peak": "relevance peaks at (Hz)",
        "input_overlap": "lies as the input", "crs_peak": "CRS peaks at (Hz)",
        "receptive_field": "receptive field (s)",
    })  # fmt: skip
    _print_table("How alike they are; 1 is the same", pairs, {
        "model": "model", "other": "other", "band_overlap": "relevance in the same bands",
        "spectrum_cosine": "cosine of relevance spectra", "band_rank_correlation": "rank correlation of bands",
        "crs_cosine": "cosine of CRS",
    })  # fmt: skip


def _print_table(title: str, rows: list[dict[str, Any]], headings: dict[str, str]) -> None:
    known = {name: heading for name, heading in headings.items() if name in rows[0]}
    out_console.print(make_table(title, rows, known))


def _marks(given: list[str]) -> dict[str, float]:
    marks = {}
    for one in given:
        name, _, hertz = one.partition("=")
        try:
            marks[name] = float(hertz)
        except ValueError:
            raise InputError(f"--mark takes NAME=HZ, as in F0=120, not {one!r}") from None
    return marks
