"""What the benchmarks share: the fastest of interleaved repeats, and one line a ratio."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import torch

THREADS = 2


def fastest(tasks: Mapping[str, Callable[[], object]], repeats: int = 7, burst: int = 1) -> dict[str, float]:
    """Seconds of the fastest call of each task, since what else a machine does only adds to it; the tasks take turns.

    Short tasks are called in bursts of which the first half is not timed: by then the threads of another library have
    stopped to spin and our own are awake.
    """
    torch.set_num_threads(THREADS)
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repeats + 1):
        for name, task in tasks.items():
            for call in range(burst):
                start = time.perf_counter()
                task()
                if turn and call >= burst // 2:  # the first turn warms up
                    seconds[name].append(time.perf_counter() - start)
    return {name: min(values) for name, values in seconds.items()}


def say_cost(what: str, ours: float, peer: float, against: str, goal: float) -> None:
    """Print how many times the peer's time ours takes."""
    _say(what, ours, f"{ours / peer:.2f} times the time of {against}", peer, f"at most {goal:g}")


def say_gain(what: str, ours: float, peer: float, against: str, goal: float) -> None:
    """Print how many times faster than the peer ours is."""
    _say(what, ours, f"{peer / ours:.2f} times faster than {against}", peer, f"at least {goal:g}")


def _say(what: str, ours: float, ratio: str, peer: float, goal: str) -> None:
    print(f"{what}: {1e3 * ours:.2f} ms, {ratio} ({1e3 * peer:.2f} ms); goal {goal}", flush=True)
