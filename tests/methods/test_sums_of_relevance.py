"""Relevance in time, in frequency and in both sums to the same, for every rule that is the sound times a gradient."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.contract import Contract
from otoscope.dsp.cross_spectra import Frames
from otoscope.methods.catalogue import METHODS
from otoscope.methods.one_by_one import together
from otoscope.methods.relevance import relevance_of
from otoscope.methods.relevance_rules import ATTRIBUTIONS, RELEVANCE_RULES, rule_record
from otoscope.subject import Subject
from otoscope.tables import beside, envelope, headings, rows

RATE = 8000
PROPAGATIONS = ("lrp_epsilon", "lrp_gamma", "lrp_zplus", "lrp_alpha2beta1", "attnlrp", "deeplift")
PRODUCTS = ("gradient_x_input", "integrated_gradients", *PROPAGATIONS)
GRADIENTS = ("gradient", "guided", "deconvnet", "smoothgrad")
OCCLUSIONS = ("occlusion", "frequency_occlusion")
FEW: dict[str, Any] = {"integrated_gradients": {"steps": 5}, "smoothgrad": {"samples": 2}}
WITHIN = {torch.float32: 1e-5, torch.float64: 1e-12}


def ear(channels: int = 1) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(channels, 8, 20, stride=5), nn.ReLU(), nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(32, 3)
    )


def ask(model: nn.Module, inputs: Tensor, rule: Any, **more: Any) -> xr.Dataset:
    if rule in ATTRIBUTIONS:
        pytest.importorskip("captum.attr")
    options = FEW.get(rule) if isinstance(rule, str) else None
    return relevance_of(Subject(model, RATE), inputs, target=1, rule=rule, options=options, **more)


def agree(found: xr.Dataset, within: float) -> None:
    """All sums over samples, frequencies, cells and bands, in a share of the sum of magnitudes of the samples."""
    signal = found["relevance"].astype(float)
    scale = abs(signal).sum("time")
    assert float(scale.min()) > 0
    cells = found["relevance_spectrogram"].astype(float).sum(["frame_frequency", "frame_time"])
    sums = [
        found["relevance_spectrum"].astype(float).sum("frequency"),
        cells,
        found["summed_relevance"].sum("sub_band"),
    ]
    for one in (*sums, found["relevance_sum"]):
        assert float((abs(one - signal.sum("time")) / scale).max()) < within


def test_every_rule_has_a_form() -> None:
    forms = {rule: rule_record(rule).form for rule in RELEVANCE_RULES}
    assert {rule for rule, form in forms.items() if form == "product"} == set(PRODUCTS)
    assert {rule for rule, form in forms.items() if form == "gradient"} == set(GRADIENTS)
    assert {rule for rule, form in forms.items() if form == "weighted sound"} == {
        *OCCLUSIONS,
        "gradcam",
        "rise",
        "freqrise",
    }


@pytest.mark.parametrize("rule", PRODUCTS)
@pytest.mark.parametrize("dtype", WITHIN)
@pytest.mark.parametrize("length", [150, 801, 4000])
def test_sums_agree(rule: str, dtype: torch.dtype, length: int) -> None:
    found = ask(ear().to(dtype), torch.randn(3, 1, length, dtype=dtype), rule)
    assert found.attrs["form"] == "product"
    for name in ("relevance", "relevance_spectrum", "relevance_spectrogram", "gradient"):
        assert torch.from_numpy(found[name].values).dtype == dtype
    agree(found, WITHIN[dtype])
    np.testing.assert_array_equal(found.relevance, found.gradient * found.input)


@pytest.mark.parametrize("window", [0.01, 0.025, 0.0261, 0.1])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.5, 0.51, 0.9, 1.0])
def test_sums_agree_whatever_the_frames(window: float, share: float) -> None:
    found = ask(ear().double(), torch.randn(1, 1, 801, dtype=torch.float64), PRODUCTS[0], window=window,
                hop=share * window)  # fmt: skip
    agree(found, 1e-12)


@pytest.mark.parametrize("rule", PRODUCTS)
def test_sums_agree_in_each_channel(rule: str) -> None:
    found = ask(ear(2).double(), torch.randn(2, 2, 801, dtype=torch.float64), rule)
    assert found.relevance_spectrogram.dims == ("clip", "channel", "frame_frequency", "frame_time")
    assert found.summed_relevance.dims == ("clip", "channel", "sub_band")
    assert found.negative_share.dims == ("clip", "channel")
    agree(found, 1e-12)


@pytest.mark.parametrize("rule", PRODUCTS)
def test_sums_agree_along_a_sound_longer_than_the_model_takes(rule: str) -> None:
    scope = Scope(ear().double(), contract=Contract(sample_rate=RATE, length=800, hop=500))
    found = scope.relevance(np.random.default_rng(0).standard_normal(3333), rule=rule, **FEW.get(rule, {}))
    assert found.sizes["time"] == 3333 and "pieces" in found.attrs
    agree(found, 1e-12)


def test_integrated_gradients_sum_to_the_logit_less_that_of_silence() -> None:
    pytest.importorskip("captum.attr")
    scope = Scope(ear().double(), RATE)
    found = scope.relevance(np.random.default_rng(0).standard_normal(801), rule="integrated_gradients", steps=200)
    assert float(found.relevance_sum) == pytest.approx(float(found.logit - found.baseline_logit), rel=1e-2)


def test_integrated_gradients_say_how_far_they_are_from_their_sum() -> None:
    pytest.importorskip("captum.attr")
    sound = np.random.default_rng(0).standard_normal(801)
    found = Scope(ear().double(), RATE).relevance(sound, target=1, rule="integrated_gradients")
    gap = float(found.logit - found.baseline_logit - found.relevance_sum)
    assert float(found.completeness_gap) == pytest.approx(gap, abs=1e-9)
    assert "silence" not in found.attrs.get("note", "") and "completeness_gap" in headings(found, METHODS["relevance"])
    levelled = Scope(Levelled(), RATE).relevance(sound, target=1, rule="integrated_gradients")
    assert abs(float(levelled.completeness_gap)) > 0.05 * abs(float(levelled.logit - levelled.baseline_logit))
    assert levelled.attrs["note"].count("take more steps") == 1
    other = Scope(ear(), RATE).relevance(sound, target=1, rule="gradient_x_input")
    assert "completeness_gap" not in other


def test_the_gap_of_two_channels_is_that_of_both() -> None:
    found = ask(ear(2).double(), torch.randn(2, 2, 801, dtype=torch.float64), "integrated_gradients")
    both = found.relevance_sum.sum("channel")
    np.testing.assert_allclose(found.completeness_gap, found.logit - found.baseline_logit - both, atol=1e-9)


def test_frames_that_would_fill_the_memory_are_refused() -> None:
    for window in (61.0, 1e9):
        with pytest.raises(InputError, match=r"window is .* s, and at most 60 s"):
            Scope(ear(), RATE).relevance(np.ones(801, np.float32), target=1, window=window)
    with pytest.raises(InputError, match="give a shorter window or a longer hop"):
        next(Frames.of(60, 1 / RATE, RATE).spectra(torch.zeros(8000)))


def test_of_a_model_without_biases_the_gradient_times_the_input_sums_to_the_logit() -> None:
    model = ear()
    for layer in (model[0], model[4]):
        nn.init.zeros_(layer.bias)
    found = ask(model, torch.randn(1, 1, 4000), "gradient_x_input")
    assert float(found.relevance_sum[0]) == pytest.approx(float(found.logit[0]), rel=1e-4)
    assert float(found.summed_relevance.sum()) == pytest.approx(float(found.logit[0]), rel=1e-4)


class Levelled(nn.Module):
    """An ear that hears every sound at the same level."""

    def __init__(self) -> None:
        super().__init__()
        self.ear = ear()

    def forward(self, x: Tensor) -> Tensor:
        return self.ear(x / (x.square().mean(-1, keepdim=True).sqrt() + 1e-8))


def test_a_relevance_that_sums_to_0_has_no_shares_and_says_so() -> None:
    """By Euler's theorem: of a model that a change of level does not move."""
    scope, segments = Scope(Levelled(), RATE), [(0.1, 0.2, "a"), (0.2, 0.3, "b")]
    sound = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    found = scope.relevance(sound, target=1, rule="gradient_x_input", segments=segments)
    for name in ("relevance_share", "segment_share", "label_share"):
        assert np.isnan(found[name]).all()
    for name in ("summed_relevance", "label_relevance", "negative_share", "label_input_share"):
        assert np.isfinite(found[name]).all()
    assert found.attrs["note"].count("the relevance sums to 0") == 1
    plain = scope.relevance(sound, target=1, rule="gradient", segments=segments)
    assert np.isfinite(plain["label_share"]).all() and "sums to 0" not in plain.attrs.get("note", "")
    heard = Scope(ear(), RATE).relevance(sound, target=1, rule="gradient_x_input", segments=segments)
    assert np.isfinite(heard["label_share"]).all() and "sums to 0" not in heard.attrs.get("note", "")


@pytest.mark.parametrize("rule", PRODUCTS)
@pytest.mark.parametrize(("low", "high"), [(400, 900), (1000, 2000), (3000, 3900)])
def test_the_relevance_of_a_detector_of_a_band_lies_in_this_band(rule: str, low: float, high: float) -> None:
    """Over 99 % of all magnitudes, though the sound is white: cells of frames as well as frequencies.

    The filter stays inside the sound. Where it meets the zeros beyond the ends, what the ends give spreads over all
    frequencies, up and down: then it is over 99 % of the sum alone.
    """
    padding = 0

    class Detector(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            taps = scipy.signal.firwin(801, [low + 60, high - 60], pass_zero=False, fs=RATE, window=("kaiser", 9))
            self.register_buffer("taps", torch.from_numpy(taps)[None, None])

        def forward(self, x: Tensor) -> Tensor:
            return torch.nn.functional.conv1d(x, self.taps, padding=padding).square().sum(-1)

    pytest.importorskip("captum.attr")
    sound = torch.randn(1, 1, 8001, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = relevance_of(Subject(Detector(), RATE), sound, rule=rule, options=FEW.get(rule))
    agree(found, 1e-12)
    for name, axis in (("relevance_spectrum", "frequency"), ("relevance_spectrogram", "frame_frequency")):
        magnitude = abs(found[name][0])
        inside = (magnitude[axis] >= low) & (magnitude[axis] <= high)
        assert float(magnitude.where(inside, 0).sum() / magnitude.sum()) > 0.99
    padding = 400
    band = relevance_of(Subject(Detector(), RATE), sound, rule=rule, options=FEW.get(rule), bands=[0, low, high, 4000])
    assert band.relevance_share[0, 1] > 0.99


@pytest.mark.parametrize("rule", GRADIENTS)
def test_of_a_gradient_squares_sum_to_its_energy(rule: str) -> None:
    found = ask(ear().double(), torch.randn(2, 1, 801, dtype=torch.float64), rule)
    assert found.attrs["form"] == "gradient"
    assert not {"gradient", "negative_share", "relevance_sum", "summed_relevance"} & found.keys()
    energy = (found.relevance**2).sum("time")
    spectrum = np.abs(np.fft.fft(found.relevance.values, norm="ortho"))[:, :401]
    np.testing.assert_allclose(found.relevance_spectrum, spectrum, atol=1e-12)
    twice = np.r_[1, np.full(99, 2), 1]
    cells = (found.relevance_spectrogram.values**2 * twice[:, None]).sum((1, 2))
    np.testing.assert_allclose(cells, energy)
    np.testing.assert_allclose(found.relevance_energy.sum("sub_band"), energy)
    np.testing.assert_allclose(found.relevance_share.sum("sub_band"), 1)


@pytest.mark.parametrize("rule", OCCLUSIONS)
def test_of_an_occlusion_the_spectra_are_those_of_the_weighted_sound(rule: str) -> None:
    found = ask(ear().double(), torch.randn(2, 1, 801, dtype=torch.float64), rule)
    assert found.attrs["form"] == "weighted sound"
    spectrum = np.abs(np.fft.fft(found.relevance.values, norm="ortho"))[:, :401]
    np.testing.assert_allclose(found.relevance_spectrum, spectrum, atol=1e-12)
    assert not {"relevance_energy", "summed_relevance", "relevance_share", "gradient"} & found.keys()


def test_the_derivative_by_the_fourier_coefficients_stays_beside_them() -> None:
    """Muckenhirn et al. 2019, eq. 4: of the gradient, also where the relevance is that times the sound."""
    x = torch.randn(1, 1, 801, dtype=torch.float64)
    plain, product = (ask(ear().double(), x, rule) for rule in ("gradient", "gradient_x_input"))
    g = np.fft.ifft(plain.relevance.values)[:, :401]
    for found in (plain, product):
        np.testing.assert_allclose(found.g, np.abs(g), atol=1e-12)
        np.testing.assert_allclose(found.g * np.exp(1j * found.g_phase), g, atol=1e-12)
    np.testing.assert_array_equal(product.gradient, plain.relevance)
    assert not np.allclose(product.relevance_spectrum, plain.relevance_spectrum)


def test_relevance_lies_only_where_the_sound_has_energy() -> None:
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(4000, dtype=torch.float64) / RATE)[None, None]
    found = ask(ear().double(), tone, "gradient_x_input")
    at = abs(found.relevance_spectrum[0])
    assert float(at.sel(frequency=1000)) > (1 - 1e-9) * float(at.sum())
    assert found.g[0].sel(frequency=500) > 0
    assert found.peak_frequency.item() == 1000


def test_the_share_that_is_negative_is_that_of_magnitudes() -> None:
    found = ask(ear(), torch.randn(2, 1, 4000), "gradient_x_input")
    of = {
        "negative_share": found.relevance,
        "negative_share_spectrum": found.relevance_spectrum,
        "negative_share_spectrogram": found.relevance_spectrogram,
    }
    for name, values in of.items():
        values = values.values.reshape(2, -1).astype(float)
        expected = -np.minimum(values, 0).sum(1) / np.abs(values).sum(1)
        np.testing.assert_allclose(found[name], expected, rtol=1e-5)
        assert (found[name] > 0).all()


def test_bands_leave_nothing_out_and_can_be_chosen() -> None:
    x = torch.randn(1, 1, 4000)
    usual = ask(ear(), x, "gradient_x_input")
    assert usual.sub_band_low[0] == 0 and usual.sub_band_high[-1] == RATE / 2
    np.testing.assert_array_equal(usual.sub_band_low[1:], usual.sub_band_high[:-1])
    np.testing.assert_allclose(np.diff(np.log2(usual.sub_band_high[:-1])), 1 / 3)  # third-octaves
    assert {62.5, 125.0, 1000.0, 1259.92} <= set(usual.sub_band.values.tolist())  # as rows of a sweep are found by
    of_mel = ask(ear(), x, "gradient_x_input", bands=7)
    assert of_mel.sizes["sub_band"] == 7 and float(of_mel.summed_relevance.sum()) == pytest.approx(
        float(usual.summed_relevance.sum()), rel=1e-9
    )
    some = ask(ear(), x, "gradient_x_input", bands=[500, 1000, 2000])
    inside = (some.frequency >= 500) & (some.frequency < 1000)
    assert float(some.summed_relevance[0, 0]) == pytest.approx(
        float(some.relevance_spectrum[0][inside].sum()), rel=1e-5
    )
    with pytest.raises(InputError, match="two edges or more that rise"):
        ask(ear(), x, "guided", bands=[500, 100])
    scope = Scope(ear(), RATE)
    with pytest.raises(InputError, match="the rule occlusion has no option 'bands'"):
        scope.relevance(x[0, 0], rule="occlusion", bands=4)
    assert scope.relevance(x[0, 0], rule="guided", bands=4).sizes["sub_band"] == 4
    slow = relevance_of(Subject(ear(), 100), x, rule="guided")  # all of it below 50 Hz
    assert slow.sizes["sub_band"] == 1 and float(slow.relevance_share[0, 0]) == pytest.approx(1)


def test_bands_have_a_table_of_their_own_and_the_whole_has_the_sum() -> None:
    found, record = (
        Scope(ear(), RATE).relevance(torch.randn(4000), target=1, rule="gradient_x_input"),
        METHODS["relevance"],
    )
    (row,) = rows(found, record)
    assert row["relevance_sum"] == float(found.relevance_sum) and row["negative_share"] == float(found.negative_share)
    table = beside(found, record)
    assert [one["summed_relevance"] for one in rows(found, table["sub_band"])] == found.summed_relevance.values.tolist()
    names = headings(found, table["sub_band"])
    assert list(names) == ["sub_band", "sub_band_low", "sub_band_high", "summed_relevance", "relevance_share"]
    assert len(envelope(found, record)["by_sub_band"]) == found.sizes["sub_band"]
    pytest.importorskip("captum.attr")
    lost = Scope(ear(), RATE).relevance(torch.randn(4000), rule="frequency_occlusion", bands=3)
    assert len(rows(lost, record)) == 3 and not beside(lost, record)


def test_a_hop_longer_than_the_window_is_refused() -> None:
    for rule in ("guided", "gradient_x_input"):
        with pytest.raises(InputError, match=r"hop is 0.03 s and window 0.025 s.*Give a hop of at most the window"):
            ask(ear(), torch.randn(1, 1, 4000), rule, hop=0.03)


def test_a_minute_takes_less_than_a_second_and_a_gibibyte_beyond_the_way_back() -> None:
    """In a process of its own, whose peak of memory is measured."""
    script = """
import resource, time, torch
from otoscope.dsp.bands import third_octaves
from otoscope.dsp.cross_spectra import Frames
from otoscope.methods.relevance_spectra import Relevance, labelled
draw = torch.Generator().manual_seed(0)
def found(samples):
    carried, sound = torch.randn(2, 1, samples, generator=draw)
    return labelled(Relevance("product", carried, sound), 16_000, Frames.of(0.025, 0.010, 16_000), third_octaves(8000))
found(16_000)
peak, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
found(960_000)
print(time.process_time() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024**2)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    seconds, gibibytes = map(float, ran.stdout.split())
    assert seconds < 1 and gibibytes < 1


def test_clips_that_run_apart_say_once_what_one_of_them_says() -> None:
    ones = [ask(Levelled(), torch.randn(1, 1, 400), "gradient_x_input") for _ in range(2)]
    assert together(ones).attrs["note"] == ones[0].attrs["note"]
    del ones[0].attrs["note"]
    assert together(ones).attrs["note"] == ones[1].attrs["note"]
