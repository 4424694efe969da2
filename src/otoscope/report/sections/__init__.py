"""Sections of a page: ``otoscope.report.sections.<method>.<method>`` lays out what that method returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import xarray as xr

from otoscope.methods.listing import listing
from otoscope.report.html import Section

_FIRST, _LAST = ("vowel_shares", "compare"), ("change_rate",)  # what is not a method of a scope stands around them


def make_sections(results: Mapping[str, Any]) -> Iterator[Section]:
    """The sections of results by method, in the order of a page; a result that is empty has none."""
    for method in (*_FIRST, *listing(), *_LAST):
        result, make = results.get(method), section(method)
        if make is not None and (isinstance(result, xr.Dataset) or result):
            yield make(result)


def section(method: str) -> Callable[[Any], Section] | None:
    """The function that lays out the results of a method, if there is one."""
    place = f"otoscope.report.sections.{method}"
    if not method.isidentifier() or find_spec(place) is None:
        return None
    make: Callable[[Any], Section] | None = getattr(import_module(place), method, None)
    return make
