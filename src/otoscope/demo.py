"""The first look: one built-in vowel, two bundled models that were trained on the same sounds for different tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from rich.table import Table

from otoscope.data.vowels import vowel_clip
from otoscope.models import load
from otoscope.report.summary import audible, peak_frequency
from otoscope.scope import Scope

MODELS = ("vowel-name", "vowel-register")
SYMBOL, GROUP = "ah", "women"


def run(folder: Path, progress: Callable[[str, int, int], None] | None = None) -> tuple[Table, list[Path]]:
    """Inspect the vowel with both models.

    Parameters
    ----------
    folder : Path
        Gets one inspection for each model.
    progress : callable, optional
        Called as ``progress(step, done, total)``.

    Returns
    -------
    table : rich.table.Table
        The known F0 and formants of the sound, and where each model's relevance and CRS peak.
    reports : list of Path
    """
    clip = vowel_clip(SYMBOL, GROUP)
    f0, formants = float(clip.attrs["f0"]), [float(f) for f in np.ravel(clip.attrs["formants"])[:3]]
    known = ", ".join(f"F{i} {f:.0f}" for i, f in enumerate(formants, 1))
    table = Table(
        title=f"A synthesised vowel, {clip.attrs['name']}: F0 {f0:.0f}, {known} Hz",
        title_justify="left",
        caption_justify="left",
    )
    for heading in ("model", "says", "relevance peaks at", "of it at F0", "at F1 or F2", "CRS peaks at"):
        table.add_column(heading)
    for name in MODELS:
        scope = Scope(load(name))
        scope.inspect(clip, folder / name, progress=progress)
        relevance, crs = scope.relevance(clip), scope.crs(clip)
        peak = peak_frequency(relevance.spectrum)
        table.add_row(
            name,
            relevance.attrs["target"],
            f"{peak:.0f} Hz, {nearest(peak, f0, formants)}",
            f"{share(relevance.spectrum, [f0], f0):.0%}",
            f"{share(relevance.spectrum, formants[:2], f0):.0%}",
            f"{peak_frequency(crs):.0f} Hz",
        )
    table.caption = (
        "Both models have the same architecture and heard the same sounds in training; one learnt to name the vowel, "
        "the other the register of the voice. Shares are of the energy of the relevance spectrum."
    )
    return table, [folder / name / "report.html" for name in MODELS]


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
    return "nearest to " + min(known, key=lambda name: abs(known[name] - frequency))
