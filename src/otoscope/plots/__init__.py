"""Pictures of results: axes in, axes out.

Every function draws one result on one matplotlib ``Axes`` and returns it. Without ``ax`` it makes a figure
of one paper column (3.4 inches) with text of 7 to 8 points. Matplotlib is imported only when a picture is
drawn, no setting of it is changed, and figures are neither shown nor closed.

Meshes are rasterised and pooled to about a thousand columns, and long waveforms are drawn as their
envelope, so that a PDF of an hour of audio stays small. All meshes share one colour map whose lightness
rises steadily, so that they can be printed in grey.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.drawing import make_grid
from otoscope.errors import InputError
from otoscope.plots.aliasing import aliasing, aliasing_map, legible_steps
from otoscope.plots.animation import animate_strs
from otoscope.plots.coherence import coherence, coherence_spectrum
from otoscope.plots.compare import compare, compare_bands, compare_difference, compare_strs
from otoscope.plots.filters import filters, filters_before_after
from otoscope.plots.flow import data_flow
from otoscope.plots.frame import f_vowel, frame_response
from otoscope.plots.geometry import geometry
from otoscope.plots.layers import layer_importance, residual, residual_study
from otoscope.plots.occlusion import occlusion
from otoscope.plots.relevance import relevance, relevance_signal, relevance_spectrogram, relevance_spectrum
from otoscope.plots.response import crs, strs
from otoscope.plots.shares import vowel_shares
from otoscope.plots.sonification import by_activity, sonification, sonification_grid
from otoscope.plots.sound import spectrogram, waveform
from otoscope.plots.tones import tone_response
from otoscope.plots.top_activations import top_activations, top_sound, top_sounds
from otoscope.plots.training import change_rate, feature_evolution
from otoscope.plots.voice import autocorrelation, voice, voice_contours, voice_spectrum, vowel_protocol
from otoscope.plots.wigner import wigner

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "PICTURES",
    "aliasing",
    "aliasing_map",
    "animate_strs",
    "autocorrelation",
    "by_activity",
    "change_rate",
    "coherence",
    "coherence_spectrum",
    "compare",
    "compare_bands",
    "compare_difference",
    "compare_strs",
    "crs",
    "data_flow",
    "f_vowel",
    "feature_evolution",
    "filters",
    "filters_before_after",
    "frame_response",
    "geometry",
    "layer_importance",
    "legible_steps",
    "occlusion",
    "plot",
    "relevance",
    "relevance_signal",
    "relevance_spectrogram",
    "relevance_spectrum",
    "residual",
    "residual_study",
    "sonification",
    "sonification_grid",
    "spectrogram",
    "strs",
    "tone_response",
    "top_activations",
    "top_sound",
    "top_sounds",
    "voice",
    "voice_contours",
    "voice_spectrum",
    "vowel_protocol",
    "vowel_shares",
    "waveform",
    "wigner",
]


def _relevance(result: xr.Dataset, ax: Any = None, **options: Any) -> Axes | np.ndarray:
    return relevance(result, **options) if ax is None else relevance_spectrogram(result, ax, **options)


def _sonification(result: xr.DataArray, ax: Any = None, **options: Any) -> Axes | np.ndarray:
    several = ax is None and result.sizes.get("channel", 1) > 1 and "channel" not in options
    return sonification_grid(result, **options) if several else sonification(result, ax=ax, **options)


def _filters_before_after(result: xr.Dataset, ax: Any = None, **options: Any) -> np.ndarray:
    before, after = (result.sel(training=state) for state in ("before", "after"))
    return filters_before_after(before, after, ax, **options)


def _coherence(result: xr.Dataset, ax: Any = None, **options: Any) -> Axes | np.ndarray:
    if ax is not None:
        return coherence(result, ax, **options)
    axes = make_grid(2, 1, height=4.0, sharex=True).ravel()
    coherence(result, axes[0])
    coherence_spectrum(result, axes[1], **options)
    axes[0].set_xlabel("")
    return axes


#: The picture of what each method returns; it takes the result and, if the caller has some, axes (one or several).
PICTURES: dict[str, Callable[..., Axes | np.ndarray]] = {
    "strs": strs,
    "crs": crs,
    "voice": voice,
    "autocorrelation": autocorrelation,
    "vowel_protocol": vowel_protocol,
    "geometry": geometry,
    "relevance": _relevance,
    "sonify": _sonification,
    "sonification": _sonification,
    "aliasing": aliasing,
    "aliasing_map": aliasing_map,
    "data_flow": data_flow,
    "wigner": wigner,
    "filters": filters,
    "filters_before_after": _filters_before_after,
    "frame_response": frame_response,
    "f_vowel": f_vowel,
    "tone_response": tone_response,
    "coherence": _coherence,
    "top_activations": top_activations,
    "top_sounds": top_sounds,
    "residual": residual,
    "residual_study": residual_study,
    "layer_importance": layer_importance,
    "feature_evolution": feature_evolution,
    "change_rate": change_rate,
    "compare": compare,
    "vowel_shares": vowel_shares,
}


def plot(result: xr.DataArray | xr.Dataset, ax: Any = None, **options: Any) -> Axes | np.ndarray:
    """Draw any result with the picture that fits it.

    Parameters
    ----------
    result : xarray.DataArray or xarray.Dataset
        What a method returned; its attribute ``method`` or its name says which. A clip is drawn as a
        waveform, any other array over frequency and time as a spectrogram.
    ax : matplotlib.axes.Axes or a sequence of them, optional
        Where to draw (several for a picture of several panels). Without it a new figure, with all three pictures
        of a relevance
        and up to nine maps of a sonification.
    **options
        For the function that draws it.

    Returns
    -------
    matplotlib.axes.Axes, or an array of them where there are several

    Raises
    ------
    InputError
        If there is no picture for such a result.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> curve = xr.DataArray(
    ...     [1.0, 2.0], dims="frequency", coords={"frequency": [0.0, 400.0]}, attrs={"method": "crs"})
    >>> plot(curve, Figure().subplots()).get_ylabel()
    'CRS (arbitrary units)'
    """
    for name in (result.attrs.get("method"), getattr(result, "name", None)):
        if name in PICTURES:
            return PICTURES[name](result, ax, **options)
    if isinstance(result, xr.DataArray):
        last = tuple(str(dim).removeprefix("frame_") for dim in result.dims if dim != "clip")
        if last == ("time",):
            return waveform(result, ax, **options)
        if last == ("frequency", "time"):
            return spectrogram(result, ax, **options)
    raise InputError(
        f"no picture for a result of method {result.attrs.get('method', 'unknown')!r} with dimensions "
        f"{tuple(result.dims)}; there are pictures for {', '.join(PICTURES)} and clips."
    )
