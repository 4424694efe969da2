"""Several models on the same sound, side by side on the same scales."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.plots.compare import marks_of, model_names, response_of
from otoscope.report.html import Figure, Heading, Item, Note, Player, Section, Table
from otoscope.report.sections.parts import CAUTION, GEOMETRY, RELEVANCE, SONIFICATION, SWAM, blank, made
from otoscope.report.summary import comparison_pairs, comparison_rows

_DIFFERENCE = "Difference: light where {} is the higher one, dark where it is {}; each is taken below its own peak."


def compare(result: xr.Dataset) -> Section:
    names = model_names(result)
    notes = str(result.attrs.get("notes", "")).replace("\n", " ")
    body: list[Item] = [Note(notes)] if notes else []
    body += [*_models_tables(result), *_pairs_table(result)]
    if "signal" in result:
        body += _relevance(result)
    if "strs" in result:
        body += _first_layer(result)
    if "sonification" in result:
        body += _sonification(result)
    body += _geometry(result)
    sources = [f"{RELEVANCE}, section 3.2", f"{SWAM}, eq. 1 and 2"]
    sources += [f"{SONIFICATION}, Algorithm 1"] if "sonification" in result else []
    return Section(
        " and ".join([", ".join(names[:-1]), names[-1]]) + " side by side",
        "What each model hears in the same sound. All pictures of one kind have the same axes and the same range in dB "
        "below their own peak, so that shapes can be compared from one to the next.",
        "; ".join(sources),
        made(result),
        body,
    )


def _models_tables(result: xr.Dataset) -> Iterator[Table]:
    hears = {
        "model": "model",
        "target": "says, or was asked for",
        "logit": "logit",
        "relevance_peak": "relevance peaks at (Hz)",
        "input_overlap": "lies as the input",
        "beyond": "lies above the shared range",
        "crs_peak": "CRS peaks at (Hz)",
    }
    if "beyond" in result and not result["beyond"].any():
        del hears["beyond"]
    caption = "Lies as the input: energy of the relevance in the third-octave bands in which the input has its own."
    yield _table(result, hears, caption if "input_overlap" in result else "")
    consists = {
        "model": "model",
        "rate": "sample rate (Hz)",
        "parameters": "parameters",
        "receptive_field": "receptive field (s)",
        "frame_rate": "values a second",
        "weights_sha256": "weights sha256",
    }
    yield _table(result, consists, "Receptive field and values a second: of the last tap with a time axis.")


def _table(result: xr.Dataset, columns: dict[str, str], caption: str) -> Table:
    rows = comparison_rows(result)
    shown = {name: heading for name, heading in columns.items() if name in rows[0]}
    return Table(list(shown.values()), [[row[name] for name in shown] for row in rows], caption)


def _pairs_table(result: xr.Dataset) -> Iterator[Table]:
    measures = {
        "band_overlap": "relevance in the same third-octave bands",
        "spectrum_cosine": "cosine of relevance spectra",
        "band_rank_correlation": "rank correlation of bands",
        "crs_cosine": "cosine of CRS",
    }
    rows = comparison_pairs(result)
    shown = {name: heading for name, heading in measures.items() if name in rows[0]}
    yield Table(
        ["pair", *shown.values()],
        [[f"{row['model']} and {row['other']}", *(row[name] for name in shown)] for row in rows],
        "1: alike. The models heard the same sound, and what it lacks all of them lack, which makes any two of them "
        "somewhat alike: compare these values with each other rather than with 0.",
    )


def _relevance(result: xr.Dataset) -> Iterator[Item]:
    yield Heading("Relevance")
    if result.attrs["rule"] != "gradient":
        yield Note(CAUTION)
    rate, heard = int(result.attrs["sample_rate"]), float(np.abs(result["input"]).max())
    rule = result.attrs["rule"]
    with blank(2.2, half=True) as (picture, ax):
        plots.relevance_spectrogram(result.isel(model=0), ax, of="input_spectrogram")
    sound = Player("The recording", result["input"].values, rate)
    yield Figure(picture, "Spectrogram of the input", "Input.", sound, half=True)
    with blank(2.2, half=True) as (picture, ax):
        plots.compare_bands(result, ax)
    yield Figure(
        picture,
        "Shares of the energy of relevance and input in third-octave bands",
        "Where the energy lies.",
        half=True,
    )
    for name in model_names(result):
        one = result.sel(model=name)
        with blank(2.1, half=True) as (picture, ax):
            plots.relevance_spectrum(one, ax, marks=marks_of(result))
        loud = heard / (float(np.abs(one["signal"]).max()) or 1.0)
        sound = Player(f"Relevance of {name}, rule {rule}, as loud as the recording", one["signal"].values * loud, rate)
        yield Figure(picture, f"Relevance spectrum of {name}", f"{name}: over frequency.", sound, half=True)
    yield Heading("Relevance over time and frequency")
    for name in model_names(result):
        with blank(2.1, half=True) as (picture, ax):
            plots.relevance_spectrogram(result.sel(model=name), ax)
        yield Figure(picture, f"Spectrogram of the relevance of {name}", f"{name}.", half=True)
    yield from _differences(result, "spectrogram", "relevance")


def _first_layer(result: xr.Dataset) -> Iterator[Item]:
    names = model_names(result)
    yield Heading("Response spectra of the first layer")
    for name in names:
        with blank(2.1, half=True) as (picture, ax):
            plots.compare_strs(result, name, ax)
        yield Figure(picture, f"Short-time response spectra of {name}", f"{name}: STRS.", half=True)
    yield from _differences(result, "strs", "short-time response spectra")
    for of, caption in (
        ("crs", "CRS of this sound, each below its own peak."),
        ("cumulative_response", "Cumulative frequency response of the filters, whatever the sound."),
    ):
        with blank(2.1, half=True) as (picture, ax):
            curves = {name: response_of(result, name, of) for name in names}
            plots.crs({name: curve / (float(curve.max()) or 1.0) for name, curve in curves.items()}, ax, db=True)
            ax.set_ylabel("level (dB re own peak)")
        yield Figure(picture, caption, caption, half=True)


def _differences(result: xr.Dataset, of: str, what: str) -> Iterator[Figure]:
    first, *others = model_names(result)
    for other in others:
        with blank(2.1, half=True) as (picture, ax):
            plots.compare_difference(result, ax, other=other, of=of)
        alt = f"Difference in dB of the {what} of {first} and {other}"
        yield Figure(picture, alt, _DIFFERENCE.format(first, other), half=True)


def _sonification(result: xr.Dataset) -> Iterator[Item]:
    yield Heading("Sonification of a whole layer")
    rate = int(result.attrs["sample_rate"])
    for i, name in enumerate(model_names(result)):
        layer = result["sonified_layer"][i].item()
        sound = result["sonification"][i]
        with blank(2.1, half=True) as (picture, ax):
            plots.spectrogram(sound, ax)
        player = Player(f"{name}, layer {layer}", sound.values, rate)
        yield Figure(
            picture, f"Spectrogram of layer {layer} of {name} as sound", f"{name}: {layer}.", player, half=True
        )


def _geometry(result: xr.Dataset) -> Iterator[Item]:
    shown = {"beta_avg": "β avg (°)", "mu": "µ", "mu_avg": "µ avg"}
    if not shown.keys() <= result.keys():
        return
    yield Heading("Geometry of the weights")
    rows: list[list[Any]] = []
    for layer in result["layer"].values:
        for name in model_names(result):
            values = [result[key].sel(model=name, layer=layer).item() for key in shown]
            if not np.isnan(values).all():
                rows.append([str(layer), name, *values])
    yield Table(
        ["layer", "model", *shown.values()],
        rows,
        f"Kernels as a dictionary of unit-norm atoms, whatever the sound ({GEOMETRY}).",
    )
