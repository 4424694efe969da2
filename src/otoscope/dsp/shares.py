"""Shares of a sum, which say nothing where its positive and negative parts cancel."""

from __future__ import annotations

import numpy as np

_ROUNDING = 1e-5
"""Of the sum of magnitudes: what sums in single precision may be off by."""


def cancels(whole: np.ndarray, magnitudes: np.ndarray) -> np.ndarray:
    """Whether sums are 0 up to the rounding of single precision, of values with these sums of magnitudes.

    Examples
    --------
    >>> cancels(np.array([2.0, 1e-7, 0.0]), np.array([4.0, 4.0, 0.0])).tolist()
    [False, True, True]
    """
    small: np.ndarray = ~(np.abs(whole) > _ROUNDING * np.asarray(magnitudes))
    return small


def shares_of(parts: np.ndarray, whole: np.ndarray, magnitudes: np.ndarray | None = None) -> np.ndarray:
    """Parts over the whole, NaN where there is nothing to divide by.

    Parameters
    ----------
    parts : ndarray
    whole : ndarray
        The sum, of a shape that can be broadcast to that of the parts.
    magnitudes : ndarray, optional
        The sum of the magnitudes of what is summed, of the shape of `whole`; that of the whole itself by default, as
        of energies and times. Where the whole is smaller than 1e-5 of it, it is rounding and has no shares.

    Returns
    -------
    ndarray
        Of the shape of `parts`.

    Examples
    --------
    >>> shares_of(np.array([3.0, -1.0]), np.array([2.0]), np.array([4.0])).tolist()
    [1.5, -0.5]
    >>> shares_of(np.array([1.0, -1.0 + 1e-7]), np.array([1e-7]), np.array([2.0])).tolist()
    [nan, nan]
    """
    nothing = cancels(whole, np.abs(whole) if magnitudes is None else magnitudes)
    parts, whole, nothing = np.broadcast_arrays(parts, whole, nothing)
    quotient: np.ndarray = np.divide(parts, whole, out=np.full(parts.shape, np.nan), where=~nothing)
    return quotient
