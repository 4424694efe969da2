"""Bands that relevance emphasises, beside the F-ratio of speakers in them, and two systems compared."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import numpy as np

from otoscope.methods.no_relevance import NoRelevance
from otoscope.methods.subband_emphasis import subband_emphasis
from otoscope.models import load
from otoscope.studies.relevance.heard import RATE, Heard, explain, heard_by, pieces_of, subject_of
from otoscope.studies.relevance.likeness import correlation, level_per_hz
from otoscope.studies.step import Outcome, Row, Work
from otoscope.subject import Subject

BANDS = 24
_COLUMNS = ("emphasis", "input_emphasis", "f_ratio", "f_ratio_ci_low", "f_ratio_ci_high", "f_ratio_chance")
_WIDTH = 125.0  # Hz, of the bands in which two relevance signals are compared
_LOWEST = 50.0


def emphasis_of(work: Work) -> Outcome:
    """A row for each band on the mel scale: the emphasis of the relevance and of the sounds, and the F-ratio.

    There are no rows where nothing explains the answer to any sound, as of a network that learned shuffled labels.
    """
    given = work.arguments
    pairs = pieces_of(work.sounds(), given["speakers"], given["each"])
    try:
        found = subband_emphasis(
            subject_of(work), pairs, n_bands=BANDS, maximum_frequency=given["highest"], resamples=given["resamples"]
        )
    except NoRelevance:
        return Outcome([])
    rows: list[Row] = [
        {
            "low": round(float(found.band_low[band]), 1),
            "high": round(float(found.band_high[band]), 1),
            **{
                name: round(float(found[name].values[band] if found[name].ndim else found[name]), 4)
                for name in _COLUMNS
            },
        }
        for band in range(found.sizes["band"])
    ]
    return Outcome(rows)


def compared(work: Work) -> Outcome:
    """Of each sound how its relevance spectra correlate, in dB in narrow bands: of two runs, and of two systems.

    The first half of the networks that the step needs are runs of one system, the others of another.
    """
    networks = [Subject(load(str(work.model(place)))) for place in range(len(work.step.needs))]
    half = len(networks) // 2
    edges = np.arange(_LOWEST, work.arguments["highest"] + 1, _WIDTH)
    rows: list[Row] = []
    for number, heard in enumerate(heard_by(work)):
        spectra = [_spectrum(network, heard, edges) for network in networks]
        one, other = spectra[:half], spectra[half:]
        within = [correlation(a, b) for each in (one, other) for a, b in combinations(each, 2)]
        between = [correlation(a, b) for a, b in product(one, other)]
        rows.append(
            {
                "sound": heard.name,
                "within": round(float(np.nanmean(within)), 4) if within else None,
                "between": round(float(np.nanmean(between)), 4),
            }
        )
        work.report("sounds", number + 1, work.arguments["clips"])
    return Outcome(rows)


def _spectrum(network: Subject, heard: Heard, edges: np.ndarray) -> np.ndarray:
    """Levels of the relevance signal of a sound in bands."""
    signal = explain(network, heard).relevance
    return np.array([level_per_hz(signal, RATE, low, high) for low, high in pairwise(edges)])
