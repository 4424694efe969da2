"""The main numbers of an inspection, for its page and its ``summary.json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from otoscope._version import __version__
from otoscope.app.found import Found
from otoscope.app.reasons import reason_for
from otoscope.methods.catalogue import METHODS
from otoscope.probe import Trace
from otoscope.subject import Subject
from otoscope.tables import beside, finite, rows

_MOST_ROWS = 200  # of a table in the summary; longer ones are in the arrays
_SEGMENTS = ("segment_label", "segment")  # whose tables stand beside those of a result


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
            "time_axes": list(tap.time_axes),
            "uneven": tap.uneven,
            "clip_axis": tap.clip_axis,
            "note": tap.remarks,
        }
        for tap in trace.values()
    ]


def inspection_summary(subject: Subject, found: Found) -> dict[str, Any]:
    """What ``summary.json`` holds, but for the list of files."""
    tables = {}
    for name, one in found.by_file().items():
        try:
            record = METHODS[one.attrs["method"]]
            tables[name] = rows(one, record)
            divided = {dim: own for dim, own in beside(one, record).items() if dim in _SEGMENTS}
            tables |= {f"{name}_by_{dim}": rows(one, own) for dim, own in divided.items()}
        except Exception as error:
            found.missing[f"table of {name}"] = reason_for(error)
    summary: dict[str, Any] = {
        "model": subject.name,
        "model_sha256": subject.digest,
        "subject": asdict(subject.contract),
        "audio": found.clip.attrs.get("name", ""),
        "audio_sha256": found.clip.attrs.get("sha256", ""),
        "sample_rate": subject.sample_rate,
        "duration": found.clip.sizes["time"] / subject.sample_rate,
        "otoscope_version": __version__,
        "notes": [*filter(None, [found.clip.attrs.get("note")]), *found.notes],
        "missing": found.missing,
    }
    if "relevance" in found.results:
        first = next(iter(found.results["relevance"].values()))
        summary |= {"target": first.attrs["target"], "score_kind": first.attrs["score_kind"]}
        names = ("logit", "score", "probability", "runner_up", "runner_up_probability")
        summary |= {name: first[name].item() for name in names if name in first}
    summary["results"] = {name: table for name, table in tables.items() if len(table) <= _MOST_ROWS}
    summary = finite(summary | {"taps": taps_table(found.taps) if found.taps else []})
    return summary
