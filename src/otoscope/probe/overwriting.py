"""Models that overwrite what their derivative needs.

``y = torch.relu(h); y += x`` runs, but autograd refuses to differentiate it, as the derivative of the rectifier is
read off y. Nothing is wrong with such a model, which may have been trained elsewhere: the forward pass is run again,
with a copy of everything that autograd saves.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks


def is_overwritten(error: RuntimeError) -> bool:
    """Whether a backward pass ended because what it needs was overwritten."""
    return "modified by an inplace operation" in str(error)


def keeping_copies(copies: bool = True) -> AbstractContextManager[object]:
    """Save copies for the backward pass of what runs in this context, if `copies`."""
    return saved_tensors_hooks(torch.clone, _itself) if copies else nullcontext()


def _itself(tensor: Tensor) -> Tensor:
    return tensor
