"""What downsampling folds: tones against theory, noise against its known share, real models on real sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, load, load_audio
from otoscope.data.vowels import vowel_clip
from otoscope.methods import aliasing, aliasing_map

RATE = 16_000


def sine(frequency: float, length: int = 8000) -> Tensor:
    return torch.sin(2 * torch.pi * frequency / RATE * torch.arange(length, dtype=torch.float64))[None, None]


def one_tap(stride: int) -> nn.Module:
    """Keeps every so manieth sample and does nothing else."""
    layer = nn.Conv1d(1, 1, 1, stride=stride, bias=False).double()
    nn.init.ones_(layer.weight)
    return layer


def low_passed(stride: int) -> nn.Module:
    """The same behind a filter that stops all above the new limit."""
    taps = scipy.signal.firwin(255, 0.85 / stride, window=("kaiser", 10))
    layer = nn.Conv1d(1, 1, 255, stride=stride, padding=127, bias=False).double()
    layer.weight.data.copy_(torch.from_numpy(taps).reshape(1, 1, -1))
    return layer


LAYERS = {
    "strided": one_tap,
    "average": lambda stride: nn.AvgPool1d(2, stride=stride),
    "max": lambda stride: nn.MaxPool1d(2, stride=stride),
    "lp": lambda stride: nn.Sequential(nn.ReLU(), nn.LPPool1d(2, 2, stride=stride)),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("frequency", [2600.0, 3540.0, 5210.0])
def test_a_tone_above_the_limit_lands_where_theory_says(layer: str, frequency: float) -> None:
    result = aliasing_map(LAYERS[layer](4), sine(0), sample_rate=RATE, frequencies=[frequency])
    folded = abs(frequency - 4000 * round(frequency / 4000))
    assert float(result.folded_frequency[0, 0]) == pytest.approx(folded)
    at = int(np.abs(result.output_frequency.values[0] - folded).argmin())
    assert float(result.magnitude[0, 0, at]) > (0.95 if layer in ("strided", "average") else 0.5)
    if layer in ("strided", "average"):  # which are linear, so that there is nothing else
        elsewhere = np.delete(result.magnitude.values[0, 0], [at - 1, at, at + 1])
        assert elsewhere.max() < 1e-2 and float(result.folded_share[0, 0]) > 0.999


def test_a_tone_below_the_limit_stays() -> None:
    result = aliasing_map(one_tap(4), sine(0), sample_rate=RATE, frequencies=[300.0, 1700.0])
    assert result.folded_frequency.values[0].tolist() == [300.0, 1700.0]
    assert (result.folded_share < 1e-3).all()
    peaks = result.output_frequency.values[0][result.magnitude.values[0].argmax(-1)]
    np.testing.assert_allclose(peaks, [300, 1700], atol=2000 / 48)


def test_a_tone_at_the_new_rate_is_folded_onto_0_hz_and_leaves_no_rounding() -> None:
    result = aliasing_map(one_tap(4), sine(0), sample_rate=RATE, frequencies=[4000.0])
    assert (result.magnitude == 0).all() and float(result.gain[0, 0]) < 1e-9
    assert float(result.folded_share[0, 0]) > 0.999


def test_max_pooling_makes_harmonics_that_are_folded_too() -> None:
    """It bends the tone, so that there are whole multiples of it; that of 900 Hz at 2700 Hz comes out at 1300 Hz."""
    tone = {"sample_rate": RATE, "frequencies": [900.0]}
    bent = aliasing_map(nn.MaxPool1d(4), sine(0), **tone)
    plain = aliasing_map(nn.AvgPool1d(4), sine(0), **tone)
    for multiple in (1, 2, 3, 4):
        folded = abs(multiple * 900 - 4000 * round(multiple * 900 / 4000))
        at = int(folded / 2000 * 48)
        assert bent.magnitude.values[0, 0, at] > 0.01
        assert multiple == 1 or plain.magnitude.values[0, 0, at] < 1e-3
    assert 1e-3 < float(bent.folded_share[0, 0]) < 0.1


@pytest.mark.parametrize("stride", [2, 4, 10])
def test_an_anti_aliased_layer_folds_nothing(stride: int) -> None:
    noise = torch.randn(1, 1, 20_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    bare = float(aliasing(one_tap(stride), noise, sample_rate=RATE).share[0, 0])
    guarded = float(aliasing(low_passed(stride), noise, sample_rate=RATE).share[0, 0])
    assert guarded < 1e-3 < 0.4 < bare
    limit = RATE / stride / 2
    above = [1.1 * limit, 1.5 * limit]
    result = aliasing_map(low_passed(stride), sine(0), sample_rate=RATE, frequencies=[0.5 * limit, *above])
    gain = result.gain.values[0]
    assert gain[0] == pytest.approx(1, abs=0.05) and gain[1:].max() < 0.1  # what is left is where the clip begins


@pytest.mark.parametrize("stride", [2, 3, 4, 10])
def test_of_white_noise_all_but_one_part_in_s_is_folded(stride: int) -> None:
    noise = torch.randn(3, 1, 60_000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    share = aliasing(one_tap(stride), noise, sample_rate=RATE).share.values
    np.testing.assert_allclose(share, 1 - 1 / stride, atol=0.02)


def test_share_is_that_of_the_decimated_energy_too() -> None:
    """What the step returns has the energy of all bands, folded onto one: of noise, the same share of it is foreign."""
    noise = torch.randn(1, 1, 60_000, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    share = float(aliasing(one_tap(4), noise, sample_rate=RATE).share[0, 0])
    pure = scipy.signal.firwin(1023, 0.25)
    own = scipy.signal.fftconvolve(noise[0, 0].numpy(), pure, "same")[::4]
    assert 1 - own.var() / noise[0, 0, ::4].var() == pytest.approx(share, abs=0.02)


def test_shares_are_those_of_a_fourier_transform_of_the_dense_map() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 3, 9, stride=2), nn.ReLU(), nn.MaxPool1d(3)).double()
    x = torch.randn(2, 1, 999, dtype=torch.float64)
    result = aliasing(model, x, sample_rate=RATE)
    with torch.no_grad():
        dense = [F.conv1d(x, model[0].weight, model[0].bias), F.max_pool1d(model[:2](x), 3, stride=1)]
    for step, (maps, stride) in enumerate(zip(dense, (2, 3), strict=True)):
        power = np.abs(np.fft.fft(maps.numpy())) ** 2
        frequency = np.abs(np.fft.fftfreq(maps.shape[-1]))
        above = power[..., frequency > 0.5 / stride].sum(-1)
        moving = power[..., 1:].sum(-1)
        np.testing.assert_allclose(result.channel_share[:, step], above / moving, rtol=1e-9)
        np.testing.assert_allclose(result.share[:, step], above.sum(-1) / moving.sum(-1), rtol=1e-9)
        np.testing.assert_allclose(result.share_with_mean[:, step], above.sum(-1) / power.sum((-1, -2)), rtol=1e-9)


def test_the_mean_of_a_map_counts_only_where_it_is_said_to() -> None:
    x = torch.randn(1, 1, 5000, dtype=torch.float64)
    plain, raised = (aliasing(one_tap(4), x + offset, sample_rate=RATE) for offset in (0.0, 50.0))
    np.testing.assert_allclose(plain.share, raised.share, rtol=1e-6)
    assert float(raised.share_with_mean[0, 0]) < 1e-3


def test_what_is_silent_has_no_share() -> None:
    layer = nn.Conv1d(1, 2, 4, stride=2)
    layer.weight.data[1] = 0  # a dead channel, which only repeats its bias
    result = aliasing(layer, torch.randn(1, 1, 1000), sample_rate=RATE)
    assert np.isnan(result.channel_share.values[0, 0]).tolist() == [False, True]
    assert 0 < float(result.share[0, 0]) < 1
    assert np.isnan(aliasing(layer, torch.zeros(1, 1, 1000), sample_rate=RATE).share).all()


def test_clips_do_not_mix() -> None:
    x = torch.cat([sine(3000), 5 * sine(500)])
    together = aliasing(one_tap(4), x, sample_rate=RATE)
    for i in range(2):
        alone = aliasing(one_tap(4), x[i : i + 1], sample_rate=RATE)
        np.testing.assert_allclose(together.share[i], alone.share[0])
    assert float(together.share[0, 0]) > 0.99 > 0.01 > float(together.share[1, 0])


def test_two_steps_of_2_fold_a_tone_to_the_same_place_as_one_of_4() -> None:
    twice = nn.Sequential(one_tap(2), one_tap(2))
    tones = [2500.0, 5000.0, 7000.0]
    result = aliasing_map(twice, sine(0), sample_rate=RATE, frequencies=tones)
    once = aliasing_map(one_tap(4), sine(0), sample_rate=RATE, frequencies=tones)
    np.testing.assert_allclose(result.magnitude[1], once.magnitude[0], atol=1e-9)
    np.testing.assert_allclose(result.folded_frequency[1], once.folded_frequency[0])
    # 7000 Hz is folded to 1000 Hz at the first step, and the second has nothing left to fold.
    assert result.folded_share.values[:, 2].round(2).tolist() == [1, 0]


def test_axes_say_rates_and_results_survive_saving(tmp_path: Path) -> None:
    scope = Scope(load("vowel-name"))
    result = scope.aliasing(vowel_clip("ah", "women"))
    assert result.step.values.tolist() == ["conv1", "pool1", "pool2"]
    np.testing.assert_allclose(result.rate_before, [16_000, 4000, 4000 / 6])
    np.testing.assert_allclose(result.rate_after, [4000, 4000 / 6, 4000 / 18])
    np.testing.assert_allclose(result.nyquist, result.rate_after / 2)
    assert "mean: keeps one value" in result.attrs["skipped"]
    sweep = scope.aliasing_map(0.1, frequencies=3, cells=8)
    for one in (result, sweep):
        one.otoscope.save(tmp_path / "one.nc")
        xr.testing.assert_equal(xr.open_dataset(tmp_path / "one.nc", engine="scipy"), one)


def test_progress_counts_the_sines() -> None:
    calls: list[tuple[int, int]] = []
    aliasing_map(
        one_tap(2), sine(0), sample_rate=RATE, frequencies=3, progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (nn.Conv1d(1, 2, 5), {}, "no convolution or pooling of this model has a stride along time, so"),
        (nn.Sequential(nn.Conv1d(1, 2, 5), nn.AdaptiveAvgPool1d(1)), {}, r"\(1: keeps one value of the whole clip\)"),
        (nn.Conv1d(1, 1, 5, stride=2), {"frequencies": [100.0, 9000.0]}, "between 0 and 8000 Hz"),
        (nn.Conv1d(1, 1, 5, stride=2), {"frequencies": 0}, "1 or more"),
        (nn.Conv1d(1, 1, 5, stride=2), {"cells": 0}, "cells has to be 1 or more"),
        (nn.Conv1d(1, 1, 5, stride=2), {"amplitude": 0.0}, "amplitude has to be positive"),
    ],
)
def test_what_cannot_be_is_refused(model: nn.Module, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        aliasing_map(model, torch.zeros(1, 1, 1000), sample_rate=RATE, **options)


def test_a_recording_through_the_published_spoofing_model(data: Path, published: Path) -> None:
    scope = Scope(load("inc-tssdnet", weights=published))
    wave = load_audio(data / "fsdd/recordings/7_jackson_3.wav", sample_rate=RATE)
    result = scope.aliasing(wave)
    assert result.stride.values.tolist() == [4, 4, 4, 4]
    np.testing.assert_allclose(result.rate_after, [4000, 1000, 250, 62.5])
    share = result.share.values
    assert ((share > 0.001) & (share < 0.6)).all()
    assert (result.share_with_mean <= result.share).all()
    # Max pooling over neighbours smooths, so that less is folded than when every fourth value is just taken.
    assert (share < 0.75).all()


def test_the_front_end_of_wav2vec2() -> None:
    transformers = pytest.importorskip("transformers")
    front = {"conv_dim": (8, 8, 8), "conv_kernel": (10, 3, 2), "conv_stride": (5, 2, 2), "num_feat_extract_layers": 3}
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    position = {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2}
    model = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**front, **sizes, **position))
    noise = torch.randn(1, 1600, generator=torch.Generator().manual_seed(0))
    result = aliasing(model, noise, sample_rate=RATE)
    assert result.stride.values.tolist() == [5, 2, 2] and result.rate_after.values.tolist() == [3200, 1600, 800]
    assert ((result.share > 0.05) & (result.share < 0.95)).all()


def test_a_complex_layer_folds_what_its_two_sided_spectrum_says() -> None:
    layer, x = nn.Conv1d(1, 3, 9, stride=4, dtype=torch.cdouble), torch.randn(1, 1, 2000, dtype=torch.float64)
    model = type("Modulus", (nn.Module,), {"forward": lambda self, wave: layer(wave.to(torch.cdouble)).abs()})()
    whole = F.conv1d(x.to(torch.cdouble), layer.weight, layer.bias)[0].detach().numpy()
    power, frequency = np.abs(np.fft.fft(whole)) ** 2, np.abs(np.fft.fftfreq(whole.shape[-1]))
    share = power[:, frequency > 1 / 8].sum() / power[:, frequency > 0].sum()
    assert float(aliasing(model, x, sample_rate=RATE).share[0, 0]) == pytest.approx(share)
    swept = aliasing_map(model, x, sample_rate=RATE, frequencies=[1000.0, 3000.0])
    np.testing.assert_allclose(swept.folded_share[0], [0, 1], atol=0.01)


@pytest.mark.parametrize("precision", [torch.half, torch.bfloat16])
def test_a_model_of_half_precision_folds_about_the_same(precision: torch.dtype) -> None:
    model, x = nn.Conv1d(1, 3, 9, stride=4), torch.randn(1, 1, 2000)
    expected = float(aliasing(model, x, sample_rate=RATE).share[0, 0])
    assert float(aliasing(model.to(precision), x.to(precision), sample_rate=RATE).share[0, 0]) == pytest.approx(
        expected, abs=0.02
    )
