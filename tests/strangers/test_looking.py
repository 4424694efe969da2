"""What Otoscope says of each stranger against what the stranger is: output, taps, gradient, guided relevance."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError
from otoscope.probe import Tap
from otoscope.probe.growth import of_clips
from strangers.by_hand import rewritten, ruled_by_hand
from strangers.stranger import At, Stranger
from strangers.untouched import untouched
from strangers.zoo import ZOO, clip, made, scope

pytestmark = [pytest.mark.strangers, pytest.mark.filterwarnings("ignore")]


def differentiated(stranger: Stranger, model: nn.Module, wave: Tensor) -> Tensor:
    """The plain gradient of what is explained, (time,)."""
    leaf = wave.clone().requires_grad_()
    stranger.scalar(model, leaf).backward()
    assert leaf.grad is not None
    return leaf.grad


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference, as a share of the largest value."""
    return float(np.abs(one - other).max() / np.abs(other).max())


@pytest.mark.parametrize("name", ZOO)
def test_the_output_is_that_of_the_author(name: str) -> None:
    stranger, model, wave, own = ZOO[name], made(name), clip(name), made(name)
    with torch.no_grad():
        torch.manual_seed(0)
        expected = stranger.call(own, wave)
        torch.manual_seed(0)
        with untouched(model):
            found = scope(name, model).output(wave)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def agrees(tap: Tap, at: At) -> bool:
    """Whether a tap is where it truly is; a field that cannot be known, behind a cut, has to be said not to be."""
    if isinstance(at.axis, tuple):
        return tap.time_axes == at.axis
    if tap.time_axis != at.axis or at.axis is None:
        return tap.time_axis == at.axis
    if not math.isclose(tap.hop, at.hop or 0, rel_tol=1e-9):
        return False
    if tap.receptive_field is None:
        return "not known" in tap.note
    if at.field is None:
        return tap.whole
    fits = at.centre is None or abs(tap.centre - at.centre) <= 0.5
    return not tap.whole and tap.receptive_field == at.field and fits


@pytest.mark.parametrize("name", ZOO)
def test_taps_are_where_they_are(name: str) -> None:
    stranger, model, wave = ZOO[name], made(name), clip(name)
    with untouched(model):
        taps = scope(name, model).taps(wave)
    for tap, at in stranger.truth.items():
        assert tap in taps, f"no tap {tap}, but {list(taps)}"
        assert agrees(taps[tap], at), f"{tap}: {at}, and the trace says {taps[tap]}"
    for one in taps.values():
        assert one.hop > 0 or (math.isnan(one.hop) and (one.time_axis is None or one.note)), one


@pytest.mark.parametrize("name", ZOO)
def test_clips_are_where_a_pass_of_two_of_them_says(name: str) -> None:
    model, wave = made(name), clip(name)
    looked = scope(name, model)
    twice = of_clips(looked.network, looked.inputs(wave), 2).taps
    for tap in looked.taps(wave).values():
        if tap.name in twice:  # where clips meet, the model takes but one
            grown = [
                axis for axis, (n, m) in enumerate(zip(tap.shape, twice[tap.name], strict=True)) if (n, m) == (1, 2)
            ]
            assert grown == ([] if tap.clip_axis is None else [tap.clip_axis]), tap
        assert tap.channel_axis is None or tap.channel_axis not in (tap.clip_axis, *tap.time_axes), tap


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if one.gradient])
def test_the_gradient_is_that_of_autograd(name: str) -> None:
    stranger, model, wave, own = ZOO[name], made(name), clip(name), made(name)
    torch.manual_seed(0)
    expected = differentiated(stranger, own, wave)
    torch.manual_seed(0)
    with untouched(model):
        found = scope(name, model).relevance(wave, target=stranger.target, rule="gradient")
    assert distance(found["relevance"].values, expected.numpy()) < 1e-6


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if not one.gradient])
def test_where_there_is_no_gradient_an_error_says_so(name: str) -> None:
    stranger, model, wave = ZOO[name], made(name), clip(name)
    with untouched(model), pytest.raises(InputError, match=r"gradient|numpy"):
        scope(name, model).relevance(wave, target=stranger.target, rule="gradient")


def by_hand(name: str, wave: Tensor, rule: str) -> Tensor:
    """Relevance by replaced activations, (time,)."""
    stranger = ZOO[name]
    with ruled_by_hand(rule):
        model = made(name)
        torch.manual_seed(0)
        changes = {path: make(owner_of(model, path)) for path, make in stranger.rewrite.items()}
        with rewritten(model, changes):
            return differentiated(stranger, model, wave)


def owner_of(model: nn.Module, path: str) -> nn.Module:
    return model.get_submodule(path.rpartition(".")[0])


@pytest.mark.parametrize("name", [name for name, one in ZOO.items() if one.gradient])
@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
def test_relevance_is_that_by_hand_or_says_what_no_rule_governed(name: str, rule: str) -> None:
    stranger, model, wave = ZOO[name], made(name), clip(name)
    torch.manual_seed(0)
    with untouched(model):
        found = scope(name, model).relevance(wave, target=stranger.target, rule=rule)
    assert found.attrs["governed"]
    if stranger.guided:
        assert distance(found["relevance"].values, by_hand(name, wave, rule).numpy()) < 1e-5
    else:
        assert found.attrs["not_governed"]
