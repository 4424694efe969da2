"""The steps of the three front-ends on two tasks: trainings, and what trained and random weights respond to.

On the free data both tasks are on FSDD, digits in place of words. Where Speech Commands or LibriSpeech is there, the
recipes of the paper are trained as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import xarray as xr

from otoscope.audio import load_audio
from otoscope.data.find import drawn, sound_of
from otoscope.methods.crs import crs
from otoscope.methods.filters import filters
from otoscope.methods.geometry import geometry
from otoscope.studies.inputs import Sounds
from otoscope.studies.step import Outcome, Row, Step, Work
from otoscope.studies.study import Setting
from otoscope.studies.swam.looks import example_of, kernels_of, localisation_of
from otoscope.studies.swam.networks import subject_of
from otoscope.studies.training import training

FRONT_ENDS = ("subsegmental", "segmental", "multiresolution")
FREE, LARGE = "free", "large"
"""Of the column `data`: FSDD, or the data of the paper."""
BANDS = ((100, 800), (500, 1500), (2000, 3500), (4000, 5000))
"""In Hz, whose shares of the CRS the claims are about."""
WORDS, SPEAKERS = "words", "speakers"
SEEDS = 10
HIGHEST = {FREE: 4000.0, LARGE: 8000.0}
"""In Hz, of what is said and shown; FSDD is sampled at 8 kHz."""
SPEAKERS_HEARD, EXAMPLE = 6, 3
"""How many speakers are compared; the number of the clip that is drawn."""
LOWEST, HIGHEST_OF_SPEECH = 50.0, 2000.0
"""In Hz: between them lies the median frequency of a CRS that the claims are about."""


@dataclass(frozen=True)
class Task:
    """A task of the paper, and the data that it is trained on here.

    Attributes
    ----------
    name : str
        ``words`` or ``speakers``.
    data : str
        ``free`` or ``large``.
    recipe : str
        Name of the recipe, with ``{}`` for the front-end.
    changes : tuple of str
        Of the recipe.
    hears : tuple of Sounds
        What its networks are looked at with.
    """

    name: str
    data: str
    recipe: str
    changes: tuple[str, ...]
    hears: tuple[Sounds, ...]


def tasks(setting: Setting) -> list[Task]:
    """Both tasks on FSDD, and on the data of the paper that is there."""
    fsdd, words, speakers = (Sounds(name, splits=("test",)) for name in ("fsdd", "speech-commands", "librispeech"))
    epochs = ("learn.epochs=1", "learn.warm_up=0") if setting.quick else ("learn.epochs=6",)
    found = [
        Task(WORDS, FREE, "laptop/fsdd/swam_{}", ("data.task=digit", *epochs), (fsdd,)),
        Task(SPEAKERS, FREE, "laptop/fsdd/swam_{}", ("data.task=speaker", *epochs), (fsdd,)),
    ]
    both = tuple(one for one in (words, speakers) if setting.data.has(one))
    if setting.has("speech-commands"):
        found.append(Task(WORDS, LARGE, "swam/{}_words", (), both))
    if setting.has("librispeech"):
        found.append(Task(SPEAKERS, LARGE, "swam/{}_speakers", (), both))
    return found


def trained_steps(setting: Setting) -> Iterator[Step]:
    """Trainings over tasks, front-ends and seeds, and for trained and random weights geometry and response.

    Seed by seed, so that a run that is stopped has as many of each.
    """
    clips = 12 if setting.quick else 30
    for seed, task, front_end in product(setting.seeds_of(SEEDS, quick=2), tasks(setting), FRONT_ENDS):
        labels: dict[str, str | int] = {"data": task.data, "task": task.name, "front_end": front_end}
        recipe, changes = task.recipe.format(front_end), [*task.changes, *setting.changes]
        seconds = 3600.0 * 24 if task.data == LARGE else 25 if setting.quick else 100
        train = training(recipe, changes, seed=seed, labels=labels, part="accuracy", seconds=seconds)
        yield train
        labels["seed"] = seed
        content, highest = train.arguments["content"]["model"], HIGHEST[task.data]
        for weights, needs in (("trained", (train,)), ("random", ())):
            given = {} if needs else {"model": content, "seed": seed}
            own = {**labels, "weights": weights}
            folder = "FOLDER" if needs else f"swam-{front_end}"
            yield Step(
                "geometry", geometry_of, given, own, needs=needs, part="geometry", seconds=0.5,
                command=f"otoscope geometry {folder}",
            )  # fmt: skip
            for sounds in task.hears:
                yield Step(
                    "response", response_of, {**given, "clips": clips}, {**own, "sounds": sounds.set},
                    (sounds,), needs, part="response", seconds=0.1 * clips,
                    command=f"otoscope crs {folder} CLIP",
                )  # fmt: skip
                yield Step(
                    "localisation", localisation_of,
                    {**given, "speakers": SPEAKERS_HEARD, "clips": 2 if setting.quick else 5, "highest": highest},
                    {**own, "sounds": sounds.set}, (sounds,), needs, part="response", seconds=2,
                    command=f"otoscope strs {folder} CLIP",
                )  # fmt: skip
                if weights == "trained" and seed == 0:
                    yield Step(
                        "example", example_of, {"clip": EXAMPLE, "highest": highest}, {**own, "sounds": sounds.set},
                        (sounds,), needs, part="response", seconds=1, command=f"otoscope strs {folder} CLIP",
                    )  # fmt: skip
            if task.name == WORDS:
                yield Step(
                    "kernels", kernels_of, {**given, "highest": highest}, own, needs=needs, part="geometry",
                    seconds=2, command=f"otoscope wigner {folder}",
                )  # fmt: skip


def geometry_of(work: Work) -> Outcome:
    """The geometry of each convolution, and the share of the first layer's cumulative response below 1 kHz."""
    subject = subject_of(work)
    found, response = geometry(subject), filters(subject)["cumulative_response"]
    low = float(response.where(response.frequency < 1000, 0).sum() / response.sum())
    names = ("A", "B", "beta_min", "beta_avg", "mu", "mu_avg")
    rows: list[Row] = [
        {
            "layer": number + 1,
            **{name: float(found[name][number]) for name in names},
            "low_share": None if number else low,
        }
        for number in range(found.sizes["layer"])
    ]
    return Outcome(rows)


def response_of(work: Work) -> Outcome:
    """Of each clip the shares of its CRS in bands, its median frequency, and the mean CRS of all clips."""
    subject = subject_of(work)
    items = drawn(work.sounds(), work.arguments["clips"]).items
    root = work.data.path(work.step.inputs[0])
    rows: list[Row] = []
    spectra = []
    for number, item in enumerate(items):
        wave = load_audio(sound_of(item, subject.sample_rate), sample_rate=subject.sample_rate)
        found = crs(subject, wave)["crs"]
        frequency, values = found.frequency.values, found.values.ravel()
        shares = {f"share_{low}_{high}": _share(values, frequency, low, high) for low, high in BANDS}
        median = _median(values, frequency)
        name = item.name.removeprefix(f"{root}/")
        rows.append({"clip": name, "speaker": item.facts.get("speaker"), **shares, "median_frequency": median})
        spectra.append(values / values.sum())
        work.report("clips", number + 1, len(items))
    mean = {"crs": ("frequency", np.mean(spectra, 0)), "deviation": ("frequency", np.std(spectra, 0))}
    return Outcome(rows, {"crs": xr.Dataset(mean, {"frequency": frequency}, {"method": "crs"})})


def _share(values: np.ndarray, frequency: np.ndarray, low: float, high: float) -> float:
    """Of the sum from :data:`LOWEST` up."""
    inside = (frequency >= low) & (frequency < high)
    return float(values[inside].sum() / values[frequency >= LOWEST].sum())


def _median(values: np.ndarray, frequency: np.ndarray) -> float:
    """The frequency below which half of the CRS of the range of speech lies."""
    inside = (frequency >= LOWEST) & (frequency < HIGHEST_OF_SPEECH)
    total = np.cumsum(values[inside])
    return float(frequency[inside][int(np.searchsorted(total, total[-1] / 2))])
