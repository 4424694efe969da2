"""Mean, root mean square, peak and its time of every map: by hand, at any length, at every kind of tap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError, Scope, read_taps
from otoscope.contract import Contract
from otoscope.methods import activations as module
from otoscope.pieces import Pieces

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


def test_frames_belong_to_the_segment_in_which_their_centre_lies() -> None:
    """By hand: frame t of the convolution looks at the 9 samples around sample 4 t + 4."""
    wave, segments = noise(), [(40 / RATE, 120 / RATE, "a"), (120 / RATE, 161 / RATE, "b"), (0.03, 0.04, "a")]
    scope = Scope(Net(), RATE)
    found = scope.activations(wave, layer=["relu", "pool"], segments=segments)
    maps = read_taps(scope.model, torch.from_numpy(wave)[None, None], ["relu", "pool"])
    for first, name, hop, centre in ((0, "relu", 4, 4), (4, "pool", 8, 6)):
        values = maps[name][0].double().numpy()
        at = (centre + hop * np.arange(values.shape[1])) / RATE
        one = found.isel(map=slice(first, first + 4))
        inside = [(at >= start) & (at < stop) for start, stop, _ in sorted(segments)]
        for place, those in enumerate(inside):
            np.testing.assert_allclose(one["segment_activation"][:, place], values[:, those].mean(1), rtol=1e-5)
        both, outside = inside[0] | inside[2], ~(inside[0] | inside[1] | inside[2])
        assert found["segment_label"].values.tolist() == ["a", "b", "(outside)"]
        for label, those in (("a", both), ("b", inside[1]), ("(outside)", outside)):
            of_label = one["label_activation"].sel(segment_label=label)
            np.testing.assert_allclose(of_label, values[:, those].mean(1), rtol=1e-5)
    assert found["segment_name"].values.tolist() == ["a", "b", "a"]
    np.testing.assert_allclose(found["segment_stop"], [120 / RATE, 161 / RATE, 0.04])


def test_a_segment_without_a_frame_and_a_tap_without_time_have_no_mean() -> None:
    found = Scope(Net(), RATE).activations(noise(), layer=["relu", "mean"], segments=[(0.0001, 0.0004, "a")])
    relu, mean = found["layer"].values == "relu", found["layer"].values == "mean"
    assert np.isnan(found["segment_activation"].values[:, 0]).all()
    whole = found["label_activation"].sel(segment_label="(outside)")
    np.testing.assert_allclose(whole[relu], found["mean_activation"][relu], rtol=1e-5)
    assert np.isnan(found["label_activation"].values[mean]).all()


def test_segments_change_nothing_else_and_hold_for_every_clip_of_a_batch() -> None:
    waves, segments = np.stack([noise(), noise(seed=1)]), [(0.01, 0.02, "a"), (0.02, 0.05, "b")]
    scope = Scope(Net(), RATE)
    found, plain = scope.activations(waves, segments=segments), scope.activations(waves)
    for name in plain.data_vars:
        np.testing.assert_array_equal(found[name], plain[name])
    for place, wave in enumerate(waves):
        alone = scope.activations(wave, segments=segments)
        np.testing.assert_allclose(found["label_activation"][place], alone["label_activation"], rtol=1e-5, atol=1e-7)


def test_segments_beyond_the_sound_are_refused() -> None:
    with pytest.raises(InputError, match=r"'a' from 0.04 to 0.06 s ends after array, which lasts 0.05 s"):
        Scope(Net(), RATE).activations(noise(), segments=[(0.04, 0.06, "a")])


def test_copies_of_a_sound_that_is_repeated_are_of_its_segments() -> None:
    net = Net()
    net.trained_length, net.padding = 800, "repeat"
    scope, segments = Scope(net, RATE), [(0.0, 0.02, "a"), (0.02, 0.05, "b")]
    short, whole = (scope.activations(one, segments=own, layer="relu") for one, own in (
        (noise(400), segments),
        (np.tile(noise(400), 2), [*segments, *((start + 0.05, stop + 0.05, label) for start, stop, label in segments)]),
    ))  # fmt: skip
    np.testing.assert_allclose(short["label_activation"], whole["label_activation"], rtol=1e-6)
    assert short.sizes["segment"] == 2 and np.isnan(short["label_activation"].sel(segment_label="(outside)")).all()


@pytest.mark.parametrize("hop", [None, 100])
def test_along_a_sound_longer_than_the_model_takes_all_of_it_counts(hop: int | None) -> None:
    net, waves = Net(), np.stack([noise(1100), noise(1100, seed=1)])
    scope = Scope(net, contract=Contract(sample_rate=RATE, length=400, hop=hop))
    segments = [(0.01, 0.02, "a"), (0.06, 0.1, "b")]
    found = scope.activations(waves, layer=["relu", "mean"], segments=segments)
    pieces = Pieces.of(1100, 400, hop)
    shares = np.array(pieces.shares)[:, None]
    for place, wave in enumerate(waves):
        alone = [Scope(net, RATE).activations(wave[one : one + 400], layer=["relu", "mean"]) for one in pieces.starts]
        mean, rms, peak, time = (
            np.stack([one[name].values for one in alone]) for name in ("mean_activation", "rms", "peak", "peak_time")
        )
        mine = found.isel(clip=place)
        np.testing.assert_allclose(mine["mean_activation"], (mean * shares).sum(0), rtol=1e-5)
        np.testing.assert_allclose(mine["rms"], np.sqrt((rms**2 * shares).sum(0)), rtol=1e-5)
        np.testing.assert_allclose(mine["peak"], peak.max(0), rtol=1e-6)
        moments = time + np.array(pieces.starts)[:, None] / RATE
        np.testing.assert_allclose(mine["peak_time"][:4], moments[peak.argmax(0), np.arange(8)][:4])
    first = Scope(net, RATE).activations(waves[0, :400], layer="relu", segments=segments[:1])
    if hop is None:  # no other piece has frames of it
        np.testing.assert_allclose(found["segment_activation"][0, :4, 0], first["segment_activation"][:, 0], rtol=1e-5)
    assert np.isfinite(found["segment_activation"][:, :4]).all()
    assert "mean of its activations" in found.attrs["note"] and "cut" not in found.attrs
