"""Relevance by segments: parts that sum to the whole, by their definition, and found where it is known to be."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.contract import Contract
from otoscope.data.segments import OUTSIDE
from otoscope.data.vowels import mean_vowel, synthesise

RATE = 16_000
PHONES = ("hh", "iy", "d", "aw")
TIMES = [(0.05, 0.12), (0.12, 0.31), (0.4, 0.43), (0.43, 0.7004)]


@pytest.fixture
def word(tmp_path: Path) -> Path:
    """Phones that are synthesised one after another, with silence between some."""
    draw, sound = np.random.default_rng(0), np.zeros(round(0.75 * RATE), np.float32)
    for phone, (start, stop) in zip(PHONES, TIMES, strict=True):
        first, last = round(start * RATE), round(stop * RATE)
        noise = 0.02 * draw.standard_normal(last - first)
        sound[first:last] = noise if len(phone) < 2 or phone == "hh" else synthesise(
            mean_vowel(phone, "men"), RATE, (last - first) / RATE, jitter=0.01, seed=1
        )  # fmt: skip
    soundfile.write(tmp_path / "word.wav", sound, RATE)
    return tmp_path / "word.wav"


def text_grid(word: Path) -> Path:
    edges = sorted({0.0, 0.75, *(edge for pair in TIMES for edge in pair)})
    labels = dict(zip([start for start, _ in TIMES], PHONES, strict=True))
    pairs = list(itertools.pairwise(edges))
    body = "".join(f'{start}\n{stop}\n"{labels.get(start, "")}"\n' for start, stop in pairs)
    path = word.with_suffix(".TextGrid")
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n0.75\n<exists>\n1\n"IntervalTier"\n"phones"\n'
    path.write_text(f"{head}0\n0.75\n{len(pairs)}\n{body}", encoding="utf-16")
    return path


def ctm(word: Path) -> Path:
    path = word.with_suffix(".ctm")
    rows = zip(TIMES, PHONES, strict=True)
    path.write_text("".join(f"word 1 {start} {stop - start:.6f} {phone}\n" for (start, stop), phone in rows))
    return path


@pytest.mark.parametrize("rule", ["gradient_x_input", "integrated_gradients", "guided", "gradient"])
@pytest.mark.parametrize("write", [text_grid, ctm])
def test_relevance_of_phones_of_a_synthesised_word_sums_to_the_whole(
    word: Path, write: Callable[[Path], Path], rule: str
) -> None:
    pytest.importorskip("captum")
    found = Scope("vowel-name").relevance(word, target="iy", rule=rule, segments=write(word))
    signal = found["relevance"].values.astype(float)
    product = rule.endswith(("input", "gradients"))
    quantity, values = ("relevance", signal) if product else ("energy", signal**2)
    parts = found[f"label_{quantity}"]
    assert parts["segment_label"].values.tolist() == [*PHONES, OUTSIDE]
    scale = np.abs(values).sum()
    assert float(parts.sum()) == pytest.approx(values.sum(), abs=1e-12 * scale)
    if product:
        assert float(parts.sum()) == pytest.approx(float(found["relevance_sum"]), abs=1e-5 * scale)
    for phone, (start, stop) in zip(PHONES, TIMES, strict=True):
        expected = values[round(start * RATE) : round(stop * RATE)].sum()
        assert float(parts.sel(segment_label=phone)) == pytest.approx(expected, abs=1e-12 * scale)
    np.testing.assert_allclose(found[f"segment_{quantity}"], parts[:-1])
    shares = [found[name] for name in ("label_share", "label_input_share", "label_time_share")]
    np.testing.assert_allclose([float(one.sum()) for one in shares], 1)
    np.testing.assert_allclose(found["label_share"], parts / parts.sum())
    assert float(found["label_input_share"].sel(segment_label=OUTSIDE)) == 0
    np.testing.assert_allclose(found["segment_time_share"], [(b - a) / 0.75 for a, b in TIMES], atol=2e-4)


def test_both_files_give_the_same(word: Path) -> None:
    scope = Scope("vowel-name")
    one, other = (scope.relevance(word, rule="gradient_x_input", segments=write(word)) for write in (text_grid, ctm))
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name], other[name])


class Stretch(nn.Module):
    """The energy of the samples 4,000 to 5,999."""

    sample_rate, classes = 8000, ("energy",)

    def forward(self, x: Tensor) -> Tensor:
        return x[..., 4000:6000].square().sum((1, 2))[:, None]


def noise(*shape: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("rule", ["gradient_x_input", "gradient"])
def test_the_segment_that_a_model_hears_has_all_of_it(rule: str) -> None:
    segments = [(0.2, 0.5, "before"), (0.5, 0.75, "heard"), (0.8, 0.9, "before")]
    wave = noise(8000)
    found = Scope(Stretch()).relevance(wave, target=0, rule=rule, segments=segments)
    assert found["label_share"].values.tolist() == [0, 1, 0]
    assert found["segment_share"].values.tolist() == [0, 1, 0]
    energy = wave.astype(float) ** 2
    np.testing.assert_allclose(found["label_input_share"][1], energy[4000:6000].sum() / energy.sum(), rtol=1e-6)
    if rule == "gradient_x_input":  # of a square, twice what it is
        assert float(found["label_relevance"][1]) == pytest.approx(2 * float(found["logit"]), rel=1e-5)


def test_of_occlusion_it_is_the_mean_loss() -> None:
    pytest.importorskip("captum")
    segments = [(0.0, 0.4, "before"), (0.5, 0.75, "heard")]
    found = Scope(Stretch()).relevance(noise(8000), target=0, rule="occlusion", segments=segments)
    loss = found["time_relevance"].values
    np.testing.assert_allclose(found["segment_loss"], [loss[:3200].mean(), loss[4000:6000].mean()], rtol=1e-6)
    assert "segment_share" not in found and float(found["label_loss"][1]) > 10 * abs(float(found["label_loss"][0]))
    with pytest.raises(InputError, match="the rule frequency_occlusion says nothing of time"):
        Scope(Stretch()).relevance(noise(8000), target=0, rule="frequency_occlusion", segments=segments)


def test_each_channel_and_each_clip_sums_to_its_own_whole() -> None:
    class Two(Stretch):
        contract = Contract(channels=2)

        def forward(self, x: Tensor) -> Tensor:
            return (x.square() * torch.tensor([[[1.0], [3.0]]])).sum((1, 2))[:, None]

    waves = noise(3, 2, 8000)
    scope = Scope(Two())
    found = scope.relevance(waves, target=0, rule="gradient_x_input", segments=[(0.1, 0.3, "a"), (0.6, 0.7, "b")])
    assert found["label_relevance"].dims == ("clip", "channel", "segment_label")
    expected = 2 * (waves.astype(float) ** 2).sum(-1) * [1, 3]
    np.testing.assert_allclose(found["label_relevance"].sum("segment_label"), expected, rtol=1e-5)
    np.testing.assert_allclose(found["label_share"].sum("segment_label"), 1)


def test_a_long_sound_is_heard_in_pieces_and_a_short_one_is_repeated() -> None:
    class Mean(nn.Module):
        sample_rate, classes, input_length, padding = 8000, ("a",), 4000, "repeat"

        def forward(self, x: Tensor) -> Tensor:
            return x.square().mean((1, 2))[:, None]

    scope, wave = Scope(Mean()), noise(9000)
    segments = [(0.1, 0.3, "a"), (0.9, 1.125, "b")]
    found = scope.relevance(wave, target=0, rule="gradient_x_input", segments=segments)
    whole = found["relevance"].values.astype(float)
    assert float(found["label_relevance"].sum()) == pytest.approx(whole.sum(), rel=1e-12)
    assert float(found["segment_relevance"][1]) == pytest.approx(whole[7200:].sum(), rel=1e-12)
    short = scope.relevance(wave[:1000], target=0, rule="gradient_x_input", segments=[(0.0, 0.05, "a")])
    signal = short["relevance"].values.astype(float).reshape(4, 1000)
    assert float(short["segment_relevance"][0]) == pytest.approx(signal[:, :400].sum(), rel=1e-12)
    assert float(short["segment_time_share"][0]) == pytest.approx(0.4)


def test_segments_of_another_sound_are_refused_before_anything_is_computed(word: Path) -> None:
    with pytest.raises(InputError, match=r"'x' from 0.7 to 0.9 s ends after .*word.wav, which lasts 0.75 s"):
        Scope("vowel-name").relevance(word, segments=[(0.7, 0.9, "x")])
