"""Voice and autocorrelation in input and relevance: against Praat on the relevance, and where they must agree."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, load, load_audio
from otoscope.data.vowels import vowel_clip
from otoscope.dsp.voice import formants, lp_spectrum, pitch
from otoscope.methods.autocorrelation import autocorrelation
from otoscope.methods.catalogue import METHODS
from otoscope.methods.relevance import relevance
from otoscope.methods.voice import voice
from otoscope.subject import Subject
from otoscope.tables import rows

RATE = 16_000


class Passing(nn.Module):
    """Half the energy of the sound: its gradient is the sound itself."""

    def forward(self, x: Tensor) -> Tensor:
        return x.square().sum((1, 2))[:, None] / 2


@pytest.fixture
def vowel() -> Tensor:
    return torch.as_tensor(vowel_clip("ah", "men", duration=0.3).values)


def test_a_model_that_passes_everything_has_the_voice_of_its_input(vowel: Tensor) -> None:
    pytest.importorskip("parselmouth")
    result = voice(Subject(Passing(), RATE), vowel, target=0, rule="gradient", maximum=5000)
    for name in ("f0", "formants", "median_formants", "spectrum", "lp_spectrum", "envelope"):
        heard, relevant = (result[name].sel(signal=signal).values for signal in ("input", "relevance"))
        np.testing.assert_allclose(relevant, heard, rtol=1e-4, err_msg=name)
    correlation = autocorrelation(Subject(Passing(), RATE), vowel, target=0, rule="gradient")
    heard, relevant = correlation.autocorrelation
    np.testing.assert_allclose(relevant, heard, atol=1e-5)
    np.testing.assert_allclose(correlation.period[1], correlation.period[0])


def test_a_high_pass_takes_the_first_formant_out_of_the_relevance(vowel: Tensor) -> None:
    """The relevance is the sound twice through the filter: what is left is F2 and the harmonics above it."""
    pytest.importorskip("parselmouth")
    taps = torch.as_tensor(scipy.signal.firwin(513, 1000, pass_zero=False, fs=RATE)).float()

    class HighPass(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.conv1d(x, taps[None, None], padding=256).square().sum((1, 2))[:, None] / 2

    result = voice(Subject(HighPass(), RATE), vowel, target=0, rule="gradient", maximum=5000)
    known = vowel_clip("ah", "men").attrs["formants"]
    heard, relevant = (result.median_formants.sel(signal=signal).values for signal in ("input", "relevance"))
    np.testing.assert_allclose(heard[:3], known[:3], rtol=0.05)
    assert np.abs(relevant - known[0]).min() > 300
    assert np.abs(relevant - known[1]).min() < 150  # of two harmonics, each may get a pole
    levels = result.lp_spectrum.sel(signal="relevance")
    assert float(levels.sel(frequency=known[0], method="nearest")) < 0.1 * float(levels.max())


def test_it_is_praat_on_the_relevance_signal(vowel: Tensor) -> None:
    pytest.importorskip("parselmouth")
    subject = Subject("vowel-name")
    signal = relevance(subject, vowel, target="ah").relevance.values
    result = voice(subject, vowel, target="ah", segment_start=0.1, segment_stop=0.2, floor=90)
    f0, times = pitch(signal, RATE, 90)
    np.testing.assert_array_equal(result.f0.sel(signal="relevance"), f0)
    np.testing.assert_array_equal(result.frame_time, times)
    np.testing.assert_array_equal(result.formants.sel(signal="relevance"), formants(signal, RATE)[0])
    inside = f0[(times >= 0.1) & (times <= 0.2)]
    assert float(result.median_f0.sel(signal="relevance")) == pytest.approx(np.nanmedian(inside))
    windowed = signal[1600:3200] * scipy.signal.windows.hann(1602)[1:-1]
    np.testing.assert_allclose(result.lp_spectrum.sel(signal="relevance"), lp_spectrum(windowed, n_fft=2048))
    spectrum = np.abs(np.fft.rfft(windowed, 2048))
    np.testing.assert_allclose(result.spectrum.sel(signal="relevance"), spectrum, atol=1e-9 * spectrum.max())
    assert result.attrs["target"] == "ah" and (float(result.start), float(result.stop)) == (0.1, 0.2)


def test_autocorrelation_is_that_of_numpy_and_peaks_at_the_period() -> None:
    clip, subject = vowel_clip("ah", "women", f0=200, duration=0.3), Subject("vowel-register")
    result = autocorrelation(subject, clip, segment_start=0.1, segment_stop=0.15)
    signal = relevance(subject, clip).relevance.values[1600:2400].astype(float)
    expected = np.correlate(signal, signal, "full")[799:]
    np.testing.assert_allclose(result.autocorrelation[1], expected / expected[0], atol=1e-5)
    for curve, row in zip(result.autocorrelation, rows(result, METHODS["autocorrelation"]), strict=True):
        near = curve.sel(lag=slice(0.003, 0.007))
        assert row["period"] == float(near.lag[int(near.values.argmax())]) == pytest.approx(0.005, abs=0.0002)
        assert row["periodicity"] == float(near.max())


def test_the_segment_is_the_loudest_of_the_input() -> None:
    wave = torch.zeros(2, 8000)
    wave[0, 1000:2600] = torch.randn(1600)
    wave[1, 5000:6600] = torch.randn(1600)
    result = autocorrelation(Subject(Passing(), RATE), wave, target=0, rule="gradient")
    np.testing.assert_allclose(result.start * RATE, [1000, 5000], atol=2)
    np.testing.assert_allclose((result.stop - result.start) * RATE, 1600)


def test_a_silent_segment_is_measured_without_numbers_that_are_none() -> None:
    pytest.importorskip("parselmouth")
    subject, sound = Subject("vowel-name"), torch.cat([torch.zeros(4000), 0.01 * torch.randn(400)])
    segment: dict[str, Any] = {"segment_start": 0.0, "segment_stop": 0.2}
    heard = voice(subject, sound, **segment).sel(signal="input")
    assert np.isnan(heard.median_f0)
    assert not heard.lp_spectrum.any() and not heard.envelope.any()
    flat = autocorrelation(subject, sound, **segment).sel(signal="input")
    assert not flat.autocorrelation.any() and np.isnan(flat.period) and np.isnan(flat.periodicity)
    for method in (voice, autocorrelation):
        with pytest.raises(InputError, match="silence, in which there is nothing to explain"):
            method(subject, torch.zeros(4000))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segment_start": 0.2, "segment_stop": 0.5}, "from 0.2 to 0.5 s is not within the sound, which lasts 0.3 s"),
        ({"segment_start": 0.1, "segment_stop": 0.1005}, "order 16 needs more than 16 samples; there are 8"),
        ({"floor": 5.0}, "too short for an F0 floor of 5 Hz"),
        ({"target": 99}, "unknown class 99"),
    ],
)
def test_what_cannot_be_is_refused(vowel: Tensor, options: dict[str, Any], message: str) -> None:
    pytest.importorskip("parselmouth")
    with pytest.raises(InputError, match=message):
        voice(Subject("vowel-name"), vowel, **options)


@pytest.mark.parametrize("name", ["cnn12", "inc-tssdnet", "res-tssdnet", "swam-multiresolution", "vowel-register"])
def test_a_scope_measures_the_voice_with_any_model(name: str, tmp_path: Any) -> None:
    pytest.importorskip("parselmouth")
    torch.manual_seed(0)
    scope = Scope(load(name, **({"width": 0.1} if name == "cnn12" else {})))
    wave = vowel_clip("iy", "women", duration=0.6)
    if scope.sample_rate != RATE:
        wave = scipy.signal.resample_poly(wave.values, scope.sample_rate, RATE)
    result, correlation = scope.voice(wave, target=0), scope.autocorrelation(wave, target=0)
    assert result.attrs["model"] == scope.name and "clip" not in result.dims
    assert float(result.median_f0.sel(signal="input")) == pytest.approx(227.3, rel=0.01)
    for one in (result, correlation):
        one.otoscope.save(tmp_path / "result.nc")
        with xr.open_dataset(tmp_path / "result.nc") as back:
            xr.testing.assert_equal(back.load(), one)


def test_real_speech_has_one_f0_in_input_and_relevance(data: Any) -> None:
    """A spoken digit: where both have a voice, guided relevance keeps the period in most frames."""
    pytest.importorskip("parselmouth")
    recordings = data / "fsdd" / "recordings"
    if not recordings.is_dir():
        pytest.skip("OTOSCOPE_DATA has no fsdd/recordings")
    scope = Scope("vowel-register")
    result = scope.voice(load_audio(recordings / "0_george_0.wav", sample_rate=RATE), ceiling=300)
    heard, relevant = (result.f0.sel(signal=signal).values for signal in ("input", "relevance"))
    both = ~np.isnan(heard) & ~np.isnan(relevant)
    assert both.sum() > 10
    assert np.median(np.abs(relevant[both] / heard[both] - 1)) < 0.05


def test_the_table_has_the_medians_of_f0_and_formants(vowel: Tensor) -> None:
    pytest.importorskip("parselmouth")
    result = voice(Subject("vowel-name"), vowel, segment_start=0.1, segment_stop=0.2, maximum=5000)
    table = rows(result, METHODS["voice"])
    assert [(row["signal"], row["formant"]) for row in table][:5] == [("input", n) for n in range(1, 6)]
    heard = result.sel(signal="input")
    assert [row["median_formants"] for row in table[:5]] == heard.median_formants.values.tolist()
    assert {row["median_f0"] for row in table[:5]} == {heard.median_f0.item()}
    assert {(row["start"], row["stop"], row["class_name"]) for row in table} == {(0.1, 0.2, result.class_name.item())}


def test_the_maximum_that_was_used_is_signed() -> None:
    pytest.importorskip("parselmouth")
    subject = Subject(Passing(), 8000)
    result = voice(subject, torch.randn(4000), target=0, rule="gradient", maximum=5500)
    assert json.loads(result.attrs["arguments"])["maximum"] == 4000
