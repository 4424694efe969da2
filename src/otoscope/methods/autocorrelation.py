"""Is the relevance as periodic as the sound? Autocorrelation of a short segment of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.dsp import spectra
from otoscope.dsp.segment import segment
from otoscope.methods.relevance import Target, relevance
from otoscope.probe import Rule, rule_name
from otoscope.results import axis, sign, variable

_SOURCE = "Muckenhirn et al. 2019, section 3.2 and Fig. 3c"

SIGNALS = ("input", "relevance")
"""What is compared, in the order of the dimension `signal`."""


def autocorrelation(
    model: nn.Module,
    inputs: Tensor,
    *,
    sample_rate: float,
    target: Target | None = None,
    rule: str | Rule = "guided",
    classes: Sequence[str] | None = None,
    start: float | None = None,
    stop: float | None = None,
    duration: float = 0.1,
) -> xr.Dataset:
    r"""Autocorrelation of a segment of the input and of its relevance signal, side by side.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    inputs : Tensor, (clip, ..., time)
        Waveforms as the model takes them.
    sample_rate : float
        In Hz.
    target, rule, classes
        Of the relevance, see :func:`otoscope.methods.relevance`.
    start, stop : float, optional
        Segment in s; the loudest stretch of the input of that duration by default.
    duration : float
        Of the segment in s, where start or stop is not given.

    Returns
    -------
    Dataset
        `autocorrelation` (clip, signal, lag), 1 at lag 0 (zeros for silence), signal being input or relevance and lag
        in s; `start` and `stop` (clip) in s.

    Raises
    ------
    InputError
        If the segment is not within the sound, and as :func:`otoscope.methods.relevance`.

    Notes
    -----
    :math:`r[m] / r[0]` with :math:`r[m] = \sum_n x[n] x[n + m]` over the segment. A voice has a peak at its period
    and at the multiples of that, and so has the relevance of a model that listens to its harmonics.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...                       nn.Flatten(), nn.Linear(8, 2))
    >>> result = autocorrelation(model, torch.randn(1, 1, 16_000), sample_rate=16_000, start=0.2, stop=0.25)
    >>> result.autocorrelation.sizes
    Frozen({'clip': 1, 'signal': 2, 'lag': 800})
    """
    found = relevance(model, inputs, sample_rate=sample_rate, target=target, rule=rule, classes=classes)
    pieces = [segment(clip, sample_rate, start, stop, duration=duration) for clip in found["input"].values]
    both = np.stack([found["input"].values, found["signal"].values], axis=1)
    cut = np.stack([pair[:, piece] for pair, piece in zip(both, pieces, strict=True)])
    correlation = spectra.autocorrelation(torch.as_tensor(cut))
    lags = np.arange(cut.shape[-1]) / sample_rate
    result = xr.Dataset(
        {
            "autocorrelation": variable(["clip", "signal", "lag"], correlation, "autocorrelation"),
            **segment_times(pieces, sample_rate),
        },
        coords={"signal": axis("signal", list(SIGNALS), "signal"), "lag": axis("lag", lags, "lag", "s")},
        attrs={"sample_rate": sample_rate, "rule": found.attrs["rule"], "target": found.attrs["target"]},
    )
    arguments = {"start": start, "stop": stop, "duration": duration}
    return sign(result, "autocorrelation", _SOURCE, target=target, rule=rule_name(rule), **arguments)


def segment_times(pieces: Sequence[slice], sample_rate: float) -> dict[str, xr.Variable]:
    """Where the segment of each clip begins and ends."""
    return {
        name: variable(
            ["clip"], [getattr(piece, name) / sample_rate for piece in pieces], f"{name} of the segment", "s"
        )
        for name in ("start", "stop")
    }
