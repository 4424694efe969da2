"""What a page says of a model, a sound and the methods, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import xarray as xr

from otoscope._version import __version__
from otoscope.app.calls import arguments_of
from otoscope.app.found import Found, ModelFacts
from otoscope.citations import BIBLIOGRAPHY

Row = list[Any]
"""A name, its value, and 1 where that is to be set in a fixed width."""

BIBTEX = f"""@software{{otoscope,
  title   = {{Otoscope: look into the ear of a neural network}},
  author  = {{{{The Otoscope developers}}}},
  version = {{{__version__}}},
  license = {{Apache-2.0}}
}}"""
_MOST_CLASSES = 60  # whose names are listed


def fact_rows(found: Found, sound: dict[str, Any]) -> dict[str, list[Row]]:
    """Rows of the model and of the sound, as they are shown."""
    of_model = [] if found.model is None else _of_model(found.model)
    of_sound: list[Row] = [
        ["name", sound["name"]],
        ["SHA-256", sound["sha256"], 1],
        ["length", f"{sound['n']:,} samples at {sound['rate']} Hz, {sound['duration']:.3f} s"],
        ["recorded at", f"{rate} Hz" if (rate := sound["original_rate"]) and rate != sound["rate"] else None],
        ["channels", sound["original_channels"] if (sound["original_channels"] or 1) > 1 else None],
        ["changes", sound["note"] or None],
    ]
    return {"model": of_model, "sound": [row for row in of_sound if row[1] is not None]}


def _of_model(model: ModelFacts) -> list[Row]:
    contract, rate = model.contract, model.sample_rate
    classes = contract.classes or ()
    listed = ", ".join(classes[:_MOST_CLASSES]) + (", …" if len(classes) > _MOST_CLASSES else "")
    channels = contract.channels or 1
    takes = f"{rate} Hz, {'mono' if channels == 1 else f'{channels} channels'}"
    if contract.length:
        takes += f", {contract.length / rate:.3g} s ({contract.length} samples)"
    rows: list[Row] = [
        ["name", model.name],
        ["hash of the weights", model.digest, 1],
        ["weights", model.weights],
        ["parameters", None if model.parameters is None else f"{model.parameters:,}"],
        ["takes", takes],
        ["trained on", contract.trained_length and f"{contract.trained_length / rate:.3g} s"],
        ["answers", f"{len(classes)} classes: {listed}" if classes else None],
    ]
    return [row for row in rows if row[1]]


def made_by(results: Iterable[xr.Dataset]) -> list[dict[str, Any]]:
    """The methods of results with where they are from and all their arguments, each call once."""
    calls: dict[str, dict[str, Any]] = {}
    for one in results:
        attrs = one.attrs
        key = f"{attrs['method']} {attrs['arguments']}"
        arguments = arguments_of(one)
        calls[key] = {"method": str(attrs["method"]), "source": str(attrs.get("source", "")), "arguments": arguments}
    return list(calls.values())


def references(methods: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """The works that methods are from, each once, with the methods that each is for."""
    found: dict[str, dict[str, str]] = {}
    for one in methods:
        name = str(one["method"]).replace("_", " ")
        for key, work in BIBLIOGRAPHY.items():
            if work.title not in one["source"]:
                continue
            entry = found.setdefault(key, {"for": name, "text": str(work).removesuffix(work.link).rstrip()})
            if name not in entry["for"].split(", "):
                entry["for"] += f", {name}"
            if work.link:
                entry["link"] = work.link
    return list(found.values())
