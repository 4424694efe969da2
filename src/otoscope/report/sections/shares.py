"""Where relevance lies in many vowels whose F0 and formants are known."""

from __future__ import annotations

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Section, Table
from otoscope.report.sections.parts import RELEVANCE, blank, made


def vowel_shares(result: xr.Dataset) -> Section:
    with blank(1.7, half=True) as (picture, ax):  # drawn small, so that a telephone shows its text large enough
        plots.vowel_shares(result, ax)
    listeners, places = (result[dim].values.tolist() for dim in ("listener", "place"))
    rows = []
    for listener in listeners:
        one = result.sel(listener=listener)
        shares = [[100 * float(one[key].sel(place=place)) for key in ("mean", "low", "high")] for place in places]
        rows.append([listener, *("{:.0f} % ({:.0f} to {:.0f})".format(*share) for share in shares)])
    return Section(
        "What two tasks make of the same sounds",
        f"Where the energy of the relevance lies in {result.sizes['vowel']} synthesised vowels of men, women and "
        "children, whose fundamental and formants are known. To name a vowel, only the formants count; to tell the "
        "register of a voice, only its periodicity. The models learnt each from the same sounds with the same "
        "architecture, so that their relevance differs by the task. Both lie at harmonics, since a vowel holds nothing "
        "between them; what tells the tasks apart is which ones: the first harmonic, F0, or those at the formants. "
        "Relevance at the formants alone would prove little: the sound itself is strongest there, and guided "
        "backpropagation brings part of it back even through random weights.",
        f"{RELEVANCE}, section 3.2",
        made(result),
        [
            Figure(picture, "Shares of the energy of relevance at F0, at F1 or F2 and at harmonics"),
            Table(
                ["relevance of", *(f"at {place}" for place in places)],
                rows,
                "Mean over vowels, with its 95 % interval. At F0: within half of F0; at a formant: within 10 % or half "
                "of F0, whichever is more; at harmonics: nearer to one than to the middle between two.",
            ),
        ],
    )
