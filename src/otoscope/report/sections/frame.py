"""The first layer on one frame of the sound, and the filters that fire most in all of it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Section
from otoscope.report.sections.parts import RELEVANCE, SONIFICATION, blank, made


def frame_response(result: xr.Dataset) -> Section:
    with blank(2.3) as (picture, ax):
        plots.frame_response(result, ax)
    return Section(
        "Response to one frame",
        f"The frame around {float(result['frame_time']):.3f} s: its own spectrum, and the sum of the spectra of the "
        "filters, each weighted by its response to the frame, both below their own peaks. Where the response lies "
        "above the spectrum the layer emphasises, where it lies below it weakens. Dashed, what the filters pass "
        "whatever the sound.",
        f"{RELEVANCE}, eq. 1 and 2",
        made(result),
        [Figure(picture, "Spectrum of a frame, and the response of the first layer to it, over frequency")],
    )


def f_vowel(result: xr.Dataset) -> Section:
    with blank(1.9) as (picture, ax):
        plots.f_vowel(result, ax)
    firing = result["firing"].values
    taken = [number for number in firing.argsort(kind="stable")[::-1].tolist() if result["taken"].values[number]]
    named = ", ".join(f"{result['kernel'].values[number]} ({firing[number]:.0%})" for number in taken)
    peak = float(result["frequency"][int(np.argmax(result["f_vowel"].values))])
    return Section(
        "Filters that fire most",
        "The mean response of the filters that respond most strongly in most frames, each weighted by how many "
        "frames those are. For a vowel its peaks are expected near the formants.",
        f"{SONIFICATION}, eq. 2.1",
        made(result),
        [
            Figure(
                picture,
                f"Mean response of the filters that fire most, highest at {peak:.0f} Hz",
                f"Filters, with the share of frames: {named}." if taken else "No filter fires.",
            )
        ],
    )
