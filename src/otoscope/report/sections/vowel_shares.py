"""Where relevance lies in many vowels whose F0 and formants are known."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.vowel_shares import vowel_shares as draw
from otoscope.report.html import Section, Table
from otoscope.report.sections.parts import figure, section


def vowel_shares(result: xr.Dataset) -> Section:
    listeners, places = (result[dim].values.tolist() for dim in ("listener", "place"))
    rows = []
    for listener in listeners:
        one = result.sel(listener=listener)
        shares = [
            [100 * float(one[key].sel(place=place)) for key in ("mean_share", "ci_low", "ci_high")] for place in places
        ]
        rows.append([listener, *("{:.0f} % ({:.0f} to {:.0f})".format(*share) for share in shares)])
    return section(
        "What two tasks make of the same sounds",
        f"Where the energy of the relevance lies in {result.sizes['vowel']} synthesised vowels of men, women and "
        "children, whose fundamental and formants are known. To name a vowel, only the formants count; to judge the "
        "register of a voice, only its periodicity. Both models have the same architecture and were trained on the "
        "same sounds, so that their relevance differs by the task alone. It lies at harmonics in both, since a vowel "
        "has no energy between them; the tasks differ in which harmonics: the first one, F0, or those at the formants. "
        "Relevance at the formants alone would prove little: the sound itself is strongest there, and guided "
        "backpropagation brings part of it back even through random weights.",
        result,
        [
            figure(1.7, draw, result, "Shares of the energy of relevance at F0, F1 or F2 and harmonics", half=True),
            Table(
                ["relevance of", *(f"at {place}" for place in places)],
                rows,
                "Mean over vowels, with its 95 % interval. At F0: within half of F0; at a formant: within 10 % or half "
                "of F0, whichever is more; at harmonics: nearer to one than to the middle between two.",
            ),
        ],
    )
