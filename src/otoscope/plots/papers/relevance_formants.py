"""Short-term spectra of sounds and of their relevance signals under their envelopes: relevance signals Fig. 5."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.drawing import small_size
from otoscope.plots.papers.panels import grid, head_columns, named, only_outer
from otoscope.plots.style import StyleName, styled
from otoscope.plots.voice import voice_spectrum


def relevance_formants(
    results: Mapping[str, Mapping[str, xr.Dataset]],
    *,
    dynamic_range: float = 60.0,
    style: StyleName | None = "paper",
) -> np.ndarray:
    """Draw the spectrum of each sound and of its relevance signals, with envelope and LP spectrum.

    Parameters
    ----------
    results : mapping of str to mapping of str to xarray.Dataset
        By the name of a sound ("male /ah/") and that of a system ("phone", "speaker"), what
        :func:`otoscope.methods.voice.voice` returned, each of one clip; every sound has the same systems.
    dynamic_range : float
        Range shown, in dB below the peak of each spectrum.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (sounds, 1 + systems)
        The first column has the sounds themselves.

    Raises
    ------
    InputError
        If there is no sound or system, systems differ, or something is missing.

    Notes
    -----
    Fig. 5 of the paper on relevance signals: /ah/ of a man and of a woman, and the relevance signals of the phone and
    the speaker system. Median formants of the segment are marked.
    """
    sounds = named(results, "systems of each sound")
    systems = list(next(iter(sounds.values())))
    for name, each in sounds.items():
        if list(each) != systems:
            raise InputError(f"{name!r} has the systems {', '.join(each)}, and the first sound {', '.join(systems)}")
    with styled(style):
        axes = grid(len(sounds), 1 + len(systems), height=0.6 + 1.35 * len(sounds), wide=True, sharey=True)
        for row, each in zip(axes, sounds.values(), strict=True):
            voice_spectrum(each[systems[0]], row[0], of="input", dynamic_range=dynamic_range)
            for ax, system in zip(row[1:], systems, strict=True):
                voice_spectrum(each[system], ax, dynamic_range=dynamic_range)
        handles, _ = axes[0, 0].get_legend_handles_labels()
        for ax in axes.ravel():
            ax.get_legend().remove()
        axes[0, 0].figure.legend(
            handles, ["short-term spectrum", "spectral envelope", "linear prediction"], loc="outside lower center",
            ncols=3, frameon=False, fontsize=small_size(axes[0, 0]),
        )  # fmt: skip
        head_columns(axes, ["original", *(f"relevance, {system}" for system in systems)], pad=22)
        only_outer(axes)
        for ax, name in zip(axes[:, 0], sounds, strict=True):
            ax.set_ylabel(f"{name}\n{ax.get_ylabel()}")
    return axes
