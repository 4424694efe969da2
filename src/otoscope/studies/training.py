"""A training as a step: a recipe with changes and a seed, whose model other steps open."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.errors import InputError
from otoscope.studies.inputs import Sounds
from otoscope.studies.step import Outcome, Row, Step, Work

if TYPE_CHECKING:
    from otoscope.training.recipe import Recipe

_NOT_IN_KEY: Any = {"about": True, "seeds": True, "data": {"folder", "workers"}, "trainer": True}
"""Keys of a recipe that do not change the model."""

_LATER = (
    ("data", "shuffle_labels"),
    ("data", "validation_clips"),
    ("data", "validation_from"),
    ("data", "order"),
    ("data", "mixed"),
    ("learn", "decay"),
    ("learn", "select_by"),
    ("learn", "class_weights"),
)
"""Keys that recipes got after there were studies. Where one has its default, the hash of a step does without it, so
that what was trained before is still found."""


def training(
    recipe: str,
    changes: Sequence[str] = (),
    *,
    seed: int = 0,
    table: str = "training",
    labels: Mapping[str, str | int] | None = None,
    start: Step | None = None,
    part: str = "",
    seconds: float = 60.0,
    version: int = 1,
) -> Step:
    """A step that trains a model.

    Parameters
    ----------
    recipe : str
        A name of :func:`otoscope.training.recipe.available`, or a YAML file.
    changes : sequence of str
        Such as ``learn.epochs=3``.
    seed : int
        Of the training; a label of its rows as well.
    table : str
        That of its rows: one for each training (and each fold), with the metrics as they are in ``metrics.json``.
    labels : mapping, optional
        Further columns of these rows.
    start : Step, optional
        The training whose weights it starts from.
    part : str
        Part of the study.
    seconds : float
        Of processor time that it takes.
    version : int
        Of the training code: raise it when the same recipe trains another model.

    Returns
    -------
    Step
        Its key holds the whole recipe with its defaults, so that a recipe that changes trains again.

    Raises
    ------
    InputError
        If there is no such recipe, or a change is wrong.

    Examples
    --------
    >>> step = training("laptop/vowels", ["learn.epochs=5"], seed=3, labels={"task": "register"})
    >>> step.name, step.command
    ('training, register, seed 3', 'otoscope train laptop/vowels learn.epochs=5 seed=3 --out FOLDER')
    """
    read = _read(recipe, [*changes, f"seed={seed}"])
    if read.seeds is not None:
        raise InputError(
            f"{recipe}: a step of a study is one training, with one seed: leave seeds out, and make a step of each"
        )
    data = read.data
    splits = [] if data.folds else [one for one in (data.train, data.validation, data.test) if isinstance(one, str)]
    for one in (data.train, data.validation, data.test):
        splits += one if isinstance(one, list) else []
    said = "".join(f" {change}" for change in changes)
    return Step(
        table,
        _train,
        {"recipe": recipe, "changes": list(changes), "seed": seed, "content": _content(read)},
        {**(labels or {}), "seed": seed},
        (Sounds(data.set, data.task, tuple(dict.fromkeys(splits)) if data.set != "vowels" else ()),),
        () if start is None else (start,),
        version=version,
        part=part,
        seconds=seconds,
        command=f"otoscope train {recipe}{said} seed={seed} --out FOLDER",
        trains=True,
    )


def _content(recipe: Recipe) -> dict[str, Any]:
    """All that decides the model."""
    content = recipe.model_dump(exclude=_NOT_IN_KEY)
    for section, key in _LATER:
        if key not in getattr(recipe, section).model_dump(exclude_defaults=True):
            content[section].pop(key, None)
    return content


def _read(recipe: str, changes: Sequence[str]) -> Recipe:
    try:
        from otoscope.training.recipe import read_recipe
    except ModuleNotFoundError as error:
        raise InputError(f"this study trains models, which needs {error.name}: pip install otoscope[train]") from None
    return read_recipe(recipe, changes)


def _train(work: Work) -> Outcome:
    return train_with(work, start=work.model() if work.step.needs else None)


def train_with(work: Work, changes: Sequence[str] = (), *, start: Path | None = None) -> Outcome:
    """Train the recipe of a step, or go on with a training that was stopped, in the folder of the step.

    Parameters
    ----------
    work : Work
        Of a step of :func:`training`. A function that takes its place as `run` calls this with what it found out from
        the steps that it needs.
    changes : sequence of str
        More of them, such as ``learn.learning_rate=1e-3``.
    start : Path, optional
        The folder whose weights it starts from.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        As :func:`otoscope.training.run.train`.
    """
    from otoscope.training.recipe import changed
    from otoscope.training.run import train

    given = work.arguments
    recipe = _read(given["recipe"], [*given["changes"], *changes, f"seed={given['seed']}"])
    place = work.step.inputs[0]
    if isinstance(place, Sounds) and place.set != "vowels":
        recipe = changed(recipe, "data", folder=str(work.data.path(place)))
    if start is not None:
        recipe = changed(recipe, "model", weights=str(start))
    metrics = train(recipe, work.folder, resume=True, report=work.report)
    return Outcome(list(_rows(metrics)))


def _rows(metrics: Mapping[str, Any]) -> list[Row]:
    folds = metrics.get("folds")
    if folds is not None:
        return [{"fold": name, **_plain(one)} for name, one in folds.items()]
    return [_plain(metrics)]


def _plain(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers alone, without how long it took and where."""
    kept = {name: value for name, value in metrics.items() if isinstance(value, (int, float)) and name != "seconds"}
    clips = metrics.get("clips", {})
    return json.loads(json.dumps({**kept, **{f"{part}_clips": count for part, count in clips.items()}}))  # type: ignore[no-any-return]
