"""The first look: built-in vowels and two bundled models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from otoscope.cli.common import Folder, Json
from otoscope.cli.console import begin, out_console, print_json, print_table, progress_bar
from otoscope.demo import run


def demo(
    *,
    out: Annotated[Folder, Parameter(help="Folder to write to.")] = Path("otoscope-demo"),
    json: Json = False,
) -> None:
    """Two bundled models on built-in vowels: what each of them listens to, and how sure that is."""
    begin()
    with progress_bar("comparing") as report:
        found = run(out, report)
    if json:
        print_json(found)
        return
    known = ", ".join(f"F{i} {formant:.0f}" for i, formant in enumerate(found["formants"], 1))
    rows = [
        row | {"share_at_f0": f"{row['share_at_f0']:.0%}", "share_at_f1_or_f2": f"{row['share_at_f1_or_f2']:.0%}"}
        for row in found["models"]
    ]
    headings = {
        "model": "model", "class": "class", "relevance_peak": "relevance peaks at (Hz)", "nearest_to": "nearest to",
        "share_at_f0": "share at F0", "share_at_f1_or_f2": "at F1 or F2", "crs_peak": "CRS peaks at (Hz)",
    }  # fmt: skip
    print_table(
        f"A synthesised vowel, {found['audio']}: F0 {found['f0']:.0f}, {known} Hz",
        rows,
        headings,
        "Both models have the same architecture and were trained on the same sounds, one to name the vowel, the other "
        "to name the register of the voice. Shares are of the energy of the relevance spectrum.",
    )
    shares = [
        {"listener": listener} | {place: _interval(*values) for place, values in places.items()}
        for listener, places in found["shares"].items()
    ]
    places = list(next(iter(found["shares"].values())))
    differ = " and ".join(f"in {share:.0%} of the vowels at {place}" for place, share in found["differ"].items())
    print_table(
        f"{found['vowels']} vowels of men, women and children, in low, middle and high voices",
        shares,
        {"listener": "relevance of"} | {place: f"at {place}" for place in places},
        f"Mean and its 95 % interval. The models differ as their tasks do {differ}. Harmonics do not separate them: a "
        "vowel has no energy between its harmonics, so that nearly all relevance lies there. Relevance at formants "
        "alone would prove little: the sound is strongest there, and random weights let part of it through.",
    )
    out_console.print(f"report: {found['report']}", markup=False)
    out_console.print(f"more:   otoscope inspect {found['models'][0]['model']} {found['sound']}", markup=False)


def _interval(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.0f}% ({100 * low:.0f} to {100 * high:.0f})"
