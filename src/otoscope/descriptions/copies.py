"""Clips that are copies of each other, as a model hears them: they stay in one half of a description."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from otoscope.runs.run import Run

_SAME = 1e-5  # of a number, by which two of one sound differ in batches of other sizes


def copies(run: Run, clips: np.ndarray) -> list[list[int]]:
    """Keys that clips of equal content share.

    Parameters
    ----------
    run : Run
        A sweep of ``activations``.
    clips : ndarray of int, (clip,)

    Returns
    -------
    list of list of int, each (clip,)
        Clips that share a number of any of them are copies.

    Notes
    -----
    Copies are found by sums of what all maps of the run do in a clip, which takes no sounds: two clips agree in all of
    them only if they are one sound, unless all are zero. Where the ids of a run are of what files hold, those are
    compared as well.
    """
    sums = run.sql(
        "SELECT clip, variable, sum(value) AS whole, sum(value * (channel + 1)) AS turned, sum(value * value) AS power "
        "FROM rows WHERE variable IN ('mean_activation', 'rms', 'peak') GROUP BY clip, variable"
    )
    table = sums.pivot(index="clip", columns="variable", values=["whole", "turned", "power"])
    keys = [one.tolist() for one in alike(table.reindex(clips).to_numpy(dtype=float))]
    if run.info["data"].get("ids") == "content":
        ids = run.sql("SELECT clip, id FROM items").set_index("clip")["id"].loc[clips]
        keys.append(np.unique(ids, return_inverse=True)[1].tolist())
    return keys


def alike(numbers: np.ndarray) -> Iterator[np.ndarray]:
    """Numbers of groups of rows that agree in all columns, and not by being zero; one grouping a column.

    Parameters
    ----------
    numbers : ndarray, (clip, column)

    Examples
    --------
    >>> [one.tolist() for one in alike(np.array([[1.0], [2.0], [1.000001], [0.0], [0.0]]))]
    [[2, 3, 2, 0, 1]]
    """
    for column in numbers.T:
        order = np.argsort(column, kind="stable")
        one, other = numbers[order[:-1]], numbers[order[1:]]
        near = (np.abs(one - other) <= _SAME * np.maximum(np.abs(one), np.abs(other))).all(1)
        near &= (one != 0).any(1)
        found = np.empty(len(numbers), dtype=int)
        found[order] = np.concatenate([[0], np.cumsum(~near)])
        yield found
