"""How far classes differ in each of many quantities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from otoscope.errors import InputError

Array = npt.NDArray[Any]


def f_ratio(values: npt.ArrayLike, classes: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Array:
    r"""Variance between the means of classes over the mean variance within them.

    Parameters
    ----------
    values : array_like, (observation, ...)
    classes : array_like of int, (observation,)
        Numbers of the classes, 0 and up.
    weights : array_like, (observation,), optional
        How often each observation counts, as in a bootstrap; once by default.

    Returns
    -------
    ndarray, (...)
        0 and up; infinite where nothing varies within the classes, NaN where nothing varies at all.

    Raises
    ------
    InputError
        If fewer than two classes have observations.

    Notes
    -----
    .. math:: F = \frac{\frac{1}{M} \sum_i (\mu_i - \mu)^2}{\frac{1}{M} \sum_i \frac{1}{N_i} \sum_j (x_{ij} - \mu_i)^2}

    with the mean :math:`\mu_i` of class i of M, and :math:`\mu` the mean of these, as the studies compute it that
    Muckenhirn et al. (2019, section 4.3) compare relevance with. Every class counts the same, whatever its size.

    Examples
    --------
    >>> float(f_ratio([0.0, 2.0, 4.0, 6.0], [0, 0, 1, 1]))
    4.0
    """
    means, variances, sizes = moments(values, classes, weights)
    if (sizes > 0).sum() < 2:
        raise InputError("an F-ratio needs observations of two classes or more")
    means, variances = means[sizes > 0], variances[sizes > 0]
    between, within = means.var(0), variances.mean(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(between / within)


def cohens_d(values: npt.ArrayLike, classes: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Array:
    r"""Difference of the means of two classes over their pooled standard deviation.

    Parameters
    ----------
    values, weights
        As in :func:`f_ratio`.
    classes : array_like of int, (observation,)
        0 and 1.

    Returns
    -------
    ndarray, (...)
        Positive where class 1 has the larger mean; NaN where nothing varies within the classes.

    Notes
    -----
    .. math:: d = \frac{\mu_1 - \mu_0}{s}, \qquad s^2 = \frac{\sum_i \sum_j (x_{ij} - \mu_i)^2}{N - 2}

    (Cohen 1988, section 2.2).

    Examples
    --------
    >>> round(float(cohens_d([0.0, 2.0, 4.0, 6.0], [0, 0, 1, 1])), 3)
    2.828
    """
    means, variances, sizes = moments(values, classes, weights, count=2)
    freedom = sizes.sum() - 2
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = np.tensordot(sizes, variances, axes=1) / freedom
        return np.asarray(np.where(pooled > 0, (means[1] - means[0]) / np.sqrt(pooled), np.nan))


def eta_squared(values: npt.ArrayLike, classes: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Array:
    r"""Share of the variance that lies between classes.

    Parameters
    ----------
    values, classes, weights
        As in :func:`f_ratio`.

    Returns
    -------
    ndarray, (...)
        0 to 1; NaN where nothing varies.

    Notes
    -----
    :math:`\eta^2 = \sum_i N_i (\mu_i - \mu)^2 / \sum_{ij} (x_{ij} - \mu)^2` (Cohen 1988, section 8.2). For two classes
    of one size it is :math:`d^2 / (d^2 + 4)` but for the degrees of freedom.

    Examples
    --------
    >>> float(eta_squared([0.0, 2.0, 4.0, 6.0], [0, 0, 1, 1]))
    0.8
    """
    means, variances, sizes = moments(values, classes, weights)
    within = np.tensordot(sizes, variances, axes=1)
    overall = np.tensordot(sizes, means, axes=1) / sizes.sum()
    between = np.tensordot(sizes, np.square(means - overall), axes=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(between / (between + within))


def bootstrap_interval(estimate: npt.ArrayLike, draws: npt.ArrayLike, *, ratio: bool = False) -> tuple[Array, Array]:
    """Both 95 % bounds of a quantity, from draws of a bootstrap, without what the bootstrap adds to it.

    A bootstrap draws observations twice, so that they vary less within classes and effects come out too large: the
    percentiles of the draws may lie above the estimate itself. They are moved so that the median is the estimate.

    Parameters
    ----------
    estimate : array_like, (...)
        Of the observations as they are.
    draws : array_like, (resample, ...)
        The same, of each draw.
    ratio : bool
        Move them by a factor, for quantities above 0, instead of by a difference.

    Returns
    -------
    low, high : ndarray, (...)

    Examples
    --------
    >>> bounds = bootstrap_interval(1.0, np.linspace(1.5, 2.5, 101))
    >>> [round(float(bound), 3) for bound in bounds]
    [0.525, 1.475]
    """
    value = np.asarray(estimate, dtype=float)
    drawn = np.asarray(draws, dtype=float)
    # A draw of which every class is one observation, drawn again and again, has no variance to compare with.
    low, median, high = np.nanquantile(np.where(np.isfinite(drawn), drawn, np.nan), [0.025, 0.5, 0.975], axis=0)
    if ratio:
        with np.errstate(divide="ignore", invalid="ignore"):
            return value * (low / median), value * (high / median)
    return value + (low - median), value + (high - median)


def chance_level(
    size: Callable[[Array, Array], Array], values: npt.ArrayLike, classes: npt.ArrayLike, resamples: int, seed: int
) -> float:
    """The effect that the largest of all quantities reaches by chance in one of twenty data sets.

    Parameters
    ----------
    size : callable
        Such as :func:`f_ratio`; its magnitude is taken.
    values, classes
        As in :func:`f_ratio`.
    resamples : int
        How often the classes are shuffled among the observations.
    seed : int
        Of the shuffling.

    Returns
    -------
    float
        95th percentile of the largest effect of shuffled classes (Nichols and Holmes 2002).

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(40, 5))
    >>> bool(chance_level(eta_squared, noise, np.arange(40) % 2, 200, 0) > eta_squared(noise, np.arange(40) % 2).max())
    True
    """
    rng = np.random.default_rng(seed)
    x, numbers = np.asarray(values, dtype=float), np.asarray(classes)
    shuffled = [np.abs(size(x, rng.permutation(numbers))) for _ in range(resamples)]
    largest = [float(one[np.isfinite(one)].max(initial=0)) for one in shuffled]
    return float(np.quantile(largest, 0.95))


def moments(
    values: npt.ArrayLike, classes: npt.ArrayLike, weights: npt.ArrayLike | None = None, count: int | None = None
) -> tuple[Array, Array, Array]:
    """Mean (class, ...), variance (class, ...) and weight (class,) of each class; 0 where it has no observations."""
    x = np.asarray(values, dtype=float)
    number = np.asarray(classes)
    weight = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=float)
    member = np.zeros((int(number.max()) + 1 if count is None else count, len(x)))
    member[number, np.arange(len(x))] = weight
    sizes = member.sum(1)
    flat = x.reshape(len(x), -1)
    flat = flat - flat.mean(0)  # so that squares of a large common mean do not swallow the variance
    share = np.divide(member, sizes[:, None], out=np.zeros_like(member), where=sizes[:, None] > 0)
    means = share @ flat
    variances = share @ np.square(flat) - np.square(means)
    variances = np.where(
        variances > 1e-12 * np.square(flat).max(0), variances, 0
    )  # what is left of nothing is rounding
    shape = (len(sizes), *x.shape[1:])
    return means.reshape(shape) + x.mean(0), variances.reshape(shape), sizes


def bootstrap_weights(count: int, resamples: int, seed: int) -> Array:
    """How often each observation is drawn, (resample, observation), in a bootstrap with replacement."""
    rng = np.random.default_rng(seed)
    return np.stack([np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(resamples)])
