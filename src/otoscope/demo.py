"""The first look: one built-in vowel, two bundled models that were trained on the same sounds for different tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr
from rich.table import Table

from otoscope.data.vowels import vowel_clip
from otoscope.models import load
from otoscope.report.summary import LOWEST_AUDIBLE
from otoscope.scope import Scope

MODELS = ("vowel-name", "vowel-register")
SYMBOL, GROUP = "iy", "women"


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
    f0, formants = float(clip.attrs["f0"]), [float(f) for f in np.ravel(clip.attrs["formants"])]
    known = ", ".join(f"F{i} {f:.0f}" for i, f in enumerate(formants[:3], 1))
    table = Table(title=f"{clip.attrs['name']}: F0 {f0:.0f} Hz, {known} Hz", title_justify="left")
    for heading in ("model", "says", "relevance peaks at", "that is", "half of it lies below", "CRS peaks at"):
        table.add_column(heading)
    for name in MODELS:
        scope = Scope(load(name))
        scope.inspect(clip, folder / name, progress=progress)
        relevance = scope.relevance(clip)
        crs = scope.crs(clip)
        spectrum = relevance.spectrum
        peak = peak_frequency(spectrum)
        table.add_row(
            name,
            relevance.attrs["target"],
            f"{peak:.0f} Hz",
            _place(peak, f0, formants),
            f"{median_frequency(spectrum):.0f} Hz",
            f"{peak_frequency(crs):.0f} Hz",
        )
    return table, [folder / name / "report.html" for name in MODELS]


def peak_frequency(spectrum: xr.DataArray) -> float:
    """Frequency in Hz of the largest value that can be heard."""
    heard = spectrum.where(spectrum.frequency >= LOWEST_AUDIBLE, 0.0)
    return float(heard.frequency[int(heard.argmax())])


def median_frequency(spectrum: xr.DataArray) -> float:
    """Frequency in Hz below which half of the energy lies that can be heard."""
    energy = np.cumsum(spectrum.where(spectrum.frequency >= LOWEST_AUDIBLE, 0.0).values ** 2)
    return float(spectrum.frequency[int(np.searchsorted(energy, energy[-1] / 2))])


def _place(frequency: float, f0: float, formants: list[float]) -> str:
    """Where a frequency lies in what is known of the sound."""
    harmonic = max(1, round(frequency / f0))
    nearest = min(range(len(formants)), key=lambda i: abs(formants[i] - frequency))
    return f"harmonic {harmonic} of F0 ({harmonic * f0:.0f} Hz), nearest to F{nearest + 1} ({formants[nearest]:.0f} Hz)"
