"""From the rows of the study to the numbers by which its claims are judged."""

from __future__ import annotations

from otoscope.studies.estimate import Estimate, mean_of
from otoscope.studies.found import Found


def spectrum_error(found: Found) -> Estimate:
    """How far the spectral relevance is from the derivative by bins of the DFT, at the worst of each clip."""
    return mean_of(found.values("spectrum", "error"), f"{len(found.rows('spectrum'))} vowels, vowel-name")
