"""What the benchmarks share: medians of interleaved repeats, and one line a ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import torch

THREADS = 2


def medians(tasks: Mapping[str, Callable[[], object]], repeats: int = 7) -> dict[str, float]:
    """Median seconds of each task; the tasks take turns, so that a busy moment hits all of them."""
    torch.set_num_threads(THREADS)
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repeats + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if turn:  # the first turn warms up
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def say(what: str, ours: float, peer: float, against: str, goal: str, faster: bool = False) -> None:
    """Print one ratio: peer / ours where we are to be faster, else ours / peer."""
    ratio = peer / ours if faster else ours / peer
    kind = "times faster" if faster else "times the time"
    print(
        f"{what}: {1e3 * ours:.1f} ms, {ratio:.2f} {kind} of {against} ({1e3 * peer:.1f} ms); goal {goal}", flush=True
    )
