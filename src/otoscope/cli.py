"""The command line: parse, call, print. Results go to standard output, all else to standard error."""

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
_out = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

_MODEL_HELP = (
    "A name (see `otoscope models`), a folder with config.json, package.module:factory, file.py:Class or hf:org/name."
)
Model = Annotated[str, typer.Argument(metavar="MODEL", help=_MODEL_HELP, show_default=False)]
Audio = Annotated[Path, typer.Argument(metavar="AUDIO", help="A sound file of any rate, depth and channels.")]
Weights = Annotated[Path | None, typer.Option(help="Weights: .safetensors, .pt or .pth.")]
Rate = Annotated[int | None, typer.Option(help="Sample rate of the model in Hz, where it does not say.")]
Device = Annotated[str | None, typer.Option(help="Where to compute, e.g. cpu or cuda; a GPU when there is one.")]
Target = Annotated[str | None, typer.Option(help="Class by name or number; the likeliest by default.")]
Rule = Annotated[str, typer.Option(help="guided, gradient, deconvnet or gradient_x_input.")]
Layer = Annotated[str | None, typer.Option(help="Tap, by its name or the end of it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Out = Annotated[Path | None, typer.Option(help="Folder for arrays, pictures and sounds.")]


def main() -> None:
    """Run the command line; exit with 0 when done, 1 for bad input, 2 for wrong usage."""
    try:
        app()
    except InputError as error:
        _err.print("error:", style="bold red", end=" ")
        _err.print(str(error), markup=False)
        sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"otoscope {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    pass


# -- Commands ---------------------------------------------------------------------------------------------


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("otoscope-demo"),
    as_json: AsJson = False,
) -> None:
    """Inspect a built-in vowel with two bundled models, and say what each of them listened to."""
    from otoscope.demo import run

    with _progress("inspecting") as report:
        found = run(out, report)
    if as_json:
        _print_json(found)
        return
    known = ", ".join(f"F{i} {formant:.0f}" for i, formant in enumerate(found["formants"], 1))
    rows = [
        row | {"share_at_f0": f"{row['share_at_f0']:.0%}", "share_at_f1_or_f2": f"{row['share_at_f1_or_f2']:.0%}"}
        for row in found["models"]
    ]
    headings = {
        "model": "model", "says": "says", "relevance_peak": "relevance peaks at (Hz)", "nearest_to": "nearest to",
        "share_at_f0": "of it at F0", "share_at_f1_or_f2": "at F1 or F2", "crs_peak": "CRS peaks at (Hz)",
    }  # fmt: skip
    table = _table(f"A synthesised vowel, {found['audio']}: F0 {found['f0']:.0f}, {known} Hz", rows, headings)
    table.caption_justify = "left"
    table.caption = (
        "Both models have the same architecture and heard the same sounds in training; one learnt to name the vowel, "
        "the other the register of the voice. Shares are of the energy of the relevance spectrum."
    )
    _out.print(table)
    for row in rows:
        _out.print(f"report: {row['report']}", markup=False)


@app.command()
def inspect(
    model: Model,
    audio: Annotated[list[Path], typer.Argument(metavar="AUDIO...", help="Sound files.")],
    out: Annotated[Path, typer.Option(help="Folder for the report, arrays and sounds.")] = Path("otoscope-out"),
    weights: Weights = None,
    target: Target = None,
    layer: Annotated[list[str] | None, typer.Option(help="Taps to sonify; may be repeated.")] = None,
    rule: Rule = "guided",
    top: Annotated[int, typer.Option(help="Sonifications of each layer.")] = 3,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Write a folder with everything about a sound: report.html, arrays, wavs and summary.json."""
    scope = _scope(model, weights, sample_rate, device)
    summaries = []
    for path, folder in _folders(audio, out):
        with _progress(f"inspecting {path.name}") as report:
            summary = scope.inspect(
                _load(path, scope), folder, target=target, layers=layer, rule=rule, top=top, progress=report
            )
        summaries.append(summary)
        _err.print(f"{folder / 'report.html'}", markup=False)
    if as_json:
        _print_json(summaries[0] if len(summaries) == 1 else {"inspections": summaries})
    else:
        for summary in summaries:
            _out.print(_facts_table(summary))


@app.command()
def taps(
    model: Model,
    audio: Annotated[Path | None, typer.Argument(metavar="[AUDIO]")] = None,
    weights: Weights = None,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List what is inside a model: convolutions, activations and poolings, and their place in time."""
    from otoscope.report import taps_table, write_numbers

    scope = _scope(model, weights, sample_rate, device)
    rows = taps_table(scope.taps(_load(audio, scope) if audio else None))
    content = {"model": scope.name, "sample_rate": scope.sample_rate, "taps": rows}
    if out is not None:
        _err.print(str(write_numbers(out, "taps", content)), markup=False)
    if as_json:
        _print_json(content)
        return
    headings = {
        "name": "tap", "op": "operation", "channels": "channels", "kernel": "kernel", "stride": "stride",
        "dilation": "dilation", "hop": "hop", "receptive_field": "receptive field", "time_axis": "time axis",
        "rate": "rate (Hz)",
    }  # fmt: skip
    _out.print(_table(f"{scope.name} at {scope.sample_rate} Hz; hop and receptive field in samples", rows, headings))


@app.command()
def strs(
    model: Model,
    audio: Audio,
    weights: Weights = None,
    layer: Layer = None,
    n_fft: Annotated[int, typer.Option(help="Length of the Fourier transform.")] = 1024,
    hop: Annotated[int | None, typer.Option(help="Samples between frames; the layer's stride by default.")] = None,
    alignment: Annotated[str, typer.Option(help="centre, or start as in the published script.")] = "centre",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Response spectra of the first layer, short-time and cumulative."""
    from otoscope.report import peak_frequency

    scope = _scope(model, weights, sample_rate, device)
    wave = _load(audio, scope)
    options: dict[str, Any] = {"layer": layer, "n_fft": n_fft, "hop": hop, "alignment": alignment}
    short, mean = scope.strs(wave, **options), scope.crs(wave, **options)
    _write(out, {"strs": short, "crs": mean})
    numbers = {
        "model": scope.name,
        "audio": wave.attrs["name"],
        "frames": short.sizes["time"],
        "peak_frequency": peak_frequency(mean),
        "frequency": mean.frequency.values.tolist(),
        "crs": mean.values.tolist(),
    }
    if as_json:
        _print_json(numbers)
    else:
        _out.print(_facts_table({key: numbers[key] for key in ("model", "audio", "frames", "peak_frequency")}))


@app.command()
def relevance(
    model: Model,
    audio: Audio,
    weights: Weights = None,
    target: Target = None,
    rule: Rule = "guided",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Which part of the sound drove an output: relevance in time and frequency."""
    from otoscope.report import relevance_summary

    scope = _scope(model, weights, sample_rate, device)
    wave = _load(audio, scope)
    result = scope.relevance(wave, target=target, rule=rule)
    _write(out, {"relevance": result})
    numbers = {"model": scope.name, "audio": wave.attrs["name"], **relevance_summary(result)}
    if as_json:
        spectrum = result.spectrogram.mean("frame_time")
        numbers["frequency"] = spectrum.frame_frequency.values.tolist()
        numbers["mean_spectrum"] = spectrum.values.tolist()
        _print_json(numbers)
    else:
        _out.print(_facts_table(numbers))


@app.command()
def sonify(
    model: Model,
    audio: Audio,
    layer: Annotated[str, typer.Option(help="Tap whose maps are heard, by its name or the end of it.")],
    weights: Weights = None,
    channel: Annotated[
        list[str] | None, typer.Option(help="Map number (may be repeated), `all`, or `layer` for the sum.")
    ] = None,
    top: Annotated[int, typer.Option(help="The most active maps, where no channel is given.")] = 1,
    peak: Annotated[bool, typer.Option("--peak", help="Only the strongest activation of each map.")] = False,
    rule: Rule = "deconvnet",
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """What feature maps sound like."""
    from otoscope.report import sonification_rows

    scope = _scope(model, weights, sample_rate, device)
    wave = _load(audio, scope)
    with _progress("sonifying") as report:
        result = scope.sonify(
            wave, layer, _channels(channel), top=top, peak=peak, rule=rule, progress=_counting(report, layer)
        )
    _write(out, {f"sonification_{result.attrs['layer']}": result})
    rows = sonification_rows(result)
    if as_json:
        _print_json({"model": scope.name, "audio": wave.attrs["name"], "layer": result.attrs["layer"], "maps": rows})
        return
    headings = {"channel": "map", "activity": "activity (rms)", "peak_time": "peak (s)",
                "peak_frequency": "loudest frequency (Hz)"}  # fmt: skip
    _out.print(_table(f"{scope.name}, {result.attrs['layer']}, {wave.attrs['name']}", rows, headings))


@app.command()
def geometry(
    model: Model,
    weights: Weights = None,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Geometry of the weights of every layer: frame bounds, angles and coherence."""
    from otoscope.report import geometry_rows

    scope = _scope(model, weights, sample_rate, device)
    result = scope.geometry()
    _write(out, {"geometry": result})
    rows = geometry_rows(result)
    if as_json:
        _print_json({"model": scope.name, "layers": rows})
    else:
        _out.print(_table(f"{scope.name}: angles in degrees", rows, {key: key for key in rows[0]}))


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the models that are known by name."""
    from otoscope.models import available

    if as_json:
        _print_json({"models": available()})
    else:
        rows = [{"name": name, "about": about} for name, about in available().items()]
        _out.print(_table("models", rows, {"name": "name", "about": "what it is"}))


# -- What commands share ----------------------------------------------------------------------------------


def _scope(model: str, weights: Path | None, sample_rate: int | None, device: str | None) -> Scope:
    import torch

    from otoscope import Scope, load

    module = load(model, weights=weights)
    try:
        module.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"cannot compute on {device!r}: {str(error).splitlines()[0]}; try --device cpu") from None
    if sample_rate is None and not getattr(module, "sample_rate", None):
        raise InputError(f"{model} does not say its sample rate: give --sample-rate")
    return Scope(module, sample_rate)


def _load(path: Path, scope: Scope) -> xr.DataArray:
    from otoscope import load_audio

    wave = load_audio(path, sample_rate=scope.sample_rate)
    if wave.attrs.get("note"):
        _err.print(f"{path.name}: {wave.attrs['note']}", markup=False)
    return wave


def _folders(audio: list[Path], out: Path) -> Iterator[tuple[Path, Path]]:
    """A folder for each sound: `out` for one, a folder inside it with the (numbered) name of the sound for several."""
    taken: set[str] = set()
    for path in audio:
        name, count = path.stem, 1
        while name in taken:
            count += 1
            name = f"{path.stem}-{count}"
        taken.add(name)
        yield path, out if len(audio) == 1 else out / name


def _channels(given: list[str] | None) -> Any:
    if not given:
        return None
    if len(given) == 1 and given[0] in ("all", "layer"):
        return given[0]
    try:
        return [int(one) for one in given]
    except ValueError:
        raise InputError(f"--channel takes map numbers, `all` or `layer`, not {' '.join(given)!r}") from None


def _write(out: Path | None, results: dict[str, Any]) -> None:
    if out is not None:
        from otoscope.report import write_results

        for path in write_results(out, results):
            _err.print(str(path), markup=False)


@contextmanager
def _progress(task: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error; what is yielded is called with a step's name, how much is done and of how much."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task_id = bar.add_task(task, total=None)

        def report(step: str, done: int, total: int) -> None:
            bar.update(task_id, description=f"{task}: {step}", completed=done, total=total)

        yield report


def _counting(report: Callable[[str, int, int], None], step: str) -> Callable[[int, int], None]:
    return lambda done, total: report(step, done, total)


def _print_json(content: dict[str, Any]) -> None:
    from otoscope.report import finite

    typer.echo(json.dumps(finite(content), allow_nan=False))


def _table(title: str, rows: list[dict[str, Any]], headings: dict[str, str]) -> Table:
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    for key, heading in headings.items():
        table.add_column(heading, justify="left" if isinstance(rows[0].get(key), str) else "right")
    for row in rows:
        table.add_row(*(_text(row.get(key)) for key in headings))
    return table


def _facts_table(facts: dict[str, Any]) -> Table:
    table = Table(show_header=False)
    for key, value in facts.items():
        if not isinstance(value, (dict, list)):
            table.add_row(key.replace("_", " "), _text(value))
    return table


def _text(value: Any) -> str:
    if value is None or value != value:  # NaN is not itself
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return "x".join(map(str, value)) or "-"
    return escape(str(value))
