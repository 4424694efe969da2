"""Pictures of coherence: the points are the means, the bars the intervals, the mesh the spectra."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from otoscope import InputError, plots
from otoscope.plots.coherence import coherence, coherence_spectrum


@pytest.fixture(autouse=True)
def agg() -> Iterator[None]:
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    yield
    plt.close("all")


def result_of(layers: int = 4, clips: int = 3) -> xr.Dataset:
    rng = np.random.default_rng(0)
    mean = rng.uniform(0.3, 0.9, layers)
    nothing = np.full(layers, np.nan)
    return xr.Dataset(
        {
            "coherence": ("layer", mean),
            "ci_low": ("layer", mean - 0.1 if clips > 1 else nothing),
            "ci_high": ("layer", mean + 0.05 if clips > 1 else nothing),
            "clip_coherence": (("clip", "layer"), rng.uniform(size=(clips, layers))),
            "coherence_spectrum": (("layer", "frequency"), rng.uniform(size=(layers, 129))),
        },
        {"layer": [f"features.pool{n}" for n in range(layers)], "frequency": np.linspace(0, 4000, 129)},
        {"method": "coherence"},
    )


def bars_of(ax: Axes) -> np.ndarray:
    """Lower and upper end of every interval."""
    (segments,) = (lines.get_segments() for lines in ax.collections)
    return np.array([[segment[:, 1].min(), segment[:, 1].max()] for segment in segments])


def test_points_and_bars_are_the_means_and_intervals() -> None:
    result = result_of()
    ax = coherence(result, Figure().subplots())
    np.testing.assert_allclose(ax.lines[0].get_ydata(), result["coherence"])
    np.testing.assert_allclose(bars_of(ax), np.stack([result["ci_low"], result["ci_high"]], 1))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [f"pool{n}" for n in range(4)]
    assert ax.get_legend() is None


def test_a_single_clip_has_points_without_bars() -> None:
    bars = bars_of(coherence(result_of(clips=1), Figure().subplots()))
    np.testing.assert_allclose(bars[:, 0], bars[:, 1])


def test_models_stand_beside_each_other() -> None:
    ax = coherence({"one": result_of(), "two": result_of()}, Figure().subplots())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
    with pytest.raises(InputError, match="as many layers"):
        coherence({"one": result_of(4), "two": result_of(3)})
    with pytest.raises(InputError, match="at least one"):
        coherence({})


def test_the_mesh_is_the_spectrum() -> None:
    result = result_of()
    ax = coherence_spectrum(result, Figure().subplots())
    (mesh,) = ax.collections
    np.testing.assert_allclose(np.asarray(mesh.get_array()), result["coherence_spectrum"].T)
    assert mesh.get_clim() == (0, 1)
    assert ax.get_ylabel() == "frequency (kHz)"


def test_without_axes_nothing_is_left_out() -> None:
    curve, spectrum = plots.plot(result_of(11))
    assert (curve.get_ylabel(), spectrum.get_ylabel()) == ("mean coherence (0–1)", "frequency (kHz)")
    figure = curve.figure
    assert figure.get_size_inches()[0] == pytest.approx(3.4)
    figure.savefig(io.BytesIO())
    assert min(text.get_fontsize() for ax in figure.axes for text in ax.get_xticklabels()) >= 7


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="no ci_low"):
        coherence(result_of().drop_vars("ci_low"))
    with pytest.raises(InputError, match="no coherence_spectrum"):
        coherence_spectrum(result_of().drop_vars("coherence_spectrum"))
    with pytest.raises(InputError, match="3 were given"):
        coherence(result_of(), Figure().subplots(3))
    with pytest.raises(InputError, match="several results one"):
        coherence({"one": result_of()}, Figure().subplots(2))
