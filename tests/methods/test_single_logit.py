"""A single logit and the names of two classes: it speaks for the second, wherever names are given to answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import otoscope
from otoscope import InputError, Scope
from otoscope.data import Item
from otoscope.sweeps.outputs import output

RATE = 8000
WAVES = torch.randn(6, 1600, generator=torch.Generator().manual_seed(3))


class Single(nn.Module):
    """A logit of speech every 40 samples, or its mean over time, as (clip, 1), (clip,), or with a sigmoid."""

    classes, sample_rate = ("noise", "speech"), RATE

    def __init__(self, form: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.form = nn.Conv1d(1, 1, 81, 40, bias=False), form
        self.conv.weight.data *= 9

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.conv(x)[:, 0]
        z = z if "frames" in self.form else z.mean(-1, keepdim="flat" not in self.form)
        return z.sigmoid() if "sigmoid" in self.form else z


FORMS = ("", "flat", "sigmoid", "flat sigmoid", "frames", "frames sigmoid")


def logit(waves: Tensor = WAVES) -> Tensor:
    return Single("")(waves[:, None])[:, 0]


@pytest.mark.parametrize("form", FORMS)
def test_a_sweep_gives_both_classes_their_logits_and_the_answer_follows(form: str) -> None:
    found = output(Scope(Single(form)), WAVES)
    assert found["class"].values.tolist() == ["noise", "speech"]
    z = logit().detach()
    np.testing.assert_allclose(found["logit"], torch.stack([torch.zeros(6), z], 1), atol=1e-5)
    assert found["answer"].values.tolist() == ["speech" if one > 0 else "noise" for one in z]
    assert 0 < (z > 0).sum() < 6
    np.testing.assert_allclose(found["probability"].sum("class"), 1, atol=1e-6)
    if "frames" not in form:
        np.testing.assert_allclose(found["probability"].sel({"class": "speech"}), z.sigmoid(), atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_target_is_for_one_class_and_against_the_other(form: str) -> None:
    scope, wave = Scope(Single(form)), WAVES[0]
    speech, noise = (scope.relevance(wave, rule="gradient", target=name) for name in ("speech", "noise"))
    np.testing.assert_allclose(speech["relevance"], -noise["relevance"], atol=1e-6)
    assert float(speech["logit"]) == pytest.approx(logit()[0].item(), abs=1e-5)
    assert (speech["class_name"].item(), noise["class_name"].item()) == ("speech", "noise")
    np.testing.assert_allclose(speech["probability"] + noise["probability"], 1, atol=1e-6)
    both = scope.relevance(wave, rule="gradient", target="speech", against="noise")
    np.testing.assert_allclose(both["relevance"], speech["relevance"], atol=1e-6)
    assert both["class_name"].item() == "speech against noise"


def test_the_likeliest_class_is_explained() -> None:
    found = Scope(Single("")).relevance(WAVES, rule="gradient")
    assert found["class_name"].values.tolist() == ["speech" if one > 0 else "noise" for one in logit()]
    np.testing.assert_allclose(found["logit"], logit().abs().detach(), atol=1e-5)


def test_a_study_of_residuals_takes_it() -> None:
    data = [(wave, "speech" if one > 0 else "noise") for wave, one in zip(WAVES, logit(), strict=True)]
    assert Scope(Single("")).residual_study(data, layer="conv").baseline == 1


@pytest.mark.parametrize("data", ["speech", "two"])
def test_one_name_for_one_logit_is_an_error_that_says_how_to_name_both(data: str) -> None:
    pytest.importorskip("sklearn")
    model: Any = Single("")
    model.classes = ("speech",)
    waves = [Scope(Single("")).clip(wave) for wave in WAVES]
    items = [Item(one, (("speech", "noise")[n % 2 if data == "two" else 0],)) for n, one in enumerate(waves)]
    with pytest.raises(InputError, match=r"one class.*'speech'.*name both.*classes=\['not speech', 'speech'\]"):
        otoscope.evaluate(Scope(model), items)
