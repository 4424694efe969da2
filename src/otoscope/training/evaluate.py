"""The scores of a whole clip, whatever the length the model was trained on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.probe.listen import evaluating


def clip_scores(
    model: nn.Module,
    clip: Tensor,
    contract: Contract | None = None,
    *,
    batch_size: int = 16,
    posteriors: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    r"""Score a whole clip: the mean of the scores of consecutive windows.

    Parameters
    ----------
    model : nn.Module
        Takes (clip, ..., time) and returns logits (clip, class). It runs in evaluation mode, and is then put back.
    clip : Tensor, (..., time)
        One clip, without the batch axis, on any device.
    contract : Contract, optional
        What the model takes; that of its attributes by default. A model that takes one length is given consecutive
        windows of it, any other the whole clip at once, filled up to what it was trained on where it is shorter.
    batch_size : int
        Windows in a batch: memory depends on it, not on the length of the clip.
    posteriors : callable, optional
        From logits (window, class) to what is averaged, such as `torch.sigmoid`; the logits by default.

    Returns
    -------
    Tensor, (class,)
        On the model's device.

    Raises
    ------
    InputError
        If the clip has no samples, the model does not return (window, class), or a size is not positive.

    Notes
    -----
    The last window ends where the clip ends. If it overlaps the one before, its weight is the share of its samples that
    are new, so that the score is continuous in the length of the clip. The thesis on sonification (2022, section 4.4)
    evaluates the whole clip at once.

    Examples
    --------
    >>> model = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten())
    >>> clip_scores(model, torch.arange(10.0)[None], Contract(length=4))
    tensor([4.3000])
    """
    if batch_size < 1:
        raise InputError(f"batch_size must be 1 or more, not {batch_size}")
    contract = Contract.of(model) if contract is None else contract
    clip = contract.fit(clip, cut=False)
    window = contract.length or clip.shape[-1]
    starts, weights = _windows(clip.shape[-1], window)
    first = next(model.parameters(), clip)
    total = torch.zeros((), device=first.device)
    with evaluating(model), torch.no_grad():
        for begins, weight in zip(starts.split(batch_size), weights.split(batch_size), strict=True):
            windows = torch.stack([clip[..., begin : begin + window] for begin in begins.tolist()])
            scores = model(windows.to(first.device))
            if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != len(windows):
                raise InputError(f"{type(model).__name__} does not return (window, class) for a batch of windows")
            scores = posteriors(scores) if posteriors else scores
            total = total + weight.to(scores) @ scores
    return total / weights.sum()


def _windows(total: int, window: int) -> tuple[Tensor, Tensor]:
    """The start of each window, and the share of it that is new."""
    starts = torch.arange(0, total, window)
    weights = torch.ones(len(starts))
    weights[-1] = (total - int(starts[-1])) / window
    starts[-1] = total - window
    return starts, weights
