"""One file a method: its result as a section of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import xarray as xr

from otoscope.report.html import Section
from otoscope.report.sections.aliasing import aliasing, aliasing_map
from otoscope.report.sections.coherence import coherence
from otoscope.report.sections.compare import compare
from otoscope.report.sections.filters import filters, filters_before_after
from otoscope.report.sections.flow import data_flow
from otoscope.report.sections.frame import f_vowel, frame_response
from otoscope.report.sections.geometry import geometry
from otoscope.report.sections.layers import layer_importance, residual, residual_study
from otoscope.report.sections.relevance import relevance
from otoscope.report.sections.response import crs, strs
from otoscope.report.sections.shares import vowel_shares
from otoscope.report.sections.sonification import sonify
from otoscope.report.sections.sound import sound
from otoscope.report.sections.taps import taps
from otoscope.report.sections.tones import tone_response
from otoscope.report.sections.top_activations import top_activations, top_sounds
from otoscope.report.sections.training import change_rate, feature_evolution
from otoscope.report.sections.voice import autocorrelation, voice, vowel_protocol
from otoscope.report.sections.wigner import wigner

__all__ = ["SECTIONS", "make_sections", "sound", "taps"]

#: The section of each method, in the order of a page.
SECTIONS: dict[str, Callable[[Any], Section]] = {
    "vowel_shares": vowel_shares,
    "compare": compare,
    "strs": strs,
    "crs": crs,
    "filters": filters,
    "filters_before_after": filters_before_after,
    "frame_response": frame_response,
    "f_vowel": f_vowel,
    "tone_response": tone_response,
    "relevance": relevance,
    "voice": voice,
    "autocorrelation": autocorrelation,
    "vowel_protocol": vowel_protocol,
    "sonify": sonify,
    "coherence": coherence,
    "top_activations": top_activations,
    "top_sounds": top_sounds,
    "data_flow": data_flow,
    "aliasing": aliasing,
    "aliasing_map": aliasing_map,
    "geometry": geometry,
    "wigner": wigner,
    "residual": residual,
    "residual_study": residual_study,
    "layer_importance": layer_importance,
    "feature_evolution": feature_evolution,
    "change_rate": change_rate,
}


def make_sections(results: Mapping[str, Any]) -> Iterator[Section]:
    """The sections of results by method, in the order of a page; a result that is empty has none."""
    for method, make in SECTIONS.items():
        result = results.get(method)
        if isinstance(result, (xr.DataArray, xr.Dataset)) or result:
            yield make(result)
