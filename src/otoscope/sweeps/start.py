"""A sweep from its arguments to a run folder: planned, compared with what is there, computed where it is missing."""

from __future__ import annotations

import hashlib
import platform
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from otoscope._version import __version__
from otoscope.data.given import given_data
from otoscope.data.ids import Ids
from otoscope.data.items import DataSet
from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.runs.info import SCHEMA, fingerprint
from otoscope.subject import Subject, signature
from otoscope.sweeps.cost import shard_size as usual_shard_size
from otoscope.sweeps.given import Given, given, usual_device
from otoscope.sweeps.known import Methods, as_kept, record_of, resolved_methods
from otoscope.sweeps.local import Crew, in_this_process, usual_workers
from otoscope.sweeps.plan import BATCH_SAMPLES, BATCH_SIZE, Listed, Shard, hashed, listed
from otoscope.sweeps.segments import segments_digests, with_whole_paths
from otoscope.sweeps.sounds import USUAL_SIZE, Sounded, Sounding
from otoscope.sweeps.store import Store, check_same
from otoscope.sweeps.trial import rows_of_each
from otoscope.sweeps.work import Bench, Job, Status, left_out_table

Engine = Literal["local", "ray"]

Report = Callable[[int, int], None]
"""Called with how many clips are done, and of how many."""


@dataclass(frozen=True)
class Swept:
    """What became of a sweep, or of the share of it that was asked for.

    Attributes
    ----------
    folder : Path
    clips, shards : int
        Of this share.
    computed : int
        Shards that were computed now: the others were there.
    rows : int
        That were written now.
    causes : mapping of str to int
        How many clips of this share could not be used, or not by all methods, by cause. What was left out of the list
        counts with the first share.
    missing : mapping of int to str
        Shards that are not done, and why.
    seconds, reading : float
        Processor time of all workers in s, and the part of it that went into reading sounds.
    sounds : Sounded or None
        None where no sounds were asked for, or shards of the run are missing.
    notes : tuple of str
        What is to be said of the data, such as that folders were taken as parts of a split.
    """

    folder: Path
    clips: int
    shards: int
    computed: int
    rows: int
    causes: Mapping[str, int] = field(default_factory=dict)
    missing: Mapping[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    reading: float = 0.0
    sounds: Sounded | None = None
    notes: tuple[str, ...] = ()


def sweep(
    model: Subject | torch.nn.Module | str | Path | Given,
    data: str | Path | DataSet | Iterable[Any],
    *,
    methods: Methods,
    out: str | Path,
    engine: Engine = "local",
    address: str | None = None,
    workers: int | None = None,
    shards: str | tuple[int, int] | None = None,
    shard_size: int | None = None,
    batch_size: int | None = None,
    by: str | None = None,
    limit: int | None = None,
    ids: Ids = "path",
    arrays: bool = False,
    sounds: int | None = None,
    sounds_size: int = USUAL_SIZE,
    device: str | None = None,
    patience: float = 900.0,
    progress: Report | None = None,
    sounds_progress: Report | None = None,
) -> Swept:
    """Run methods over a whole data set, into a run folder of tables that is taken up again where it was left.

    Parameters
    ----------
    model : Scope, nn.Module, str or path
        A model, or what the command line calls MODEL.
    data : str, path, DataSet or iterable
        What the command line calls DATA; or items, or waves, each alone or as a pair with its label.
    methods : str, sequence of str, or mapping of str to mapping
        Methods of the catalogue that take sounds, and ``output``, what the model answers; with their arguments.
    out : str or path
        The run folder. Where it holds a part of the same run, that is kept, and the rest is computed.
    engine : {"local", "ray"}
        Processes of this machine, or actors of Ray, here or on a cluster that has the folder and the data at the same
        places. The rows are the same.
    address : str, optional
        Of a Ray cluster, such as "auto"; a new one on this machine by default.
    workers : int, optional
        Processes; as many as this machine has cores, or GPUs, by default. 0 works in
        this process, as an interactive session may have to.
    shards : str or (int, int), optional
        One share of all shards, such as ``"2/8"``, for an array of jobs: the others are left alone.
    shard_size : int, optional
        Clips of a shard, which is written as a whole; by default as many as take about a minute.
    batch_size : int, optional
        Clips of one length that run together at most; by default 64, and no more than half a million samples.
    by : str, optional
        Which of the facts of the data is its class.
    limit : int, optional
        At most so many clips, evenly over the classes.
    ids : {"path", "content"}
        By what a clip is known again: path, size and time of change of its file, or its bytes.
    arrays : bool
        Also write every whole result as netCDF.
    sounds : int, optional
        When all shards of the run are done, also write the clips that drive each map most, by its mean activation: so
        many a map, of each a second around the peak and its sonification. A run that is done gets them without being
        computed again.
    sounds_size : int
        Bytes that these files may take; where they would take more the sweep does not begin.
    device : str, optional
        Where to compute; a GPU where there is one. Of a Scope or a module, where that is.
    patience : float
        How long in s Ray may take to finish one more shard until it is ended with those that are done.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of clips.
    sounds_progress : callable, optional
        The same for sounds.

    Returns
    -------
    Swept

    Raises
    ------
    InputError
        If a method, an argument or the data cannot be used; if sounds would take too many bytes; if the folder holds
        another run, where the message names the field that differs; if it cannot be written, or pyarrow is not
        installed.

    Notes
    -----
    Shards have the same clips, and batches in them the same, however many workers there are, and each worker computes
    with one thread: that is why the rows do not depend on the engine.

    Examples
    --------
    >>> import tempfile
    >>> from otoscope.sweeps import sweep
    >>> done = sweep("vowel-name", "vowels", methods="activations", out=tempfile.mkdtemp(), limit=4, workers=0)
    >>> done.clips, dict(done.causes), done.rows
    (4, {}, 3584)
    """
    needs("pyarrow", extra="sweep", purpose="a sweep")
    if engine not in get_args(Engine):
        raise InputError(f"engine has to be {' or '.join(get_args(Engine))}, not {engine!r}")
    _check_counts(workers=(workers, 0), shard_size=(shard_size, 1), batch_size=(batch_size, 1), limit=(limit, 1))
    _check_counts(sounds=(sounds, 1), sounds_size=(sounds_size, 1))
    store, arguments = Store(out), resolved_methods(methods)
    before = store.run()
    subject, where = _subject(model, device)
    known = given_data(data, by=by, limit=limit, sample_rate=subject.sample_rate)
    found = listed(known.items, ids)
    sizes = _sizes(before, subject, found, arguments, shard_size, batch_size)
    with _hash_of_list(store, found, new=before is None) as sha256:
        run: dict[str, Any] = {
            "schema": SCHEMA,
            "kind": "sweep",
            "model": {
                "name": subject.name,
                "sha256": subject.digest,
                "given": _named(model),
                "subject": as_kept(signature(subject)),
                "device": where,
            },
            "methods": as_kept(arguments),
            "data": {"given": _named(data), "by": by, "ids": ids, "count": len(found), "sha256": sha256},
            "classes": list(subject.classes) if subject.classes else None,
            **sizes,
            **segments_digests(arguments, len(found)),
            "arrays": arrays,
            "versions": _versions(),
        }
        if before is not None:
            check_same(before, run, store.folder)
        mark, size = fingerprint(run), run["shard_size"]
        sounding = None
        if sounds is not None:
            sounding = Sounding(subject, found, store, mark, shards=run["shards"], k=sounds, size=sounds_size)
            sounding.check(arguments)
        share = _share(shards, run["shards"])
        if before is None:
            store.begin(run)
    store.complete(run, found.tables, left_out_table(known.problems))
    left = sorted(set(share) - store.finished(mark))
    clips, to_do = _clips(share, found, size), _clips(left, found, size)
    count = min(len(left), usual_workers(where) if workers is None else workers)
    job = Job(
        _given(model, pickles=count > 0 or engine == "ray"),
        where,
        str(store.folder.absolute()),
        mark,
        with_whole_paths(arguments),
        run["batch_size"],
        run["batch_samples"],
        arrays,
    )
    shards_left = (found.shard(number, size) for number in left)
    store.tidy(share, alone=shards is None)
    try:
        with counting(progress, clips, clips - to_do) as step:
            if engine == "ray":
                from otoscope.sweeps.ray import on_ray

                statuses, missing = on_ray(
                    job, found, size, left, address=address, workers=workers, patience=patience, step=step
                )
            else:
                statuses, missing = here(job, subject, shards_left, count, step)
    finally:
        store.tidy(share, alone=shards is None)
    return Swept(
        store.folder,
        clips,
        len(share),
        len(statuses),
        sum(status.rows for status in statuses),
        store.causes(share, of_list=0 in share),
        missing,
        sum(status.seconds for status in statuses),
        sum(status.reading for status in statuses),
        sounding.make(sounds_progress, alone=shards is None) if sounding is not None and sounding.ready else None,
        known.notes,
    )


# -- What is given ----------------------------------------------------------------------------------------


def _subject(model: Subject | torch.nn.Module | str | Path | Given, device: str | None) -> tuple[Subject, str]:
    """The model, and the kind of device that it is computed on."""
    if isinstance(model, (str, Path)):
        model = Given(str(model))
    if isinstance(model, Given):
        where = usual_device(device)
        return model.subject(where), where
    subject = model if isinstance(model, Subject) else Subject(model)
    own = next((str(weight.device) for weight in subject.model.parameters()), "cpu")
    if device is not None and torch.device(device) != torch.device(own):
        raise InputError(f"{subject.name} is on {own}, not on {device}: move it there, or leave the device out")
    return subject, own


def _given(model: Subject | torch.nn.Module | str | Path | Given, *, pickles: bool) -> Given:
    return model if isinstance(model, Given) else given(model, pickles=pickles)


def _named(given: Any) -> str:
    """How a run says what it was given."""
    if isinstance(given, Given):
        return given.model
    return str(given) if isinstance(given, (str, Path)) else type(given).__name__


def _check_counts(**counts: tuple[int | None, int]) -> None:
    for name, (count, least) in counts.items():
        if count is not None and count < least:
            raise InputError(f"{name} has to be {least} or more, not {count}")


@contextmanager
def _hash_of_list(store: Store, found: Listed, *, new: bool) -> Iterator[str]:
    """The hash of the list, written in the same pass if it is of a new run; gone again where that does not begin."""
    if not new:
        yield found.sha256
        return
    digest = hashlib.sha256()
    with store.new_list(hashed(found.tables(), digest), digest.hexdigest) as sha256:
        yield sha256


# -- The plan ---------------------------------------------------------------------------------------------


def _sizes(
    before: Mapping[str, Any] | None,
    subject: Subject,
    found: Listed,
    methods: Mapping[str, Mapping[str, Any]],
    shard_size: int | None,
    batch_size: int | None,
) -> dict[str, Any]:
    """Clips of a shard and of a batch: as given, as they were when the run began, or as is usual."""
    batch: dict[str, Any] = {"batch_size": batch_size, "batch_samples": None}
    if batch_size is None:
        batch = {"batch_size": BATCH_SIZE, "batch_samples": BATCH_SAMPLES}
    if before is not None:
        size = shard_size or int(before["shard_size"])
        batch = batch if batch_size is not None else {name: before.get(name) for name in batch}
    else:
        rows = rows_of_each(subject, found, methods)
        records = {name: record_of(name) for name in methods}
        size = shard_size or usual_shard_size(subject, found.seconds, records, rows)
    return {"shard_size": size, "shards": -(-len(found) // size), **batch}


def _versions() -> dict[str, str]:
    return {
        "otoscope": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _share(shards: str | tuple[int, int] | None, count: int) -> list[int]:
    """The numbers of the shards of a share: every n-th, so that all shares are alike."""
    if shards is None:
        return list(range(count))
    try:
        place, of = map(int, shards.split("/") if isinstance(shards, str) else shards)
    except ValueError:
        raise InputError(f"shards has to be a share such as 2/8, not {shards!r}") from None
    if not 1 <= place <= of:
        raise InputError(f"shards has to be a share from 1/{max(1, of)} to {max(1, of)}/{max(1, of)}, not {place}/{of}")
    if of > count:
        warnings.warn(f"the run has {count} shards, so that only {count} of {of} shares have one", stacklevel=3)
    return list(range(place - 1, count, of))


def _clips(shards: Iterable[int], found: Listed, size: int) -> int:
    return sum(min(size, len(found) - number * size) for number in shards)


# -- The work ---------------------------------------------------------------------------------------------


@contextmanager
def counting(report: Report | None, total: int, done: int) -> Iterator[Callable[[int], None]]:
    """A function that is told of more clips, and reports how many there are of how many."""
    if report is not None:
        report(done, total)

    def step(clips: int) -> None:
        nonlocal done
        done += clips
        if report is not None:
            report(done, total)

    yield step


def here(
    job: Job, subject: Subject, shards: Iterator[Shard], workers: int, step: Callable[[int], None]
) -> tuple[list[Status], dict[int, str]]:
    """Compute shards on this machine; those that are missing are returned beside, with the reason."""
    if workers == 0:
        return list(in_this_process(Bench(job, subject), shards, step)), {}
    with Crew(job, workers, step) as crew:
        return list(crew.run(shards)), crew.given_up
