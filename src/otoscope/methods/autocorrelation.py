"""Is the relevance as periodic as the sound? Autocorrelation of a short segment of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from otoscope.citations import cite
from otoscope.dsp import spectra
from otoscope.dsp.segment import segment
from otoscope.methods.catalogue import Rows, method, of_clips, resolved
from otoscope.methods.relevance import in_one_channel, relevance_of, signed_attrs
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.methods.targets import Question, as_signed, of_target
from otoscope.probe import Rule
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.types import Against, Span, Target, Wave

SIGNALS = ("input", "relevance")
"""What is compared, in the order of the dimension `signal`."""


@method(
    source=cite("relevance", "section 3.2 and Fig. 3c"),
    takes="wave",
    explains=True,
    rows=Rows(("signal",), ("class_name", "probability", "start", "stop", "period", "periodicity")),
)
def autocorrelation(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    segment_start: float | None = None,
    segment_stop: float | None = None,
    segment_duration: float = 0.1,
) -> xr.Dataset:
    r"""Autocorrelation of a segment of a sound and of its relevance signal, side by side.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model.
    target : int, str, sequence of them or callable, optional
        The output that is explained, as for the relevance; the likeliest class of each clip by default.
    at : float or two floats, optional
        The moment or span of the output that is meant, in s, as for the relevance.
    against : int, str or wave, optional
        Another class, or for "similarity" another sound, as for the relevance.
    target_band : two floats, optional
        Of the energy of the output, in Hz, as for the relevance.
    rule : str or callable
        Of the relevance, see :func:`otoscope.methods.relevance.relevance`.
    segment_start : float, optional
        Where the segment begins, in s; the loudest stretch of the input by default.
    segment_stop : float, optional
        Where the segment ends, in s.
    segment_duration : float
        Of the segment in s, where its start or stop is not given.

    Returns
    -------
    Dataset
        `autocorrelation` (clip, signal, lag), 1 at lag 0 (zeros for silence), signal being input or relevance and lag
        in s; `period` (clip, signal), the lag in s of its largest value after it first falls below zero, and
        `periodicity` (clip, signal), that value, both NaN where there is none; `start` and `stop` (clip) in s; and the
        `class_name`, `logit` (or `score`), `probability`, `runner_up` and `runner_up_probability` (clip) of the output
        that is explained.

    Raises
    ------
    InputError
        If the segment is not within the sound, and as :func:`otoscope.methods.relevance.relevance`.

    Notes
    -----
    :math:`r[m] / r[0]` with :math:`r[m] = \sum_n x[n] x[n + m]` over the segment. A voice has a peak at its period
    and at the multiples of that, and so has the relevance of a model that listens to its harmonics.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 30, stride=10), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...                       nn.Flatten(), nn.Linear(8, 2))
    >>> tone = torch.sin(2 * torch.pi * 200 * torch.arange(16_000) / 16_000)
    >>> result = autocorrelation(Subject(model, sample_rate=16_000), tone, segment_start=0.2, segment_stop=0.25)
    >>> result.autocorrelation.sizes, result.period.sel(signal="input").item()
    (Frozen({'signal': 2, 'lag': 800}), 0.005)
    """
    sample_rate = subject.sample_rate
    question = Question(target, at, against, target_band)
    found = in_one_channel(relevance_of(subject, subject.inputs(wave), question, rule=rule))
    bounds = segment_start, segment_stop
    pieces = [segment(clip, sample_rate, *bounds, duration=segment_duration) for clip in found["input"].values]
    both = np.stack([found["input"].values, found["relevance"].values], axis=1)
    cut = np.stack([pair[:, piece] for pair, piece in zip(both, pieces, strict=True)])
    correlation = spectra.autocorrelation(torch.as_tensor(cut)).numpy()
    lags = np.arange(cut.shape[-1]) / sample_rate
    peaks = np.apply_along_axis(_peak, -1, correlation, lags)
    result = xr.Dataset(
        {
            "autocorrelation": variable(["clip", "signal", "lag"], correlation, "autocorrelation"),
            "period": variable(["clip", "signal"], peaks[..., 0], "lag of the peak of the autocorrelation", "s"),
            "periodicity": variable(["clip", "signal"], peaks[..., 1], "height of the peak of the autocorrelation"),
            **of_target(found),
            **segment_times(pieces, sample_rate),
        },
        coords={"signal": axis("signal", list(SIGNALS), "signal"), "lag": axis("lag", lags, "lag", "s")},
        attrs=signed_attrs(found),
    )
    return resolved(result, **as_signed(question, found, subject), **times_used(pieces, sample_rate))


def _peak(curve: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Lag and height of the largest value after the first below zero; NaN where none is positive."""
    (below,) = np.nonzero(curve < 0)
    at = int(below[0] + curve[below[0] :].argmax()) if below.size else 0
    return np.array([lags[at], curve[at]] if at and curve[at] > 0 else [np.nan, np.nan])


_SEGMENT = ("segment_start", "segment_stop", "segment_duration")


def times_used(pieces: Sequence[slice], sample_rate: float) -> dict[str, Any]:
    """The start, stop and duration of segments in s, as they are signed."""
    times = [(one.start / sample_rate, one.stop / sample_rate, (one.stop - one.start) / sample_rate) for one in pieces]
    return {name: of_clips(values) for name, values in zip(_SEGMENT, zip(*times, strict=True), strict=True)}


def segment_times(pieces: Sequence[slice], sample_rate: float) -> dict[str, xr.Variable]:
    """Where the segment of each clip begins and ends."""
    return {
        name: variable(
            ["clip"], [getattr(piece, name) / sample_rate for piece in pieces], f"{name} of the segment", "s"
        )
        for name in ("start", "stop")
    }
