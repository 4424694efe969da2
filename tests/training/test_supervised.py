"""Learning from labels: the losses, what learns, and metrics as scikit-learn has them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score, roc_curve
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from otoscope import Contract, load
from otoscope.data.items import DataSet, Item
from otoscope.training.clips import Sounds, WholeClips, targets
from otoscope.training.data_module import DataModule
from otoscope.training.evaluate import clip_scores
from otoscope.training.recipe import Recipe, read_recipe
from otoscope.training.run import train
from otoscope.training.splits import Splits, read_splits
from otoscope.training.supervised import Supervised, classifier_of, metrics

LEARN = "learn={epochs: 2, batch_size: 4, learning_rate: 1e-2}"


def recipe(*changes: str) -> Recipe:
    return read_recipe("laptop/vowels", [LEARN, "augment={}", *changes])


def trainer(**options: Any) -> Trainer:
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
    return Trainer(accelerator="cpu", logger=False, num_sanity_val_steps=0, max_epochs=2, **quiet, **options)


def net(outputs: int) -> nn.Module:
    torch.manual_seed(0)
    model = load("cnn12", width=0.05, n_classes=outputs, dropout=0.3).train()
    Contract(trained_length=2400).attach(model)
    return model


def drawn(clips: int, classes: int) -> tuple[Tensor, np.random.Generator]:
    draw = np.random.default_rng(clips)
    return torch.from_numpy(draw.standard_normal((clips, classes)).astype("f4")), draw


# Metrics


def test_metrics_of_one_class_a_clip() -> None:
    scores, draw = drawn(90, 4)
    truth = torch.from_numpy(draw.integers(0, 4, 90))
    found = metrics(scores, truth)
    assert found == {"accuracy": pytest.approx(accuracy_score(truth, scores.argmax(1)))}


def test_metrics_of_two_classes() -> None:
    scores, draw = drawn(200, 2)
    truth = torch.from_numpy(draw.integers(0, 2, 200))
    found = metrics(scores, truth)
    false, true, _ = roc_curve(truth, scores[:, 1] - scores[:, 0], drop_intermediate=False)
    nearest = np.abs(false - (1 - true)).argmin()
    assert found["equal_error_rate"] == pytest.approx((false[nearest] + 1 - true[nearest]) / 2, abs=0.01)
    assert "equal_error_rate" not in metrics(scores, torch.zeros(200, dtype=torch.long))


def test_metrics_of_several_classes_a_clip() -> None:
    scores, draw = drawn(80, 5)
    truth = torch.from_numpy((draw.uniform(size=(80, 5)) < 0.3).astype("f4"))
    found = metrics(scores, truth, multilabel=True)
    area = roc_auc_score(truth, scores, average="macro")
    assert found["mean_average_precision"] == pytest.approx(average_precision_score(truth, scores, average="macro"))
    assert found["mean_auc"] == pytest.approx(area)
    # The quantile of the normal distribution, times the root of 2.
    assert found["d_prime"] == pytest.approx(
        math.sqrt(2) * float(torch.distributions.Normal(0, 1).icdf(torch.tensor(area))), abs=1e-4
    )


# Losses


def test_cross_entropy() -> None:
    logits, draw = drawn(6, 3)
    truth = torch.from_numpy(draw.integers(0, 3, 6))
    learner = Supervised(net(3), recipe(), 3)
    chosen = torch.log_softmax(logits, 1)[torch.arange(6), truth]
    torch.testing.assert_close(learner.loss(logits, truth), -chosen.mean())
    assert learner.best_by == "accuracy"


def test_binary_cross_entropy() -> None:
    logits, draw = drawn(6, 3)
    truth = torch.from_numpy(draw.integers(0, 2, (6, 3)).astype("f4"))
    learner = Supervised(net(3), recipe(), 3, multilabel=True)
    there = torch.sigmoid(logits)
    torch.testing.assert_close(
        learner.loss(logits, truth), -(truth * there.log() + (1 - truth) * (1 - there).log()).mean()
    )
    assert learner.best_by == "mean_average_precision"


# Judging


@pytest.fixture(scope="module")
def splits(made: Any) -> Splits:
    return read_splits(made().data, 0, 8000)


def clips(made: Any, splits: Splits, **changes: Any) -> DataModule:
    return DataModule(made(learn={"batch_size": 4}, **changes), splits, 8000, 2400)


@pytest.mark.parametrize("window", [None, 2400])
def test_whole_clips_are_judged_as_in_a_plain_loop(made: Any, splits: Splits, window: int | None) -> None:
    model = net(3)
    contract = Contract.of(model).changed(length=window)
    contract.attach(model)
    learner = Supervised(model, recipe(), 3)
    found = trainer().validate(learner, clips(made, splits), verbose=False)[0]
    assert splits.validation is not None
    wholes = WholeClips(Sounds(splits.validation.items, 8000), targets(splits.validation))
    waves, labels = zip(*(wholes[number] for number in range(len(wholes))), strict=True)
    truth, scores = torch.stack(labels), torch.stack([clip_scores(model, wave, contract) for wave in waves])
    if window is None:
        with torch.no_grad():
            plain = torch.cat([model.eval()(wave[None]) for wave in waves])
        torch.testing.assert_close(scores.softmax(1), plain.softmax(1))
    assert found["validation_accuracy"] == pytest.approx(accuracy_score(truth, scores.argmax(1)))
    assert found["validation_loss"] == pytest.approx(float(cross_entropy(scores, truth)))


def test_validation_changes_nothing(made: Any, splits: Splits) -> None:
    """Neither weights nor batch statistics; and training goes on in training mode, with the same chance."""
    one, other = (Supervised(net(3), recipe(), 3) for _ in range(2))
    before = {name: value.clone() for name, value in one.state_dict().items()}
    trainer().validate(one, clips(made, splits), verbose=False)
    assert all(torch.equal(value, before[name]) for name, value in one.state_dict().items())
    trainer().fit(one, clips(made, splits))
    trainer().fit(other, clips(made, splits._replace(validation=None)))
    weights = other.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in one.state_dict().items())
    assert one.model.training


# Learning


def test_only_the_head_learns_in_linear_evaluation(made: Any, splits: Splits) -> None:
    model = net(3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    learner = Supervised(model, recipe("learn.method=linear", "model.weights=runs/any"), 3)
    trainer().fit(learner, clips(made, splits, augment={"gain": True}))
    head, _ = classifier_of(model)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"{head}.weight", f"{head}.bias"}


def test_batch_statistics_stay_in_linear_evaluation(made: Any, splits: Splits) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 40, 8), nn.BatchNorm1d(4), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    model.append(nn.Dropout(0.5)).append(nn.Linear(4, 3))
    Contract(trained_length=2400).attach(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    learner = Supervised(model, recipe("learn.method=linear", "model.weights=runs/any"), 3)
    trainer().fit(learner, clips(made, splits))
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"6.weight", "6.bias"}


@pytest.mark.parametrize("mixup", [None, 0.4])
def test_several_labels_a_clip(made: Any, tones: Path, mixup: float | None) -> None:
    """Each file has its tone; those with an even number have one more label."""
    items = tuple(
        Item(path, (path.parent.name, "even") if int(path.stem) % 2 == 0 else (path.parent.name,))
        for path in sorted(tones.rglob("*.wav"))
    )
    several = DataSet(items, ("even", "high", "low", "mid"), multilabel=True)
    learner = Supervised(net(4), recipe(f"augment.mixup={mixup or 'null'}"), 4, multilabel=True)
    fit = trainer()
    fit.fit(learner, clips(made, Splits(several, several, several)))
    assert 0 < learner.epoch_loss < 1
    found = fit.test(learner, clips(made, Splits(several, several, several)), verbose=False)[0]
    assert set(found) == {"test_loss", "test_mean_average_precision", "test_mean_auc", "test_d_prime"}
    truth = targets(several)
    sounds = Sounds(items, 8000)
    scores = torch.stack([clip_scores(learner.model, sounds.whole(number)) for number in range(len(items))])
    precision = average_precision_score(truth, scores, average="macro")
    assert found["test_mean_average_precision"] == pytest.approx(precision)


def test_mixup_blends_the_labels(made: Any, splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = Supervised(net(3), recipe("augment.mixup=0.4"), 3)
    seen: list[Tensor] = []
    plain = learner.loss

    def loss(logits: Tensor, truth: Tensor, *weights: Tensor | None) -> Tensor:
        seen.append(truth)
        return plain(logits, truth, *weights)

    monkeypatch.setattr(learner, "loss", loss)
    trainer(limit_val_batches=0).fit(learner, clips(made, splits))
    blended = torch.cat(seen)
    torch.testing.assert_close(blended.sum(1), torch.ones(len(blended)))
    assert blended.shape[1] == 3 and bool(((blended > 0.01) & (blended < 0.99)).any())


def test_the_loss_of_an_epoch_is_the_mean_over_its_batches(
    made: Any, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = Supervised(net(3), recipe(), 3)
    seen: list[float] = []
    plain = learner.training_step

    def step(batch: Any, batch_idx: int) -> Tensor:
        loss = plain(batch, batch_idx)
        seen.append(float(loss.detach()))
        return loss

    monkeypatch.setattr(learner, "training_step", step)
    fit = trainer()
    fit.fit(learner, clips(made, splits))
    assert len(seen) == 8 and learner.epoch_loss == pytest.approx(np.mean(seen[4:]))
    assert float(fit.callback_metrics["loss"]) == pytest.approx(learner.epoch_loss)


def test_the_best_epoch_is_kept(made: Any, tmp_path: Path) -> None:
    """With a rate so high that later epochs undo what the first have learnt."""
    found = train(made(learn={"epochs": 6, "learning_rate": 0.05, "schedule": "constant"}), tmp_path / "run")
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()[1:]
    accuracies = [float(row.split(",")[4]) for row in rows]
    assert found["validation_accuracy"] == pytest.approx(max(accuracies))


def test_spoken_digits(made: Any, data: Path, tmp_path: Path) -> None:
    """Of recordings, in one epoch over the official split, more than chance would tell."""
    digits = made(
        model={"name": "vowelnet", "options": {"channels": [8, 16, 16]}},
        data={
            "set": "fsdd", "folder": str(data / "fsdd"), "task": "speaker", "train": "train", "validation": None,
            "test": "test",
        },
        learn={"epochs": 1, "batch_size": 32, "learning_rate": 1e-2, "schedule": "constant"},
    )  # fmt: skip
    found = train(digits, tmp_path / "run")
    assert found["clips"]["test"] == 300 and found["test_accuracy"] > 0.3  # of six speakers
