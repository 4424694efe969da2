"""Clips a second that a recipe learns from against a bare PyTorch loop, and that are decoded against soundfile.

The bare loop has its clips in memory as one tensor and does nothing but learn: the same model, batches, loss, optimizer
and number of threads. A recipe reads files, cuts and changes clips, logs, reports and can go on after a cut.

Both take turns. Of each turn the ratio is taken, of processor time and of the time on the clock, and of all turns the
median: what else a machine does lengthens the time on the clock alone. Workers have a processor time of their own, so
that with them the clock alone is compared.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
import torch
from torch.nn.functional import cross_entropy

import otoscope
from _measure import THREADS, fastest, say_cost
from otoscope.data import read
from otoscope.training.clips import Sounds
from otoscope.training.recipe import Recipe
from otoscope.training.run import train

SAMPLE_RATE, CLASSES, BATCH, STEPS, EPOCHS, TURNS = 8000, 8, 32, 6, 2, 5
MODEL = {"name": "cnn12", "options": {"width": 0.25}}
GAIN_NOISE_MASKS = {"gain": True, "noise": True, "masks": True}


def main() -> None:
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        sounds = Path(folder, "sounds")
        write_noise(sounds)
        ways = {
            f"{'' if augment else 'not '}changed, {workers} workers": (augment, workers)
            for augment, workers in itertools.product(({}, GAIN_NOISE_MASKS), (0, 2))
        }
        shares: dict[str, list[Seconds]] = {name: [] for name in ways}
        for turn in range(TURNS):
            for name, (augment, workers) in ways.items():
                bare, ours = bare_loop(), by_recipe(sounds, Path(folder, f"{turn} {name}"), augment, workers)
                shares[name].append(Seconds(bare.processor / ours.processor, bare.clock / ours.clock))
        for name, values in shares.items():
            clock, processor = (median(getattr(one, which) for one in values) for which in ("clock", "processor"))
            goals = ("at least 0.95", "at least 0.9") if name.startswith("not") else ("none", "none")
            if not ways[name][1]:
                print(f"training, clips {name}: {processor:.2f} of a bare loop in processor time; goal {goals[0]}")
            print(f"training, clips {name}: {clock:.2f} of a bare loop on the clock; goal {goals[1]}", flush=True)
    if os.environ.get("OTOSCOPE_DATA"):
        decoding("fsdd", 8000)
        decoding("fsdd", 16_000)
        decoding("esc10", 8000, piece=1.5)
    else:
        print("decoding: skipped, OTOSCOPE_DATA names no folder of data sets")


def write_noise(folder: Path) -> None:
    """Sounds of 1.2 s, a folder a class, enough for an epoch."""
    rng = np.random.default_rng(0)
    for number in range(BATCH * STEPS):
        path = folder / f"class{number % CLASSES}" / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(SAMPLE_RATE * 6 // 5), SAMPLE_RATE)


class Seconds(NamedTuple):
    """Of a step, in both ways; or the share of a peer's that they are."""

    processor: float
    clock: float


def now() -> Seconds:
    return Seconds(time.process_time(), time.perf_counter())


def by_recipe(sounds: Path, out: Path, augment: dict[str, bool], workers: int) -> Seconds:
    """Seconds of a step, without the first of each epoch, which waits for what surrounds an epoch."""
    recipe = Recipe.model_validate(
        {
            "about": "throughput",
            "model": MODEL,
            "data": {
                "set": "folder",
                "folder": str(sounds),
                "train": "all",
                "duration": 1.0,
                "in_memory": True,
                "workers": workers,
            },
            "augment": augment,
            "learn": {"epochs": EPOCHS, "batch_size": BATCH},
            "trainer": {"accelerator": "cpu"},
        }
    )
    ends: list[Seconds] = []

    def report(step: str, done: int, total: int) -> None:
        if step.startswith("epoch"):
            ends.append(now())

    train(recipe, out, report=report)
    return step_seconds(ends)


def bare_loop() -> Seconds:
    """The same of a loop that does nothing but learn."""
    torch.manual_seed(0)
    model = otoscope.load(MODEL["name"], n_classes=CLASSES, **MODEL["options"]).train()
    waves, labels = torch.randn(BATCH * STEPS, 1, SAMPLE_RATE) * 0.1, torch.arange(BATCH * STEPS) % CLASSES
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.0)
    ends = []
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(waves)).split(BATCH):
            optimizer.zero_grad()
            cross_entropy(model(waves[batch]), labels[batch]).backward()
            optimizer.step()
            ends.append(now())
    return step_seconds(ends)


def step_seconds(ends: list[Seconds]) -> Seconds:
    """The mean of the fastest epoch."""
    epochs = [ends[first : first + STEPS] for first in range(0, len(ends), STEPS)]
    both = [[(last - first) / (STEPS - 1) for first, last in zip(epoch[0], epoch[-1], strict=True)] for epoch in epochs]
    return Seconds(*map(min, zip(*both, strict=True)))


def decoding(name: str, rate: int, piece: float | None = None) -> None:
    """Clips one after the other, whole; and pieces of so many seconds, of which the rest need not be decoded."""
    items = read(name).items[:80]
    ours = Sounds(items, rate)
    chance = torch.Generator().manual_seed(0)

    def bare() -> None:
        for item in items:
            wave, own = soundfile.read(item.sound, dtype="float32", always_2d=True)
            soxr.resample(wave.mean(1), own, rate)

    tasks = {"bare": bare, "whole": lambda: [ours.whole(index) for index in range(len(ours))]}
    if piece is not None:
        length = round(piece * rate)
        tasks["pieces"] = lambda: [ours.crop(index, length, chance, "zeros") for index in range(len(ours))]
    seconds = fastest(tasks, repeats=5)
    against = "soundfile and soxr"
    what = f"decoding of {len(ours)} clips of {name} at {rate / 1000:g} kHz, {len(ours) / seconds['whole']:.0f} clips/s"
    say_cost(what, seconds["whole"], seconds["bare"], against, 2)  # short files cost their checks
    if piece is not None:
        what = f"pieces of {piece:g} s of them, {len(ours) / seconds['pieces']:.0f} clips/s"
        say_cost(what, seconds["pieces"], seconds["bare"], f"{against} of the whole", 1)


if __name__ == "__main__":
    main()
