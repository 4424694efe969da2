"""How intelligible a processed speech signal is: STOI.

References
----------
C. H. Taal, R. C. Hendriks, R. Heusdens, J. Jensen, "An algorithm for intelligibility prediction of time-frequency
weighted noisy speech", IEEE Transactions on Audio, Speech, and Language Processing 19(7), 2125-2136, 2011.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import soxr
from numpy.typing import ArrayLike

from otoscope.errors import InputError

RATE = 10_000
"""At which STOI is computed, in Hz."""

SHORTEST = 0.41
"""Of speech that is not silent, in s: a segment of 30 frames."""

_FRAME, _HOP, _N_FFT = 256, 128, 512
_BANDS, _LOWEST = 15, 150.0  # third-octaves, and the centre of the first in Hz
_SEGMENT = 30  # frames
_CLIPPED = 1 + 10 ** (15 / 20)  # a signal-to-distortion ratio of -15 dB
_DYNAMIC_RANGE = 40.0  # dB, below which frames are silent
_TINY = float(np.finfo(float).eps)


def stoi(clean: ArrayLike, processed: ArrayLike, sample_rate: float) -> float:
    r"""Short-time objective intelligibility of a processed signal.

    Parameters
    ----------
    clean : array_like, (time,)
        Speech.
    processed : array_like, (time,)
        What was made of it, of any scale, sample by sample in the same place.
    sample_rate : float
        In Hz.

    Returns
    -------
    float
        About 0 where nothing of the speech is left, to 1; NaN where `processed` is silent.

    Raises
    ------
    InputError
        If the signals differ in length, are not finite, or hold less than :data:`SHORTEST` of speech.

    Notes
    -----
    Taal et al. (2011): the mean correlation of short-time envelopes (384 ms) of both in 15 third-octave bands from
    150 Hz up to 4.3 kHz, those of `processed` scaled and clipped at a signal-to-distortion ratio of -15 dB. Frames in
    which the clean speech is 40 dB below its loudest are left out.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> speech = rng.standard_normal(10_000) * (1 + np.sin(np.arange(10_000) / 300))
    >>> round(stoi(speech, 3 * speech, 10_000), 3), stoi(speech, rng.standard_normal(10_000), 10_000) < 0.5
    (1.0, True)
    """
    pair = [np.asarray(one, dtype=float) for one in (clean, processed)]
    if pair[0].ndim != 1 or pair[0].shape != pair[1].shape:
        raise InputError(f"STOI compares two signals of one length, not {pair[0].shape} and {pair[1].shape}")
    if not all(np.isfinite(one).all() for one in pair):
        raise InputError("STOI needs finite samples")
    pair = [one / (np.abs(one).max(initial=0) or 1.0) for one in pair]
    if sample_rate != RATE:
        pair = [soxr.resample(one, sample_rate, RATE) for one in pair]
    if not pair[1].any():
        return float("nan")
    x, y = (_third_octaves(one) for one in _without_silence(*pair))
    if x.shape[1] < _SEGMENT:
        raise InputError(f"STOI needs {SHORTEST} s of speech or more: give a longer sound, or several in a row")
    windows = [np.lib.stride_tricks.sliding_window_view(one, _SEGMENT, axis=1) for one in (x, y)]  # (band, place, 30)
    scale = np.linalg.norm(windows[0], axis=2, keepdims=True) / (
        np.linalg.norm(windows[1], axis=2, keepdims=True) + _TINY
    )
    clipped = np.minimum(windows[1] * scale, windows[0] * _CLIPPED)
    first, second = (_unit(one) for one in (windows[0], clipped))
    return float((first * second).sum(2).mean())


def _unit(windows: np.ndarray) -> np.ndarray:
    centred = windows - windows.mean(2, keepdims=True)
    unit: np.ndarray = centred / (np.linalg.norm(centred, axis=2, keepdims=True) + _TINY)
    return unit


def _frames(signal: np.ndarray) -> np.ndarray:
    """Frames (frame, sample) under a Hann window."""
    if signal.size < _FRAME:
        signal = np.pad(signal, (0, _FRAME - signal.size))
    window = np.hanning(_FRAME + 2)[1:-1]
    return np.lib.stride_tricks.sliding_window_view(signal, _FRAME)[::_HOP] * window


def _without_silence(clean: np.ndarray, processed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both without the frames in which the clean one is silent, the others overlapped and added."""
    x, y = _frames(clean), _frames(processed)
    level = 20 * np.log10(np.linalg.norm(x, axis=1) + _TINY)
    kept = level > level.max() - _DYNAMIC_RANGE
    return _joined(x[kept]), _joined(y[kept])


def _joined(frames: np.ndarray) -> np.ndarray:
    signal = np.zeros((len(frames) - 1) * _HOP + _FRAME)
    for number, frame in enumerate(frames):
        signal[number * _HOP : number * _HOP + _FRAME] += frame
    return signal


def _third_octaves(signal: np.ndarray) -> np.ndarray:
    """Magnitudes in third-octave bands, (band, frame)."""
    power = np.abs(np.fft.rfft(_frames(signal), _N_FFT)) ** 2
    frequency = np.fft.rfftfreq(_N_FFT, 1 / RATE)
    edges = _LOWEST * 2 ** ((2 * np.arange(_BANDS + 1) - 1) / 6)
    bins = np.abs(frequency[:, None] - edges).argmin(0)
    bands = np.stack([power[:, low:high].sum(1) for low, high in pairwise(bins)])
    magnitudes: np.ndarray = np.sqrt(bands)
    return magnitudes
