"""What of a spectrum lies in octaves or fractions of them; third-octaves are about as wide as auditory bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from otoscope.errors import InputError


def octave_bands(lowest: float, highest: float, parts: int = 3) -> tuple[np.ndarray, np.ndarray]:
    r"""Bands of an octave or a part of it.

    Parameters
    ----------
    lowest : float
        In Hz; no band reaches below it.
    highest : float
        In Hz; the last band ends there.
    parts : int
        Bands per octave: 1 for octaves, 3 for third-octaves.

    Returns
    -------
    centres : ndarray, (band,)
        In Hz, rising.
    edges : ndarray, (band + 1,)
        In Hz; band i reaches from ``edges[i]`` to ``edges[i + 1]``.

    Raises
    ------
    InputError
        If no band lies between the limits.

    Notes
    -----
    Centres are :math:`1000 \cdot 2^{i / b}` Hz, with edges half a step to either side: the bands of IEC 61260 with
    the octave ratio 2.

    Examples
    --------
    >>> centres, edges = octave_bands(100, 4000, parts=1)
    >>> centres.tolist(), edges.round(1).tolist()
    ([250.0, 500.0, 1000.0, 2000.0, 4000.0], [176.8, 353.6, 707.1, 1414.2, 2828.4, 4000.0])
    """
    if not 0 < lowest < highest < np.inf or parts < 1:
        raise InputError(f"no bands lie between {lowest} and {highest} Hz with {parts} per octave")
    first = int(np.ceil(parts * np.log2(lowest / 1000) + 0.5 - 1e-9))
    last = int(np.ceil(parts * np.log2(highest / 1000) - 0.5 - 1e-9))
    if last < first:
        raise InputError(f"no band of 1/{parts} octave lies between {lowest:g} and {highest:g} Hz")
    steps = np.arange(first, last + 1)
    edges = 1000 * 2 ** ((np.arange(first, last + 2) - 0.5) / parts)
    edges[-1] = highest
    return 1000 * 2 ** (steps / parts), edges


def band_energy(magnitude: ArrayLike, frequency: ArrayLike, edges: ArrayLike) -> np.ndarray:
    """Energy of a spectrum in bands.

    Parameters
    ----------
    magnitude : array_like, (..., frequency)
    frequency : array_like, (frequency,)
        In Hz, rising.
    edges : array_like, (band + 1,)
        In Hz, rising. A bin on an edge belongs to the band above it; the last band holds its upper edge.

    Returns
    -------
    ndarray, (..., band)
        Sums of squares.

    Examples
    --------
    >>> band_energy([1.0, 2.0, 3.0, 4.0], [0, 100, 200, 300], [50, 150, 300]).tolist()
    [4.0, 25.0]
    """
    return band_sums(np.square(np.asarray(magnitude, dtype=float)), frequency, edges)


def band_sums(values: ArrayLike, frequency: ArrayLike, edges: ArrayLike) -> np.ndarray:
    """Sums of values over the frequencies of bands.

    Parameters
    ----------
    values : array_like, (..., frequency)
    frequency : array_like, (frequency,)
        In Hz, rising.
    edges : array_like, (band + 1,)
        In Hz, rising; which bin is in which band as of :func:`band_energy`.

    Returns
    -------
    ndarray, (..., band)

    Examples
    --------
    >>> band_sums([1.0, 2.0, -3.0, 4.0], [0, 100, 200, 300], [50, 150, 300]).tolist()
    [2.0, 1.0]
    """
    values, frequency = np.asarray(values, dtype=float), np.asarray(frequency, dtype=float)
    edges = np.asarray(edges, dtype=float)
    band = np.searchsorted(edges, frequency, side="right") - 1
    band[frequency == edges[-1]] = edges.size - 2
    sums = np.zeros((*values.shape[:-1], edges.size - 1))
    for i in range(edges.size - 1):
        sums[..., i] = values[..., band == i].sum(-1)
    return sums


def third_octaves(highest: float) -> np.ndarray:
    """Edges of bands that leave nothing out up to a frequency: third-octaves, and one band below the first.

    Parameters
    ----------
    highest : float
        In Hz.

    Returns
    -------
    ndarray, (band + 1,)
        In Hz, from 0; the third-octaves begin at 56 Hz, the lowest edge above 50 Hz.

    Examples
    --------
    >>> third_octaves(1000).round().tolist()
    [0.0, 56.0, 70.0, 88.0, 111.0, 140.0, 177.0, 223.0, 281.0, 354.0, 445.0, 561.0, 707.0, 891.0, 1000.0]
    >>> third_octaves(20).tolist()
    [0.0, 20.0]
    """
    first = 1000 * 2 ** (-12.5 / 3)
    if highest <= first * (1 + 1e-9):
        return np.array([0.0, highest])
    return np.append(0.0, octave_bands(first, highest)[1])
