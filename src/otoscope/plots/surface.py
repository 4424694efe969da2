"""Response spectra as a surface over time and frequency: a picture, and a film in which it grows with the sound."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.files import whole_file
from otoscope.plots.checks import frequency_by_time, having
from otoscope.plots.drawing import (
    COLOUR_MAP,
    STYLE,
    decibels,
    frequency_name,
    frequency_unit,
    is_geometric,
    make_figure,
    pool_columns,
)
from otoscope.plots.style import applied, current

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROWS, _COLUMNS = 96, 96  # of the surface: as fine as a few hundred dots can show
_DOTS = 130  # an inch
_SIZE = (4.2, 3.4)  # in inches


class _Surface(NamedTuple):
    """Time in s, places on the axis of frequency, level (frequency, time) in dB below the peak."""

    time: np.ndarray
    frequency: np.ndarray
    level: np.ndarray
    name: str  # of its frequencies, with their unit
    ticks: dict[str, float]  # of the axis of frequency, where it is not linear


def surface(result: xr.Dataset, ax: Axes | None = None, *, dynamic_range: float = 50.0) -> Axes:
    """Draw the STRS as a surface over time and frequency.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.strs.strs`, of one clip.
    ax : matplotlib.axes.Axes, optional
        Where to draw, made with ``projection="3d"``; a new figure without it.
    dynamic_range : float
        Range shown, in dB below the peak.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If the axes are not three-dimensional, or the result has other dimensions or fewer than two times or
        frequencies.

    Notes
    -----
    The surface is pooled to some tens of points a side; the picture :func:`otoscope.plots.strs.strs` shows all.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> result = xr.Dataset(
    ...     {"strs": (("frequency", "time"), np.ones((8, 9)))},
    ...     {"frequency": np.linspace(0, 4000, 8), "time": np.linspace(0, 1, 9)})
    >>> surface(result, Figure().add_subplot(projection="3d")).get_ylabel()
    'frequency (kHz)'
    """
    if ax is not None and ax.name != "3d":
        raise InputError('a surface needs axes in three dimensions: make them with projection="3d", or give none')
    drawn = _surface(result, dynamic_range)
    figure = make_figure(*_SIZE) if ax is None else ax.figure
    with applied(current()):
        ax = _add_axes(figure) if ax is None else ax
        _draw(ax, drawn, 1.0)
    return ax


def animate(
    result: xr.Dataset, path: str | Path, *, frames: int = 36, duration: float = 4.0, dynamic_range: float = 50.0
) -> Path:
    """Write the STRS as a film: the surface grows with the sound while the camera goes round it.

    Parameters
    ----------
    result : xarray.Dataset
        From :func:`otoscope.methods.strs.strs`, of one clip.
    path : str or Path
        A ``.gif``, or an ``.mp4`` where ffmpeg is installed. Written whole or not at all.
    frames : int
        Pictures in the film.
    duration : float
        How long it lasts in s, to a whole number of pictures a second.
    dynamic_range : float
        Range shown, in dB below the peak.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the file is of another kind or cannot be written, or the result has other dimensions.

    Examples
    --------
    >>> import tempfile
    >>> result = xr.Dataset(
    ...     {"strs": (("frequency", "time"), np.ones((8, 9)))},
    ...     {"frequency": np.linspace(0, 4000, 8), "time": np.linspace(0, 1, 9)})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     animate(result, folder + "/strs.gif", frames=2).stat().st_size > 1000
    True
    """
    import matplotlib
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure

    path = Path(path)
    if frames < 2 or not 0 < duration < float("inf"):
        raise InputError(f"a film needs two frames or more and a positive length, not {frames} in {duration} s")
    writer = _writer(path, max(1, round(frames / duration)))
    drawn = _surface(result, dynamic_range)
    with whole_file(path) as part, TemporaryDirectory() as folder, matplotlib.rc_context(STYLE):
        figure = Figure(figsize=_SIZE, dpi=_DOTS)
        ax = _add_axes(figure)
        film = FuncAnimation(figure, lambda n: _draw(ax, drawn, n / (frames - 1)), frames=frames, blit=False)
        saved = Path(folder, f"film{path.suffix}")  # writers take the format from the suffix, which a part lacks
        film.save(saved, writer=writer)
        shutil.copyfile(saved, part)
    return path


def _add_axes(figure: Any) -> Any:
    narrow = figure.get_figwidth() < _SIZE[0]  # where the text, which stays as it is, takes more of the width
    if narrow:
        figure.set_figheight(0.75 * figure.get_figwidth())
    ax = figure.add_axes((-0.03, 0.04, 0.96, 1.0) if narrow else (0.0, 0.02, 0.95, 1.0), projection="3d")
    ax.set_box_aspect((4, 3, 1.8), zoom=0.95 if narrow else 0.88)
    return ax


def _writer(path: Path, fps: int) -> Any:
    from matplotlib.animation import FFMpegWriter, PillowWriter

    kind = path.suffix.lower()
    if kind == ".gif":
        return PillowWriter(fps)
    if kind != ".mp4":
        raise InputError(f"a film is a .gif or an .mp4, not {path.name!r}")
    if not FFMpegWriter.isAvailable():
        raise InputError(f"cannot write {path.name}: ffmpeg is not installed; write a .gif instead")
    return FFMpegWriter(fps)


def _surface(result: xr.Dataset, dynamic_range: float) -> _Surface:
    result = having(result, ["strs"])
    magnitude, frequency, time = frequency_by_time(result["strs"])
    if min(magnitude.shape) < 2:
        raise InputError(f"a surface needs two times and frequencies or more; the STRS has the shape {magnitude.shape}")
    logarithmic = is_geometric(frequency)
    magnitude, time = pool_columns(magnitude, time, _COLUMNS)
    pooled, frequency = pool_columns(magnitude.T, frequency, _ROWS)
    divisor, unit = frequency_unit(float(frequency.max()))
    place, ticks, level = frequency / divisor, {}, decibels(pooled.T, dynamic_range)
    if logarithmic:  # axes in three dimensions know no logarithmic scale
        marks = [mark for mark in (0.1, 0.5, 2, 8, 50, 200, 1000) if place[0] <= mark <= place[-1]]
        ticks, place = {f"{mark:g}": float(np.log2(mark)) for mark in marks}, np.log2(place)
    return _Surface(time, place, level, f"{frequency_name(result)} ({unit})", ticks)


def _draw(ax: Any, surface: _Surface, share: float) -> list[Any]:
    """The surface up to a share of the sound, seen from an angle that goes with it."""
    from matplotlib.ticker import MaxNLocator

    time, height, level = surface.time, surface.frequency, surface.level
    floor, count = min(float(level.min()), -1.0), max(2, round(share * time.size))
    ax.clear()
    ax.plot_surface(
        *np.meshgrid(time[:count], height), level[:, :count], cmap=COLOUR_MAP, vmin=floor, vmax=0,
        rcount=height.size, ccount=count, linewidth=0, antialiased=False, shade=False,
    )  # fmt: skip
    ax.plot(np.full(height.size, time[count - 1]), height, level[:, count - 1], color="black", linewidth=0.8)
    ax.set(
        xlim=(time[0], time[-1]), ylim=(height[0], height[-1]), zlim=(floor, 0), xlabel="time (s)",
        ylabel=surface.name, zlabel="level (dB re peak)",
    )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.labelpad = -2
    if surface.ticks:
        ax.set_yticks(list(surface.ticks.values()), list(surface.ticks))
    ax.tick_params(labelsize=STYLE["xtick.labelsize"], pad=-2)
    ax.view_init(elev=30, azim=-70 + 30 * share)
    return []
