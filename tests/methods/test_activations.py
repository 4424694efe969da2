"""Mean, root mean square, peak and its time of every map: by hand, at any length, at every kind of tap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.methods import activations as module

RATE = 8000


def noise(samples: int = 400, seed: int = 0) -> np.ndarray:
    return (0.3 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


class Net(nn.Module):
    """A strided convolution, an activation in place, pooling, and a pooling over all of time."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.relu, self.pool = nn.Conv1d(1, 4, 9, stride=4), nn.ReLU(inplace=True), nn.MaxPool1d(2)
        self.mean = nn.AdaptiveAvgPool1d(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.mean(self.pool(self.relu(self.conv(x))))[..., 0]


@pytest.mark.replica("activations")
def test_by_hand() -> None:
    net, wave = Net(), noise()
    kernels, bias = net.conv.weight.detach().numpy()[:, 0], net.conv.bias.detach().numpy()
    frames = range(0, wave.size - 8, 4)
    maps = np.array(
        [[max(0.0, float(k @ wave[t : t + 9] + b)) for t in frames] for k, b in zip(kernels, bias, strict=True)]
    )
    pooled = np.array([[max(row[2 * t], row[2 * t + 1]) for t in range(len(row) // 2)] for row in maps])
    found = Scope(net, RATE).activations(wave, layer=["relu", "pool"])
    assert found["layer"].values.tolist() == ["relu"] * 4 + ["pool"] * 4
    assert found["channel"].values.tolist() == [0, 1, 2, 3] * 2
    # Frame t of the convolution looks at the 9 samples from 4 t on; two of them are pooled.
    for first, values, hop, centre in ((0, maps, 4, 4), (4, pooled, 8, 6)):
        one = found.isel(map=slice(first, first + 4))
        np.testing.assert_allclose(one["mean_activation"], values.mean(1), rtol=1e-5)
        np.testing.assert_allclose(one["rms"], np.sqrt((values**2).mean(1)), rtol=1e-5)
        np.testing.assert_allclose(one["peak"], values.max(1), rtol=1e-5)
        np.testing.assert_allclose(one["peak_time"], (centre + hop * values.argmax(1)) / RATE)


def test_all_taps_take_one_pass_and_a_pooling_over_time_has_no_time() -> None:
    found = Scope(Net(), RATE).activations(noise(), layer="all")
    assert list(dict.fromkeys(found["layer"].values.tolist())) == ["conv", "relu", "pool", "mean"]
    last = found.isel(map=found["layer"].values == "mean")
    assert np.isnan(last["peak_time"]).all() and np.isfinite(found["rms"]).all()
    conv = found.isel(map=found["layer"].values == "conv")
    assert (conv["mean_activation"] != found["mean_activation"].values[4:8]).any()  # before it was overwritten


def test_clips_of_many_lengths_need_no_trace_each(monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[int] = []
    original = module.trace

    def counting(network: nn.Module, inputs: Tensor, *others: object) -> object:
        traced.append(inputs.shape[-1])
        return original(network, inputs, *others)

    monkeypatch.setattr(module, "trace", counting)
    scope = Scope(Net(), RATE)
    for samples in (300, 301, 457):
        scope.activations(noise(samples))
    assert set(traced) == {8000, 10401}


class Stretched(Net):
    """What follows has always ten frames, so that where they are depends on the length."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.adaptive_max_pool1d(self.relu(self.conv(x)), 10)


def test_a_place_that_depends_on_the_length_is_read_at_that_length() -> None:
    scope = Scope(Stretched(), RATE)
    for samples in (889, 1609):
        wave = np.zeros(samples, dtype=np.float32)
        wave[600:609] = scope.model.conv.weight.detach().numpy()[2, 0]
        found = scope.activations(wave, layer="adaptive_max_pool1d")
        width = samples / 10 / RATE
        assert float(found["peak_time"][2]) == pytest.approx(604 / RATE, abs=width)


def test_a_batch_is_its_clips() -> None:
    scope, waves = Scope(Net(), RATE), np.stack([noise(seed=1), noise(seed=2)])
    both = scope.activations(waves)
    for number, wave in enumerate(waves):
        one = scope.activations(wave)
        for name in one:
            np.testing.assert_allclose(both[name][number], one[name], rtol=1e-5)


def test_maps_over_frequency_are_taken_as_a_whole() -> None:
    class Spectral(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.conv = nn.Conv2d(1, 3, 3)

        def forward(self, x: Tensor) -> Tensor:
            spectrum = torch.stft(x[:, 0], 64, 32, window=torch.hann_window(64), return_complex=True).abs()
            return torch.relu(self.conv(spectrum[:, None])).mean((2, 3))

    net, wave = Spectral(), noise(4000)
    found = Scope(net, RATE).activations(wave, layer="relu")
    with torch.no_grad():
        spectrum = torch.stft(torch.tensor(wave)[None], 64, 32, window=torch.hann_window(64), return_complex=True).abs()
        maps = torch.relu(net.conv(spectrum[:, None]))[0]
    np.testing.assert_allclose(found["mean_activation"], maps.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(found["peak"], maps.amax((1, 2)), rtol=1e-5)
    assert np.isfinite(found["peak_time"]).all()


def test_what_cannot_be_looked_at_is_said() -> None:
    scope = Scope(Net(), RATE)
    with pytest.raises(InputError, match="no tap is named 'konv'"):
        scope.activations(noise(), layer="konv")
    with torch.no_grad():
        scope.model.conv.bias.fill_(torch.nan)
    with pytest.raises(InputError, match="not finite"):
        scope.activations(noise())
