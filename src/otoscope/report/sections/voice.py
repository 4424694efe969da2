"""The voice in a sound and in its relevance, and the vowel protocol."""

from __future__ import annotations

from functools import partial

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Note, Section, Table
from otoscope.report.sections.parts import CAUTION, RELEVANCE, blank, made


def voice(result: xr.Dataset) -> Section:
    pictures = []
    segment = f"the segment from {float(result['start']):.3f} to {float(result['stop']):.3f} s"
    for height, draw, alternative, caption in (
        (1.6, plots.voice_contours, "F0 of input and relevance over time", f"F0; {segment} is shaded."),
        (1.8, partial(plots.voice_contours, of="formants"), "Formants of input and relevance over time", "Formants."),
        (
            2.1,
            partial(plots.voice_spectrum, of="input"),
            "LP spectrum and envelope of the input",
            "The segment of the input.",
        ),
        (2.1, plots.voice_spectrum, "LP spectrum and envelope of the relevance", "The segment of the relevance."),
    ):
        with blank(height) as (picture, ax):
            draw(result, ax)
        pictures.append(Figure(picture, alternative, caption))
    measured = [
        [signal, result["median_f0"].sel(signal=signal).item(), *result["median_formants"].sel(signal=signal).values]
        for signal in result["signal"].values.tolist()
    ]
    headings = ["", "F0 (Hz)", *(f"F{n} (Hz)" for n in result["formant"].values.tolist())]
    rows = [[name, *(round(value) if value == value else None for value in values)] for name, *values in measured]
    return Section(
        "Voice",
        "F0 and formants of the sound and of its relevance signal, by Praat. Where both agree, the relevance holds "
        "what makes the voice or the vowel, which that of an untrained model can do too. In a sound without a voice "
        "these numbers mean nothing.",
        f"{RELEVANCE}, sections 4.2.1 and 4.3",
        made(result),
        [*pictures, Table(headings, rows, f"Medians in {segment}.")],
    )


def autocorrelation(result: xr.Dataset) -> Section:
    with blank(1.9) as (picture, ax):
        plots.autocorrelation(result, ax)
    return Section(
        "Periodicity",
        "Autocorrelation of a short segment of the sound and of its relevance signal: peaks at the same lags mean the "
        f"same period. The segment is from {float(result['start']):.3f} to {float(result['stop']):.3f} s.",
        f"{RELEVANCE}, section 3.2",
        made(result),
        [Figure(picture, "Autocorrelation of input and relevance over lag")],
    )


def vowel_protocol(result: xr.Dataset) -> Section:
    rows = result.sizes["measure"] * result.sizes["group"]
    with blank(2 * (0.5 + 0.17 * rows), rows=2) as (picture, axes):
        plots.vowel_protocol(result, axes)
    return Section(
        "F0 and formants of vowels",
        "Share of vowels whose F0, F1 and F2, measured in the relevance signal, lie within one standard deviation of "
        "what is known of them; below, the same measured in the sound itself: how far the measurement is right.",
        f"{RELEVANCE}, section 4.2.2",
        made(result),
        [Note(CAUTION), Figure(picture, "Shares by measure, group and vowel", f"{result.sizes['token']} vowels.")],
    )
