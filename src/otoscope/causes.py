"""Why a clip could not be used, in a word or two: what a list, an evaluation and a sweep all count by."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from otoscope.embedded import Embedded
from otoscope.errors import InputError
from otoscope.text import writable

MISSING, EMPTY, UNREADABLE, NO_PIECE = "missing", "empty", "unreadable", "no piece"
"""Of files: there is none; it has no bytes or no samples; it is of a kind that cannot be read, or broken; a start and a
stop that are not a piece of it."""

BROKEN_ROW = "broken row"
"""Of lists: a row with more or fewer cells than there are columns."""

UNLABELLED, ANOTHER_CLASS = "unlabelled", "another class"
"""Of labels: there is none where one is asked for; it is none of the model's classes."""

SILENT, TOO_SHORT, NOT_FINITE, REFUSED, FAILED, CRASHED = (
    "silent", "too short", "not finite", "refused", "failed", "crashed",
)  # fmt: skip
"""Of a method or the model: an error that it states itself is "refused", any other "failed"; "crashed" is a clip that
ended the process."""

CAUSES = (
    MISSING, EMPTY, UNREADABLE, NO_PIECE, BROKEN_ROW, UNLABELLED, ANOTHER_CLASS, SILENT, TOO_SHORT, NOT_FINITE, REFUSED,
    FAILED, CRASHED,
)  # fmt: skip
"""All of them."""

_OF_FILES = (
    (NO_PIECE, "has no piece from"),
    (EMPTY, "is empty|holds no samples|too short to hold"),
    (NOT_FINITE, "NaN or infinite samples"),
)
_OF_METHODS = (
    (NOT_FINITE, "not finite"),
    (TOO_SHORT, "give a longer sound|shorter than|[Kk]ernel size can't be greater|[Oo]utput size is too small"),
)


def cause_of_reading(error: Exception | str, sound: object) -> str:
    """The cause of an error, or of its message, by which a sound was not read.

    Examples
    --------
    >>> cause_of_reading("a.wav holds no samples", None)
    'empty'
    """
    path = sound.path if isinstance(sound, Embedded) else sound
    if isinstance(path, Path) and not path.exists():
        return MISSING
    return _first(_OF_FILES, error, UNREADABLE)


def cause_of_method(error: BaseException, wave: xr.DataArray) -> str:
    """The cause of an error by which a method, or the model, did not take a sound."""
    if not isinstance(error, InputError):
        return FAILED
    return SILENT if not np.any(wave.values) else _first(_OF_METHODS, error, REFUSED)


def said(error: BaseException) -> str:
    """What an error says, with its kind where it is none of ours.

    Examples
    --------
    >>> said(InputError("no file")), said(KeyError("a"))
    ('no file', "KeyError: 'a'")
    """
    text = writable(" ".join(str(error).split()))
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}".rstrip(": ")


def _first(patterns: tuple[tuple[str, str], ...], error: BaseException | str, otherwise: str) -> str:
    return next((cause for cause, pattern in patterns if re.search(pattern, str(error))), otherwise)
