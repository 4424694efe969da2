"""Methods over a whole data set, into a run folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from cyclopts import CycloptsError, Parameter

from otoscope.cli.common import Data, Flag, Folder, Model, ModelOptions, Selection, Size, Whole, as_bytes
from otoscope.cli.console import begin, counted, err_console, facts_table, out_console, print_json
from otoscope.cli.method import arguments_of
from otoscope.cli.pace import paces
from otoscope.cli.usage import of_setting
from otoscope.data.ids import Ids
from otoscope.errors import InputError
from otoscope.sweeps.given import Given
from otoscope.sweeps.sounds import USUAL_SIZE
from otoscope.sweeps.start import Engine, Swept
from otoscope.sweeps.start import sweep as run_sweep


def sweep(
    model: Model,
    data: Data,
    /,
    *,
    methods: Annotated[
        str, Parameter(help="Methods that take sounds, with commas between them; output is what the model answers.")
    ],
    out: Annotated[
        Folder, Parameter(help="The run folder; what it holds of the same run is kept, and the rest is computed.")
    ],
    set: Annotated[
        list[str] | None,
        Parameter(
            name="--set",
            help="An argument of a method, such as relevance.rule=guided; given again for each, and for each value "
            "of a list.",
        ),
    ] = None,
    engine: Annotated[Engine, Parameter(help="Processes of this machine, or actors of Ray.")] = "local",
    address: Annotated[
        str | None, Parameter(help="Of a Ray cluster, such as auto; a new one on this machine by default.")
    ] = None,
    workers: Annotated[
        Whole | None,
        Parameter(help="Processes; as many as there are cores, or GPUs, by default. 0 needs no other one."),
    ] = None,
    shards: Annotated[str | None, Parameter(help="One share of all shards, such as 2/8, for an array of jobs.")] = None,
    shard_size: Annotated[
        Whole | None, Parameter(help="Clips that are written together; as many as take about a minute by default.")
    ] = None,
    batch_size: Annotated[
        Whole | None, Parameter(help="Clips of one length that run together at most; 64 by default, if they are short.")
    ] = None,
    ids: Annotated[
        Ids, Parameter(help="By what a clip is known again: path, size and time of its file, or its content.")
    ] = "path",
    arrays: Annotated[Flag, Parameter(help="Also write every whole result as netCDF.")] = False,
    patience: Annotated[
        float,
        Parameter(help="Seconds that Ray may take for one more shard before what is done is all there is."),
    ] = 900.0,
    sounds: Annotated[
        Whole | None,
        Parameter(
            help="Also write the sounds of so many clips that drive each map most, and their sonifications, when all "
            "shards are done."
        ),
    ] = None,
    sounds_size: Annotated[
        Size | None,
        Parameter(
            converter=as_bytes,
            help="What these sound files may take, as in 1.5GB; 1GB by default. The sweep does not begin where they "
            "would take more.",
        ),
    ] = None,
    selection: Annotated[Selection | None, Parameter(name="*", group="Data")] = None,
    common: Annotated[ModelOptions | None, Parameter(name="*", group="Common options")] = None,
) -> None:
    """Run methods over a whole data set, into a run folder that is taken up again where it was left.

    Exit with 3 where clips could not be used, which are in the table of errors with their causes, or where shards are
    missing.
    """
    common, selection = common or ModelOptions(), selection or Selection()
    begin(common.quiet)
    given = Given(model, common.weights, common.sample_rate, common.output, common.layout)
    with paces("sweep", "sounds") as (report, of_sounds):
        done = run_sweep(
            given,
            data,
            methods=_methods(methods, set or []),
            out=out,
            engine=engine,
            address=address,
            workers=workers,
            shards=shards,
            shard_size=shard_size,
            batch_size=batch_size,
            by=selection.by,
            limit=selection.limit,
            ids=ids,
            arrays=arrays,
            sounds=sounds,
            sounds_size=USUAL_SIZE if sounds_size is None else sounds_size,
            device=common.device,
            patience=patience,
            progress=report,
            sounds_progress=of_sounds,
        )
    facts = _facts(done, sounds)
    if common.json:
        print_json(facts)
    else:
        more = {} if done.sounds is None else {f"sounds {name}": one for name, one in facts["sounds"].items()}
        out_console.print(facts_table(facts | more))
    for note in done.notes:
        err_console.print(note, markup=False)
    for cause, count in done.causes.items():
        err_console.print(f"{counted(count, 'clip')}: {cause}, see {done.folder / 'errors'}", markup=False)
    for shard, why in done.missing.items():
        err_console.print(f"missing: shard {shard}: {why}", markup=False)
    _say_sounds(done, sounds)
    if done.causes or done.missing or (done.sounds is not None and done.sounds.missing):
        sys.exit(3)


def _say_sounds(done: Swept, asked: int | None) -> None:
    """On standard error, what of the sounds is not there."""
    if asked is not None and done.sounds is None:
        err_console.print(
            "no sounds yet: they are made when all shards of the run are done, by the same command", markup=False
        )
    for name, why in (done.sounds.missing if done.sounds is not None else {}).items():
        err_console.print(f"missing: sounds of {name}: {why}", markup=False)


def _methods(names: str, settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Methods with the arguments that are set, typed as their own commands type them."""
    methods: dict[str, list[str]] = {name.strip().replace("-", "_"): [] for name in names.split(",") if name.strip()}
    for setting in settings:
        place, equals, value = setting.partition("=")
        method, dot, argument = place.strip().partition(".")
        method = method.replace("-", "_")
        if not (equals and dot and argument):
            raise InputError(f"--set takes METHOD.ARGUMENT=VALUE, such as relevance.rule=guided, not {setting!r}")
        if method not in methods:
            raise InputError(f"--set {setting}: {method} is not among the methods, {', '.join(methods)}")
        methods[method].append(f"--{argument.strip().replace('_', '-')}={value}")
    return {name: _arguments(name, tokens) for name, tokens in methods.items()}


def _arguments(method: str, tokens: Sequence[str]) -> dict[str, Any]:
    try:
        return arguments_of(method, tokens)
    except CycloptsError as error:
        raise of_setting(error, method) from None


def _facts(done: Swept, asked: int | None) -> dict[str, Any]:
    sounds = {} if asked is None else {"sounds": None if done.sounds is None else asdict(done.sounds)}
    return {
        "run": str(done.folder),
        "clips": done.clips,
        "shards": done.shards,
        "computed": done.computed,
        "rows": done.rows,
        "errors": dict(done.causes),
        "missing": {str(shard): why for shard, why in done.missing.items()},
        "processor_seconds": round(done.seconds, 3),
        "reading_seconds": round(done.reading, 3),
        "notes": list(done.notes),
        **sounds,
    }
