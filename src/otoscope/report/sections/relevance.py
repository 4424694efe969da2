"""Relevance, by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from otoscope.app.players import Player
from otoscope.plots.occlusion import occlusion
from otoscope.plots.relevance import (
    relevance_bands,
    relevance_signal,
    relevance_spectrogram,
    relevance_spectrum,
    signed,
)
from otoscope.plots.segments import segments
from otoscope.report.html import Heading, Item, Note, Section, Table
from otoscope.report.sections.parts import CAUTION, PARTLY_RECOVER_THE_INPUT, as_loud, figure, section
from otoscope.tables import rule_line

_OF_LABELS = {
    "label_relevance": "relevance",
    "label_energy": "energy",
    "label_loss": "mean loss",
    "label_share": "share",
    "label_input_share": "share of the input's energy",
    "label_time_share": "share of the time",
}
"""What the table of labels shows, and its headings."""


def relevance(results: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset]) -> Section:
    labelled = dict(_by_rule(results))
    first = next(iter(labelled.values()))
    body: list[Item] = []
    if any(one.attrs.get("rule", label) in PARTLY_RECOVER_THE_INPUT for label, one in labelled.items()):
        body.append(Note(CAUTION))
    for label, one in labelled.items():
        body += _rule(label, one)
    return section(
        "Relevance",
        f"The {_explained(first)}, explained by the waveform: large where, and at which "
        "frequencies, the sound moved this output most, under the rule named.",
        labelled.values(),
        body,
    )


def _explained(result: xr.Dataset) -> str:
    """What is explained, with its value and how sure the model is."""
    kind = str(result.attrs.get("score_kind", "logit"))
    value = result["logit" if "logit" in result else "score"]
    words = f"{kind} of {result.attrs.get('target', 'the chosen output')} ({float(value):.4g})"
    if "probability" in result:
        words += f", of probability {float(result['probability']):.3g}"
    if "runner_up" in result:
        other = float(result["runner_up_probability"])
        how = "before" if other <= float(result["probability"]) else "and the likeliest class is"
        words += f" {how} {result['runner_up'].item()} with {other:.3g}"
    return words


def _rule(label: str, result: xr.Dataset) -> Iterator[Item]:
    yield Heading(f"Rule: {label}")
    if line := rule_line(result):
        yield Note(f"{line[0].upper()}{line[1:]}.")
    yield from _loss(label, result)
    sound = Player(
        f"Relevance signal, rule {label}, as loud as the recording",
        as_loud(result["relevance"], result["input"]),
        int(result.attrs["sample_rate"]),
    )
    if "channel" not in result.dims:
        yield from _pictures(label, result, sound)
        return
    for place, channel in enumerate(result["channel"].values.tolist()):
        yield from _pictures(label, result.isel(channel=place), None if place else sound, f"Channel {channel}. ")


def _pictures(label: str, result: xr.Dataset, sound: Player | None, which: str = "") -> Iterator[Item]:
    both = signed(result)
    alt = f"{which}Relevance signal and input over time, rule {label}"
    yield figure(1.7, relevance_signal, result, alt, f"{which}Over time.{_sums(result)}", player=sound)
    alt = f"{which}Spectrum of relevance and input, rule {label}"
    sides = " Upwards for the output, downwards against it; the input to both sides." if both else ""
    yield figure(2.0, relevance_spectrum, result, alt, f"{which}Over frequency, whole clip.{sides}")
    if "relevance_share" in result:
        alt = f"{which}Shares of the relevance in bands of frequency, rule {label}"
        of = "relevance, which sum to it" if both else "energy of the relevance"
        yield figure(1.9, relevance_bands, result, alt, f"{which}In bands: shares of the {of}.")
    yield from _segments(label, result, which)
    draw, alt = relevance_spectrogram, f"{which}Spectrogram of the input"
    yield figure(2.1, draw, result, alt, f"{which}Input.", half=True, of="input_spectrogram")
    alt = f"{which}Relevance over time and frequency, rule {label}"
    sides = " Red for the output, blue against it." if both else ""
    yield figure(2.1, draw, result, alt, f"{which}Relevance.{sides}", half=True)


def _segments(label: str, result: xr.Dataset, which: str) -> Iterator[Item]:
    """What lies in each segment, and a table of labels, where the relevance has segments."""
    if "segment" not in result.dims:
        return
    alt, caption = f"{which}Relevance of segments, rule {label}", f"{which}By segments. {_drawn(result)}."
    yield figure(1.9, segments, result, alt, caption)
    names = {name: text for name, text in _OF_LABELS.items() if name in result}
    rows = [
        [label_of, *(float(result[name].sel(segment_label=label_of)) for name in names)]
        for label_of in result["segment_label"].values.tolist()
    ]
    rows = [[one if isinstance(one, str) or np.isfinite(one) else None for one in row] for row in rows]
    yield Table(["label", *names.values()], rows, f"{which}By labels; with (outside) they are the whole sound.")


def _drawn(result: xr.Dataset) -> str:
    """What bars and lines of the picture of segments are."""
    beside = "grey: their share of the energy of the input; black lines: that of the time"
    outside = "What is in no segment, (outside), stands behind the end of the sound"
    if "segment_energy" in result:
        return f"Coloured: their share of the energy of the relevance; {beside}. {outside}"
    what = "sum of the relevance" if "segment_relevance" in result else "mean loss of the output"
    sides = "red for the output, blue against it"
    return f"Coloured: the {what}, {sides}; to the scale on the right, {beside}. {outside}"


def _sums(result: xr.Dataset) -> str:
    """What a relevance that adds up sums to, and how much of it is negative."""
    if not signed(result):
        return ""
    return (
        f" The relevance sums to {float(result['relevance_sum']):.4g}, over samples, over frequencies and over cells "
        f"of both alike; of its magnitudes {float(result['negative_share']):.0%} are negative."
    )


def _loss(label: str, result: xr.Dataset) -> Iterator[Item]:
    """What the occlusions and Grad-CAM measure, of which their signals are made."""
    part = {"time_relevance": "window in time", "band_relevance": "band in frequency"}
    if result.attrs.get("rule") == "gradcam":
        caption = (
            "How much the maps of the layer speak for the output; the relevance signal is the input weighted by it."
        )
        yield figure(1.7, occlusion, result, f"Map of the layer over time, rule {label}", caption)
        return
    for name in part.keys() & result.keys():
        alt = f"Loss of the output without each {part[name]}, rule {label}"
        caption = f"What the output loses without each {part[name]}; the relevance signal is the input weighted by it."
        yield figure(1.7, occlusion, result, alt, caption)


def _by_rule(
    results: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset],
) -> Iterator[tuple[str, xr.Dataset]]:
    # A Dataset is a mapping too, of its variables.
    if isinstance(results, Mapping) and not isinstance(results, xr.Dataset):
        yield from results.items()
        return
    several = [results] if isinstance(results, xr.Dataset) else results
    for number, one in enumerate(several, 1):
        yield str(one.attrs.get("rule", number)), one
