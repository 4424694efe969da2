"""The systems of the paper and their twins: trainings over tasks and seeds.

On the free data the phone system hears synthesised vowels, whose phones are known, and the digits of FSDD in place of
the phones of natural speech; the speaker system hears the speakers of FSDD. Where TIMIT is there, the recipes of the
paper are trained as well. Each has a twin that was trained on shuffled labels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from otoscope.studies.inputs import Sounds
from otoscope.studies.step import Step
from otoscope.studies.study import Setting
from otoscope.studies.training import training

FREE, LARGE = "free", "large"
"""Of the column `data`: synthesised vowels and FSDD, or TIMIT."""
PHONES, DIGITS, SPEAKERS = "phones", "digits", "speakers"
"""Of the column `system`: what a network tells apart."""
TRAINED, SHUFFLED, RANDOM = "trained", "shuffled", "random"
"""Of the column `weights`: learned from the labels, from shuffled labels, or not at all."""
SEEDS = {(PHONES, FREE): 5}
"""Runs of a system in full; three of any other."""

_SHUFFLED = "data.shuffle_labels=true"


@dataclass(frozen=True)
class System:
    """A network of the paper, and the data that it is trained on here.

    Attributes
    ----------
    name : str
        ``phones``, ``digits`` or ``speakers``.
    data : str
        ``free`` or ``large``.
    recipe : str
    hears : Sounds or None
        Of which relevance signals are looked at; None where it is heard with the tokens of vowels alone.
    changes : tuple of str
        Of the recipe.
    twin : tuple of str
        Further changes for the twin, beside the shuffled labels: it has nothing to be selected or stopped by.
    seconds : float
        Of processor time for a training.
    """

    name: str
    data: str
    recipe: str
    hears: Sounds | None = None
    changes: tuple[str, ...] = ()
    twin: tuple[str, ...] = ()
    seconds: float = 60.0


def systems(setting: Setting) -> list[System]:
    """Those on the free data, and those of the paper where TIMIT is there."""
    vowels, digits = (("learn.epochs=15",), ("learn.epochs=3",)) if setting.quick else ((), ())
    fsdd = Sounds("fsdd", splits=("test",))
    seconds = 10 if setting.quick else 40
    found = [
        System(PHONES, FREE, "laptop/relevance/phone_vowels", None, vowels, seconds=seconds),
        System(DIGITS, FREE, "laptop/relevance/phone_digits", fsdd, digits, seconds=seconds),
        System(SPEAKERS, FREE, "laptop/relevance/speaker", fsdd, digits, seconds=seconds),
    ]
    if setting.has("timit"):
        plain, day = ("data.validation=null", "learn.patience=null"), 24 * 3600.0
        sentences = Sounds("timit", "speaker", ("dev",))
        found += [
            System(PHONES, LARGE, "relevance/phone_cnn", sentences, twin=plain, seconds=day),
            System(SPEAKERS, LARGE, "relevance/speaker_cnn", sentences, twin=plain, seconds=day),
        ]
    return found


def trainings(system: System, setting: Setting) -> Iterator[tuple[Step, Step]]:
    """For each seed the training of a system, and that of its twin on shuffled labels."""
    for seed in setting.seeds_of(SEEDS.get((system.name, system.data), 3), quick=2):
        yield (
            _training(system, setting, seed, TRAINED, ()),
            _training(system, setting, seed, SHUFFLED, (_SHUFFLED, *system.twin)),
        )


def _training(system: System, setting: Setting, seed: int, weights: str, more: tuple[str, ...]) -> Step:
    return training(
        system.recipe,
        [*system.changes, *more, *setting.changes],
        seed=seed,
        labels={"data": system.data, "system": system.name, "weights": weights},
        part="systems",
        seconds=system.seconds,
    )
