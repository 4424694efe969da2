"""The study counts as a loop over clips would."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.data.find import find_sounds
from otoscope.dsp.scores import share_interval
from otoscope.dsp.statistics import mean_interval
from otoscope.methods.residual_study import class_numbers
from otoscope.metrics.ranking import mean_average_precision
from otoscope.models import weights_digest

RATE = 8000


def small(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 5, 5), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(5, 3),
    )  # fmt: skip


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def sounds_of(x: Tensor, labels: Sequence[str] | None = None) -> list[Any]:
    return list(x.unbind()) if labels is None else list(zip(x.unbind(), labels, strict=True))


def ask(model: nn.Module, data: Any, classes: Sequence[str] | None = None, **options: Any) -> xr.Dataset:
    return Scope(model, RATE, classes=classes).residual_study(data, **options)


def by_hand(model: nn.Module, x: Tensor, layers: list[str]) -> np.ndarray:
    """Logits of x (clip, time) and of x - s, clip by clip, (clip, 1 + layer, class)."""
    rows = []
    for one in x:
        waves = [one]
        for layer in layers:
            waves.append(one - torch.from_numpy(Scope(model, RATE).sonify(one, layer=layer).sonification.values[0]))
        with torch.no_grad():
            rows.append(model(torch.stack(waves)[:, None]))
    return torch.stack(rows).numpy()


def test_accuracy_is_what_a_loop_over_clips_counts() -> None:
    model, x = small(), noise(11, 400)
    labels = [str(n % 3) for n in range(11)]
    result = ask(model, sounds_of(x, labels), batch_size=4)
    expected = by_hand(model, x, ["2", "4"])
    hits = expected.argmax(-1) == np.arange(11)[:, None] % 3
    assert result.layer.values.tolist() == ["2", "4"]
    assert float(result.baseline) == pytest.approx(hits[:, 0].mean())
    np.testing.assert_allclose(result.score, hits[:, 1:].mean(0))
    np.testing.assert_allclose(result.change, hits[:, 1:].mean(0) - hits[:, 0].mean())
    low, high = share_interval(hits.sum(0), 11)
    np.testing.assert_allclose(result.score_ci_low, low[1:])
    np.testing.assert_allclose(result.baseline_ci_high, high[0])
    answer = expected.argmax(-1)
    np.testing.assert_array_equal(result.residual_answer, answer[:, 1:])
    same = answer[:, 1:] == answer[:, :1]
    np.testing.assert_allclose(result.agreement, same.mean(0))
    low, high = share_interval(same.sum(0), 11)
    np.testing.assert_allclose(result.agreement_ci_low, low)
    np.testing.assert_allclose(result.agreement_ci_high, high)
    at = np.take_along_axis(expected, answer[:, :1, None], -1)[..., 0]
    np.testing.assert_allclose(result.clip_logit_change, at[:, 1:] - at[:, :1], atol=1e-5)
    chance = np.exp(expected) / np.exp(expected).sum(-1, keepdims=True)
    at = np.take_along_axis(chance, answer[:, :1, None], -1)[..., 0]
    np.testing.assert_allclose(result.clip_probability_change, at[:, 1:] - at[:, :1], atol=1e-5)
    for name, found in zip(("", "_ci_low", "_ci_high"), mean_interval(at[:, 1:] - at[:, :1]), strict=True):
        np.testing.assert_allclose(result[f"probability_change{name}"], found, atol=1e-5)


@pytest.mark.parametrize("labels", [None, "2" * 6, "abcabc"])
def test_the_own_answers_can_be_compared_whatever_the_labels(labels: str | None) -> None:
    model, x = small(), noise(6, 400)
    result = ask(model, sounds_of(x, labels), own_answers=labels is not None)
    assert result.attrs["metric"] == "agreement" and float(result.baseline) == 1
    signed = json.loads(result.attrs["arguments"])
    assert signed["own_answers"] is True and signed["metric"] == "agreement"
    np.testing.assert_allclose(result.score, result.agreement)


def test_a_metric_of_ones_own_gets_outputs_and_labels() -> None:
    """The mean loss, whose change and bounds scipy can give."""
    model, x = small(), noise(12, 400)
    labels = [str(n % 3) for n in range(12)]

    def loss(outputs: Tensor, known: Tensor) -> float:
        return float(nn.functional.cross_entropy(outputs, known))

    result = ask(model, sounds_of(x, labels), metric=loss)
    expected = torch.from_numpy(by_hand(model, x, ["2", "4"]))
    known = torch.arange(12) % 3
    each = torch.stack([nn.functional.cross_entropy(expected[:, p], known, reduction="none") for p in range(3)], 1)
    np.testing.assert_allclose(result.score, each[:, 1:].mean(0), rtol=1e-5)
    assert result.attrs["metric"] == "loss"
    assert (result.change_ci_low < result.change).all() and (result.change < result.change_ci_high).all()


def test_several_labels_a_clip_are_zeros_and_ones() -> None:
    model, x = small(), noise(3, 400)
    seen: list[Tensor] = []

    def metric(outputs: Tensor, known: Tensor) -> float:
        seen.append(known)
        return 0.0

    sounds = sounds_of(x, ["a,c", "b", "a"])
    ask(model, sounds, "abc", metric=metric)
    assert seen[0].tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 0]]
    with pytest.raises(InputError, match="several labels"):
        ask(model, sounds, "abc", metric="accuracy")


def test_of_several_labels_the_mean_average_precision_is_measured() -> None:
    model, x = small(), noise(12, 400)
    labels = [("0", "2"), ("1",), ("0",)] * 4
    found = ask(model, list(zip(x, labels, strict=True)))
    outputs, targets = by_hand(model, x, ["2", "4"]), np.tile([[1, 0, 1], [0, 1, 0], [1, 0, 0]], (4, 1))
    assert found.attrs["metric"] == "mAP"
    expected = [mean_average_precision(outputs[:, point], targets) for point in range(3)]
    np.testing.assert_allclose([float(found.baseline), *found.score.values], expected)
    assert (found.score_ci_low <= found.score).all() and (found.score <= found.score_ci_high).all()
    assert float(found.score_ci_low.min()) < float(found.score_ci_high.max())


def test_a_class_whose_name_has_a_comma_is_one_where_the_labels_are_apart() -> None:
    numbers = class_numbers(["a", "b"], [("man, singing", "y"), ("y",)], 2, ("man, singing", "y"))
    assert numbers is not None and numbers.tolist() == [[1, 1], [0, 1]]


def test_the_mean_average_precision_of_single_labels_can_be_asked_for() -> None:
    model, x = small(), noise(9, 400)
    found = ask(model, sounds_of(x, ["0", "1", "2"] * 3), metric="mAP")
    expected = mean_average_precision(by_hand(model, x, ["2", "4"])[:, 0], np.tile(np.eye(3), (3, 1)))
    assert float(found.baseline) == pytest.approx(expected)
    with pytest.raises(InputError, match="needs labels"):
        ask(model, sounds_of(x), metric="mAP")


def test_bounds_over_several_models_are_students() -> None:
    sounds = sounds_of(noise(9, 400), "012" * 3)
    models = [small(seed) for seed in range(3)]
    result = ask(models[0], sounds, others=models[1:])
    alone = [ask(model, sounds) for model in models]
    np.testing.assert_allclose(result.model_score, np.stack([one.score for one in alone]))
    for name in ("score", "change", "agreement", "probability_change", "logit_change"):
        mean, low, high = mean_interval(np.stack([one[name] for one in alone]))
        np.testing.assert_allclose(result[name], mean)
        np.testing.assert_allclose(result[f"{name}_ci_low"], low)
        np.testing.assert_allclose(result[f"{name}_ci_high"], high)
    np.testing.assert_array_equal(result.answer, np.stack([one.answer for one in alone]))
    assert json.loads(result.attrs["arguments"])["others"] == [weights_digest(model) for model in models[1:]]


def test_clips_of_any_length_and_batches_of_any_size_give_the_same() -> None:
    model = small()
    sounds = [(noise(300 + 50 * (n // 3), seed=n), str(n % 3)) for n in range(7)]
    calls: list[tuple[int, int]] = []
    one = ask(model, sounds, batch_size=1)
    many = ask(model, iter(sounds), batch_size=5, progress=lambda *counts: calls.append(counts))
    np.testing.assert_allclose(one.clip_logit_change, many.clip_logit_change, atol=1e-5)
    assert one["clip"].values.tolist() == many["clip"].values.tolist() == [str(n) for n in range(7)]
    assert calls == [(3, 0), (6, 0), (7, 0)]
    assert one.attrs["audio"] == many.attrs["audio"] == "7 sounds"
    assert one.attrs["audio_sha256"] == many.attrs["audio_sha256"]


def test_the_vowel_model_needs_what_its_most_active_maps_respond_to() -> None:
    result = Scope("vowel-name").residual_study(find_sounds("vowels", limit=24))
    assert float(result.baseline) > 0.9
    assert (result.change_ci_high < 0).all()


def test_the_baseline_is_the_score_on_the_card(data: Path) -> None:
    """Sounds are filled to the length on which the model was trained and scored."""
    result = Scope("fsdd-digit").residual_study(f"fsdd@test:{data / 'fsdd'}", layer="relu11")
    assert round(float(result.baseline), 3) == 0.963 and result.attrs["clips"] == 300


def test_spoken_digits_by_the_own_answers(data: Path, scope: Scope) -> None:
    files = [item.sound for item in find_sounds(data / "fsdd" / "recordings", limit=20)]
    files = [file for file in files if soundfile.info(file).frames >= 2370][:6]  # the shortest that CNN12 takes
    result = scope.residual_study(files, layer=["pool2", "relu11"])
    assert result.attrs["metric"] == "agreement" and result.sizes == {"layer": 2, "clip": 6}
    assert np.isfinite(result.clip_logit_change).all() and (abs(result.clip_logit_change) > 0).any()


def test_the_result_can_be_saved(tmp_path: Path, cnn12: nn.Module) -> None:
    result = ask(cnn12, sounds_of(noise(3, 4000)))
    result.otoscope.save(tmp_path / "study.nc")
    again = xr.open_dataset(tmp_path / "study.nc")
    xr.testing.assert_allclose(again, result)


def features_only() -> nn.Module:
    return nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU())


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda x: ask(small(), []), "no clips"),
        (lambda x: ask(features_only(), sounds_of(x)), "a logit for each class|these are not classes"),
        (lambda x: ask(small(), sounds_of(x, "091")), "'9' of 1 is not a class.*with own_answers \\(--own-answers\\)"),
        (lambda x: ask(small(), sounds_of(x), "ab"), "2 class names"),
        (lambda x: ask(small(), sounds_of(x), metric=min), "needs labels"),
        (lambda x: ask(small(), sounds_of(x), metric="f1"), "unknown metric 'f1'"),
        (lambda x: ask(small(), [(x[0], "0"), x[1]]), "1 has no label"),
    ],
)
def test_bad_input_is_refused(run: Callable[[Tensor], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(noise(3, 400))


def test_a_clip_without_a_label_among_clips_of_several_classes_is_of_none() -> None:
    numbers = class_numbers(["a", "b", "c"], ["x,y", None, "y"], 2, ("x", "y"))
    assert numbers is not None and numbers.tolist() == [[1, 1], [0, 0], [0, 1]]
    with pytest.raises(InputError, match="b has no label"):
        class_numbers(["a", "b"], ["x", None], 2, ("x", "y"))


def test_the_score_with_controls_is_that_of_what_they_leave() -> None:
    model, x = small(), noise(9, 400)
    found = ask(model, sounds_of(x, ["0", "1", "2"] * 3), control=["noise", "moved"])
    answers = found["answer"].values
    right = answers == np.tile([0, 1, 2], 3)
    # where the answer stays the same the score is that of the sound
    same = found["clip_control_agreement"].values.astype(bool)
    low = (right[:, None, None] & same).mean(0)
    high = (right[:, None, None] | ~same).mean(0)
    assert (low <= found["control_score"].values).all() and (found["control_score"].values <= high).all()
    assert found["control_score"].dims == ("layer", "control")
    assert "control_score" not in ask(model, sounds_of(x), control="noise")
