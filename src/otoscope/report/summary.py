"""Results as the few numbers that tables and JSON show."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope._version import __version__
from otoscope.dsp.audible import loudest_frequency, peak_frequency
from otoscope.methods.geometry import MEASURES
from otoscope.probe import Trace

if TYPE_CHECKING:
    from otoscope.scope import Scope


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


def wigner_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a kernel: its width in samples, and where and how high the peak of its distribution is."""
    return [
        {"kernel": int(row.kernel), "width": int(row.width)}
        | {name: float(row[name]) for name in ("peak_frequency", "peak_time", "peak")}
        for row in (result.isel(kernel=i) for i in range(result.sizes["kernel"]))
    ]


def aliasing_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a downsampling step: its rates, and the share of energy that it folds."""
    numbers = ("rate_before", "rate_after", "nyquist", "share", "share_with_mean")
    return [
        {"step": str(row.step.item()), "op": str(row.op.item()), "stride": int(row.stride)}
        | {name: float(row[name]) for name in numbers}
        for row in (result.isel(step=i) for i in range(result.sizes["step"]))
    ]


def flow_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a tap and map: its rate, level and strongest frequency."""
    rows = []
    for n, name in enumerate(result["tap"].values):
        signals, spectra = result[f"signal_{n}"], result[f"spectrum_{n}"]
        for i, channel in enumerate(signals[f"channel_{n}"].values):
            moving = spectra.values[i, 1:]  # without the mean
            rows.append(
                {
                    "tap": str(name),
                    "channel": int(channel),
                    "rate": float(result["rate"][n]),
                    "nyquist": float(result["nyquist"][n]),
                    "mean": float(signals.values[i].mean()),
                    "deviation": float(signals.values[i].std()),
                    "peak_frequency": float(spectra[f"frequency_{n}"][1 + int(moving.argmax())])
                    if moving.any()
                    else float("nan"),
                }
            )
    return rows


def filter_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a filter, by centre frequency; with what changed, where there is a before and an after."""
    after = result.sel(training="after") if "training" in result.dims else result
    rows = []
    for number in after["order"].values.astype(int).tolist():
        row = {"kernel": number}
        row |= {name: float(after[name][number]) for name in ("centre_frequency", "bandwidth")}
        if after is not result:
            row["centre_before"] = float(result["centre_frequency"].sel(training="before")[number])
            row["change"] = float(result["change"][number])
        rows.append(row)
    return rows


def tone_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a map: the frequency that it answers to most, and how strongly."""
    best, gain = result["best_frequency"].values.tolist(), result["gain"].max("frequency").values.tolist()
    return [
        {"channel": int(channel), "best_frequency": best[i], "gain": gain[i]}
        for i, channel in enumerate(result["channel"].values)
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
    summary = {
        "target": result.attrs["target"],
        "logit": float(result.logit),
        "rule": result.attrs["rule"],
        "peak_time": float(result.time[int(np.abs(result.signal.values).argmax())]),
        "peak_frequency": peak_frequency(result.spectrum),
    }
    if "baseline_logit" in result:
        summary["baseline_logit"] = float(result.baseline_logit)
    if "band_relevance" in result:
        edges_and_loss = (result.band_low, result.band_high, result.band_relevance)
        rows = zip(*(one.values.tolist() for one in edges_and_loss), strict=True)
        summary["bands"] = [{"low": low, "high": high, "relevance": loss} for low, high, loss in rows]
    return summary


def comparison_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a model: all that a comparison has one value of for each."""
    of_models = [name for name, one in result.data_vars.items() if one.dims == ("model",)]
    return [
        {"model": str(one["model"].item())} | {str(name): one[name].item() for name in of_models}
        for one in (result.isel(model=i) for i in range(result.sizes["model"]))
    ]


def comparison_pairs(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a pair of models: how alike they are."""
    of_pairs = [name for name, one in result.data_vars.items() if one.dims == ("model", "other")]
    pairs = combinations(range(result.sizes["model"]), 2)
    return [
        {"model": str(result["model"][i].item()), "other": str(result["model"][j].item())}
        | {str(name): float(result[name][i, j]) for name in of_pairs}
        for i, j in pairs
    ]


def voice_summary(result: xr.Dataset) -> dict[str, Any]:
    """F0 and formants of input and relevance in the segment."""
    segment = {name: float(result[name]) for name in ("start", "stop")}
    measured = {
        signal: {
            "f0": result["median_f0"].sel(signal=signal).item(),
            "formants": result["median_formants"].sel(signal=signal).values.tolist(),
        }
        for signal in result["signal"].values.tolist()
    }
    return {"target": result.attrs["target"], "rule": result.attrs["rule"], **segment, **measured}


def vowel_rows(result: xr.Dataset, signal: str) -> list[dict[str, Any]]:
    """Rows of a table of shares in percent: measure by group, with a column for each vowel and one for all of them."""
    one = result.sel(signal=signal)
    rows = []
    for measure in one["measure"].values.tolist():
        for group in one["group"].values.tolist():
            cell = one.sel(measure=measure, group=group)
            hits = float((cell["share"] * cell["count"]).sum())
            shares = {name: 100 * float(cell["share"].sel(vowel=name)) for name in cell["vowel"].values.tolist()}
            total = int(cell["count"].sum())
            overall = 100 * hits / total if total else math.nan
            rows.append({"measure": measure, "group": group, **shares, "all": overall, "tokens": total})
    return rows


def coherence_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a layer: the mean coherence, its interval and how many clips it is of."""
    return [
        {"layer": str(row["layer"].item())}
        | {name: float(row[name]) for name in ("coherence", "low", "high")}
        | {"count": int(row["count"])}
        for row in (result.isel(layer=i) for i in range(result.sizes["layer"]))
    ]


def top_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a map and rank: which clip excites the map, when and how much."""
    columns = {name: result[name].values.ravel().tolist() for name in ("clip_name", "clip_index", "peak_time", "value")}
    places = [(c, r) for c in result["channel"].values.tolist() for r in result["rank"].values.tolist()]
    return [
        {"channel": channel, "rank": rank} | {name: values[i] for name, values in columns.items()}
        for i, (channel, rank) in enumerate(places)
    ]


def residual_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a layer: the score on residuals, its change, and what became of the model's answers."""
    names = ("score", "score_low", "score_high", "change", "change_low", "change_high", "agreement")
    changes = result[["logit_change", "probability_change"]]
    mean = changes.mean([dim for dim in changes.dims if dim != "layer"])
    return [
        {"layer": str(layer.item())}
        | {name: float(result[name].values[i]) for name in names}
        | {str(name): float(mean[name].values[i]) for name in mean}
        for i, layer in enumerate(result["layer"])
    ]


def importance_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a layer: its features, and the accuracy behind it with its bounds and runs."""
    return [
        {
            "layer": str(layer.item()),
            "features": int(result["features"].values[i]),
            "accuracy": float(result["mean"].values[i]),
            "low": float(result["low"].values[i]),
            "high": float(result["high"].values[i]),
            "runs": [float(run) for run in result["accuracy"].values[i]],
        }
        for i, layer in enumerate(result["layer"])
    ]


def evolution_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a map and checkpoint: how active it is, and the loudest frequency of its sound."""
    return [
        {
            "channel": one["channel"].item(),
            "checkpoint": one["checkpoint"].item(),
            "activity": float(one["activity"]),
            "peak_frequency": loudest_frequency(one["sonification"].values, result.attrs["sample_rate"]),
        }
        for channel in range(result.sizes["channel"])
        for one in (result.isel(channel=channel, checkpoint=i) for i in range(result.sizes["checkpoint"]))
    ]


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
    scope: Scope, clip: xr.DataArray, results: dict[str, Any], trace: Trace, notes: list[str]
) -> dict[str, Any]:
    """What ``summary.json`` holds beside the list of files."""
    summary: dict[str, Any] = {
        "model": scope.name,
        "model_sha256": scope.digest,
        "audio": clip.attrs.get("name", ""),
        "audio_sha256": clip.attrs.get("sha256", ""),
        "sample_rate": scope.sample_rate,
        "duration": clip.size / scope.sample_rate,
        "otoscope_version": __version__,
        "notes": notes,
        "taps": taps_table(trace),
    }
    if "relevance" in results:
        by_rule = {rule: relevance_summary(one) for rule, one in results["relevance"].items()}
        first = next(iter(by_rule.values()))
        summary |= {"target": first["target"], "logit": first["logit"], "relevance": by_rule}
    if "voice" in results:
        summary["voice"] = voice_summary(results["voice"])
    if "crs" in results:
        summary["crs_peak_frequency"] = peak_frequency(results["crs"])
    if "sonify" in results:
        summary["sonifications"] = {name: sonification_rows(one) for name, one in results["sonify"].items()}
    if "geometry" in results:
        summary["geometry"] = geometry_rows(results["geometry"])
    if "aliasing" in results:
        summary["aliasing"] = aliasing_rows(results["aliasing"])
    return finite(summary)


def finite(value: Any) -> Any:
    """`value` for JSON, which knows no NaN: it becomes null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, (list, tuple)) else value
