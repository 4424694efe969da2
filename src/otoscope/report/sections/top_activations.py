"""The sounds that excite feature maps most."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Heading, Item, Note, Player, Section, Table
from otoscope.report.sections.parts import CAUTION, SONIFICATION, blank, made
from otoscope.report.summary import top_rows

_SOURCE = f"{SONIFICATION}, section 5.3 and figure A.1"
_MOST_MAPS = 8  # in the table of a page; the array has all


def top_activations(result: xr.Dataset) -> Section:
    with blank(2.0) as (picture, ax):
        plots.top_activations(result, ax)
    strongest = result["value"].isel(rank=0).argsort().values[::-1][:_MOST_MAPS]
    headings = {"channel": "map", "rank": "rank", "clip_name": "clip", "peak_time": "peak (s)", "value": "activation"}
    rows = [
        [row[name] if row[name] == row[name] else None for name in headings]
        for row in (
            one | {"clip_name": Path(one["clip_name"]).name} for one in top_rows(result.isel(channel=strongest))
        )
    ]
    return Section(
        f"Top activations of layer {result.attrs.get('layer', '')}",
        f"The clips, of {result.attrs.get('clips', 'all')}, in which each feature map has its largest activations, and "
        "when. The band spans the ranks: where it is wide, one clip excites the map far more than the others.",
        _SOURCE,
        made(result),
        [
            Figure(picture, "Largest activation of every map, the strongest map first"),
            Table(list(headings.values()), rows, f"At most {_MOST_MAPS} maps, those of the strongest activations."),
        ],
    )


def top_sounds(result: xr.Dataset) -> Section:
    body: list[Item] = [] if result.attrs.get("rule") == "gradient" else [Note(CAUTION)]
    for channel in result["channel"].values.tolist():
        body.append(Heading(f"Map {channel}"))
        for rank in result["rank"].values.tolist():
            body += _pair(result.sel(channel=channel, rank=rank))
    return Section(
        f"Top sounds of layer {result.attrs.get('layer', '')}",
        "Left the clips that excite a map most, right what the map makes of them: listen for what they have in common. "
        "A triangle marks the time of the strongest activation.",
        _SOURCE,
        made(result),
        body,
    )


def _pair(one: xr.Dataset) -> Iterator[Item]:
    """The input and the sonification of one map and clip."""
    clip, rate = Path(str(one["clip_name"].item())).name, int(one.attrs["sample_rate"])
    for kind, what in (("input", clip), ("signal", f"sonification of {clip}")):
        with blank(1.9, half=True) as (picture, ax):
            plots.top_sound(one, kind, ax)
        samples = one[kind].values.ravel()
        silent = "" if samples.any() else " (silent)"
        label = f"{int(one['rank'])}. {what}, from {float(one['start']):.2f} s{silent}"
        yield Figure(picture, f"Spectrogram of {label}", player=Player(label, samples, rate), half=True)
