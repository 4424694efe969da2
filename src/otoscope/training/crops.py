"""Pieces of a fixed length from clips of any length."""

from __future__ import annotations

import torch
from torch import Tensor

from otoscope.contract import fill
from otoscope.errors import InputError
from otoscope.types import Padding


def centre_crop(clip: Tensor, length: int, padding: Padding = "zeros") -> Tensor:
    """The middle of a clip.

    Parameters
    ----------
    clip : Tensor, (..., time)
    length : int
        Of the crop, in samples.
    padding : str
        Of a shorter clip, see :func:`otoscope.contract.fill`.

    Returns
    -------
    Tensor, (..., length)
        A view if the clip is long enough. Of an odd number of remaining samples, the larger part follows the crop.

    Raises
    ------
    InputError
        As :func:`otoscope.contract.fill`.

    Examples
    --------
    >>> centre_crop(torch.arange(6), 2)
    tensor([2, 3])
    """
    clip = fill(clip, length, padding)
    start = (clip.shape[-1] - length) // 2
    return clip[..., start : start + length]


def random_crop(clip: Tensor, length: int, generator: torch.Generator, padding: Padding = "zeros") -> Tensor:
    """A random piece of a clip, at a uniform position; with zeros, a shorter clip lies at a random position among them.

    Parameters
    ----------
    clip : Tensor, (..., time)
    length : int
        Of the crop, in samples.
    generator : torch.Generator
        Draws the position; the same seed gives the same crop.
    padding : str
        Of a shorter clip, see :func:`otoscope.contract.fill`; a repeated clip starts at its beginning.

    Returns
    -------
    Tensor, (..., length)
        A view if the clip is long enough.

    Raises
    ------
    InputError
        As :func:`otoscope.contract.fill`.

    Examples
    --------
    >>> random_crop(torch.arange(100), 3, torch.Generator().manual_seed(0)).diff()
    tensor([1, 1])
    """
    _check(clip, length)
    missing = length - clip.shape[-1]
    if padding == "zeros" and missing > 0:
        before = _integer(missing + 1, generator)
        return torch.nn.functional.pad(clip, (before, missing - before))
    clip = fill(clip, length, padding)
    start = _integer(clip.shape[-1] - length + 1, generator)
    return clip[..., start : start + length]


def two_crops(
    clip: Tensor, length: int, generator: torch.Generator, padding: Padding = "repeat"
) -> tuple[Tensor, Tensor]:
    """Two random pieces of a clip that share no sample: the two views of contrastive learning.

    Parameters
    ----------
    clip : Tensor, (..., time)
        With two samples or more.
    length : int
        Of each crop, in samples.
    generator : torch.Generator
        Draws the positions; the same seed gives the same crops.
    padding : str
        A clip shorter than two crops is cut in the middle, and each half is padded, see :func:`otoscope.contract.fill`.

    Returns
    -------
    first, second : Tensor, (..., length)
        All pairs of positions that do not overlap are equally likely, in either order.

    Raises
    ------
    InputError
        As :func:`otoscope.contract.fill`, or if the clip has a single sample.

    Notes
    -----
    The views of the thesis on sonification (2022, section 4.3.1), 2.5 s each of AudioSet's 10 s. The thesis does not
    say how shorter clips are treated.

    Examples
    --------
    >>> first, second = two_crops(torch.arange(100), 40, torch.Generator().manual_seed(0))
    >>> set(first.tolist()) & set(second.tolist())
    set()
    """
    _check(clip, length)
    total = clip.shape[-1]
    if total < 2:
        raise InputError("a clip of one sample has no two crops: leave it out of the data set")
    if total < 2 * length:
        early, late = (
            fill(half, length, padding)[..., :length] for half in (clip[..., : total // 2], clip[..., total // 2 :])
        )
    else:
        # The ordered pairs of different numbers below rest + 2 are in bijection with the positions of two pieces that
        # do not overlap: the first starts at the smaller number, the second length - 1 samples after the larger.
        rest = total - 2 * length
        low = _integer(rest + 2, generator)
        high = _integer(rest + 1, generator)
        low, high = (low, high + 1) if high >= low else (high, low)
        early = clip[..., low : low + length]
        late = clip[..., high - 1 + length : high - 1 + 2 * length]
    return (late, early) if _integer(2, generator) else (early, late)


def _integer(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(below, (), generator=generator, device=generator.device))


def _check(clip: Tensor, length: int) -> None:
    if clip.ndim == 0 or clip.shape[-1] == 0:
        raise InputError("the clip has no samples")
    if length < 1:
        raise InputError(f"a crop must have at least 1 sample, not {length}")
