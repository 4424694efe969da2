"""How often F0, F1 and F2 of vowels are found in their relevance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.common import (
    AsJson,
    Device,
    Model,
    Out,
    Rate,
    Rule,
    Target,
    Weights,
    app,
    counting,
    err_console,
    make_scope,
    make_table,
    out_console,
    print_json,
    progress_bar,
    write,
)


@app.command()
def vowels(
    model: Model,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with vowdata.dat and, if there are recordings, timedata.dat, men, women and kids."),
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="men, women, children, boys or girls; may be repeated; all by default.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many vowels, spread over vowels and groups.")] = None,
    seed: Annotated[int, typer.Option(help="Of what is drawn and synthesised.")] = 0,
    pre_emphasis: Annotated[float | None, typer.Option(help="Raise the sound from so many Hz on; not at all.")] = None,
    weights: Weights = None,
    target: Target = None,
    rule: Rule = "guided",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """How often F0, F1 and F2 of vowels are found in their relevance, and in the sound itself."""
    from otoscope.data.aev import vowel_tokens
    from otoscope.report.summary import vowel_rows

    scope = make_scope(model, weights, sample_rate, device)
    tokens = vowel_tokens(data, sample_rate=scope.sample_rate, groups=group, limit=limit, seed=seed)
    err_console.print(f"{len(tokens)} vowels from {tokens.origin}", markup=False)
    with progress_bar("measuring vowels") as report:
        result = scope.vowels(tokens, target, rule, pre_emphasis=pre_emphasis, progress=counting(report, scope.name))
    write(out, {"vowel_protocol": result})
    tables = {signal: vowel_rows(result, signal) for signal in ("relevance", "input")}
    if as_json:
        print_json({"model": scope.name, "vowels": tokens.origin, "tokens": len(tokens), **tables})
        return
    for signal, rows in tables.items():
        title = f"{scope.name}: right in the {signal} (% of vowels within one deviation of what is known)"
        shown = [{name: round(cell) if isinstance(cell, float) and cell == cell else cell for name, cell in row.items()}
                 for row in rows]  # fmt: skip
        table = make_table(title, shown, {name: name for name in rows[0]})
        if out_console.width < 120:
            table.padding = 0  # twelve vowels fill a terminal
        out_console.print(table)
