"""The small AASIST: its front end, its nodes, and its attention against a computation pair by pair."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from otoscope.errors import InputError
from otoscope.models import AASIST


def small(**options: object) -> AASIST:
    torch.manual_seed(0)
    return AASIST(**{"filters": 9, "width": 51, "channels": [4, 6], "nodes": 5, **options}).eval()  # type: ignore[arg-type]


def test_the_edges_are_fixed_as_published_unless_asked_for() -> None:
    assert [p.requires_grad for p in small().sinc.parameters()] == [False, False]
    assert [p.requires_grad for p in small(learnt_bands=True).sinc.parameters()] == [True, True]


def test_bands_and_moments_are_the_nodes() -> None:
    model = small()
    x = model.blocks(model.picture(model.sinc(torch.randn(1, 1, 50 + 27 * 10)).abs().unsqueeze(1)))
    assert x.shape == (1, 6, 3, 10)  # channel, a third of the filters, a moment each 3 * 3 * 3 samples


def test_attention_is_that_of_every_pair() -> None:
    layer = small().among_bands
    x = torch.randn(2, 3, 6)
    scores = torch.empty(2, 3, 3)
    for i in range(3):
        for j in range(3):
            scores[:, i, j] = layer.weight(torch.tanh(layer.pairs(x[:, i] * x[:, j])))[:, 0]
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
    taken = torch.stack([sum(weights[:, i, j, None] * x[:, j] for j in range(3)) for i in range(3)], dim=1)
    y = (layer.with_others(taken) + layer.alone(x)) / (1 + 1e-5) ** 0.5  # a fresh batch norm
    assert torch.allclose(layer(x), F.selu(y), atol=1e-5)


def test_nodes_of_one_kind_may_come_in_any_order() -> None:
    layer = small().among_both
    bands, moments = torch.randn(1, 3, 5), torch.randn(1, 7, 5)
    found, turned = layer(bands, moments), layer(bands, moments.flip(1))
    assert torch.allclose(found[0], turned[0], atol=1e-5)
    assert torch.allclose(found[1], turned[1].flip(1), atol=1e-5)
    assert torch.allclose(found[2], turned[2], atol=1e-5)


def test_minimum_length_is_the_shortest_that_passes() -> None:
    model = small(n_classes=2)
    assert torch.isfinite(model(torch.randn(1, 1, model.minimum_length))).all()
    with pytest.raises((RuntimeError, IndexError)):
        model(torch.randn(1, 1, model.minimum_length - 1))


@pytest.mark.parametrize("options", [{"filters": 2}, {"width": 50}, {"channels": []}, {"nodes": 0}, {"n_classes": 0}])
def test_options_out_of_range(options: dict) -> None:
    with pytest.raises(InputError, match=r"aasist|sincnet"):
        AASIST(**options)
