"""Clips to learn from: what is decoded, what is changed at random, and what is said of broken files."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from otoscope import InputError
from otoscope.audio import as_clip, load_audio
from otoscope.data.items import DataSet, Item
from otoscope.training.clips import Crops, Draw, SeveralLabels, Sounds, WholeClips, targets
from otoscope.training.crops import centre_crop
from otoscope.training.recipe import read_recipe

RATE, LENGTH = 8000, 1000


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    """Noise at 8 kHz, every sample another; some shorter than a crop."""
    found = []
    for number, frames in enumerate((4000, 5001, 2500, 600, 1000)):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, np.random.default_rng(number).uniform(-0.5, 0.5, frames), RATE, subtype="FLOAT")
        found.append(Item(path, ("ab"[number % 2],)))
    return found


def whole(item: Item, rate: int = RATE) -> Tensor:
    return torch.from_numpy(np.array(load_audio(item.sound, rate)))


def place_of(piece: Tensor, clip: Tensor) -> int:
    """Where a piece of samples lies in a clip, exactly."""
    found = (clip.unfold(0, len(piece), 1) == piece).all(1).nonzero().flatten().tolist()
    assert len(found) == 1
    return found[0]


PLAIN = "augment={}"
TWO_VIEWS = ["learn.method=contrastive", "data.validation=null"]


def crops(items: list[Item], *changes: str) -> Crops:
    return Crops(Sounds(items, RATE), torch.arange(len(items)), LENGTH, read_recipe("laptop/vowels", [PLAIN, *changes]))


# What is decoded


@pytest.mark.parametrize("in_memory", [False, True])
def test_a_crop_is_a_piece_of_the_file(items: list[Item], in_memory: bool) -> None:
    sounds = Sounds(items, RATE, in_memory=in_memory)
    places = {place_of(sounds.crop(0, LENGTH, gen(seed), "zeros")[0], whole(items[0])) for seed in range(30)}
    assert len(places) > 20 and min(places) >= 0 and max(places) <= 3000
    assert torch.equal(sounds.crop(1, LENGTH, None, "zeros"), centre_crop(whole(items[1])[None], LENGTH))
    assert torch.equal(sounds.whole(1)[0], whole(items[1]))


def test_every_place_is_heard(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", np.arange(1, 13) / 100, RATE, subtype="FLOAT")
    sounds = Sounds([Item(tmp_path / "short.wav", ())], RATE)
    firsts = {round(100 * float(sounds.crop(0, 10, gen(seed), "zeros")[0, 0])) for seed in range(40)}
    assert firsts == {1, 2, 3}


@pytest.mark.parametrize("padding", ["zeros", "repeat"])
@pytest.mark.parametrize("index", range(5))
def test_in_memory_or_not_is_the_same(items: list[Item], index: int, padding: str) -> None:
    kept, streamed = Sounds(items, RATE, in_memory=True), Sounds(items, RATE)
    for seed in range(5):
        one, other = (sounds.crop(index, LENGTH, gen(seed), padding) for sounds in (kept, streamed))
        assert one.shape == (1, LENGTH) and torch.equal(one, other)
    assert torch.equal(kept.crop(index, LENGTH, None, padding), streamed.crop(index, LENGTH, None, padding))


def test_a_resampled_crop_is_that_of_the_resampled_whole(tmp_path: Path) -> None:
    time = np.arange(22050) / 22050
    soundfile.write(tmp_path / "sweep.wav", 0.5 * np.sin(2 * np.pi * (200 * time + 700 * time**2)), 22050)
    item = Item(tmp_path / "sweep.wav", ())
    inner = slice(100, -100)
    piece = Sounds([item], RATE).crop(0, LENGTH, None, "zeros")[0]
    middle = centre_crop(whole(item)[None], LENGTH)[0]
    # A piece begins at a sample of the file, up to half of one (23 us) beside that of the whole.
    assert float((piece - middle)[inner].abs().max()) < 0.5 * 2 * np.pi * 1000 * 23e-6
    kept = Sounds([item], RATE, in_memory=True).crop(0, LENGTH, None, "zeros")[0]
    assert torch.equal(kept, middle)


def test_pieces_of_files_and_clips_in_memory(items: list[Item]) -> None:
    file = whole(items[0])
    piece = Item(items[0].sound, (), start=0.1, stop=0.35)
    to_the_end = Item(items[0].sound, (), start=0.25)
    array = Item(as_clip(file[:1500].numpy(), RATE, name="array"), ())
    sounds = Sounds([piece, to_the_end, array], RATE)
    assert torch.equal(sounds.whole(0)[0], file[800:2800])
    assert torch.equal(sounds.whole(1)[0], file[2000:])
    assert torch.equal(sounds.whole(2)[0], file[:1500])
    for index, (begin, end) in enumerate([(800, 2800), (2000, 4000), (0, 1500)]):
        for seed in range(8):
            place = place_of(sounds.crop(index, LENGTH, gen(seed), "zeros")[0], file)
            assert begin <= place <= end - LENGTH


# What is random


def test_an_item_depends_on_seed_epoch_and_number_alone(items: list[Item]) -> None:
    every = "augment={gain: true, noise: true, masks: true, background: true}"
    one, other = (crops(items, every, "seed=1") for _ in range(2))
    forth = {(epoch, clip): one[Draw(epoch, clip)][0] for epoch in range(2) for clip in range(5)}
    torch.manual_seed(99)
    for epoch, clip in reversed(forth):
        assert torch.equal(other[Draw(epoch, clip)][0], forth[epoch, clip])
    assert not any(torch.equal(forth[0, clip], forth[1, clip]) for clip in range(5))
    differently = crops(items, every, "seed=2")
    assert not any(torch.equal(differently[Draw(0, clip)][0], forth[0, clip]) for clip in range(5))


def test_views_do_not_overlap(items: list[Item]) -> None:
    pairs = crops(items[:3], *TWO_VIEWS)
    for epoch in range(20):
        views, _ = pairs[Draw(epoch, epoch % 3)]
        assert views.shape == (2, 1, LENGTH)
        first, second = (place_of(view[0], whole(items[epoch % 3])) for view in views)
        assert abs(first - second) >= LENGTH


def test_views_of_a_short_clip_are_its_halves(items: list[Item]) -> None:
    views, _ = crops(items, *TWO_VIEWS)[Draw(0, 3)]
    halves = {tuple(view[0, :300].tolist()) for view in views}
    assert halves == {tuple(whole(items[3])[:300].tolist()), tuple(whole(items[3])[300:].tolist())}


def test_views_are_changed_each_on_its_own(items: list[Item]) -> None:
    plain, changed = crops(items, *TWO_VIEWS), crops(items, *TWO_VIEWS, "augment.gain=true")
    gains = []
    for epoch in range(40):
        before, after = plain[Draw(epoch, 0)][0], changed[Draw(epoch, 0)][0]
        gains.append(tuple(round(float(gain), 3) for gain in (after / before).mean((1, 2))))
    assert any(one == 1 != other for one, other in gains) and any(one != 1 == other for one, other in gains)


def changes(items: list[Item], **flags: bool) -> tuple[Tensor, Tensor]:
    """Crops (draw, time) of the longest clip, before and after."""
    plain, changed = crops(items), crops(items, *(f"augment.{name}={flag}" for name, flag in flags.items()))
    both = [(plain[Draw(epoch, 0)][0][0, 0], changed[Draw(epoch, 0)][0][0, 0]) for epoch in range(60)]
    before, after = (torch.stack(column) for column in zip(*both, strict=True))
    return before, after


def test_gain(items: list[Item]) -> None:
    before, after = changes(items, gain=True)
    ratio = after / before
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))
    decibel = 20 * torch.log10(ratio[:, 0])
    assert decibel.min() >= -18.01 and decibel.max() <= 6.01
    assert 0.25 < float((decibel.abs() < 1e-3).float().mean()) < 0.75


def test_noise(items: list[Item]) -> None:
    before, after = changes(items, noise=True)
    level = (after - before).std(1)
    assert 0.25 < float((level == 0).float().mean()) < 0.75
    assert level[level > 0].min() > 0.0009 and level.max() < 0.016


def test_masks(items: list[Item]) -> None:
    before, after = changes(items, masks=True)
    hidden = after == 0
    assert torch.equal(after, torch.where(hidden, 0.0, before))
    edges = hidden.float().diff(dim=1).abs().sum(1)
    assert hidden.any(1).float().mean() > 0.4 and edges.max() <= 4


def test_a_background_is_another_clip_10_to_25_dB_below(items: list[Item]) -> None:
    before, after = changes(items, background=True)
    added = after - before
    there = added.square().mean(1) > 0
    assert 0.25 < float(there.float().mean()) < 0.75
    decibel = 10 * torch.log10(before.square().mean(1) / added.square().mean(1))[there]
    assert 9.99 < decibel.min() < 14 and 21 < decibel.max() < 25.01
    # Each is a piece of one of the clips: the best fit over all of them leaves nothing.
    files = [torch.nn.functional.pad(whole(item), (LENGTH, LENGTH)) for item in items]
    for one in added[there][:5]:
        fit = 0.0
        for file in files:
            pieces = file.unfold(0, LENGTH, 1)
            alike = (pieces @ one) / (pieces.norm(dim=1) * one.norm()).clamp(min=1e-9)
            fit = max(fit, float(alike.max()))
        assert fit > 0.999


def test_nothing_asked_nothing_changed(items: list[Item]) -> None:
    before, after = changes(items)
    assert torch.equal(before, after)


def test_targets() -> None:
    several = (Item(Path("0.wav"), ("b", "a")), Item(Path("1.wav"), ("c",)), Item(Path("2.wav"), ()))
    found = targets(DataSet(several, ("a", "b", "c"), multilabel=True))
    assert [one.tolist() for one in found] == [[1, 1, 0], [0, 0, 1], [0, 0, 0]] and found[-1].dtype == torch.float32
    one = targets(DataSet(several[:2], ("c", "b", "a")))
    assert isinstance(one, Tensor) and one.tolist() == [1, 0] and one.dtype == torch.int64
    assert targets(DataSet(several[2:], ())).tolist() == [0]  # type: ignore[union-attr]
    with pytest.raises(InputError, match=r"1 of 3 sounds have no label, first 2\.wav"):
        targets(DataSet(several, ("a", "b", "c")))
    with pytest.raises(InputError, match=r"1\.wav has the label c, which is not a class of the data"):
        targets(DataSet(several, ("a", "b")))


def test_targets_of_two_million_clips_are_small() -> None:
    ends = np.arange(1, 2_000_001) * 2
    found = SeveralLabels(np.arange(4_000_000) % 527, ends, 527)
    assert found[1_999_999].nonzero().flatten().tolist() == sorted([3_999_998 % 527, 3_999_999 % 527])
    assert len(pickle.dumps(found)) < 40e6  # where dense ones take 4.2 GB


def test_a_whole_clip(items: list[Item]) -> None:
    clip, target = WholeClips(Sounds(items, RATE), torch.arange(5))[1]
    assert torch.equal(clip, whole(items[1])[None]) and int(target) == 1


# BrokenClip files


def spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "nan":
        soundfile.write(path, np.full(3000, np.nan), RATE, subtype="FLOAT")
    else:
        path.write_bytes({"empty": b"", "cut off": content[: len(content) // 2], "text": b"no sound at all"}[how])


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("how", ["missing", "empty", "cut off", "text"])
def test_a_broken_file_is_found_before_training(items: list[Item], how: str, in_memory: bool) -> None:
    spoil(Path(items[2].sound), how)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"2\.wav"):
        Sounds(items, RATE, in_memory=in_memory)


def test_what_only_decoding_shows_is_found_then(items: list[Item]) -> None:
    spoil(Path(items[2].sound), "nan")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"2\.wav holds NaN"):
        Sounds(items, RATE, in_memory=True)
    sounds = Sounds(items, RATE)
    with pytest.raises(InputError, match=r"2\.wav holds NaN"):
        sounds.crop(2, LENGTH, gen(), "zeros")


def test_a_piece_behind_the_end_of_its_file(items: list[Item]) -> None:
    behind = Item(items[0].sound, (), start=0.6, stop=0.8)
    with pytest.raises(InputError, match=r"0\.wav"):
        Sounds([behind], RATE).whole(0)
    with pytest.raises(InputError, match=r"0\.wav"):
        Sounds([Item(items[0].sound, (), start=0.6)], RATE).whole(0)


def test_files_are_counted(items: list[Item]) -> None:
    seen: list[tuple[int, int]] = []
    Sounds(items, RATE, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 5) for number in range(1, 6)]
