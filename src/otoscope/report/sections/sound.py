"""The sound as the model gets it."""

from __future__ import annotations

import xarray as xr

from otoscope import plots
from otoscope.report.html import Player, Section
from otoscope.report.sections.parts import figure


def sound(clip: xr.DataArray) -> Section:
    name = str(clip.attrs.get("name", "the sound"))
    player = Player("The recording, at the sample rate of the model", clip.values, int(clip.attrs["sample_rate"]))
    return Section(
        "The sound",
        "Waveform and spectrogram (windows of 25 ms every 10 ms) at the sample rate of the model: what is "
        "absent here cannot be heard by the model either.",
        body=[
            figure(1.5, plots.waveform, clip, f"Waveform of {name}", "Waveform."),
            figure(2.0, plots.spectrogram, clip, f"Spectrogram of {name}", "Spectrogram.", player=player),
        ],
    )
