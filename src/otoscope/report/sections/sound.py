"""The sound as the model gets it."""

from __future__ import annotations

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Player, Section
from otoscope.report.sections.parts import blank


def sound(clip: xr.DataArray) -> Section:
    name = str(clip.attrs.get("name", "the sound"))
    rate = int(clip.attrs["sample_rate"])
    with blank(1.5) as (picture, ax):
        plots.waveform(clip, ax)
    with blank(2.0) as (spectrum, ax):
        plots.spectrogram(clip, ax)
    return Section(
        "The sound",
        "Waveform and spectrogram (windows of 25 ms every 10 ms) at the sample rate of the model: what is "
        "absent here cannot be heard by the model either.",
        body=[
            Figure(picture, f"Waveform of {name}", "Waveform."),
            Figure(
                spectrum,
                f"Spectrogram of {name}",
                "Spectrogram.",
                Player("The recording, at the sample rate of the model", clip.values, rate),
            ),
        ],
    )
