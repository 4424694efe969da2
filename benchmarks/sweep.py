"""A sweep against a bare forward loop over the same clips, two workers against one, and memory at ten times the clips.

The bare loop has its clips in memory and does nothing but run the model. A sweep reads files ahead, names what fails,
and writes tables. Each runs with one thread; times are those of processors, but for workers, which are timed by the
clock.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import torch

import otoscope

MODEL, RATE, SECONDS = "fsdd-digit", 8000, 2
CLIPS, BATCH, TURNS = 400, 32, 3

GROWN = """
import resource, sys
import otoscope
done = otoscope.sweep(sys.argv[1], sys.argv[2], methods="output", out=sys.argv[3], limit=int(sys.argv[4]), workers=0,
                      shard_size=64, batch_size=32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sounds = folder / "sounds"
        write_noise(sounds, CLIPS)
        against_bare("cnn12", sounds, folder, 32, "at least 0.9")
        against_bare(MODEL, sounds, folder, CLIPS, "none: a pass of this small model takes a millisecond")
        two_workers(sounds, folder)
        ten_times(sounds, folder)


def write_noise(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        soundfile.write(folder / f"{number:05d}.wav", 0.1 * rng.standard_normal(SECONDS * RATE), RATE)


def against_bare(name: str, sounds: Path, folder: Path, clips: int, goal: str) -> None:
    """What a sweep does beside the model."""
    scope = otoscope.Scope(name)
    files = sorted(sounds.iterdir())[:clips]
    waves = torch.stack([torch.from_numpy(soundfile.read(one, dtype="float32")[0]) for one in files])
    bare, ours = [], []
    for turn in range(TURNS):
        start = time.process_time()
        with torch.inference_mode():
            for batch in waves.split(BATCH):
                scope.model(batch[:, None])
        bare.append(time.process_time() - start)
        out = folder / f"{name} {turn}"
        ours.append(
            otoscope.sweep(name, files, methods="output", out=out, batch_size=BATCH, shard_size=clips, workers=0)
        )
    best = min(ours, key=lambda one: one.seconds)
    print(
        f"sweep of {clips} clips of {SECONDS} s by {name}: {clips / best.seconds:.1f} clips/s, "
        f"{min(bare) / best.seconds:.2f} of the {clips / min(bare):.1f} of a bare loop; goal {goal}; reading takes "
        f"{best.reading / best.seconds:.3f}",
        flush=True,
    )


def two_workers(sounds: Path, folder: Path) -> None:
    """Clips a second, once all workers are there."""
    rates = {}
    for workers in (1, 2):
        ends: list[tuple[float, int]] = []

        def report(done: int, total: int, ends: list[tuple[float, int]] = ends) -> None:
            ends.append((time.perf_counter(), done))

        otoscope.sweep(
            MODEL, sounds, methods="activations", out=folder / f"{workers} workers", workers=workers, shard_size=16,
            batch_size=8, progress=report,
        )  # fmt: skip
        begun = next(one for one in ends if one[1] >= 32)
        rates[workers] = (ends[-1][1] - begun[1]) / (ends[-1][0] - begun[0])
    print(
        f"two workers: {rates[2] / rates[1]:.2f} times the clips/s of one; goal at least 1.8 on two idle cores",
        flush=True,
    )


def ten_times(sounds: Path, folder: Path) -> None:
    memory = []
    for count in (CLIPS // 10, CLIPS):
        command = [sys.executable, "-c", GROWN, MODEL, str(sounds), str(folder / f"{count} clips"), str(count)]
        memory.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]))
    print(
        f"memory: {memory[0] / 1e6:.2f} GB for {CLIPS // 10} clips, {100 * (memory[1] / memory[0] - 1):.1f} % more for "
        f"{CLIPS}; goal under 5 %",
        flush=True,
    )


if __name__ == "__main__":
    main()
