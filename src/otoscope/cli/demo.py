"""The first look: built-in vowels and two bundled models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from otoscope.cli.common import AsJson, app, folder_option, make_table, out_console, print_json, progress_bar


@app.command()
def demo(
    out: Annotated[Path, folder_option("Folder to write to.")] = Path("otoscope-demo"),
    as_json: AsJson = False,
) -> None:
    """Two bundled models on built-in vowels: what each of them listens to, and how sure that is."""
    from otoscope.demo import run

    with progress_bar("comparing") as report:
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
    title = f"A synthesised vowel, {found['audio']}: F0 {found['f0']:.0f}, {known} Hz"
    caption = (
        "Both models have the same architecture and heard the same sounds in training; one learnt to name the vowel, "
        "the other the register of the voice. Shares are of the energy of the relevance spectrum."
    )
    _print(title, rows, headings, caption)
    shares = [
        {"listener": listener} | {place: _interval(*values) for place, values in places.items()}
        for listener, places in found["shares"].items()
    ]
    places = list(next(iter(found["shares"].values())))
    differ = " and ".join(f"in {share:.0%} of the vowels at {place}" for place, share in found["differ"].items())
    caption = (
        f"Mean and its 95 % interval. The models differ as their tasks do {differ}. Harmonics do not tell them apart: "
        "a vowel holds nothing between its harmonics, so that nearly all relevance lies there. And relevance at "
        "formants alone would prove little: the sound is strongest there, and random weights let part of it through."
    )
    title = f"{found['vowels']} vowels of men, women and children, in low, middle and high voices"
    _print(title, shares, {"listener": "relevance of"} | {place: f"at {place}" for place in places}, caption)
    out_console.print(f"report: {found['report']}", markup=False)
    out_console.print(f"more:   otoscope inspect {found['models'][0]['model']} {found['sound']}", markup=False)


def _print(title: str, rows: list[dict[str, Any]], headings: dict[str, str], caption: str) -> None:
    table = make_table(title, rows, headings)
    table.caption, table.caption_justify = caption, "left"
    out_console.print(table)


def _interval(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.0f}% ({100 * low:.0f} to {100 * high:.0f})"
