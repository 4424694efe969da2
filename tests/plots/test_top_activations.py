"""Pictures of top activations: the band spans the ranks, a row is a map, inputs stand left and sonifications right."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope import InputError, plots
from otoscope.plots.top_activations import top_activations, top_sound

RATE = 8000


@pytest.fixture(autouse=True)
def agg() -> Iterator[None]:
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    yield
    plt.close("all")


def result_of(maps: int = 3, ranks: int = 3, seconds: float = 0.2) -> xr.Dataset:
    rng = np.random.default_rng(0)
    dims, shape = ("channel", "rank"), (maps, ranks)
    sounds = rng.normal(0, 0.1, (2, *shape, round(seconds * RATE)))
    return xr.Dataset(
        {
            "activation": (dims, -np.sort(-rng.uniform(1, 9, shape), 1)),
            "clip_name": (dims, np.full(shape, "folder/a_rather_long_name_of_a_clip.wav")),
            "clip_index": (dims, np.zeros(shape, int)),
            "peak_time": (dims, np.full(shape, 0.35)),
            "start": (dims, np.full(shape, 0.25)),
            "input": ((*dims, "time"), sounds[0]),
            "sonification": ((*dims, "time"), sounds[1]),
        },
        {"channel": [7, 3, 12, 40][:maps], "rank": range(1, ranks + 1), "time": np.arange(sounds.shape[-1]) / RATE},
        {"method": "top_activations", "sample_rate": RATE},
    )


def test_maps_come_by_their_strongest_activation() -> None:
    result = result_of()
    ax = top_activations(result, Figure().subplots())
    order = np.argsort(-result["activation"].values[:, 0])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [str(result["channel"].values[i]) for i in order]
    band, strongest, weakest = ax.patches
    np.testing.assert_allclose(strongest.get_data().values, result["activation"].values[order, 0])
    np.testing.assert_allclose(weakest.get_data().values, result["activation"].values[order, -1])
    np.testing.assert_allclose(band.get_data().baseline, result["activation"].values[order, -1])


def test_silent_maps_are_counted() -> None:
    result = result_of()
    result["activation"][0] = 0
    ax = top_activations(result, Figure().subplots())
    assert "1 of 3 maps silent" in [text.get_text() for text in ax.texts]
    result["activation"][:] = 0
    top_activations(result, Figure().subplots()).figure.savefig(io.BytesIO())


def test_a_layer_of_many_maps_has_no_names_on_each_other() -> None:
    many = xr.Dataset({"activation": (("channel", "rank"), np.ones((512, 1)))}, {"channel": range(512), "rank": [1]})
    ax = top_activations(many, Figure().subplots())
    assert len(ax.get_xticks()) < 20 and ax.get_xlabel() == "maps, the strongest first"


def test_a_row_is_a_map_with_inputs_left_and_sonifications_right() -> None:
    result = result_of(maps=2)
    axes = plots.plot(result)
    assert axes.shape == (2, 6)
    assert axes[0, 0].get_title() == "input 1\na_rath…a_clip" and axes[1, 0].get_title() == "a_rath…a_clip"
    assert axes[0, 3].get_title() == "sonification 1" and axes[1, 3].get_title() == ""
    assert [ax.get_ylabel().split("\n")[0] for ax in axes[:, 0]] == ["map 7", "map 3"]
    for column, kind in ((1, "input"), (4, "sonification")):
        alone = plots.spectrogram(result[kind].values[1, 1], Figure().subplots(), sample_rate=RATE)
        drawn = np.asarray(axes[1, column].collections[0].get_array())
        np.testing.assert_allclose(drawn, np.asarray(alone.collections[0].get_array()))
    (triangle,) = axes[0, 0].lines
    assert triangle.get_xdata()[0] == pytest.approx(0.1)  # within the piece
    axes[0, 0].figure.savefig(io.BytesIO())


def test_few_ranks_and_axes_of_ones_own() -> None:
    result = result_of(maps=1, ranks=2)
    given = Figure().subplots(1, 2)
    assert top_activations(result, given, ranks=1).ravel().tolist() == list(given)
    with pytest.raises(InputError, match="need 4 axes; 2 were given"):
        top_activations(result, given)


def test_silence_and_an_unknown_peak_can_be_drawn() -> None:
    result = result_of(maps=1)
    result["sonification"][:] = 0
    result["peak_time"][:] = np.nan
    axes = top_activations(result)
    assert not axes[0, 0].lines and "silence" in {text.get_text() for text in axes[0, 3].texts}


def test_one_sound() -> None:
    one = result_of().isel(channel=0, rank=0)
    assert top_sound(one, Figure().subplots(), of="sonification").get_ylabel() == "frequency (kHz)"
    with pytest.raises(InputError, match="no loudness"):
        top_sound(one, of="loudness")
