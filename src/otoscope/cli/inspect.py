"""Everything about a sound, as one folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from otoscope.cli.common import (
    Against,
    At,
    Common,
    CommonOptions,
    Memory,
    Model,
    PartOptions,
    Target,
    TargetBand,
    Whole,
    as_span,
    load_wave,
    make_scope,
    print_notes,
)
from otoscope.cli.console import (
    Lines,
    end_named,
    err_console,
    facts_table,
    out_console,
    print_json,
    print_table,
    progress_bar,
)
from otoscope.data.segments import check_names_sounds, check_segments
from otoscope.heard import untrained
from otoscope.methods.relevance_rules import RelevanceRule


def inspect(
    model: Model,
    /,
    *audio: Annotated[Path, Parameter(name="AUDIO", help="Sound files.", required=True)],
    target: Target = None,
    at: At = None,
    against: Against = None,
    target_band: TargetBand = None,
    layer: Annotated[
        list[str] | None,
        Parameter(help="Taps to sonify; may be repeated. One with kernels on one signal stands for the first layer."),
    ] = None,
    rule: Annotated[RelevanceRule, Parameter(help="Rule of the relevance.")] = "guided",
    segments: Annotated[
        Path | None,
        Parameter(
            help="Words, phones or events with their times, over which the relevance is summed: a TextGrid, a CTM "
            "file, a table with the columns start, stop and label, or a folder of such files, named as the sounds."
        ),
    ] = None,
    tier: Annotated[str | None, Parameter(help="Which tier of a TextGrid, or channel of a CTM file.")] = None,
    n_maps: Annotated[Whole, Parameter(help="Sonifications of each layer.")] = 6,
    control: Annotated[
        bool,
        Parameter(
            negative="--no-control",
            help="Say whether the relevance may be believed: how alike those of random weights and of the runner-up "
            "are, and what the model says without the part where it lies.",
        ),
    ] = True,
    memory: Memory = None,
    part: PartOptions = None,
    common: CommonOptions = None,
) -> None:
    """Write a folder (--out, else otoscope-out) with all about a sound: report.html, arrays, sounds and summary.json.

    Exit with 3 where something could not be made; the page, summary.json and a message name it, with the reason.
    """
    common = common or Common()
    check_segments(segments, tier)
    if segments is not None and len(audio) > 1:
        check_names_sounds(segments, tier)
    scope = make_scope(model, common)
    summaries = []
    for path, folder in _folders(list(audio), common.out or Path("otoscope-out")):
        with progress_bar(f"inspecting {path.name}") as report:
            summary = scope.inspect(
                load_wave(path, scope, part, slides=True),
                folder,
                target=target,
                at=as_span(at),
                against=against,
                target_band=target_band,
                layer=layer,
                rule=rule,
                segments=segments,
                tier=tier,
                n_maps=n_maps,
                control=control,
                memory=memory,
                progress=report,
            )
        summaries.append(summary)
        err_console.print(f"{folder / 'report.html'}", markup=False)
    print_notes(scope.name, untrained(scope))
    if common.json:
        print_json(summaries[0] if len(summaries) == 1 else {"inspections": summaries})
    else:
        for summary in summaries:
            out_console.print(facts_table(summary | {"notes": Lines(summary.get("notes", []))}))
            _print_segments(summary["results"])
    several = len(summaries) > 1
    end_named({
        f"{summary['audio']}: {name}" if several else name: reason
        for summary in summaries
        for name, reason in summary["missing"].items()
    })  # fmt: skip


def _print_segments(results: Mapping[str, list[dict[str, Any]]]) -> None:
    """The tables of labels and segments, as those of the method."""
    for name, rows in results.items():
        of, by, dim = name.partition("_by_segment")
        if by and rows:
            title = f"{of.replace('_', ' ')} by segment{dim.replace('_', ' ')}"
            print_table(title, rows, {column: column.replace("_", " ") for column in rows[0]})


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
