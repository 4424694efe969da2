"""From the rows of the study to the numbers by which its claims are judged."""

from __future__ import annotations

import numpy as np

from otoscope.studies.estimate import Estimate, mean_of
from otoscope.studies.found import Found

TABLE_4 = {
    "A": ("0.3457", "0.0", "0.0", "0.0", "0.0"),
    "B": ("4.5024", "3.0179", "3.7923", "8.8337", "12.5639"),
    "beta_avg": ("41.2059", "72.0779", "70.5769", "65.8626", "62.1708"),
    "mu": ("0.8925", "0.4402", "0.5149", "0.7679", "0.7788"),
    "mu_avg": ("0.7434", "0.307", "0.3313", "0.4056", "0.462"),
}
"""As printed, layers I to V."""

DIGITS = 4
"""Places behind the point to which the table is rounded; it leaves zeros at the end out."""


def fourier_error(found: Found) -> Estimate:
    """How far the STRS of a Fourier basis is from the spectra of the frames, at the worst."""
    return mean_of(found.values("fourier", "error"), "random sounds")


def cosine_error(found: Found) -> Estimate:
    """The largest difference of mu from the cosine of beta_min: no sample, so that its interval is the number."""
    mu, angle = (found.values("published_geometry", name) for name in ("mu", "beta_min"))
    worst = float(np.abs(mu - np.cos(np.deg2rad(angle))).max())
    return Estimate(worst, worst, worst, "published InceptionNet, five layers")


def average_is_no_cosine(found: Found) -> Estimate:
    """The smallest difference of mu_avg from the cosine of beta_avg."""
    mu, angle = (found.values("published_geometry", name) for name in ("mu_avg", "beta_avg"))
    least = float(np.abs(mu - np.cos(np.deg2rad(angle))).min())
    return Estimate(least, least, least, "published InceptionNet, five layers")


def matches(found: Found) -> list[tuple[str, int, str, float, bool]]:
    """Of each number of Table 4 the measure, the layer, what is printed, ours, and whether they are equal."""
    return [
        (measure, layer, printed, float(ours), round(float(ours), DIGITS) == float(printed))
        for measure, row in TABLE_4.items()
        for layer, (printed, ours) in enumerate(
            zip(row, found.values("published_geometry", measure), strict=True), start=1
        )
    ]


def table_4(found: Found) -> Estimate:
    """How many of the numbers of Table 4 come out."""
    return Estimate(float(sum(same for *_, same in matches(found))), of="published InceptionNet")
