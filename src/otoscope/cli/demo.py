"""The first look: a built-in vowel and two bundled models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.common import AsJson, app, make_table, out_console, print_json, progress_bar


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("otoscope-demo"),
    as_json: AsJson = False,
) -> None:
    """Inspect a built-in vowel with two bundled models, and say what each of them listened to."""
    from otoscope.demo import run

    with progress_bar("inspecting") as report:
        found = run(out, report)
    if as_json:
        print_json(found)
        return
    known = ", ".join(f"F{i} {formant:.0f}" for i, formant in enumerate(found["formants"], 1))
    rows = [
        row | {"share_at_f0": f"{row['share_at_f0']:.0%}", "share_at_f1_or_f2": f"{row['share_at_f1_or_f2']:.0%}"}
        for row in found["models"]
    ]
    headings = {
        "model": "model", "says": "says", "relevance_peak": "relevance peaks at (Hz)", "nearest_to": "nearest to",
        "share_at_f0": "of it at F0", "share_at_f1_or_f2": "at F1 or F2", "crs_peak": "CRS peaks at (Hz)",
    }  # fmt: skip
    table = make_table(f"A synthesised vowel, {found['audio']}: F0 {found['f0']:.0f}, {known} Hz", rows, headings)
    table.caption_justify = "left"
    table.caption = (
        "Both models have the same architecture and heard the same sounds in training; one learnt to name the vowel, "
        "the other the register of the voice. Shares are of the energy of the relevance spectrum."
    )
    out_console.print(table)
    for row in rows:
        out_console.print(f"report: {row['report']}", markup=False)
