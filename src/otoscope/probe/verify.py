"""Prove a trace: run what it recorded again, and measure what it states."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from otoscope.probe.check import Check
from otoscope.probe.differences import differentiated
from otoscope.probe.measure import heard
from otoscope.probe.placed import placed
from otoscope.probe.repeat import repeated
from otoscope.probe.replay import replayed
from otoscope.probe.state import random_kept
from otoscope.probe.trace import Tap, Trace, trace
from otoscope.types import Progress


def verify(model: nn.Module, inputs: Tensor, traced: Trace | float, *, progress: Progress | None = None) -> list[Check]:
    """Check a trace of a model against the model.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms; it is run in evaluation mode and left as it was.
    inputs : Tensor, (batch, ..., time)
        What it takes; the first clip is used, and noise where that is silent.
    traced : Trace or float
        What :func:`otoscope.probe.trace` gave, or the sample rate in Hz for a new one.
    progress : callable, optional
        Called with how many checks are done, and of how many.

    Returns
    -------
    list of Check
        One of the model, then those of each tap in call order. What could not be checked has `passed` None, and says
        why.

        - ``repeat``, of the model: two equal passes agree, from one seed and, bit for bit, from two;
        - ``replay``: the operation, run again on what it was called with, gives its recorded value, and is as stated;
        - ``axis``: the time axis, and no other, grows with the clip, by as much as the hop says;
        - ``hop``: what is seen of the waveform moves by the hop from one element to the next; one more check only where
          the windows of the operation do not lead from the stated place of what it reads to that of the tap;
        - ``field``: the samples that matter lie inside the field, and the field inside the samples that are read;
        - ``gradient``: the gradient of the tap agrees with finite differences in double precision.

    Raises
    ------
    InputError
        If the model has no tap.

    Examples
    --------
    >>> import torch
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU())
    >>> checks = verify(model, torch.randn(1, 1, 2_000), 16_000)
    >>> [check.check for check in checks if check.tap == "0"], all(check.passed for check in checks)
    (['replay', 'axis', 'hop', 'field', 'gradient'], True)
    """
    x = heard(inputs[:1].detach())
    with random_kept():
        if not isinstance(traced, Trace):
            traced = trace(model, x, traced)
        taps = traced.taps
        checks: dict[str, list[Check]] = {"": [], **{name: [] for name in taps}}
        for check in _counted(_checks(model, x, taps), len(taps), progress):
            checks[check.tap].append(check)
    return [check for of_one in checks.values() for check in of_one]


def _checks(model: nn.Module, x: Tensor, taps: dict[str, Tap]) -> Iterator[Check]:
    repeat = repeated(model, x)
    yield repeat
    if repeat.passed:
        yield from replayed(model, x, taps)
    else:
        yield from (Check(name, "replay", None, "no two passes are equal") for name in taps)
    yield from placed(model, x, taps)
    yield from differentiated(model, x, taps)


def _counted(checks: Iterator[Check], taps: int, progress: Progress | None) -> Iterator[Check]:
    for done, check in enumerate(checks):
        if progress is not None:
            progress(done, 5 * taps + 1)
        yield check
