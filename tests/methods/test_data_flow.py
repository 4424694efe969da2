"""Feature maps in time and frequency: values, rates and places in time of taps all through a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, load
from otoscope.methods.catalogue import METHODS
from otoscope.methods.data_flow import data_flow, flow_at
from otoscope.probe import read_taps, trace
from otoscope.subject import Subject
from otoscope.tables import rows

RATE = 16_000


def paper_model(pooling: bool) -> nn.Module:
    """Two layers of two filters, low-pass and high-pass at half the Nyquist limit, as in SimpleNet's figures 1 to 3."""
    low = scipy.signal.firwin(101, 0.5)
    high = scipy.signal.firwin(101, 0.5, pass_zero=False)
    first = nn.Conv1d(1, 2, 101, padding=50, bias=False)
    second = nn.Conv1d(2, 2, 101, padding=50, bias=False)
    first.weight.data.copy_(torch.tensor(np.stack([low, high]))[:, None])
    second.weight.data.copy_(torch.tensor(np.stack([[low, high], [high, low]])))
    return nn.Sequential(first, nn.MaxPool1d(2) if pooling else nn.Identity(), second).double()


def sines(*frequencies: float) -> Tensor:
    time = torch.arange(RATE, dtype=torch.float64) / RATE
    return sum(torch.sin(2 * torch.pi * f * time) for f in frequencies).float()


def amplitude(flow: xr.Dataset, layer: str, channel: int, frequency: float) -> float:
    return float(flow_at(flow, layer).spectrum.sel(channel=channel).sel(frequency=frequency, method="nearest"))


def test_bands_go_where_the_filters_send_them() -> None:
    flow = data_flow(Subject(paper_model(pooling=False), RATE), sines(1000, 5000), layer=["0", "2"], channels=[0, 1])
    assert amplitude(flow, "input", 0, 1000) == pytest.approx(1, abs=0.01)
    for channel, passed, stopped in ((0, 1000, 5000), (1, 5000, 1000)):
        assert amplitude(flow, "0", channel, passed) == pytest.approx(1, abs=0.03)
        assert amplitude(flow, "0", channel, stopped) < 0.01
    # Low of low and high of high pass; high of low and low of high leave nothing, as in the paper's output (2,2).
    assert amplitude(flow, "2", 0, 1000) == pytest.approx(1, abs=0.03)
    assert amplitude(flow, "2", 0, 5000) == pytest.approx(1, abs=0.03)
    assert max(amplitude(flow, "2", 1, f) for f in (1000, 5000)) < 0.01


def test_behind_a_pooling_the_high_band_lies_folded_in_the_low_one() -> None:
    flow = data_flow(Subject(paper_model(pooling=True), RATE), sines(5000), layer=["0", "1"], channels=1)
    assert flow.rate.values.tolist() == [16_000, 16_000, 8000]
    assert amplitude(flow, "0", 1, 3000) < 0.01 < 0.9 < amplitude(flow, "0", 1, 5000)
    pooled = flow_at(flow, "1")
    assert float(pooled.frequency[-1]) == 4000
    assert amplitude(flow, "1", 1, 3000) > 0.5  # 8000 - 5000


def test_signals_are_what_the_taps_returned_on_the_clock_of_the_trace() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.MaxPool1d(2))
    x = torch.randn(2, 1, 600)
    flow = data_flow(Subject(model, 8000), x[:, 0], layer=["2", "0"], channels=[5, 1])
    values, taps = read_taps(model, x), trace(model, x, 8000)
    for name in ("2", "0"):
        one = flow_at(flow, name)
        np.testing.assert_array_equal(one.signal, values[name][:, [5, 1]])
        np.testing.assert_allclose(one.time, taps[name].times())
        assert one.attrs["rate"] == taps[name].rate
        expected = 2 * np.abs(np.fft.rfft(values[name][:, [5, 1]])) / values[name].shape[-1]
        np.testing.assert_allclose(one.spectrum[..., 1:-1], expected[..., 1:-1], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(flow_at(flow, "input").signal, x)


def test_a_sine_has_the_height_of_its_amplitude_at_every_rate() -> None:
    model = nn.Sequential(nn.Conv1d(1, 1, 1, stride=4, bias=False), nn.AvgPool1d(1, stride=2)).double()
    nn.init.ones_(model[0].weight)
    flow = data_flow(Subject(model, RATE), 0.7 * sines(500), layer=["0", "1"], channels=0)
    for layer in ("input", "0", "1"):
        spectrum = flow_at(flow, layer).spectrum[0]
        assert float(spectrum.idxmax()) == 500
        assert float(spectrum.max()) == pytest.approx(0.7, rel=1e-6)


def test_by_default_the_most_active_map_at_the_end_of_every_block(cnn12: nn.Module, clip: Tensor) -> None:
    subject = Subject(cnn12)
    flow = data_flow(subject, clip)
    assert flow.layer.values.tolist() == [
        "input", *(f"features.pool{n}" for n in range(1, 9)), *(f"features.relu{n}" for n in (9, 10, 11)),
    ]  # fmt: skip
    np.testing.assert_allclose(flow.rate, [8000, *(8000 / 2**n for n in range(1, 9)), *[31.25] * 3])
    values = read_taps(cnn12, subject.inputs(clip), ["features.pool3"])["features.pool3"]
    loudest = int(values[0].square().mean(-1).argmax())
    assert flow_at(flow, "features.pool3").channel.values.tolist() == [loudest]


def test_the_most_active_maps_are_in_order_of_activity(cnn12: nn.Module, clip: Tensor) -> None:
    one = flow_at(data_flow(Subject(cnn12), clip, layer="pool2", n_maps=3), "features.pool2")
    levels = one.signal.std("time").values ** 2 + one.signal.mean("time").values ** 2
    assert len(levels) == 3 and (np.diff(levels) <= 0).all()


def test_maps_of_two_dimensions_are_averaged_over_the_other_axis() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 12, 16, stride=8), nn.Unflatten(1, (1, 12)), nn.Conv2d(1, 3, 3), nn.MaxPool2d(2))
    x = torch.randn(2, 1, 400)
    flow = data_flow(Subject(model, 8000), x[:, 0], layer="3", channels=1)
    np.testing.assert_allclose(flow_at(flow, "3").signal[:, 0], model(x).detach()[:, 1].mean(1), rtol=1e-5)
    assert flow.rate.values.tolist() == [8000, 500]


class InFrames(nn.Module):
    """Frames of 64 samples as the batch of a linear map and an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 4, 64)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x[:, 0].unfold(-1, 64, 32).reshape(-1, 1, 64)))


def test_where_frames_are_the_batch_clips_do_not_mix() -> None:
    torch.manual_seed(0)
    model, x = InFrames(), torch.randn(2, 1, 1000)
    flow = data_flow(Subject(model, 8000), x[:, 0], layer="relu", channels=2)
    np.testing.assert_allclose(flow_at(flow, "relu").signal[1, 0], model(x[1:]).detach()[:, 2, 0], rtol=1e-5)
    assert flow.rate.values.tolist() == [8000, 250]


def test_it_can_be_saved_and_taken_apart_again(cnn12: nn.Module, clip: Tensor, tmp_path: Path) -> None:
    flow = data_flow(Subject(cnn12), clip)
    flow.otoscope.save(tmp_path / "flow.nc")
    again = xr.open_dataset(tmp_path / "flow.nc", engine="scipy")
    xr.testing.assert_equal(again, flow)
    xr.testing.assert_equal(flow_at(again, "features.pool8"), flow_at(flow, "features.pool8"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": ["conv99"]}, "no tap is named 'conv99'"),
        ({"layer": "mean"}, "no time axis"),
        ({"channels": [999]}, "unknown map 999"),
        ({"n_maps": 0}, "n_maps has to be 1 or more"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        data_flow(Subject("vowel-name"), torch.randn(2000), **options)


def test_a_flow_says_which_layers_it_has() -> None:
    flow = data_flow(Subject(nn.Conv1d(1, 2, 5), 8000), torch.randn(100))
    with pytest.raises(InputError, match="no layer 'relu'; it has input, conv1d"):
        flow_at(flow, "relu")


def test_a_recording_through_the_published_spoofing_model(data: Path, published: Path) -> None:
    subject = Subject(load("inc-tssdnet", weights=published))
    flow = data_flow(subject, data / "fsdd/recordings/7_jackson_3.wav")
    assert flow.layer.values.tolist()[1:4] == ["max_pool1d", "max_pool1d_2", "max_pool1d_3"]
    np.testing.assert_allclose(flow.rate.values[:5], [16_000, 4000, 1000, 250, 62.5])
    for layer in flow.layer.values:
        one = flow_at(flow, layer)
        assert np.isfinite(one.spectrum).all() and float(one.frequency[-1]) <= one.attrs["rate"] / 2


def test_maps_that_are_not_finite_are_refused() -> None:
    class Levelled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 2, 9)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x / x.std())

    assert data_flow(Subject(Levelled(), RATE), torch.randn(100)).signal_1.notnull().all()
    with pytest.raises(InputError, match=r"conv holds values that are not finite.* silent"):
        data_flow(Subject(Levelled(), RATE), torch.zeros(100))


def test_the_table_has_a_row_for_each_map() -> None:
    model = nn.Sequential(nn.Conv1d(1, 6, 9, stride=3), nn.Conv1d(6, 2, 1)).double()
    nn.init.zeros_(model[1].weight)  # whose maps are their bias
    flow = data_flow(Subject(model, RATE), 0.7 * sines(440) + 0.1, n_maps=3, layer=["0", "1"])
    table = rows(flow, METHODS["data_flow"])
    assert [row["layer"] for row in table] == ["input", "0", "0", "0", "1", "1"]
    assert [(row["rate"], row["nyquist"]) for row in table[:2]] == [(RATE, RATE / 2), (RATE / 3, RATE / 6)]
    assert [row["channel"] for row in table[1:4]] == flow_at(flow, "0").channel.values.tolist()
    first = table[0]
    assert first["peak_frequency"] == 440
    assert first["deviation"] == pytest.approx(0.7 / 2**0.5) and first["mean_activation"] == pytest.approx(0.1)
    assert np.isnan(table[-1]["peak_frequency"]) and table[-1]["deviation"] == pytest.approx(0, abs=1e-12)


def test_the_table_of_a_batch_has_the_clips() -> None:
    flow = data_flow(Subject(nn.Conv1d(1, 1, 5), 8000), torch.randn(2, 100))
    assert [(row["clip"], row["layer"]) for row in rows(flow, METHODS["data_flow"])] == [
        (0, "input"), (0, "conv1d"), (1, "input"), (1, "conv1d"),
    ]  # fmt: skip


def test_the_layers_that_were_taken_are_signed(clip: Tensor) -> None:
    flow = data_flow(Subject("vowel-name"), clip)
    assert json.loads(flow.attrs["arguments"])["layer"] == flow.layer.values.tolist()[1:]


def test_the_kernels_of_a_flow_are_those_of_the_model() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(1, 4, 9), nn.ReLU(), nn.Conv1d(4, 6, 3, dilation=2, groups=2), nn.Conv1d(6, 2, 3, stride=2)
    )
    weights = [model[n].weight.detach() for n in (0, 2, 3)]
    result = data_flow(Subject(model, RATE), torch.randn(400), layer=["0", "2", "3"], channels=[1, 0])
    np.testing.assert_allclose(result["kernel_1"], weights[0][[1, 0]])
    np.testing.assert_allclose(result["kernel_2"][..., ::2], weights[1][[1, 0]][:, [1, 0]])
    assert not result["kernel_2"][..., 1::2].any()
    np.testing.assert_allclose(result["kernel_3"], weights[2][[1, 0]][:, [1, 0]])
    assert result["maps"].values.tolist() == [1, 4, 6, 2]
    assert "kernel_1" not in data_flow(Subject(model, RATE), torch.randn(400), layer=["1"], channels=0)
    # The second does not read the one before it.
    apart = data_flow(Subject(model, RATE), torch.randn(400), layer=["0", "3"], channels=0)
    assert "kernel_1" in apart and "kernel_2" not in apart


def test_the_filter_of_another_group_is_zero() -> None:
    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.Conv1d(4, 4, 3, groups=2))
    result = data_flow(Subject(model, RATE), torch.randn(400), layer=["0", "1"], channels=[0, 3])
    kernels, weight = result["kernel_2"].values, model[1].weight.detach().numpy()
    np.testing.assert_allclose(kernels[0], [weight[0, 0], np.zeros(3)])
    np.testing.assert_allclose(kernels[1], [np.zeros(3), weight[3, 1]])
