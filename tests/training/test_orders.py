"""Archive after archive: each rank reads a stretch of them, and nothing is read twice."""

from __future__ import annotations

import io
import tarfile
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope import InputError
from otoscope.training.loader import BatchSampler
from otoscope.training.orders import archive_after_archive, shuffled_in_blocks

ARCHIVES = np.repeat(np.arange(7), [10, 12, 3, 10, 9, 10, 6])  # 60 clips


def share(rank: int, ranks: int, epoch: int = 0, mixed: int = 8) -> list[list[int]]:
    batches = BatchSampler(60, 4, seed=3, rank=rank, ranks=ranks, archives=ARCHIVES, mixed=mixed)
    batches.epoch = epoch
    return [[draw.clip for draw in batch] for batch in batches]


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_each_rank_has_clips_of_its_own_and_as_many(ranks: int) -> None:
    shares = [list(chain(*share(rank, ranks))) for rank in range(ranks)]
    assert {len(one) for one in shares} == {60 // (4 * ranks) * 4}
    together = list(chain(*shares))
    assert len(together) == len(set(together))


def test_ranks_share_no_archive_but_at_an_end() -> None:
    for epoch in range(5):
        first, second = (set(ARCHIVES[list(chain(*share(rank, 2, epoch)))]) for rank in range(2))
        assert len(first & second) <= 1


def test_a_batch_is_of_few_archives_and_is_shuffled() -> None:
    batches = share(0, 1)
    assert all(len(set(ARCHIVES[batch])) <= 3 for batch in batches)
    assert any(sorted(batch) != batch for batch in batches)
    assert share(0, 1) == share(0, 1) != share(0, 1, epoch=1)


def test_every_archive_is_read_once_through() -> None:
    order = ARCHIVES[archive_after_archive(ARCHIVES, 0, 4)]
    assert np.count_nonzero(np.diff(order)) == 6 and len(order) == 60
    assert sorted(shuffled_in_blocks(np.arange(10), 4, 1)[:4]) == [0, 1, 2, 3]


def test_it_goes_on_where_it_was_cut_off() -> None:
    batches = BatchSampler(60, 4, seed=3, archives=ARCHIVES)
    batches.epoch, batches.done = 2, 5
    assert [[draw.clip for draw in batch] for batch in batches] == share(0, 1, 2, mixed=8192)[5:]


@pytest.fixture(scope="module")
def tars(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tones in four archives of six, with their classes."""
    root = tmp_path_factory.mktemp("tars")
    files = sorted(tones.rglob("*.wav"), key=lambda path: (path.name, path.parent.name))
    for number in range(4):
        with tarfile.open(root / f"tones-{number:03}.tar", "w") as archive:
            for path in files[6 * number : 6 * number + 6]:
                stem = f"{path.parent.name}{path.stem}"
                for name, content in ((f"{stem}.wav", path.read_bytes()), (f"{stem}.cls", path.parent.name.encode())):
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return root


def test_archives_are_trained_on_the_same_with_workers(made: Any, tars: Path, tmp_path: Path) -> None:
    from otoscope.training.run import train

    data = {"set": "shards", "folder": f"{tars}/tones-{{000..003}}.tar", "order": "archives", "mixed": 8}
    augment = {"background": True, "gain": True}
    one = train(made(data=data, augment=augment, learn={"epochs": 2}), tmp_path / "one")
    two = train(made(data=data | {"workers": 2}, augment=augment, learn={"epochs": 2}), tmp_path / "two")
    assert one["clips"] == {"train": 18, "validation": 6}
    models = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("one", "two")]
    assert models[0] == models[1]
    assert one["train_loss"] == two["train_loss"]


def test_sounds_that_are_in_no_archive(made: Any, tmp_path: Path) -> None:
    from otoscope.training.run import train

    with pytest.raises(InputError, match=r"data\.order=archives needs sounds in tar archives"):
        train(made(data={"order": "archives"}), tmp_path / "run")


def test_backgrounds_are_of_the_same_archive(made: Any, tars: Path) -> None:
    import torch

    from otoscope.data import read
    from otoscope.training.clips import Crops, Draw, Sounds, targets
    from otoscope.training.orders import archives_of

    data = read("shards", tars)
    archives, sounds = archives_of(data.items), Sounds(data.items, 8000, in_memory=True)
    crops = Crops(sounds, targets(data), 2400, made(augment={"background": True}), archives)
    for clip in (0, 7, 23):
        generator = torch.Generator().manual_seed(clip)
        others = crops._others(clip, 50, generator)
        assert set(archives[others]) == {archives[clip]} and len(set(others)) == 6
    assert crops[Draw(0, 23)][0].shape == (1, 1, 2400)
