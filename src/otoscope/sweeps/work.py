"""One shard: its clips read ahead by a thread, every method on them, and what came out committed."""

from __future__ import annotations

import random
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from otoscope.audio import as_clip, audio_channels, load_audio
from otoscope.causes import CRASHED, cause_of_method, cause_of_reading, said
from otoscope.contract import fill
from otoscope.data.find import sound_of
from otoscope.data.problems import Problems
from otoscope.files import make_folder
from otoscope.methods.catalogue import Record
from otoscope.optional import needs
from otoscope.probe.steady import steady
from otoscope.results import save
from otoscope.subject import Subject
from otoscope.sweeps.given import Given
from otoscope.sweeps.known import record_of
from otoscope.sweeps.plan import Clip, Shard, batches, least_length
from otoscope.sweeps.rows import Rows
from otoscope.sweeps.store import Store
from otoscope.types import Excerpt

_AHEAD = 2  # batches that are read while the model is at another

Tell = Callable[[Sequence[int]], None]
"""Called with the numbers of the clips whose turn it is."""


@dataclass(frozen=True)
class Job:
    """All that a worker has to know, whichever engine started it."""

    given: Given
    device: str
    folder: str
    fingerprint: str
    methods: Mapping[str, Mapping[str, Any]]
    batch_size: int
    batch_samples: int | None
    arrays: bool = False


@dataclass(frozen=True)
class Failure:
    """A clip that could not be used, by reading it (no method) or by one method."""

    clip: int
    name: str
    method: str | None
    cause: str
    message: str


@dataclass(frozen=True)
class Status:
    """What became of a shard: its clips, its rows, the clips with an error by cause, and processor time in s.

    `reading` is the part of it that went into reading the clips.
    """

    shard: int
    clips: int
    rows: int
    causes: Mapping[str, int]
    seconds: float
    reading: float


@dataclass
class Wave:
    """A clip that was read, or why not."""

    clip: Clip
    wave: xr.DataArray | None
    failure: Failure | None = None


@dataclass
class Found:
    """What came out of a shard so far."""

    rows: Rows = field(default_factory=Rows)
    failures: list[Failure] = field(default_factory=list)
    reading: float = 0.0


class Bench:
    """A model with the methods of a sweep, at which one shard after another is worked on.

    Parameters
    ----------
    job : Job
    subject : Subject, optional
        The model, where it is in this process already.
    """

    def __init__(self, job: Job, subject: Subject | None = None) -> None:
        self.job = job
        self.subject = subject or job.given.subject(job.device)
        self.records = {name: record_of(name) for name in job.methods}
        self.store = Store(job.folder)
        # Ctrl-C does not reach a process of its own: there only the model itself raises what looks like it.
        self._of_model: tuple[type[BaseException], ...] = (
            (Exception,) if subject is not None else (Exception, KeyboardInterrupt)
        )
        self.contract = self.subject.contract  # found out now, and not in a thread

    def run(self, shard: Shard, tell: Tell, crashed: Collection[int] = ()) -> Status:
        """Compute a shard and commit it; `crashed` are clips that ended a process, and are left out."""
        start = time.process_time()
        found = self.compute(shard, tell, crashed)
        found.failures.extend(
            Failure(clip.number, clip.name, None, CRASHED, "the process that worked on this clip ended, twice")
            for clip in shard.clips
            if clip.number in crashed
        )
        facts = {"fingerprint": self.job.fingerprint, "shard": str(shard.number), "count": str(len(shard.clips))}
        self.store.commit(shard.number, found.rows.table(), failures_table(found.failures), facts)
        causes = Counter(cause for cause in {failure.clip: failure.cause for failure in found.failures}.values())
        seconds = time.process_time() - start
        return Status(shard.number, len(shard.clips), len(found.rows), dict(causes), seconds, found.reading)

    def compute(self, shard: Shard, tell: Tell, without: Collection[int] = ()) -> Found:
        """What the methods say of the clips of a shard."""
        found = Found()
        groups = batches(shard.clips, self.contract, self.job.batch_size, self.job.batch_samples)
        left = [tuple(clip for clip in group if clip.number not in without) for group in groups]
        with _as_ever(), steady(self.subject.model):
            for read, seconds in _ahead([group for group in left if group], self._read):
                tell([one.clip.number for one in read])
                found.reading += seconds
                found.failures.extend(one.failure for one in read if one.failure is not None)
                self._methods([(one.clip, one.wave) for one in read if one.wave is not None], found)
        return found

    @property
    def _channels(self) -> int:
        return self.contract.channels or 1

    def _read(self, clip: Clip) -> Wave:
        return read_clip(clip, self.subject.sample_rate, self._channels)

    def _methods(self, clips: Sequence[tuple[Clip, xr.DataArray]], found: Found) -> None:
        for name, record in self.records.items():
            left = list(clips)
            alone = self.job.methods[name].get("segments") is not None  # each clip has segments of its own
            if not alone and len(clips) > 1 and self.subject.network.apart and self._channels == 1:
                if record.takes == "data":
                    left = self._as_data(name, record, clips, found)
                elif record.clipwise:
                    left = self._together(name, record, clips, found)
            for clip, wave in left:
                try:
                    result = self._call(name, record, _data([(clip, wave)]) if record.takes == "data" else wave)
                except self._of_model as error:  # of a method or of the user's model: the other clips go on
                    cause = cause_of_method(error, wave)
                    found.failures.append(Failure(clip.number, clip.name, name, cause, said(error)))
                else:
                    self._keep(name, record, result, [clip], found)

    def _together(
        self, name: str, record: Record, clips: Sequence[tuple[Clip, xr.DataArray]], found: Found
    ) -> list[tuple[Clip, xr.DataArray]]:
        """Run clips of one length at once; those that have to be run one by one are returned."""
        least = least_length(self.contract)
        left: list[tuple[Clip, xr.DataArray]] = []
        shapes = [(*wave.shape[:-1], max(least, wave.shape[-1])) for _, wave in clips]
        for shape in dict.fromkeys(shapes):
            same = [one for one, own in zip(clips, shapes, strict=True) if own == shape]
            sounds = [torch.from_numpy(wave.values) for _, wave in same]
            waves = torch.stack([fill(sound, shape[-1], self.contract.padding) for sound in sounds])
            try:
                result = self._call(name, record, waves) if len(same) > 1 else None
            except self._of_model:  # which clip it is shows one by one
                result = None
            if result is None:
                left += same
            else:
                self._keep(name, record, result, [clip for clip, _ in same], found)
        return left

    def _as_data(
        self, name: str, record: Record, clips: Sequence[tuple[Clip, xr.DataArray]], found: Found
    ) -> list[tuple[Clip, xr.DataArray]]:
        """Run a method of data on clips; all of them are returned where it does not take each."""
        try:
            result = self._call(name, record, _data(clips))
        except self._of_model:  # which clip it is shows one by one
            return list(clips)
        if result.sizes["clip"] != len(clips):  # some were left out, and by themselves they say why
            return list(clips)
        self._keep(name, record, result, [clip for clip, _ in clips], found)
        return []

    def _call(self, name: str, record: Record, given: Any) -> xr.Dataset:
        try:
            return record.function(self.subject, given, **self.job.methods[name])
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            raise

    def _keep(self, name: str, record: Record, result: xr.Dataset, clips: Sequence[Clip], found: Found) -> None:
        found.rows.add(name, result, record, [clip.number for clip in clips])
        if self.job.arrays:
            for place, clip in enumerate(clips):
                one = result.isel(clip=place) if "clip" in result.dims else result
                folder = make_folder(self.store.folder / "arrays" / name)
                save(one.assign_attrs(audio=clip.name), folder / f"{clip.number:07d}.nc")


def _data(clips: Sequence[tuple[Clip, xr.DataArray]]) -> list[Any]:
    """Clips as a method of data takes them, with what is known of them."""
    return [replace(clip.item, sound=wave, start=None, stop=None) for clip, wave in clips]


def failures_table(failures: Sequence[Failure]) -> Any:
    """Errors as a table, in order of clips and methods."""
    pa = needs("pyarrow", extra="sweep")
    failures = sorted(failures, key=lambda one: (one.clip, one.method or ""))
    columns = {name: [getattr(one, name) for one in failures] for name in _of_errors().names}
    return pa.table(columns, schema=_of_errors())


def left_out_table(problems: Problems) -> Any:
    """What was left out of the list, as a table of errors: of no clip."""
    causes, names, reasons = zip(*problems.reasons(), strict=True) if problems else ((), (), ())
    none = [None] * len(names)
    columns = {
        "clip": none,
        "name": names,
        "method": none,
        "cause": causes,
        "message": [f"left out of the list: {reason}" for reason in reasons],
    }
    return needs("pyarrow", extra="sweep").table(columns, schema=_of_errors())


def _of_errors() -> Any:
    pa = needs("pyarrow", extra="sweep")
    texts = [(name, pa.string()) for name in ("name", "method", "cause", "message")]
    return pa.schema([("clip", pa.int64()), *texts])


@contextmanager
def _as_ever() -> Iterator[None]:
    """Let libraries that draw random numbers draw the same ones for every shard, and say nothing clip by clip."""
    python, numpy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002 - what libraries share
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


def _ahead(groups: Sequence[Sequence[Clip]], read: Callable[[Clip], Wave]) -> Iterator[tuple[list[Wave], float]]:
    """Batches of clips as they are read, a few of them ahead, with the processor time in s that this took."""
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as reader:
        waiting: deque[Future[tuple[list[Wave], float]]] = deque()
        coming = iter(groups)
        try:
            for group in coming:
                waiting.append(reader.submit(_read_all, group, read))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _read_all(clips: Sequence[Clip], read: Callable[[Clip], Wave]) -> tuple[list[Wave], float]:
    start = time.thread_time()
    return [read(clip) for clip in clips], time.thread_time() - start


def read_clip(clip: Clip, sample_rate: int, channels: int) -> Wave:
    """A clip as methods get it, or why it cannot be read; with its channels where the model takes several."""

    def load(part: Excerpt) -> xr.DataArray:
        several = channels > 1 and audio_channels(part.path) > 1
        return load_audio(
            part.path, sample_rate=sample_rate, mono=not several, start=part.start, duration=part.duration
        )

    try:
        sound = sound_of(clip.item, sample_rate, load)
        if isinstance(sound, Path):
            return Wave(clip, load(Excerpt(sound)))
        return Wave(clip, as_clip(sound, sample_rate, name=clip.name, several=sound.ndim > 1))
    except Exception as error:  # a reader of files may raise anything on a damaged one
        cause = cause_of_reading(error, clip.item.sound)
        return Wave(clip, None, Failure(clip.number, clip.name, None, cause, said(error)))
