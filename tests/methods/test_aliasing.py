"""What downsampling folds: tones against theory, noise against its known share, real models on real sound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, load
from otoscope.contract import Contract
from otoscope.data.vowels import vowel_clip
from otoscope.methods.aliasing import aliasing
from otoscope.methods.aliasing_map import aliasing_map
from otoscope.methods.catalogue import METHODS
from otoscope.subject import Subject
from otoscope.tables import rows

RATE = 16_000


def sine(frequency: float, length: int = 8000) -> Tensor:
    return torch.sin(2 * torch.pi * frequency / RATE * torch.arange(length, dtype=torch.float64))[None].float()


def noise_of(length: int, clips: int = 1, seed: int = 0) -> Tensor:
    return torch.randn(clips, length, generator=torch.Generator().manual_seed(seed))


def shares(model: nn.Module, wave: Tensor) -> xr.Dataset:
    return aliasing(Subject(model, RATE), wave)


def sweep(model: nn.Module, frequencies: list[float]) -> xr.Dataset:
    return aliasing_map(Subject(model, RATE), frequencies=frequencies)


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
    result = sweep(LAYERS[layer](4), [frequency])
    folded = abs(frequency - 4000 * round(frequency / 4000))
    assert float(result.folded_frequency[0, 0]) == pytest.approx(folded)
    at = int(np.abs(result.output_frequency.values[0] - folded).argmin())
    assert float(result.magnitude[0, 0, at]) > (0.95 if layer in ("strided", "average") else 0.5)
    if layer in ("strided", "average"):  # which are linear, so that there is nothing else
        elsewhere = np.delete(result.magnitude.values[0, 0], [at - 1, at, at + 1])
        assert elsewhere.max() < 1e-2 and float(result.folded_share[0, 0]) > 0.999


def test_a_tone_below_the_limit_stays() -> None:
    result = sweep(one_tap(4), [300.0, 1700.0])
    assert result.folded_frequency.values[0].tolist() == [300.0, 1700.0]
    assert (result.folded_share < 1e-3).all()
    peaks = result.output_frequency.values[0][result.magnitude.values[0].argmax(-1)]
    np.testing.assert_allclose(peaks, [300, 1700], atol=2000 / 48)


def test_a_tone_at_the_new_rate_is_folded_onto_0_hz_and_leaves_no_rounding() -> None:
    result = sweep(one_tap(4), [4000.0])
    assert (result.magnitude == 0).all() and float(result.gain[0, 0]) < 1e-9
    assert float(result.folded_share[0, 0]) > 0.999


def test_max_pooling_makes_harmonics_that_are_folded_too() -> None:
    """It bends the tone, so that there are whole multiples of it; that of 900 Hz at 2700 Hz comes out at 1300 Hz."""
    bent, plain = sweep(nn.MaxPool1d(4), [900.0]), sweep(nn.AvgPool1d(4), [900.0])
    for multiple in (1, 2, 3, 4):
        folded = abs(multiple * 900 - 4000 * round(multiple * 900 / 4000))
        at = int(folded / 2000 * 48)
        assert bent.magnitude.values[0, 0, at] > 0.01
        assert multiple == 1 or plain.magnitude.values[0, 0, at] < 1e-3
    assert 1e-3 < float(bent.folded_share[0, 0]) < 0.1


@pytest.mark.parametrize("stride", [2, 4, 10])
def test_an_anti_aliased_layer_folds_nothing(stride: int) -> None:
    noise = noise_of(20_000)
    bare, guarded = (float(shares(layer(stride), noise).share[0, 0]) for layer in (one_tap, low_passed))
    assert guarded < 1e-3 < 0.4 < bare
    limit = RATE / stride / 2
    above = [1.1 * limit, 1.5 * limit]
    result = sweep(low_passed(stride), [0.5 * limit, *above])
    gain = result.gain.values[0]
    assert gain[0] == pytest.approx(1, abs=0.05) and gain[1:].max() < 0.1  # what is left is where the clip begins


@pytest.mark.parametrize("stride", [2, 3, 4, 10])
def test_of_white_noise_all_but_one_part_in_s_is_folded(stride: int) -> None:
    share = shares(one_tap(stride), noise_of(60_000, clips=3, seed=1)).share.values
    np.testing.assert_allclose(share, 1 - 1 / stride, atol=0.02)


def test_share_is_that_of_the_decimated_energy_too() -> None:
    """What the step returns has the energy of all bands, folded onto one: of noise, the same share of it is foreign."""
    noise = noise_of(60_000, seed=2)
    share = float(shares(one_tap(4), noise).share[0, 0])
    pure = scipy.signal.firwin(1023, 0.25)
    own = scipy.signal.fftconvolve(noise[0].numpy(), pure, "same")[::4]
    assert 1 - own.var() / noise[0, ::4].var() == pytest.approx(share, abs=0.02)


def test_shares_are_those_of_a_fourier_transform_of_the_dense_map() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 3, 9, stride=2), nn.ReLU(), nn.MaxPool1d(3)).double()
    x = torch.randn(2, 999)
    result, x = shares(model, x), x[:, None].double()
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
    x = torch.randn(1, 5000)
    plain, raised = (shares(one_tap(4), x + offset) for offset in (0.0, 50.0))
    np.testing.assert_allclose(plain.share, raised.share, rtol=1e-4)
    assert float(raised.share_with_mean[0, 0]) < 1e-3


def test_what_is_silent_has_no_share() -> None:
    layer = nn.Conv1d(1, 2, 4, stride=2)
    layer.weight.data[1] = 0  # a dead channel, which only repeats its bias
    result = shares(layer, torch.randn(1, 1000))
    assert np.isnan(result.channel_share.values[0, 0]).tolist() == [False, True]
    assert 0 < float(result.share[0, 0]) < 1
    assert np.isnan(shares(layer, torch.zeros(1, 1000)).share).all()


def test_clips_do_not_mix() -> None:
    x = torch.cat([sine(3000), 5 * sine(500)])
    together = shares(one_tap(4), x)
    for i in range(2):
        np.testing.assert_allclose(together.share[i], shares(one_tap(4), x[i]).share)
    assert float(together.share[0, 0]) > 0.99 > 0.01 > float(together.share[1, 0])


def test_two_steps_of_2_fold_a_tone_to_the_same_place_as_one_of_4() -> None:
    twice = nn.Sequential(one_tap(2), one_tap(2))
    tones = [2500.0, 5000.0, 7000.0]
    result, once = sweep(twice, tones), sweep(one_tap(4), tones)
    np.testing.assert_allclose(result.magnitude[1], once.magnitude[0], atol=1e-9)
    np.testing.assert_allclose(result.folded_frequency[1], once.folded_frequency[0])
    # 7000 Hz is folded to 1000 Hz at the first step, and the second has nothing left to fold.
    assert result.folded_share.values[:, 2].round(2).tolist() == [1, 0]


def test_axes_say_rates_and_results_survive_saving(tmp_path: Path) -> None:
    subject = Subject("vowel-name")
    result = aliasing(subject, vowel_clip("ah", "women"))
    assert result.step.values.tolist() == ["conv1", "pool1", "pool2"]
    np.testing.assert_allclose(result.rate_before, [16_000, 4000, 4000 / 6])
    np.testing.assert_allclose(result.rate_after, [4000, 4000 / 6, 4000 / 18])
    np.testing.assert_allclose(result.nyquist, result.rate_after / 2)
    assert "mean: keeps one value" in str(result.skipped.values)
    for one in (result, aliasing_map(subject, duration=0.1, frequencies=3, cells=8)):
        one.otoscope.save(tmp_path / "one.nc")
        xr.testing.assert_equal(xr.open_dataset(tmp_path / "one.nc", engine="scipy"), one)


def test_rows_hold_the_numbers_of_the_steps() -> None:
    result = aliasing(Subject("vowel-name"), vowel_clip("ah", "women"))
    table = rows(result, METHODS["aliasing"])
    assert [(row["step"], row["stride"]) for row in table] == [("conv1", 4), ("pool1", 6), ("pool2", 3)]
    assert [row["share"] for row in table] == result.share.values.tolist()


def test_rows_of_a_map_say_what_is_folded_most_and_of_which_sine() -> None:
    result = sweep(nn.Sequential(one_tap(2), one_tap(2)), [2500.0, 5000.0, 7000.0])
    first, second = rows(result, METHODS["aliasing_map"])
    assert first["largest_share"] == float(result.folded_share[0].max()) and first["nyquist"] == 4000
    assert (second["largest_share_frequency"], round(second["largest_share"], 2)) == (2500, 1)
    silent = nn.Conv1d(1, 1, 4, stride=2)
    silent.weight.data.zero_()
    (row,) = rows(sweep(silent, [100.0]), METHODS["aliasing_map"])
    assert np.isnan(row["largest_share"])


def test_the_duration_that_was_used_is_signed() -> None:
    model = one_tap(2)
    for duration in (0.1, 0.5):
        result = aliasing_map(Subject(model, RATE), duration=duration, frequencies=2)
        assert json.loads(result.attrs["arguments"])["duration"] == duration


lengths_run: list[int] = []  # of what was run


class OneLength(nn.Module):
    """Takes 16,000 samples, as its head does, or its front as well."""

    input_length = 16_000

    def __init__(self, front: nn.Module | None = None, stride: int = 4) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.front, self.step = front or nn.Identity(), nn.Conv1d(1, 3, 9, stride=stride)
        self.head = nn.Linear(3 * len(range(0, 16_000 - 8, stride)), 2)

    def forward(self, x: Tensor) -> Tensor:
        lengths_run.append(x.shape[-1])
        return self.head(self.step(self.front(x)).flatten(1))


def duration_of(result: xr.Dataset) -> float:
    duration: float = json.loads(result.attrs["arguments"])["duration"]
    return duration


def test_where_one_length_is_taken_for_the_head_sines_are_as_long_as_is_asked_for() -> None:
    model = OneLength()
    result = aliasing_map(Subject(model, RATE), frequencies=5, duration=0.2)
    free = aliasing_map(Subject(nn.Sequential(model.step), RATE), frequencies=5, duration=0.2)
    assert duration_of(result) == duration_of(free) == 0.2
    for name in ("magnitude", "folded_share", "gain"):
        np.testing.assert_allclose(result[name], free[name], rtol=1e-4, atol=1e-6)


def test_of_a_model_of_one_length_no_more_is_run_than_its_steps_need() -> None:
    subject = Subject(OneLength(), RATE)
    aliasing_map(subject, frequencies=1, duration=0.2)  # which traces the model
    lengths_run.clear()
    aliasing_map(subject, frequencies=5, duration=0.2)
    assert lengths_run == [16_000, *[3200] * 6]  # what shows that a stretch will do, and sines


def test_the_last_step_returns_enough_values_that_see_no_edge() -> None:
    result = aliasing_map(Subject(OneLength(stride=1000), RATE), frequencies=2, duration=0.2)
    assert duration_of(result) == (9 + 8 * 1000) / RATE


class MeanOff(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(-1, keepdim=True)


class MeanOutsideTorch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * float(x.detach().square().mean())


class FilledUp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (0, 16_000 - x.shape[-1]))


FRONTS = {
    "takes one length": nn.LayerNorm(16_000, elementwise_affine=False),
    "hears the whole clip": MeanOff(),
    "fills up": FilledUp(),
    "hears it outside torch": MeanOutsideTorch(),
}


@pytest.mark.parametrize("front", FRONTS)
def test_where_the_steps_need_the_whole_length_sines_have_it(front: str) -> None:
    assert duration_of(aliasing_map(Subject(OneLength(FRONTS[front]), RATE), frequencies=2, duration=0.2)) == 1


def test_of_a_model_of_one_length_sines_are_no_longer_than_that() -> None:
    assert duration_of(aliasing_map(Subject(OneLength(), RATE), frequencies=2, duration=3)) == 1


def test_sines_are_normalised_as_the_model_takes_sounds() -> None:
    """Where sounds are divided by their peak, the gain does not depend on the amplitude that is asked for."""
    contract = Contract(sample_rate=RATE, normalisation="peak")
    found = [
        aliasing_map(Subject(one_tap(2), contract=contract), frequencies=[300.0], amplitude=amplitude).gain * amplitude
        for amplitude in (0.1, 0.5)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    np.testing.assert_allclose(found[0], 1, rtol=1e-2)


def test_progress_counts_the_sines() -> None:
    calls: list[tuple[int, int]] = []
    subject = Subject(one_tap(2), RATE)
    aliasing_map(subject, frequencies=3, progress=lambda done, total: calls.append((done, total)))
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
        (nn.Conv1d(1, 1, 5, stride=2), {"duration": 0.0}, "duration has to be from two samples to an hour"),
    ],
)
def test_what_cannot_be_is_refused(model: nn.Module, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        aliasing_map(Subject(model, RATE), **options)


def test_a_recording_through_the_published_spoofing_model(data: Path, published: Path) -> None:
    result = aliasing(Subject(load("inc-tssdnet", weights=published)), data / "fsdd/recordings/7_jackson_3.wav")
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
    result = shares(model, noise[0])
    assert result.stride.values.tolist() == [5, 2, 2] and result.rate_after.values.tolist() == [3200, 1600, 800]
    assert ((result.share > 0.05) & (result.share < 0.95)).all()


def test_a_complex_layer_folds_what_its_two_sided_spectrum_says() -> None:
    layer, x = nn.Conv1d(1, 3, 9, stride=4, dtype=torch.cdouble), torch.randn(1, 1, 2000)
    model = type("Modulus", (nn.Module,), {"forward": lambda self, wave: layer(wave.to(torch.cdouble)).abs()})()
    whole = F.conv1d(x.to(torch.cdouble), layer.weight, layer.bias)[0].detach().numpy()
    power, frequency = np.abs(np.fft.fft(whole)) ** 2, np.abs(np.fft.fftfreq(whole.shape[-1]))
    share = power[:, frequency > 1 / 8].sum() / power[:, frequency > 0].sum()
    assert float(shares(model, x[0]).share[0, 0]) == pytest.approx(share)
    swept = sweep(model, [1000.0, 3000.0])
    np.testing.assert_allclose(swept.folded_share[0], [0, 1], atol=0.01)


@pytest.mark.parametrize("precision", [torch.half, torch.bfloat16])
def test_a_model_of_half_precision_folds_about_the_same(precision: torch.dtype) -> None:
    model, x = nn.Conv1d(1, 3, 9, stride=4), torch.randn(1, 2000)
    expected = float(shares(model, x).share[0, 0])
    assert float(shares(model.to(precision), x).share[0, 0]) == pytest.approx(expected, abs=0.02)
