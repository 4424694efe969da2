"""What networks of the study are, what they hear, and the relevance signals of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from otoscope.audio import as_clip, load_audio
from otoscope.contract import Contract
from otoscope.data.aev import Token, vowel_tokens
from otoscope.data.find import drawn, sound_of
from otoscope.data.items import DataSet
from otoscope.data.sets import SETS
from otoscope.dsp.segment import segment
from otoscope.methods.no_relevance import NoRelevance
from otoscope.methods.relevance import relevance_of
from otoscope.models import load
from otoscope.studies.inputs import Sounds
from otoscope.studies.step import Step, Work
from otoscope.subject import Subject

RATE = 16_000
WINDOW = 0.25
"""Of the networks, in s."""

GROUPS = ("men", "women")


@dataclass(frozen=True)
class Heard:
    """A sound that a network hears.

    Attributes
    ----------
    name : str
    label : str
        What is said: a digit, or a vowel.
    wave : numpy.ndarray, (time,)
        At 16 kHz.
    token : Token or None
        Of a vowel, with its F0 and formants; its centre is in `wave`.
    """

    name: str
    label: str
    wave: np.ndarray
    token: Token | None = None


@dataclass(frozen=True)
class Explained:
    """A sound with its relevance signal for the likeliest class.

    Attributes
    ----------
    heard : Heard
    relevance : numpy.ndarray, (time,)
        As long as the sound.
    named : str
        The class; empty where there is no relevance.
    """

    heard: Heard
    relevance: np.ndarray
    named: str


def random_network(train: Step) -> dict[str, Any]:
    """Of a training, what makes a network of the same shape with random weights; arguments of a step."""
    content = train.arguments["content"]
    data = content["data"]
    classes = SETS[data["set"]].tasks[data["task"]]
    return {"model": content["model"], "classes": classes, "padding": data["padding"], "seed": train.arguments["seed"]}


def subject_of(work: Work) -> Subject:
    """The network that the step needs, or one of its shape with random weights."""
    if work.step.needs:
        return Subject(load(str(work.model())))
    from otoscope.training.recipe import ModelSection
    from otoscope.training.start import random_model

    given = work.arguments
    classes = tuple(str(number) for number in range(given["classes"]))
    model: Any = random_model(ModelSection.model_validate(given["model"]), classes, given["seed"])
    Contract.of(model).changed(padding=given["padding"]).attach(model)
    return Subject(model.eval())


def heard_by(work: Work, place: int = 0) -> Iterator[Heard]:
    """The sounds of an input of the step: vowels of men and women, or clips of a data set, as many as it is given."""
    limit = work.arguments["clips"]
    one = work.step.inputs[place]
    if not isinstance(one, Sounds) or one.set == "aev":
        folder = work.data.path(one)
        for token in vowel_tokens(folder if isinstance(one, Sounds) else folder.parent, groups=GROUPS, limit=limit):
            yield vowel_heard(token)
        return
    root = work.data.path(one)
    for item in drawn(work.sounds(place), limit).items:
        wave = load_audio(sound_of(item, RATE), sample_rate=RATE).values
        name = item.name.removeprefix(f"{root}/")
        yield Heard(name, str(item.facts.get("digit", item.labels[0])), loudest(wave) if _is_long(one) else wave)


def explained(work: Work, place: int = 0) -> Iterator[Explained]:
    """The sounds of an input with their relevance signals."""
    subject = subject_of(work)
    for number, heard in enumerate(heard_by(work, place)):
        yield explain(subject, heard)
        work.report("sounds", number + 1, work.arguments["clips"])


def explain(subject: Subject, heard: Heard) -> Explained:
    """The relevance signal of a sound, by guided backpropagation, for the likeliest class; silence where it is zero."""
    wave = heard.wave
    inputs = subject.whole(torch.as_tensor(wave.copy())[None])
    try:
        found = relevance_of(subject, inputs)
    except NoRelevance:
        return Explained(heard, np.zeros(len(wave)), "")
    signal = found["relevance"].values[0, : len(wave)].astype(float)
    return Explained(heard, signal, str(found["class_name"].values[0]))


def clip_of(heard: Heard, highest: float | None = None) -> xr.DataArray:
    """A sound as methods take it; without what lies above a frequency in Hz, as if sampled at twice that."""
    wave = heard.wave
    if highest is not None:
        import soxr

        wave = soxr.resample(soxr.resample(wave, RATE, 2 * highest), 2 * highest, RATE)[: len(wave)].astype(np.float32)
    return as_clip(wave, RATE, name=heard.name)


def loudest(wave: np.ndarray) -> np.ndarray:
    """The loudest piece as long as the networks hear; all of a shorter sound."""
    return wave[segment(wave, RATE, duration=WINDOW)]


def pieces_of(found: DataSet, classes: int, each: int) -> list[tuple[xr.DataArray, str]]:
    """The loudest piece of so many sounds of the first classes, with its class."""
    taken: dict[str, int] = dict.fromkeys(found.classes[:classes], 0)
    pairs = []
    for item in found.items:
        label = item.labels[0]
        if label in taken and taken[label] < each:
            taken[label] += 1
            wave = load_audio(sound_of(item, RATE), sample_rate=RATE).values
            pairs.append((as_clip(loudest(wave), RATE, name=item.name), label))
    return pairs


def _is_long(sounds: Sounds) -> bool:
    """Sentences, of which a piece is heard; digits are heard whole."""
    return sounds.set == "timit"


def vowel_heard(token: Token) -> Heard:
    """As much of a vowel around its steady state as the networks hear."""
    clip = np.asarray(token.clip, dtype=np.float32)
    length = round(WINDOW * RATE)
    first = min(max(0, round(token.centre * RATE) - length // 2), max(0, len(clip) - length))
    kept = clip[first : first + length]
    moved = Token(
        token.name, token.vowel, token.group, token.known, token.mean, token.deviation,
        token.centre - first / RATE, as_clip(kept, RATE, name=token.name),
    )  # fmt: skip
    return Heard(token.name, token.vowel, kept, moved)
