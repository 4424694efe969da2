"""Pictures: the axes given are the axes drawn on, units are on them, and silence, long and bad input is borne."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
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

from method_examples import Example
from otoscope import Scope, plots
from otoscope.errors import InputError
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing
from otoscope.plots import drawing
from otoscope.plots.relevance import relevance_signal, relevance_spectrogram, relevance_spectrum

RATE = 8000


def sine(frequency: float = 1000.0, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def clip_of(samples: np.ndarray, rate: int = RATE) -> xr.DataArray:
    return xr.DataArray(samples.astype(np.float32), dims="time", attrs={"sample_rate": rate, "name": "a.wav"})


def relevance_of(signal: np.ndarray, sound: np.ndarray) -> xr.Dataset:
    frames = {"frame_frequency": np.linspace(0, RATE / 2, 101), "frame_time": np.arange(50) / 100}
    ones = np.ones((101, 50)) * np.abs(signal).max()
    return xr.Dataset(
        {
            "relevance": ("time", signal),
            "relevance_spectrum": ("frequency", np.abs(np.fft.rfft(signal))),
            "relevance_spectrogram": (("frame_frequency", "frame_time"), ones),
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


def pictures(samples: np.ndarray) -> dict[str, Callable[..., Any]]:
    """Every function that draws on one axes, on results of these samples."""
    clip, relevance = clip_of(samples), relevance_of(samples / 3, samples)
    return {
        "waveform": lambda ax=None: plots.waveform(clip, ax),
        "spectrogram": lambda ax=None: plots.spectrogram(clip, ax),
        "relevance_signal": lambda ax=None: relevance_signal(relevance, ax),
        "relevance_spectrum": lambda ax=None: relevance_spectrum(relevance, ax, marks={"F0": 120, "F1": 200}),
        "relevance_spectrogram": lambda ax=None: relevance_spectrogram(relevance, ax),
    }


NAMES = list(pictures(sine()))
UNITLESS = {
    "layer", "downsampling step", "vowel", "step", "frequency",  # the last with its unit at the ticks
    "accuracy", "activation", "activity of map 1", "amplitude", "autocorrelation", "emphasis", "F-ratio of classes",
    "largest activation", "what is taken away", "η² of the classes",
}  # fmt: skip
"""Labels of axes that have no unit."""


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[Any]:
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def mesh_of(ax: Axes) -> QuadMesh:
    return next(one for one in ax.collections if isinstance(one, QuadMesh))


# -- Of every method ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", listing())
def test_the_picture_of_every_method_is_legible_and_has_units(
    name: str, example: Callable[[str], Example], check_picture: Callable[..., Any]
) -> None:
    one = example(name)
    result = getattr(Scope(one.model), name)(*one.given, **one.arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_picture(result, panels=None, unitless=UNITLESS)
        check_picture(result, panels=None, unitless=UNITLESS, style="paper")


@pytest.mark.parametrize(
    "name", [name for name, record in METHODS.items() if record.takes == "wave" and not record.explains]
)
def test_the_picture_of_silence_is_legible_too(
    name: str, example: Callable[[str], Example], check_picture: Callable[..., Any]
) -> None:
    one = example(name)
    result = getattr(Scope(one.model), name)(np.zeros(4000), **one.arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_picture(result, panels=None, unitless=UNITLESS)


# -- Of sounds, and of relevance by its parts ----------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_draws_on_the_axes_given_and_opens_no_figure(name: str, pyplot: Any) -> None:
    ax = Figure().subplots()
    before = dict(matplotlib.rcParams)
    assert pictures(sine())[name](ax) is ax
    assert ax.has_data()
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", NAMES)
def test_makes_a_figure_of_one_column_with_legible_text(
    name: str, pyplot: Any, check_text: Callable[[Any], None]
) -> None:
    figure = pictures(sine())[name]().figure
    assert len(pyplot.get_fignums()) == 1
    assert 3.3 <= figure.get_size_inches()[0] <= 3.5
    check_text(figure)


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


def test_marks_stand_at_their_frequencies() -> None:
    result = relevance_of(sine(), sine())
    ax = relevance_spectrum(result, Figure().subplots(), marks={"F0": 120.0, "F1": 700.0})
    upright = sorted(line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1)
    assert upright == [0.12, 0.7]
    assert {"F0", "F1"} <= {text.get_text() for text in ax.texts}


def test_relevance_spectrogram_of_input() -> None:
    result = relevance_of(0 * sine(), sine())
    assert "no relevance" in {text.get_text() for text in relevance_spectrogram(result).texts}
    assert not relevance_spectrogram(result, of="input_spectrogram").texts
    with pytest.raises(InputError, match="no other"):
        relevance_spectrogram(result, of="other")


@pytest.mark.parametrize(
    ("result", "label"),
    [
        (relevance_of(sine(), sine()), "frequency (kHz)"),
        (clip_of(sine()), "amplitude (FS = 1)"),
    ],
)
def test_plot_knows_what_to_draw(result: xr.DataArray | xr.Dataset, label: str) -> None:
    ax = Figure().subplots()
    assert plots.plot(result, ax) is ax
    assert ax.get_ylabel() == label


def test_an_array_over_frequency_and_time_is_drawn_as_a_spectrogram_and_what_is_unknown_is_refused() -> None:
    coords = {"frequency": np.linspace(0, 4000, 5), "time": np.arange(4) / 10}
    ax = plots.plot(xr.DataArray(np.ones((5, 4)), coords, ("frequency", "time")), Figure().subplots())
    assert ax.get_ylabel() == "frequency (kHz)"
    with pytest.raises(InputError, match="no picture"):
        plots.plot(xr.DataArray([1.0], dims="layer", attrs={"method": "layer_importance"}))


def test_a_batch_of_one_is_a_clip() -> None:
    assert relevance_signal(relevance_of(sine(), sine()).expand_dims(clip=1), Figure().subplots()).has_data()


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
        plt.close("all")
    with pytest.raises(InputError, match="three axes"):
        plots.plot(relevance_of(sine(), sine()), Figure().subplots(2))
