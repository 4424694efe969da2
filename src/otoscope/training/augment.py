"""Random augmentations of waveforms that preserve their labels.

Each takes a batch (clip, ..., time), draws for each clip independently from an explicit generator, and returns a new
batch of the same shape; the same seed gives the same batch on every device.

References
----------
The set and its ranges are those of the thesis on sonification (2022, section 4.3.1); the masks follow SpecAugment
(Park et al., Interspeech 2019), the background mix-back (Fonseca et al., ICASSP 2021).
"""

from __future__ import annotations

import torch
from torch import Tensor

from otoscope.errors import InputError


def random_gain(
    waves: Tensor, generator: torch.Generator, *, low: float = -18.0, high: float = 6.0, probability: float = 0.5
) -> Tensor:
    """Make clips louder or softer.

    Parameters
    ----------
    waves : Tensor, (clip, ..., time)
    generator : torch.Generator
    low, high : float
        Range of the gain in dB, drawn uniformly.
    probability : float
        Of changing a clip, 0 to 1.

    Returns
    -------
    Tensor, as `waves`

    Raises
    ------
    InputError
        If `waves` is not a batch of floating-point numbers, or a range or probability is invalid.

    Examples
    --------
    >>> louder = random_gain(torch.ones(2, 3), torch.Generator().manual_seed(0), low=20, high=20, probability=1)
    >>> louder[0]
    tensor([10., 10., 10.])
    """
    _check(waves, low, high, probability)
    gain = 10 ** (_uniform(waves, generator, low, high) / 20)
    return waves * torch.where(_chosen(waves, generator, probability), gain, 1.0)


def gaussian_noise(
    waves: Tensor, generator: torch.Generator, *, low: float = 0.001, high: float = 0.015, probability: float = 0.5
) -> Tensor:
    """Add white Gaussian noise.

    Parameters
    ----------
    waves : Tensor, (clip, ..., time)
        Full scale is 1.
    generator : torch.Generator
    low, high : float
        Range of the standard deviation of the noise, drawn uniformly.
    probability : float
        Of changing a clip, 0 to 1.

    Returns
    -------
    Tensor, as `waves`

    Raises
    ------
    InputError
        As :func:`random_gain`.

    Examples
    --------
    >>> noise = gaussian_noise(torch.zeros(1, 1000), torch.Generator().manual_seed(0), probability=1)
    >>> bool(0.001 < noise.std() < 0.015)
    True
    """
    _check(waves, low, high, probability)
    if low < 0:
        raise InputError(f"low is a standard deviation: it must be 0 or more, not {low}")
    size = _uniform(waves, generator, low, high) * _chosen(waves, generator, probability)
    noise = torch.randn(waves.shape, generator=generator, device=generator.device, dtype=waves.dtype)
    return waves + size * noise.to(waves.device)


def time_masks(
    waves: Tensor, generator: torch.Generator, *, sample_rate: float, count: int = 2, duration: float = 0.5
) -> Tensor:
    """Set random stretches of each clip to zero.

    Parameters
    ----------
    waves : Tensor, (clip, ..., time)
    generator : torch.Generator
    sample_rate : float
        In Hz.
    count : int
        Largest number of masks in a clip; the number is drawn uniformly from 0 to it.
    duration : float
        Longest mask in s; lengths from 0 to it, and positions in the clip, are drawn uniformly.

    Returns
    -------
    Tensor, as `waves`
        Masks can overlap, and are the same in all channels of a clip.

    Raises
    ------
    InputError
        As :func:`random_gain`, or if a count or duration is negative or the sample rate not positive.

    Examples
    --------
    >>> masked = time_masks(torch.ones(100, 80), torch.Generator().manual_seed(0), sample_rate=8, duration=2)
    >>> int((masked == 0).sum(1).max()) <= 2 * 16
    True
    """
    _check(waves)
    if count < 0 or duration < 0 or sample_rate <= 0:
        raise InputError(
            f"count and duration must be 0 or more, and sample_rate positive, not {count}, {duration} and {sample_rate}"
        )
    total = waves.shape[-1]
    longest = min(round(duration * sample_rate), total)
    number = _integers(waves, generator, (1,), count + 1)
    lengths = _integers(waves, generator, (count,), longest + 1)
    # Uniform over the positions at which a mask of its length fits.
    starts = (_numbers(waves, generator, (count,)) * (total - lengths + 1)).long().clamp(max=total - lengths)
    lengths = torch.where(torch.arange(count, device=waves.device) < number, lengths, 0)
    time = torch.arange(total, device=waves.device)
    masked = torch.zeros(len(waves), total, dtype=torch.bool, device=waves.device)
    for start, length in zip(starts.T[..., None], lengths.T[..., None], strict=True):
        masked |= (time >= start) & (time < start + length)
    return waves.masked_fill(masked.reshape(len(waves), *[1] * (waves.ndim - 2), total), 0.0)


def inject_background(
    waves: Tensor,
    backgrounds: Tensor,
    generator: torch.Generator,
    *,
    low: float = 10.0,
    high: float = 25.0,
    probability: float = 0.5,
) -> Tensor:
    r"""Mix another sound into each clip.

    Parameters
    ----------
    waves : Tensor, (clip, ..., time)
    backgrounds : Tensor, as `waves`
        One for each clip, such as crops of other training clips.
    generator : torch.Generator
    low, high : float
        Range of the signal-to-noise ratio in dB, drawn uniformly.
    probability : float
        Of changing a clip, 0 to 1.

    Returns
    -------
    Tensor, as `waves`
        A silent clip stays silent, and a silent background adds nothing: such a pair has no signal-to-noise ratio.

    Raises
    ------
    InputError
        As :func:`random_gain`, or if the shapes differ.

    Notes
    -----
    The background b is scaled by :math:`\sqrt{P_x / (P_b 10^{r / 10})}` for the ratio r, with the powers P over all
    samples of a clip.

    Examples
    --------
    >>> waves, backgrounds = torch.randn(2, 1, 8000), torch.randn(2, 1, 8000)
    >>> mixed = inject_background(waves, backgrounds, torch.Generator(), low=20, high=20, probability=1)
    >>> added = mixed - waves
    >>> (10 * torch.log10(waves.square().sum((1, 2)) / added.square().sum((1, 2)))).round()
    tensor([20., 20.])
    """
    _check(waves, low, high, probability)
    if backgrounds.shape != waves.shape:
        raise InputError(
            f"clips and backgrounds must have the same shape, not {tuple(waves.shape)} and {tuple(backgrounds.shape)}"
        )
    backgrounds = backgrounds.to(waves)
    ratio = 10 ** (_uniform(waves, generator, low, high) / 20)
    level, background_level = _level(waves), _level(backgrounds)
    scale = level / (ratio * torch.where(background_level > 0, background_level, torch.inf))
    return waves + scale * _chosen(waves, generator, probability) * backgrounds


def augment(
    waves: Tensor, generator: torch.Generator, *, sample_rate: float, backgrounds: Tensor | None = None
) -> Tensor:
    """Apply gain, noise, masks and, if backgrounds are given, a background, in this order and with the default ranges.

    Parameters
    ----------
    waves : Tensor, (clip, ..., time)
    generator : torch.Generator
    sample_rate : float
        In Hz.
    backgrounds : Tensor, as `waves`, optional
        See :func:`inject_background`.

    Returns
    -------
    Tensor, as `waves`

    Raises
    ------
    InputError
        As the four functions.

    Notes
    -----
    With backgrounds this augments the views of contrastive learning, without them the clips of supervised learning
    (thesis on sonification, sections 4.3.1 and 4.4).

    Examples
    --------
    >>> augment(torch.randn(4, 1, 8000), torch.Generator().manual_seed(0), sample_rate=8000).shape
    torch.Size([4, 1, 8000])
    """
    waves = random_gain(waves, generator)
    waves = gaussian_noise(waves, generator)
    waves = time_masks(waves, generator, sample_rate=sample_rate)
    return waves if backgrounds is None else inject_background(waves, backgrounds, generator)


def _numbers(waves: Tensor, generator: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    """Uniform in [0, 1), (clip, *shape); drawn on the device of the generator."""
    return torch.rand(len(waves), *shape, generator=generator, device=generator.device).to(waves.device)


def _integers(waves: Tensor, generator: torch.Generator, shape: tuple[int, ...], below: int) -> Tensor:
    return torch.randint(below, (len(waves), *shape), generator=generator, device=generator.device).to(waves.device)


def _uniform(waves: Tensor, generator: torch.Generator, low: float, high: float) -> Tensor:
    """One number for each clip, which broadcasts over it."""
    return low + (high - low) * _numbers(waves, generator, (1,) * (waves.ndim - 1)).to(waves.dtype)


def _chosen(waves: Tensor, generator: torch.Generator, probability: float) -> Tensor:
    return _numbers(waves, generator, (1,) * (waves.ndim - 1)) < probability


def _level(waves: Tensor) -> Tensor:
    """Root mean square of each clip, which broadcasts over it."""
    return waves.square().mean(dim=tuple(range(1, waves.ndim)), keepdim=True).sqrt()


def _check(waves: Tensor, low: float = 0.0, high: float = 0.0, probability: float = 0.0) -> None:
    if waves.ndim < 2 or not waves.is_floating_point() or 0 in waves.shape:
        raise InputError(
            f"waves must be a batch (clip, ..., time) of floating-point numbers, not {waves.dtype} of shape "
            f"{tuple(waves.shape)}"
        )
    if not low <= high:
        raise InputError(f"the range from {low} to {high} is empty: give low first")
    if not 0 <= probability <= 1:
        raise InputError(f"probability must be between 0 and 1, not {probability}")
