"""The importance of layers."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from otoscope.plots.layer_importance import layer_importance as draw
from otoscope.report.html import Section, Table
from otoscope.report.sections.parts import figure, section, table

_HEADINGS = {
    "layer": "layer", "features": "features", "accuracy": "accuracy", "ci_low": "from (runs)", "ci_high": "to (runs)",
    "test_ci_low": "from (sounds)", "test_ci_high": "to (sounds)",
}  # fmt: skip


def layer_importance(result: xr.Dataset | Mapping[str, xr.Dataset]) -> Section:
    """Accuracy of a linear classifier behind each layer."""
    named = {"": result} if isinstance(result, xr.Dataset) else result
    return section(
        "Importance of layers",
        "How well a linear classifier tells the classes from the maps of a layer, each averaged over time: what is "
        "known there, and how much every further layer adds.",
        named.values(),
        [
            figure(
                2.8, draw, result, "Accuracy of a linear classifier behind each layer",
                "Thin bars: 95 % over runs. Wide, pale bars: 95 % over the sounds to test on.",
            ),
            *(_table(name, one) for name, one in named.items()),
        ],
    )  # fmt: skip


def _table(name: str, result: xr.Dataset) -> Table:
    caption = (
        f"{name + ': ' if name else ''}{result.sizes['run']} runs, {int(result['train_clips'])} sounds to train on and "
        f"{int(result['test_clips'])} to test on. Bounds are 95 %, over runs and over the sounds to test on."
    )
    return table(result, caption, _HEADINGS)
