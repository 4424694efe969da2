"""The first look: one built-in vowel, two bundled models that were trained on the same sounds for different tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from otoscope.data.vowels import vowel_clip
from otoscope.models import load
from otoscope.report.summary import audible, peak_frequency
from otoscope.scope import Scope

MODELS = ("vowel-name", "vowel-register")
SYMBOL, GROUP = "ah", "women"


def run(folder: Path, progress: Callable[[str, int, int], None] | None = None) -> dict[str, Any]:
    """Inspect the vowel with both models.

    Parameters
    ----------
    folder : Path
        Gets one inspection for each model.
    progress : callable, optional
        Called as ``progress(step, done, total)``.

    Returns
    -------
    dict
        `audio`, `f0` and `formants` (Hz) of the sound, and for each of `models` what it says, where its relevance and
        its CRS peak (Hz), the shares of its relevance at F0 and at F1 or F2, and its report.
    """
    clip = vowel_clip(SYMBOL, GROUP)
    f0, formants = float(clip.attrs["f0"]), [float(f) for f in np.ravel(clip.attrs["formants"])[:3]]
    rows = []
    for name in MODELS:
        scope = Scope(load(name))
        scope.inspect(clip, folder / name, progress=progress)
        relevance = scope.relevance(clip)
        peak = peak_frequency(relevance.spectrum)
        rows.append(
            {
                "model": name,
                "says": relevance.attrs["target"],
                "relevance_peak": peak,
                "nearest_to": nearest(peak, f0, formants),
                "share_at_f0": share(relevance.spectrum, [f0], f0),
                "share_at_f1_or_f2": share(relevance.spectrum, formants[:2], f0),
                "crs_peak": peak_frequency(scope.crs(clip)),
                "report": str(folder / name / "report.html"),
            }
        )
    return {"audio": clip.attrs["name"], "f0": f0, "formants": formants, "models": rows}


def share(spectrum: xr.DataArray, frequencies: list[float], f0: float) -> float:
    """Share of the energy that lies within 10 % of frequencies in Hz, or half of `f0` where that is more.

    At a high F0 the harmonics are further apart than a formant is wide, so that there is none nearer to it.
    """
    energy, f = audible(spectrum) ** 2, spectrum.frequency.values
    near = [np.abs(f - frequency) <= max(0.1 * frequency, f0 / 2) for frequency in frequencies]
    return float(energy[np.any(near, axis=0)].sum() / energy.sum())


def nearest(frequency: float, f0: float, formants: list[float]) -> str:
    """The name of the nearest of F0 and the formants."""
    known = {"F0": f0} | {f"F{i}": formant for i, formant in enumerate(formants, 1)}
    return min(known, key=lambda name: abs(known[name] - frequency))
