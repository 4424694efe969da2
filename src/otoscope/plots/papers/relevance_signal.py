"""A sound, its relevance signal and the autocorrelation of both: relevance signals Fig. 3."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.plots.autocorrelation import autocorrelation as draw_autocorrelation
from otoscope.plots.checks import having, over_peak, rate_of, samples_of
from otoscope.plots.drawing import INPUT_COLOUR, RELEVANCE_COLOUR, draw_samples, small_size
from otoscope.plots.papers.panels import grid
from otoscope.plots.style import StyleName, styled


def relevance_signal(
    result: xr.Dataset, autocorrelation: xr.Dataset, *, longest: float = 0.02, style: StyleName | None = "paper"
) -> np.ndarray:
    """Draw a sound, its relevance signal, and the autocorrelation of a short segment of both.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.relevance.relevance` returned, of one clip.
    autocorrelation : xarray.Dataset
        What :func:`otoscope.methods.autocorrelation.autocorrelation` returned of the same clip; its segment is shaded.
    longest : float
        Longest lag shown, in s.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (3,)

    Raises
    ------
    InputError
        If something is missing, or a result is of several clips.

    Notes
    -----
    Fig. 3 of the paper on relevance signals. Each waveform is over its own peak.
    """
    result, autocorrelation = having(result, ["input", "relevance"]), having(autocorrelation, ["autocorrelation"])
    with styled(style):
        axes: np.ndarray = grid(3, 1, height=3.4, heights=[1, 1, 1.5])[:, 0]
        rows = (("(a) input", "input", INPUT_COLOUR), ("(b) relevance signal", "relevance", RELEVANCE_COLOUR))
        for ax, (title, name, colour) in zip(axes, rows, strict=False):
            samples, rate = samples_of(result[name], rate_of(result))
            draw_samples(ax, over_peak(samples), rate, color=colour)
            ax.set(xlim=(0, samples.size / rate), ylim=(-1.1, 1.1), ylabel="re peak")
            ax.set_title(title, fontsize=small_size(ax), loc="left", pad=2)
            if "start" in autocorrelation and "stop" in autocorrelation:
                segment = float(autocorrelation["start"]), float(autocorrelation["stop"])
                ax.axvspan(*segment, color="#ececec", linewidth=0, zorder=0)
        axes[0].tick_params(labelbottom=False)
        axes[1].set_xlabel("time (s)")
        draw_autocorrelation(autocorrelation, axes[2], longest=longest)
        axes[2].set_title("(c)", fontsize=small_size(axes[2]), loc="left", pad=2)
    return axes
