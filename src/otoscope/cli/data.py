"""Data sets on the command line: what DATA may be, and the options that go with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from otoscope.data.labelled import Sound
    from otoscope.scope import Scope

_DATA_HELP = (
    "A folder with a folder for each class, a csv file with the columns file and label, a folder of recordings "
    "named as those of FSDD, or `vowels`, the built-in ones."
)
Data = Annotated[str, typer.Argument(metavar="DATA", help=_DATA_HELP, show_default=False)]
By = Annotated[
    str | None,
    typer.Option(
        help="What is told apart: vowel or register of `vowels`, digit or speaker of FSDD, a column of a csv."
    ),
]
Layers = Annotated[list[str] | None, typer.Option("--layer", help="Taps; the ends of all blocks by default.")]
Limit = Annotated[int | None, typer.Option(help="Take at most so many sounds, evenly over the classes.")]


def find_sounds(place: str | Path, scope: Scope, by: str | None, limit: int | None) -> list[Sound]:
    """The labelled sounds of a data set, those that are built in at the rate of the model."""
    from otoscope.data.labelled import labelled_sounds

    return labelled_sounds(place, by=by, limit=limit, sample_rate=scope.sample_rate)


def waves_and_labels(sounds: list[Sound]) -> tuple[list[Any], list[str]]:
    """The sounds, and their labels, each by themselves."""
    return [wave for wave, _ in sounds], [label for _, label in sounds]
