"""The period of a voice, over which what pulses with it is smoothed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError

_SHARE = 5.0  # percent of voiced frames that may lie lower, of which most are errors of an octave


def longest_period(f0: ArrayLike) -> float:
    """The longest pitch period of a voice: over such a stretch of time there is always a pulse.

    Parameters
    ----------
    f0 : array_like
        F0 in Hz, NaN or 0 where there is no voice, as from :func:`otoscope.dsp.voice.pitch`.

    Returns
    -------
    float
        In s; the lowest twentieth of the frames is left out, since single frames are often taken for an octave less.

    Raises
    ------
    InputError
        If no frame is voiced.

    Examples
    --------
    >>> longest_period([np.nan, 125.0, 125.0, np.nan])
    0.008
    """
    values = np.asarray(f0, dtype=float)
    voiced = values[np.isfinite(values) & (values > 0)]
    if not voiced.size:
        raise InputError("there is no voice in the sound to take a pitch period from: give a length in s instead")
    return float(1 / np.percentile(voiced, _SHARE, method="lower"))
