"""What downsampling folds of a sound."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.aliasing import aliasing as draw
from otoscope.report.html import Note, Section
from otoscope.report.sections.parts import figure, section, table

_HEADINGS = {
    "step": "step", "op": "operation", "stride": "stride", "rate_before": "rate before (Hz)",
    "nyquist": "new limit (Hz)", "share": "folded share", "share_with_mean": "with the mean",
}  # fmt: skip


def aliasing(result: xr.Dataset) -> Section:
    return section(
        "Aliasing",
        "Where the model drops samples, all energy above half the new rate is folded onto lower frequencies, and no "
        "later layer can separate it from what belongs there. A bar is the share of energy for which that holds at one "
        "step; the dashed line is what a flat spectrum would have. The mean of a map, which is never folded, is not "
        "counted.",
        result,
        [
            figure(2.2, draw, result, "Share of energy that each downsampling step folds"),
            table(result, "Shares of energy, 0 to 1; a dash where the maps are silent.", _HEADINGS),
            *skipped_note(result),
        ],
    )


def skipped_note(result: xr.Dataset) -> list[Note]:
    """Which taps are not steps, and why."""
    skipped = str(result["skipped"].values)
    return [] if skipped == "nothing" else [Note(f"Not counted: {skipped}.")]
