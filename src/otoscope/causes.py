"""Why a clip could not be used, in a word or two by which errors are counted."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from otoscope.embedded import Embedded
from otoscope.errors import InputError

CAUSES = (
    "missing", "unreadable", "empty", "silent", "too short", "not finite", "refused", "failed", "crashed",
)  # fmt: skip
"""An error that a method itself states is "refused", any other "failed"; "crashed" is a clip that ended the process."""

_OF_FILES = (
    ("empty", "is empty|holds no samples|too short to hold|has no sound from"),
    ("not finite", "NaN or infinite samples"),
)
_OF_METHODS = (
    ("not finite", "not finite"),
    ("too short", "give a longer sound|shorter than|[Kk]ernel size can't be greater|[Oo]utput size is too small"),
)


def cause_of_reading(error: Exception, sound: object) -> str:
    """The cause of an error by which a sound was not read."""
    path = sound.path if isinstance(sound, Embedded) else sound
    if isinstance(path, Path) and not path.exists():
        return "missing"
    return _first(_OF_FILES, error, "unreadable")


def cause_of_method(error: Exception, wave: xr.DataArray) -> str:
    """The cause of an error by which a method did not take a sound."""
    if not isinstance(error, InputError):
        return "failed"
    return "silent" if not np.any(wave.values) else _first(_OF_METHODS, error, "refused")


def said(error: Exception) -> str:
    """What an error says, with its kind where it is none of ours."""
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}".rstrip(": ")


def _first(patterns: tuple[tuple[str, str], ...], error: Exception, otherwise: str) -> str:
    return next((cause for cause, pattern in patterns if re.search(pattern, str(error))), otherwise)
