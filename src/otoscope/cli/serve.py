"""A live model, or a run, in the browser."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from otoscope.cli.console import begin, err_console, out_console
from otoscope.cli.options import Flag, Whole
from otoscope.errors import InputError
from otoscope.server.given import Given
from otoscope.server.limits import Limits
from otoscope.server.start import serve as serve_models


def serve(
    *models: Annotated[
        str,
        Parameter(
            name="MODEL",
            help="Models, each a name (see `otoscope models`), a folder with config.json, package.module:factory, "
            "file.py:Class or hf:org/name; or folders of runs, of which each other is compared with the first.",
            required=True,
        ),
    ],
    host: Annotated[str, Parameter(help="Name or address to listen at.")] = "127.0.0.1",
    port: Annotated[Whole, Parameter(help="Port to listen at; 0 for any that is free.")] = 0,
    weights: Annotated[Path | None, Parameter(help="Weights of the first model: .safetensors, .pt or .pth.")] = None,
    checkpoints: Annotated[
        Path | None, Parameter(help="Folder of weights of a training of the first model, to be seen one after another.")
    ] = None,
    sample_rate: Annotated[Whole | None, Parameter(help="Sample rate of models that do not say it, in Hz.")] = None,
    layout: Annotated[str | None, Parameter(help="Axes of the tensor that the first model takes.")] = None,
    output: Annotated[str | None, Parameter(help="Which of several outputs of the first model is looked at.")] = None,
    device: Annotated[str | None, Parameter(help="Where to compute, e.g. cpu; a GPU when there is one.")] = None,
    max_duration: Annotated[float, Parameter(help="Longest sound that is taken, in s.")] = Limits.duration,
    model: Annotated[
        str | None, Parameter(help="The model of a run, where it is code or lies elsewhere than the run says.")
    ] = None,
    quiet: Annotated[Flag, Parameter(help="Print no messages.")] = False,
) -> None:
    """Open models in the browser, or runs: send or record a sound, ask, change it, and hear and see what changes.

    The address is printed when it answers. It has a token without which nobody is let in, and this machine alone can
    reach it, unless --host says otherwise. Ctrl-C ends it.
    """
    begin(quiet)
    if not 0 < max_duration < math.inf:
        raise InputError(f"--max-duration has to be above 0 s, not {max_duration:g}")
    runs = [one for one in models if (Path(one) / "run.json").is_file()]
    if runs and len(runs) < len(models):
        other = next(one for one in models if one not in runs)
        raise InputError(f"{runs[0]} is a run, and {other} none: serve runs alone, or models alone")
    if model is not None and not runs:
        raise InputError(f"--model is the model of a run, and {models[0]} is none: give models without it")
    first = Given(models[0], weights, sample_rate, layout, output, device, checkpoints)
    given = {f"m{n}": Given(one, sample_rate=sample_rate, device=device) for n, one in enumerate(models, 1)}
    given["m1"] = first
    page = notice = None
    if runs:
        page, found = _open_runs(runs, model)
        notice = None if found else "the model of the run is not loaded, so that it cannot be asked"
        given = {} if found is None else {"m1": replace(first, model=found)}
    limits = replace(Limits(), duration=max_duration)
    number = serve_models(
        given, host=host, port=port, limits=limits, run=page, notice=notice, announce=_announce, log=_log
    )
    raise SystemExit(128 + number)


def _open_runs(folders: Sequence[str], model: str | None) -> tuple[object, str | None]:
    """The page of runs, and the model of the first, if it may be loaded.

    A run says what it is of, and may come from anywhere: what it names is not run as code.
    """
    from otoscope.app.run_page import run_page
    from otoscope.runs.run import Run

    opened = [Run(folder) for folder in folders]
    named = model or str(opened[0].info["model"]["given"])
    code = model is None and ":" in named
    if code:
        _log(f"{named} is not loaded, as {folders[0]} alone names it: give --model {named} to ask it live")
    return run_page(opened), None if code else named


def _announce(url: str, notice: str | None) -> None:
    print(url, file=out_console.file, flush=True)
    if notice:
        err_console.print(notice, markup=False)


def _log(text: str) -> None:
    err_console.print(text, markup=False, highlight=False)
