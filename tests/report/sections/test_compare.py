"""The sections of a comparison and of shares in many vowels: their numbers, notes and sounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from otoscope import Scope, compare
from otoscope.report.html import Figure, Heading, Note, Section, Table, render
from otoscope.report.sections import make_sections
from otoscope.tables import comparison_pairs, comparison_rows


@pytest.fixture
def result(scope: Scope, clip: torch.Tensor) -> xr.Dataset:
    noise = nn.Sequential(
        nn.Conv1d(1, 4, 30, stride=5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    other = Scope(noise, 8000, name="<other>")
    return compare([scope, other], clip, rule="gradient", target=0)


def section_of(method: str, result: xr.Dataset) -> Section:
    (section,) = make_sections({method: result})
    return section


def tables(section: Section) -> list[Table]:
    return [item for item in section.body if isinstance(item, Table)]


def test_numbers_are_those_of_the_result(result: xr.Dataset) -> None:
    section = section_of("compare", result)
    hears, consists, pairs, geometry = tables(section)
    assert hears.rows[0][:2] == ["cnn12", "zero"]
    assert "relevance: " in section.source and "sonification: " not in section.source  # no layer was given
    assert hears.rows[1][2] == float(result.logit[1])
    assert consists.rows[1][consists.columns.index("parameters")] == 4 * 31 + 10
    assert pairs.rows == [["cnn12 and <other>", *(float(result[name][0, 1]) for name in (
        "band_overlap", "spectrum_cosine", "band_rank_correlation", "crs_cosine"))]]  # fmt: skip
    assert [row[:2] for row in geometry.rows][-1] == ["0", "<other>"]
    assert len(geometry.rows) == result.sizes["layer"]  # no row for a layer that a model does not have


def test_rows_and_pairs_hold_all_numbers_of_models(result: xr.Dataset) -> None:
    rows, (pair,) = comparison_rows(result), comparison_pairs(result)
    assert [row["model"] for row in rows] == ["cnn12", "<other>"]
    assert {"target", "logit", "relevance_peak", "input_overlap", "beyond", "crs_peak", "rate"} <= rows[0].keys()
    assert (pair["model"], pair["other"]) == ("cnn12", "<other>")
    assert pair["band_overlap"] == float(result.band_overlap[0, 1])


def test_the_page_holds_its_sounds_and_notes(result: xr.Dataset) -> None:
    section = section_of("compare", result)
    players = [item.player for item in section.body if isinstance(item, Figure) and item.player]
    loudest = float(np.abs(result.input).max())
    assert [float(np.abs(player.samples).max()) for player in players] == pytest.approx([loudest] * 3)
    assert "random" in next(item.text for item in section.body if isinstance(item, Note))
    assert not any("guided backpropagation" in item.text for item in section.body if isinstance(item, Note))
    page = render("page", [section])
    assert "&lt;other&gt;" in page and "<other>" not in page


def test_without_relevance_there_is_the_first_layer(result: xr.Dataset) -> None:
    relevance = [name for name, one in result.items() if {"time", "band", "frequency", "frame_time"} & set(one.dims)]
    section = section_of("compare", result.drop_vars([*relevance, "relevance_peak", "input_overlap"]))
    assert [item.text for item in section.body if isinstance(item, Heading)] == [
        "Response spectra of the first layer",
        "Mean response of the first layer",
        "Geometry of the weights",
    ]
