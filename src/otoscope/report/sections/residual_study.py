"""The residual study."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.residual_study import residual_study as draw
from otoscope.report.html import Section
from otoscope.report.sections.parts import figure, section, table


def residual_study(result: xr.Dataset) -> Section:
    """How much worse the model does on residuals, by layer."""
    metric = str(result.attrs["metric"])
    compared = "the model's own answers on the whole sounds" if metric == "agreement" else "the labels"
    over = f"{result.attrs['models']} models" if int(result.attrs["models"]) > 1 else "clips"
    headings = {
        "layer": "layer", "score": metric, "score_ci_low": "from", "score_ci_high": "to", "change": "change",
        "change_ci_low": "from", "change_ci_high": "to", "agreement": "same answer",
    }  # fmt: skip
    return section(
        "Residual study",
        f"The {metric} (against {compared}) on {int(result.attrs['clips'])} sounds without what the most active map "
        "of a layer responds to. Where it falls far below that on the whole sounds, what was taken out mattered.",
        result,
        [
            figure(2.8, draw, result, f"The {metric} on residuals of each layer, and on the whole sounds"),
            table(
                result, f"On the whole sounds {float(result['baseline']):.3g}. Bounds are 95 % over {over}.", headings
            ),
        ],
    )
