"""The sounds of a data set: whatever they are given as, each is read when its turn comes, and signed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor

from otoscope import InputError, Scope
from otoscope.audio import write_audio
from otoscope.contract import Contract
from otoscope.data import read
from otoscope.data.find import find_sounds
from otoscope.sounds import Sounds, sounds_of
from otoscope.subject import Subject


def test_a_place_a_data_set_its_items_and_pairs_are_the_same(tones: Path, scope: Scope) -> None:
    items = find_sounds(tones)
    pairs = [(item.sound, *item.labels) for item in items]
    given = [Sounds(scope, data) for data in (str(tones), tones, read("folder", tones), items, pairs, iter(pairs))]
    clips = [list(sounds) for sounds in given]
    for sounds, found in zip(given, clips, strict=True):
        assert [(clip.name, clip.label) for clip in found] == [(str(path), label) for path, label in pairs]
        assert all(torch.equal(one.inputs, other.inputs) for one, other in zip(found, clips[0], strict=True))
        assert sounds.facts["audio_sha256"] == given[0].facts["audio_sha256"]
    assert [sounds.facts["audio"] for sounds in given] == [f"{tones} (24 sounds)"] * 2 + ["24 sounds"] * 4
    assert [len(sounds) for sounds in given] == [24] * 5 + [0]
    other = Sounds(scope, pairs[::-1])
    assert len(list(other)) == 24 and other.facts["audio_sha256"] != given[0].facts["audio_sha256"]


def test_the_hash_of_a_data_set_counts_what_else_is_known_of_its_sounds(tones: Path, scope: Scope) -> None:
    """Classifiers keep the clips of a speaker together: other speakers are other folds."""
    items = find_sounds(tones)

    def digest(*facts: dict[str, str]) -> str:
        sounds = Sounds(scope, [replace(item, facts=one) for item, one in zip(items, facts, strict=False)])
        assert len(list(sounds)) == len(facts)
        return sounds.facts["audio_sha256"]

    one, two = {"speaker": "a", "sex": "f"}, {"speaker": "b", "sex": "f"}
    assert len({digest(one, two), digest(two, one), digest(one, one), digest({}, {})}) == 4
    assert digest(one, two) == digest(dict(reversed(one.items())), two)


def test_some_can_be_read_again_unless_they_are_gone(scope: Scope, clip: Tensor) -> None:
    sounds = Sounds(scope, [clip, 0.5 * clip, 0.1 * clip])
    found = list(sounds)
    signed = sounds.facts
    again = list(sounds.again({2, 0}))
    assert [number for number, _ in again] == [0, 2] and sounds.facts == signed
    assert all(torch.equal(one.inputs, found[number].inputs) for number, one in again)
    assert not sounds.once and Sounds(scope, iter([clip])).once


def test_how_many_sounds_were_changed_is_said(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    for name, samples, rate in (("a", 4000, 8000), ("b", 8000, 16_000), ("c", 500, 8000), ("d", 2000, 8000)):
        write_audio(tmp_path / f"{name}.wav", noise[:samples], rate)
    model = torch.nn.Sequential(torch.nn.Conv1d(1, 4, 16, 4), torch.nn.ReLU())
    found = Scope(model, contract=Contract(sample_rate=8000, length=2000)).coherence(tmp_path).attrs
    assert found["cut"] == "2 of 4 sounds were cut to 0.25 s"
    assert found["filled"] == "1 of 4 sounds was filled up with zeros to 0.25 s"
    assert "1 of 4 sounds was resampled from 16000 to 8000 Hz" in found["note"]
    assert found["cut"] in found["note"] and found["filled"] in found["note"]


def test_sounds_that_are_too_short_are_filled_up_with_zeros(scope: Scope, clip: Tensor) -> None:
    short = clip[: scope.model.minimum_length // 2]
    filled = torch.cat([short, torch.zeros(scope.model.minimum_length - len(short))])
    values = [scope.top_activations([wave], layer="relu2").activation for wave in (short, filled)]
    np.testing.assert_array_equal(*values)


def test_the_first_clip_may_leave_a_layer_a_single_frame() -> None:
    scope = Scope("vowel-name")
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, 6000).astype(np.float32)
    waves, ends = [noise[:300], noise, noise[:3000]], ["pool1", "pool2", "relu3"]
    result = scope.coherence(waves)
    assert result.layer.values.tolist() == ends
    backwards = scope.coherence(waves[::-1])
    np.testing.assert_allclose(result.clip_coherence, backwards.clip_coherence[::-1], rtol=1e-4)
    data = list(zip(waves, "aba", strict=True))
    accuracy = scope.layer_importance(data, test=data, epochs=1, seeds=1)
    assert accuracy.layer.values.tolist() == ends and accuracy.features.values.tolist() == [64, 64, 96]


def test_a_sound_of_a_data_set_is_one_clip() -> None:
    scope = Scope("vowel-name")
    with pytest.raises(InputError, match=r"1 has the shape \(2, 4000\)"):
        scope.top_activations([torch.zeros(4000), torch.zeros(2, 4000)], layer="relu1")
    with pytest.raises(InputError, match="nowhere"):
        scope.coherence("nowhere.wav")


def test_one_sound_in_place_of_many_is_told_to_be_in_a_list() -> None:
    subject = Subject(torch.nn.Conv1d(1, 2, 8), sample_rate=8000)
    samples = np.zeros(100, np.float32)
    for one in (samples, torch.from_numpy(samples), xr.DataArray(samples, dims="time")):
        with pytest.raises(InputError, match=r"this is one sound, and many are needed: give a list of sounds"):
            sounds_of(subject, one)
