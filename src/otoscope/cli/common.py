"""What commands share: options, models, sounds, progress, output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from otoscope._version import __version__
from otoscope.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from otoscope.scope import Scope

app = typer.Typer(
    help="Look into the ear of a neural network: see, play and measure what a raw-waveform model hears.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out_console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
err_console = Console(stderr=True, highlight=False, soft_wrap=True)

_MODEL_HELP = (
    "A name (see `otoscope models`), a folder with config.json, package.module:factory, file.py:Class or hf:org/name."
)
Model = Annotated[str, typer.Argument(metavar="MODEL", help=_MODEL_HELP, show_default=False)]
Audios = Annotated[list[Path], typer.Argument(metavar="AUDIO...", help="Sound files, and folders of them.")]
Audio = Annotated[Path, typer.Argument(metavar="AUDIO", help="A sound file of any rate, depth and channels.")]
Weights = Annotated[Path | None, typer.Option(help="Weights: .safetensors, .pt or .pth.")]
Rate = Annotated[int | None, typer.Option(help="Sample rate of the model in Hz, where it does not say.")]
Device = Annotated[str | None, typer.Option(help="Where to compute, e.g. cpu or cuda; a GPU when there is one.")]
Target = Annotated[str | None, typer.Option(help="Class by name or number; the likeliest by default.")]
Rule = Annotated[str, typer.Option(help="guided, gradient or deconvnet.")]
_RELEVANCE_RULES = (
    "guided, gradient, deconvnet or gradient_x_input; by Captum integrated_gradients, smoothgrad, occlusion or "
    "frequency_occlusion."
)
RelevanceRule = Annotated[str, typer.Option(help=_RELEVANCE_RULES)]
Layer = Annotated[str | None, typer.Option(help="Tap, by its name or the end of it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def folder_option(help: str) -> Any:
    """``--out``: a folder whose name is not empty, as that of an unset shell variable is."""

    def named(text: str | Path) -> Path:
        if not str(text):
            raise typer.BadParameter("the name of the folder is empty")
        return Path(text)

    return typer.Option(parser=named, metavar="FOLDER", help=help)


Out = Annotated[Path | None, folder_option("Folder for arrays, pictures and sounds.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"otoscope {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    pass


# -- Model and sounds -------------------------------------------------------------------------------------


def make_scope(model: str, weights: Path | None, sample_rate: int | None, device: str | None) -> Scope:
    import torch

    from otoscope import Scope, load

    if device and device.startswith("meta"):
        raise InputError("tensors on the device meta have no values; try --device cpu")
    module = load(model, weights=weights)
    try:
        module.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"cannot compute on {device!r}: {str(error).splitlines()[0]}; try --device cpu") from None
    if sample_rate is None and not getattr(module, "sample_rate", None):
        raise InputError(f"{model} does not say its sample rate: give --sample-rate")
    return Scope(module, sample_rate)


def load_wave(path: Path, scope: Scope) -> xr.DataArray:
    from otoscope import load_audio

    wave = load_audio(path, sample_rate=scope.sample_rate)
    if wave.attrs.get("note"):
        err_console.print(f"{path.name}: {wave.attrs['note']}", markup=False)
    return wave


def sound_files(given: list[Path]) -> list[Path]:
    """The files given, and the sound files in the folders given, in the order of their names."""
    from soundfile import available_formats

    suffixes = {f".{name.lower()}" for name in (*available_formats(), "opus")}
    found: list[Path] = []
    for path in given:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
        if not inside:
            raise InputError(f"no sound file is in the folder {path}")
        found += inside
    return found


# -- Output -----------------------------------------------------------------------------------------------


def write(out: Path | None, results: dict[str, Any]) -> None:
    if out is not None:
        from otoscope.report import write_results

        for path in write_results(out, results):
            err_console.print(str(path), markup=False)


@contextmanager
def progress_bar(task: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error; what is yielded is called with a step's name, how much is done and of how much."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err_console, transient=True, disable=not err_console.is_terminal) as bar:
        task_id = bar.add_task(task, total=None)

        def report(step: str, done: int, total: int) -> None:
            bar.update(task_id, description=f"{task}: {step}", completed=done, total=total)

        yield report


def counting(report: Callable[[str, int, int], None], step: str) -> Callable[[int, int], None]:
    return lambda done, total: report(step, done, total)


def print_json(content: dict[str, Any]) -> None:
    from otoscope.report import finite

    typer.echo(json.dumps(finite(content), allow_nan=False))


def make_table(title: str, rows: list[dict[str, Any]], headings: dict[str, str]) -> Table:
    # The values of many columns stand closer, so that they fit into a terminal of 80 columns.
    padding = (0, 1 if len(headings) < 9 else 0)
    table = Table(title=escape(title), title_justify="left", header_style="bold", padding=padding)
    for column, (key, heading) in enumerate(headings.items()):
        longest = max(len(_text(row.get(key))) for row in rows)
        if isinstance(rows[0].get(key), str):
            table.add_column(heading, overflow="fold", no_wrap=column == 0 and longest <= 14)
        else:  # a number is never cut: without its exponent it would be another one
            table.add_column(heading, justify="right", overflow="fold", min_width=longest)
    for row in rows:
        table.add_row(*(_text(row.get(key)) for key in headings))
    return table


def counted(count: int, what: str) -> str:
    """Such as ``1 sound`` and ``2 sounds``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def facts_table(facts: dict[str, Any]) -> Table:
    table = Table(show_header=False)
    for key, value in facts.items():
        if not isinstance(value, (dict, list)):
            table.add_row(key.replace("_", " "), _text(value))
    return table


def _text(value: Any) -> str:
    if value is None or value != value:  # NaN is not itself
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) >= 100 else f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return "x".join(map(str, value)) or "-"
    return escape(str(value))
