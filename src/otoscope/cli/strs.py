"""The command of the short-time response spectra, which can write a film of them too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import xarray as xr
from cyclopts import Parameter

from otoscope.cli.console import err_console
from otoscope.cli.method import command
from otoscope.plots.surface import animate

_FILM = Annotated[
    Path | None, Parameter(name="--animate", help="Write a film of the STRS as a surface: .gif, or .mp4 by ffmpeg.")
]


def _film(result: xr.Dataset, given: Mapping[str, Any]) -> None:
    if given["animate"] is not None:
        err_console.print(str(animate(result, given["animate"])), markup=False)


strs = command("strs", {"animate": _FILM}, _film)
