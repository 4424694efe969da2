"""Pictures of results: the function ``otoscope.plots.<method>.<method>`` draws what that method returns.

Each takes the result and, if the caller has some, axes; it returns the axes drawn on. :func:`plot` finds the one that
fits.
"""

from __future__ import annotations

import textwrap
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.sound import spectrogram, waveform
from otoscope.plots.style import StyleName, styled

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

__all__ = ["picture", "plot", "spectrogram", "styled", "waveform"]


def plot(
    result: xr.DataArray | xr.Dataset, ax: Any = None, *, style: StyleName | None = None, **options: Any
) -> Axes | np.ndarray[Any, Any]:
    """Draw any result with the picture that fits it.

    Parameters
    ----------
    result : xarray.Dataset or xarray.DataArray
        What a method returned; its attribute ``method`` says which. A clip is drawn as a waveform, any other array over
        frequency and time as a spectrogram.
    ax : matplotlib.axes.Axes or a sequence of them, optional
        Where to draw (several for a picture of several panels); a new figure without it.
    style : {"screen", "paper"}
        Of a new figure, that in use by default; "paper" for print, see :func:`styled`.
    **options
        For the function that draws it.

    Returns
    -------
    matplotlib.axes.Axes, or an array of them where there are several

    Raises
    ------
    InputError
        If there is no picture for such a result, or no such style.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> curve = xr.Dataset({"crs": ("frequency", [1.0, 2.0])}, {"frequency": [0.0, 400.0]}, {"method": "crs"})
    >>> plot(curve, Figure().subplots()).get_ylabel()
    'CRS (arbitrary units)'
    """
    with styled(style):
        return _plot(result, ax, options)


def _plot(result: xr.DataArray | xr.Dataset, ax: Any, options: dict[str, Any]) -> Axes | np.ndarray[Any, Any]:
    method = str(result.attrs.get("method", ""))
    draw = picture(method)
    if draw is not None and isinstance(result, xr.Dataset):
        drawn = draw(result, ax, **options)
        if ax is None:
            _say_what_was_heard(result, drawn)
        return drawn
    if isinstance(result, xr.DataArray):
        last = tuple(str(dim).removeprefix("frame_") for dim in result.dims if dim != "clip")
        if last == ("time",):
            return waveform(result, ax, **options)
        if last == ("frequency", "time"):
            return spectrogram(result, ax, **options)
    raise InputError(
        f"there is no picture for a result of the method {method or 'unknown'!r} with the dimensions "
        f"{tuple(result.dims)}: give what a method returned, or a clip"
    )


def _say_what_was_heard(result: xr.Dataset, drawn: Any) -> None:
    """Below a picture, whether the sound was cut or filled up."""
    text = " ".join(str(result.attrs[name]) for name in ("cut", "filled", "pieces") if name in result.attrs)
    if text:
        np.ravel(drawn)[0].figure.supxlabel("\n".join(textwrap.wrap(text, 60)), fontsize=7)


def picture(method: str) -> Callable[..., Axes | np.ndarray[Any, Any]] | None:
    """The function that draws the results of a method, if there is one."""
    place = f"otoscope.plots.{method}"
    if not method.isidentifier() or find_spec(place) is None:
        return None
    draw: Callable[..., Axes | np.ndarray[Any, Any]] | None = getattr(import_module(place), method, None)
    return draw
