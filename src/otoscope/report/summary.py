"""Results as the few numbers that tables and JSON show."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope._version import __version__
from otoscope.methods.geometry import MEASURES
from otoscope.probe import Trace

if TYPE_CHECKING:
    from otoscope.scope import Scope

#: In Hz. What is carried back through rectifiers often holds an offset and drift that nobody can hear.
LOWEST_AUDIBLE = 50.0


def taps_table(trace: Trace) -> list[dict[str, Any]]:
    """One row a tap."""
    return [
        {
            "name": tap.name,
            "kind": tap.kind,
            "op": tap.op,
            "shape": list(tap.shape),
            "channels": tap.channels,
            "kernel": list(tap.kernel),
            "stride": list(tap.stride),
            "dilation": list(tap.dilation),
            "time_axis": tap.time_axis,
            "hop": tap.hop,
            "receptive_field": tap.receptive_field,
            "receptive_field_seconds": tap.receptive_field_seconds,
            "rate": tap.rate,
            "whole": tap.whole,
        }
        for tap in trace.values()
    ]


def geometry_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a layer: its name, the measures, and counts."""
    names = [name for name, _, _ in MEASURES]
    return [
        {"layer": str(row.layer.item())}
        | {name: float(row[name]) for name in names}
        | {name: int(row[name]) for name in ("atoms", "dimension", "dead")}
        | {"skip": bool(row.skip)}
        for row in (result.sel(layer=name) for name in result.layer.values)
    ]


def sonification_rows(result: xr.DataArray) -> list[dict[str, Any]]:
    """One row a map: how active it is, when most, and the loudest frequency of its sound."""
    rate = result.attrs["sample_rate"]
    rows = []
    for i in range(result.sizes["channel"]):
        sound = result.isel(channel=i)
        rows.append(
            {
                "channel": sound.channel.item(),
                "activity": float(sound.activity),
                "peak_time": float(sound.peak_time),
                "rms": float(np.sqrt(np.mean(np.square(sound.values, dtype=np.float64)))),
                "peak_frequency": loudest_frequency(sound.values, rate),
            }
        )
    return rows


def relevance_summary(result: xr.Dataset) -> dict[str, Any]:
    """The output that was explained, and where its relevance is largest in time and frequency."""
    return {
        "target": result.attrs["target"],
        "logit": float(result.logit),
        "rule": result.attrs["rule"],
        "peak_time": float(result.time[int(np.abs(result.signal.values).argmax())]),
        "peak_frequency": peak_frequency(result.spectrum),
    }


def peak_frequency(spectrum: xr.DataArray) -> float:
    """Frequency in Hz, from :data:`LOWEST_AUDIBLE` up, of the largest value of a spectrum."""
    return float(spectrum.frequency[int(audible(spectrum).argmax())])


def audible(spectrum: xr.DataArray) -> np.ndarray:
    """The values of a spectrum, zero below :data:`LOWEST_AUDIBLE`."""
    return np.where(spectrum.frequency.values >= LOWEST_AUDIBLE, spectrum.values, 0.0)


def loudest_frequency(samples: np.ndarray, sample_rate: float) -> float:
    """Frequency in Hz, from :data:`LOWEST_AUDIBLE` up, of the largest bin of a sound's spectrum; NaN for silence."""
    if not np.any(samples):
        return float("nan")
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    frequencies = np.fft.rfftfreq(len(samples), 1 / sample_rate)
    return float(frequencies[np.where(frequencies >= LOWEST_AUDIBLE, spectrum, 0.0).argmax()])


def model_facts(scope: Scope) -> dict[str, object]:
    """What the head of a report says of the model."""
    model = scope.model
    parameters = sum(p.numel() for p in model.parameters())
    facts: dict[str, object] = {
        "model": scope.name,
        "parameters": f"{parameters:,}",
        "weights": getattr(model, "weights_source", None) and Path(str(model.weights_source)).name,
        "weights sha256": scope.digest,
        "outputs": ", ".join(scope.classes) if scope.classes else None,
        "otoscope": __version__,
    }
    return {name: fact for name, fact in facts.items() if fact}


def inspection_summary(
    scope: Scope, clip: xr.DataArray, results: dict[str, Any], trace: Trace, notes: list[str], files: list[str]
) -> dict[str, Any]:
    """What ``summary.json`` holds."""
    summary: dict[str, Any] = {
        "model": scope.name,
        "model_sha256": scope.digest,
        "audio": clip.attrs.get("name", ""),
        "audio_sha256": clip.attrs.get("sha256", ""),
        "sample_rate": scope.sample_rate,
        "duration": clip.size / scope.sample_rate,
        "otoscope_version": __version__,
        "notes": notes,
        "files": files,
        "taps": taps_table(trace),
    }
    if "relevance" in results:
        by_rule = {rule: relevance_summary(one) for rule, one in results["relevance"].items()}
        first = next(iter(by_rule.values()))
        summary |= {"target": first["target"], "logit": first["logit"], "relevance": by_rule}
    if "crs" in results:
        summary["crs_peak_frequency"] = peak_frequency(results["crs"])
    if "sonify" in results:
        summary["sonifications"] = {name: sonification_rows(one) for name, one in results["sonify"].items()}
    if "geometry" in results:
        summary["geometry"] = geometry_rows(results["geometry"])
    return finite(summary)


def finite(value: Any) -> Any:
    """`value` for JSON, which knows no NaN: it becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, (list, tuple)) else value
