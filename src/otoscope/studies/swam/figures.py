"""The figures of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from otoscope.plots.drawing import LINE_STYLES
from otoscope.plots.papers.panels import grid
from otoscope.studies.found import Found
from otoscope.studies.swam.trained import FREE, FRONT_ENDS, LARGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HIGHEST = {FREE: 4000.0, LARGE: 8000.0}
"""In Hz, of what is shown; FSDD is sampled at 8 kHz."""


def cumulative(found: Found) -> Figure:
    """CRS of the trained networks of both tasks and of random ones, front-ends in columns."""
    axes = grid(1, 3, height=1.9, wide=True, sharex=True)[0]
    data = FREE if found.rows("response", data=FREE) else LARGE
    highest = _HIGHEST[data]
    for ax, front_end in zip(axes, FRONT_ENDS, strict=True):
        for (label, where), (colour, line) in zip(_LINES.items(), LINE_STYLES[1:], strict=False):
            spectra = _spectra(found, front_end, data=data, **where)
            if not spectra:
                continue
            frequency, values = spectra[0][0], np.stack([one for _, one in spectra])
            mean, deviation = 1000 * values.mean(0), 1000 * values.std(0)
            shown = frequency <= highest
            khz = frequency[shown] / 1000
            ax.plot(khz, mean[shown], line, color=colour, label=label)
            ax.fill_between(
                khz, (mean - deviation)[shown], (mean + deviation)[shown], color=colour, alpha=0.2, linewidth=0
            )
        ax.set(title=front_end, xlabel="frequency (kHz)", xlim=(0, highest / 1000), ylim=(0, None))
    axes[0].set_ylabel("CRS (‰ of its sum)")
    axes[-1].legend(frameon=False, fontsize=7)
    return axes[0].figure  # type: ignore[no-any-return]


_LINES: dict[str, dict[str, str]] = {
    "words": {"task": "words", "weights": "trained"},
    "speakers": {"task": "speakers", "weights": "trained"},
    "random": {"task": "words", "weights": "random"},
}


def _spectra(found: Found, front_end: str, **where: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The mean CRS of each run, with its frequencies."""
    asked = {"front_end": front_end, **where}
    return [
        (one["frequency"].values, one["crs"].values)
        for kept in found.tables.get("response", ())
        if "crs" in kept.results and all(kept.rows[0][key] == value for key, value in asked.items())
        for one in [kept.result("crs")]
    ]
