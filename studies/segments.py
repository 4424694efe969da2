"""Which vowel of a sequence gets the relevance: that which was asked for? Measured on sequences whose times are known.

    python studies/segments.py --tables docs/segments

Sequences of four different vowels, one after another with pauses, are synthesised, and the bundled model that names
vowels is asked for each of them in turn, under several rules. The same is done with random weights, whose relevance
does not know one vowel from another. On the page docs/segments.md stands what came out.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr

from otoscope import Scope
from otoscope.audio import as_clip
from otoscope.data.segments import OUTSIDE, Segment
from otoscope.data.vowels import SYMBOLS, Vowel, draw, synthesise
from otoscope.dsp.statistics import mean_interval
from otoscope.models.vowelnet import VowelNet

RULES = ("gradient_x_input", "integrated_gradients", "gradient", "guided", "occlusion")
LENGTH, PAUSE, COUNT = 0.3, 0.05, 4
"""Of a vowel and of what is silent before and after it, in s; and how many vowels a sequence has."""

OF = {"relevance": "sum", "energy": "share of the energy", "loss": "mean loss"}
SLOW = {"occlusion": 5, "integrated_gradients": 5}
"""Rules that take many passes, and the part of the sequences that they are given."""


@dataclass(frozen=True)
class Spoken:
    """Vowels of one talker, one after another."""

    sound: xr.DataArray
    segments: tuple[Segment, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sequences", type=int, default=100, help="how many")
    parser.add_argument("--rules", nargs="+", default=list(RULES), help="of the relevance")
    parser.add_argument("--tables", type=Path, metavar="FOLDER", help="for a Markdown file of the table")
    asked = parser.parse_args(arguments)
    spoken = sequences(asked.sequences)
    trained = Scope("vowel-name")
    torch.manual_seed(0)
    random = Scope(VowelNet(name="random weights"))
    rows = [
        (name, rule, *row(scope, spoken[:: SLOW.get(rule, 1)], rule))
        for name, scope in (("trained", trained), ("random weights", random))
        for rule in asked.rules
    ]
    table = as_table(rows) + "\n" + alone(trained, spoken)
    if asked.tables is None:
        print(table)
    else:
        asked.tables.mkdir(parents=True, exist_ok=True)
        (asked.tables / "vowel_sequences.md").write_text(table, encoding="utf-8")


def sequences(count: int, rate: int = 16_000, seed: int = 0) -> list[Spoken]:
    """Sequences of four different vowels at equal peaks; every vowel has formants and a pitch of its own."""
    rng = np.random.default_rng(seed)
    made: list[Spoken] = []
    voices: dict[str, list[Vowel]] = {name: [] for name in sorted(SYMBOLS)}
    for vowel in draw(6 * count * COUNT + 120, seed):
        voices[vowel.symbol].append(vowel)
    for number in range(count):
        names = rng.permutation(sorted(voices))[:COUNT].tolist()
        pieces, segments = [], []
        for place, name in enumerate(names):
            sound = synthesise(voices[name].pop(), rate, LENGTH, seed=number)
            pieces += [np.zeros(round(PAUSE * rate), np.float32), sound]
            start = PAUSE + place * (PAUSE + LENGTH)
            segments.append(Segment(start, start + LENGTH, name))
        whole = np.concatenate([*pieces, np.zeros(round(PAUSE * rate), np.float32)])
        made.append(Spoken(as_clip(whole, rate, name=f"sequence {number}"), tuple(segments)))
    return made


def row(scope: Scope, spoken: Sequence[Spoken], rule: str) -> tuple[str, ...]:
    """What the vowel that is asked for gets, what each other one does, and how often it gets most."""
    asked, others, outside, most = [], [], [], []
    quantity = ""
    for one in spoken:
        waves, names = np.stack([one.sound.values] * COUNT), [each.label for each in one.segments]
        found = scope.relevance(waves, target=names, rule=rule, segments=one.segments)
        quantity = next(name for name in OF if f"segment_{name}" in found)
        shown = "share" if quantity == "energy" else quantity
        parts = found[f"segment_{shown}"].values  # asked for, segment
        own = np.eye(COUNT, dtype=bool)
        asked.append(parts[own].mean())
        others.append(parts[~own].mean())
        outside.append(float(found[f"label_{shown}"].sel(segment_label=OUTSIDE).mean()))
        most.append(np.mean(parts.argmax(1) == np.arange(COUNT)))
    return OF[quantity], *map(interval, (asked, others, outside)), interval(most, percent=True), str(len(spoken))


def alone(scope: Scope, spoken: Sequence[Spoken]) -> str:
    """How often the model names a vowel that it hears alone."""
    right = []
    for one in spoken:
        rate = one.sound.attrs["sample_rate"]
        pieces = [one.sound.values[round(each.start * rate) : round(each.stop * rate)] for each in one.segments]
        answers = scope.output(np.stack(pieces)).argmax(1).tolist()
        classes = scope.classes or ()
        right.append(np.mean([classes[n] == each.label for n, each in zip(answers, one.segments, strict=True)]))
    return f"Alone, each vowel is named right in {interval(right, percent=True)} of cases.\n"


def interval(values: Sequence[float], *, percent: bool = False) -> str:
    """A mean over sequences with its 95 % interval."""
    mean, low, high = (float(one) * (100 if percent else 1) for one in mean_interval(values))
    if percent:
        return f"{mean:.0f} % ({max(low, 0):.0f} to {min(high, 100):.0f})"
    return f"{mean:.3g} ({low:.3g} to {high:.3g})"


def as_table(rows: Sequence[tuple[str, ...]]) -> str:
    heading = (
        "weights", "rule", "quantity", "vowel asked for", "each other vowel", "pauses", "asked for gets most",
        "sequences",
    )  # fmt: skip
    lines = [heading, ("---",) * len(heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
