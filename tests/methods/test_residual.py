"""Residuals are the sound less its sonification; the study counts as a loop over clips would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, load
from otoscope.data.labelled import labelled_sounds
from otoscope.dsp.scores import share_interval
from otoscope.dsp.statistics import mean_interval
from otoscope.methods import residual, residual_study, sonify
from otoscope.methods.clips import Clip

RATE = 8000


def small(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 5, 5), nn.ReLU(),
        nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(5, 3),
    )  # fmt: skip


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def clips_of(x: Tensor, labels: list[str] | None = None) -> list[Clip]:
    return [Clip(f"c{n}", x[n : n + 1], labels[n] if labels else None) for n in range(len(x))]


# -- Sounds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
def test_a_residual_is_the_clip_less_the_sonification_of_its_most_active_map(cnn12: nn.Module, rule: str) -> None:
    x = noise(2, 1, 4000).double()  # by rounding alone a rectifier can open or close
    x[1] *= 0.1
    cnn12 = cnn12.double()
    layers = ["pool1", "pool4", "relu11"]
    result = residual(cnn12, x, sample_rate=RATE, layers=layers, rule=rule)
    assert result.dims == ("clip", "layer", "time")
    assert result.layer.values.tolist() == [f"features.{layer}" for layer in layers]
    for n in range(2):
        for layer, found in zip(layers, result[n], strict=True):
            sound = sonify(cnn12, x[n : n + 1], sample_rate=RATE, layer=layer, rule=rule)[0, 0]
            assert int(found.channel) == int(sound.channel)
            np.testing.assert_allclose(found, x[n, 0] - sound.values, atol=1e-5)


def test_frames_in_the_batch_are_told_apart() -> None:
    class Framed(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x[:, 0].unfold(-1, 64, 32).reshape(-1, 1, 64))

    torch.manual_seed(0)
    model = Framed(nn.Conv1d(1, 4, 10, stride=3), nn.ReLU(), nn.Conv1d(4, 3, 3), nn.ReLU()).double()
    x = noise(2, 1, 1000).double()
    both = residual(model, x, sample_rate=RATE)
    for n in range(2):
        alone = residual(model, x[n : n + 1], sample_rate=RATE)
        np.testing.assert_allclose(both[n], alone[0], atol=1e-9)


def test_a_silent_layer_leaves_the_sound_as_it_is() -> None:
    model, x = small(), noise(1, 1, 600)
    model[3].weight.data.zero_()
    model[3].bias.data.fill_(-1)
    np.testing.assert_array_equal(residual(model, x, sample_rate=RATE, layers=["4"])[0, 0], x[0, 0])
    silence = residual(model, torch.zeros(1, 1, 600), sample_rate=RATE)
    assert not silence.any()


# -- The study --------------------------------------------------------------------------------------------


def by_hand(model: nn.Module, x: Tensor, layers: list[str]) -> np.ndarray:
    """Logits of x and of x - s, clip by clip, (clip, 1 + layer, class)."""
    rows = []
    for one in x.split(1):
        heard = [one]
        for layer in layers:
            sound = sonify(model, one, sample_rate=RATE, layer=layer).values[0]
            heard.append(one - torch.from_numpy(sound)[None])
        with torch.no_grad():
            rows.append(torch.cat([model(wave) for wave in heard]))
    return torch.stack(rows).numpy()


def test_accuracy_is_what_a_loop_over_clips_counts() -> None:
    model, x = small(), noise(11, 1, 400)
    labels = [str(n % 3) for n in range(11)]
    result = residual_study(model, clips_of(x, labels), sample_rate=RATE, batch=4)
    expected = by_hand(model, x, ["2", "4"])
    hits = expected.argmax(-1) == np.arange(11)[:, None] % 3
    assert result.layer.values.tolist() == ["2", "4"]
    assert float(result.baseline) == pytest.approx(hits[:, 0].mean())
    np.testing.assert_allclose(result.score, hits[:, 1:].mean(0))
    np.testing.assert_allclose(result.change, hits[:, 1:].mean(0) - hits[:, 0].mean())
    low, high = share_interval(hits.sum(0), 11)
    np.testing.assert_allclose(result.score_low, low[1:])
    np.testing.assert_allclose(result.baseline_high, high[0])
    answer = expected.argmax(-1)
    np.testing.assert_array_equal(result.residual_answer, answer[:, 1:])
    np.testing.assert_allclose(result.agreement, (answer[:, 1:] == answer[:, :1]).mean(0))
    at = np.take_along_axis(expected, answer[:, :1, None], -1)[..., 0]
    np.testing.assert_allclose(result.logit_change, at[:, 1:] - at[:, :1], atol=1e-5)
    chance = np.exp(expected) / np.exp(expected).sum(-1, keepdims=True)
    at = np.take_along_axis(chance, answer[:, :1, None], -1)[..., 0]
    np.testing.assert_allclose(result.probability_change, at[:, 1:] - at[:, :1], atol=1e-5)


def test_clips_without_labels_are_compared_with_the_own_answer() -> None:
    model, x = small(), noise(6, 1, 400)
    result = residual_study(model, clips_of(x), sample_rate=RATE)
    assert result.attrs["metric"] == "agreement" and float(result.baseline) == 1
    np.testing.assert_allclose(result.score, result.agreement)


def test_a_metric_of_ones_own_gets_outputs_and_labels() -> None:
    """The mean loss, whose change and bounds scipy can give."""
    model, x = small(), noise(12, 1, 400)
    labels = [str(n % 3) for n in range(12)]

    def loss(outputs: Tensor, known: Tensor) -> float:
        return float(nn.functional.cross_entropy(outputs, known))

    result = residual_study(model, clips_of(x, labels), sample_rate=RATE, metric=loss)
    expected = torch.from_numpy(by_hand(model, x, ["2", "4"]))
    known = torch.arange(12) % 3
    each = torch.stack([nn.functional.cross_entropy(expected[:, p], known, reduction="none") for p in range(3)], 1)
    np.testing.assert_allclose(result.score, each[:, 1:].mean(0), rtol=1e-5)
    assert result.attrs["metric"] == "loss"
    assert (result.change_low < result.change).all() and (result.change < result.change_high).all()


def test_several_labels_a_clip_are_zeros_and_ones() -> None:
    model, x = small(), noise(3, 1, 400)
    seen: list[Tensor] = []

    def metric(outputs: Tensor, known: Tensor) -> float:
        seen.append(known)
        return 0.0

    clips = clips_of(x, ["a,c", "b", "a"])
    residual_study(model, clips, sample_rate=RATE, classes="abc", metric=metric)
    assert seen[0].tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 0]]
    with pytest.raises(InputError, match="several labels"):
        residual_study(model, clips, sample_rate=RATE, classes="abc")


def test_bounds_over_several_models_are_students() -> None:
    x = noise(9, 1, 400)
    clips = clips_of(x, [str(n % 3) for n in range(9)])
    models = [small(seed) for seed in range(3)]
    result = residual_study(models, clips, sample_rate=RATE)
    alone = [residual_study(model, clips, sample_rate=RATE) for model in models]
    scores = np.stack([one.score for one in alone])
    np.testing.assert_allclose(result.score_of_model, scores)
    for name, values in (("score", scores), ("change", np.stack([one.change for one in alone]))):
        mean, low, high = mean_interval(values)
        np.testing.assert_allclose(result[name], mean)
        np.testing.assert_allclose(result[f"{name}_low"], low)
        np.testing.assert_allclose(result[f"{name}_high"], high)
    np.testing.assert_array_equal(result.answer, np.stack([one.answer for one in alone]))


def test_clips_of_any_length_and_batches_of_any_size_give_the_same() -> None:
    model = small()
    clips = [Clip(str(n), noise(1, 1, 300 + 50 * (n // 3), seed=n), str(n % 3)) for n in range(7)]
    told: list[tuple[int, int]] = []
    one = residual_study(model, clips, sample_rate=RATE, batch=1)
    many = residual_study(model, iter(clips), sample_rate=RATE, batch=5, progress=lambda *c: told.append(c))
    np.testing.assert_allclose(one.logit_change, many.logit_change, atol=1e-5)
    assert one["clip"].values.tolist() == many["clip"].values.tolist() == [str(n) for n in range(7)]
    assert told == [(3, 0), (6, 0), (7, 0)]


def test_the_vowel_model_needs_what_its_most_active_maps_hear() -> None:
    scope = Scope(load("vowel-name"))
    waves, labels = zip(*labelled_sounds("vowels", limit=24), strict=True)
    result = scope.residual_study(waves, labels)
    assert float(result.baseline) > 0.9
    assert (result.change_high < 0).all()


def test_spoken_digits_without_labels(data: Path, cnn12: nn.Module) -> None:
    scope = Scope(cnn12)
    files = [file for file, _ in labelled_sounds(data / "fsdd" / "recordings", limit=20)]
    files = [file for file in files if soundfile.info(file).frames >= 2370][:6]  # the shortest that CNN12 takes
    result = scope.residual_study(files, layers=["pool2", "relu11"])
    assert result.attrs["metric"] == "agreement" and result.sizes == {"layer": 2, "clip": 6}
    assert np.isfinite(result.logit_change).all() and (abs(result.logit_change) > 0).any()


def test_the_result_can_be_saved(tmp_path: Path, cnn12: nn.Module) -> None:
    result = residual_study(cnn12, clips_of(noise(3, 1, 4000)), sample_rate=RATE)
    result.otoscope.save(tmp_path / "study.nc")
    again = xr.open_dataset(tmp_path / "study.nc")
    xr.testing.assert_allclose(again, result)


def features_only() -> nn.Module:
    return nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU())


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda x: residual_study(small(), [], sample_rate=RATE), "no clips"),
        (lambda x: residual_study([], clips_of(x), sample_rate=RATE), "no model"),
        (lambda x: residual_study(features_only(), clips_of(x), sample_rate=RATE), "a logit for each class"),
        (lambda x: residual_study(small(), clips_of(x, ["0", "9", "1"]), sample_rate=RATE), "'9' of c1 is no class"),
        (lambda x: residual_study(small(), clips_of(x), sample_rate=RATE, classes="ab"), "2 class names"),
        (lambda x: residual_study(small(), clips_of(x), sample_rate=RATE, metric=min), "needs labels"),
        (lambda x: residual_study(small(), clips_of(x), sample_rate=RATE, metric="f1"), "unknown metric 'f1'"),
        (lambda x: residual(small(), x, sample_rate=RATE, layers=[]), "no layer was given"),
        (lambda x: residual(small(), x, sample_rate=RATE, layers=["9"]), "no tap is named '9'"),
        (lambda x: residual(small(), x, sample_rate=RATE, rule="guide"), "unknown rule"),
        (
            lambda x: residual_study(small(), [Clip("a", x[:1], "0"), Clip("b", x[:1])], sample_rate=RATE),
            "b has no label",
        ),
    ],
)
def test_bad_input_is_said(run: Callable[[Tensor], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(noise(3, 1, 400))
