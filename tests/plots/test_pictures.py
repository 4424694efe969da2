"""Pictures: the axes given are the axes drawn on, units are on them, and silence, long and bad input is borne."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.figure import Figure

from otoscope import drawing, plots
from otoscope.errors import InputError

RATE = 8000


def sine(frequency: float = 1000.0, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def clip_of(samples: np.ndarray, rate: int = RATE) -> xr.DataArray:
    return xr.DataArray(samples.astype(np.float32), dims="time", attrs={"sample_rate": rate, "name": "a.wav"})


def strs_of(values: np.ndarray) -> xr.DataArray:
    frequency, time = np.linspace(0, RATE / 2, values.shape[0]), np.arange(values.shape[1]) / 800
    return xr.DataArray(values, {"frequency": frequency, "time": time}, ("frequency", "time"), attrs={"method": "strs"})


def crs_of(values: np.ndarray, nyquist: float = RATE / 2) -> xr.DataArray:
    frequency = np.linspace(0, nyquist, values.size)
    return xr.DataArray(values, {"frequency": frequency}, ("frequency",), name="crs", attrs={"units": "V"})


def relevance_of(signal: np.ndarray, sound: np.ndarray) -> xr.Dataset:
    frames = {"frame_frequency": np.linspace(0, RATE / 2, 101), "frame_time": np.arange(50) / 100}
    ones = np.ones((101, 50)) * np.abs(signal).max()
    return xr.Dataset(
        {
            "signal": ("time", signal),
            "spectrum": ("frequency", np.abs(np.fft.rfft(signal))),
            "spectrogram": (("frame_frequency", "frame_time"), ones),
            "input": ("time", sound),
            "input_spectrogram": (("frame_frequency", "frame_time"), np.ones((101, 50)) * np.abs(sound).max()),
        },
        {
            "time": np.arange(signal.size) / RATE,
            "frequency": np.fft.rfftfreq(signal.size, 1 / RATE),
            **frames,
        },
        attrs={"method": "relevance", "sample_rate": RATE, "rule": "guided"},
    )


def sonification_of(samples: np.ndarray) -> xr.DataArray:
    return xr.DataArray(
        np.stack([samples, 0 * samples, samples[::-1]]),
        {
            "channel": [3, 17, 5],
            "time": np.arange(samples.size) / RATE,
            "activity": ("channel", [0.1, 0.0, 2.0]),
            "peak_time": ("channel", [0.1, np.nan, 0.4]),
        },
        ("channel", "time"),
        attrs={"method": "sonify", "sample_rate": RATE},
    )


def geometry_of(layers: int) -> xr.Dataset:
    values = np.linspace(0.2, 0.9, layers)
    angles, bounds = np.degrees(np.arccos(values)), np.linspace(1, 12, layers)
    columns = {"mu": values, "mu_avg": values / 2, "beta_min": angles, "beta_avg": angles, "A": 0 * bounds}
    skip = np.arange(layers) % 2
    return xr.Dataset(
        {name: ("layer", column) for name, column in {**columns, "B": bounds, "skip": skip}.items()},
        {"layer": [f"encoder.blocks.{i}.convolution" for i in range(layers)]},
        attrs={"method": "geometry"},
    )


def pictures(samples: np.ndarray) -> dict[str, Callable[..., Any]]:
    """Every function that draws on one axes, on results of these samples."""
    clip, strs = clip_of(samples), strs_of(np.full((65, 40), np.abs(samples).max()))
    relevance, sounds = relevance_of(samples / 3, samples), sonification_of(samples)
    return {
        "waveform": lambda ax=None: plots.waveform(clip, ax),
        "spectrogram": lambda ax=None: plots.spectrogram(clip, ax),
        "strs": lambda ax=None: plots.strs(strs, ax),
        "strs linear": lambda ax=None: plots.strs(strs, ax, db=False),
        "crs": lambda ax=None: plots.crs(crs_of(strs.values[:, 0]), ax),
        "crs dB": lambda ax=None: plots.crs(crs_of(strs.values[:, 0]), ax, db=True),
        "relevance_signal": lambda ax=None: plots.relevance_signal(relevance, ax),
        "relevance_spectrum": lambda ax=None: plots.relevance_spectrum(relevance, ax, marks={"F0": 120, "F1": 200}),
        "relevance_spectrogram": lambda ax=None: plots.relevance_spectrogram(relevance, ax),
        "sonification": lambda ax=None: plots.sonification(sounds, 3, ax),
    }


NAMES = list(pictures(sine()))


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[Any]:
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def mesh_of(ax: Axes) -> QuadMesh:
    return next(one for one in ax.collections if isinstance(one, QuadMesh))


@pytest.mark.parametrize("name", NAMES)
def test_draws_on_the_axes_given_and_opens_no_figure(name: str, pyplot: Any) -> None:
    ax = Figure().subplots()
    before = dict(matplotlib.rcParams)
    assert pictures(sine())[name](ax) is ax
    assert ax.has_data()
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", NAMES)
def test_makes_a_figure_of_one_column_with_legible_text(name: str, pyplot: Any) -> None:
    ax = pictures(sine())[name]()
    figure = ax.figure
    assert len(pyplot.get_fignums()) == 1
    assert 3.3 <= figure.get_size_inches()[0] <= 3.5
    figure.canvas.draw()
    texts = [text for text in figure.findobj(matplotlib.text.Text) if text.get_text()]
    assert texts
    assert min(text.get_fontsize() for text in texts) >= 7


@pytest.mark.parametrize("name", NAMES)
def test_text_lies_within_the_figure(name: str) -> None:
    figure = pictures(sine())[name]().figure
    figure.canvas.draw()
    page = figure.bbox
    for ax in figure.axes:
        box = ax.get_tightbbox()
        assert box.x0 >= page.x0 - 1
        assert box.x1 <= page.x1 + 1
        assert box.y0 >= page.y0 - 1
        assert box.y1 <= page.y1 + 1


@pytest.mark.parametrize("name", NAMES)
def test_axes_say_their_units(name: str) -> None:
    ax = pictures(sine())[name](Figure().subplots())
    for label in (ax.get_xlabel(), ax.get_ylabel()):
        assert any(unit in label for unit in ("(s)", "(Hz)", "(kHz)", "(FS = 1)", "(re peak)", "dB", "(V)")), label


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("error")
def test_silence_gives_a_finite_picture(name: str) -> None:
    ax = pictures(np.zeros(RATE // 2))[name](Figure().subplots())
    ax.figure.savefig(io.BytesIO(), format="png")
    values = [line.get_ydata() for line in ax.lines] + [mesh.get_array() for mesh in ax.collections]
    assert all(np.isfinite(np.asarray(one, dtype=float)).all() for one in values if one is not None)
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()


def test_decibels_agree_with_the_definition() -> None:
    magnitude = np.random.default_rng(0).uniform(0.01, 3, 50)
    np.testing.assert_allclose(
        drawing.decibels(magnitude, 80), 20 * np.log10(magnitude) - 20 * np.log10(magnitude.max()), atol=1e-12
    )


def test_spectrogram_is_loudest_at_the_frequency_of_a_sine() -> None:
    ax = plots.spectrogram(clip_of(sine(1000)), Figure().subplots())
    mesh = mesh_of(ax)
    level, edges = np.asarray(mesh.get_array()), mesh.get_coordinates()[:, 0, 1]
    loudest = level[:, level.shape[1] // 2].argmax()
    assert edges[loudest] <= 1.0 <= edges[loudest + 1]
    assert level.max() == 0
    assert level.min() >= -80


def test_spectrogram_of_a_long_clip_is_seamless_and_narrow() -> None:
    mesh = mesh_of(plots.spectrogram(clip_of(sine(500, seconds=100, rate=4000), 4000), Figure().subplots()))
    level = np.asarray(mesh.get_array())
    assert level.shape[1] <= 1024
    # A steady tone looks the same in every column but the first and last, also across blocks.
    assert np.ptp(level[:, 1:-1], axis=1).max() < 1.5


def test_colour_bar_states_range_and_unit() -> None:
    ax = plots.spectrogram(clip_of(sine()), Figure().subplots(), dynamic_range=60)
    bar = ax.figure.axes[-1]
    assert "dB" in bar.get_ylabel()
    assert bar.get_ylim() == (-60, 0)
    assert len(plots.spectrogram(clip_of(sine()), Figure().subplots(), colorbar=False).figure.axes) == 1


def test_colour_map_grows_steadily_lighter() -> None:
    colours = matplotlib.colormaps[drawing.COLOUR_MAP](np.linspace(0, 1, 64))[:, :3]
    assert (np.diff(colours @ [0.2126, 0.7152, 0.0722]) > 0).all()


def test_geometric_frequencies_get_a_logarithmic_axis() -> None:
    frequency = 55 * 2 ** (np.arange(60) / 12)
    result = xr.DataArray(np.ones((60, 4)), {"frequency": frequency, "time": np.arange(4) / 10}, ("frequency", "time"))
    assert plots.strs(result, Figure().subplots()).get_yscale() == "log"
    assert plots.strs(strs_of(np.ones((65, 4))), Figure().subplots()).get_yscale() == "linear"


def test_pooling_keeps_energy() -> None:
    values = np.random.default_rng(1).uniform(size=(3, 4096))
    pooled, position = drawing.pool_columns(values, np.arange(4096.0), 1024)
    assert pooled.shape == (3, 1024)
    np.testing.assert_allclose((pooled**2).mean(1), (values**2).mean(1))
    assert position.mean() == pytest.approx(2047.5)


def test_envelope_of_a_long_waveform_keeps_its_extremes() -> None:
    samples = sine(50, seconds=10)
    samples[12345] = 0.9
    ax = plots.waveform(clip_of(samples), Figure().subplots())
    (body,) = (one for one in ax.collections if isinstance(one, PolyCollection))
    assert body.get_paths()[0].vertices[:, 1].max() == pytest.approx(0.9)
    assert len(body.get_paths()[0].vertices) < 10_000


@pytest.mark.parametrize("name", NAMES)
def test_pdf_works_and_stays_small(name: str) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 30 * RATE)
    buffer = io.BytesIO()
    pictures(samples)[name]().figure.savefig(buffer, format="pdf")
    assert buffer.getvalue().startswith(b"%PDF")
    assert len(buffer.getvalue()) < 1_000_000


def test_crs_overlays_curves_with_labels() -> None:
    curve = crs_of(np.ones(5))
    for curves, labels in (({"one": curve, "two": 2 * curve}, None), ([curve, 2 * curve], ["one", "two"])):
        ax = plots.crs(curves, Figure().subplots(), labels=labels)
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two"]
        assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 2


def test_crs_in_hertz_below_two_kilohertz() -> None:
    assert plots.crs(crs_of(np.ones(5), nyquist=1000), Figure().subplots()).get_xlabel() == "frequency (Hz)"


def test_crs_needs_a_curve_and_as_many_labels() -> None:
    with pytest.raises(InputError, match="at least one"):
        plots.crs([])
    with pytest.raises(InputError, match="2 were given"):
        plots.crs([crs_of(np.ones(5))], labels=["a", "b"])


@pytest.mark.parametrize("layers", [1, 5, 40])
def test_geometry_has_three_panels_and_circles_skips(layers: int) -> None:
    result = geometry_of(layers)
    axes = plots.geometry(result)
    assert len(axes) == 3
    circles = [line for line in axes[0].lines if line.get_markerfacecolor() == "none" and len(line.get_xdata())]
    assert {x for line in circles for x in line.get_xdata()} == set(range(1, layers, 2))
    assert len(axes[2].get_xticks()) <= 24
    assert "degrees" in axes[1].get_ylabel()
    axes[0].figure.canvas.draw()


def test_geometry_draws_on_three_axes_given_and_bears_what_is_not_known() -> None:
    given = Figure().subplots(3)
    result = geometry_of(3)
    result["B"][:] = np.nan
    assert list(plots.geometry(result, given)) == list(given)
    with pytest.raises(InputError, match="three axes"):
        plots.geometry(geometry_of(3), Figure().subplots(2))
    with pytest.raises(InputError, match="no mu_avg"):
        plots.geometry(geometry_of(3).drop_vars("mu_avg"))


def test_marks_stand_at_their_frequencies() -> None:
    result = relevance_of(sine(), sine())
    ax = plots.relevance_spectrum(result, Figure().subplots(), marks={"F0": 120.0, "F1": 700.0})
    upright = sorted(line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1)
    assert upright == [0.12, 0.7]
    assert {"F0", "F1"} <= {text.get_text() for text in ax.texts}


def test_relevance_spectrogram_of_input() -> None:
    result = relevance_of(0 * sine(), sine())
    assert "no relevance" in {text.get_text() for text in plots.relevance_spectrogram(result).texts}
    assert not plots.relevance_spectrogram(result, of="input_spectrogram").texts
    with pytest.raises(InputError, match="no other"):
        plots.relevance_spectrogram(result, of="other")


def test_sonification_takes_the_most_active_map() -> None:
    sounds = sonification_of(sine())
    assert plots.sonification(sounds, ax=Figure().subplots()).get_title() == "map 5, activity 2"
    with pytest.raises(InputError, match="no channel 4"):
        plots.sonification(sounds, 4)


def test_sonification_of_a_whole_layer() -> None:
    sounds = sonification_of(sine()).isel(channel=[0]).assign_coords(channel=["layer"]).drop_vars("activity")
    assert plots.sonification(sounds, "layer", Figure().subplots()).get_title() == "whole layer"


@pytest.mark.filterwarnings("error")
def test_sonification_grid() -> None:
    sounds = sonification_of(sine())
    axes = plots.sonification_grid(sounds)
    assert [ax.get_title().split("\n")[0] for ax in axes] == ["map 5", "map 3", "map 17"]
    assert len(axes[0].figure.axes) == 4  # with one colour bar
    assert [ax.get_ylabel() for ax in axes] == ["frequency (kHz)", "", ""]
    given = Figure().subplots(1, 2)
    assert list(plots.sonification_grid(sounds, [3, 17], given)) == list(given)
    with pytest.raises(InputError, match="2 channels"):
        plots.sonification_grid(sounds, [3, 17], Figure().subplots(1, 3))
    with pytest.raises(InputError, match="at least one"):
        plots.sonification_grid(sounds, [])


@pytest.mark.parametrize(
    ("result", "label"),
    [
        (strs_of(np.ones((5, 4))), "frequency (kHz)"),
        (crs_of(np.ones(5)), "CRS (V)"),
        (relevance_of(sine(), sine()), "frequency (kHz)"),
        (sonification_of(sine()), "frequency (kHz)"),
        (clip_of(sine()), "amplitude (FS = 1)"),
        (strs_of(np.ones((5, 4))).drop_attrs(), "frequency (kHz)"),
    ],
)
def test_plot_knows_what_to_draw(result: xr.DataArray | xr.Dataset, label: str) -> None:
    ax = Figure().subplots()
    assert plots.plot(result, ax) is ax
    assert ax.get_ylabel() == label


def test_plot_of_geometry_and_of_the_unknown() -> None:
    assert len(plots.plot(geometry_of(2), Figure().subplots(3))) == 3
    with pytest.raises(InputError, match="no picture"):
        plots.plot(xr.DataArray([1.0], dims="layer", attrs={"method": "importance"}))


def test_a_batch_of_one_is_a_clip_and_of_two_is_not() -> None:
    batch = strs_of(np.ones((5, 4))).expand_dims(clip=1)
    assert plots.strs(batch, Figure().subplots()).has_data()
    assert plots.relevance_signal(relevance_of(sine(), sine()).expand_dims(clip=1), Figure().subplots()).has_data()
    with pytest.raises(InputError, match=r"isel\(clip=0\)"):
        plots.strs(xr.concat([batch, batch], "clip"))


@pytest.mark.parametrize(
    ("sound", "message"),
    [
        (np.zeros((2, 10)), "one channel"),
        (np.zeros(0), "empty"),
        (np.array([0.0, np.nan]), "not finite"),
        (xr.DataArray(np.zeros((2, 10)), dims=("channel", "time")), "dimensions"),
    ],
)
def test_sounds_that_cannot_be_drawn(sound: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plots.waveform(sound, sample_rate=RATE)


def test_arrays_need_a_sample_rate() -> None:
    with pytest.raises(InputError, match="pass sample_rate"):
        plots.waveform(sine())
    assert plots.waveform(sine(), Figure().subplots(), sample_rate=RATE).get_xlim() == (0, 0.5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("length", [1, 2, 50, 201])
def test_very_short_clips(length: int) -> None:
    clip = clip_of(sine()[:length] + 0.1)
    plots.waveform(clip, Figure().subplots())
    ax = plots.spectrogram(clip, Figure().subplots())
    ax.figure.savefig(io.BytesIO(), format="png")
    assert mesh_of(ax).get_array().size > 0


def test_matplotlib_is_not_loaded_with_the_library() -> None:
    script = "import sys, otoscope, otoscope.plots, otoscope.report; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_recording() -> None:
    root = os.environ.get("OTOSCOPE_DATA")
    if not root or not (path := Path(root, "fsdd/recordings/7_jackson_3.wav")).is_file():
        pytest.skip("OTOSCOPE_DATA does not lead to fsdd")
    from otoscope.audio import load_audio

    clip = load_audio(path)
    ax = plots.spectrogram(clip, Figure().subplots())
    assert ax.get_ylim()[1] >= 3.9
    assert ax.get_xlim()[1] == pytest.approx(clip.sizes["time"] / 8000)


def test_layers_are_named_by_what_differs() -> None:
    names = [f"features.conv{i}.branches" for i in (1, 2, 3)]
    assert drawing.without_common_ends(names) == ["conv1", "conv2", "conv3"]
    assert drawing.without_common_ends(["conv1"]) == ["conv1"]
    assert drawing.without_common_ends(["a.conv", "a.conv.b"]) == ["conv", "conv.b"]


def test_without_axes_nothing_of_a_result_is_left_out() -> None:
    import matplotlib.pyplot as plt

    with plt.rc_context({"backend": "agg"}):
        time_axes, frequency_axes, both = plots.plot(relevance_of(sine(), sine()))
        assert (time_axes.get_xlabel(), frequency_axes.get_xlabel()) == ("time (s)", "frequency (kHz)")
        assert both.get_ylabel() == "frequency (kHz)"
        assert len(plots.plot(sonification_of(sine()))) == 3
        plt.close("all")
    with pytest.raises(InputError, match="three axes"):
        plots.relevance(relevance_of(sine(), sine()), Figure().subplots(2))
