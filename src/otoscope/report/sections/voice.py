"""The voice in a sound and in its relevance."""

from __future__ import annotations

import xarray as xr

from otoscope.plots.voice import GATE, voice_contours, voice_spectrum
from otoscope.report.html import Section, Table
from otoscope.report.sections.parts import figure, section


def voice(result: xr.Dataset) -> Section:
    segment = f"the segment from {float(result['start']):.3f} to {float(result['stop']):.3f} s"
    rows = [
        [
            name,
            *(
                round(value) if value == value else None
                for value in (one["median_f0"].item(), *one["median_formants"].values)
            ),
        ]
        for name, one in ((name, result.sel(signal=name)) for name in result["signal"].values.tolist())
    ]
    headings = ["", "F0 (Hz)", *(f"F{n} (Hz)" for n in result["formant"].values.tolist())]
    contours = "of input and relevance over time"
    spectrum = "LP spectrum and envelope of the"
    return section(
        "Voice",
        "F0 and formants of the sound and of its relevance signal, by Praat. Where both agree, the relevance keeps the "
        "voice or the vowel of the sound; the relevance of an untrained model often keeps them too. In a sound without "
        "a voice these numbers mean nothing. Frames more than "
        f"{GATE:g} dB below the loudest of their signal are not drawn, nor are formants where it has no F0.",
        result,
        [
            figure(1.6, voice_contours, result, f"F0 {contours}", f"F0; {segment} is shaded."),
            figure(1.8, voice_contours, result, f"Formants {contours}", "Formants.", of="formants"),
            figure(2.1, voice_spectrum, result, f"{spectrum} input", "The segment of the input.", of="input"),
            figure(2.1, voice_spectrum, result, f"{spectrum} relevance", "The segment of the relevance."),
            Table(headings, rows, f"Medians in {segment}."),
        ],
    )
