"""The model of a sweep as it is given to processes that have to make it again."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from otoscope.errors import InputError
from otoscope.models import load
from otoscope.subject import Subject


@dataclass(frozen=True)
class Given:
    """A model by name, or as a subject that was pickled.

    Attributes
    ----------
    model : str
        What the command line calls MODEL; the name of a subject that is given itself.
    weights, sample_rate, output, layout
        As the options of that name.
    pickled : bytes or None
        The subject.
    """

    model: str
    weights: Path | None = None
    sample_rate: int | None = None
    output: str | None = None
    layout: str | None = None
    pickled: bytes | None = None

    def subject(self, device: str) -> Subject:
        """A new copy of the model under test, on a device."""
        if self.pickled is not None:
            made: Subject = pickle.loads(self.pickled)  # noqa: S301 - by the process that started this one
            made.model.to(device)
            return made
        module = load(self.model, weights=self.weights)
        module.to(device)
        return Subject(module, self.sample_rate, output=self.output, layout=cast(Any, self.layout))


def given(model: Subject | nn.Module | str | Path, *, pickles: bool) -> Given:
    """A model as processes are given it.

    Parameters
    ----------
    model : Subject, nn.Module, str or path
    pickles : bool
        Whether it has to go to another process.

    Raises
    ------
    InputError
        If it cannot.
    """
    if isinstance(model, (str, Path)):
        return Given(str(model))
    subject = model if isinstance(model, Subject) else Subject(model)
    if not pickles:
        return Given(subject.name)
    try:
        pickled = pickle.dumps(subject)
        if b"__main__" in pickled:
            raise pickle.PicklingError("it is defined in the script itself")
    except Exception as error:  # whatever the parts of a model raise
        raise InputError(
            f"{subject.name} cannot be sent to other processes ({error}): give workers=0, which works in this one, or "
            "define it in a module and give its place, 'package.module:factory'"
        ) from error
    return Given(subject.name, pickled=pickled)


def usual_device(device: str | None) -> str:
    """The device that was asked for, or a GPU where there is one."""
    return device or ("cuda" if torch.cuda.is_available() else "cpu")
