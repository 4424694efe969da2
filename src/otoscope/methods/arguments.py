"""What a method is given beside model and sound: plain numbers and names of the right type."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
import xarray as xr
from torch import Tensor

from otoscope.errors import InputError

_NOUNS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "a name",
    Path: "a path",
}


def checked(method: str, name: str, value: Any, hint: Any) -> Any:
    """The value of an argument, with scalars of NumPy and torch as plain numbers and arrays of them as lists.

    Parameters
    ----------
    method, name : str
        For messages.
    value : any
    hint : type
        The annotation of the argument. What is not made of numbers, names and functions is let through.

    Raises
    ------
    InputError
        If the value is not of this type.

    Examples
    --------
    >>> checked("sonify", "channels", np.array([2, 0]), int | Sequence[int])
    [2, 0]
    """
    choices = _choices(hint)
    value = _plain(value, any(get_origin(one) is Sequence for one in choices))
    if not any(_is(value, one) for one in choices):
        nouns = list(dict.fromkeys(_noun(one) for one in choices if one is not type(None)))
        raise InputError(f"{method}: {name} has to be {' or '.join(nouns)}, not {value!r}")
    return value


def check_positive(**numbers: float) -> None:
    """Raise an InputError where a number is not above 0, or not finite."""
    for name, number in numbers.items():
        if not 0 < number < math.inf:
            raise InputError(f"{name} has to be a finite number above 0, not {number!r}")


def check_seed(seed: int) -> None:
    """Raise an InputError where a number is not the seed of a generator of random numbers."""
    if not 0 <= seed < 2**32:
        raise InputError(f"seed has to be a whole number from 0 to 2**32 - 1, not {seed!r}")


def _choices(hint: Any) -> list[Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return [choice for one in get_args(hint) for choice in _choices(one)]
    return [hint]


def _plain(value: Any, several: bool) -> Any:
    if isinstance(value, (np.generic, np.ndarray, Tensor, xr.DataArray)) and value.ndim == 0:
        return value.item()
    if several and isinstance(value, Iterable) and not isinstance(value, (str, Mapping)):
        return [_plain(one, False) for one in value]
    return value


def _is(value: Any, hint: Any) -> bool:
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if get_origin(hint) is Literal:  # the method itself says which names it knows
        return any(_is(value, type(one)) for one in get_args(hint))
    if get_origin(hint) is Sequence:
        (inner,) = get_args(hint)
        return isinstance(value, list) and all(any(_is(one, choice) for choice in _choices(inner)) for one in value)
    if get_origin(hint) is Callable:
        return callable(value)
    if get_origin(hint) is Mapping:
        return isinstance(value, Mapping) and all(_is(key, get_args(hint)[0]) for key in value)
    if get_origin(hint) is Iterable:
        return isinstance(value, Iterable) and not isinstance(value, (str, Mapping))
    return not isinstance(hint, type) or isinstance(value, hint)


def _noun(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(repr(one) for one in get_args(hint))
    if get_origin(hint) is Sequence:
        noun = _NOUNS.get(get_args(hint)[0], "")
        return f"a list of {noun.removeprefix('a ')}s" if noun else "a list"
    if get_origin(hint) in (Mapping, Iterable):
        return "a mapping" if get_origin(hint) is Mapping else "a list"
    return _NOUNS.get(hint, "a function" if get_origin(hint) is Callable else getattr(hint, "__name__", str(hint)))
