"""Fourier transforms: short-time ones keep time as their frames, one of a whole clip has none."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from otoscope.probe.layout import Lookup, supports_of, tensors_in
from otoscope.probe.listen import Call
from otoscope.probe.support import Support, reduced
from otoscope.probe.windows import Windows, over, transposed


def _of_input(call: Call, lookup: Lookup) -> Support | None:
    return next(iter(supports_of(tensors_in(call.args[:1] or call.kwargs["input"]), lookup)), None)


def _widths(call: Call) -> tuple[int, int, int, bool]:
    """Width of the transform, of the window, hop, and whether frames are centred."""
    names = ("input", "n_fft", "hop_length", "win_length", "window", "center")
    given = dict(zip(names, call.args, strict=False)) | call.kwargs
    n_fft: int = given["n_fft"]
    width = given.get("win_length") or n_fft
    return n_fft, width, given.get("hop_length") or n_fft // 4, given.get("center", True)


def frames(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """Frames of a short-time Fourier transform, (..., frequency, frame) or with real and imaginary parts last."""
    support = _of_input(call, lookup)
    if support is None:
        return None
    n_fft, width, hop, centred = _widths(call)
    start = (n_fft - width) // 2 - (n_fft // 2 if centred else 0)
    parts = out.ndim - len(support.shape) - 1  # 1 where the last axis holds real and imaginary parts
    lo = torch.arange(out.shape[-1 - parts]) * hop + start
    found = over(support, len(support.shape) - 1, Windows(lo, lo + width - 1), [*support.shape[:-1], len(lo)])
    first, last = found.first, found.last
    for axis in [-2] + [-1] * parts:
        first, last = first.unsqueeze(axis), last.unsqueeze(axis)
    return replace(found, first=first, last=last, shape=tuple(out.shape))


def overlapped(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """The inverse: a sample depends on the frames whose windows hold it, as in a transposed convolution."""
    support = _of_input(call, lookup)
    if support is None or not call.args[0].is_complex():
        return None
    n_fft, width, hop, centred = _widths(call)
    cut = (n_fft // 2 if centred else 0) - (n_fft - width) // 2
    rows = reduced(support, [-2])
    rows = replace(
        rows, first=rows.first.squeeze(-2), last=rows.last.squeeze(-2), shape=(*rows.shape[:-2], rows.shape[-1])
    )
    windows = transposed(torch.arange(out.shape[-1]) + cut, width, hop, 1)
    return over(rows, len(rows.shape) - 1, windows, out.shape)


def fourier(call: Call, out: Tensor, lookup: Lookup) -> Support | None:
    """A transform along an axis: all of it is in each of its results.

    None for the way back from the spectrum of a whole clip, whose result has an order in time again.
    """
    support = _of_input(call, lookup)
    if support is None:
        return None
    given = dict(zip(("input", "n", "dim"), call.args, strict=False)) | call.kwargs
    axis = given.get("dim", -1) % out.ndim
    if call.name.removeprefix("fft_") in ("ifft", "irfft", "hfft") and support.time_axis is None:
        return None
    union = reduced(support, [axis], out.shape)
    return replace(union, whole=True) if axis in support.time_axes else union
