"""Mixup: blends, their targets, and how the shares are distributed."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import beta, kstest
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from otoscope import InputError
from otoscope.training import mixup


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_waves_and_targets_are_blended_alike() -> None:
    clips = 32
    waves = torch.eye(clips)[:, None].double()
    mixed, targets = mixup(waves, torch.arange(clips), seeded(), alpha=1.0, n_classes=clips)
    # A wave that is one unit vector, and a class of its own, are the same thing here.
    torch.testing.assert_close(mixed[:, 0], targets)
    torch.testing.assert_close(targets.sum(1), torch.ones(clips, dtype=torch.float64))
    assert (targets.count_nonzero(1) <= 2).all()
    torch.testing.assert_close((targets != 0).sum(), torch.tensor(2 * clips), rtol=0, atol=4)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_are_of_the_beta_distribution(alpha: float) -> None:
    clips = 3000
    waves, _ = mixup(torch.arange(clips)[:, None].double(), torch.zeros(clips, 1), seeded(1), alpha=alpha)
    order = torch.randperm(clips, generator=seeded(1))
    own = torch.arange(clips)
    moved = own != order
    share = (waves[:, 0] - order)[moved] / (own - order)[moved]
    assert kstest(share.numpy(), beta(alpha, alpha).cdf).pvalue > 0.001


def test_cross_entropy_of_blended_targets_is_the_blend_of_cross_entropies() -> None:
    labels, logits = torch.tensor([0, 2, 1]), torch.randn(3, 3, generator=seeded(), dtype=torch.float64)
    _, targets = mixup(torch.zeros(3, 1, 4).double(), labels, seeded(2), alpha=1.0, n_classes=3)
    each = torch.stack([cross_entropy(logits, torch.full((3,), label), reduction="none") for label in range(3)], 1)
    torch.testing.assert_close(cross_entropy(logits, targets), (targets * each).sum(1).mean())


def test_targets_of_several_classes() -> None:
    present = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    waves, targets = mixup(torch.tensor([[0.0], [1.0]]), present, seeded(3), alpha=1.0)
    torch.testing.assert_close(targets, (1 - waves) * present[0] + waves * present[1])
    assert torch.equal(targets[:, 2], torch.ones(2))
    assert binary_cross_entropy_with_logits(torch.zeros(2, 3), targets) == pytest.approx(0.6931, abs=1e-4)


def test_it_is_determined_by_the_seed_alone() -> None:
    waves, labels, state = torch.randn(8, 1, 20), torch.arange(8), torch.get_rng_state()
    one, other = (mixup(waves, labels, seeded(5), n_classes=8) for _ in range(2))
    assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
    assert one[0].dtype == one[1].dtype == torch.float32
    assert torch.equal(torch.get_rng_state(), state)


def test_what_cannot_be_is_said() -> None:
    waves = torch.zeros(2, 1, 4)
    with pytest.raises(InputError, match="n_classes"):
        mixup(waves, torch.tensor([0, 1]), seeded())
    with pytest.raises(InputError, match="between 0 and 1"):
        mixup(waves, torch.tensor([0, 2]), seeded(), n_classes=2)
    with pytest.raises(InputError, match="2 clips but 3 targets"):
        mixup(waves, torch.tensor([0, 1, 1]), seeded(), n_classes=2)
    with pytest.raises(InputError, match="class numbers"):
        mixup(waves, torch.tensor([0.0, 1.0]), seeded(), n_classes=2)
    with pytest.raises(InputError, match="alpha"):
        mixup(waves, torch.tensor([0, 1]), seeded(), alpha=0, n_classes=2)
