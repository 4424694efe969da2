"""The study of sonification: sizes and shifts, which need no training; the other claims are listed."""

from __future__ import annotations

from collections.abc import Sequence

from otoscope.dsp.statistics import mean_interval
from otoscope.studies.found import Found
from otoscope.studies.sonification.claims import CLAIMS
from otoscope.studies.sonification.steps import LAYERS, PUBLISHED_OFFSET, plan
from otoscope.studies.study import Listing, Study


def _shifts(found: Found) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    rows = []
    for layer in LAYERS:
        for offset in found.distinct("shift", "offset", layer=layer):
            values = found.values("shift", "correlation", layer=layer, offset=offset)
            mean, low, high = map(float, mean_interval(values))
            hop = found.distinct("shift", "hop", layer=layer)[0]
            rows.append([layer, hop, offset, offset % hop, f"{mean:.4f} ({low:.4f} to {high:.4f})"])
    return ["layer", "hop", "offset", "beyond a multiple of the hop", "correlation"], rows


STUDY = Study(
    "sonification",
    title="Sonification of supervised and contrastive encoders",
    about="What do the maps of supervised and of contrastive encoders sound like, and which of them matter?",
    works=("sonification",),
    claims=CLAIMS,
    plan=lambda setting: tuple(plan(setting)),
    parts=("data", "encoder", "transfer", "sounds", "activity", "evolution", "layers", "residuals", "coherence"),
    tables=(
        Listing(
            "fig-5.1",
            "Fig. 5.1 in numbers: sonifications of shifted sounds",
            f"Correlation with the sonification of the sound without its first samples, moved back: at "
            f"{PUBLISHED_OFFSET} samples, as in the thesis, and at the multiple of the hop below. Means over clips of "
            "ESC-10 with 95 % intervals; the most active map of each layer of fsdd-digit.",
            make=_shifts,
            uses=("shift",),
            part="sounds",
        ),
    ),
    left_out=(
        "Chapter 4 (Tables 4.1 to 4.9), Fig. 5.2 to 5.5, A.1 to A.4 and chapter 6: not built yet.",
        "Fig. 3.1 (a drawing by others) claims nothing.",
    ),
    cost="quick 1 min, in full 3 min so far",
)
