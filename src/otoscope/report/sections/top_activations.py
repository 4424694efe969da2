"""The sounds that excite feature maps most."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from otoscope.app.players import Player
from otoscope.plots.top_activations import top_activations as draw
from otoscope.plots.top_activations import top_sound
from otoscope.report.html import Figure, Heading, Item, Note, Section
from otoscope.report.sections.parts import CAUTION, figure, section, silent, table

_MOST_MAPS = 8  # in the table of a page; the array has all
_HEADINGS = {
    "channel": "map", "rank": "rank", "clip_name": "clip", "peak_time": "peak (s)", "activation": "activation"
}  # fmt: skip


def top_activations(result: xr.Dataset) -> Section:
    strongest = result["activation"].isel(rank=0).argsort().values[::-1][:_MOST_MAPS]
    names = [Path(str(name)).name for name in result["clip_name"].values.ravel()]
    named = result.assign(clip_name=result["clip_name"].copy(data=np.reshape(names, result["clip_name"].shape)))
    caption = f"At most {_MOST_MAPS} maps, those of the strongest activations."
    body: list[Item] = [
        figure(2.0, draw, result, "Largest activation of every map, the strongest map first"),
        table(named.isel(channel=strongest), caption, _HEADINGS),
    ]
    sentence = (
        f"The clips (of {result.attrs.get('clips', 'all')}) in which each feature map has its largest activations, and "
        "when. The band spans the ranks: where it is wide, one clip excites the map far more than the others."
    )
    if "sonification" in result:
        sentence += (
            " Left the clips, right what the map makes of them: listen for what they have in common. A triangle marks "
            "the time of the strongest activation."
        )
        body += [] if result.attrs.get("rule") == "gradient" else [Note(CAUTION)]
        for channel in result["channel"].values.tolist():
            body.append(Heading(f"Map {channel}"))
            for rank in result["rank"].values.tolist():
                body += _pair(named.sel(channel=channel, rank=rank))
    return section(f"Top activations of layer {result.attrs.get('layer', '')}", sentence, result, body)


def _pair(one: xr.Dataset) -> Iterator[Figure]:
    """The input and the sonification of one map and clip."""
    clip, rate = str(one["clip_name"].item()), int(one.attrs["sample_rate"])
    for kind, what in (("input", clip), ("sonification", f"sonification of {clip}")):
        samples = one[kind].values
        label = f"{int(one['rank'])}. {what}, from {float(one['start']):.2f} s{silent(samples)}"
        player = Player(label, samples, rate)
        yield figure(1.9, top_sound, one, f"Spectrogram of {label}", player=player, half=True, of=kind)
