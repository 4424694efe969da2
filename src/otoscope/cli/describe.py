"""What each map of a swept model is for, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from otoscope.cli.common import Flag, Json, Whole
from otoscope.cli.common import Folder as OutFolder
from otoscope.cli.console import begin, err_console, progress_bar
from otoscope.cli.query import Folder, Partial, Quiet
from otoscope.cli.tables import print_frame
from otoscope.descriptions.describe import MOST_CLIPS
from otoscope.descriptions.describe import describe as describe_run
from otoscope.descriptions.folder import write_description
from otoscope.descriptions.maps import SHUFFLES
from otoscope.errors import InputError
from otoscope.files import check_apart
from otoscope.models import load
from otoscope.runs.run import Run
from otoscope.scope import Scope

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ("layer", "channel", "description", "tuning")


def describe(
    run: Folder,
    /,
    *,
    layer: Annotated[str | None, Parameter(help="Only this layer, by its name or the end of it.")] = None,
    channel: Annotated[Whole | None, Parameter(help="Only this map of the layer.")] = None,
    top: Annotated[
        Whole | None, Parameter(help="Only so many maps, those that are described best; all by default.")
    ] = None,
    variable: Annotated[
        Literal["mean_activation", "rms", "peak", "label_activation"],
        Parameter(help="What is predicted of a map in a clip; label_activation: in the segments of each label."),
    ] = "mean_activation",
    together: Annotated[
        list[str] | None,
        Parameter(
            help="A fact of the data, such as speaker: clips that share it are in the same half, of which one chooses "
            "facts and the other scores them; may be repeated. Pieces of one recording always are."
        ),
    ] = None,
    no_measured: Annotated[
        Flag, Parameter(help="Ask about the facts of the data alone, not about what is measured from its sounds.")
    ] = False,
    model: Annotated[
        str | None,
        Parameter(help="The model that was swept, as MODEL of a sweep: also say what its maps are tuned to."),
    ] = None,
    shuffles: Annotated[
        Whole, Parameter(help="How often facts are shuffled over the clips, to learn what chance does.")
    ] = SHUFFLES,
    limit: Annotated[Whole, Parameter(help="At most so many clips, drawn at random.")] = MOST_CLIPS,
    seed: Annotated[Whole, Parameter(help="Of the halves and of everything else that is drawn.")] = 0,
    out: Annotated[OutFolder | None, Parameter(help="Folder for the tables, as Parquet and CSV.")] = None,
    partial: Partial = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say in words what each map of a sweep answers to, with a score on clips that did not choose the words."""
    begin(quiet)
    if top is not None and top < 1:
        raise InputError(f"--top has to be 1 or more, not {top}")
    if out is not None:
        check_apart(out)
    opened = Run(run, partial=partial)
    scope = None if model is None else Scope(load(model))
    with progress_bar("describing") as report:
        found = describe_run(
            opened,
            layer=layer,
            channel=channel,
            variable=variable,
            together=together or (),
            measured=not no_measured,
            model=scope,
            shuffles=shuffles,
            limit=limit,
            seed=seed,
            progress=report,
        )
    if out is not None:
        for path in write_description(found, out):
            err_console.print(str(path), markup=False)
    chosen, scored = found.clips
    notes = (f"facts were chosen on {chosen} clips and scored on {scored} others", *found.notes)
    maps = found.maps if top is None else _best(found.maps, top)
    if json:
        extra = {"layers": found.layers, "facts": found.facts}
        print_frame(opened, opened.name, maps, json=True, extra=extra, question="describe", notes=notes)
        return
    for note in notes:
        err_console.print(f"note: {note}", markup=False)
    print_frame(opened, f"{opened.name}: maps that are described", found.layers)
    print_frame(opened, f"{opened.name}: what describes each map", maps[[name for name in _SHOWN if name in maps]])


def _best(maps: pd.DataFrame, count: int) -> Any:
    """The maps that are described best, by how far their scores are above chance on the way to 1."""
    above = ((maps["score"] - maps["chance"]) / (1 - maps["chance"])).where(maps["described"])
    return maps.loc[above.sort_values(ascending=False, kind="stable").index[:count]]
