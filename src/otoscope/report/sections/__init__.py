"""One file a method: its result as a section of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import xarray as xr

from otoscope.report.html import Section
from otoscope.report.sections.geometry import geometry
from otoscope.report.sections.relevance import relevance
from otoscope.report.sections.response import crs, strs
from otoscope.report.sections.sonification import sonify
from otoscope.report.sections.sound import sound
from otoscope.report.sections.taps import taps

__all__ = ["SECTIONS", "make_sections", "sound", "taps"]

#: The section of each method, in the order of a page.
SECTIONS: dict[str, Callable[[Any], Section]] = {
    "strs": strs,
    "crs": crs,
    "relevance": relevance,
    "sonify": sonify,
    "geometry": geometry,
}


def make_sections(results: Mapping[str, Any]) -> Iterator[Section]:
    """The sections of results by method, in the order of a page; a result that is empty has none."""
    for method, make in SECTIONS.items():
        result = results.get(method)
        if isinstance(result, (xr.DataArray, xr.Dataset)) or result:
            yield make(result)
