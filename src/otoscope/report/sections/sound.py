"""The sound as the model gets it."""

from __future__ import annotations

import xarray as xr

from otoscope import plots
from otoscope.report.html import Item, Player, Section
from otoscope.report.sections.parts import figure


def sound(clip: xr.DataArray) -> Section:
    name = str(clip.attrs.get("name", "the sound"))
    player = Player("The recording, at the sample rate of the model", clip.values, int(clip.attrs["sample_rate"]))
    body: list[Item] = []
    for number in range(clip.sizes.get("channel", 1)):
        several = "channel" in clip.dims
        which, one = (f"Channel {number}. ", clip.isel(channel=number)) if several else ("", clip)
        body.append(figure(1.5, plots.waveform, one, f"{which}Waveform of {name}", f"{which}Waveform."))
        heard, alt = None if number else player, f"{which}Spectrogram of {name}"
        body.append(figure(2.0, plots.spectrogram, one, alt, f"{which}Spectrogram.", player=heard))
    return Section(
        "The sound",
        "Waveform and spectrogram (windows of 25 ms every 10 ms) at the sample rate of the model: what is "
        "absent here cannot be heard by the model either.",
        body=body,
    )
