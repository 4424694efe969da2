"""What methods take for a clip of 10 s on one core, and what that makes of the 2.1 million clips of AudioSet.

The clips are made up: noise at 44.1 kHz, as FLAC, which is no faster to decode than music is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch

import otoscope
from otoscope.sweeps.cost import operations

SECONDS, RATE, CLIPS, AUDIOSET, CORES = 10, 44_100, 16, 2_100_000, 16
METHODS = ("output", "activations", "relevance", "coherence")


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(CLIPS):
            soundfile.write(folder / f"{number}.flac", 0.1 * rng.standard_normal(SECONDS * RATE), RATE)
        clips = sorted(folder.glob("*.flac"))
        for model in ("fsdd-digit", "cnn12"):
            print(f"{model}: {operations(otoscope.Scope(model)) / 1e9:.2f} billion operations for a second of sound")
            for method in METHODS:
                out = folder / model / method
                done = otoscope.sweep(model, clips, methods=method, out=out, workers=0, shard_size=CLIPS)
                size = sum(path.stat().st_size for path in out.glob("rows/*")) / CLIPS
                a_clip, reading = done.seconds / CLIPS, done.reading / CLIPS
                print(
                    f"{model}, {method}: {1e3 * a_clip:.0f} ms a clip, {1e3 * reading:.0f} of them to read it; "
                    f"AudioSet {a_clip * AUDIOSET / CORES / 3600:.1f} h on {CORES} cores, "
                    f"{size * AUDIOSET / 1e9:.1f} GB of rows",
                    flush=True,
                )


if __name__ == "__main__":
    main()
