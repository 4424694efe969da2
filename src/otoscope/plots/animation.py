"""Response spectra as a surface that grows with the sound while the camera goes round it."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from otoscope.drawing import COLOUR_MAP, STYLE, decibels, frequency_unit, is_geometric, pool_columns
from otoscope.errors import InputError
from otoscope.files import whole_file
from otoscope.plots.checks import frequency_by_time

_ROWS, _COLUMNS = 96, 96  # of the surface: as fine as a few hundred dots can show
_DOTS = 130  # an inch


class _Surface(NamedTuple):
    """Time in s, places on the axis of frequency, level (frequency, time) in dB below the peak."""

    time: np.ndarray
    frequency: np.ndarray
    level: np.ndarray
    unit: str
    ticks: dict[str, float]  # of the axis of frequency, where it is not linear


def animate_strs(
    result: xr.DataArray,
    path: str | Path,
    *,
    frames: int = 36,
    seconds: float = 4.0,
    dynamic_range: float = 50.0,
) -> Path:
    """Write the STRS as a film of a surface over time and frequency.

    Parameters
    ----------
    result : xarray.DataArray, dims (frequency, time)
        From :func:`otoscope.methods.strs`, of one clip.
    path : str or Path
        A ``.gif``, or an ``.mp4`` where ffmpeg is installed. Written whole or not at all.
    frames : int
        Pictures in the film.
    seconds : float
        How long it lasts, to a whole number of pictures a second.
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

    Notes
    -----
    The surface is pooled to some tens of points a side; the picture :func:`otoscope.plots.strs` shows all.

    Examples
    --------
    >>> import tempfile
    >>> result = xr.DataArray(
    ...     np.ones((8, 9)), dims=("frequency", "time"),
    ...     coords={"frequency": np.linspace(0, 4000, 8), "time": np.linspace(0, 1, 9)})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     animate_strs(result, folder + "/strs.gif", frames=2).stat().st_size > 1000
    True
    """
    import matplotlib
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure

    path = Path(path)
    if frames < 2 or not 0 < seconds < float("inf"):
        raise InputError(f"a film needs two frames or more and a positive length, not {frames} in {seconds} s")
    writer = _writer(path, max(1, round(frames / seconds)))
    surface = _surface(result, dynamic_range)
    with whole_file(path) as part, TemporaryDirectory() as folder, matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.4), dpi=_DOTS)
        ax: Any = figure.add_axes((0.0, 0.02, 0.95, 1.0), projection="3d")
        ax.set_box_aspect((4, 3, 1.8), zoom=0.88)
        film = FuncAnimation(figure, lambda n: _draw(ax, surface, n / (frames - 1)), frames=frames, blit=False)
        saved = Path(folder, f"film{path.suffix}")  # writers take the format from the suffix, which a part lacks
        film.save(saved, writer=writer)
        shutil.copyfile(saved, part)
    return path


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


def _surface(result: xr.DataArray, dynamic_range: float) -> _Surface:
    magnitude, frequency, time = frequency_by_time(result)
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
    return _Surface(time, place, level, unit, ticks)


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
        ylabel=f"frequency ({surface.unit})", zlabel="level (dB re peak)",
    )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.labelpad = -2
    if surface.ticks:
        ax.set_yticks(list(surface.ticks.values()), list(surface.ticks))
    ax.tick_params(labelsize=STYLE["xtick.labelsize"], pad=-2)
    ax.view_init(elev=30, azim=-70 + 30 * share)
    return []
