"""What `check_data` says of sets that were spoilt on purpose, and that it says nothing of a clean one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from otoscope.data.check import Finding, check_data
from otoscope.data.find import find_data
from otoscope.data.items import DataSet, Item

RATE = 8000


@pytest.fixture
def clean(tmp_path: Path) -> list[Item]:
    """Noise of 0.5 s, ten of each class and split."""
    items = []
    for number in range(40):
        path = tmp_path / f"take{number}.wav"
        wave = 0.1 * np.random.default_rng(number).standard_normal(RATE // 2)
        soundfile.write(path, wave, RATE, subtype="PCM_16")
        items.append(Item(path, ("ab"[number % 2],), "train" if number < 20 else "test"))
    return items


def found(items: list[Item]) -> dict[str, Finding]:
    return {one.kind: one for one in check_data(DataSet(items, ("a", "b")))}


def rewrite(item: Item, wave: np.ndarray, rate: int = RATE) -> None:
    soundfile.write(item.sound, wave, rate, subtype="PCM_16")


def samples(item: Item) -> np.ndarray:
    return soundfile.read(item.sound)[0]


def test_a_clean_set(clean: list[Item]) -> None:
    assert found(clean) == {}


def test_equal_audio_across_splits_whatever_its_name_coding_and_silence_around(
    clean: list[Item], tmp_path: Path
) -> None:
    wave = np.concatenate([np.zeros(100), samples(clean[0]), np.zeros(7)])
    soundfile.write(tmp_path / "other.flac", wave, RATE, subtype="PCM_24")
    one = found([*clean, Item(tmp_path / "other.flac", ("a",), "test")])
    assert list(one) == ["duplicates across splits"] and one["duplicates across splits"].harms
    assert one["duplicates across splits"].clips == 2
    assert one["duplicates across splits"].examples == (
        f"{tmp_path}/take0.wav (train, a) = {tmp_path}/other.flac (test, a)",
    )


def test_duplicates_within_a_split_and_with_other_labels(clean: list[Item]) -> None:
    rewrite(clean[2], samples(clean[0]))
    one = found(clean)
    assert list(one) == ["duplicates within a split"] and not one["duplicates within a split"].harms
    rewrite(clean[1], samples(clean[0]))
    one = found(clean)
    assert set(one) == {"duplicates within a split", "duplicates with other labels"}
    assert one["duplicates with other labels"].harms and one["duplicates with other labels"].clips == 3


def test_the_same_samples_at_another_rate_are_another_sound(clean: list[Item]) -> None:
    rewrite(clean[2], samples(clean[0]), 16_000)
    one = found(clean)
    assert (
        list(one) == ["different sample rates"] and one["different sample rates"].what == "39 at 8000 Hz, 1 at 16000 Hz"
    )


def test_pieces_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(4 * RATE), RATE)

    def pieces(*places: tuple[float, float | None, str]) -> dict[str, Finding]:
        return found([Item(path, ("a",), split, start, stop) for start, stop, split in places])

    assert pieces((0, 1, "train"), (1, 2, "train"), (2, None, "train")) == {}
    assert list(pieces((0, 1, "train"), (0.5, 2, "train"))) == ["overlaps within a split"]
    chain = pieces(*((0.25 * n, 0.25 * n + 0.5, "train") for n in range(5)))  # each overlaps the next
    assert chain["overlaps within a split"].clips == 5
    across = pieces((0, 3, "train"), (0.5, 1, "train"), (2.5, 3.5, "test"))
    assert set(across) == {"overlaps across splits", "overlaps within a split"}
    assert across["overlaps across splits"].harms and across["overlaps across splits"].clips == 2
    shared = pieces((0, 1, "train"), (1, 2, "test"))
    assert list(shared) == ["files across splits"] and not shared["files across splits"].harms


def test_levels(clean: list[Item]) -> None:
    rewrite(clean[0], np.zeros(RATE // 2))
    rewrite(clean[1], np.zeros(RATE // 2))
    loud = samples(clean[2])
    loud[100:103], loud[200:202], loud[300:304] = 1.0, 1.0, -1.0
    rewrite(clean[2], loud)
    rewrite(clean[3], samples(clean[3]) - samples(clean[3]).mean() + 0.05)
    one = found(clean)
    assert set(one) == {"silence", "clipping", "DC offset"}
    assert one["silence"].clips == 2 and one["silence"].harms
    assert one["clipping"].examples[0].endswith("take2.wav (train, a): 7 samples") and not one["clipping"].harms
    assert one["DC offset"].examples == (f"{clean[3].name} (train, b): 0.050",)


def test_lengths(clean: list[Item]) -> None:
    rewrite(clean[0], samples(clean[0])[:300])
    rewrite(clean[1], np.tile(samples(clean[1]), 11))
    one = found(clean)
    assert set(one) == {"very short", "very long"} and "0.037 s" in one["very short"].examples[0]


def test_labels_in_names(clean: list[Item], tmp_path: Path) -> None:
    named = [
        Item(item.sound.rename(tmp_path / f"{n}_{item.labels[0].upper()}.wav"), item.labels, item.split)  # type: ignore[union-attr]
        for n, item in enumerate(clean)
    ]
    one = found(named)["label in the file name"]
    assert one.clips == 40 and not one.harms and "of 40 of 40 sounds" in one.what
    for label in "ab":
        (tmp_path / label).mkdir()
    for n, item in enumerate(named):  # in a folder it is no leak
        item.sound.rename(tmp_path / item.labels[0] / f"{n}.wav")  # type: ignore[union-attr]
    assert check_data(find_data(tmp_path)) == []


def test_what_cannot_be_read_harms(clean: list[Item], tmp_path: Path) -> None:
    Path(str(clean[0].sound)).write_bytes(b"no sound")
    (tmp_path / "list.csv").write_text("path,label\ntake0.wav,a\ntake1.wav,b\ngone.wav,a\n")
    one = {each.kind: each for each in check_data(find_data(tmp_path / "list.csv"))}
    assert one["missing"].examples == ("gone.wav",) and one["missing"].harms
    assert one["unreadable"].clips == 1 and "take0.wav: cannot read" in one["unreadable"].examples[0]


def test_channels_and_progress(clean: list[Item]) -> None:
    wave = samples(clean[0])
    soundfile.write(clean[0].sound, np.stack([wave, wave], axis=1), RATE, subtype="PCM_16")
    seen: list[tuple[int, int]] = []
    assert check_data(DataSet(clean, ("a", "b")), lambda done, total: seen.append((done, total))) == []
    assert seen[-1] == (40, 40)
