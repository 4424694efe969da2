"""The report of `otoscope inspect`: everything that was found about one sound in one model, on one page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope import drawing, plots
from otoscope.report.html import Figure, Heading, Item, Note, Player, Section, Table, render

if TYPE_CHECKING:
    from matplotlib import figure as mpl

SWAM = (
    "Gupta and Abrol, “Time-frequency and geometric analysis of task-dependent learning in raw waveform "
    "based acoustic models”"
)
RELEVANCE = (
    "Muckenhirn, Abrol, Magimai-Doss and Marcel, “Understanding and visualizing raw waveform-based CNNs”, "
    "Interspeech 2019"
)
SONIFICATION = (
    "Yadav, “Interpreting intermediate feature representations of raw-waveform deep CNNs by sonification”, "
    "MSc(R) thesis, University of Glasgow, 2022"
)
GEOMETRY = "Skretting and Engan, “Learned dictionaries for sparse image representation: properties and results”, 2011"
CAUTION = (
    "Read with care: guided backpropagation and the DeconvNet rule let only positive gradients pass and so "
    "partly recover the input signal, whatever the model has learnt (Nie, Zhang and Patel, ICML 2018). That "
    "a picture or sound resembles the input is no evidence that the decision rests on it."
)

_FULL = (4.8, 280.0)  # inches wide and dots an inch: text of 8 points stays legible on a telephone
_HALF = (3.4, 240.0)


def inspection_report(
    results: Mapping[str, Any],
    clip: xr.DataArray,
    taps: Sequence[Mapping[str, Any]],
    facts: Mapping[str, object],
    *,
    notes: Sequence[str] = (),
    maps_per_layer: int = 4,
) -> str:
    """Lay out the results of one sound in one model as one HTML page.

    Parameters
    ----------
    results : mapping of str
        Any of "strs" and "crs" (DataArray), "relevance" (Dataset, or several as a list or by label), "sonify"
        (DataArray by layer) and "geometry" (Dataset). What is absent has no section.
    clip : xarray.DataArray, dims (time,)
        The sound at the sample rate of the model, which is in its attributes.
    taps : sequence of mappings
        With name, channels, kernel, stride, dilation, hop and receptive_field (samples) of each tap; kind and
        whole too, if known.
    facts : mapping of str to object
        About the model and the audio, listed at the top. Those about the audio that the clip knows are added.
    notes : sequence of str
        Remarks to the reader, such as why a section is absent.
    maps_per_layer : int
        How many sonified maps of each layer are shown; the most active ones.

    Returns
    -------
    str
        The page.

    Raises
    ------
    InputError
        If a result is not of the shape that its picture needs.

    Examples
    --------
    >>> clip = xr.DataArray(
    ...     np.sin(np.arange(4000) / 5), dims="time", attrs={"sample_rate": 8000, "name": "a.wav"})
    >>> page = inspection_report({}, clip, [], {"model": "ear"})
    >>> "What ear hears in a.wav" in page
    True
    """
    makers: dict[str, Callable[[Any], Section]] = {
        "strs": _strs,
        "crs": _crs,
        "relevance": _relevance,
        "sonify": lambda layers: _sonify(layers, maps_per_layer),
        "geometry": _geometry,
    }
    sections = [_sound(clip)]
    sections += [make(results[key]) for key, make in makers.items() if _is_there(results.get(key))]
    if taps:
        sections.append(_taps(taps, float(clip.attrs["sample_rate"])))
    title = f"What {facts.get('model', 'the model')} hears in {clip.attrs.get('name', 'a sound')}"
    return render(title, sections, {**facts, **_clip_facts(clip, facts)}, notes=notes)


def _is_there(result: Any) -> bool:
    return result is not None and (isinstance(result, (xr.DataArray, xr.Dataset)) or len(result) > 0)


def _clip_facts(clip: xr.DataArray, known: Mapping[str, object]) -> dict[str, object]:
    rate = int(clip.attrs["sample_rate"])
    facts: dict[str, object] = {
        "audio": clip.attrs.get("name"),
        "duration": f"{clip.size / rate:.3f} s ({clip.size} samples)",
        "sample rate": f"{rate} Hz",
        "audio changes": clip.attrs.get("note"),
        "audio sha256": clip.attrs.get("sha256"),
    }
    return {name: fact for name, fact in facts.items() if fact and name not in known}


# Sections


def _sound(clip: xr.DataArray) -> Section:
    name = str(clip.attrs.get("name", "the sound"))
    rate = int(clip.attrs["sample_rate"])
    with _picture(1.5) as (picture, ax):
        plots.waveform(clip, ax)
    with _picture(2.0) as (spectrum, ax):
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


def _strs(result: xr.DataArray) -> Section:
    with _picture(2.2) as (picture, ax):
        plots.strs(result, ax)
    return Section(
        "Short-time response spectra (STRS)",
        "Bright where the filters of the first layer, each weighted by its response at that moment, add up: "
        "what the first layer passes on to the rest of the model, over time and frequency.",
        f"{SWAM}, eq. 1",
        _made(result),
        [Figure(picture, "Short-time response spectra over time and frequency")],
    )


def _crs(result: xr.DataArray) -> Section:
    with _picture(1.9) as (picture, ax):
        plots.crs(result, ax)
    peak = float(result["frequency"][int(np.argmax(result.values))])
    return Section(
        "Cumulative response spectrum (CRS)",
        "The mean of the STRS over time: which frequencies the first layer emphasises in this sound.",
        f"{SWAM}, eq. 2",
        _made(result),
        [Figure(picture, f"Cumulative response spectrum over frequency, highest at {peak:.0f} Hz")],
    )


def _relevance(results: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset]) -> Section:
    labelled = dict(_by_rule(results))
    first = next(iter(labelled.values()))
    target = first.attrs.get("target", "the chosen output")
    logit = first["logit"] if "logit" in first else first.attrs.get("logit")
    value = "" if logit is None else f" ({np.asarray(logit).item():.4g})"
    body: list[Item] = []
    if any(one.attrs.get("rule", label) != "gradient" for label, one in labelled.items()):
        body.append(Note(CAUTION))
    for label, one in labelled.items():
        body += _relevance_of_rule(label, one)
    return Section(
        "Relevance",
        f"The logit of {target}{value} carried back to the waveform: large where, and at which frequencies, "
        "the sound moved this output most, under the rule that is named.",
        f"{RELEVANCE}, section 3.2",
        _made(first),
        body,
    )


def _relevance_of_rule(label: str, result: xr.Dataset) -> list[Item]:
    with _picture(1.7) as (signal, ax):
        plots.relevance_signal(result, ax)
    with _picture(2.0) as (spectrum, ax):
        plots.relevance_spectrum(result, ax)
    with _picture(2.1, half=True) as (heard, ax):
        plots.relevance_spectrogram(result, ax, of="input_spectrogram")
    with _picture(2.1, half=True) as (relevant, ax):
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
        Figure(signal, f"Relevance signal and input over time, rule {label}", "Over time.", sound),
        Figure(spectrum, f"Spectrum of relevance and input, rule {label}", "Over frequency, whole clip."),
        Figure(heard, "Spectrogram of the input", "Input.", half=True),
        Figure(relevant, f"Spectrogram of the relevance signal, rule {label}", "Relevance.", half=True),
    ]


def _sonify(layers: Mapping[str, xr.DataArray], maps: int) -> Section:
    body: list[Item] = [Note(CAUTION)]
    for layer, result in layers.items():
        body += [Heading(f"Layer {layer}"), *_maps(layer, result, maps)]
    return Section(
        "Sonification",
        "The most active feature maps of a layer carried back to the waveform: listen for the part of the "
        "sound that each map responds to; a triangle marks the time of its strongest activation.",
        f"{SONIFICATION}, Algorithm 1",
        _made(next(iter(layers.values()))),
        body,
    )


def _maps(layer: str, result: xr.DataArray, count: int) -> Iterator[Item]:
    for channel in plots.by_activity(result)[:count]:
        with _picture(2.1, half=True) as (picture, ax):
            plots.sonification(result, channel, ax)
        what = "whole layer" if channel == "layer" else f"map {channel}"
        samples = result.isel(channel=result["channel"].values.tolist().index(channel)).values
        silent = "" if samples.any() else " (silent)"
        yield Figure(
            picture,
            f"Spectrogram of the sonification of {what} of layer {layer}",
            player=Player(f"{layer}, {what}{silent}", samples, int(result.attrs["sample_rate"])),
            half=True,
        )


def _geometry(result: xr.Dataset) -> Section:
    with _picture(4.6, rows=3) as (picture, axes):
        plots.geometry(result, axes)
    columns = {
        "atoms": "atoms",
        "dimension": "dimension",
        "dead": "dead",
        "A": "A",
        "B": "B",
        "beta_min": "β min (°)",
        "beta_avg": "β avg (°)",
        "beta_mse": "β mse (°)",
        "mu": "µ",
        "mu_avg": "µ avg",
        "mu_mse": "µ mse",
    }
    if "dead" in result and not result["dead"].any():
        del columns["dead"]
    shown = {name: heading for name, heading in columns.items() if name in result}
    rows = []
    for i, layer in enumerate(result["layer"].values):
        values = {name: result[name].values[i].item() for name in shown}
        if abs(values["A"]) < 1e-6 * values["B"]:
            values["A"] = 0  # a rest of rounding, which would read as a bound
        skip = ["yes" if result["skip"].values[i] else "no"] if "skip" in result else []
        rows.append([str(layer), *values.values(), *skip])
    headings = ["layer", *shown.values(), *(["skip"] if "skip" in result else [])]
    circled = " Layers with a skip connection are circled." if "yes" in (row[-1] for row in rows) else ""
    return Section(
        "Geometry of the weights",
        "How evenly the kernels of each layer spread over their space: low coherence µ and wide angles β "
        "mean that they differ, bounds A and B close together that no direction is preferred; "
        f"A = 0: the kernels do not span their space.{circled}",
        f"{GEOMETRY}; {SWAM}, section 2.2",
        _made(result),
        [
            Figure(picture, "Coherence, angles and bounds of each layer"),
            Table(headings, rows, "Kernels as a dictionary of unit-norm atoms, whatever the sound."),
        ],
    )


def _taps(taps: Sequence[Mapping[str, Any]], sample_rate: float) -> Section:
    known: dict[str, Callable[[Mapping[str, Any]], object]] = {
        "name": lambda tap: tap.get("name"),
        "kind": lambda tap: tap.get("kind"),
        "channels": lambda tap: tap.get("channels"),
        "kernel": lambda tap: _sizes(tap.get("kernel")),
        "stride": lambda tap: _sizes(tap.get("stride")),
        "dilation": lambda tap: _sizes(tap.get("dilation")),
        "hop (samples)": lambda tap: _hop(tap),
        "field (samples)": lambda tap: tap.get("receptive_field"),
        "field (ms)": lambda tap: _milliseconds(tap.get("receptive_field"), sample_rate),
        "rate (Hz)": lambda tap: None if (hop := _hop(tap)) is None else float(f"{sample_rate / hop:.6g}"),
        "whole clip": lambda tap: "yes" if tap.get("whole") else None,
    }
    cells = {heading: [cell(tap) for tap in taps] for heading, cell in known.items()}
    cells = {heading: column for heading, column in cells.items() if any(cell is not None for cell in column)}
    return Section(
        "Inside the model",
        "Every convolution, activation and pooling in the order in which they run: how far apart its values "
        "are in the sound (hop), how much of it each value sees (receptive field), and how many there are in "
        "a second (rate).",
        body=[Table(list(cells), list(zip(*cells.values(), strict=True)), f"{len(taps)} taps.")],
    )


# Pieces


@contextmanager
def _picture(height: float, *, half: bool = False, rows: int = 1) -> Iterator[tuple[mpl.Figure, Any]]:
    """A blank figure in the style of the plots, kept away from pyplot, which would hold on to it."""
    import matplotlib
    from matplotlib.figure import Figure as Blank

    width, dpi = _HALF if half else _FULL
    with matplotlib.rc_context(drawing.STYLE):
        picture = Blank(figsize=(width, height), dpi=dpi, layout="constrained")
        axes = picture.subplots(rows, sharex=True)
        for ax in picture.axes:
            ax.tick_params(labelsize=drawing.STYLE["xtick.labelsize"])
        yield picture, axes


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


def _made(result: xr.DataArray | xr.Dataset) -> str:
    method, arguments = result.attrs.get("method", ""), result.attrs.get("arguments", "")
    return f"{method} with {arguments}" if method and arguments not in ("", "{}") else str(method)


def _sizes(size: Any) -> object:
    """7 for (7,), "3 × 7" for (3, 7), nothing for what has no size."""
    if size is None or np.ndim(size) == 0:
        return size
    return None if len(size) == 0 else size[0] if len(size) == 1 else " × ".join(map(str, size))


def _hop(tap: Mapping[str, Any]) -> float | None:
    hop = tap.get("hop")
    if hop is None or not np.isfinite(hop) or hop <= 0:
        return None
    return int(hop) if float(hop).is_integer() else float(hop)


def _milliseconds(samples: Any, sample_rate: float) -> float | None:
    return None if samples is None else 1000 * float(samples) / sample_rate
