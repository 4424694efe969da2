"""What downsampling folds."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Note, Section, Table
from otoscope.report.sections.parts import SIMPLENET, blank, made
from otoscope.report.summary import aliasing_rows

_SOURCE = f"{SIMPLENET}, section 2.2.3"


def aliasing(result: xr.Dataset) -> Section:
    with blank(2.2) as (picture, ax):
        plots.aliasing(result, ax)
    headings = {
        "step": "step", "op": "operation", "stride": "stride", "rate_before": "rate before (Hz)",
        "nyquist": "new limit (Hz)", "share": "folded share", "share_with_mean": "with the mean",
    }  # fmt: skip
    rows = [[row[name] if row[name] == row[name] else "silent" for name in headings] for row in aliasing_rows(result)]
    return Section(
        "Aliasing",
        "Where the model drops samples, all energy above half the new rate is folded onto lower frequencies, and no "
        "later layer can tell it from what belongs there. A bar is the share of energy for which that holds at one "
        "step; the dashed line is what a flat spectrum would have. The mean of a map, which is never folded, is not "
        "counted.",
        _SOURCE,
        made(result),
        [
            Figure(picture, "Share of energy that each downsampling step folds"),
            Table(list(headings.values()), rows, "Shares of energy, 0 to 1."),
            *_skipped(result),
        ],
    )


def aliasing_map(result: xr.Dataset) -> Section:
    shown = plots.legible_steps(result)
    with blank(0.5 + 1.6 * len(shown), rows=len(shown)) as (picture, axes):
        plots.aliasing_map(result, np.ravel(axes), steps=shown)
    return Section(
        "Aliasing over input frequency",
        "Sines of every frequency were played to the model. A column is what a step made of one of them: bright "
        "where its output has energy. The zigzag is where sampling at the new rate has to put the sine; brightness "
        "elsewhere is the work of activations and max pooling, which add harmonics.",
        _SOURCE,
        made(result),
        [Figure(picture, "Output frequency over input frequency at downsampling steps"), *_skipped(result)],
    )


def _skipped(result: xr.Dataset) -> list[Note]:
    skipped = result.attrs.get("skipped", "nothing")
    return [] if skipped == "nothing" else [Note(f"Not counted: {skipped}.")]
