"""What commands share: options, and the model and the sound that they name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import torch
import xarray as xr
from cyclopts import Parameter, Token

from otoscope.cli.console import begin, err_console
from otoscope.cli.options import Flag as Flag
from otoscope.cli.options import Whole as Whole
from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.heard import fit_note, repeated
from otoscope.models import load
from otoscope.plots.style import StyleName
from otoscope.report import write_results
from otoscope.scope import Scope
from otoscope.subject import opened_as
from otoscope.types import Excerpt

Model = Annotated[
    str,
    Parameter(
        name="MODEL",
        help="A name (see `otoscope models`), a folder with config.json, package.module:factory, file.py:Class or "
        "hf:org/name.",
    ),
]
Audio = Annotated[Path, Parameter(name="AUDIO", help="A sound file of any rate, bit depth and number of channels.")]
Data = Annotated[
    str,
    Parameter(
        name="DATA",
        help="A data set (see `otoscope data`) such as vowels, fsdd:FOLDER or fsdd@test:FOLDER; a folder of sounds, "
        "in a folder for each class or without classes; a pattern such as ``'clips/*/*.wav'``; a table (csv, tsv, "
        "jsonl, parquet) with the columns path and label; tar archives of WebDataset; a saved Hugging Face data set.",
    ),
]
Target = Annotated[
    str | None,
    Parameter(help="Class by name or number, energy, similarity, or file.py:function; the likeliest class by default."),
]
At = Annotated[
    list[float] | None,
    Parameter(help="Moment of the output that is explained, in s; given twice, the start and the stop of a span."),
]
Against = Annotated[str | None, Parameter(help="Another class to compare with; for similarity, a sound file.")]
TargetBand = Annotated[
    list[float] | None, Parameter(help="Lowest and highest frequency of the energy of the output, in Hz; given twice.")
]


def _folder(type_: Any, tokens: Sequence[Token]) -> Path:
    if not tokens[0].value:  # as that of an unset shell variable is
        raise ValueError("the name of the folder is empty")
    return Path(tokens[0].value)


Folder = Annotated[Path, Parameter(converter=_folder)]
"""An option that names a folder to write to."""


class Size(int):
    """Bytes, as a command line takes them; help shows the name."""


def as_bytes(type_: Any, tokens: Sequence[Token]) -> Size:
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([kMGT]?)B?", tokens[0].value.strip())
    size = float(found[1]) * 1000 ** " kMGT".index(found[2] or " ") if found else 0.0
    if size < 1:
        raise ValueError(f"give bytes, as in 1.5GB or 800MB, not {tokens[0].value!r}")
    return Size(round(size))


Memory = Annotated[
    Size | None,
    Parameter(
        converter=as_bytes,
        help="Memory that may be used, as in 1.5GB (half of what is free by default); what does not fit is kept in "
        "temporary files.",
    ),
]
"""An option that bounds memory."""
Json = Annotated[Flag, Parameter(name="--json", help="Print one JSON object.")]


@dataclass
class ModelOptions:
    """Options of every command that runs a model."""

    weights: Path | None = None
    "Weights: .safetensors, .pt or .pth."
    sample_rate: Whole | None = None
    "Sample rate of the model in Hz, where it does not say."
    layout: str | None = None
    "Axes of the tensor that the model takes, where several fit, such as '(batch, time)'."
    output: str | None = None
    "Which of several outputs of the model is looked at: its place, its name, or the path to it such as head.logits."
    device: str | None = None
    "Where to compute, e.g. cpu or cuda; a GPU when there is one."
    json: Flag = False
    "Print one JSON object."
    quiet: Flag = False
    "Print no messages and no progress."


@dataclass
class Common(ModelOptions):
    """Options of every command that looks into a model."""

    out: Folder | None = None
    "Folder for arrays, pictures and sounds."


@dataclass
class Drawn(Common):
    """Options of every command that draws pictures into its folder."""

    style: StyleName | None = None
    "Of the pictures: screen, as PNG, or paper, as PDF of one or two columns with embedded fonts; screen by default."

    def check(self) -> None:
        """Say before long work that there is no folder to draw into.

        Raises
        ------
        InputError
        """
        if self.out is None and self.style is not None:
            raise InputError("--style is of the pictures that --out writes: give --out FOLDER, too")


@dataclass
class Selection:
    """Options of every command that takes a data set."""

    by: str | None = None
    "Which of the facts of the data set is the class, such as speaker of fsdd; of a table, a column."
    limit: Whole | None = None
    "Take at most so many sounds, evenly over the classes."


@dataclass
class Part:
    """Options of every command that takes a sound file: which part of it is heard."""

    start: float = 0.0
    "Where the part begins, in s."
    duration: float | None = None
    "How long it is, in s; to the end of the file by default."
    channel: Whole | None = None
    "The one channel that is heard, from 0; by default their mean, or each where the model takes as many."

    def of(self, path: Path) -> Path | Excerpt:
        """That part of a file; the file itself where all of it is heard."""
        return path if self == Part() else Excerpt(path, self.start, self.duration, self.channel)


PartOptions = Annotated[Part | None, Parameter(name="*", group="Part of the sound")]
CommonOptions = Annotated[Common | None, Parameter(name="*", group="Common options")]
DrawnOptions = Annotated[Drawn | None, Parameter(name="*", group="Common options")]


def make_scope(model: str, common: Common) -> Scope:
    """The model under test, on its device."""
    begin(common.quiet)
    if common.device and common.device.startswith("meta"):
        raise InputError("tensors on the device meta have no values; try --device cpu")
    module = load(model, weights=common.weights)
    try:
        module.to(common.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"cannot compute on {common.device!r}: {str(error).splitlines()[0]}; try --device cpu"
        ) from None
    if common.sample_rate is None and Contract.of(module).sample_rate is None:
        raise InputError(f"{model} does not say its sample rate: give --sample-rate")
    scope = Scope(module, common.sample_rate, output=common.output, layout=cast(Any, common.layout))
    weights = common.weights and common.weights.name
    options = {"sample_rate": common.sample_rate, "output": common.output, "layout": common.layout}
    scope.opened = opened_as(model, weights=weights, **options)
    return scope


def as_span(at: list[float] | None) -> float | list[float] | None:
    """A moment that was given once, or a span of two."""
    return at[0] if at is not None and len(at) == 1 else at


def load_wave(path: Path, scope: Scope, part: Part | None = None, *, slides: bool = False) -> xr.DataArray:
    """A sound, or a part of it, at the rate of the model; a message says what was changed for the model to take it."""
    wave = scope.clip((part or Part()).of(path))
    scope.inputs(wave)  # for which it is found out what the model takes
    print_notes(wave.attrs["name"], wave.attrs.get("note"), repeated(scope, wave), fit_note(scope, wave, slides=slides))
    return wave


def print_notes(name: str, *notes: str | None) -> None:
    """Messages on what was changed in a sound."""
    for note in filter(None, notes):
        err_console.print(f"{name}: {note}", markup=False)


def write(common: Common, results: Mapping[str, Any]) -> None:
    """Write arrays, pictures and sounds of results into a folder, if one was given."""
    if common.out is not None:
        style = common.style if isinstance(common, Drawn) else None
        for path in write_results(common.out, dict(results), style=style):
            err_console.print(str(path), markup=False)
