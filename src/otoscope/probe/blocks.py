"""Ends of the blocks of a model: the taps that methods on every layer analyse by default."""

from __future__ import annotations

from otoscope.probe.ops import BESIDE
from otoscope.probe.trace import Tap, Trace


def block_ends(trace: Trace) -> list[str]:
    """The last tap of every block, such as convolution, activation, pooling.

    A block begins with a layer (a convolution, or parallel ones), or with an activation that does not follow a
    convolution, such as one between the linear layers of a transformer. A tap without a time axis or with a single
    map does not end a block, except a pooling over all of time that joins parallel branches; neither does an absolute
    value, a softmax or a maximum along an axis, nor a convolution without an activation behind it, unless the model
    has no other taps.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from otoscope.probe import trace
    >>> model = nn.Sequential(nn.Conv1d(1, 4, 9), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(4, 6, 3), nn.ReLU())
    >>> block_ends(trace(model, torch.zeros(1, 1, 100), 8000))
    ['2', '4']
    """
    starts = {layer.taps[0].name: len(layer.taps) for layer in trace.layers}
    blocks: list[list[Tap]] = []
    for tap in trace.values():
        joins = tap.kind == "pooling" and bool(blocks) and starts.get(blocks[-1][0].name, 1) > 1
        if tap.op in BESIDE or tap.channels < 2 or (tap.time_axis is None and not joins):
            continue
        follows_none = tap.kind == "activation" and (not blocks or blocks[-1][-1].kind != "convolution")
        if not blocks or tap.name in starts or follows_none:
            blocks.append([])
        blocks[-1].append(tap)
    ends = [block[-1] for block in blocks]
    return [tap.name for tap in ends if tap.kind != "convolution"] or [tap.name for tap in ends]
