"""An evaluation as rows and as one JSON object."""

from __future__ import annotations

from collections import Counter
from typing import Any

import xarray as xr

from otoscope.tables import finite, notes, provenance

_BOUNDS = ("ci_low", "ci_high", "speakers_low", "speakers_high")


def metric_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a metric, with its bounds."""
    columns = ["value", *(name for name in _BOUNDS if name in result)]
    table = result[columns].transpose("metric", ...)
    return [
        {"metric": str(name)} | {column: float(table[column][place]) for column in columns}
        for place, name in enumerate(result["metric"].values)
    ]


def group_rows(result: xr.Dataset, metric: str | None = None) -> list[dict[str, Any]]:
    """One row a group and metric, of all metrics or of one."""
    if "group" not in result.dims:
        return []
    chosen = [str(name) for name in result["metric"].values if metric in (None, str(name))]
    return [
        {
            "by": str(group["group_by"].item()),
            "group": str(group["group_name"].item()),
            "clips": int(group["group_clips"]),
            "metric": name,
            "value": float(group["group_value"].sel(metric=name)),
            "ci_low": float(group["group_ci_low"].sel(metric=name)),
            "ci_high": float(group["group_ci_high"].sel(metric=name)),
        }
        for group in (result.isel(group=place) for place in range(result.sizes["group"]))
        for name in chosen
    ]


def wrong_rows(result: xr.Dataset) -> list[dict[str, Any]]:
    """One row a clip whose answer is wrong, the surest first."""
    wrong = result.isel(clip=~result["correct"].values).sortby("probability", ascending=False)
    columns = ("label", "answer", "probability")
    return [
        {"clip": str(wrong["clip"][place].item())} | {name: wrong[name][place].item() for name in columns}
        for place in range(wrong.sizes["clip"])
    ]


def causes(result: xr.Dataset) -> dict[str, int]:
    """How many clips were left out, by cause."""
    return dict(Counter(map(str, result["problem_cause"].values))) if "problem_cause" in result else {}


def report(result: xr.Dataset) -> dict[str, Any]:
    """What ``--json`` prints: the first metric by its name with its bounds, and all else below.

    Returns
    -------
    dict
        Provenance; ``clips``; the first metric, such as ``accuracy``, with ``ci_low`` and ``ci_high``; ``rows`` of all
        metrics; ``groups``; ``wrong``, the clips that were taken for another class; ``confusion``; ``left_out`` by
        cause, and each such clip under ``problems``.
    """
    rows = metric_rows(result)
    first = rows[0]
    content: dict[str, Any] = provenance(result) | {"notes": notes(result), "clips": result.sizes["clip"]}
    content |= {
        name: result.attrs[name] for name in ("speakers", "speakers_interval", "positive") if name in result.attrs
    }
    content |= {first["metric"]: first["value"], "ci_low": first["ci_low"], "ci_high": first["ci_high"]}
    content |= {"rows": rows, "groups": group_rows(result), "wrong": wrong_rows(result)}
    if "confusion" in result:
        names = [str(name) for name in result["class"].values]
        content["confusion"] = {"classes": names, "counts": result["confusion"].values.tolist()}
    content["left_out"] = causes(result)
    content["problems"] = _problems(result)
    made: dict[str, Any] = finite(content)
    return made


def _problems(result: xr.Dataset) -> list[dict[str, str]]:
    if "problem" not in result:
        return []
    columns = (result[name].values for name in ("problem", "problem_cause", "problem_message"))
    return [
        {"clip": str(name), "cause": str(cause), "message": str(message)}
        for name, cause, message in zip(*columns, strict=True)
    ]
