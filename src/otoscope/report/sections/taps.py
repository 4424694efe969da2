"""What is inside the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from otoscope.report.html import Section, Table


def taps(taps: Sequence[Mapping[str, Any]], sample_rate: float) -> Section:
    known: dict[str, Callable[[Mapping[str, Any]], object]] = {
        "name": lambda tap: tap.get("name"),
        "kind": lambda tap: tap.get("kind"),
        "channels": lambda tap: tap.get("channels"),
        "kernel": lambda tap: _sizes(tap.get("kernel")),
        "stride": lambda tap: _sizes(tap.get("stride")),
        "dilation": lambda tap: _sizes(tap.get("dilation")),
        "hop (samples)": lambda tap: _hop(tap),
        "receptive field (samples)": lambda tap: tap.get("receptive_field"),
        "receptive field (ms)": lambda tap: _milliseconds(tap.get("receptive_field"), sample_rate),
        "rate (Hz)": lambda tap: None if (hop := _hop(tap)) is None else float(f"{sample_rate / hop:.6g}"),
        "whole clip": lambda tap: "yes" if tap.get("whole") else None,
        "note": lambda tap: tap.get("note") or None,
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
