"""The studies by name: a folder of ``studies/`` with a file ``study.py`` that has a ``STUDY``."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import cast

from otoscope.errors import InputError
from otoscope.studies.study import HERE, Study

_ORDER = ("swam", "relevance", "sonification", "simplenet")
"""That of the works; what is not named here follows by name."""


def names() -> list[str]:
    """The names of the studies.

    Examples
    --------
    >>> "simplenet" in names()
    True
    """
    found = sorted(path.parent.name for path in HERE.glob("*/study.py"))
    return sorted(found, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


def find_study(name: str) -> Study:
    """A study by its name.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> find_study("simplenets")
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: there is no study 'simplenets'; did you mean simplenet?
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1)
        hint = f"did you mean {near[0]}?" if near else f"the studies are {', '.join(names())}"
        raise InputError(f"there is no study {name!r}; {hint}")
    return cast(Study, import_module(f"otoscope.studies.{name}.study").STUDY)
