"""What ``otoscope.open`` opens: a saved result, or the folder of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from otoscope.descriptions.describe import Description, describe
from otoscope.errors import InputError
from otoscope.runs.run import Run
from otoscope.scope import open_result  # with which results can be drawn


class OpenedRun(Run):
    """A run with what can be asked of it beyond SQL."""

    def describe(self, **options: Any) -> Description:
        """What each map answers to, in words; the options are those of :func:`otoscope.descriptions.describe`."""
        return describe(self, **options)


def open_any(path: str | Path) -> xr.Dataset | OpenedRun:
    """Open what was saved: a result as when it was computed, or the folder of a run, to ask it.

    Parameters
    ----------
    path : str or Path
        A netCDF file that a command with ``--out`` wrote, or the folder of ``otoscope sweep`` or ``otoscope evaluate``.

    Returns
    -------
    Dataset or OpenedRun

    Raises
    ------
    InputError
        If nothing is there, or it is neither.
    """
    place = Path(path)
    if not place.is_dir():
        return open_result(place)
    if not (place / "run.json").is_file():
        raise InputError(f"{place} is a folder without run.json: give that of a sweep or an evaluation, or a .nc file")
    return OpenedRun(place)
