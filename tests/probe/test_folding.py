"""Convolutions and poolings with a way back of their own, against plain autograd."""

from __future__ import annotations

import warnings

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import Tensor, nn

from otoscope.probe import RULES, vjp

LAYERS = {
    "plain": nn.Conv1d(4, 6, 5),
    "without bias": nn.Conv1d(4, 6, 5, bias=False),
    "strided": nn.Conv1d(4, 6, 5, stride=3),
    "padded": nn.Conv1d(4, 6, 7, stride=2, padding=4),
    "dilated": nn.Conv1d(4, 6, 3, stride=2, dilation=5),
    "grouped": nn.Conv1d(4, 8, 5, stride=4, groups=4),
    "same": nn.Conv1d(4, 6, 5, padding="same", dilation=2),
    "same, even": nn.Conv1d(4, 6, 6, padding="same"),
    "reflected": nn.Conv1d(4, 6, 5, padding=2, padding_mode="reflect"),
    "two axes": Written(lambda m, x: m.c(x[:, None]), c=nn.Conv2d(1, 3, (2, 5), stride=(1, 3), padding=(0, 2))),
    "three axes": Written(lambda m, x: m.c(x[:, None, None]), c=nn.Conv3d(1, 3, (1, 2, 5), stride=(1, 2, 3))),
    "without batch": Written(lambda m, x: m.c(x[0])[None], c=nn.Conv1d(4, 6, 5)),
    "by name": Written(lambda m, x: F.conv1d(input=x, weight=m.w, stride=2), w=nn.Parameter(torch.randn(6, 4, 5))),
    "kernel from the sound": Written(lambda m, x: F.conv1d(x, x[:, :, :7])),
    "pool": nn.MaxPool1d(3),
    "pool, overlapping": nn.MaxPool1d(5, stride=2),
    "pool, padded": nn.MaxPool1d(4, stride=3, padding=2),
    "pool, dilated": nn.MaxPool1d(3, stride=1, dilation=4),
    "pool, ceil": nn.MaxPool1d(8, ceil_mode=True),
    "pool, two axes": Written(lambda m, x: F.max_pool2d(x[:, None], (2, 3), stride=(1, 2), padding=(1, 1))),
    "pool, by name": Written(lambda m, x: F.max_pool1d(input=x, kernel_size=3, stride=2)),
    "pool, with indices": Written(lambda m, x: F.max_pool1d(x, 3, return_indices=True)[0]),
    "pool, of torch": Written(lambda m, x: torch.max_pool1d(x, 3)),
    "pool, then in place": nn.Sequential(nn.MaxPool1d(3), nn.ReLU(inplace=True)),
    "convolution, then in place": nn.Sequential(nn.Conv1d(4, 6, 5), nn.ReLU(inplace=True)),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_one_seed_and_many_are_what_autograd_gives(layer):
    layer, x = layer.double(), torch.randn(2, 4, 61, dtype=torch.float64)
    value, pull = vjp(layer, x)
    leaf = x.clone().requires_grad_()
    plain = layer(leaf.clone())
    assert torch.equal(value, plain)
    seeds = torch.randn(3, *value.shape, dtype=torch.float64)
    expected = [torch.autograd.grad(plain, leaf, seed, retain_graph=True)[0] for seed in seeds]
    torch.testing.assert_close(pull(seeds[0]), expected[0], rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(pull(seeds), torch.stack(expected), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("act", [nn.ReLU(), nn.ReLU(inplace=True), nn.GELU(), nn.ELU()])
def test_many_seeds_share_one_backward_pass(rule, act):
    passes = []

    def counted(grad: Tensor, activation) -> Tensor:
        passes.append(activation.name)
        return RULES[rule](grad, activation)

    model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.BatchNorm1d(4), act, nn.MaxPool1d(2), nn.Conv1d(4, 3, 5), act)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PyTorch warns where it loops over the seeds
        value, pull = vjp(model, torch.randn(2, 1, 60), rule=counted)
        assert pull(torch.randn(7, *value.shape)).shape == (7, 2, 1, 60)
    assert len(passes) == 2


def test_factories_called_by_name_alone_are_left_alone():
    model = Written(
        lambda m, x: m.conv(x) + torch.zeros(size=(1,)) + torch.full(size=(1,), fill_value=2.0),
        conv=nn.Conv1d(1, 4, 9),
    )
    x = torch.randn(2, 1, 60)
    assert torch.equal(vjp(model, x)[0], model.conv(x) + 2)
