"""A live model, or a run, in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from otoscope.cli.common import Flag, Model, Whole
from otoscope.cli.console import begin, err_console, out_console
from otoscope.server.given import Given
from otoscope.server.start import serve as serve_models


def serve(
    *models: Annotated[Model, Parameter(required=True)],
    host: Annotated[
        str, Parameter(help="Name or address to listen at; only this machine can reach it by default.")
    ] = "127.0.0.1",
    port: Annotated[Whole, Parameter(help="Port to listen at; 0 for any that is free.")] = 0,
    checkpoints: Annotated[
        Path | None,
        Parameter(help="Folder of weights of one training of the first model, to be seen one after another."),
    ] = None,
    weights: Annotated[Path | None, Parameter(help="Weights of the first model: .safetensors, .pt or .pth.")] = None,
    device: Annotated[
        str | None, Parameter(help="Where to compute, e.g. cpu or cuda; a GPU when there is one.")
    ] = None,
    quiet: Flag = False,
) -> None:
    """Open models in the browser: send a sound or record one, ask, change it, and hear and see what changes.

    The address is printed when it answers, with the token without which nobody is let in. Ctrl-C ends it.
    """
    begin(quiet)
    given = {f"m{n}": Given(model, device=device) for n, model in enumerate(models, 1)}
    given["m1"] = Given(models[0], weights=weights, device=device, checkpoints=checkpoints)
    number = serve_models(given, host=host, port=port, announce=_announce)
    raise SystemExit(128 + number)


def _announce(url: str, notice: str | None) -> None:
    print(url, file=out_console.file, flush=True)
    if notice:
        err_console.print(notice, markup=False)
