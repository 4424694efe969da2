"""Frames of sentences against labels and windows that are made one by one."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import nn

from otoscope import InputError
from otoscope.data import DataSet, Item, read
from otoscope.data.timit import PHONES_39
from otoscope.training.clips import Draw, Sounds
from otoscope.training.frames import Sentence, Windows, frame_log_posteriors, sentences, whole_files, window_start
from otoscope.training.loader import BatchSampler, TrainingLoader
from otoscope.training.recipe import read_recipe

RECIPE = read_recipe("relevance/phone_cnn")


def pieces(bounds: list[tuple[int, int, str]], name: str = "a.wav", split: str = "train") -> list[Item]:
    """Of a file at 16 kHz, by first and last sample."""
    return [Item(Path(name), (label,), split, first / 16_000, last / 16_000) for first, last, label in bounds]


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype("f4")


# -- Labels ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_a_frame_has_the_label_of_the_phone_that_holds_its_middle(seed: int) -> None:
    """Times are counted in whole samples here, and half of the borders lie on the middle of a frame."""
    rng = np.random.default_rng(seed)
    borders = np.cumsum(rng.integers(1, 2500, 12))
    borders[::2] = borders[::2] // 160 * 160 + 80
    borders = np.unique(borders)
    bounds = [(int(a), int(b), "xyz"[n % 3]) for n, (a, b) in enumerate(pairwise(borders))]
    del bounds[len(bounds) // 2]  # a stretch that is left out
    shuffled = [bounds[n] for n in rng.permutation(len(bounds))]
    (found,) = sentences(DataSet(tuple(pieces(shuffled)), ("x", "y", "z")))

    expected = []
    while (middle := Fraction(2 * len(expected) + 1, 200)) < Fraction(bounds[-1][1], 16_000):
        here = [label for first, last, label in bounds if Fraction(first, 16_000) <= middle < Fraction(last, 16_000)]
        expected.append("xyz".index(here[0]) if here else -1)
    assert found.labels.tolist() == expected and -1 in expected[:-1]
    assert found.phones == tuple("xyz".index(label) for _, _, label in bounds)


def test_of_two_phones_that_overlap_the_later_counts() -> None:
    (found,) = sentences(DataSet(tuple(pieces([(0, 800, "x"), (320, 480, "y")])), ("x", "y")))
    assert found.labels.tolist() == [0, 0, 1, 0, 0]


def test_frames_of_timit(timit: Path) -> None:
    found = read("timit", timit)
    parts = {split: sentences(found.part(split)) for split in ("train", "dev", "test")}
    assert {split: len(part) for split, part in parts.items()} == {"train": 924, "dev": 100, "test": 48}
    one = parts["dev"][0]
    names = [PHONES_39[label] if label >= 0 else "-" for label in one.labels]
    # h# for 100 ms, ix for 100 ms, q for 50 ms, ao for 100 ms, h# for 150 ms
    assert names == ["sil"] * 10 + ["ih"] * 10 + ["-"] * 5 + ["aa"] * 10 + ["sil"] * 15
    assert [PHONES_39[phone] for phone in one.phones] == ["sil", "ih", "aa", "sil"]
    whole = read("timit", timit, task="phone61", split="dev")
    unfolded = sentences(whole)[0]
    assert unfolded.sound == one.sound and unfolded.labels.min() >= 0
    assert [whole.classes[label] for label in unfolded.labels[19:26]] == ["ix", *["q"] * 5, "ao"]


def test_sets_without_phones_are_refused(data: Path) -> None:
    with pytest.raises(InputError, match=r"learn.method=frames needs files that are labelled piece.* use timit"):
        sentences(read("fsdd", data / "fsdd"))


def test_what_is_no_sentence_is_refused(timit: Path) -> None:
    one_each = [*pieces([(0, 800, "x")], "a.wav"), *pieces([(0, 800, "x")], "b.wav")]
    whole = [*pieces([(0, 800, "x"), (800, 900, "x")]), Item(Path("b.wav"), ("x",))]
    for items in (one_each, whole, read("timit", timit, task="speaker").items):
        with pytest.raises(InputError, match="labelled piece by piece"):
            sentences(DataSet(tuple(items), ("x",)))
    with pytest.raises(InputError, match="may be several"):
        sentences(DataSet(tuple(pieces([(0, 800, "x"), (800, 900, "x")])), ("x",), multilabel=True))
    with pytest.raises(InputError, match=r"a.wav is too short: its phones contain no middle of a frame"):
        sentences(DataSet(tuple(pieces([(0, 70, "x"), (70, 80, "y")])), ("x", "y")))


# -- Windows -----------------------------------------------------------------------------------------------


def cut(wave: np.ndarray, frame: int, length: int, rate: int) -> np.ndarray:
    """The window of one frame, sample by sample."""
    middle = round((frame + 0.5) * rate / 100)
    places = range(middle - length // 2, middle - length // 2 + length)
    return np.array([wave[place] if 0 <= place < len(wave) else 0 for place in places], dtype="f4")


@pytest.mark.parametrize("kept", ["file", "memory", "clip"])
def test_windows_are_centred_and_silent_beyond_the_ends(kept: str, tmp_path: Path) -> None:
    waves = [noise(3000, seed=1), noise(5000, seed=2)]
    said, sounds = [], []
    for number, wave in enumerate(waves):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, wave, 16_000, subtype="FLOAT")
        sounds.append(xr.DataArray(wave, dims="time") if kept == "clip" else path)
        labels = np.arange(len(wave) // 160) % 3
        labels[4:7] = -1
        said.append(Sentence(sounds[-1], (0, 1, 2), labels))
    windows = Windows(Sounds(whole_files(said), 16_000, in_memory=kept == "memory"), said, 1001, RECIPE)
    wanted = [(n, frame) for n, one in enumerate(said) for frame in range(len(one.labels)) if one.labels[frame] >= 0]
    assert len(windows) == len(wanted) == 18 - 3 + 31 - 3
    for index, (number, frame) in enumerate(wanted):
        view, label = windows[Draw(0, index)]
        assert view.shape == (1, 1, 1001) and int(label) == said[number].labels[frame]
        np.testing.assert_array_equal(view[0, 0], cut(waves[number], frame, 1001, 16_000))


def test_a_window_is_resampled(tmp_path: Path) -> None:
    time = np.arange(16_000) / 16_000
    soundfile.write(tmp_path / "a.wav", np.sin(2 * np.pi * 300 * time), 16_000, subtype="FLOAT")
    sounds = Sounds([Item(tmp_path / "a.wav", ())], 8000)
    found = sounds.window(0, 4000, 400)[0].numpy()
    expected = np.sin(2 * np.pi * 300 * (4000 + np.arange(400)) / 8000)
    np.testing.assert_allclose(found[40:-40], expected[40:-40], atol=1e-3)
    with pytest.raises(InputError, match=r"a.wav has no sound from 1.25"):
        sounds.window(0, 10_000, 400)


def test_an_epoch_has_every_labelled_frame_once(tmp_path: Path) -> None:
    wave = np.arange(1, 8001, dtype="f4") / 8001
    soundfile.write(tmp_path / "a.wav", wave, 16_000, subtype="FLOAT")
    said = [Sentence(tmp_path / "a.wav", (0, 1), np.array([0] * 20 + [-1] * 4 + [1] * 26))]
    windows = Windows(Sounds(whole_files(said), 16_000), said, 100, RECIPE)
    loader = TrainingLoader(windows, BatchSampler(len(windows), 23, seed=5))
    epochs = []
    for _ in range(2):
        batches = list(loader)
        epochs.append(torch.cat([waves[:, 0, 0, 50] for waves, _ in batches]))
        assert sum(int(labels.sum()) for _, labels in batches) == 26
    middles = wave[[160 * frame + 80 for frame in range(50) if not 20 <= frame < 24]]
    for heard in epochs:
        np.testing.assert_allclose(np.sort(heard), middles)
    assert not torch.equal(*epochs)


def test_all_windows_of_a_sentence_are_scored(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 3, 50, stride=7), nn.ReLU(), nn.Dropout(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    wave = noise(2500)
    found = frame_log_posteriors(model, torch.from_numpy(wave)[None], 16, length=801, sample_rate=16_000, batch_size=5)
    assert model.training and found.shape == (16, 3)
    model.eval()
    for frame in range(16):
        window = torch.from_numpy(cut(wave, frame, 801, 16_000))[None, None]
        torch.testing.assert_close(found[frame], model(window)[0].log_softmax(0))
    assert window_start(0, 801, 16_000) == -320
    with pytest.raises(InputError, match=r"phones are labelled up to 0.20 s in a sound of 0.16 s"):
        frame_log_posteriors(model, torch.from_numpy(wave)[None], 20, length=801, sample_rate=16_000)
    with pytest.raises(InputError, match="Conv1d does not return"):
        frame_log_posteriors(model[0], torch.from_numpy(wave)[None], 16, length=801, sample_rate=16_000)
