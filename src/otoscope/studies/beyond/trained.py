"""The networks of the study, the tasks that they are trained on, and the plan.

On the free data both tasks are on FSDD, at its own rate of 8 kHz, digits in place of words. Where Speech Commands or
LibriSpeech is there, the same networks are trained on it at 16 kHz.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from otoscope.studies.beyond import steps
from otoscope.studies.inputs import Sounds
from otoscope.studies.step import Outcome, Step, Work
from otoscope.studies.study import Setting
from otoscope.studies.training import training

FREE, LARGE = "free", "large"
"""Of the column `data`: FSDD, or the data of the papers."""
WORDS, SPEAKERS = "words", "speakers"
SEEDS = 3


@dataclass(frozen=True)
class Network:
    """A network of the study.

    Attributes
    ----------
    name : str
        Of its column.
    recipe : str
        In ``laptop/beyond/``.
    epochs : int
        On FSDD: as many as the time of the study allows, and the network needs.
    changes : tuple of str
        Of the recipe.
    control : bool
        Whether it is there to be compared with another one, and not a network of its own.
    """

    name: str
    recipe: str
    epochs: int
    changes: tuple[str, ...] = ()
    control: bool = False


NETWORKS = (
    Network("AASIST", "aasist", 3),
    Network("Res-TSSDNet", "res_tssdnet", 4),
    Network("strided", "stridednet", 5),
    Network("SincNet", "sincnet", 3),
    Network("LEAF", "leaf", 4),
    Network("wav2vec 2.0", "wav2vec2", 5),
    Network("pooled", "stridednet", 5, ("model.options.reduce=max",), control=True),
)
"""The last is the strided network with max pooling in place of strides."""
STRIDED, POOLED = "strided", "pooled"


@dataclass(frozen=True)
class Task:
    """A task and its data.

    Attributes
    ----------
    name : str
        ``words`` or ``speakers``.
    data : str
        ``free`` or ``large``.
    changes : tuple of str
        Of every recipe.
    hears : Sounds
        What its networks are looked at with: the same sounds for both tasks, where there are two.
    """

    name: str
    data: str
    changes: tuple[str, ...]
    hears: Sounds


def tasks(setting: Setting) -> list[Task]:
    """Both tasks on FSDD, and on the data of the papers that is there."""
    fsdd, words, speakers = (Sounds(name, splits=("test",)) for name in ("fsdd", "speech-commands", "librispeech"))
    found = [Task(WORDS, FREE, ("data.task=digit",), fsdd), Task(SPEAKERS, FREE, ("data.task=speaker",), fsdd)]
    large = "data.validation=val", "data.in_memory=false", "model.options.sample_rate=16000", "learn.epochs=30"
    if setting.has("speech-commands"):
        given = ("data.set=speech-commands", "data.task=word", *large)
        found.append(Task(WORDS, LARGE, given, words))
    if setting.has("librispeech"):
        given = ("data.set=librispeech", "data.task=speaker", *large)
        heard = words if setting.has("speech-commands") else speakers
        found.append(Task(SPEAKERS, LARGE, given, heard))
    return found


_LOOKS: tuple[tuple[str, Callable[[Work], Outcome], int, int, str], ...] = (
    ("response", steps.response_of, 30, 6, "otoscope crs FOLDER CLIP"),
    ("relevance", steps.relevance_of, 18, 6, "otoscope voice FOLDER CLIP"),
    ("depth", steps.depth_of, 10, 3, "otoscope coherence FOLDER CLIPS"),
    ("folding", steps.folding_of, 10, 3, "otoscope aliasing FOLDER CLIP"),
)
"""Table, function, clips in full and in a quick run, and what does the same by hand."""


def plan(setting: Setting) -> list[Step]:
    """Trainings over tasks, networks and seeds, and what each network and its initial weights are like."""
    return list(_steps(setting))


def _steps(setting: Setting) -> Iterator[Step]:
    for seed in setting.seeds_of(SEEDS):  # first, so that a run that is stopped has every network
        for task in tasks(setting):
            for network in NETWORKS:
                labels = {"data": task.data, "task": task.name, "network": network.name}
                changes = [*network.changes, *_length(network, task, setting), *task.changes, *setting.changes]
                seconds = 3600.0 * 5 if task.data == LARGE else 8 if setting.quick else 25
                train = training(
                    f"laptop/beyond/{network.recipe}",
                    changes,
                    seed=seed,
                    labels=labels,
                    part="accuracy",
                    seconds=seconds,
                )
                yield train
                own: dict[str, str | int] = {**labels, "seed": seed}
                for table, look, full, quick, command in _LOOKS:
                    clips = quick if setting.quick else full
                    yield Step(
                        table, look, {"clips": clips}, own, (task.hears,), (train,), part=table, seconds=0.15 * clips,
                        command=command,
                    )  # fmt: skip


def _length(network: Network, task: Task, setting: Setting) -> list[str]:
    """How long a network is trained, and on pieces of which length where the sounds are longer than those of FSDD."""
    if task.data == LARGE:
        return ["model.options.input_length=16000"] if network.recipe == "res_tssdnet" else ["data.duration=1.0"]
    return ["learn.epochs=2"] if setting.quick else [f"learn.epochs={network.epochs}"]
