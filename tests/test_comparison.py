"""Models side by side: the numbers of each alone, on axes that they share, and mathematics of what is shared."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import Tensor, nn

import otoscope
from otoscope import InputError, Scope, compare, load, load_audio
from otoscope.comparison import _limited, _onto_recording
from otoscope.data.vowels import vowel_clip
from otoscope.report import write_results

RECORDING = "fsdd/recordings/3_jackson_0.wav"


class Ear(nn.Module):
    """Fires where a tone is heard: a pair of kernels at its frequency, rectified, and the mean of them."""

    classes = ("silence", "tone")

    def __init__(self, frequency: float, rate: int, length: int | None = None, padding: str = "zeros") -> None:
        super().__init__()
        self.sample_rate, self.input_length, self.padding = rate, length, padding
        self.name = f"ear at {frequency:g}"
        time = torch.arange(rate // 50) / rate
        window = torch.hann_window(len(time), periodic=False)
        self.conv = nn.Conv1d(1, 2, len(time), stride=2, bias=False)
        phases = torch.stack([torch.cos(2 * math.pi * frequency * time), torch.sin(2 * math.pi * frequency * time)])
        self.conv.weight.data.copy_((phases * window)[:, None])
        self.weight = nn.Parameter(torch.linspace(0.5, 1.5, 2))

    def forward(self, x: Tensor) -> Tensor:
        tone = (torch.relu(self.conv(x)).mean(-1) * self.weight).sum(-1)
        return torch.stack([0 * tone, tone], -1)


@pytest.fixture
def two_tones(tmp_path: Path) -> Path:
    """0.4 s of 500 and 3000 Hz at 16 kHz, and a faint 6000 Hz that lower rates do not hold."""
    time = np.arange(6400) / 16_000
    wave = sum(a * np.sin(2 * np.pi * f * time) for f, a in ((500, 0.3), (3000, 0.3), (6000, 0.05)))
    soundfile.write(tmp_path / "tones.wav", wave, 16_000, subtype="FLOAT")
    return tmp_path / "tones.wav"


@pytest.fixture(scope="module")
def vowel_scopes() -> list[Scope]:
    return [Scope(name) for name in ("vowel-name", "vowel-register")]


@pytest.fixture(scope="module")
def vowels(vowel_scopes: list[Scope]) -> xr.Dataset:
    return compare(vowel_scopes, vowel_clip("ah", "women"), layer="relu2", marks={"F0": 212.3})


# -- The numbers of each model alone ----------------------------------------------------------------------


def test_at_one_rate_every_model_has_the_numbers_that_it_has_alone(
    vowels: xr.Dataset, vowel_scopes: list[Scope]
) -> None:
    clip = vowel_clip("ah", "women")
    for scope in vowel_scopes:
        one, alone = vowels.sel(model=scope.name), scope.relevance(clip)
        for name in ("relevance", "relevance_spectrum", "relevance_spectrogram"):
            np.testing.assert_allclose(one[name], alone[name], rtol=1e-3, atol=1e-6 * float(alone[name].max()))
        assert (one.logit.item(), one.target.item()) == (float(alone.logit), alone.attrs["target"])
        np.testing.assert_array_equal(one.crs, scope.crs(clip).crs)
        np.testing.assert_array_equal(one.strs, scope.strs(clip, hop=8).strs[:, :1000])
        np.testing.assert_array_equal(one.cumulative_response, scope.filters().cumulative_response)
        np.testing.assert_array_equal(one.mu_avg, scope.geometry().mu_avg)
        np.testing.assert_array_equal(
            one.sonification, scope.sonify(clip, layer="relu2", channels="layer").sonification[0]
        )
        assert one.weights_sha256.item() == scope.digest
        assert one.receptive_field.item() == scope.taps(clip)["relu3"].receptive_field_seconds
    np.testing.assert_array_equal(vowels.input, clip)


def test_shares_are_the_energy_of_the_spectrum_in_bands(vowels: xr.Dataset) -> None:
    assert vowels.band_low[0] >= 50
    np.testing.assert_allclose(vowels.share.sum("band"), 1)
    for name, share in ((name, vowels.share.sel(model=name)) for name in vowels.model.values):
        energy = vowels.relevance_spectrum.sel(model=name, frequency=slice(float(vowels.band_low[0]), None)) ** 2
        at = vowels.band_low.values, vowels.band_high.values
        inside = [(energy.frequency >= low) & (energy.frequency < high) for low, high in zip(*at, strict=True)]
        inside[-1] |= energy.frequency == at[1][-1]
        np.testing.assert_allclose(share, [float(energy[where].sum() / energy.sum()) for where in inside], atol=1e-6)


def test_tasks_differ_where_they_must(vowels: xr.Dataset) -> None:
    name, register = vowels.share.sel(band=212.3, method="nearest").values
    assert register > 10 * name
    assert vowels.band_overlap[0, 1] < 0.5 < vowels.band_overlap[0, 0]
    assert vowels.relevance_peak[1] == pytest.approx(212.3, abs=2)


def test_a_model_is_like_itself(clip: Tensor, cnn12: nn.Module) -> None:
    result = compare([Scope(cnn12), Scope(cnn12)], clip, rule="gradient")
    assert result.model.values.tolist() == ["cnn12 1", "cnn12 2"]
    for name in ("band_overlap", "spectrum_cosine", "band_rank_correlation", "crs_cosine"):
        np.testing.assert_allclose(result[name], 1, err_msg=name)
    np.testing.assert_array_equal(result.relevance_spectrogram[0], result.relevance_spectrogram[1])


def test_checkpoints_of_one_model(cnn12: nn.Module, clip: Tensor, tmp_path: Path) -> None:
    """Three states of its weights, of which two are the same."""
    files = []
    for step in range(3):
        files.append(tmp_path / f"step{step}.pt")
        torch.save(cnn12.state_dict(), files[-1])
        if step:
            with torch.no_grad():
                for parameter in cnn12.parameters():
                    parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(step)))
    scopes = {file.stem: Scope(load("cnn12", weights=file, width=0.1, n_classes=4)) for file in files}
    result = compare(scopes, clip, target=1, rule="gradient")
    assert result.model.values.tolist() == ["step0", "step1", "step2"]
    assert result.crs_cosine[0, 1] == pytest.approx(1)
    assert result.crs_cosine[0, 2] < 0.999
    assert result.weights_sha256[0] == result.weights_sha256[1] != result.weights_sha256[2]


# -- Other lengths and rates ------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "padding"), [(900, "repeat"), (900, "zeros"), (250, "zeros"), (400, "repeat")])
def test_relevance_of_the_recording_is_that_through_what_fills_the_clip(length: int, padding: str) -> None:
    """By autograd through the repetition, the filling or the pieces, which the model itself does not see."""
    model = Ear(1000, 8000, length, padding)
    wave = 0.1 * torch.randn(400, generator=torch.Generator().manual_seed(0))
    result = compare({"a": Scope(model), "b": Scope(Ear(1000, 8000))}, wave, target=1, rule="gradient")
    leaf = wave.clone().requires_grad_()
    if length < 400:  # the mean over two pieces, of which the second adds three fifths
        (model(leaf[None, None, :length])[0, 1] / 1.6 + model(leaf[None, None, -length:])[0, 1] * 0.375).backward()
    else:
        taken = leaf.repeat(3)[:length] if padding == "repeat" else nn.functional.pad(leaf, (0, length - 400))
        model(taken[None, None])[0, 1].backward()
    assert leaf.grad is not None
    np.testing.assert_allclose(result.relevance.sel(model="a"), leaf.grad, rtol=1e-5, atol=1e-8)
    assert result.sizes["time"] == 400
    assert ("a takes" in result.attrs["notes"]) == (length != 400)


def test_a_lower_rate_gets_the_adjoint_of_interpolation() -> None:
    rng = np.random.default_rng(0)
    for low, high in ((200, 400), (200, 551), (201, 402)):
        spectrum = np.fft.rfft(rng.standard_normal(low))
        spectrum[-1] *= low % 2  # at half the rate a sine has no phase
        wave = np.fft.irfft(spectrum, low)
        padded = np.zeros(high // 2 + 1, complex)
        padded[: spectrum.size] = spectrum
        interpolated = np.fft.irfft(padded, high) * (high / low)
        np.testing.assert_allclose(interpolated[::2], wave, atol=1e-12) if high == 2 * low else None
        relevance = rng.standard_normal(high)
        assert interpolated @ relevance == pytest.approx(wave @ _limited(relevance, low))


def test_repetitions_add_up() -> None:
    np.testing.assert_array_equal(_onto_recording(np.arange(7.0), 3, repeated=True), [0 + 3 + 6, 1 + 4, 2 + 5])
    np.testing.assert_array_equal(_onto_recording(np.arange(7.0), 3, repeated=False), [0, 1, 2])
    np.testing.assert_array_equal(_onto_recording(np.arange(2.0), 3, repeated=True), [0, 1, 0])


def test_models_of_two_rates_meet_below_the_lower_half(two_tones: Path) -> None:
    ears = [Ear(500, 8000), Ear(3000, 16_000), Ear(6000, 16_000)]
    result = compare([Scope(ear) for ear in ears], two_tones, target="tone")
    assert result.attrs["sample_rate"] == 8000
    assert result.frequency[-1] == 4000 and result.response_frequency[-1] == 4000 and result.band_high[-1] == 4000
    assert result.sizes["time"] == 3200
    np.testing.assert_allclose(result.relevance_peak[:2], [500, 3000], atol=5)
    np.testing.assert_allclose(result.crs_peak[:2], [500, 3000], atol=30)
    assert result.band_overlap[0, 1] < 0.05
    assert result.beyond[0] == 0 and result.beyond[1] < 0.05 and result.beyond[2] > 0.8
    assert "4000 Hz" in result.attrs["notes"]


def test_the_same_network_at_twice_the_rate_hears_the_same(two_tones: Path) -> None:
    """Its kernels sampled twice as densely, on the same recording."""
    low, high = Ear(500, 8000), Ear(500, 16_000)
    high.conv.stride = (4,)
    result = compare({"low": Scope(low), "high": Scope(high)}, two_tones, target="tone", rule="gradient")
    assert result.band_overlap[0, 1] > 0.98
    assert result.crs_cosine[0, 1] > 0.99
    assert result.spectrum_cosine[0, 1] > 0.95
    # A path from high to low must not move the relevance in time.
    a, b = result.relevance.values
    lag = np.correlate(a, b, "full").argmax() - (a.size - 1)
    assert abs(lag) <= 1


def test_what_is_not_taken_at_all_is_silent_in_the_response(two_tones: Path) -> None:
    short = Scope(Ear(500, 16_000, 3200))
    result = compare({"short": short, "whole": Scope(Ear(500, 16_000))}, two_tones)
    silent = result.strs.sel(model="short", response_time=slice(0.21, None))
    assert not silent.any() and result.strs.sel(model="whole", response_time=slice(0.21, 0.35)).any()
    assert "was cut" in result.attrs["notes"] and "but for the relevance, which runs along" in result.attrs["notes"]
    assert result.relevance.sel(model="short", time=slice(0.21, 0.35)).any()


@pytest.mark.parametrize("name", ["swam-segmental", "swam-multiresolution"])
def test_models_of_the_zoo_beside_a_small_one(name: str, tone: Path, cnn12: nn.Module) -> None:
    result = compare([Scope(cnn12), Scope(load(name))], tone)
    assert {"relevance", "strs", "mu_avg"} <= result.keys()
    for variable in ("relevance", "relevance_spectrogram", "strs", "crs", "share"):
        assert np.isfinite(result[variable]).all(), variable
    assert np.isnan(result.mu_avg).any()  # their layers have other names
    assert "random" in result.attrs["notes"]


def test_a_published_model_beside_another_on_a_recording(data: Path, published: Path, cnn12: nn.Module) -> None:
    spoof = Scope(load("inc-tssdnet", weights=published))
    result = compare([Scope(cnn12), spoof], data / RECORDING, target=[None, "spoof"])
    clip = load_audio(data / RECORDING, sample_rate=16_000)
    alone = spoof.relevance(clip, target="spoof")
    assert result.logit[1] == float(alone.logit)
    folded = np.zeros(13 * clip.size)
    folded[:96_000] = alone.relevance
    expected = np.abs(np.fft.rfft(folded.reshape(13, -1).sum(0)))[: result.sizes["frequency"]]
    found = result.relevance_spectrum[1] * result.sizes["time"] ** 0.5
    below = slice(-1)  # at half the rate a sine has no phase
    np.testing.assert_allclose(found[below], expected[below], atol=1e-4 * expected.max())
    # Table 4 of Gupta and Abrol.
    one = result.sel(model="inc-tssdnet").dropna("layer")
    np.testing.assert_allclose(one.mu_avg, [0.7434, 0.307, 0.3313, 0.4056, 0.462], atol=6e-5)


# -- What does not apply, and bad input -------------------------------------------------------------------


def frames() -> nn.Module:
    return nn.Sequential(nn.Conv1d(1, 4, 20, stride=5), nn.ReLU())


def test_without_classes_the_first_layer_is_compared(clip: Tensor) -> None:
    scopes = {name: Scope(nn.Sequential(frames(), nn.Unflatten(1, (2, -1))), 8000) for name in "ab"}
    result = compare(scopes, clip)
    assert "strs" in result and "relevance" not in result
    assert "Not compared: relevance" in result.attrs["notes"]
    loudest = compare(scopes, clip, target=lambda output: output.amax((1, 2, 3)))
    assert "relevance" in loudest and loudest.target.values.tolist() == ["function of the output"] * 2
    with pytest.raises(InputError, match="class"):
        compare(scopes, clip, target=0)


def test_a_layer_behind_a_decimator_is_compared_at_the_same_frequencies_and_times(clip: Tensor) -> None:
    """The same cosines at half the rate, behind every second sample: the same peaks, at the same moments."""

    def bank(rate: int, width: int) -> nn.Conv1d:
        layer = nn.Conv1d(1, 12, width, width // 8, bias=False)
        time = torch.arange(width) / rate
        layer.weight.data = (
            torch.hann_window(width) * torch.cos(6.2832 * torch.linspace(100, 1900, 12)[:, None] * time)
        )[:, None]
        return layer

    whole = nn.Sequential(bank(8000, 64), nn.ReLU())
    halved = nn.Sequential(nn.AvgPool1d(1, 2), bank(4000, 32), nn.ReLU())
    time = torch.arange(4000) / 8000
    chirp = torch.sin(6.2832 * (300 * time + 1000 * time**2))  # from 300 to 1300 Hz
    result = compare({"whole": Scope(whole, 8000), "halved": Scope(halved, 8000)}, chirp)
    one, other = (result.strs.sel(model=name) for name in ("whole", "halved"))
    above = result.response_frequency > 2000
    assert not other[above].any() and one[above].any()
    inside = slice(20, -20)
    peaks = [two.values[~above][:, inside].argmax(0) for two in (one, other)]
    assert np.abs(peaks[0] - peaks[1]).max() <= 3
    step = float(result.response_time[1] - result.response_time[0])
    np.testing.assert_allclose(
        np.polyfit(np.arange(peaks[1].size) * step, peaks[1] * 8000 / 1024, 1)[0], 2000, rtol=0.03
    )


def test_without_a_first_layer_on_the_waveform_relevance_is_compared(clip: Tensor) -> None:
    class Pairs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(2, 3, 5)

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.conv(x.reshape(len(x), 2, -1))).mean(-1)

    result = compare([Scope(Pairs(), 8000), Scope(Pairs(), 8000)], clip)
    assert "relevance" in result and "strs" not in result and "crs_cosine" not in result
    assert "Not compared: response spectra" in result.attrs["notes"]


def test_nothing_to_compare_is_said(clip: Tensor) -> None:
    scopes = [Scope(nn.Sequential(nn.Linear(4000, 6), nn.Unflatten(-1, (3, 2))), 8000) for _ in range(2)]
    with pytest.raises(InputError, match="cannot be compared"):
        compare(scopes, clip)


def test_silence_has_nothing_to_explain() -> None:
    scopes = [Scope(Ear(500, 8000)), Scope(Ear(600, 8000))]
    with pytest.raises(InputError, match="is silence, in which there is nothing to explain"):
        compare(scopes, torch.zeros(800), target=1)
    result = compare(scopes, torch.zeros(800))
    assert "relevance" not in result and "nothing to explain" in result.attrs["notes"]


def test_targets_and_layers_by_model(scope: Scope, cnn12: nn.Module, clip: Tensor) -> None:
    other = Scope(cnn12, classes=["a", "b", "c", "d"])
    result = compare({"x": scope, "y": other}, clip, target={"x": "two", "y": "b"}, layer=["features.pool1", "conv3"])
    assert result.target.values.tolist() == ["two", "b"]
    assert [name.rpartition(".")[2] for name in result.sonified_layer.values] == ["pool1", "conv3"]
    with pytest.raises(InputError, match="target was given for z"):
        compare({"x": scope, "y": other}, clip, target={"z": 1})
    with pytest.raises(InputError, match="3 values of target were given for 2 models"):
        compare([scope, other], clip, target=[1, 2, 3])
    with pytest.raises(InputError, match="no layer to sonify was given for y"):
        compare({"x": scope, "y": other}, clip, layer={"x": "conv3"})
    with pytest.raises(InputError, match="conv99"):
        compare([scope, other], clip, layer="conv99")
    with pytest.raises(InputError, match="unknown class 'five'"):
        compare([scope, other], clip, target="five")


def test_bad_input_is_refused(scope: Scope, clip: Tensor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two scopes or more, not 1"):
        compare([scope], clip)
    with pytest.raises(InputError, match="8000, 16000 Hz: give the path"):
        compare([scope, Scope(Ear(500, 16_000))], clip)
    with pytest.raises(InputError, match="one clip at a time"):
        compare([scope, scope], torch.randn(2, 4000))
    with pytest.raises(InputError, match="no such audio file"):
        compare([scope, scope], tmp_path / "no.wav")
    with pytest.raises(InputError, match="unknown rule 'best'"):
        compare([scope, scope], clip, target=0, rule="best")


# -- Kept, seen and heard ---------------------------------------------------------------------------------


def test_it_survives_a_file(vowels: xr.Dataset, tmp_path: Path) -> None:
    vowels.otoscope.save(tmp_path / "compare.nc")
    with xr.open_dataset(tmp_path / "compare.nc") as loaded:
        xr.testing.assert_identical(loaded.load(), vowels)


@pytest.mark.usefixtures("blank_pictures")
def test_everything_is_written(vowels: xr.Dataset, tmp_path: Path) -> None:
    written = {path.name for path in write_results(tmp_path, {"compare": vowels})}
    sounds = {f"compare_{name}.wav" for name in vowels.model.values}
    assert written == {"compare.nc", "compare.png", "report.html", *sounds}
    for sound in sounds:
        samples, rate = soundfile.read(tmp_path / sound)
        assert rate == 16_000
        assert np.abs(samples).max() == pytest.approx(float(np.abs(vowels.input).max()), abs=1e-4)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("<audio") == 1 + 2 + 2  # the recording, both relevance signals, both sonifications
    for name in vowels.model.values:
        assert f"Relevance of {name}" in page


def test_a_name_with_a_slash_is_no_folder(clip: Tensor, tmp_path: Path) -> None:
    result = compare({"runs/a": Scope(Ear(500, 8000)), "runs/b": Scope(Ear(900, 8000))}, clip, target=1)
    assert [path.name for path in result.otoscope.write_audio(tmp_path / "x.wav")] == [
        "x_runs_a.wav",
        "x_runs_b.wav",
    ]


def test_options_of_the_rule_reach_it(scope: Scope, clip: Tensor) -> None:
    pytest.importorskip("captum")
    result = compare([scope, scope], clip, target=0, rule="smoothgrad", rule_options={"samples": 2, "seed": 3})
    alone = scope.relevance(clip, target=0, rule="smoothgrad", samples=2, seed=3)
    np.testing.assert_allclose(result.relevance[0], alone.relevance, atol=1e-6 * float(abs(alone.relevance).max()))
    with pytest.raises(InputError, match="steps"):
        compare([scope, scope], clip, target=0, rule="gradient", rule_options={"steps": 5})


def test_progress_names_its_steps(scope: Scope, clip: Tensor) -> None:
    steps: list[tuple[str, int, int]] = []
    otoscope.compare([scope, scope], clip, progress=lambda *step: steps.append(step))
    assert [step for step, _, _ in steps] == ["numbers", "relevance", "response spectra", "geometry"]
    assert [done for _, done, _ in steps] == [0, 1, 2, 3]


def test_what_a_model_does_not_take_is_said_once() -> None:
    scopes = [Scope(frames(), 8000, name=name) for name in "ab"]
    with pytest.raises(InputError, match=r"^a does not take array \(1 samples, .* too short") as said:
        compare(scopes, torch.ones(1))
    assert "Not compared" not in str(said.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "zz"}, "^unknown rule 'zz'"),
        ({"rule_options": {"bands": 3}}, "guided has no option 'bands'"),
        ({"target": "iy"}, "^vowel-register: unknown class 'iy'"),
        ({"marks": {"F0": math.nan}}, "a mark is a name and a positive frequency"),
        ({"marks": {"F0": -4.0}}, "a mark is a name and a positive frequency"),
        ({"marks": {"": 4.0}}, "a mark is a name and a positive frequency"),
    ],
)
def test_what_was_asked_for_and_cannot_be_is_no_note(options: dict[str, Any], message: str) -> None:
    scopes = [Scope(name) for name in ("vowel-name", "vowel-register")]
    with pytest.raises(InputError, match=message):
        compare(scopes, vowel_clip("ah", "women", duration=0.25), **options)


@pytest.mark.usefixtures("blank_pictures")
def test_silence_has_no_peak_and_marks_may_lie_outside_the_picture(tmp_path: Path) -> None:
    scopes = [Scope(name) for name in ("vowel-name", "vowel-register")]
    result = compare(scopes, torch.zeros(4000), marks={"F0": 120.0, "far": 1e9})
    assert np.isnan(result.crs_peak).all()
    files = {path.name for path in write_results(tmp_path, {"compare": result})}
    assert "compare.png" in files and not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_what_is_compared_says_what_it_is_and_in_which_unit() -> None:
    scopes = [Scope(name) for name in ("vowel-name", "vowel-register")]
    result = compare(scopes, vowel_clip("ah", "women", duration=0.25), layer="relu1", marks={"F0": 212.0})
    unnamed = [name for name, one in result.variables.items() if not one.attrs.get("long_name")]
    assert unnamed == ["mark"]
    assert (result.time.units, result.frequency.units, result.relevance_peak.units) == ("s", "Hz", "Hz")
    assert result.sonification.sample_rate == 16_000


# -- A relevance that adds up -----------------------------------------------------------------------------


def test_of_a_product_all_sums_agree_and_are_those_of_each_model_alone(vowel_scopes: list[Scope]) -> None:
    clip = vowel_clip("ah", "women", duration=0.25)
    result = compare(vowel_scopes, clip, rule="gradient_x_input")
    assert result.attrs["form"] == "product"
    sums = result.relevance.astype(float).sum("time")
    scale = abs(result.relevance).sum("time")
    for one in (
        result.relevance_spectrum.sum("frequency"),
        result.relevance_spectrogram.astype(float).sum(["frame_frequency", "frame_time"]),
    ):
        assert float((abs(one - sums) / scale).max()) < 1e-5
    for scope in vowel_scopes:
        alone, one = scope.relevance(clip, rule="gradient_x_input"), result.sel(model=scope.name)
        for name in ("relevance", "relevance_spectrum", "relevance_spectrogram"):
            np.testing.assert_allclose(one[name], alone[name], atol=1e-5 * float(abs(alone[name]).max()))
    np.testing.assert_allclose(abs(result.share).sum("band"), 1)
    assert (result.share < 0).any()
    assert ((result.band_overlap >= 0) & (result.band_overlap <= 1)).all()
    np.testing.assert_allclose(np.diagonal(result.spectrum_cosine), 1)


def test_of_a_product_the_sum_is_that_of_the_model_at_another_rate_too(tmp_path: Path) -> None:
    """Of a sound without what only the faster model hears."""
    torch.manual_seed(0)
    scopes = {
        str(rate): Scope(nn.Sequential(nn.Conv1d(1, 4, rate // 400, rate // 800), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
                                       nn.Flatten(), nn.Linear(4, 2)), rate)
        for rate in (8000, 16_000)
    }  # fmt: skip
    time = np.arange(16_000) / 16_000
    soundfile.write(tmp_path / "a.wav", 0.3 * np.hanning(16_000) * np.sin(2 * np.pi * 700 * time), 16_000)
    result = compare(scopes, tmp_path / "a.wav", target=1, rule="gradient_x_input")
    for rate, scope in scopes.items():
        alone = scope.relevance(tmp_path / "a.wav", target=1, rule="gradient_x_input")
        expected, scale = float(alone.relevance.sum()), float(abs(alone.relevance).sum())
        assert float(result.relevance.sel(model=rate).sum()) == pytest.approx(expected, abs=1e-3 * scale)
    assert float(result.beyond.max()) < 1e-3
