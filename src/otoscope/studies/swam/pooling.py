"""A control: the pooling of the scripts that the authors published, in place of the zoo's by 3.

The scripts pool by 2 after every convolution, and by 3, 3 and not at all in the multi-resolution network; the paper
does not say. On the free data it is trained in the sub-segmental network alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from otoscope.studies.step import Step
from otoscope.studies.study import Setting
from otoscope.studies.swam.trained import FRONT_ENDS, LARGE, WORDS, geometry_of, tasks
from otoscope.studies.training import training

SEEDS = 3
SCRIPTS = "model.options.pool=scripts"


def pooling_steps(setting: Setting) -> Iterator[Step]:
    """Trainings on words with that pooling, and their geometry."""
    for task in tasks(setting):
        if task.name != WORDS:
            continue
        for front_end in FRONT_ENDS if task.data == LARGE else FRONT_ENDS[:1]:
            for seed in setting.seeds_of(SEEDS, quick=0):
                labels = {"data": task.data, "task": task.name, "front_end": front_end}
                train = training(
                    task.recipe.format(front_end), [*task.changes, SCRIPTS, *setting.changes], seed=seed,
                    table="pooling_training", labels=labels, part="geometry",
                    seconds=3600.0 * 24 if task.data == LARGE else 175,
                )  # fmt: skip
                yield train
                yield Step(
                    "pooling", geometry_of, {}, {**labels, "seed": seed, "weights": "trained"}, needs=(train,),
                    part="geometry", seconds=0.5, command="otoscope geometry FOLDER",
                )  # fmt: skip
