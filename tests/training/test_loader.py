"""BatchSampler: who gets which clips, in what order, and where a training goes on that was cut off."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
import torch
from torch.utils.data import Dataset

from otoscope import InputError
from otoscope.training.clips import Draw
from otoscope.training.loader import BatchSampler, EvaluationLoader, TrainingLoader


class Numbers(Dataset[Any]):
    """Gives back what it is asked for; one clip can be broken."""

    def __init__(self, count: int, broken: int = -1, error: type[Exception] = InputError) -> None:
        self.count, self.broken, self.error = count, broken, error

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, key: Any) -> Any:
        number = key.clip if isinstance(key, Draw) else key
        if number == self.broken:
            raise self.error(f"{number}.wav is broken")
        return (torch.tensor([key.epoch, number]) if isinstance(key, Draw) else torch.tensor([number])), number


def taken(batches: BatchSampler) -> list[list[int]]:
    return [[draw.clip for draw in batch] for batch in batches]


@pytest.mark.parametrize("epoch", [0, 3])
@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_together_have_the_batches_of_one(ranks: int, epoch: int) -> None:
    def with_share(rank: int, of: int, size: int) -> list[list[int]]:
        batches = BatchSampler(50, size, seed=5, rank=rank, ranks=of)
        batches.epoch = epoch
        return taken(batches)

    shares = [with_share(rank, ranks, 4) for rank in range(ranks)]
    together = [list(chain(*parts)) for parts in zip(*shares, strict=True)]
    assert together == with_share(0, 1, 4 * ranks)
    assert len(together) == 50 // (4 * ranks)


def test_each_clip_once_an_epoch_and_another_order_each_time() -> None:
    batches = BatchSampler(22, 4, seed=0)
    epochs = []
    for epoch in range(30):
        batches.epoch = epoch
        clips = list(chain(*taken(batches)))
        assert len(clips) == len(set(clips)) == 20
        epochs.append(tuple(clips))
    assert len(set(epochs)) == 30
    left_out = set(range(22)) - set(epochs[0])
    assert any(left_out <= set(clips) for clips in epochs[1:])
    other = BatchSampler(22, 4, seed=1)
    assert list(chain(*taken(other))) != list(epochs[0])


def test_fewer_clips_than_a_batch() -> None:
    with pytest.raises(InputError, match="the 7 clips to train on do not fill a batch of 8"):
        BatchSampler(7, 8, seed=0)
    with pytest.raises(InputError, match="do not fill a batch of 4 on each of 2 devices"):
        BatchSampler(7, 4, seed=0, ranks=2)


@pytest.mark.parametrize("workers", [0, 1])
def test_it_goes_on_in_the_middle_of_an_epoch(workers: int) -> None:
    def run(loader: TrainingLoader) -> list[list[list[int]]]:
        return [waves.tolist() for waves, _ in loader]

    whole = TrainingLoader(Numbers(20), BatchSampler(20, 4, seed=0), workers)
    first, second = run(whole), run(whole)
    assert {epoch for batch in first for epoch, _ in batch} == {0}
    assert {epoch for batch in second for epoch, _ in batch} == {1}
    cut = TrainingLoader(Numbers(20), BatchSampler(20, 4, seed=0), workers)
    for done, _ in enumerate(cut, 1):
        if done == 3:
            break
    state = cut.batches.epoch, cut.batches.done
    assert state == (0, 3)
    resumed = TrainingLoader(Numbers(20), BatchSampler(20, 4, seed=0), workers)
    resumed.batches.epoch, resumed.batches.done = state
    assert run(resumed) == first[3:] and run(resumed) == second
    assert (resumed.batches.epoch, resumed.batches.done) == (2, 0)


def test_ranks_share_the_clips_to_be_judged() -> None:
    shares = [[number for _, number in EvaluationLoader(Numbers(11), rank=rank, ranks=3)] for rank in range(3)]
    assert sorted(chain(*shares)) == list(range(11))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    "make",
    [
        lambda clips, workers: TrainingLoader(clips, BatchSampler(10, 5, seed=0), workers),
        lambda clips, workers: EvaluationLoader(clips, workers),
    ],
)
def test_what_is_broken_is_said_plainly(make: Callable[[Dataset[Any], int], Any], workers: int) -> None:
    with pytest.raises(InputError) as raised:
        list(make(Numbers(10, broken=6), workers))
    assert str(raised.value) == "6.wav is broken"


def test_a_mistake_of_the_program_stays_one() -> None:
    with pytest.raises(ZeroDivisionError):
        list(TrainingLoader(Numbers(10, 6, ZeroDivisionError), BatchSampler(10, 5, seed=0)))
