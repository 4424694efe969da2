"""The network that a step looks at: one that was trained, or one of its shape with random weights."""

from __future__ import annotations

from typing import Any

from otoscope.models import load
from otoscope.studies.step import Work
from otoscope.subject import Subject


def subject_of(work: Work) -> Subject:
    """The network that the step needs, or one of the shape in its arguments with random weights."""
    if work.step.needs:
        return Subject(load(str(work.model())))
    from otoscope.training.recipe import ModelSection
    from otoscope.training.start import random_model

    model: Any = random_model(ModelSection.model_validate(work.arguments["model"]), ("a", "b"), work.arguments["seed"])
    return Subject(model.eval())
