"""Mixup: training clips, and their targets, blended in pairs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from otoscope.errors import InputError


def mixup(
    waves: Tensor, targets: Tensor, generator: torch.Generator, *, alpha: float = 0.2, n_classes: int | None = None
) -> tuple[Tensor, Tensor]:
    r"""Blend each clip with another of the batch.

    Parameters
    ----------
    waves : Tensor, (clip, ..., time)
    targets : Tensor, (clip,) or (clip, class)
        Numbers of classes, or the share or presence of each class.
    generator : torch.Generator
    alpha : float
        Above 0. Small values leave most clips almost unchanged; with 1, all blends are equally likely.
    n_classes : int, optional
        Required if the targets are numbers of classes.

    Returns
    -------
    waves : Tensor, as `waves`
    targets : Tensor, (clip, class)
        As `cross_entropy` (of numbers or shares of classes) and `binary_cross_entropy_with_logits` (of presences) of
        torch take them.

    Raises
    ------
    InputError
        If targets and clips do not match, `n_classes` is missing or too low, or `alpha` is not above 0.

    Notes
    -----
    :math:`\lambda x_i + (1 - \lambda) x_j` and the same of the targets, with :math:`\lambda` from Beta(alpha, alpha)
    for each clip and j from a permutation of the batch (Zhang et al., ICLR 2018). The thesis on sonification (2022,
    section 4.4), whose supervised models use it, does not give its alpha.

    Examples
    --------
    >>> waves, targets = mixup(torch.randn(4, 1, 100), torch.tensor([0, 1, 2, 0]), torch.Generator(), n_classes=3)
    >>> targets.sum(1)
    tensor([1., 1., 1., 1.])
    """
    if not alpha > 0:
        raise InputError(f"alpha must be above 0, not {alpha}")
    targets = _shares(targets, n_classes).to(waves)
    if len(targets) != len(waves):
        raise InputError(f"there are {len(waves)} clips but {len(targets)} targets")
    order = torch.randperm(len(waves), generator=generator, device=generator.device).to(waves.device)
    # torch's Beta distribution takes no generator.
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    share = torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, len(waves))).to(waves)
    return _blend(waves, order, share), _blend(targets, order, share)


def _shares(targets: Tensor, n_classes: int | None) -> Tensor:
    if targets.ndim == 2:
        return targets
    if targets.ndim != 1 or targets.is_floating_point():
        raise InputError(f"targets must be class numbers (clip,) or shares (clip, class), not {tuple(targets.shape)}")
    if n_classes is None:
        raise InputError("targets are class numbers: give n_classes, the number of classes")
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < n_classes:
        raise InputError(f"a target is not a class number between 0 and {n_classes - 1}")
    return torch.nn.functional.one_hot(targets.long(), n_classes)


def _blend(values: Tensor, order: Tensor, share: Tensor) -> Tensor:
    return torch.lerp(values[order], values, share.reshape(-1, *[1] * (values.ndim - 1)))
