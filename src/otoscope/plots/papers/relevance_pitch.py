"""A sound, its relevance signal and the F0 of both: relevance signals Fig. 4 and 6."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.plots.checks import having, over_peak
from otoscope.plots.drawing import draw_samples, small_size
from otoscope.plots.papers.panels import grid
from otoscope.plots.style import StyleName, styled
from otoscope.plots.voice import COLOURS, GATE, voice_contours


def relevance_pitch(result: xr.Dataset, *, gate: float | None = GATE, style: StyleName | None = "paper") -> np.ndarray:
    """Draw a sound and its relevance signal, one above the other, and their F0 contours below.

    Parameters
    ----------
    result : xarray.Dataset
        What :func:`otoscope.methods.voice.voice` returned, of one clip.
    gate : float, optional
        Frames so many dB below the loudest of their signal are left out, see
        :func:`otoscope.plots.voice.voice_contours`.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (3,)

    Raises
    ------
    InputError
        If something is missing, or the result is of several clips.

    Notes
    -----
    Fig. 4 (phone classification) and 6 (speaker identification) of the paper on relevance signals. Each waveform is
    over its own peak.
    """
    result = having(result, ["waveform", "f0", "start", "stop"])
    rate = float(result.attrs["sample_rate"])
    with styled(style):
        axes: np.ndarray = grid(3, 1, height=3.3, heights=[1, 1, 1.5])[:, 0]
        for ax, (signal, colour) in zip(axes, COLOURS.items(), strict=False):
            samples = over_peak(result["waveform"].sel(signal=signal).values.astype(float))
            draw_samples(ax, samples, rate, color=colour)
            ax.set(xlim=(0, samples.size / rate), ylim=(-1.1, 1.1), ylabel="re peak")
            ax.set_title(f"{signal} signal", fontsize=small_size(ax), loc="left", pad=2)
            ax.tick_params(labelbottom=False)
        voice_contours(result, axes[2], gate=gate)
        axes[2].set_xlim(axes[0].get_xlim())
    return axes
