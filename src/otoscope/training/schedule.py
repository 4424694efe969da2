"""Learning-rate schedules: linear warm-up, then cosine or exponential decay."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LinearLR, LRScheduler, SequentialLR

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
    rise = _rise(optimizer, warm_up)
    return SequentialLR(optimizer, [rise, CosineAnnealingLR(optimizer, fall)], [warm_up])


def exponential_decay(optimizer: Optimizer, *, decay: float = 0.95, warm_up: int = 0) -> LRScheduler:
    r"""Linear warm-up to the optimizer's learning rate, then a decay by the same factor again and again.

    Parameters
    ----------
    optimizer : Optimizer
        Of torch, with the peak learning rate.
    decay : float
        The factor, above 0 and at most 1.
    warm_up : int
        Length of the warm-up, in epochs, or in steps if the schedule is stepped after each.

    Returns
    -------
    LRScheduler
        Of torch.

    Raises
    ------
    InputError
        If the factor is out of range, or the warm-up negative.

    Notes
    -----
    At epoch e the learning rate is multiplied by :math:`(e + 1) / (W + 1)` up to the warm-up W, and then by
    :math:`d^{e - W}`. Hua, Teoh and Zhang (2021) train the spoofing networks with :math:`d = 0.95` and no warm-up.

    Examples
    --------
    >>> import torch
    >>> optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    >>> schedule = exponential_decay(optimizer, decay=0.5, warm_up=1)
    >>> rates = []
    >>> for _ in range(4):
    ...     rates.append(optimizer.param_groups[0]["lr"])
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [0.5, 1.0, 0.5, 0.25]
    """
    if not 0 < decay <= 1:
        raise InputError(f"decay must be above 0 and at most 1, not {decay}")
    if warm_up < 0:
        raise InputError(f"warm_up must be 0 or more, not {warm_up}")
    if not warm_up:
        return ExponentialLR(optimizer, decay)
    rise = _rise(optimizer, warm_up)
    return SequentialLR(optimizer, [rise, ExponentialLR(optimizer, decay)], [warm_up])


def _rise(optimizer: Optimizer, warm_up: int) -> LRScheduler:
    return LinearLR(optimizer, start_factor=1 / (warm_up + 1), total_iters=warm_up)
