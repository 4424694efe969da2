"""A segment of a signal, given by its times or the loudest of a duration."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError


def segment(
    signal: ArrayLike,
    sample_rate: float,
    start: float | None = None,
    stop: float | None = None,
    *,
    duration: float = 0.1,
) -> slice:
    """Samples between two times, or the loudest segment of a duration.

    Parameters
    ----------
    signal : array_like, (time,)
        Samples.
    sample_rate : float
        In Hz.
    start, stop : float, optional
        In s. With one of them, the segment begins or ends there and lasts `duration`, or to the end of the sound; with
        neither, it is the segment of that duration with the most energy (the first of several, and all of a signal
        that is shorter).
    duration : float
        In s.

    Returns
    -------
    slice
        Of samples, at least one.

    Raises
    ------
    InputError
        If the times are not in order or hold no sample.

    Examples
    --------
    >>> segment([0, 0, 0, 3, 4, 0, 0, 0], sample_rate=10, duration=0.2)
    slice(3, 5, None)
    >>> segment([0, 0, 0, 3, 4, 0, 0, 0], sample_rate=10, start=0.1, stop=0.6)
    slice(1, 6, None)
    """
    samples = np.asarray(signal, dtype=float)
    if not 0 < duration < np.inf:
        raise InputError(f"the duration of a segment has to be a positive number of seconds, not {duration}")
    if start is None and stop is None:
        return _loudest(samples, max(1, round(duration * sample_rate)))
    first = max(0.0, stop - duration) if start is None and stop is not None else start
    last = min(samples.size / sample_rate, start + duration) if stop is None and start is not None else stop
    length = samples.size / sample_rate
    # A tolerance of half a sample: the end of a clip is often given rounded.
    if first is None or last is None or not 0 <= first < last <= length + 0.5 / sample_rate:
        raise InputError(f"a segment from {first} to {last} s is not within the sound, which lasts {length:.4g} s")
    found = slice(round(first * sample_rate), min(round(last * sample_rate), samples.size))
    if found.stop <= found.start:
        raise InputError(f"a segment from {first} to {last} s holds no sample at {sample_rate:g} Hz: make it longer")
    return found


def _loudest(samples: np.ndarray, length: int) -> slice:
    if length >= samples.size:
        return slice(0, samples.size)
    peak = np.abs(samples).max() or 1.0  # the squares of a very quiet signal would underflow
    energy = np.concatenate([[0.0], np.cumsum((samples / peak) ** 2)])
    windows = energy[length:] - energy[:-length]
    # Sums that differ by rounding alone are ties.
    first = int(np.argmax(windows >= windows.max() * (1 - 1e-9)))
    return slice(first, first + length)
