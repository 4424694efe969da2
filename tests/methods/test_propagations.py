"""Relevance by LRP, AttnLRP, DeepLIFT and Grad-CAM, as results have it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.contract import Contract
from otoscope.methods.relevance_rules import RELEVANCE_RULES, rule_record
from otoscope.probe import trace

RATE = 8000
PROPAGATED = [rule for rule in RELEVANCE_RULES if rule_record(rule).propagation is not None]


def ear(bias: bool = True) -> nn.Module:
    torch.manual_seed(6)
    return nn.Sequential(
        nn.Conv1d(1, 6, 31, stride=5, bias=bias), nn.ReLU(inplace=True), nn.MaxPool1d(3),
        nn.Conv1d(6, 6, 7, stride=2, padding=3, bias=bias), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 3, bias=bias),
    ).eval()  # fmt: skip


def noise(samples: int = 4000) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(samples).astype(np.float32)


def relevance(model: nn.Module, wave: Any, rule: str, **options: Any) -> xr.Dataset:
    return Scope(model, RATE).relevance(wave, target=1, rule=rule, **options)


def test_these_rules_are_propagations() -> None:
    assert PROPAGATED == ["lrp_epsilon", "lrp_gamma", "lrp_zplus", "lrp_alpha2beta1", "attnlrp", "deeplift"]


@pytest.mark.parametrize("rule", PROPAGATED)
def test_what_is_absorbed_is_said(rule: str) -> None:
    found = relevance(ear(), noise(), rule)
    gap = "completeness_gap" if rule == "deeplift" else "absorbed"
    expected = found.logit - found.relevance.astype(float).sum() - (found.baseline_logit if rule == "deeplift" else 0)
    assert float(found[gap]) == pytest.approx(float(expected), abs=1e-6)
    assert "relu" in found.attrs["governed"] or "1 (relu)" in found.attrs["governed"]
    assert found.attrs["not_governed"] == "" and found.attrs["form"] == "product"


def test_without_biases_nothing_is_absorbed() -> None:
    found = relevance(ear(bias=False), noise(), "lrp_gamma")
    assert abs(float(found.absorbed)) < 1e-4 * abs(float(found.logit))


def test_options_change_what_is_found() -> None:
    wave = noise()
    for rule, options in (
        ("lrp_epsilon", {"epsilon": 1.0}),
        ("lrp_gamma", {"gamma": 4.0}),
        ("lrp_zplus", {"first": "rule"}),
    ):
        plain, changed = relevance(ear(), wave, rule), relevance(ear(), wave, rule, **options)
        assert not np.allclose(plain.relevance, changed.relevance)


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        ("lrp_epsilon", {"epsilon": 0.0}, "epsilon has to be a number above 0, got 0.0"),
        ("lrp_gamma", {"gamma": float("inf")}, "gamma has to be a number above 0"),
        ("lrp_gamma", {"first": "last"}, "first has to be one of epsilon, rule, not 'last'"),
        ("attnlrp", {"gamma": 1.0}, "the rule attnlrp has no option 'gamma'"),
        ("gradcam", {"layer": "nowhere"}, "nowhere"),
        ("gradcam", {"layer": "5"}, "no feature maps along time"),
    ],
)
def test_bad_options_get_one_clear_error(rule: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        relevance(ear(), noise(), rule, **options)


def test_deeplift_refuses_a_model_without_an_answer_to_silence() -> None:
    class Levelled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ear = ear()

        def forward(self, x: Tensor) -> Tensor:
            return self.ear(x / x.std(-1, keepdim=True))

    with pytest.raises(InputError, match="silence"):
        relevance(Levelled(), noise(), "deeplift")


@pytest.mark.parametrize("rule", [*PROPAGATED, "gradcam"])
def test_long_sounds_are_explained_in_pieces(rule: str) -> None:
    wave = noise(3000)
    contract = Contract(sample_rate=RATE, length=1000)
    model = ear()
    found = Scope(model, contract=contract).relevance(wave, target=1, rule=rule)
    parts = [Scope(model, RATE).relevance(one, target=1, rule=rule) for one in wave.reshape(3, 1000)]
    expected = np.concatenate([one.relevance.values for one in parts]) / 3
    np.testing.assert_allclose(found.relevance, expected, atol=1e-5 * abs(expected).max())


# -- Grad-CAM ---------------------------------------------------------------------------------------------


def by_hooks(model: nn.Module, place: int, wave: np.ndarray) -> np.ndarray:
    """Grad-CAM of the second class at a module, at the places of its elements."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        output.retain_grad()
        kept.append(output)
        return output.clone()

    hook = model[place].register_forward_hook(keep)
    model(torch.from_numpy(wave)[None, None])[:, 1].sum().backward()
    hook.remove()
    maps, slopes = kept[0].detach(), kept[0].grad
    return (slopes.mean(-1, keepdim=True) * maps).sum(1).relu()[0].numpy()


@pytest.mark.parametrize(("layer", "place"), [(None, 3), ("0", 0), ("4", 4)])
def test_gradcam_equals_hooks_and_interpolation(layer: str | None, place: int) -> None:
    model, wave = ear(), noise()
    tap = trace(model, torch.from_numpy(wave)[None, None], RATE)[str(place)]
    expected = by_hooks(ear(), place, wave)
    at = tap.centre + tap.hop * np.arange(len(expected))
    found = relevance(model, wave, "gradcam", **({} if layer is None else {"layer": layer}))
    expected = np.interp(np.arange(4000), at, expected)
    np.testing.assert_allclose(found.time_relevance, expected, atol=1e-5 * expected.max())
    np.testing.assert_allclose(found.relevance, expected * wave, atol=1e-5 * abs(expected * wave).max())


def test_gradcam_equals_captum() -> None:
    attr = pytest.importorskip("captum.attr")
    model, wave = ear(), torch.from_numpy(noise())[None, None]
    for one in model:
        if isinstance(one, nn.ReLU):
            one.inplace = False
    expected = attr.LayerGradCam(model, model[3]).attribute(wave, target=1).relu()[0, 0].detach().numpy()
    np.testing.assert_allclose(by_hooks(ear(), 3, noise()), expected, atol=1e-5 * expected.max())


def test_gradcam_shows_when() -> None:
    """A pulse lies where the map of a layer that sees it lies, to the hop."""
    model = ear()
    with torch.no_grad():
        for one in (model[0], model[3]):
            one.bias.zero_()
            one.weight.zero_()
            one.weight[:, :, one.weight.shape[-1] // 2] = 1.0
        model[7].weight.fill_(1.0)
    for start in (500, 1234, 3000):
        wave = np.zeros(4000, np.float32)
        wave[start : start + 31] = np.hanning(31)
        found = relevance(model, wave, "gradcam")
        assert abs(int(found.time_relevance.argmax()) - (start + 15)) <= 30


def test_gradcam_of_a_batch_is_that_of_each_clip() -> None:
    waves = np.stack([noise(), noise()[::-1] * 0.5])
    found = relevance(ear(), waves, "gradcam")
    for number, wave in enumerate(waves):
        np.testing.assert_allclose(
            found.time_relevance[number], relevance(ear(), wave.copy(), "gradcam").time_relevance, rtol=1e-4, atol=1e-7
        )


def test_gradcam_of_what_only_speaks_against_a_class_says_so() -> None:
    model = ear()
    with torch.no_grad():
        model[7].weight[1] = -1.0
    with pytest.raises(InputError, match="the maps of the layer speak against it wherever they speak"):
        relevance(model, noise(), "gradcam", layer="4")


def test_gradcam_needs_a_layer_in_time() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4000, 4), nn.ReLU(), nn.Linear(4, 3))
    with pytest.raises(InputError, match=r"no layer has feature maps along time|no feature maps along time"):
        relevance(model, noise(), "gradcam")


@pytest.mark.parametrize("rule", ["lrp_epsilon", "deeplift", "gradcam"])
def test_control_and_taken_away_take_these_rules(rule: str) -> None:
    scope = Scope(ear(), RATE)
    control = scope.control(noise(), target=1, rule=rule, draws=2)
    assert np.isfinite(control.control_random.values).all() and float(control.share_changed) == 1
    assert "taken_margin" in scope.taken_away(noise(), target=1, rule=rule, places=3)
