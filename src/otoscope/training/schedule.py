"""How the learning rate rises and falls over a training."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from otoscope.errors import InputError


def warm_up_cosine(optimizer: Optimizer, *, total: int, warm_up: int = 10) -> LRScheduler:
    r"""A linear rise to the optimizer's learning rate, then half a cosine down to zero.

    Parameters
    ----------
    optimizer : Optimizer
        Of torch, with the highest learning rate.
    total : int
        Length of the training, in epochs, or in whatever the schedule's `step` is called after.
    warm_up : int
        Length of the rise, in the same.

    Returns
    -------
    LRScheduler
        Of torch.

    Raises
    ------
    InputError
        If the rise does not leave room for the fall.

    Notes
    -----
    At epoch e the rate is multiplied by :math:`(e + 1) / (W + 1)` up to the warm-up W, and then by
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
        raise InputError(f"a warm-up of {warm_up} does not fit into a training of {total}: shorten it or train longer")
    fall = total - warm_up
    if not warm_up:
        return CosineAnnealingLR(optimizer, fall)
    rise = LinearLR(optimizer, start_factor=1 / (warm_up + 1), total_iters=warm_up)
    return SequentialLR(optimizer, [rise, CosineAnnealingLR(optimizer, fall)], [warm_up])
