"""The rows of layers on a page, in samples and hertz."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

from otoscope import Scope
from otoscope.app.layers import aliasing_rows, geometry_rows, tap_rows
from otoscope.app.result_tables import table_entries


def made() -> Scope:
    layers = [nn.Conv1d(1, 16, 30, stride=10), nn.ReLU(), nn.Conv1d(16, 4, 5, stride=2, dilation=2), nn.ReLU()]
    return Scope(nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2)), 8000)


def test_a_tap_has_its_place_in_time_and_its_silent_maps(clip: Tensor) -> None:
    taps = made().taps(clip)
    rows = tap_rows(taps, {"1": 3}, {"3"})
    assert [row["name"] for row in rows] == list(taps)
    first, activation, second, last, whole = rows[:5]
    assert (first["kernel"], first["stride"], first["hop"], first["receptive_field"]) == (30, 10, 10, 30)
    assert (first["rate"], second["hop"], second["dilation"], second["receptive_field"]) == (800, 20, 2, 110)
    assert activation["silent"] == 3 and "silent" not in first and activation["kernel"] is None
    assert last["stored"] and "stored" not in first
    assert (whole["hop"], whole["rate"]) == (None, None)


def test_tables_hold_what_the_methods_say(clip: Tensor) -> None:
    scope = made()
    taps, geometry, aliasing = scope.taps(clip), scope.geometry(), scope.aliasing(clip)
    rows = geometry_rows(geometry, taps)
    assert [row["layer"] for row in rows] == geometry.layer.values.tolist()
    assert [row["mu"] for row in rows] == pytest.approx(geometry["mu"].values.tolist(), rel=1e-4)
    assert rows[0]["taps"] == ["0"]
    steps, skipped = aliasing_rows(aliasing)
    assert [row["share"] for row in steps] == pytest.approx(aliasing.share.values.tolist(), rel=1e-4)
    assert [row["step"] for row in steps] == ["0", "2"]
    assert [one["step"] for one in skipped] == ["4"] and "one value" in skipped[0]["reason"]
    (flow,) = table_entries({"data_flow": scope.data_flow(clip)})
    rates = {row["layer"]: row["rate"] for row in flow["rows"]}
    assert list(rates) == ["input", "1", "3"] and rates["1"] == 800
    assert flow["call"]["method"] == "data_flow" and flow["headings"]["peak_frequency"] == "peak frequency"
