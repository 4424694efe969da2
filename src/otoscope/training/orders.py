"""The order of the clips in an epoch: any clip may be next, or one tar archive is read after another.

Sounds in archives lie one after another. On a disk, or a network, a clip here and a clip there is what is slowest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from otoscope.data.items import Item, files_of
from otoscope.errors import InputError
from otoscope.training.clips import seeded_generator


def archives_of(items: Sequence[Item]) -> np.ndarray:
    """The number of the archive in which each sound lies, (item,); all that lie in none have one number.

    Raises
    ------
    InputError
        If no sound lies in an archive.

    Examples
    --------
    >>> from pathlib import Path
    >>> from otoscope.embedded import Embedded
    >>> places = [("a.tar", "1.wav"), ("a.tar", "2.wav"), ("b.tar", "3.wav")]
    >>> archives_of([Item(Embedded(Path(file), name, 0, 1), ()) for file, name in places])
    array([0, 0, 1])
    """
    numbers: dict[str, int] = {}
    places = (path if member else "" for path, member, _, _ in files_of(items))
    found = np.array([numbers.setdefault(place, len(numbers)) for place in places], dtype=np.int64)
    if not set(numbers) - {""}:
        raise InputError("data.order=archives needs sounds in tar archives, which these are not: leave it out")
    return found


def any_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """All clips in random order, (clip,)."""
    return torch.randperm(count, generator=seeded_generator(seed, epoch)).numpy()


def archive_after_archive(archives: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """All clips, those of an archive one after another, with the archives in random order.

    Parameters
    ----------
    archives : ndarray (clip,)
        From :func:`archives_of`.
    seed, epoch : int

    Returns
    -------
    ndarray (clip,)

    Examples
    --------
    >>> archive_after_archive(np.array([0, 0, 1, 1]), seed=0, epoch=1)
    array([2, 3, 0, 1])
    """
    turns = torch.randperm(int(archives.max()) + 1, generator=seeded_generator(seed, epoch)).numpy()
    return np.argsort(turns[archives], kind="stable")


def shuffled_in_blocks(order: np.ndarray, block: int, *seeds: int) -> np.ndarray:
    """So many clips at a time shuffled, so that no more than these have to be near.

    Parameters
    ----------
    order : ndarray (clip,)
    block : int
        Clips that are shuffled together.
    *seeds : int

    Returns
    -------
    ndarray (clip,)

    Examples
    --------
    >>> shuffled_in_blocks(np.arange(6), 3, 0)
    array([1, 0, 2, 3, 4, 5])
    """
    generator = seeded_generator(*seeds)
    blocks = [order[first : first + block] for first in range(0, len(order), block)]
    return np.concatenate([one[torch.randperm(len(one), generator=generator).numpy()] for one in blocks])
