"""Several models on the same sound, side by side on the same scales."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.app.players import Player
from otoscope.citations import cite
from otoscope.plots.compare import (
    compare_bands,
    compare_difference,
    compare_strs,
    marks_of,
    model_names,
    response_of,
)
from otoscope.plots.crs import crs
from otoscope.plots.relevance import relevance_spectrogram, relevance_spectrum
from otoscope.plots.sound import spectrogram
from otoscope.report.html import Figure, Heading, Item, Note, Section, Table
from otoscope.report.sections.parts import CAUTION, PARTLY_RECOVER_THE_INPUT, as_loud, figure, section, silent
from otoscope.tables import comparison_pairs, comparison_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEARS = {
    "model": "model", "target": "class", "logit": "logit", "score": "score", "probability": "probability",
    "relevance_peak": "relevance peaks at (Hz)",
    "input_overlap": "overlap with the input", "beyond": "above the shared range", "crs_peak": "CRS peaks at (Hz)",
}  # fmt: skip
_CONSISTS = {
    "model": "model", "rate": "sample rate (Hz)", "parameters": "parameters", "receptive_field": "receptive field (s)",
    "frame_rate": "frames per second", "weights_sha256": "weights sha256",
}  # fmt: skip
_PAIRS = {
    "pair": "pair", "band_overlap": "relevance in the same third-octave bands",
    "spectrum_cosine": "cosine of relevance spectra", "band_rank_correlation": "rank correlation of bands",
    "crs_cosine": "cosine of CRS",
}  # fmt: skip
_GEOMETRY = {"layer": "layer", "model": "model", "beta_avg": "β avg (°)", "mu": "µ", "mu_avg": "µ avg"}


def compare(result: xr.Dataset) -> Section:
    names = model_names(result)
    notes = str(result.attrs.get("notes", "")).replace("\n", " ")
    body: list[Item] = [Note(notes)] if notes else []
    body += _tables(result)
    if "relevance" in result:
        body += _relevance(result)
    if "strs" in result:
        body += _first_layer(result)
    if "sonification" in result:
        body += _sonification(result)
    if _GEOMETRY.keys() - {"model"} <= set(result.variables):
        body += _geometry(result)
    return section(
        f"{', '.join(names[:-1])} and {names[-1]} side by side",
        "What each model hears in the same sound. All pictures of one kind have the same axes and the same range in dB "
        "below their own peak, so that shapes can be compared from one to the next.",
        result,
        body,
    )


def _tables(result: xr.Dataset) -> Iterator[Table]:
    rows = comparison_rows(result)
    hears = {
        name: heading for name, heading in _HEARS.items() if name != "beyond" or any(row.get(name) for row in rows)
    }
    overlap = "energy of the relevance in the third-octave bands in which the input has its own"
    yield _table(rows, hears, f"Overlap with the input: {overlap}." if "input_overlap" in result else "")
    yield _table(rows, _CONSISTS, "Receptive field and frames per second: of the last tap with a time axis.")
    pairs = [{"pair": f"{row['model']} and {row['other']}"} | row for row in comparison_pairs(result)]
    yield _table(
        pairs,
        _PAIRS,
        "1 means alike. The models heard the same sound, and what it lacks they all lack, which makes any two of them "
        "somewhat alike: compare these values with each other rather than with 0.",
    )


def _table(rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str], caption: str) -> Table:
    shown = {name: heading for name, heading in headings.items() if name in rows[0]}
    return Table(list(shown.values()), [[row[name] for name in shown] for row in rows], caption)


def _relevance(result: xr.Dataset) -> Iterator[Item]:
    yield Heading("Relevance")
    rate, rule, draw = int(result.attrs["sample_rate"]), result.attrs["rule"], relevance_spectrogram
    if rule in PARTLY_RECOVER_THE_INPUT:
        yield Note(CAUTION)
    signed = result.attrs.get("form") == "product"
    models = {name: result.sel(model=name) for name in model_names(result)}
    first, sound = next(iter(models.values())), Player("The recording", result["input"].values, rate)
    alt = "Spectrogram of the input"
    yield figure(2.2, draw, first, alt, "Input.", player=sound, half=True, of="input_spectrogram")
    of = "relevance, of the magnitudes of all," if signed else "energy of relevance"
    alt = f"Shares of the {of} and of the energy of the input in third-octave bands"
    caption = "Where the relevance lies, for the output and against it." if signed else "Where the energy lies."
    yield figure(2.2, compare_bands, result, alt, caption, half=True)
    for name, one in models.items():
        label = f"Relevance of {name}, rule {rule}, as loud as the recording"
        sound = Player(label, as_loud(one["relevance"], result["input"]), rate)
        alt, caption = f"Relevance spectrum of {name}", f"{name}: over frequency."
        marks = marks_of(result)
        yield figure(2.1, relevance_spectrum, one, alt, caption, player=sound, half=True, marks=marks)
    yield Heading("Relevance over time and frequency")
    for name, one in models.items():
        yield figure(2.1, draw, one, f"Spectrogram of the relevance of {name}", f"{name}.", half=True)
    yield from _differences(result, "relevance_spectrogram", "relevance")


def _first_layer(result: xr.Dataset) -> Iterator[Item]:
    yield Heading("Response spectra of the first layer")
    for name in model_names(result):
        alt = f"Short-time response spectra of {name}"
        yield figure(2.1, compare_strs, result, alt, f"{name}: STRS.", half=True, model=name)
    yield from _differences(result, "strs", "short-time response spectra")
    yield Heading("Mean response of the first layer")
    for of, caption in (
        ("crs", "CRS of this sound, each below its own peak."),
        ("cumulative_response", "Cumulative frequency response of the filters, whatever the sound."),
    ):
        yield figure(2.1, _responses, result, caption, caption, half=True, of=of)


def _responses(result: xr.Dataset, ax: Axes, of: str) -> None:
    """A response spectrum of every model, each below its own peak."""
    curves = {name: response_of(result, name, of) for name in model_names(result)}
    crs({name: (one / (float(one.max()) or 1.0)).to_dataset(name="crs") for name, one in curves.items()}, ax, db=True)
    ax.set_ylabel("level (dB re own peak)")


def _differences(result: xr.Dataset, of: str, what: str) -> Iterator[Figure]:
    first, *others = model_names(result)
    signed = of == "relevance_spectrogram" and result.attrs.get("form") == "product"
    for other in others:
        alt = f"Difference{'' if signed else ' in dB'} of the {what} of {first} and {other}"
        caption = f"Difference: light where {first} is higher, dark where {other} is; each is taken below its own peak."
        if signed:
            caption = (
                f"Difference: red where {first} has more for its output, blue where {other} has; each over the sum of "
                "its magnitudes."
            )
        yield figure(2.1, compare_difference, result, alt, caption, half=True, other=other, of=of)


def _sonification(result: xr.Dataset) -> Iterator[Item]:
    yield Heading("Sonification of a whole layer")
    for name, layer, sound in zip(
        model_names(result), result["sonified_layer"].values, result["sonification"], strict=True
    ):
        player = Player(f"{name}, layer {layer}{silent(sound.values)}", sound.values, int(result.attrs["sample_rate"]))
        alt = f"Spectrogram of layer {layer} of {name} as sound"
        yield figure(2.1, spectrogram, sound, alt, player=player, half=True)


def _geometry(result: xr.Dataset) -> Iterator[Item]:
    yield Heading("Geometry of the weights")
    places = [result.sel(layer=layer, model=name) for layer in result["layer"] for name in result["model"]]
    rows = [{name: one[name].item() for name in _GEOMETRY} for one in places]
    rows = [row for row in rows if not np.isnan([row["beta_avg"], row["mu"]]).all()]
    dictionary = f"Kernels as a dictionary of unit-norm atoms, whatever the sound ({cite('skretting2011')})."
    yield _table(rows, _GEOMETRY, dictionary)
