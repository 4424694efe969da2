"""What of an output is explained: classes, moments, differences, waveforms, embeddings, functions; each one number."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import otoscope
from otoscope import InputError, Scope
from otoscope.app.answer import answer_entry
from otoscope.contract import Contract
from otoscope.methods.catalogue import METHODS
from otoscope.report.answered import answered
from otoscope.report.gather import gather
from otoscope.report.sections.relevance import relevance as page_section
from otoscope.tables import headings, rows

RATE = 8000
CLASSES = ("dog", "cat", "bird")
WAVE = torch.randn(1600, generator=torch.Generator().manual_seed(3))


class Frames(nn.Module):
    """Scores of three classes every 40 samples, (clip, class, time), or with time first."""

    def __init__(self, time_first: bool = False, last: Any = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 3, 81, 40)
        self.time_first, self.last = time_first, last

    def forward(self, x: Tensor) -> Tensor:
        z: Tensor = self.conv(x)
        z = z if self.last is None else self.last(z)
        return z.transpose(1, 2) if self.time_first else z


class Clips(nn.Module):
    """Scores (clip, class), linear in the waveform but for a mean."""

    def __init__(self, last: Any = None, scale: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.last = nn.Conv1d(1, 3, 81, 40), last
        self.conv.weight.data *= scale

    def before(self, x: Tensor) -> Tensor:
        return self.conv(x).mean(-1)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Any:
        return self.before(x) if self.last is None else self.last(self.before(x))


def gradient(model: nn.Module, function: Any, wave: Tensor = WAVE) -> np.ndarray:
    """Of a function of what a model returns, by autograd alone."""
    leaf = wave[None, None].clone().requires_grad_()
    (found,) = torch.autograd.grad(function(model(leaf)), leaf)
    return found[0, 0].numpy()


def ask(model: nn.Module, wave: Any = WAVE, classes: Any = CLASSES, **arguments: Any) -> xr.Dataset:
    scope = Scope(model, RATE, classes=classes)
    return scope.relevance(wave, rule="gradient", **arguments)


def same(found: xr.Dataset, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found.relevance, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


# -- Classes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target", [[2, 0], torch.tensor([2, 0]), np.array([2, 0]), ("bird", "dog"), ["2", 0], xr.DataArray([2, 0])]
)
def test_each_clip_may_have_a_class_of_its_own(target: Any) -> None:
    model, both = Clips(), torch.stack([WAVE, WAVE.flip(0)])
    found = ask(model, both, target=target)
    assert found.class_name.values.tolist() == ["bird", "dog"] and found.target.values.tolist() == [2, 0]
    for clip, number in enumerate((2, 0)):
        np.testing.assert_array_equal(found.relevance[clip], ask(model, both[clip], target=number).relevance)
    occluded = Scope(model, RATE).relevance(both, target=[2, 0], rule="occlusion")
    alone = Scope(model, RATE).relevance(both[1], target=0, rule="occlusion")
    np.testing.assert_allclose(occluded.time_relevance[1], alone.time_relevance, rtol=1e-4, atol=1e-7)


def test_each_clip_has_its_class_where_clips_go_one_by_one() -> None:
    scope, both = Scope(Clips(), RATE, classes=CLASSES, contract=Contract(clips="meet")), torch.stack([WAVE, -WAVE])
    found = scope.relevance(both, target=["bird", "dog"], rule="gradient")
    assert found.class_name.values.tolist() == ["bird", "dog"]
    np.testing.assert_array_equal(found.relevance[1], scope.relevance(-WAVE, target="dog", rule="gradient").relevance)


def test_what_argmax_returns_is_a_target() -> None:
    scope = Scope(Clips(), RATE)
    likeliest = scope.output(WAVE).argmax(1)
    assert scope.relevance(WAVE, target=likeliest).target == likeliest.item()
    assert scope.relevance(WAVE, target=torch.tensor(1)).target == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (True, "target has to be .*, not True"),
        (np.True_, "target has to be .*, not True"),
        ([True], r"target has to be .*, not \[True\]"),
        ([0, 1, 2], "3 classes were given as target, one for each clip, and there are 1 clips"),
        ([7], "unknown class 7"),
        ("energy", "the target energy is that of an output over time"),
        ("similarity", "give the other one with against"),
        ("nothing.py:f", "nothing.py does not exist"),
        ("math:nothing", "there is no function nothing"),
    ],
)
def test_targets_that_cannot_be_are_refused(target: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(Clips(), target=target)


def test_a_difference_of_two_classes() -> None:
    model = Clips()
    found = ask(model, target="cat", against="dog")
    z = model(WAVE[None, None])[0].detach()
    same(found, gradient(model, lambda y: y[0, 1] - y[0, 0]))
    assert float(found.score) == pytest.approx(float(z[1] - z[0]))
    assert found.attrs["target"] == "cat against dog" and found.attrs["score_kind"] == "difference of logits"
    assert json.loads(found.attrs["arguments"]).items() >= {"target": "cat", "against": "dog"}.items()
    with pytest.raises(InputError, match="against names the class that is explained, 'cat'"):
        ask(model, target="cat", against=1)


class Embeds(Clips):
    """An embedding, by that name."""

    def forward(self, x: Tensor) -> Any:
        return {"embedding": self.before(x), "scores": self.before(x)}


def test_an_embedding_has_units_and_no_classes() -> None:
    scope = Scope(Embeds(), RATE, output="embedding")
    with pytest.raises(InputError, match=r"embedding of Embeds is a hidden state.*--target 0.*energy.*similarity"):
        scope.relevance(WAVE)
    found = scope.relevance(WAVE, target=2, rule="gradient")
    same(found, gradient(Clips(), lambda y: y[0, 2]))
    (row,) = rows(found, METHODS["relevance"])
    assert found.attrs["target"] == "unit 2 of embedding"
    assert "score" in row and not {"logit", "probability", "runner_up"} & set(row)
    assert "of unit 2 of embedding" in page_section(found).sentence
    assert headings(found, METHODS["relevance"])["class_name"] == "target"
    less = scope.relevance(WAVE, target=2, against=1, rule="gradient")
    assert (less.attrs["target"], less.attrs["score_kind"]) == ("unit 2 of embedding against 1", "difference of values")
    assert np.isfinite(scope.relevance(WAVE, target="similarity", against=WAVE.flip(0)).relevance).all()
    stated = Scope(Embeds(), RATE, output="embedding", contract=Contract(scores="logits"))
    assert "probability" in stated.relevance(WAVE)
    assert "probability" in Scope(Embeds(), RATE, output="scores").relevance(WAVE)


# -- How sure the model is --------------------------------------------------------------------------------


def test_a_result_says_how_sure_the_model_is() -> None:
    model = Clips()
    z = model(WAVE[None, None])[0].detach()
    best, second = z.argsort(descending=True)[:2].tolist()
    (row,) = rows(ask(model), METHODS["relevance"])
    assert (row["class_name"], row["runner_up"]) == (CLASSES[best], CLASSES[second])
    assert row["probability"] == pytest.approx(float(z.softmax(0)[best]))
    assert row["runner_up_probability"] == pytest.approx(float(z.softmax(0)[second]))
    assert "assumed" in ask(model).probability.attrs["long_name"]
    worst = ask(model, target=int(z.argmin()))
    assert worst.runner_up == CLASSES[best]


class Certain(nn.Module):
    """Far from the others in one class, so that the probabilities of these are 0 in floating point, also over time."""

    def __init__(self, last: nn.Module | None, frames: int) -> None:
        super().__init__()
        self.conv, self.last, self.frames = nn.Conv1d(1, 1, 80, 80), last, frames

    def forward(self, x: Tensor) -> Tensor:
        level = 1 + 0.01 * self.conv(x)[:, 0].mean(1)[:, None]
        z = level * torch.tensor([-300.0, -150.0, 215.0, -140.0])
        z = z[:, :, None].expand(-1, -1, x.shape[-1] // 40 if self.frames else 1)
        z = z if self.frames else z[:, :, 0]
        return z if self.last is None else self.last(z)


@pytest.mark.parametrize("last", [None, nn.LogSoftmax(1), nn.Softmax(1), nn.Sigmoid()])
@pytest.mark.parametrize("frames", [False, True])
def test_the_runner_up_is_found_where_all_other_probabilities_are_0(last: nn.Module | None, frames: bool) -> None:
    scope = Scope(Certain(last, frames), RATE, classes=("a", "b", "c", "d"))
    found = scope.relevance(WAVE, rule="gradient")
    assert (found.class_name, found.runner_up, float(found.runner_up_probability)) == ("c", "d", 0)
    assert float(found.margin) == pytest.approx(355, rel=0.1)
    assert scope.relevance(WAVE, target="d", rule="gradient").runner_up == "c"
    said = answered(scope, scope.clip(WAVE))
    assert said["rank"].values.tolist() == [3, 2, 0, 1]
    inspected = gather(scope, WAVE, control=False)
    assert answer_entry(inspected)["answer"]["runner_up"] == "d" and answer_entry(inspected)["order"] == [2, 3, 1, 0]
    assert {str(one["class_name"].item()) for (_, what), one in inspected.others.items() if what == "second"} == {"d"}


@pytest.mark.parametrize("last", [None, nn.LogSoftmax(1), nn.Softmax(1), nn.Sigmoid()])
@pytest.mark.parametrize("averaged", [False, True])
def test_no_class_is_likelier_than_the_likeliest(last: Any, averaged: bool) -> None:
    class Rare(nn.Module):
        """One class wins by much in a fifth of the frames, the other by little in the rest."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 80, 80)

        def forward(self, x: Tensor) -> Tensor:
            h = 0.01 * self.conv(x)[:, 0]
            rare = (torch.arange(h.shape[1]) % 5 == 0).float()
            z = torch.stack([h + 50 * rare, 2 * h + 2 * (1 - rare)], 1)
            z = z if last is None else last(z)
            return z.mean(2) if averaged else z

    found = Scope(Rare(), RATE, classes=("rare", "usual")).relevance(WAVE, rule="gradient")
    assert float(found.probability) >= float(found.runner_up_probability)
    if last is None and not averaged:
        assert found.class_name == "usual" and float(found.probability) == pytest.approx(0.7, abs=0.1)


def test_probabilities_of_several_labels_are_those_of_sigmoids() -> None:
    z = Clips()(WAVE[None, None])[0].detach()
    scope = Scope(Clips(), RATE, contract=Contract(multilabel=True, scores="logits", classes=CLASSES))
    assert float(scope.relevance(WAVE, target=1).probability) == pytest.approx(float(z.sigmoid()[1]))
    found = ask(Clips(nn.Sigmoid()), target=1)
    assert float(found.probability) == pytest.approx(float(z.sigmoid()[1]))
    assert float(found.logit) == pytest.approx(float(z[1]), rel=1e-5)
    assert "sigmoid" in found.attrs["score_note"]
    assert Scope(Clips(nn.Sigmoid()), RATE).contract.multilabel is True
    assert Scope(Clips(nn.Softmax(-1)), RATE).contract.multilabel is False


@pytest.mark.parametrize("last", [torch.sigmoid, nn.Softmax(-1), nn.LogSigmoid(), lambda z: (z, z.sigmoid())[1:]])
def test_a_sure_model_is_explained_by_its_logits(last: Any) -> None:
    model = Clips(last, scale=3000.0)
    found = ask(model, target=1)
    same(found, gradient(Clips(scale=3000.0), lambda y: y[0, 1]))
    assert "logit" in found and "score" not in found
    assert np.isfinite(found.probability)


@pytest.mark.parametrize(
    ("last", "kind", "scale"),
    [
        (lambda z: -z.log_softmax(1), "negative log-probabilities by a softmax", 1),
        (lambda z: -z.softmax(1), "negative probabilities by a softmax", 1),
        (lambda z: 100 * z.softmax(1), "100 times probabilities by a softmax", 1),
        (lambda z: 100 * (1e4 * z).softmax(1), "100 times probabilities by a softmax", 1e4),
    ],
)
def test_the_likeliest_class_is_explained_however_probabilities_are_scaled(last: Any, kind: str, scale: float) -> None:
    found, expected = ask(Clips(last)), ask(Clips(lambda z: scale * z))
    same(found, expected.relevance.values)
    assert found.class_name == expected.class_name and found.runner_up == expected.runner_up
    assert float(found.probability) == pytest.approx(float(expected.probability), rel=1e-4)
    assert found.attrs["score_kind"] == "logit" and kind in found.attrs["score_note"]


def unseen(z: Tensor) -> Tensor:
    """A softmax that is not known by its operations, so that its values alone say what it is."""
    powers = torch.pow(math.e, z)
    return powers / powers.sum(1, keepdim=True)


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (lambda z: -unseen(z).log(), "negative log-probabilities"),
        (lambda z: -unseen(z), "negative probabilities"),
        (lambda z: 100 * unseen(z), "percentages"),
        (lambda z: z.softmax(0), "over axis 0 .* the clips"),
    ],
)
def test_values_that_do_not_say_which_class_is_likeliest_are_refused(last: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(Clips(last))


@pytest.mark.parametrize("last", [lambda z: z * torch.tensor([0.0, 1, 1]) + torch.tensor([0.0, 20, 30])])
def test_logits_of_a_sure_model_are_no_negative_logarithms(last: Any) -> None:
    found = ask(Clips(last))
    assert found.attrs["score_kind"] == "logit" and found.class_name == "bird"


def test_a_softmax_over_time_has_no_mean() -> None:
    model = Frames(False, lambda z: z.softmax(2))
    with pytest.raises(InputError, match=r"over axis 2 .* time"):
        ask(model, target=1)
    assert ask(model, target=1, at=0.05).attrs["score_kind"] == "logit"


def test_what_cannot_be_taken_back_is_called_a_probability() -> None:
    class Hidden(nn.Module):
        """Its softmax is made of an operation that is not seen through."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = Clips()

        def forward(self, x: Tensor) -> Tensor:
            z = self.inner(x)
            return torch.einsum("bc,b->bc", z.exp(), 1 / z.exp().sum(1))

    scope = Scope(Hidden(), RATE, classes=CLASSES)
    assert (scope.contract.scores, scope.contract.multilabel) == ("probabilities", False)
    found = scope.relevance(WAVE, rule="gradient", target=1)
    assert "logit" not in found and found.score_kind == "probability"
    assert float(found.score) == float(found.probability) == pytest.approx(float(scope.output(WAVE)[0, 1]))
    assert "could not be taken back" in found.attrs["score_note"]


def test_results_survive_a_file(tmp_path: Path) -> None:
    for number, found in enumerate((ask(Clips()), ask(Frames(), target=1, against=0, at=0.1))):
        found.otoscope.save(tmp_path / f"{number}.nc") if hasattr(found.otoscope, "save") else None
        found.to_netcdf(tmp_path / f"{number}.nc", engine="scipy")
        again = otoscope.open(tmp_path / f"{number}.nc")
        assert again.attrs["score_note"] == found.attrs["score_note"]
        for name in ("class_name", "probability", "runner_up"):
            assert again[name].item() == found[name].item()


# -- Moments ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time_first", [False, True])
@pytest.mark.parametrize("last", [None, nn.Sigmoid(), nn.LogSoftmax(1)])
def test_frames_of_an_output(time_first: bool, last: Any) -> None:
    model, plain = Frames(time_first, last), Frames()
    scope = Scope(model, RATE, classes=CLASSES)
    assert (scope.contract.class_axis, scope.contract.time_axis) == ((2, 1) if time_first else (1, 2))
    whole = scope.relevance(WAVE, rule="gradient", target="cat")
    same(whole, gradient(plain, lambda y: y[0, 1].mean()))
    assert "mean over all 38 frames" in whole.attrs["score_note"]
    at = scope.relevance(WAVE, rule="gradient", target="cat", at=0.105)  # frame 20 is centred on sample 840
    same(at, gradient(plain, lambda y: y[0, 1, 20]))
    assert "frame 20, centred at 0.105 s" in at.attrs["score_note"]
    span = scope.relevance(WAVE, rule="gradient", target="cat", against="dog", at=(0.1, 0.1101))
    same(span, gradient(plain, lambda y: (y[0, 1] - y[0, 0])[19:22].mean()))
    assert json.loads(span.attrs["arguments"])["at"] == [0.1, 0.1101]
    likeliest = scope.relevance(WAVE, rule="gradient", at=0.105)
    assert int(likeliest.target) == int(plain(WAVE[None, None])[0, :, 20].argmax())


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (5.0, "at=5 s is outside of the output: its 38 frames are centred from 0.005 to 0.19 s, 0.005 s apart"),
        ((0.001, 0.002), "no frame of the output is centred from 0.001 to 0.002 s"),
        ((0.2, 0.1), "at has to be two numbers that rise"),
        ((0.1, 0.2, 0.3), "at has to be two numbers that rise"),
    ],
)
def test_moments_that_are_not_there_are_refused(at: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(Frames(), at=at)


def test_moments_are_found_after_the_taps_were_looked_at() -> None:
    scope = Scope(Frames(), RATE)
    scope.taps(WAVE)
    assert "frame 20" in scope.relevance(WAVE, target=1, at=0.105, rule="gradient").attrs["score_note"]


def test_looking_for_moments_leaves_the_taps_as_they_are() -> None:
    scope = Scope(Frames(), RATE)
    scope.relevance(WAVE, target=1, at=0.105)
    assert list(scope.taps(WAVE)) == list(Scope(Frames(), RATE).taps(WAVE)) == ["conv"]


def test_a_moment_of_an_output_without_time_is_refused() -> None:
    with pytest.raises(InputError, match=r"asks for a moment of the output, and the output .* has no axis of time"):
        ask(Clips(), at=0.1)


def test_frames_of_one_score_have_no_axis_of_classes() -> None:
    """As voice activity detection: (clip, time), which grows with the clip."""
    voice = nn.Sequential(nn.Conv1d(1, 1, 81, 40), nn.Flatten(1), nn.Sigmoid())
    scope = Scope(voice, RATE)
    assert (scope.contract.class_axis, scope.contract.time_axis) == (None, 1)
    found = scope.relevance(WAVE, rule="gradient", at=0.105)
    same(found, gradient(voice[:2], lambda y: y[0, 20]))
    assert found.target == 0 and "runner_up" not in found


def test_axes_that_are_not_known_are_asked_about() -> None:
    heads = nn.Sequential(nn.Conv1d(1, 12, 81, 40), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Unflatten(1, (4, 3)))
    with pytest.raises(InputError, match=r"axis 0 \(1\): the clips, axis 1 \(4\): \?, axis 2 \(3\): \?"):
        ask(heads, classes=None)
    with pytest.raises(InputError, match=r"axis 1 \(4\): \?"):
        ask(heads)  # the names fit axis 2, and axis 1 is one too many
    found = ask(heads, classes=None, target=lambda y: y[:, 1, 2])
    same(found, gradient(heads, lambda y: y[0, 1, 2]))


# -- Waveforms --------------------------------------------------------------------------------------------


class Enhancer(nn.Module):
    """(batch, time) in and out."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv = nn.Conv1d(1, 1, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.reshape(len(x), 1, -1)).squeeze(1)  # type: ignore[no-any-return]


def test_samples_are_no_classes() -> None:
    with pytest.raises(InputError, match=r"axis 1 is time: it grows with the clip.*'energy'"):
        Scope(Enhancer(), RATE).relevance(WAVE)
    with pytest.raises(InputError, match="these are not classes"):
        Scope(Enhancer(), RATE).relevance(WAVE, target=5)


class Samples(nn.Module):
    """A distribution over 256 levels for each sample, (batch, level, time)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.out = nn.Conv1d(1, 8, 9, padding=4), nn.Conv1d(8, 256, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.conv(x).relu())  # type: ignore[no-any-return]


def test_classes_of_each_sample_are_asked_for_or_stated() -> None:
    ways = r"these are not classes.*target.*--target.*classes=\[...\].*Contract\(class_axis=1, time_axis=2\)"
    with pytest.raises(InputError, match=ways):
        Scope(Samples(), RATE).relevance(WAVE)
    expected = Scope(Samples(), RATE).relevance(WAVE, target=int(Samples()(WAVE[None, None]).mean(-1).argmax()))
    for stated in (
        Scope(Samples(), RATE, classes=[str(level) for level in range(256)]),
        Scope(Samples(), contract=Contract(sample_rate=RATE, class_axis=1, time_axis=2)),
    ):
        np.testing.assert_array_equal(stated.relevance(WAVE).relevance, expected.relevance)


def test_the_energy_of_a_waveform_in_a_span_and_in_a_band() -> None:
    model = Enhancer()
    whole = ask(model, classes=None, target="energy")
    same(whole, gradient(model, lambda y: y[0].square().sum()))
    assert whole.attrs["score_kind"] == "energy"
    span = ask(model, classes=None, target="energy", at=(0.05, 0.1))
    same(span, gradient(model, lambda y: y[0, 400:801].square().sum()))
    band = ask(model, classes=None, target="energy", target_band=(1000, 2000))

    def in_band(y: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(y[0]).abs().square()[200:401]  # 5 Hz apart
        return 2 * spectrum.sum() / 1600

    same(band, gradient(model, in_band))
    assert json.loads(band.attrs["arguments"])["target_band"] == [1000, 2000]
    for given, message in (
        ({"at": 0.1}, "the energy is that of a span"),
        ({"target_band": (0, 1, 2)}, "target_band has to be two numbers"),
        ({"target_band": (5000, 6000)}, "has no frequency from 5000 to 6000 Hz"),
        ({"against": 1}, "against does not go with the target energy"),
    ):
        with pytest.raises(InputError, match=message):
            ask(model, classes=None, target="energy", **given)


def test_the_energy_of_one_of_several_sources() -> None:
    sources = nn.Conv1d(1, 2, 9, padding=4)
    same(ask(sources, classes=None, target="energy:1"), gradient(sources, lambda y: y[0, 1].square().sum()))
    same(ask(sources, classes=None, target="energy"), gradient(sources, lambda y: y[0].square().sum()))


# -- Embeddings and functions -----------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Clips(), Frames()])
def test_the_similarity_of_two_sounds(model: nn.Module, tmp_path: Path) -> None:
    other = WAVE.flip(0)[:1200]
    found = ask(model, target="similarity", against=other)

    def embedding(y: Tensor) -> Tensor:
        return y if y.ndim == 2 else y.mean(2)

    reference = embedding(model(other[None, None])).detach()
    same(found, gradient(model, lambda y: torch.cosine_similarity(embedding(y), reference)[0]))
    otoscope.write_audio(tmp_path / "other.wav", other.numpy() / 4, RATE)
    by_file = ask(model, target="similarity", against=str(tmp_path / "other.wav"))
    assert "other.wav" in by_file.attrs["target"]
    signed = json.loads(by_file.attrs["arguments"])["against"]
    assert signed["audio"] == "other.wav" and len(signed["audio_sha256"]) == 64


def test_a_function_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def second(y):\n    return y[:, 1] - 2 * y[:, 0]\n")
    model, place = Clips(), f"{tmp_path / 'mine.py'}:second"
    found = ask(model, target=place)
    same(found, gradient(model, lambda y: y[0, 1] - 2 * y[0, 0]))
    assert json.loads(found.attrs["arguments"])["target"] == place
    with pytest.raises(InputError, match="at does not go with a function as target"):
        ask(model, target=place, at=0.1)


# -- Nothing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["gradient", "gradient_x_input"])
def test_what_is_left_of_a_gradient_by_rounding_is_no_result(rule: Any) -> None:
    """A sound is as similar to itself as can be: that gradient is zero, whatever rounding makes of it."""
    scope = Scope(Clips(), RATE)
    for level in (1.0, 1e-3):
        with pytest.raises(InputError, match="is rounding"):
            scope.relevance(level * WAVE, target="similarity", against=level * WAVE, rule=rule)
    near = WAVE + 0.01 * WAVE.roll(3)
    assert scope.relevance(WAVE, target="similarity", against=near, rule=rule)["relevance"].any()
    assert scope.relevance(WAVE, target="similarity", against=WAVE, rule="occlusion")["relevance"].any()


def test_a_small_gradient_is_a_result_where_it_is_no_rounding() -> None:
    model = Clips()

    def small(y: Tensor) -> Tensor:
        return 1 + 1e-7 * y[:, 1]

    same(ask(model, target=small), gradient(model, lambda y: small(y)[0]))


@pytest.mark.parametrize(
    ("last", "meant"),
    [
        (None, "the output"),
        (nn.Sigmoid(), "the logits before the sigmoid"),
        (nn.LogSoftmax(1), "before the log-softmax"),
    ],
)
def test_a_function_is_of_what_the_model_has(last: Any, meant: str) -> None:
    note = ask(Clips(last), target=lambda y: y[:, 0]).attrs["score_note"]
    assert note.endswith(meant)


def test_an_edge_of_a_band_alone_asks_for_the_other() -> None:
    with pytest.raises(InputError, match=r"target_band has to be two numbers.*--target-band is given twice"):
        ask(Frames(), target="energy", target_band=[300])


def test_no_relevance_at_all_is_no_result() -> None:
    negative = nn.Sequential(nn.Conv1d(1, 4, 81, 40), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 1))
    nn.init.constant_(negative[4].weight, -1.0)
    with pytest.raises(InputError, match=r"the rule guided lets nothing through.*'gradient'"):
        Scope(negative, RATE).relevance(WAVE)
    shut = nn.Sequential(nn.Conv1d(1, 4, 81, 40), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    nn.init.constant_(shut[0].bias, -1e6)
    with pytest.raises(InputError, match="it does not depend on the sound"):
        Scope(shut, RATE).relevance(WAVE)
    with pytest.raises(InputError, match="clip 1 of array is silence"):
        Scope(Clips(), RATE).relevance(torch.stack([WAVE, torch.zeros(1600)]), rule="gradient_x_input", target=1)


@pytest.mark.parametrize("name", ["voice", "autocorrelation"])
def test_methods_that_use_a_relevance_take_the_same_targets(name: str) -> None:
    pytest.importorskip("parselmouth")
    scope = Scope(Frames(), RATE, classes=CLASSES)
    found = getattr(scope, name)(WAVE, target="cat", against="dog", at=(0.05, 0.15), rule="gradient")
    assert found.attrs["target"] == "cat against dog" and found.attrs["score_kind"] == "difference of logits"
    assert not math.isnan(float(found.probability))
    with pytest.raises(InputError, match="is outside of the output"):
        getattr(scope, name)(WAVE, at=9.0)


def test_what_is_said_of_an_output_of_log_probabilities_is_of_its_logits() -> None:
    model = Frames(last=nn.LogSoftmax(1))
    assert "of the logits before the log-softmax" in ask(model, target="energy").attrs["score_note"]
    other = ask(model, target="similarity", against=WAVE.flip(0))
    assert "cosine of the logits before the log-softmax" in other.attrs["score_note"]
    assert "of the output" in ask(Frames(), target="energy").attrs["score_note"]


def test_a_page_says_which_class_is_likeliest_where_it_is_not_the_target() -> None:
    def words(target: int) -> str:
        return page_section({"guided": ask(Clips(scale=20.0), target=target)}).sentence

    likeliest = int(ask(Clips(scale=20.0))["target"])
    assert " before " in words(likeliest)
    other = words((likeliest + 1) % 3)
    assert " before " not in other and "and the likeliest class is" in other
