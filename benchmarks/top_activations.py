"""Top activations against bare forward passes over the same batches, and how its memory grows with the data set."""

from __future__ import annotations

import subprocess
import sys

import torch

from _measure import THREADS, fastest, say_cost
from otoscope import Scope, load
from otoscope.sounds import batched, sounds_of

CLIPS, SECONDS, BATCH = 32, 2.5, 16
LAYERS = ("features.pool1", "features.pool4", "features.relu11")

STREAMING = """
import resource, sys, torch
from otoscope import Scope, load
torch.set_num_threads(2)
clips = (torch.randn(8000) for _ in range(int(sys.argv[1])))
Scope(load("cnn12", width=0.1)).top_activations(clips, layer="pool4")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    scope = Scope(load("cnn12", width=0.5).eval())
    waves = [torch.randn(int(SECONDS * scope.sample_rate)) for _ in range(CLIPS)]
    clips = list(sounds_of(scope, waves))

    def bare() -> None:
        with torch.no_grad():
            for _, inputs in batched(clips, BATCH):
                scope.model(inputs)

    for layer in LAYERS:
        seconds = fastest(
            {
                "ours": lambda layer=layer: scope.top_activations(waves, layer=layer, batch_size=BATCH),
                "bare": bare,
            },
            repeats=3,
        )
        what = f"top activations of {layer}, {CLIPS / seconds['ours']:.0f} clips of {SECONDS} s a second"
        say_cost(what, seconds["ours"], seconds["bare"], "the bare forward passes", 2)
    few, many = peak_memory(64), peak_memory(1024)
    print(
        f"top activations: peak memory {many:.0f} MiB for 1024 clips, {many / few:.2f} times that for 64; goal about 1"
    )


def peak_memory(clips: int) -> float:
    """Peak resident MiB of a fresh process that looks through so many clips."""
    run = subprocess.run([sys.executable, "-c", STREAMING, str(clips)], check=True, capture_output=True, text=True)
    return int(run.stdout) / 1024


if __name__ == "__main__":
    main()
