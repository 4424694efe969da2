"""Everything about a sound, as one folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.common import (
    AsJson,
    Device,
    Model,
    Rate,
    RelevanceRule,
    Target,
    Weights,
    app,
    err_console,
    facts_table,
    folder_option,
    load_wave,
    make_scope,
    out_console,
    print_json,
    progress_bar,
)


@app.command()
def inspect(
    model: Model,
    audio: Annotated[list[Path], typer.Argument(metavar="AUDIO...", help="Sound files.")],
    out: Annotated[Path, folder_option("Folder for the report, arrays and sounds.")] = Path("otoscope-out"),
    weights: Weights = None,
    target: Target = None,
    layer: Annotated[list[str] | None, typer.Option(help="Taps to sonify; may be repeated.")] = None,
    rule: RelevanceRule = "guided",
    top: Annotated[int, typer.Option(help="Sonifications of each layer.")] = 3,
    sample_rate: Rate = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Write a folder with everything about a sound: report.html, arrays, wavs and summary.json."""
    scope = make_scope(model, weights, sample_rate, device)
    summaries = []
    for path, folder in _folders(audio, out):
        with progress_bar(f"inspecting {path.name}") as report:
            summary = scope.inspect(
                load_wave(path, scope), folder, target=target, layers=layer, rule=rule, top=top, progress=report
            )
        summaries.append(summary)
        err_console.print(f"{folder / 'report.html'}", markup=False)
    if as_json:
        print_json(summaries[0] if len(summaries) == 1 else {"inspections": summaries})
    else:
        for summary in summaries:
            out_console.print(facts_table(summary))


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
