"""NT-Xent, the loss of contrastive learning, over all processes of a training."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from otoscope.errors import InputError


def nt_xent(first: Tensor, second: Tensor, *, temperature: float = 0.1) -> Tensor:
    r"""Normalised, temperature-scaled cross-entropy of matching the two views of a clip among all clips.

    Parameters
    ----------
    first, second : Tensor, (clip, dimension)
        Projections of the two views of each clip.
    temperature : float
        Above 0.

    Returns
    -------
    Tensor, ()
        Mean over both views of all clips, in nats.

    Raises
    ------
    InputError
        If the two do not have the same shape (clip, dimension), or the temperature is not above 0.

    Notes
    -----
    For the 2N views of N clips and a view i with partner j

    .. math::
        \ell_{ij} = -\log \frac{\exp(\cos(z_i, z_j) / \tau)}{\sum_{k \ne i} \exp(\cos(z_i, z_k) / \tau)}

    (Chen et al., ICML 2020; thesis on sonification, 2022, equation 3.7). Under `torch.distributed` the negatives are
    the clips of all ranks, each with the same number of clips, and the loss is the same on every rank. Its gradients,
    averaged over the ranks as by `DistributedDataParallel`, are those of one process with all the clips. It is
    computed in single precision or better, also under autocast.

    Examples
    --------
    Views that are equal, of clips that are orthogonal:

    >>> bool(nt_xent(torch.eye(4), torch.eye(4)) < 0.001)
    True
    """
    if first.shape != second.shape or first.ndim != 2 or not len(first):
        raise InputError(
            f"both views must have the same shape (clip, dimension), not {tuple(first.shape)} and {tuple(second.shape)}"
        )
    if not temperature > 0:
        raise InputError(f"the temperature must be above 0, not {temperature}")
    with torch.autocast(first.device.type, enabled=False):
        views = torch.cat([first, second])
        views = torch.nn.functional.normalize(views.to(torch.promote_types(views.dtype, torch.float32)), dim=1)
        everyone, own = _gather(views)
        similar = views @ everyone.T / temperature
        view = torch.arange(len(views), device=views.device)
        itself = torch.zeros_like(similar, dtype=torch.bool)
        itself[view, own + view] = True
        partner = own + view.roll(len(first))
        return _shared(torch.nn.functional.cross_entropy(similar.masked_fill(itself, -torch.inf), partner))


def _gather(views: Tensor) -> tuple[Tensor, int]:
    """The concatenated views of all ranks, and the index of the first of this rank."""
    if not _is_distributed():
        return views, 0
    everyone: Tensor = _AllGather.apply(views)  # type: ignore[no-untyped-call]
    return everyone, dist.get_rank() * len(views)


def _shared(loss: Tensor) -> Tensor:
    """The mean over the ranks, with the gradient of this rank's own loss."""
    if not _is_distributed():
        return loss
    mean = loss.detach().clone()
    dist.all_reduce(mean)
    return loss + (mean / dist.get_world_size() - loss.detach())


def _is_distributed() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


class _AllGather(torch.autograd.Function):
    """Differentiable all-gather: the gradients of all ranks for the views of one are summed on it."""

    @staticmethod
    def forward(ctx: Any, views: Tensor) -> Tensor:
        gathered = [torch.empty_like(views) for _ in range(dist.get_world_size())]
        dist.all_gather(gathered, views.contiguous())
        return torch.cat(gathered)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].contiguous().clone()
        dist.all_reduce(gradient)
        return gradient.chunk(dist.get_world_size())[dist.get_rank()]
