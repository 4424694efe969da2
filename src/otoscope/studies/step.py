"""A step of a study: a function of plain arguments, inputs and earlier steps, whose rows are kept under a hash of them.

The hash holds everything that the rows depend on, and nothing else: not when or where a step ran, nor how long it took.
So rows that are there are those that the step would compute, and a study that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import xarray as xr

from otoscope.data.items import DataSet
from otoscope.errors import InputError
from otoscope.studies.inputs import File, Folder, Input, Sounds, digest_of

Row: TypeAlias = Mapping[str, Any]
"""Of plain values: text, numbers, truth values and None. NaN is kept."""
Report: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What a step found.

    Parameters
    ----------
    rows : sequence of mapping
    results : mapping of str to Dataset
        What methods returned, where a figure draws more of it than rows hold; kept as netCDF, so it should be small.
    """

    rows: Sequence[Row]
    results: Mapping[str, xr.Dataset] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Step:
    """A part of a study that is computed once.

    Parameters
    ----------
    table : str
        The table that its rows belong to; several steps may fill one.
    run : callable
        From a :class:`Work` to an :class:`Outcome`; a function of a module, so that another process finds it.
    arguments : mapping
        Of plain values: what decides the rows beside inputs and earlier steps.
    labels : mapping of str to str or int
        Columns that every row of the step gets, such as the model, the task and the seed.
    inputs : tuple of Sounds, File or Package
        What it reads from the data folder, and packages that not every installation has.
    needs : tuple of Step
        Steps whose trained models it opens.
    version : int
        Of the method. Raise it when the same arguments give other rows, so that what is kept is computed again.
    part : str
        Part of the study.
    seconds : float
        Of processor time that it is expected to take, for the plan.
    command : str
        What does the same by hand.
    trains : bool
        Whether it leaves a trained model in a folder.
    """

    table: str
    run: Callable[[Work], Outcome]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str | int] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    needs: tuple[Step, ...] = ()
    version: int = 1
    part: str = ""
    seconds: float = 1.0
    command: str = ""
    trains: bool = False

    @property
    def name(self) -> str:
        """The table with the labels.

        Examples
        --------
        >>> Step("geometry", print, labels={"model": "segmental", "seed": 3}).name
        'geometry, segmental, seed 3'
        """
        said = [f"{key} {value}" if isinstance(value, int) else value for key, value in self.labels.items()]
        return ", ".join([self.table, *said])

    @property
    def recipe(self) -> str:
        """A hash of what is asked for, whatever the data is like."""
        return digest_of({**self._asked, "needs": [step.recipe for step in self.needs]})

    def key(self, data: Folder) -> str | None:
        """A hash of all that the rows depend on; None where the data is not there.

        Parameters
        ----------
        data : Folder

        Returns
        -------
        str or None
        """
        found = [data.fingerprint(one) for one in self.inputs] + [step.key(data) for step in self.needs]
        return None if None in found else digest_of({**self._asked, "found": found})

    @property
    def _asked(self) -> dict[str, Any]:
        inputs = [
            [one.set, one.task, list(one.splits)] if isinstance(one, Sounds) else [one.name] for one in self.inputs
        ]
        return {
            "table": self.table,
            "arguments": dict(self.arguments),
            "labels": dict(self.labels),
            "inputs": inputs,
            "version": self.version,
        }


@dataclass(frozen=True)
class Work:
    """What the function of a step is given.

    Attributes
    ----------
    step : Step
    data : Folder
    models : Path
        The folder of the trained models, each in a folder of the key of its step.
    report : callable
        Called with what is done, how much of it, and of how much.
    """

    step: Step
    data: Folder
    models: Path
    report: Report = lambda step, done, total: None

    @property
    def arguments(self) -> Mapping[str, Any]:
        return self.step.arguments

    def sounds(self, place: int = 0) -> DataSet:
        """The list of the data set that is the input of this number."""
        one = self.step.inputs[place]
        if not isinstance(one, Sounds):
            raise InputError(f"{one.name} is a file, and not a data set")
        return self.data.read(one)

    def file(self, place: int = 0) -> Path:
        """The file that is the input of this number."""
        one = self.step.inputs[place]
        if not isinstance(one, File):
            raise InputError(f"{one.name} is a data set, and not a file")
        return self.data.path(one)

    def model(self, place: int = 0) -> Path:
        """The folder of the model that the step of this number trained."""
        return self.models / str(self.step.needs[place].key(self.data))

    @property
    def folder(self) -> Path:
        """Where a step that trains leaves its model."""
        return self.models / str(self.step.key(self.data))


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Steps, each after those that it needs, and none twice.

    Examples
    --------
    >>> first = Step("train", print)
    >>> [step.table for step in in_order([Step("look", print, needs=(first,)), first])]
    ['train', 'look']
    """
    found: dict[str, Step] = {}

    def add(step: Step) -> None:
        for one in step.needs:
            add(one)
        found.setdefault(step.recipe, step)

    for step in steps:
        add(step)
    return list(found.values())


def of_part(steps: Iterable[Step], part: str | None) -> Iterator[Step]:
    """The steps of a part; all where none is named."""
    return (step for step in steps if part is None or step.part == part)
