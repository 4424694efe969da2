"""Data sets joined into one, as ``fsdd+esc10``: the sounds of each, with the name of the set before that of the split.

A joined set lies in the folder that contains the folders of its sets, each under its name. It is for trainings on more
than one set, such as one without labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product

from otoscope.data.items import DataSet, Item, Request, Source, check_folder
from otoscope.data.problems import Problems
from otoscope.errors import InputError

JOINS = "+"
"""Between the names of joined sets, and between their tasks."""


def names_of_joined(name: str) -> list[str]:
    """The names of the sets that a name joins.

    Examples
    --------
    >>> names_of_joined("fsdd+esc10"), names_of_joined("fsdd")
    (['fsdd', 'esc10'], ['fsdd'])
    """
    return name.split(JOINS)


def join(sources: Sequence[Source]) -> Source:
    """Several data sets as one.

    Parameters
    ----------
    sources : sequence of Source
        Published ones, each with a folder of its name.

    Returns
    -------
    Source
        Its splits are ``fsdd/train`` and so on; its tasks name one of each set, as ``digit+category``. Its classes are
        those of the sets that are read, in their order; one that two sets have is one class.

    Raises
    ------
    InputError
        If a set is joined to itself, has no folder of its own, or has several labels for a sound where another has one.

    Examples
    --------
    >>> from otoscope.data.sets import SETS
    >>> found = join([SETS["fsdd"], SETS["esc10"]])
    >>> found.tasks, found.splits[:3]
    ({'digit+category': 20, 'speaker+category': 16}, ('fsdd/train', 'fsdd/test', 'esc10/fold1'))
    """
    names = [one.name for one in sources]
    for one in sources:
        if names.count(one.name) > 1:
            raise InputError(f"{one.name} is joined to itself: name each data set once")
        if not one.layout:
            raise InputError(f"{one.name} cannot be joined, for it has no folder of its own")
    if len({one.multilabel for one in sources}) > 1:
        several = ", ".join(one.name for one in sources if one.multilabel)
        raise InputError(f"{several} has several labels for a sound, and the other has one: they cannot be joined")
    rates = {one.sample_rate for one in sources}
    tasks = {
        JOINS.join(task for task, _ in chosen): sum(classes for _, classes in chosen)
        for chosen in product(*(one.tasks.items() for one in sources))
    }
    return Source(
        name=JOINS.join(names),
        about=" and ".join(one.about for one in sources),
        licence=", ".join(dict.fromkeys(one.licence for one in sources)),
        url=", ".join(one.url for one in sources),
        layout=(),
        tasks=tasks,
        splits=tuple(f"{one.name}/{split}" for one in sources for split in one.splits),
        sample_rate=rates.pop() if len(rates) == 1 else None,
        read=partial(_read, tuple(sources)),
        multilabel=sources[0].multilabel,
    )


def _read(sources: tuple[Source, ...], request: Request) -> DataSet:
    """Those of the sets of which a split is asked for."""
    tasks = request.task.split(JOINS) if request.task else [""] * len(sources)
    items: list[Item] = []
    classes: dict[str, None] = {}
    notes: list[str] = []
    problems = Problems()
    for source, task in zip(sources, tasks, strict=True):
        splits = _of(source.name, request.splits)
        if not splits:
            continue
        folder = request.folder / source.name
        check_folder(source, folder)
        found = source.read(replace(request, folder=folder, task=task, splits=splits, url=source.url))
        items += [replace(item, split=f"{source.name}/{item.split}") for item in found.items]
        classes |= dict.fromkeys(found.classes)
        notes += found.notes
        for cause, name, reason in found.problems.reasons():
            problems.add(cause, name, "" if reason == cause else reason)
    return DataSet(tuple(items), tuple(classes), tuple(notes), sources[0].multilabel, problems)


def _of(name: str, splits: Sequence[str]) -> tuple[str, ...]:
    return tuple(split.removeprefix(f"{name}/") for split in splits if split.startswith(f"{name}/"))
