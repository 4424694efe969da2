"""Relevance against Captum and numpy; targets in all their forms."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError
from otoscope.methods.catalogue import METHODS
from otoscope.methods.relevance import relevance, relevance_of
from otoscope.probe import RULES
from otoscope.subject import Subject
from otoscope.tables import rows

RATE = 8000
CLASSES = ("zero", "one", "two", "three")


@pytest.fixture
def inputs(clip: Tensor) -> Tensor:
    return clip[None, None]


def ask(model: nn.Module, inputs: Tensor, classes: Any = None, **arguments: Any) -> xr.Dataset:
    """The relevance of tensors that go into the model as they are."""
    return relevance_of(Subject(model, RATE, classes=classes), inputs, **arguments)


@pytest.mark.parametrize("rule", ["guided", "gradient", "gradient_x_input"])
def test_it_is_what_captum_computes(cnn12: nn.Module, inputs: Tensor, rule: str) -> None:
    captum = pytest.importorskip("captum.attr")
    explainer = {"guided": "GuidedBackprop", "gradient": "Saliency", "gradient_x_input": "InputXGradient"}[rule]
    options = {"abs": False} if rule == "gradient" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(captum, explainer)(cnn12).attribute(inputs.clone().requires_grad_(), target=2, **options)
    result = ask(cnn12, inputs, target=2, rule=rule)
    assert np.abs(result.relevance.values).max() > 0
    np.testing.assert_array_equal(result.relevance.values, expected.detach()[:, 0].numpy())
    assert float(result.logit[0]) == pytest.approx(float(cnn12(inputs)[0, 2].detach()))


def test_g_is_the_first_half_of_the_inverse_transform(cnn12: nn.Module, inputs: Tensor) -> None:
    result = ask(cnn12, inputs, target=1)
    g = np.fft.ifft(result.relevance.values[0].astype(np.float64))[:2001]
    np.testing.assert_allclose(result.g[0], np.abs(g), atol=1e-6 * np.abs(g).max())
    spectrum = np.abs(g) * 4000**0.5
    np.testing.assert_allclose(result.relevance_spectrum[0], spectrum, atol=1e-6 * spectrum.max())
    loud = np.abs(g) > 1e-3 * np.abs(g).max()
    turned = result.g_phase.values[0] - np.angle(g)
    np.testing.assert_allclose(np.exp(1j * turned[loud]), 1, atol=1e-3)
    np.testing.assert_allclose(result.frequency, np.arange(2001) * 2.0)
    assert result.frequency.attrs["units"] == "Hz"


def test_relevance_of_a_linear_model_is_its_weights() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(100, 3))
    result = ask(model, torch.randn(2, 1, 100), target=2, rule="gradient")
    for i in range(2):
        np.testing.assert_array_equal(result.relevance[i], model[1].weight[2].detach())


def test_short_time_spectrum_is_that_of_scipy_every_10_ms(cnn12: nn.Module, inputs: Tensor) -> None:
    result = ask(cnn12, inputs, target=1)
    assert result.relevance_spectrogram.shape == result.input_spectrogram.shape == (1, 101, 51)
    np.testing.assert_allclose(result.frame_frequency, np.arange(101) * 40.0)  # 200 samples
    np.testing.assert_allclose(result.frame_time, np.arange(51) * 0.01)
    stft = scipy.signal.ShortTimeFFT(scipy.signal.get_window("hann", 200), 80, RATE)
    for name, signal in (("relevance_spectrogram", "relevance"), ("input_spectrogram", "input")):
        samples = result[signal].values[0].astype(np.float64)
        weights = np.zeros(4000)
        for centre in range(0, 4001, 80):
            at = np.arange(centre - 100, centre + 100)
            weights[at[(at >= 0) & (at < 4000)]] += stft.win[(at >= 0) & (at < 4000)] ** 2
        expected = np.abs(stft.stft(samples / weights**0.5, p0=0, p1=51)) / 200**0.5
        np.testing.assert_allclose(result[name].values[0], expected, atol=1e-5 * expected.max())


@pytest.mark.parametrize("target", ["two", "2", 2, np.int64(2), lambda logits: logits[:, 2]])
def test_a_class_may_be_given_by_name_number_or_function(cnn12: nn.Module, inputs: Tensor, target: Any) -> None:
    result = ask(cnn12, inputs, target=target, classes=CLASSES)
    np.testing.assert_array_equal(result.relevance, ask(cnn12, inputs, target=2).relevance)
    assert result.attrs["target"] == ("function of the output" if callable(target) else "two")
    assert int(result.target[0]) == (-1 if callable(target) else 2)


def test_the_likeliest_class_is_taken_for_each_clip() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(50, 4))
    inputs = torch.randn(6, 1, 50)
    likeliest = model(inputs).argmax(1)
    assert len(set(likeliest.tolist())) > 1
    result = ask(model, inputs, classes=CLASSES, rule="gradient")
    assert result.target.values.tolist() == likeliest.tolist()
    np.testing.assert_array_equal(result.relevance, model[1].weight.detach()[likeliest])
    assert result.attrs["target"] == ", ".join(CLASSES[i] for i in likeliest)


@pytest.mark.parametrize(
    ("target", "classes", "message"),
    [
        (4, None, "unknown class 4: the model has 4 outputs, 0 to 3"),
        (-1, None, "unknown class -1"),
        ("-1", CLASSES, "unknown class -1"),
        (1.5, None, "unknown class 1.5"),
        ("five", CLASSES, "unknown class 'five'; the classes are zero, one, two, three"),
        ("five", None, "no class names, so 'five' is unknown: give 0 to 3"),
        (0, ("a", "b"), "2 class names were given and the model has 4 outputs"),
        (lambda y: y, None, r"one number for each of the 1 clips.*shape \(1, 4\)"),
        (lambda y: 1.0, None, r"one number for each.*float"),
        (lambda y: y.detach()[:, 0], None, "made of the output"),
    ],
)
def test_targets_that_cannot_be_are_refused(
    cnn12: nn.Module, inputs: Tensor, target: Any, classes: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        ask(cnn12, inputs, target=target, classes=classes)


def test_unknown_rules_are_refused(cnn12: nn.Module, inputs: Tensor) -> None:
    with pytest.raises(InputError, match="unknown rule 'guided-ish'; the rules are gradient, guided, deconvnet"):
        ask(cnn12, inputs, rule="guided-ish")


def test_an_output_without_class_axis_needs_a_function() -> None:
    model = nn.Conv1d(1, 3, 5)
    with pytest.raises(InputError, match=r"\(1, 3, 96\), and its axis 2 is time.*Give as target 'energy', .* function"):
        ask(model, torch.randn(1, 1, 100))
    result = ask(model, torch.randn(1, 1, 100), target=lambda y: y[:, 0, 40])
    np.testing.assert_allclose(result.relevance[0, 40:45], model.weight[0, 0].detach())
    assert not result.relevance[0, :40].any() and not result.relevance[0, 45:].any()


def test_an_output_without_clips_on_its_first_axis_is_refused() -> None:
    frames = nn.Sequential(nn.Unflatten(2, (4, 25)), nn.Flatten(0, 2), nn.Linear(25, 3))
    with pytest.raises(InputError, match="without the clips on its first axis"):
        ask(frames, torch.randn(1, 1, 100))


def test_one_number_a_clip_is_explained_as_it_is() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(100, 1), nn.Flatten(0))
    inputs = torch.randn(3, 1, 100)
    assert model(inputs).shape == (3,)
    result = ask(model, inputs)
    np.testing.assert_array_equal(result.relevance, model[1].weight.detach().expand(3, 100))
    np.testing.assert_allclose(result.logit, model(inputs).detach())


@pytest.mark.parametrize("last", [nn.Softmax(-1), nn.LogSoftmax(-1)])
def test_a_softmax_at_the_end_is_left_out(cnn12: nn.Module, inputs: Tensor, last: nn.Module) -> None:
    plain, normalised = ask(cnn12, inputs, target=1), ask(nn.Sequential(cnn12, last), inputs, target=1)
    np.testing.assert_array_equal(normalised.relevance, plain.relevance)
    np.testing.assert_array_equal(normalised.logit, plain.logit)


def test_clips_of_a_batch_do_not_mix(cnn12: nn.Module, inputs: Tensor) -> None:
    batch = torch.cat([inputs, 0.5 * inputs.flip(-1)])
    together = ask(cnn12, batch)
    for i in range(2):
        alone = ask(cnn12, batch[i : i + 1])
        for name in together.data_vars:
            if name != "g_phase" and together[name].dtype.kind == "f":
                a, b = together[name].values[i], alone[name].values[0]
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5 * np.abs(b).max(), err_msg=name)


def test_silence_is_explained_without_nan(cnn12: nn.Module) -> None:
    with pytest.raises(InputError, match="zero everywhere: its gradient is zero, though the output"):
        ask(cnn12, torch.zeros(1, 1, 4000))
    with torch.no_grad():
        cnn12.get_parameter(next(name for name, p in cnn12.named_parameters() if p.ndim == 1)).add_(0.1)
    result = ask(cnn12, torch.zeros(1, 1, 4000))
    for name, one in result.drop_vars("peak_frequency").data_vars.items():  # NaN where nothing is relevant
        assert one.dtype.kind == "U" or np.isfinite(one).all(), name


def test_a_rule_of_ones_own_is_followed_and_named(cnn12: nn.Module, inputs: Tensor) -> None:
    def nothing(grad: Tensor, activation: Any) -> Tensor:
        return torch.zeros_like(grad)

    def half(grad: Tensor, activation: Any) -> Tensor:
        return activation.backward(grad) / 2

    assert ask(cnn12, inputs, rule=half).attrs["rule"] == "half"
    with pytest.raises(InputError, match=r"zero everywhere: the rule nothing lets nothing through.*'gradient'"):
        ask(cnn12, inputs, rule=nothing)


def test_a_rule_that_was_added_to_the_rules_is_known_by_its_name(
    cnn12: nn.Module, inputs: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RULES, "mine", lambda grad, activation: 2 * activation.backward(grad))
    assert ask(cnn12, inputs, rule="mine").relevance.any()


@pytest.mark.parametrize("output", [1, "scores"])
def test_one_of_several_outputs_is_explained(output: int | str) -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(100, 2), nn.Linear(100, 3)

        def forward(self, x: Tensor) -> Any:
            x = x.flatten(1)
            return (
                (self.first(x), self.second(x)) if output == 1 else {"hidden": self.first(x), "scores": self.second(x)}
            )

    model = Two()
    result = relevance(Subject(model, RATE, output=output), torch.randn(100), target=2, rule="gradient")
    np.testing.assert_array_equal(result.relevance, model.second.weight[2].detach())
    occluded = relevance(Subject(model, RATE, output=output), torch.ones(100), target=2, rule="occlusion",
                         occlusion_window=1 / RATE, occlusion_hop=1 / RATE)  # fmt: skip
    np.testing.assert_allclose(occluded.time_relevance, model.second.weight[2].detach(), atol=1e-6)


def test_the_table_says_where_the_relevance_is_largest() -> None:
    """Of a linear model, whose relevance is its weights: a click, and a tone beside an offset, which is inaudible."""
    time = torch.arange(800) / RATE
    weight = torch.cos(2 * torch.pi * 1000 * time) + 50  # inaudible, and larger
    weight[300] = -60
    model = nn.Sequential(nn.Flatten(), nn.Linear(800, 1))
    model[1].weight.data[0] = weight
    result = relevance(Subject(model, RATE, classes=["click"]), torch.randn(800), rule="gradient")
    (row,) = rows(result, METHODS["relevance"])
    assert row == {
        "class_name": "click", "logit": float(result.logit), "probability": float(result.logit > 0),
        "peak_time": 300 / RATE, "peak_frequency": 1000.0,
    }  # fmt: skip


def test_the_arguments_are_signed(cnn12: nn.Module, clip: Tensor) -> None:
    result = relevance(Subject(cnn12, RATE), clip, target=1, hop=0.02)
    arguments = json.loads(result.attrs["arguments"])
    assert arguments.items() >= {"target": 1, "rule": "guided", "window": 0.025, "hop": 0.02}.items()
    assert next(iter(result)) == "relevance" and result.relevance.dims == ("time",)
