"""The steps that look at trained networks, at their twins on shuffled labels, and at random ones of the same shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from otoscope.studies.inputs import File, Input, Package, Sounds
from otoscope.studies.relevance import bands, examples, listening, signals, vowels
from otoscope.studies.relevance.heard import random_network
from otoscope.studies.relevance.trained import (
    DIGITS,
    FREE,
    LARGE,
    PHONES,
    RANDOM,
    SHUFFLED,
    SPEAKERS,
    TRAINED,
    System,
    systems,
    trainings,
)
from otoscope.studies.step import Step
from otoscope.studies.study import Setting

SOUND = "sound"
"""Of the column `weights`: no network at all, but the sound itself."""
LISTENERS = {DIGITS: "fsdd-digit", SPEAKERS: "fsdd-digit", PHONES: "vowel-name"}
"""Who hears what is said in relevance signals: networks that come with Otoscope, of other architectures and recipes."""
_PRAAT = Package("parselmouth")
HIGHEST = {FREE: 4000.0, LARGE: 8000.0}
"""Up to where there is sound, in Hz."""


def trained_steps(setting: Setting) -> Iterator[Step]:
    """Trainings over systems and seeds, and everything that is measured of them."""
    tokens = vowel_recordings(setting)
    trained: dict[tuple[str, str], list[Step]] = {}
    for system in systems(setting):
        for train, twin in trainings(system, setting):
            yield from (train, twin)
            trained.setdefault((system.data, system.name), []).append(train)
            seed = train.labels["seed"]
            for weights, needs in ((TRAINED, (train,)), (SHUFFLED, (twin,)), (RANDOM, ())):
                labels = {"data": system.data, "system": system.name, "weights": weights, "seed": seed}
                given = {} if needs else random_network(train)
                yield from _of_network(system, setting, labels, given, needs, tokens)
    yield from _of_sounds(setting, tokens)
    for data, first in ((FREE, DIGITS), (LARGE, PHONES)):
        pair = [trained.get((data, name), []) for name in (first, SPEAKERS)]
        if all(pair):
            yield from _of_pair(setting, data, pair, tokens, trained.get((data, PHONES), []))


def vowel_recordings(setting: Setting) -> Input:
    """The recordings of the vowels where they are there; else what was measured of them, from which they are made."""
    place = setting.data.place
    return Sounds("aev") if place is not None and (place / "aev" / "men").is_dir() else File("aev/vowdata.dat")


def _of_network(
    system: System,
    setting: Setting,
    labels: Mapping[str, str | int],
    given: Mapping[str, Any],
    needs: tuple[Step, ...],
    tokens: Input,
) -> Iterator[Step]:
    highest, quick = HIGHEST[system.data], setting.quick
    if system.hears is not None:
        yield Step(
            "signals", signals.signals_of, {**given, "clips": 20 if quick else 60, "highest": highest}, labels,
            (system.hears, _PRAAT), needs, part="signal", seconds=2 if quick else 5,
            command="otoscope relevance FOLDER CLIP",
        )  # fmt: skip
    if system.name == PHONES:
        yield Step(
            "vowels", vowels.vowels_of, {**given, "clips": 48 if quick else 144}, labels, (tokens, _PRAAT), needs,
            part="vowels", seconds=3 if quick else 12, command="otoscope vowels FOLDER --groups men,women",
        )  # fmt: skip
    if system.data == FREE:
        heard = tokens if system.hears is None else system.hears
        listened = {**given, "clips": 40 if quick else 120}
        yield Step(
            "heard", listening.heard_of, {**listened, "listener": LISTENERS[system.name]}, labels, (heard,), needs,
            part="listening", seconds=2 if quick else 5,
        )  # fmt: skip
        yield Step(
            "stoi", listening.stoi_of, listened, labels, (heard,), needs, part="listening", seconds=2 if quick else 4
        )
    if system.name in (DIGITS, SPEAKERS):
        speakers, each = (6, 8 if quick else 20) if system.data == FREE else (12 if quick else 60, 9)
        sounds = Sounds("fsdd", "speaker", ("test",)) if system.data == FREE else Sounds("timit", "speaker", ("train",))
        asked = {"speakers": speakers, "each": each, "highest": highest, "resamples": 100 if quick else 500}
        yield Step(
            "bands", bands.emphasis_of, {**given, **asked}, labels, (sounds,), needs, part="speakers",
            seconds=2 if quick else 6, command="otoscope subband-emphasis FOLDER fsdd@test:FOLDER",
        )  # fmt: skip


def _of_sounds(setting: Setting, tokens: Input) -> Iterator[Step]:
    """Chance levels and bounds: what is measured in the sounds themselves."""
    labels = {"data": FREE, "weights": SOUND}
    yield Step(
        "vowels", vowels.vowels_themselves, {"clips": 48 if setting.quick else 144}, {**labels, "system": PHONES},
        (tokens, _PRAAT), part="vowels", seconds=3 if setting.quick else 8,
    )  # fmt: skip
    fsdd = Sounds("fsdd", splits=("test",))
    for name, sounds in ((PHONES, tokens), (DIGITS, fsdd)):
        yield Step(
            "heard", listening.heard_themselves,
            {"clips": 40 if setting.quick else 120, "listener": LISTENERS[name]}, {**labels, "system": name},
            (sounds,), part="listening", seconds=2,
        )  # fmt: skip


def _of_pair(setting: Setting, data: str, pair: list[list[Step]], tokens: Input, phones: list[Step]) -> Iterator[Step]:
    """Two systems on the same sounds, and the examples of the figures."""
    fsdd, timit = Sounds("fsdd", splits=("test",)), Sounds("timit", "speaker", ("dev",))
    sounds = fsdd if data == FREE else timit
    labels = {"data": data}
    yield Step(
        "compared", bands.compared, {"clips": 15 if setting.quick else 40, "highest": HIGHEST[data]}, labels, (sounds,),
        (*pair[0], *pair[1]), part="speakers", seconds=5 if setting.quick else 15,
    )  # fmt: skip
    yield Step(
        "example_speech", examples.speech, {"clips": 1}, {**labels, "system": SPEAKERS}, (sounds, _PRAAT),
        (pair[1][0],), part="signal", seconds=1, command="otoscope voice FOLDER CLIP",
    )  # fmt: skip
    for name, step, highest in ((PHONES, phones[0], None), (SPEAKERS, pair[1][0], 4000.0 if data == FREE else None)):
        yield Step(
            "example_vowel", examples.vowel, {"highest": highest}, {**labels, "system": name}, (tokens, _PRAAT),
            (step,), part="phones", seconds=1, command="otoscope voice FOLDER CLIP",
        )  # fmt: skip
