"""Relevance, by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.methods.attribution import ATTRIBUTIONS
from otoscope.report.html import Figure, Heading, Item, Note, Player, Section
from otoscope.report.sections.parts import CAUTION, RELEVANCE, blank, made

_PARTLY_RECOVER_THE_INPUT = ("guided", "deconvnet")


def relevance(results: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset]) -> Section:
    labelled = dict(_by_rule(results))
    first = next(iter(labelled.values()))
    target = first.attrs.get("target", "the chosen output")
    logit = first["logit"] if "logit" in first else first.attrs.get("logit")
    value = "" if logit is None else f" ({np.asarray(logit).item():.4g})"
    body: list[Item] = []
    if any(one.attrs.get("rule", label) in _PARTLY_RECOVER_THE_INPUT for label, one in labelled.items()):
        body.append(Note(CAUTION))
    for label, one in labelled.items():
        body += _relevance_of_rule(label, one)
    return Section(
        "Relevance",
        f"The logit of {target}{value}, explained by the waveform: large where, and at which frequencies, "
        "the sound moved this output most, under the rule that is named.",
        "; ".join(dict.fromkeys(_source(label, one) for label, one in labelled.items())),
        made(first),
        body,
    )


def _relevance_of_rule(label: str, result: xr.Dataset) -> list[Item]:
    with blank(1.7) as (signal, ax):
        plots.relevance_signal(result, ax)
    with blank(2.0) as (spectrum, ax):
        plots.relevance_spectrum(result, ax)
    with blank(2.1, half=True) as (heard, ax):
        plots.relevance_spectrogram(result, ax, of="input_spectrogram")
    with blank(2.1, half=True) as (relevant, ax):
        plots.relevance_spectrogram(result, ax)
    # As loud as the recording: the scale of a gradient says nothing to the ear.
    loud = float(np.abs(result["input"]).max())
    quiet = float(np.abs(result["signal"]).max()) or 1.0
    sound = Player(
        f"Relevance signal, rule {label}, as loud as the recording",
        result["signal"].values * (loud / quiet),
        int(result.attrs["sample_rate"]),
    )
    return [
        Heading(f"Rule: {label}"),
        *_loss(label, result),
        Figure(signal, f"Relevance signal and input over time, rule {label}", "Over time.", sound),
        Figure(spectrum, f"Spectrum of relevance and input, rule {label}", "Over frequency, whole clip."),
        Figure(heard, "Spectrogram of the input", "Input.", half=True),
        Figure(relevant, f"Spectrogram of the relevance signal, rule {label}", "Relevance.", half=True),
    ]


def _loss(label: str, result: xr.Dataset) -> Iterator[Item]:
    """What the occlusions measure, of which their signals are made."""
    part = {"time_relevance": "window in time", "band_relevance": "band in frequency"}
    for name in part.keys() & result.keys():
        with blank(1.7) as (picture, ax):
            plots.occlusion(result, ax)
        yield Figure(
            picture,
            f"Loss of the output without each {part[name]}, rule {label}",
            f"What the output loses without each {part[name]}; the relevance signal is the input weighted by it.",
        )


def _source(label: str, result: xr.Dataset) -> str:
    own = result.attrs.get("rule", label) in ATTRIBUTIONS
    return str(result.attrs["source"]) if own else f"{RELEVANCE}, section 3.2"


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
