"""`otoscope compare`: the numbers of Python, side by side, and checkpoints told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from otoscope import Scope, compare, load

Otoscope = Any


def test_two_models_get_the_numbers_of_python(
    otoscope: Otoscope, small: str, small_scope: Scope, tone: Path, tmp_path: Path
) -> None:
    options = ("--target-a", "a", "--target-b", "b", "--rule", "gradient", "--mark", "F1=440", "--layer", "relu")
    found = otoscope("compare", small, small, tone, *options, "--out", tmp_path / "out", "--json").json()
    result = compare([small_scope, small_scope], tone, target=["a", "b"], rule="gradient", layer="relu")
    assert [row["model"] for row in found["models"]] == ["Small 1", "Small 2"]
    assert [row["target"] for row in found["models"]] == ["a", "b"]
    assert [row["logit"] for row in found["models"]] == result.logit.values.tolist()
    assert [row["relevance_peak"] for row in found["models"]] == result.relevance_peak.values.tolist()
    assert found["band"] == result.band.values.tolist()
    assert list(found["share"].values()) == result.share.values.tolist()
    (pair,) = found["pairs"]
    for name in ("spectrum_cosine", "band_overlap", "band_rank_correlation", "crs_cosine"):
        assert pair[name] == float(result[name][0, 1])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "compare.nc", "compare.png", "report.html", "compare_modelSmall 1.wav", "compare_modelSmall 2.wav",
        "compare_sonification_modelSmall 1.wav", "compare_sonification_modelSmall 2.wav",
    }  # fmt: skip
    with xr.open_dataset(tmp_path / "out/compare.nc") as loaded:
        np.testing.assert_array_equal(loaded.spectrogram, result.spectrogram)
        assert loaded.mark.values.tolist() == ["F1"] and loaded.mark_frequency.values.tolist() == [440]


def test_checkpoints_are_named_by_their_files(otoscope: Otoscope, small: str, tone: Path, tmp_path: Path) -> None:
    model = load(small)
    for name in ("before", "after"):
        torch.save(model.state_dict(), tmp_path / f"{name}.pt")
        torch.nn.init.normal_(model.conv.weight)
    weights = ("--weights-a", tmp_path / "before.pt", "--weights-b", tmp_path / "after.pt")
    found = otoscope("compare", small, small, tone, *weights, "--target", "c", "--json").json()
    assert [row["model"] for row in found["models"]] == ["Small (before)", "Small (after)"]
    assert [row["target"] for row in found["models"]] == ["c", "c"]
    assert found["pairs"][0]["crs_cosine"] < 0.999


def test_a_table_is_printed_and_notes_go_elsewhere(otoscope: Otoscope, small: str, tone: Path) -> None:
    ran = otoscope("compare", small, "cnn12", tone)
    assert ran.code == 0
    assert "Small" in ran.out and "cnn12" in ran.out and "relevance in the same bands" in ran.out
    assert "The weights of cnn12 are random" in ran.err and "random" not in ran.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--mark", "F0"), "--mark takes NAME=HZ, as in F0=120, not 'F0'"),
        (("--target-b", "z"), "unknown class 'z'"),
        (("--layer-a", "relu"), "no layer to sonify was given for Small 2"),
        (("--weights-a", "no.pt"), "no.pt"),
        (("--rule", "best", "--target", "a"), "unknown rule 'best'"),
    ],
)
def test_bad_input_is_refused(
    otoscope: Otoscope, small: str, tone: Path, options: tuple[str, ...], message: str
) -> None:
    otoscope("compare", small, small, tone, *options).expect_refusal(message)
