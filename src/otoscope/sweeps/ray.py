"""Shards of a sweep on a Ray cluster: actors take one after another and commit it themselves."""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np

from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.processes.program import Program, conversation
from otoscope.sweeps.local import Crew, usual_workers
from otoscope.sweeps.plan import Listed
from otoscope.sweeps.store import Store
from otoscope.sweeps.work import Job, Status

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
_GOODBYE = 20.0  # s that Ray has to end its own processes
_LOOK = 1.0  # s between looks at what is committed


class Station:
    """An actor: one worker in a process of its own, so that a crash is found here as it is on one machine.

    Parameters
    ----------
    job : Job
    found : ObjectRef of Listed
        The list, which all actors of a node share.
    size : int
        Clips of a shard.
    """

    def __init__(self, job: Job, found: Any, size: int) -> None:
        self._found: Listed = needs("ray", extra="sweep").get(found)
        self._size, self._crew = size, Crew(job, 1)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Work on the shards of a batch, and say what became of each."""
        said = [pickle.dumps(self._work(number)) for number in batch["shard"].tolist()]
        return {"shard": batch["shard"], "said": np.array(said, dtype=object)}

    def _work(self, number: int) -> Status | str | InputError:
        try:
            statuses = list(self._crew.run([self._found.shard(number, self._size)]))
        except InputError as error:  # which would end all others with it
            return error
        return statuses[0] if statuses else self._crew.given_up[number]


def on_ray(
    job: Job,
    found: Listed,
    size: int,
    left: Sequence[int],
    *,
    address: str | None,
    workers: int | None,
    patience: float,
    step: Callable[[int], None],
) -> tuple[list[Status], dict[int, str]]:
    """Compute shards by actors of a cluster.

    Parameters
    ----------
    job : Job
    found : Listed
    size : int
        Clips of a shard.
    left : sequence of int
        Numbers of the shards.
    address : str or None
        Of the cluster; a new one on this machine where it is None.
    workers : int or None
        Actors at most; as many as fit by default.
    patience : float
        How long in s no shard may be committed until it ends with those that are.
    step : callable
        Called with how many clips more are done.

    Returns
    -------
    list of Status
    dict of int to str
        Shards that are missing, and why.

    Raises
    ------
    InputError
        If Ray is not installed or the cluster not reached, or a worker cannot work at all.
    """
    if not left:
        return [], {}
    events: SimpleQueue[Any] = SimpleQueue()
    driver = Program("otoscope.sweeps.ray", events.put)
    try:
        driver.tell((job, found, size, left, address or _running(), workers))
        return _supervised(events, driver, Store(job.folder), job.fingerprint, left, patience, step)
    finally:
        driver.end(_GOODBYE)


def _running() -> str | None:
    """The address of a cluster that this process is connected to."""
    ray = sys.modules.get("ray")
    return ray.get_runtime_context().gcs_address if ray is not None and ray.is_initialized() else None


def _supervised(
    events: SimpleQueue[Any],
    driver: Program,
    store: Store,
    mark: str,
    left: Sequence[int],
    patience: float,
    step: Callable[[int], None],
) -> tuple[list[Status], dict[int, str]]:
    """Collect what is said of shards, as long as there is more of it, or more is committed."""
    done: dict[int, Status] = {}
    missing: dict[int, str] = {}
    committed, last, why = 0, time.monotonic(), ""
    while not why:
        try:
            event = events.get(timeout=_LOOK)
        except Empty:
            there = sum(store.part("rows", shard).exists() for shard in left)
            if there > committed:
                committed, last = there, time.monotonic()
            elif time.monotonic() - last > patience:
                why = f"Ray finished no shard in {patience:g} s"
            continue
        last = time.monotonic()
        if event is None:
            why = f"Ray ended ({driver.ending})"
        elif isinstance(event, InputError):
            raise event
        elif isinstance(event, str):
            why = event
        elif isinstance(event[1], str):
            missing[event[0]] = event[1]
        elif event[0] not in done:
            done[event[0]] = event[1]
            step(event[1].clips)
    there_now = store.finished(mark)
    return list(done.values()), {number: missing.get(number, why) for number in left if number not in there_now}


# -- The program that Ray runs in ------------------------------------------------------------------------


def main() -> None:
    """Hand shards to actors, and tell what became of them.

    Ray handles signals, ends threads, prints and may end the process: so it has one of its own, which can be ended
    where it stands still.
    """
    hear, say = conversation()
    job, found, size, left, address, workers = hear()
    os.environ.update({name: value for name, value in _QUIET.items() if name not in os.environ})
    try:
        ray = _cluster(address)
    except InputError as error:
        say(error)
        return
    fits = int(ray.cluster_resources().get("GPU" if job.device.startswith("cuda") else "CPU", 1))
    try:
        for row in _rows(ray, job, found, size, left, min(len(left), workers or max(1, fits))):
            said = pickle.loads(row["said"])  # noqa: S301 - by our own actors
            say(said if isinstance(said, InputError) else (row["shard"], said))
    except Exception as error:  # whatever Ray raises where actors or nodes are gone for good
        say(f"Ray ended: {' '.join(str(error).split())[:300] or type(error).__name__}")
    else:
        say("Ray did not compute it")


def _cluster(address: str | None) -> Any:
    """Ray, connected to a cluster, or to a new one of this machine."""
    ray = needs("ray", extra="sweep", purpose="the engine ray")
    needs("ray.data", extra="sweep", purpose="the engine ray")
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    _check_there(address)
    here = {} if address else {"num_cpus": usual_workers("cpu"), "include_dashboard": False}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **here)
    except (OSError, RuntimeError, ValueError) as error:  # of which ConnectionError is one
        raise InputError(f"no Ray cluster was reached at {address or 'this machine'}: {error}") from error
    return ray


def _check_there(address: str | None) -> None:
    """Raise an InputError where nothing answers at an address: Ray would try for minutes."""
    host, colon, port = (address or "").rpartition(":")
    if not colon or not port.isdigit() or "://" in host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=_LOOK * 10).close()
    except OSError as error:
        raise InputError(f"no Ray cluster was reached at {address}: {error.strerror or error}") from error


def _rows(ray: Any, job: Job, found: Listed, size: int, left: Sequence[int], workers: int) -> Iterator[Any]:
    """What actors say of shards, as it comes."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    pool = ray.data.ActorPoolStrategy(
        min_size=1, max_size=workers, initial_size=workers, max_tasks_in_flight_per_actor=1
    )
    shards = ray.data.from_items([{"shard": number} for number in left], override_num_blocks=len(left))
    said = shards.map_batches(
        Station,
        batch_size=1,
        compute=pool,
        fn_constructor_args=(job, ray.put(found), size),
        num_cpus=1,
        num_gpus=1 if job.device.startswith("cuda") else 0,
    )
    yield from said.iter_rows()
