"""The rules that Captum computes: equal to Captum called directly, and the properties that define them."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import xarray as xr
from torch import Tensor, nn

import otoscope
from otoscope import InputError, Scope
from otoscope.methods.attribution import band_edges
from otoscope.methods.catalogue import METHODS
from otoscope.methods.relevance import relevance, relevance_of
from otoscope.methods.relevance_rules import ATTRIBUTIONS, RELEVANCE_RULES, option_values
from otoscope.subject import Subject
from otoscope.tables import rows

captum = pytest.importorskip("captum.attr")
sys.path.insert(0, str(Path(__file__).parents[1] / "probe"))

RATE = 8000
GRADIENTS = ("integrated_gradients", "smoothgrad")
OCCLUSIONS = ("occlusion", "frequency_occlusion")
FEW: dict[str, Any] = {
    "integrated_gradients": {"steps": 8},
    "smoothgrad": {"samples": 4},
    "occlusion": {"occlusion_window": 0.1},
    "frequency_occlusion": {"bands": 4},
}


@pytest.fixture
def inputs(clip: Tensor) -> Tensor:
    return clip[None, None]


def ask(
    model: nn.Module,
    inputs: Tensor,
    rule: str,
    target: Any = None,
    classes: Any = None,
    output: str | None = None,
    **options: Any,
) -> xr.Dataset:
    """The relevance of tensors that go into the model as they are."""
    subject = Subject(model, RATE, classes=classes, output=output)
    return relevance_of(subject, inputs, target=target, rule=rule, options=options)


def ear(classes: int = 3) -> nn.Module:
    """A small smooth model, for which quadrature converges fast."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(1, 8, 20, stride=5), nn.Softplus(), nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(32, classes)
    )


def directly(explainer: Any, x: Tensor, **options: Any) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return explainer.attribute(x.clone().requires_grad_(), **options).detach()[:, 0].numpy()


def test_they_are_rules_of_relevance() -> None:
    assert set(ATTRIBUTIONS) == {*GRADIENTS, *OCCLUSIONS}
    assert set(ATTRIBUTIONS) < set(RELEVANCE_RULES)


# -- Captum itself


def test_integrated_gradients_are_those_of_captum(cnn12: nn.Module, inputs: Tensor) -> None:
    found = ask(cnn12, inputs, "integrated_gradients", target=2, steps=16)
    expected = directly(captum.IntegratedGradients(cnn12.eval()), inputs, target=2, n_steps=16, internal_batch_size=8)
    np.testing.assert_allclose(found.relevance, expected, rtol=3e-7)  # Captum multiplies before it rounds
    assert np.abs(expected).max() > 0


def test_smoothgrad_is_that_of_captum(cnn12: nn.Module, inputs: Tensor) -> None:
    found = ask(cnn12, inputs, "smoothgrad", target=2, samples=6, noise=0.2, seed=5, batch_size=3)
    deviation = float(0.2 * inputs.square().mean().sqrt())
    torch.manual_seed(5)
    expected = directly(
        captum.NoiseTunnel(captum.Saliency(cnn12.eval())),
        inputs, nt_samples=6, nt_samples_batch_size=3, stdevs=deviation, abs=False, target=2,
    )  # fmt: skip
    np.testing.assert_allclose(found.relevance, expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("batch_size", [1, 5])
def test_occlusion_is_that_of_captum(cnn12: nn.Module, inputs: Tensor, batch_size: int) -> None:
    cnn12, inputs = cnn12.double(), inputs.double()
    found = ask(cnn12, inputs, "occlusion", target=2, occlusion_window=0.1, occlusion_hop=0.05, batch_size=batch_size)
    expected = directly(
        captum.Occlusion(cnn12.eval()), inputs, target=2, sliding_window_shapes=(1, 800), strides=(1, 400)
    )
    assert np.unique(np.abs(expected)).size > 5
    np.testing.assert_allclose(found.time_relevance, expected, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(found.relevance, found.time_relevance * inputs[0, 0].numpy())


def test_frequency_occlusion_is_captum_on_a_mask_of_the_spectrum(cnn12: nn.Module, inputs: Tensor) -> None:
    cnn12, inputs = cnn12.double(), inputs.double()
    edges = [0.0, 500.0, 1000.0, 4000.0]
    found = ask(cnn12, inputs, "frequency_occlusion", target=2, bands=edges)
    spectrum = torch.view_as_real(torch.fft.rfft(inputs))
    bins = torch.fft.rfftfreq(4000, 1 / RATE).double()
    band = torch.bucketize(bins, torch.tensor(edges[1:-1]).double(), right=True)
    mask = band[None, None, :, None].expand_as(spectrum)
    ablation = captum.FeatureAblation(lambda s: cnn12.eval()(torch.fft.irfft(torch.view_as_complex(s), 4000)))
    expected = ablation.attribute(spectrum.contiguous(), target=2, feature_mask=mask)[0, 0, :, 0].detach()
    by_band = [expected[band == number][0] for number in range(3)]
    np.testing.assert_allclose(found.band_relevance[0], by_band, rtol=1e-5)
    assert found.band_low.values.tolist() == edges[:-1] and found.band_high.values.tolist() == edges[1:]


# -- What defines each rule


def test_integrated_gradients_are_complete() -> None:
    """They add up to the output for the clip less that for silence."""
    model, x = ear().double(), torch.randn(2, 1, 800, dtype=torch.float64)
    found = ask(model, x, "integrated_gradients", target=1, steps=64)
    silence = model(torch.zeros(1, 1, 800, dtype=torch.float64))[0, 1].detach()
    np.testing.assert_allclose(found.baseline_logit, silence)
    np.testing.assert_allclose(found.relevance.sum("time"), found.logit - found.baseline_logit, rtol=1e-6)


def test_integrated_gradients_of_a_relu_network_come_close() -> None:
    scope = Scope(otoscope.load("vowel-name"))
    wave = torch.sin(2 * torch.pi * 300 * torch.arange(8000) / 16_000) * 0.3
    found = scope.relevance(wave, rule="integrated_gradients", steps=100)
    assert float(found.relevance.sum()) == pytest.approx(float(found.logit - found.baseline_logit), rel=0.02)


def test_smoothgrad_without_noise_is_the_gradient(cnn12: nn.Module, inputs: Tensor) -> None:
    gradient = ask(cnn12, inputs, "gradient", target=1).relevance
    found = ask(cnn12, inputs, "smoothgrad", target=1, noise=0, samples=2).relevance
    np.testing.assert_allclose(found, gradient, atol=1e-6 * float(np.abs(gradient).max()))


def test_smoothgrad_of_a_quadratic_tends_to_its_gradient() -> None:
    """The noise averages out of a gradient that is linear."""

    class Power(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.square().sum(-1)

    x = torch.randn(1, 1, 100)
    found = ask(Power(), x, "smoothgrad", samples=2000, noise=0.5, batch_size=200)
    deviation = 2 * 0.5 * float(x.square().mean().sqrt()) / np.sqrt(2000)
    assert np.abs(found.relevance.values - 2 * x[0].numpy()).max() < 5 * deviation


def test_occluding_what_the_model_ignores_changes_nothing() -> None:
    class FirstHalf(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[..., :400].abs().sum(-1)

    x = torch.randn(1, 1, 800)
    found = ask(FirstHalf(), x, "occlusion", occlusion_window=0.0125, occlusion_hop=0.0125)
    assert not found.time_relevance[0, 400:].any() and not found.relevance[0, 400:].any()
    lost = x[0, 0, :400].abs().reshape(4, 100).sum(1).repeat_interleave(100)
    np.testing.assert_allclose(found.time_relevance[0, :400], lost, rtol=1e-4)


@pytest.mark.parametrize("length", [800, 801])
def test_a_model_that_listens_to_one_band_gets_just_this_band(length: int) -> None:
    class Band(nn.Module):
        """Energy of the DFT bins from 1000 to 2000 Hz."""

        def forward(self, x: Tensor) -> Tensor:
            bins = torch.fft.rfftfreq(x.shape[-1], 1 / RATE)
            return torch.fft.rfft(x)[..., (bins >= 1000) & (bins < 2000)].abs().square().sum(-1)

    x = torch.randn(2, 1, length)
    found = ask(Band(), x, "frequency_occlusion", bands=[0, 500, 1000, 2000, 3000, 4000])
    band = found.band_relevance.values
    np.testing.assert_allclose(band[:, 2], found.logit, rtol=1e-4)
    assert np.abs(np.delete(band, 2, axis=1)).max() < 1e-5 * band.max()
    inside = (found.frequency.values >= 1000) & (found.frequency.values < 2000)
    assert found.relevance_spectrum[:, ~inside].max() < 1e-4 * found.relevance_spectrum.max()


@pytest.mark.parametrize("length", [800, 801])
def test_the_bands_of_a_linear_model_add_up(length: int) -> None:
    """So no frequency is left out and none is taken twice, up to the Nyquist limit."""
    torch.manual_seed(1)
    model, x = nn.Linear(length, 1, bias=False).double(), torch.randn(3, length, dtype=torch.float64)
    found = ask(model, x, "frequency_occlusion", bands=7)
    np.testing.assert_allclose(found.band_relevance.sum("band"), found.logit)


def test_the_signal_of_frequency_occlusion_is_the_bands_times_their_loss() -> None:
    model, x = ear(), torch.randn(1, 1, 1000)
    found = ask(model, x, "frequency_occlusion", target=0, bands=5)
    bins, spectrum = np.fft.rfftfreq(1000, 1 / RATE), np.fft.rfft(x[0, 0].numpy())
    expected = np.zeros(1000)
    for b in range(5):
        low, high = float(found.band_low[b]), float(found.band_high[b])
        inside = (bins >= low) & ((bins < high) | (b == 4))
        expected += float(found.band_relevance[0, b]) * np.fft.irfft(spectrum * inside, 1000)
    np.testing.assert_allclose(found.relevance[0], expected, atol=1e-5 * np.abs(expected).max())


def test_bands_are_even_on_the_mel_scale() -> None:
    edges = band_edges(10, 16_000)
    mels = 2595 * np.log10(1 + edges / 700)
    np.testing.assert_allclose(np.diff(mels), mels[-1] / 10)
    assert edges[0] == 0 and edges[-1] == 8000


# -- Any model, any target


@pytest.mark.parametrize("rule", ATTRIBUTIONS)
@pytest.mark.parametrize("target", ["two", "2", 2, np.int64(2), lambda logits: logits[:, 2]])
def test_targets_in_all_their_forms(rule: str, target: Any) -> None:
    model, x = ear(), torch.randn(2, 1, 800)
    classes = ("zero", "one", "two")
    found = ask(model, x, rule, target=target, classes=classes, **FEW[rule])
    expected = ask(model, x, rule, target=2, **FEW[rule])
    np.testing.assert_allclose(found.relevance, expected.relevance, atol=1e-6)
    assert found.attrs["target"].startswith("function of the output" if callable(target) else "two, two")


@pytest.mark.parametrize("rule", ATTRIBUTIONS)
def test_each_clip_of_a_batch_has_its_own_target_and_does_not_mix(rule: str) -> None:
    model, x = ear(), 2 * torch.randn(4, 1, 800)
    wanted = torch.tensor([2, 0, 1, 1])
    by_function = ask(model, x, rule, target=lambda y: y[torch.arange(len(y)), wanted[: len(y)]], **FEW[rule])
    likeliest = ask(model, x, rule, **FEW[rule])
    assert likeliest.target.values.tolist() == model(x).argmax(1).tolist()
    for i in range(4):
        alone = ask(model, x[i : i + 1], rule, target=int(wanted[i]), **FEW[rule])
        np.testing.assert_allclose(by_function.relevance[i], alone.relevance[0], atol=1e-6)
        alone = ask(model, x[i : i + 1], rule, **FEW[rule])
        np.testing.assert_allclose(likeliest.relevance[i], alone.relevance[0], atol=1e-6)


@pytest.mark.parametrize("rule", ATTRIBUTIONS)
def test_models_without_channel_axis_and_with_one_output(rule: str) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(800, 1)
    with_channel = nn.Sequential(nn.Flatten(), linear, nn.Flatten(0))
    without = nn.Sequential(linear, nn.Flatten(0))
    x = torch.randn(3, 800)
    found, expected = ask(without, x, rule, **FEW[rule]), ask(with_channel, x[:, None], rule, **FEW[rule])
    np.testing.assert_allclose(found.relevance, expected.relevance, atol=1e-6)
    assert found.relevance.shape == (3, 800) and np.isfinite(found.relevance).all()


@pytest.mark.parametrize("rule", ATTRIBUTIONS)
def test_activations_in_place_and_a_softmax_at_the_end(rule: str) -> None:
    class InPlace(nn.Module):
        def __init__(self, plain: nn.Sequential) -> None:
            super().__init__()
            self.conv, self.fc = plain[0], plain[4]

        def forward(self, x: Tensor) -> Tensor:
            x = x.mul_(1.0)
            x = F.relu(self.conv(x), inplace=True)
            return torch.softmax(self.fc(F.adaptive_avg_pool1d(x, 4).flatten(1)), -1)

    plain = ear()
    plain[1] = nn.ReLU()
    x = torch.randn(1, 1, 800)
    before = x.clone()
    found = ask(InPlace(plain), x, rule, target=1, **FEW[rule])
    np.testing.assert_allclose(found.relevance, ask(plain, x, rule, target=1, **FEW[rule]).relevance, atol=1e-6)
    assert torch.equal(x, before)


@pytest.mark.parametrize("rule", ATTRIBUTIONS)
@pytest.mark.parametrize("name", ["sinc", "multi_resolution", "recurrent", "transformer", "wav2vec2_group"])
def test_many_architectures(name: str, rule: str) -> None:
    from probe_zoo import build

    model, x = build(name)
    modes = [module.training for module in model.modules()]
    output = "last_hidden_state" if name.startswith("wav2vec2") else None
    options = {"occlusion_window": 0.01} if rule == "occlusion" else FEW[rule] | {"batch_size": 3}
    found = ask(model, x, rule, target=lambda y: y.reshape(len(y), -1)[:, 0], output=output, **options)
    assert np.isfinite(found.relevance).all() and found.relevance.any()
    assert [module.training for module in model.modules()] == modes
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def test_a_published_checkpoint(published: Path, data: Path) -> None:
    scope = Scope(otoscope.load("inc-tssdnet", weights=published))
    wave = otoscope.load_audio(next(iter(sorted((data).rglob("*.wav")))), sample_rate=16_000)[:16_000]
    found = scope.relevance(wave, rule="frequency_occlusion", bands=4, batch_size=2)
    assert found.relevance.shape == (96_000,) and np.isfinite(found.band_relevance).all()


@pytest.mark.parametrize("rule", OCCLUSIONS)
def test_occlusion_needs_no_gradient(rule: str) -> None:
    class Cut(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                return x.abs().sum(-1)

    assert ask(Cut(), torch.randn(1, 1, 800), rule, **FEW[rule]).relevance.any()


@pytest.mark.parametrize("rule", GRADIENTS)
def test_gradients_that_are_cut_are_refused(rule: str) -> None:
    class Cut(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.detach().abs().sum(-1)

    with pytest.raises(InputError, match="cuts gradients"):
        ask(Cut(), torch.randn(1, 1, 800), rule)


@pytest.mark.parametrize("rule", ATTRIBUTIONS)
def test_silence_and_inference_mode(rule: str) -> None:
    model = ear()
    with torch.inference_mode():
        if rule != "smoothgrad":  # they weight what is in the sound
            with pytest.raises(InputError, match="zero everywhere: the sound is silent"):
                ask(model, torch.zeros(1, 1, 800), rule, **FEW[rule])
        found = ask(model, 0.1 * torch.ones(1, 1, 800), rule, **FEW[rule])
    for name, one in found.drop_vars("peak_frequency").data_vars.items():  # NaN where nothing is relevant
        assert one.dtype.kind == "U" or np.isfinite(one).all(), name


# -- Seeds, options, provenance


def test_a_seed_gives_the_same_again_and_leaves_the_random_state_alone() -> None:
    model, x = ear(), torch.randn(1, 1, 800)
    first = ask(model, x, "smoothgrad", noise=0.5)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    again = ask(model, x, "smoothgrad", noise=0.5)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(first.relevance, again.relevance)
    assert not np.array_equal(first.relevance, ask(model, x, "smoothgrad", noise=0.5, seed=1).relevance)


@pytest.mark.parametrize("rule", ["integrated_gradients", *OCCLUSIONS])
def test_the_batch_size_changes_nothing(rule: str) -> None:
    model, x = ear().double(), torch.randn(1, 1, 800, dtype=torch.float64)
    one = ask(model, x, rule, batch_size=1, **FEW[rule])
    many = ask(model, x, rule, batch_size=100, **FEW[rule])
    np.testing.assert_allclose(one.relevance, many.relevance, atol=1e-9)


@pytest.mark.parametrize("rule", ATTRIBUTIONS)
def test_results_say_how_they_were_made_and_load_back(rule: str, tmp_path: Path) -> None:
    found = relevance(Subject(ear(), RATE), torch.randn(800), rule=rule, **FEW[rule])
    assert found.attrs["rule"] == rule and found.attrs["source"].startswith(ATTRIBUTIONS[rule])
    arguments = json.loads(found.attrs["arguments"])
    assert arguments["rule"] == rule and arguments["batch_size"] == 8
    for name, value in option_values(rule, FEW[rule]).items():
        assert arguments[name] == (0.05 if name == "occlusion_hop" else value)  # half of the window
    found.otoscope.save(tmp_path / "relevance.nc")
    with xr.open_dataset(tmp_path / "relevance.nc", engine="scipy") as loaded:
        xr.testing.assert_identical(loaded.load().drop_attrs(), found.drop_attrs())


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        ("guided", {"steps": 5}, "the rule guided has no option 'steps': it has none"),
        ("smoothgrad", {"steps": 5}, "no option 'steps': its options are samples, noise, seed, batch_size"),
        ("integrated_gradients", {"steps": 0}, "steps has to be a whole number of 1 or more, got 0"),
        ("integrated_gradients", {"batch_size": 2.5}, "batch_size has to be a whole number"),
        ("smoothgrad", {"noise": -1}, "noise has to be a number of 0 or more"),
        ("occlusion", {"occlusion_window": 1.0}, r"as short as the clip \(0.1 s\) or shorter"),
        ("occlusion", {"occlusion_window": 0.01, "occlusion_hop": 0.02}, "between one sample .* and the window"),
        ("occlusion", {"occlusion_window": 0.0}, "occlusion_window"),
        ("frequency_occlusion", {"bands": 0}, "bands has to be a whole number of 1 or more"),
        ("smoothgrad", {"noise": [1, 2]}, "noise has to be a number"),
        ("smoothgrad", {"seed": 1.5}, "seed has to be a whole number"),
        ("smoothgrad", {"seed": 2**70}, "seed has to be a whole number"),
        ("occlusion", {"occlusion_window": float("nan")}, "occlusion_window has to be a number of seconds"),
        ("occlusion", {"occlusion_window": [0.1, 0.2]}, "occlusion_window has to be a number"),
        ("occlusion", {"occlusion_hop": float("inf")}, "occlusion_hop has to be a number of seconds"),
        ("frequency_occlusion", {"bands": [100, 50]}, "two edges or more that rise"),
        ("frequency_occlusion", {"bands": [0, float("nan")]}, "two edges or more that rise"),
        ("frequency_occlusion", {"bands": 402}, "more than the 401 frequencies of a clip of 800 samples"),
        ("frequency_occlusion", {"bands": [0, 5000]}, r"at most half the sample rate \(4000 Hz\)"),
        ("occlude", {}, "unknown rule 'occlude'; the rules are gradient, .*, frequency_occlusion, .*, or a function"),
    ],
)
def test_bad_options_get_one_clear_error(rule: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(ear(), torch.randn(1, 1, 800), rule, **options)
    with pytest.raises(InputError, match=message):
        relevance(Subject(ear(), RATE), torch.randn(800), rule=rule, **options)


def test_an_option_that_is_not_given_is_that_of_the_rule() -> None:
    model, x = ear(), torch.randn(800)
    found = relevance(Subject(model, RATE), x, rule="smoothgrad", samples=4)
    expected = ask(model, x[None, None], "smoothgrad", samples=4, noise=0.1, seed=0, batch_size=8)
    np.testing.assert_array_equal(found.relevance, expected.relevance[0])


def test_the_table_of_frequency_occlusion_has_a_row_for_each_band() -> None:
    found = relevance(Subject(ear(), RATE), torch.randn(800), rule="frequency_occlusion", bands=[0, 400.5, 4000])
    table = rows(found, METHODS["relevance"])
    assert [(row["band_low"], row["band_high"]) for row in table] == [(0, 400.5), (400.5, 4000)]
    assert [row["band_relevance"] for row in table] == found.band_relevance.values.tolist()


def test_without_captum_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(InputError, match=r"occlusion needs Captum: pip install otoscope\[attribution\]"):
        ask(ear(), torch.randn(1, 1, 800), "occlusion")
    assert ask(ear(), torch.randn(1, 1, 800), "gradient").relevance.any()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that CUDA can use")
@pytest.mark.parametrize("rule", ATTRIBUTIONS)
def test_a_gpu_gives_the_same(rule: str) -> None:
    model, x = ear().double(), torch.randn(2, 1, 800, dtype=torch.float64)
    options = FEW[rule] | ({"noise": 0.0} if rule == "smoothgrad" else {})  # the noise of a GPU is another one
    expected = ask(model, x, rule, **options)
    found = ask(model.cuda(), x.cuda(), rule, **options)
    np.testing.assert_allclose(found.relevance, expected.relevance, atol=1e-8)


@pytest.mark.parametrize("rule", ATTRIBUTIONS)
@pytest.mark.parametrize("precision", [torch.half, torch.bfloat16])
def test_a_model_of_half_precision_gives_about_the_same(rule: str, precision: torch.dtype, tmp_path: Path) -> None:
    options = FEW[rule] | ({"noise": 0.0} if rule == "smoothgrad" else {})
    x = torch.randn(1, 1, 800, generator=torch.Generator().manual_seed(0))
    expected = ask(ear(), x, rule, **options)
    found = ask(ear().to(precision), x.to(precision), rule, **options)
    assert np.corrcoef(found.relevance[0], expected.relevance[0])[0, 1] > 0.98
    found.otoscope.save(tmp_path / "half.nc")
    with xr.open_dataset(tmp_path / "half.nc", engine="scipy") as loaded:
        assert loaded.relevance.dtype == np.float32
