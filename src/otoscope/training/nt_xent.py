"""The loss of contrastive learning, over all processes that train together."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from otoscope.errors import InputError


def nt_xent(first: Tensor, second: Tensor, *, temperature: float = 0.1) -> Tensor:
    r"""Normalised, temperature-scaled cross-entropy: tell the other view of a clip from all other clips.

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
        If the two are not of one shape (clip, dimension), or the temperature is not above 0.

    Notes
    -----
    For the 2N views of N clips and a view i with partner j

    .. math::
        \ell_{ij} = -\log \frac{\exp(\cos(z_i, z_j) / \tau)}{\sum_{k \ne i} \exp(\cos(z_i, z_k) / \tau)}

    (Chen et al., ICML 2020; thesis on sonification, 2022, equation 3.7). Where `torch.distributed` runs, the clips of
    all ranks are told apart, of which each rank has the same number; the loss is then the same on every rank. Its
    gradients, averaged over the ranks as `DistributedDataParallel` does, are those of one process with all the clips.
    It is computed in single precision or better, also under autocast.

    Examples
    --------
    Views that agree, of clips that do not:

    >>> bool(nt_xent(torch.eye(4), torch.eye(4)) < 0.001)
    True
    """
    if first.shape != second.shape or first.ndim != 2 or not len(first):
        raise InputError(
            f"both views have to be of one shape (clip, dimension), not {tuple(first.shape)} and {tuple(second.shape)}"
        )
    if not temperature > 0:
        raise InputError(f"the temperature has to be above 0, not {temperature}")
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
    """The views of all ranks in a row, and where those of this rank begin."""
    if not _is_distributed():
        return views, 0
    everyone: Tensor = _AllGather.apply(views)
    return everyone, dist.get_rank() * len(views)


def _shared(loss: Tensor) -> Tensor:
    """The mean over the ranks in value; each rank follows the gradient of its own part."""
    if not _is_distributed():
        return loss
    mean = loss.detach().clone()
    dist.all_reduce(mean)
    return loss + (mean / dist.get_world_size() - loss.detach())


def _is_distributed() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


class _AllGather(torch.autograd.Function):
    """Gather with gradient: what all ranks find for the views of one is summed there."""

    @staticmethod
    def forward(ctx: Any, views: Tensor) -> Tensor:
        parts = [torch.empty_like(views) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, views.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].contiguous().clone()
        dist.all_reduce(gradient)
        return gradient.chunk(dist.get_world_size())[dist.get_rank()]
