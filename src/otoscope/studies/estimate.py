"""What a claim is judged by: a number with its 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from otoscope.dsp.scores import bootstrap_interval, share_interval
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError


@dataclass(frozen=True)
class Estimate:
    """A number that was measured, with its 95 % interval.

    Parameters
    ----------
    value : float
    low, high : float
        Bounds of the interval; NaN where nothing is known of the spread, as from a single run.
    of : str
        What it was measured on, such as ``FSDD digits, 10 seeds``.
    unit : str
        Such as ``Hz``; none by default.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    of: str = ""
    unit: str = ""

    @property
    def interval(self) -> str:
        """The bounds as text; empty where there are none.

        Examples
        --------
        >>> Estimate(0.5, 0.25, 0.75).interval, Estimate(3.0).interval
        ('0.25 to 0.75', '')
        """
        if math.isnan(self.low) or math.isnan(self.high):
            return ""
        return f"{short(self.low)} to {short(self.high)}"


def short(value: float) -> str:
    """A number to four digits.

    Examples
    --------
    >>> short(0.123456), short(25.0), short(14321.6)
    ('0.1235', '25', '14322')
    """
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"


def mean_of(values: ArrayLike, of: str, unit: str = "") -> Estimate:
    """The mean of independent runs or clips, with the interval by Student's t.

    Parameters
    ----------
    values : array_like, (run,)
        NaN is left out.
    of, unit : str
        As of :class:`Estimate`.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError
        If there is no number among them.

    Examples
    --------
    >>> mean_of([1.0, 2.0, 3.0], "three runs").interval
    '-0.4841 to 4.484'
    """
    values = np.asarray(values, dtype=float)
    if not np.isfinite(values).any():
        raise InputError("there is nothing to take the mean of")
    mean, low, high = mean_interval(values)
    return Estimate(float(mean), float(low), float(high), of, unit)


def difference(first: ArrayLike, second: ArrayLike, of: str, unit: str = "") -> Estimate:
    r"""The mean of one group of independent runs minus that of another, with Welch's interval.

    Parameters
    ----------
    first, second : array_like, (run,)
        NaN is left out. What belongs together in pairs is given to :func:`mean_of` as differences.
    of, unit : str
        As of :class:`Estimate`.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError
        If a group has no number.

    Notes
    -----
    :math:`\bar a - \bar b \pm t_\nu \sqrt{s_a^2 / n_a + s_b^2 / n_b}`, with the degrees of freedom of
    Welch and Satterthwaite.

    Examples
    --------
    >>> difference([2.0, 3.0, 4.0], [1.0, 2.0, 3.0], "three runs each").interval
    '-1.267 to 3.267'
    """
    from scipy.stats import t

    groups = [np.asarray(one, dtype=float) for one in (first, second)]
    groups = [one[np.isfinite(one)] for one in groups]
    if min(map(len, groups)) == 0:
        raise InputError("there is nothing to compare")
    value = float(groups[0].mean() - groups[1].mean())
    if min(map(len, groups)) < 2:
        return Estimate(value, of=of, unit=unit)
    parts = np.array([one.var(ddof=1) / len(one) for one in groups])
    if not parts.any():
        return Estimate(value, value, value, of, unit)
    freedom = parts.sum() ** 2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, groups, strict=True))
    half = float(t.ppf(0.975, freedom) * np.sqrt(parts.sum()))
    return Estimate(value, value - half, value + half, of, unit)


def mean_over_runs_and_clips(values: ArrayLike, of: str, unit: str = "") -> Estimate:
    r"""The mean of what several networks make of the same clips, for other networks and other clips.

    Parameters
    ----------
    values : array_like, (run, clip)
        NaN is left out.
    of, unit : str
        As of :class:`Estimate`.

    Returns
    -------
    Estimate
        Without an interval where there is a single run or clip.

    Raises
    ------
    InputError
        If there is no number among them.

    Notes
    -----
    :math:`\bar x \pm t_\nu \sqrt{s_r^2 / R + s_c^2 / C}`, with the deviations of the means of the R runs and of the C
    clips, and the degrees of freedom of Satterthwaite. What a run makes of a clip beyond both is in either deviation,
    so that the interval is too wide rather than too narrow.

    Examples
    --------
    >>> mean_over_runs_and_clips([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]], "two runs, three clips").interval
    '0.01227 to 4.988'
    """
    from scipy.stats import t

    table = np.atleast_2d(np.asarray(values, dtype=float))
    table = table[np.isfinite(table).any(1)][:, np.isfinite(table).any(0)]
    if not table.size:
        raise InputError("there is nothing to take the mean of")
    means = [np.nanmean(table, axis=axis) for axis in (1, 0)]
    value = float(means[0].mean())
    if min(map(len, means)) < 2:
        return Estimate(value, of=of, unit=unit)
    parts = np.array([one.var(ddof=1) / len(one) for one in means])
    if not parts.any():
        return Estimate(value, value, value, of, unit)
    freedom = parts.sum() ** 2 / sum(part**2 / (len(one) - 1) for part, one in zip(parts, means, strict=True))
    half = float(t.ppf(0.975, freedom) * np.sqrt(parts.sum()))
    return Estimate(value, value - half, value + half, of, unit)


def share(hits: int, count: int, of: str) -> Estimate:
    """A share of independent trials, with Wilson's interval.

    Examples
    --------
    >>> share(9, 10, "ten tokens").interval
    '0.5958 to 0.9821'
    """
    low, high = share_interval(hits, count)
    return Estimate(hits / count, float(low), float(high), of)


def resampled(score: Callable[[np.ndarray], float], count: int, of: str, unit: str = "", *, seed: int = 0) -> Estimate:
    """Any score of clips, with the percentile interval of 1,000 bootstrap samples.

    Parameters
    ----------
    score : callable
        From the numbers of the clips drawn (count,) to the score.
    count : int
        Of clips.
    of, unit : str
        As of :class:`Estimate`.
    seed : int

    Returns
    -------
    Estimate

    Examples
    --------
    >>> heights = np.arange(10.0)
    >>> found = resampled(lambda drawn: float(np.median(heights[drawn])), 10, "ten clips")
    >>> found.low < found.value == 4.5 < found.high
    True
    """
    low, high = bootstrap_interval(score, count, seed=seed)
    return Estimate(float(score(np.arange(count))), float(low), float(high), of, unit)
