"""The command of the short-time response spectra, which can write a film of them too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from otoscope.cli.console import err_console
from otoscope.cli.method import Called, command
from otoscope.plots.surface import animate

_FILM = Annotated[
    Path | None, Parameter(name="--animate", help="Write a film of the STRS as a surface: .gif, or .mp4 by ffmpeg.")
]


def _film(called: Called) -> None:
    if called.own["animate"] is not None:
        err_console.print(str(animate(called.result, called.own["animate"])), markup=False)


strs = command("strs", {"animate": _FILM}, _film)
