"""Pictures of sonifications: the most active maps, each with its name, its activity and the time of its peak."""

from __future__ import annotations

import io

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from otoscope import plots
from otoscope.errors import InputError
from otoscope.plots.sonify import sonify

RATE = 8000


def sounds_of(samples: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {
            "sonification": (("channel", "time"), np.stack([samples, 0 * samples, samples[::-1]])),
            "activity": ("channel", [0.1, 0.0, 2.0]),
            "peak_time": ("channel", [0.1, np.nan, 0.4]),
        },
        {"channel": [3, 17, 5], "time": np.arange(samples.size) / RATE},
        {"method": "sonify", "sample_rate": RATE},
    )


def sine() -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 2) / RATE)


def test_one_axes_shows_the_most_active_map() -> None:
    sounds, ax = sounds_of(sine()), Figure().subplots()
    assert sonify(sounds, ax) is ax
    assert ax.get_title() == "map 5, activity 2"
    assert ax.lines[0].get_xdata() == [0.4]  # the triangle
    assert not sonify(sounds, Figure().subplots(), channels=17).lines  # a silent map has no peak
    with pytest.raises(InputError, match="no channel 4"):
        sonify(sounds, channels=4)


def test_a_whole_layer() -> None:
    sounds = sounds_of(sine()).isel(channel=[0]).assign_coords(channel=["layer"]).drop_vars("activity")
    assert sonify(sounds, Figure().subplots(), channels="layer").get_title() == "whole layer"
    assert sonify(sounds).get_title() == "whole layer"


@pytest.mark.filterwarnings("error")
def test_several_maps_have_one_colour_bar() -> None:
    sounds = sounds_of(sine())
    axes = plots.plot(sounds)
    assert [ax.get_title() for ax in axes] == ["map 5\nactivity 2", "map 3\nactivity 0.1", "map 17\nactivity 0"]
    assert len(axes[0].figure.axes) == 4  # with one colour bar
    assert [ax.get_ylabel() for ax in axes] == ["frequency (kHz)", "", ""]
    given = Figure().subplots(1, 2)
    assert list(sonify(sounds, given, channels=[3, 17])) == list(given)
    with pytest.raises(InputError, match="2 maps need as many axes"):
        sonify(sounds, Figure().subplots(1, 3), channels=[3, 17])
    with pytest.raises(InputError, match="at least one"):
        sonify(sounds, channels=[])


@pytest.mark.filterwarnings("error")
def test_silence_gives_a_finite_picture() -> None:
    for ax in sonify(sounds_of(np.zeros(RATE // 2))):
        assert "silence" in {text.get_text() for text in ax.texts}
        assert np.isfinite(np.asarray(ax.collections[0].get_array())).all()
        ax.figure.savefig(io.BytesIO(), format="png")
