"""From the rows of the study to the numbers by which its claims are judged."""

from __future__ import annotations

import numpy as np

from otoscope.studies.estimate import Estimate, mean_of
from otoscope.studies.found import Found

PUBLISHED_MILLIONS = {"cnn12": 14, "cnn12-x2": 53}


def sizes(found: Found) -> Estimate:
    """Of how many encoders the number of weights rounds to the published millions."""
    right = [
        round(found.one("sizes", "weights", model=name) / 1e6) == millions
        for name, millions in PUBLISHED_MILLIONS.items()
    ]
    return Estimate(float(sum(right)), of="the encoders of the zoo")


def any_shift(found: Found) -> Estimate | None:
    """The correlation of sonifications moved by an offset that is no multiple of the hop."""
    return _shifted(found, exact=False)


def hop_shift(found: Found) -> Estimate | None:
    """The correlation of sonifications moved by a multiple of the hop."""
    return _shifted(found, exact=True)


def _shifted(found: Found, *, exact: bool) -> Estimate | None:
    """Mean of the layers of each clip, over clips."""
    clips = []
    for clip in found.distinct("shift", "clip"):
        rows = [row for row in found.rows("shift", clip=clip) if (row["rest"] == 0) == exact]
        values = [row["correlation"] for row in rows if row["correlation"] is not None]
        if values:
            clips.append(float(np.mean(values)))
    return mean_of(clips, f"ESC-10, {len(clips)} clips, fsdd-digit") if clips else None
