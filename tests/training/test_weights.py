"""Weights of classes: what they are, and that a rare class is learnt with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from otoscope import InputError
from otoscope.data.items import DataSet, Item
from otoscope.training.recipe import read_recipe
from otoscope.training.supervised import Supervised
from otoscope.training.weights import class_weights


def data(*labels: tuple[str, ...], classes: tuple[str, ...] = ("a", "b", "c"), several: bool = False) -> DataSet:
    return DataSet([Item(Path(f"{n}.wav"), own) for n, own in enumerate(labels)], classes, multilabel=several)


def test_balanced_weights_give_each_class_the_same_share() -> None:
    found = class_weights("balanced", data(*[("a",)] * 6, *[("b",)] * 3, ("c",)))
    assert found is not None
    torch.testing.assert_close(found * torch.tensor([6.0, 3.0, 1.0]), torch.full((3,), 10 / 3))


def test_balanced_weights_of_several_classes_a_clip() -> None:
    found = class_weights("balanced", data(("a", "b"), ("a",), (), ("a",), several=True))
    torch.testing.assert_close(found, torch.tensor([1 / 3, 3.0, 1.0]))  # no clip has c


def test_named_weights_and_a_name_that_is_none() -> None:
    torch.testing.assert_close(class_weights({"b": 9.0}, data(("a",))), torch.tensor([1.0, 9.0, 1.0]))
    with pytest.raises(InputError, match=r"learn.class_weights names 'd': the classes are a, b, c"):
        class_weights({"d": 1.0}, data(("a",)))
    assert class_weights(None, data(("a",))) is None


def learner(weights: torch.Tensor | None, several: bool = False) -> Supervised:
    recipe = read_recipe("laptop/vowels")
    return Supervised(nn.Linear(4, 3), recipe, 3, multilabel=several, weights=weights)


def test_the_loss_is_weighted_in_training_alone() -> None:
    weights, logits = torch.tensor([1.0, 2.0, 5.0]), torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 1, 2, 2, 0, 1])
    each = -log_softmax(logits, 1)[torch.arange(6), targets]
    one = learner(weights)
    expected = (each * weights[targets]).sum() / weights[targets].sum()
    torch.testing.assert_close(one.loss(logits, targets, one.class_weights), expected)
    torch.testing.assert_close(one.loss(logits, targets), each.mean())
    assert not [name for name in one.state_dict() if "weights" in name]  # checkpoints are what they were


def test_the_loss_of_several_classes_counts_those_that_a_clip_has() -> None:
    weights, logits = torch.tensor([1.0, 2.0, 5.0]), torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    targets = (torch.rand(4, 3, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    each = binary_cross_entropy_with_logits(logits, targets, reduction="none")
    one = learner(weights, several=True)
    expected = torch.where(targets > 0, each * weights, each).mean()
    torch.testing.assert_close(one.loss(logits, targets, one.class_weights), expected)


def test_a_training_takes_them_from_its_clips(made: Any, tmp_path: Path) -> None:
    from otoscope.training.run import train

    plain = train(made(learn={"epochs": 1}), tmp_path / "plain")
    even = train(made(learn={"epochs": 1, "class_weights": "balanced"}), tmp_path / "even")
    skewed = train(made(learn={"epochs": 1, "class_weights": {"low": 20.0}}), tmp_path / "skewed")
    assert even["train_loss"] == pytest.approx(plain["train_loss"], rel=1e-3)  # its classes have as many clips each
    assert skewed["train_loss"] != pytest.approx(plain["train_loss"], rel=1e-3)
