"""Which frames of a contour have something to be measured in: loud enough, and with a voice."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError


def loud_frames(
    signal: ArrayLike, sample_rate: float, times: ArrayLike, below: float, window: float = 0.025
) -> np.ndarray:
    """Whether the level around each time is less than so many dB below that around the loudest.

    Parameters
    ----------
    signal : array_like, (time,)
        Samples of any scale.
    sample_rate : float
        In Hz.
    times : array_like, (frame,)
        In s.
    below : float
        In dB, positive.
    window : float
        Length in s of the stretch around a time over which its level is taken (root mean square).

    Returns
    -------
    numpy.ndarray of bool, (frame,)
        None of silence is loud.

    Raises
    ------
    InputError
        If `below` or the window is not positive, or the signal is empty.

    Examples
    --------
    >>> loud_frames([0.0] * 400 + [1.0] * 400, 8000, [0.02, 0.08], below=30).tolist()
    [False, True]
    """
    samples, places = np.asarray(signal, dtype=float), np.asarray(times, dtype=float)
    if below <= 0 or window <= 0 or samples.ndim != 1 or not samples.size:
        raise InputError("a gate needs samples of shape (time,), and a positive number of dB and of seconds")
    total = np.concatenate([[0.0], np.cumsum(np.square(samples))])
    first = np.clip(np.round((places - window / 2) * sample_rate), 0, samples.size - 1).astype(int)
    last = np.clip(np.round((places + window / 2) * sample_rate), first + 1, samples.size).astype(int)
    power = (total[last] - total[first]) / (last - first)
    loud: np.ndarray = power > np.max(power, initial=0.0) * 10 ** (-below / 10)
    return loud


def voiced_frames(f0: ArrayLike, f0_times: ArrayLike, times: ArrayLike) -> np.ndarray:
    """Whether the F0 frame that is nearest to each time has a voice.

    Parameters
    ----------
    f0 : array_like, (frame,)
        In Hz, NaN where there is none.
    f0_times : array_like, (frame,)
        In s, rising.
    times : array_like, (other,)
        In s.

    Returns
    -------
    numpy.ndarray of bool, (other,)

    Examples
    --------
    >>> voiced_frames([100.0, np.nan], [0.0, 0.01], [0.001, 0.012]).tolist()
    [True, False]
    """
    voiced, at = np.isfinite(np.asarray(f0, dtype=float)), np.asarray(f0_times, dtype=float)
    after = np.clip(np.searchsorted(at, times), 1, max(at.size - 1, 1))
    nearest = np.where(
        np.asarray(times) - at[after - 1] <= at[np.minimum(after, at.size - 1)] - times, after - 1, after
    )
    found: np.ndarray = voiced[np.minimum(nearest, at.size - 1)]
    return found
