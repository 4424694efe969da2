"""Pictures of a comparison: one scale for all, the sign of a difference, marks, and what is absent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from otoscope import plots
from otoscope.errors import InputError
from otoscope.plots.compare import DIFFERENCE_MAP, compare, compare_bands, compare_difference

RATE, NAMES = 8000, ("low", "high", "both")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def comparison(models: int = 2, *, relevance: bool = True, response: bool = True) -> xr.Dataset:
    """Models of which one hears 500 Hz, one 2000 Hz at a hundredth of the level, and one both."""
    names = list(NAMES[:models])
    time, frequency = np.arange(4000) / RATE, np.arange(0, 4001, 40.0)
    tones = {500: np.sin(2 * np.pi * 500 * time), 2000: 0.01 * np.sin(2 * np.pi * 2000 * time)}
    signals = np.stack([tones[500], tones[2000], tones[500] + tones[2000]])[:models]
    peak = lambda f: 1e-3 + np.exp(-(((frequency - f) / 100) ** 2))  # noqa: E731
    spectra = np.stack([peak(500), 0.01 * peak(2000), peak(500) + peak(2000)])[:models]
    result = xr.Dataset(coords={"model": names, "time": time}, attrs={"method": "compare", "sample_rate": RATE})
    if relevance:
        result["relevance"] = ("model", "time"), signals
        result["input"] = ("time",), tones[500] + 100 * tones[2000]
        result["relevance_spectrum"] = ("model", "frequency"), np.abs(np.fft.rfft(signals))
        result["relevance_spectrogram"] = (
            ("model", "frame_frequency", "frame_time"),
            np.repeat(spectra[..., None], 50, -1),
        )
        result["share"] = ("model", "band"), np.array([[0.9, 0.1], [0.0, 1.0], [0.5, 0.5]])[:models]
        result["input_share"] = ("band",), np.array([0.5, 0.5])
        result = result.assign_coords(
            frequency=np.fft.rfftfreq(4000, 1 / RATE), frame_frequency=frequency, frame_time=np.arange(50) / 100,
            band=[500.0, 2000.0], band_low=("band", [250.0, 1000.0]), band_high=("band", [1000.0, 4000.0]),
        )  # fmt: skip
    if response:
        result["strs"] = ("model", "response_frequency", "response_time"), np.repeat(spectra[..., None], 80, -1)
        result["crs"] = ("model", "response_frequency"), spectra
        result = result.assign_coords(response_frequency=frequency, response_time=np.arange(80) / 160)
    return result


def mesh_of(ax: Axes) -> QuadMesh:
    return next(one for one in ax.collections if isinstance(one, QuadMesh))


def test_every_row_has_one_scale() -> None:
    axes = compare(comparison())
    assert axes.shape == (4, 2)
    for row in axes[:3]:
        for a, b in pairwise(row):
            assert a.get_xlim() == b.get_xlim() and a.get_ylim() == b.get_ylim()
    for row in axes[1:3]:
        limits = {mesh_of(ax).get_clim() for ax in row}
        assert limits == {(-80.0, 0.0)}
        assert row[0].get_xlim() == (0, 0.5)


def test_pictures_show_which_model_is_which() -> None:
    axes = compare(comparison(3))
    assert axes.shape == (4, 3)
    for column, name in zip(axes.T, NAMES, strict=True):
        assert any(text.get_text() == name for text in column[0].texts)
        assert column[1].get_title() == f"{name}: relevance"
        assert column[2].get_title() == f"{name}: STRS"
    assert [ax.get_title() for ax in axes[-1, 1:]] == ["low − high", "low − both"]
    assert [text.get_text() for text in axes[-1, 0].get_legend().get_texts()] == ["input", *NAMES]


@pytest.mark.parametrize("of", ["relevance_spectrogram", "strs"])
def test_a_difference_is_light_where_the_first_is_higher(of: str) -> None:
    mesh = mesh_of(compare_difference(comparison(), Figure().subplots(), of=of))
    level, edges = np.asarray(mesh.get_array())[:, 20], mesh.get_coordinates()[:-1, 0, 1] + 0.02
    assert mesh.get_clim() == (-40, 40)
    assert edges[level.argmax()] == pytest.approx(0.5, abs=0.05)
    assert edges[level.argmin()] == pytest.approx(2.0, abs=0.05)
    # Each is taken below its own peak, so that the level of the weights does not matter: 60 dB of range.
    assert level.max() == pytest.approx(60, abs=0.5) and level.min() == pytest.approx(-60, abs=0.5)


def test_a_model_does_not_differ_from_itself_and_order_is_the_sign() -> None:
    result = comparison(3)
    same = compare_difference(result, Figure().subplots(), model="both", other="both")
    assert not np.asarray(mesh_of(same).get_array()).any()
    ab, ba = (
        np.asarray(mesh_of(compare_difference(result, Figure().subplots(), model=a, other=b)).get_array())
        for a, b in (("low", "both"), ("both", "low"))
    )
    np.testing.assert_array_equal(ab, -ba)


def test_the_colours_of_a_difference_show_their_sign_in_grey() -> None:
    colours = matplotlib.colormaps[DIFFERENCE_MAP](np.linspace(0, 1, 64))[:, :3]
    assert (np.diff(colours @ [0.2126, 0.7152, 0.0722]) > 0).all()
    bar = compare_difference(comparison(), Figure().subplots()).figure.axes[-1]
    assert bar.get_ylabel() == "difference (dB)"
    assert bar.get_yticks().tolist() == [40, 20, 0, -20, -40]


def test_bands_are_drawn_as_steps_at_their_edges_in_per_cent() -> None:
    ax = compare_bands(comparison(), Figure().subplots())
    steps = {patch.get_label(): patch.get_data() for patch in ax.patches}
    np.testing.assert_allclose(steps["low"].values, [90, 10])
    np.testing.assert_allclose(steps["high"].values, [0, 100])
    np.testing.assert_allclose(steps["input"].edges, [250, 1000, 4000])
    assert ax.get_xscale() == "log" and ax.get_xlim() == (250, 4000)


def test_marks_are_named_in_every_spectrum_and_in_the_bands() -> None:
    result = comparison().assign(mark_frequency=("mark", [300.0, 900.0])).assign_coords(mark=["F0", "F1"])
    axes = compare(result)
    for ax in (axes[0, 0], axes[0, 1], axes[-1, 0]):
        assert {"F0", "F1"} <= {text.get_text() for text in ax.texts}


@pytest.mark.parametrize(("relevance", "response", "rows"), [(True, False, 3), (False, True, 2)])
def test_what_is_absent_is_not_drawn(relevance: bool, response: bool, rows: int) -> None:
    result = comparison(relevance=relevance, response=response)
    axes = plots.plot(result)
    assert np.shape(axes) == (rows, 2)
    if not relevance:
        with pytest.raises(InputError, match="no share"):
            compare_bands(result)
        assert "CRS" in np.ravel(axes)[2].get_ylabel()


def test_text_lies_within_the_figure_and_is_legible() -> None:
    figure = compare(comparison(3))[0, 0].figure
    figure.canvas.draw()
    texts = [text for text in figure.findobj(matplotlib.text.Text) if text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= 7
    for ax in figure.axes:
        box = ax.get_tightbbox()
        assert box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1


def test_given_axes_are_drawn_on_and_bad_ones_refused() -> None:
    axes = Figure().subplots(4, 2)
    assert compare(comparison(), axes)[0, 0] is axes[0, 0]
    with pytest.raises(InputError, match="4 x 2 axes; 3 were given"):
        compare(comparison(), Figure().subplots(3))
    with pytest.raises(InputError, match="no model 'middle'; it has low, high"):
        compare_difference(comparison(), other="middle")


def test_silence_is_drawn() -> None:
    result = comparison()
    for name in ("relevance", "relevance_spectrum", "relevance_spectrogram", "share", "input_share", "strs"):
        result[name] = 0 * result[name]
    figure = compare(result)[0, 0].figure
    figure.canvas.draw()
    assert not np.asarray(mesh_of(compare_difference(result)).get_array()).any()
