"""Pictures of scores by layer show the numbers, their bounds and what they are compared with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from otoscope import InputError, plots
from otoscope.methods import layer_importance, residual, residual_study
from otoscope.methods.clips import Clip

RATE = 8000


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.Conv1d(6, 5, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        nn.Linear(5, 3),
    )  # fmt: skip


def clips(count: int = 6, labels: bool = True) -> list[Clip]:
    x = torch.randn(count, 1, 400, generator=torch.Generator().manual_seed(0))
    return [Clip(str(n), x[n : n + 1], str(n % 3) if labels else None) for n in range(count)]


@pytest.mark.parametrize("labels", [True, False])
def test_a_study_shows_score_bounds_and_baseline(labels: bool) -> None:
    study = residual_study(network(), clips(labels=labels), sample_rate=RATE)
    ax = plots.plot(study)
    assert ax.get_ylabel() == ("accuracy" if labels else "same answer (share)")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "3"]
    dashed, points = ax.lines[:2]
    np.testing.assert_allclose(dashed.get_ydata(), float(study.baseline))
    np.testing.assert_allclose(points.get_ydata(), study.score)
    bars = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([bar[:, 1] for bar in bars], np.stack([study.score_low, study.score_high], 1), atol=1e-9)


def test_importance_of_several_settings_side_by_side() -> None:
    known = [layer_importance(network(), clips(), clips(), sample_rate=RATE, epochs=1, seeds=n) for n in (2, 1)]
    ax = plots.layer_importance({"two": known[0], "one": known[1]}, Figure().subplots())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["commonest class", "two", "one"]
    for result, container in zip(known, ax.containers, strict=True):
        np.testing.assert_allclose(container.lines[0].get_ydata(), result["mean"])
    alone = plots.plot(known[1])  # of one run there are no bounds
    assert alone.get_ylim() == (0, 1.02)
    with pytest.raises(InputError, match="other is of other layers than one"):
        plots.layer_importance({"one": known[1], "other": known[0].isel(layer=[0])})


def test_residual_sounds_have_a_panel_each() -> None:
    rest = residual(network(), clips()[0].inputs, sample_rate=RATE)
    axes = plots.plot(rest)
    channels = rest.channel.values[0].tolist()
    assert [ax.get_title() for ax in axes] == [
        f"{name}, without map {n}" for name, n in zip("13", channels, strict=True)
    ]
    with pytest.raises(InputError, match="2 layers need as many axes"):
        plots.residual(rest, Figure().subplots(1, 3))
    with pytest.raises(InputError, match="one clip"):
        plots.residual(residual(network(), torch.randn(2, 1, 400), sample_rate=RATE))
