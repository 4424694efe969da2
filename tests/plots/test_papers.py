"""Figures of papers: panels show what results hold, text stays on the page, and what does not fit is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from otoscope.errors import InputError
from otoscope.methods.data_flow import data_flow
from otoscope.methods.wigner import wigner
from otoscope.plots.papers.change_panels import change_panels
from otoscope.plots.papers.class_spectra import class_spectra
from otoscope.plots.papers.filter_panels import filter_panels
from otoscope.plots.papers.flow_path import flow_path
from otoscope.plots.papers.kernel_panels import kernel_panels
from otoscope.plots.papers.layer_evolution import layer_evolution
from otoscope.plots.papers.layer_pairs import layer_pairs, model_pairs
from otoscope.plots.papers.relevance_formants import relevance_formants
from otoscope.plots.papers.relevance_pitch import relevance_pitch
from otoscope.plots.papers.relevance_signal import relevance_signal
from otoscope.plots.papers.response_panels import response_panels
from otoscope.plots.papers.skip_coherence import skip_coherence
from otoscope.plots.papers.time_shift import time_shift
from otoscope.subject import Subject

RATE = 8000
FREQUENCY, TIME = np.linspace(0, 4000, 17), np.arange(30) / 100


@pytest.fixture(autouse=True)
def agg() -> Any:
    matplotlib.use("Agg")
    yield
    plt.close("all")


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) + 0.1


def spectra(seed: int = 0) -> xr.Dataset:
    return xr.Dataset(
        {"strs": (("frequency", "time"), numbers(17, 30, seed=seed))}, {"frequency": FREQUENCY, "time": TIME}
    )


def clips(seed: int = 0) -> xr.Dataset:
    return xr.Dataset({"crs": (("clip", "frequency"), numbers(12, 17, seed=seed))}, {"frequency": FREQUENCY})


def sound(samples: int = 2400) -> xr.DataArray:
    return xr.DataArray(np.sin(np.arange(samples) / 5), dims="time", attrs={"sample_rate": RATE})


def tops(maps: int = 2, ranks: int = 3, *, silent: bool = False) -> xr.Dataset:
    shape, dims = (maps, ranks), ("channel", "rank")
    noise = np.random.default_rng(1).standard_normal((*shape, 800)) * (not silent)
    return xr.Dataset(
        {
            "input": ((*dims, "time"), noise + 0.1), "sonification": ((*dims, "time"), noise),
            "peak_time": (dims, np.full(shape, 1.05)), "start": (dims, np.ones(shape)),
            "activation": (dims, np.ones(shape)),
        },
        {"channel": np.arange(maps) + 5, "rank": np.arange(ranks) + 1},
        {"sample_rate": RATE},
    )  # fmt: skip


def evolving(steps: tuple[int, ...] = (0, 10, 20)) -> xr.Dataset:
    sounds = np.random.default_rng(1).standard_normal((len(steps), 2, 800))
    sounds[-1, 0] = 0  # the map has died
    activity = np.sqrt(np.square(sounds).mean(-1))
    return xr.Dataset(
        {
            "sonification": (("checkpoint", "channel", "time"), sounds),
            "activity": (("checkpoint", "channel"), activity),
        },
        {"checkpoint": list(steps), "channel": [3, 9]},
        {"sample_rate": RATE},
    )


def voice(f0: float = 100.0) -> xr.Dataset:
    frames = np.arange(20) / 100 + 0.02
    spectrum = (("signal", "frequency"), numbers(2, 17))
    return xr.Dataset(
        {
            "f0": (("signal", "frame_time"), np.full((2, 20), f0)), "start": 0.05, "stop": 0.1,
            "formants": (("signal", "formant", "formant_time"), np.full((2, 1, 20), 500.0)),
            "waveform": (("signal", "time"), np.stack([np.sin(np.arange(2000) / 8)] * 2)),
            "spectrum": spectrum, "envelope": spectrum, "lp_spectrum": spectrum,
            "median_formants": (("signal", "formant"), [[500.0], [510.0]]),
        },
        {"signal": ["input", "relevance"], "frequency": FREQUENCY, "frame_time": frames, "formant_time": frames},
        {"sample_rate": RATE, "method": "voice"},
    )  # fmt: skip


def lag() -> xr.Dataset:
    one = (("signal", "lag"), np.cos(np.arange(100) / 9)[None].repeat(2, 0))
    return xr.Dataset(
        {"autocorrelation": one, "start": 0.05, "stop": 0.1},
        {"signal": ["input", "relevance"], "lag": np.arange(100) / RATE},
    )


def flow(pooling: bool = True) -> xr.Dataset:
    torch.manual_seed(0)
    layers = [nn.Conv1d(1, 2, 9, padding=4), nn.Conv1d(2, 6, 5, padding=2)]
    if pooling:
        layers.insert(1, nn.MaxPool1d(2))
    model = nn.Sequential(*layers)
    names = [str(n) for n in range(len(layers))]
    return data_flow(Subject(model, RATE), torch.randn(2400), layer=names, channels=[0, 1])


def relevance() -> xr.Dataset:
    return xr.Dataset(
        {"input": ("time", sound().values), "relevance": ("time", sound().values[::-1].copy())},
        attrs={"sample_rate": RATE},
    )


def geometry(layers: int = 15) -> xr.Dataset:
    values = numbers(3, layers) / 1.2
    skip = np.arange(layers) % 4 == 3
    return xr.Dataset(
        {"mu": ("layer", values[0]), "mu_avg": ("layer", values[1] / 2), "skip": ("layer", skip.astype(int))},
        {"layer": [f"block{n // 4}.conv{n % 4}" for n in range(layers)]},
    )


def rates(layers: int) -> xr.Dataset:
    names = [f"conv{n + 1}" for n in range(layers)]
    return xr.Dataset({"change_rate": (("iteration", "layer"), numbers(40, layers) / 100)}, {"layer": names})


def trained() -> xr.Dataset:
    dims = ("training", "kernel")
    return xr.Dataset(
        {
            "weight": ((*dims, "lag"), numbers(2, 6, 15) - 0.5), "magnitude": ((*dims, "frequency"), numbers(2, 6, 17)),
            "order": (("training", "place"), [[0, 1, 2, 3, 4, 5]] * 2),
            "centre_frequency": (dims, [[100.0, 200.0, 300.0, 400.0, 500.0, np.nan]] * 2),
        },
        {
            "training": ["before", "after"], "kernel": np.arange(6), "lag": (np.arange(15) - 7) / RATE,
            "frequency": FREQUENCY,
        },
    )  # fmt: skip


def bank(width: int) -> xr.Dataset:
    torch.manual_seed(0)
    return wigner(Subject(nn.Conv1d(1, 6, width, stride=10), 16_000))


def three() -> dict[str, xr.Dataset]:
    return {"segmental": spectra(), "sub-segmental": spectra(1), "multi-resolution": spectra(2)}


def classes() -> dict[str, dict[str, xr.Dataset]]:
    return {"one": {"real": clips(), "synthetic": clips(1)}, "two": {"real": clips(2)}}


def by_model() -> dict[str, dict[str, xr.Dataset]]:
    return {model: {"conv1": tops(), "conv8": tops()} for model in ("supervised", "contrastive")}


def by_system() -> dict[str, dict[str, xr.Dataset]]:
    return {sound: {"phone": voice(), "speaker": voice()} for sound in ("man", "woman")}


FIGURES: dict[str, Callable[..., Any]] = {
    "response_panels": lambda **o: response_panels(three(), sound(), **o),
    "class_spectra": lambda **o: class_spectra(classes(), **o),
    "kernel_panels": lambda **o: kernel_panels({"7 taps": bank(7), "500 taps": bank(500)}, **o),
    "skip_coherence": lambda **o: skip_coherence(geometry(), **o),
    "flow_path": lambda **o: flow_path(flow(), **o),
    "flow_path of waveforms": lambda **o: flow_path(flow(), of="waveform", **o),
    "change_panels": lambda **o: change_panels({"SoundNet": rates(8), "SimpleNet": rates(1)}, **o),
    "filter_panels": lambda **o: filter_panels(trained(), **o),
    "layer_pairs": lambda **o: layer_pairs({f"features.conv{n}": tops() for n in range(3)}, maps=2, **o),
    "model_pairs": lambda **o: model_pairs(by_model(), **o),
    "layer_evolution": lambda **o: layer_evolution({f"features.conv{n}": evolving() for n in range(3)}, **o),
    "time_shift": lambda **o: time_shift(*shifted(80), 80, **o),
    "relevance_pitch": lambda **o: relevance_pitch(voice(), **o),
    "relevance_formants": lambda **o: relevance_formants(by_system(), **o),
    "relevance_signal": lambda **o: relevance_signal(relevance(), lag(), **o),
}


def shifted(offset: int, spoiled: float = 0.0) -> tuple[xr.Dataset, xr.Dataset]:
    samples = np.zeros(2400)
    samples[600:1200] = np.random.default_rng(0).standard_normal(600)
    other = np.roll(samples, offset)
    other[900 + offset] += spoiled

    def one(values: np.ndarray) -> xr.Dataset:
        return xr.Dataset(
            {"sonification": (("channel", "time"), values[None])}, {"channel": [4]}, {"sample_rate": RATE}
        )

    return one(samples), one(other)


def axes_of(drawn: Any) -> list[Any]:
    return [ax for ax in np.ravel(np.asarray(drawn, dtype=object)) if ax is not None]


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("style", ["paper", "screen"])
def test_figures_fit_their_page_with_all_their_text(name: str, style: str, check_text: Callable[[Any], None]) -> None:
    figure = axes_of(FIGURES[name](style=style))[0].figure
    width = figure.get_figwidth() * 25.4
    assert min(abs(width - one) for one in ((86, 178) if style == "paper" else (86.36, 172.72))) < 0.1
    assert figure.get_figheight() * 25.4 < 245  # a page
    check_text(figure)
    page = figure.bbox.padded(1)
    renderer = figure.canvas.get_renderer()
    for text in [*figure.texts, *figure.legends]:
        box = text.get_window_extent(renderer)
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
    file = io.BytesIO()
    figure.savefig(file, format="pdf", dpi=50)
    assert (b"/FontFile2" in file.getvalue()) == (style == "paper")


def test_the_crs_below_the_strs_is_its_mean_and_time_ends_with_the_sound() -> None:
    one = spectra()
    axes = response_panels({"a": one, "b": spectra(1)}, sound(1200))
    assert axes.shape == (3, 2)
    np.testing.assert_allclose(axes[2, 0].lines[0].get_ydata(), one["strs"].mean("time"))
    assert axes[0, 0].get_xlim() == axes[1, 0].get_xlim() == (0, 0.15)
    levels = axes[1, 0].collections[0].get_array()
    np.testing.assert_allclose(levels, 20 * np.log10(one["strs"] / one["strs"].max()))
    assert axes[2, 0].get_ylim()[0] == 0
    axes = response_panels({"a": one}, highest=2000)
    assert axes[0, 0].get_ylim()[1] == axes[1, 0].get_xlim()[1] == 2


def test_smoothing_is_over_the_longest_period_of_the_voice_and_said() -> None:
    axes = response_panels({"a": spectra()}, smoothing=voice(50.0))
    assert axes[0, 0].figure.get_supxlabel() == "STRS smoothed over 20 ms"
    with pytest.raises(InputError, match="no voice"):
        response_panels({"a": spectra()}, smoothing=voice(np.nan))


def test_a_class_is_its_mean_in_a_band_of_most_of_its_clips() -> None:
    one = clips()
    (ax,) = axes_of(class_spectra({"net": {"real": one}}, relative=False))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), one["crs"].mean("clip"))
    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert corners.max() == pytest.approx(np.percentile(one["crs"], 90, axis=0).max())
    (ax,) = axes_of(class_spectra({"net": {"real": one}}))
    relative = one["crs"] / one["crs"].mean("frequency")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), relative.mean("clip"))
    assert ax.get_legend().get_texts()[0].get_text() == "real (12)"
    with pytest.raises(InputError, match="no classes of the front end 'b'"):
        response_panels({"b": spectra()}, classes={"a": {"real": one}})


@pytest.mark.parametrize("width", [7, 30, 320, 500])
def test_kernels_of_any_width_have_contours_of_more_than_a_hair_in_several_colours(width: int) -> None:
    result = bank(width)
    (ax,) = axes_of(kernel_panels({"layer": result}))
    contours = ax.collections[1:]
    assert len(contours) == 6 and len({tuple(one.get_edgecolor()[0]) for one in contours}) == 6
    columns = ax.collections[0].get_array().shape[1]
    assert columns >= 100
    spans = [np.ptp(np.concatenate([path.vertices for path in one.get_paths()]), axis=0) for one in contours]
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert min(span[0] for span in spans) > 0.01 * (right - left) and min(span[1] for span in spans) > 0.01 * (
        high - low
    )
    energy = np.ma.getdata(ax.collections[0].get_array())
    grey = np.sqrt(energy / energy.max())
    assert np.median(grey) > 0.05  # not nearly white


def test_smoothed_contours_keep_their_level() -> None:
    from otoscope.plots.wigner import _smooth

    values = np.zeros((50, 80))
    values[20, 30] = 1.0
    smooth = _smooth(values, 0.02)
    assert smooth.sum() == pytest.approx(1, abs=1e-6)
    assert np.unravel_index(smooth.argmax(), smooth.shape) == (20, 30)
    with pytest.raises(InputError, match="smoothing is a share"):
        kernel_panels({"a": bank(7)}, smoothing=0.5)


def test_circles_are_around_layers_with_a_skip_connection() -> None:
    result = geometry()
    ax = skip_coherence(result)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), result["mu"])
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), np.flatnonzero(result["skip"]))


def test_the_path_has_the_response_of_each_filter_between_the_maps_that_it_joins() -> None:
    result = flow()
    axes = flow_path(result)
    kinds = [[ax and ax.get_title(loc="left") for ax in row] for row in axes]
    assert kinds == [
        ["input", None], ["↓ map 0", "↓ map 1"], ["0, map 0", "0, map 1"], ["1, map 0", "1, map 1"],
        ["↓ map 0", "↓ map 1"], ["2, map 0", "2, map 1"],
    ]  # fmt: skip
    kernels = result["kernel_3"].values.astype(float)  # (map, input, tap)
    assert kernels.shape == (2, 2, 5)
    response = np.abs(np.fft.rfft(kernels, 1024))
    for place in range(2):
        for above in range(2):
            line = axes[4, place].lines[above]
            expected = 20 * np.log10(response[place, above] / response.max())
            np.testing.assert_allclose(line.get_ydata(), np.maximum(expected, -60), atol=1e-6)
            assert line.get_xdata()[-1] == 2  # kHz, half the rate behind the pooling
    assert [ax.get_ylim()[1] for ax in axes[[0, 2, 3, 5], 0]] == [4, 4, 2, 2]
    assert axes[0, 0].figure.get_supxlabel() == "maps drawn: 2 of 6 of 2"


def test_what_is_not_drawn_of_a_deep_path_is_said_within_the_figure(check_text: Callable[[Any], None]) -> None:
    model = nn.Sequential(nn.Conv1d(1, 64, 5, 2), nn.Conv1d(64, 128, 5, 2), nn.Conv1d(128, 256, 5, 2), nn.ReLU())
    names = [str(n) for n in range(4)]
    result = data_flow(Subject(model, RATE), torch.randn(2400), layer=names, channels=[0, 1])
    result = result.assign_coords(layer=["input", *(f"features.block{n}.pooling" for n in range(4))])
    figure = flow_path(result, most=1)[0, 0].figure
    check_text(figure)
    (note,) = [text for text in figure.texts if text.get_text().startswith("maps drawn")]
    assert note.get_text().replace("\n", " ").startswith("maps drawn: 1 of 64 of features.block0.pooling; 1 of 128 of")
    assert note.get_window_extent().x1 <= figure.bbox.x1


def test_waveforms_on_the_path_are_those_of_the_maps() -> None:
    result = flow(pooling=False)
    axes = flow_path(result, of="waveform", most=1)
    assert axes.shape == (5, 1)
    np.testing.assert_allclose(axes[2, 0].lines[0].get_ydata(), result["signal_1"][0])
    np.testing.assert_allclose(axes[1, 0].lines[0].get_ydata(), result["kernel_1"][0, 0])
    with pytest.raises(InputError, match="spectrograms or waveforms"):
        flow_path(result, of="both")  # type: ignore[arg-type]


def test_change_rates_are_those_of_the_first_layers_on_one_scale() -> None:
    axes = change_panels({"SoundNet": rates(8), "SimpleNet": rates(1)})
    assert [len(ax.lines) for ax in axes[0]] == [6, 1]
    assert [ax.get_title() for ax in axes[0]] == ["SoundNet (layers 1 to 6 of 8)", "SimpleNet"]
    np.testing.assert_allclose(axes[0, 0].lines[2].get_ydata(), rates(8)["change_rate"][:, 2])
    assert axes[0, 0].get_ylim() == axes[0, 1].get_ylim()


def test_a_filter_has_its_weights_before_and_after_and_both_magnitudes() -> None:
    result = trained()
    axes = filter_panels(result)
    assert [ax.get_title() for ax in axes[0]] == ["filter 0", "filter 1", "filter 3", "filter 4"]  # 5 is zero
    for row, state in enumerate(("before", "after")):
        one = result.sel(training=state, kernel=3)
        np.testing.assert_allclose(axes[row, 2].lines[0].get_ydata(), one["weight"])
        np.testing.assert_allclose(axes[2, 2].lines[row].get_ydata(), one["magnitude"])
    with pytest.raises(InputError, match=r"no filter \[9\]"):
        filter_panels(result, kernels=[0, 9])
    with pytest.raises(InputError, match="no earlier state"):
        filter_panels(result.sel(training="after"))


def test_a_row_of_pairs_has_the_inputs_and_then_their_sonifications() -> None:
    axes = layer_pairs({"conv1": tops(), "conv2": tops(silent=True)}, maps=2, ranks=2)
    assert axes.shape == (4, 4)
    assert [ax.get_title() for ax in axes[0]] == ["input 1", "input 2", "sonification 1", "sonification 2"]
    assert [row[0].get_ylabel() for row in axes] == ["conv1\nmap 5", "conv1\nmap 6", "conv2\nmap 5", "conv2\nmap 6"]
    assert [text.get_text() for text in axes[2, 2].texts] == ["silent"] and not axes[0, 2].texts
    assert axes[0, 0].lines[0].get_xdata() == pytest.approx([0.05])  # the peak, on the clock of the piece
    assert all(ax.get_ylim() == (0, 4) for ax in axes.ravel())
    with pytest.raises(InputError, match="sounds=True"):
        layer_pairs({"conv1": tops().drop_vars("sonification")})
    with pytest.raises(InputError, match="'b' has the layers conv2"):
        model_pairs({"a": {"conv1": tops()}, "b": {"conv2": tops()}})


def test_a_map_that_died_is_silent_in_the_end_and_its_activity_falls_to_0() -> None:
    axes = layer_evolution({"conv1": evolving()}, maps=2)
    assert axes.shape == (2, 4)
    assert [text.get_text() for text in axes[0, 2].texts] == ["silent"] and not axes[1, 2].texts
    np.testing.assert_allclose(axes[0, 3].lines[0].get_ydata(), evolving()["activity"][:, 0])
    assert [ax.get_title() for ax in axes[0]] == ["step 0", "step 10", "step 20", "activity"]
    with pytest.raises(InputError, match="checkpoints differ"):
        layer_evolution({"a": evolving(), "b": evolving((0, 1, 2))})


def test_rows_on_a_page_are_all_there_however_many() -> None:
    figure = layer_pairs({f"conv{n}": tops(3, 1) for n in range(11)}, maps=3)[0, 0].figure
    assert figure.get_figheight() * 25.4 < 245


@pytest.mark.parametrize("offset", [80, -80])
def test_a_sonification_that_moves_with_the_sound_leaves_no_difference(offset: int) -> None:
    axes = time_shift(*shifted(offset), offset)
    assert axes[-1].get_title(loc="left") == "difference: none"
    assert not np.any(axes[-1].lines[0].get_ydata())
    first, other = shifted(offset, spoiled=1.0)
    there = slice(max(0, -offset), 2400 - max(0, offset))
    whole = np.sqrt(np.square(first["sonification"].values[0, there]).sum())
    axes = time_shift(first, other, offset)
    assert axes[-1].get_title(loc="left") == f"difference: {-20 * np.log10(whole):.0f} dB"
    with pytest.raises(InputError, match="nothing is left"):
        time_shift(first, other, 2400)


def test_the_relevance_and_its_pitch_are_drawn_as_they_are() -> None:
    axes = relevance_signal(relevance(), lag(), longest=0.005)
    np.testing.assert_allclose(axes[2].lines[1].get_ydata(), lag()["autocorrelation"][0, :41])
    axes = relevance_pitch(voice(130.0))
    np.testing.assert_allclose(axes[2].lines[0].get_ydata(), 130)
    grid = relevance_formants({"man": {"phone": voice()}})
    assert grid.shape == (1, 2) and grid[0, 1].get_title() == "relevance, phone"


def test_figures_want_results_by_name() -> None:
    with pytest.raises(InputError, match="by name"):
        response_panels({})
    with pytest.raises(InputError, match="by name"):
        response_panels(spectra())  # type: ignore[arg-type]
