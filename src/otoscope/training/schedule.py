"""The learning-rate schedule: linear warm-up and cosine decay."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from otoscope.errors import InputError


def warm_up_cosine(optimizer: Optimizer, *, total: int, warm_up: int = 10) -> LRScheduler:
    r"""Linear warm-up to the optimizer's learning rate, then cosine decay to zero.

    Parameters
    ----------
    optimizer : Optimizer
        Of torch, with the peak learning rate.
    total : int
        Length of the training, in epochs, or in steps if the schedule is stepped after each.
    warm_up : int
        Length of the warm-up, in the same unit.

    Returns
    -------
    LRScheduler
        Of torch.

    Raises
    ------
    InputError
        If the warm-up is not shorter than the training.

    Notes
    -----
    At epoch e the learning rate is multiplied by :math:`(e + 1) / (W + 1)` up to the warm-up W, and then by
    :math:`\tfrac12 (1 + \cos \pi \tfrac{e - W}{E - W})`, without restarts (Loshchilov & Hutter, ICLR 2017; thesis on
    sonification, 2022, section 4.3.3).

    Examples
    --------
    >>> import torch
    >>> optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    >>> schedule = warm_up_cosine(optimizer, total=7, warm_up=3)
    >>> rates = []
    >>> for _ in range(7):
    ...     rates.append(round(optimizer.param_groups[0]["lr"], 3))
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [0.25, 0.5, 0.75, 1.0, 0.854, 0.5, 0.146]
    """
    if not 0 <= warm_up < total:
        raise InputError(f"warm_up must be 0 or more and less than total, not {warm_up} of {total}")
    fall = total - warm_up
    if not warm_up:
        return CosineAnnealingLR(optimizer, fall)
    rise = LinearLR(optimizer, start_factor=1 / (warm_up + 1), total_iters=warm_up)
    return SequentialLR(optimizer, [rise, CosineAnnealingLR(optimizer, fall)], [warm_up])
