"""Two runs of the same clips, compared clip by clip: where two models, or two settings, differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.dsp.scores import bootstrap_interval
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.runs import variables
from otoscope.runs.layers import layer_of
from otoscope.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

_KEYS = ("method", "layer", "channel", "variable", "at")

_PAIRED = ["name", "start", "stop", "nth"]
_CLIPS = """(
    SELECT clip, name, start, stop, row_number() OVER (PARTITION BY name, start, stop ORDER BY clip) AS nth FROM items
)"""
"""The clips of a run with what pairs them: a clip that stands several times in a list has as many partners."""


def diff(
    first: Run,
    second: Run,
    *,
    method: str | None = None,
    layer: str | None = None,
    variable: str | None = None,
    each_channel: bool = False,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """The mean difference of two runs of the same clips, with a paired test.

    Parameters
    ----------
    first, second : Run
        Two sweeps or two evaluations; clips are paired by name, start and stop, and where a list has one of them
        several times the first with the first, and so on. Clips that one of them lacks are left out.
    method, layer, variable : str, optional
        Of sweeps only these; the layer by its name or the end of it.
    each_channel : bool
        Of sweeps a row for each channel; by default the value of a clip is the mean over its channels.
    resamples, seed : int
        Of the bootstrap, of evaluations.

    Returns
    -------
    DataFrame
        Of sweeps a row for each method, layer, variable and place: `clips`, `first`, `second`, `difference` (second
        less first) with `ci_low` and `ci_high` (Student's t over clips), `p_value` of a Wilcoxon signed-rank test. Of
        evaluations one row: the two accuracies, their difference with a paired bootstrap, how many clips only one of
        them has right, and `p_value` of McNemar's exact test.

    Raises
    ------
    InputError
        If they are of different kinds, or have no clip or variable in common.

    Notes
    -----
    P values are not corrected for the number of rows.
    """
    if first.kind != second.kind:
        raise InputError(f"{first.folder} is of the kind {first.kind} and {second.folder} of the kind {second.kind}")
    if first.kind == "evaluation":
        return _of_evaluations(first, second, resamples, seed)
    keys = [name for name in _KEYS if name != "channel" or each_channel]
    tables = [
        _values(run, keys, {"method": method, "layer": layer_of(run, layer), "variable": variable})
        for run in (first, second)
    ]
    both = tables[0].merge(tables[1], on=[*_PAIRED, *keys], suffixes=("_first", "_second"))
    if not len(both):
        raise InputError(f"{first.folder} and {second.folder} have no clip and variable in common")
    rows = [_compared(keys, place, group) for place, group in both.groupby(keys, dropna=False, sort=True)]
    pandas = needs("pandas", extra="sweep", purpose="a question to a run")
    table: pd.DataFrame = pandas.DataFrame(rows)
    return table


def unpaired(first: Run, second: Run) -> list[str]:
    """In words, what only one of two runs has: clips by their names, labels, and of sweeps methods."""
    mine, other = (run.sql(f"SELECT {', '.join(_PAIRED)} FROM {_CLIPS}") for run in (first, second))
    both = len(mine.merge(other, on=_PAIRED))
    said = []
    if both < max(len(mine), len(other)):
        alone = f"{len(mine) - both} are in the first alone, {len(other) - both} in the second"
        said.append(f"{both} clips are in both runs; {alone}")
    for run, beside, place in ((first, second, "first"), (second, first, "second")):
        methods = [name for name in run.info["methods"] if name not in beside.info["methods"]]
        if methods:
            said.append(f"only the {place} has {', '.join(methods)}")
    if first.kind == second.kind == "evaluation" and both:
        answers = _answers(first, second)
        other = int((answers["label_first"] != answers["label_second"]).sum())
        if other:
            said.append(f"{other} of {len(answers)} clips have another label in the second: the tasks are different")
    return said


def disagreements(first: Run, second: Run) -> pd.DataFrame:
    """The clips of two evaluations that only one of them has right.

    Returns
    -------
    DataFrame
        `name`, `label`, and the answers of both, `answer_first` and `answer_second`; where labels differ, as those of
        two tasks do, `label_first` and `label_second` in place of `label`.
    """
    both = _answers(first, second)
    labels = ["label_first", "label_second"]
    if (both["label_first"] == both["label_second"]).all():
        both, labels = both.rename(columns={"label_first": "label"}), ["label"]
    wrong = both[both["correct_first"] != both["correct_second"]]
    return wrong[["name", *labels, "answer_first", "answer_second"]].reset_index(drop=True)


def maps_between(first: Run, second: Run, layer: str) -> pd.DataFrame:
    """How the activity of each map of a layer differs between two sweeps of the same clips.

    Parameters
    ----------
    first, second : Run
        Two sweeps of ``activations``; clips are paired as in :func:`diff`.
    layer : str
        By its full name.

    Returns
    -------
    DataFrame
        A row a map that both have: `channel`, `clips`, `first` and `second`, its mean RMS in each, `difference` with
        `ci_low`, `ci_high` and `p_value`, as :func:`diff` has them, and `correlation`, Pearson's over the clips, which
        says whether the same clips drive it; NaN where it does the same in all clips of one of them.
    """
    from scipy.stats import wilcoxon

    chosen: dict[str, str | None] = {"method": "activations", "layer": layer, "variable": "rms"}
    pandas = needs("pandas", extra="sweep", purpose="a question to a run")
    values_of = (_values(run, ["channel"], chosen) for run in (first, second))
    rows = pandas.concat([values.assign(run=number) for number, values in enumerate(values_of)])
    rows["paired"] = rows.groupby(_PAIRED, dropna=False).ngroup()
    values = rows.pivot(index="paired", columns=["run", "channel"], values="value")
    channels = values[0].columns.intersection(values[1].columns)
    x, y = (values[number][channels].to_numpy(dtype=float) for number in (0, 1))
    both = ~(np.isnan(x) | np.isnan(y)).any(axis=1)
    if not both.any():
        raise InputError(f"{first.folder} and {second.folder} have no clip and map of {layer} in common")
    x, y = x[both], y[both]
    change = y - x
    mean, low, high = mean_interval(change)
    moved = np.any(change != 0, axis=0)
    p_value = np.ones(len(channels))
    if moved.any():
        p_value[moved] = wilcoxon(change[:, moved], axis=0).pvalue
    columns = {"channel": channels.to_numpy(), "clips": len(x), "first": x.mean(0), "second": y.mean(0)}
    columns |= {"difference": mean, "ci_low": low, "ci_high": high, "p_value": p_value}
    table: pd.DataFrame = pandas.DataFrame(columns | {"correlation": _correlation(x, y)})
    return table


def _correlation(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each column of two arrays."""
    x, y = x - x.mean(0), y - y.mean(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = (x * y).sum(0) / np.sqrt((x * x).sum(0) * (y * y).sum(0))
    return found


def _of_evaluations(first: Run, second: Run, resamples: int, seed: int) -> pd.DataFrame:
    from scipy.stats import binomtest

    both = _answers(first, second)
    right = both[["correct_first", "correct_second"]].to_numpy(dtype=float)
    only = ((right[:, 0] > right[:, 1]).sum(), (right[:, 1] > right[:, 0]).sum())
    change = right[:, 1] - right[:, 0]
    low, high = bootstrap_interval(lambda drawn: change[drawn].mean(), len(both), resamples=resamples, seed=seed)
    test = binomtest(int(only[0]), int(sum(only)), 0.5).pvalue if sum(only) else 1.0
    row: dict[str, Any] = {"metric": "accuracy", "clips": len(both)}
    row |= {"first": right[:, 0].mean(), "second": right[:, 1].mean(), "difference": change.mean()}
    row |= {"ci_low": float(low), "ci_high": float(high), "only_first_right": int(only[0])}
    row |= {"only_second_right": int(only[1]), "p_value": float(test)}
    pandas = needs("pandas", extra="sweep", purpose="a question to a run")
    table: pd.DataFrame = pandas.DataFrame([row])
    return table


def _answers(first: Run, second: Run) -> pd.DataFrame:
    columns = ", ".join(f"items.{name}" for name in _PAIRED)
    query = f"SELECT {columns}, scores.label, answer, correct FROM scores JOIN {_CLIPS} AS items USING (clip)"
    both = first.sql(query).merge(second.sql(query), on=_PAIRED, suffixes=("_first", "_second"))
    if not len(both):
        raise InputError(f"{first.folder} and {second.folder} have no clip in common: they pair clips by name")
    return both


def _values(run: Run, keys: list[str], chosen: dict[str, str | None]) -> pd.DataFrame:
    where = " AND ".join(
        [
            "value IS NOT NULL",
            variables.without_names(run),
            *(f"rows.{name} = ?" for name, one in chosen.items() if one is not None),
        ]
    )
    columns = ", ".join([*(f"items.{name}" for name in _PAIRED), *(f"rows.{key}" for key in keys)])
    found = run.sql(
        f"SELECT {columns}, avg(value) AS value FROM rows JOIN {_CLIPS} AS items USING (clip) WHERE {where} "
        "GROUP BY ALL",
        [one for one in chosen.values() if one is not None],
    )
    if not len(found):
        variables.check_quantity(run, chosen["variable"])
        raise variables.without_rows(run, chosen)
    return found.astype({key: object for key in keys if key != "channel"}).fillna({"at": "", "layer": ""})


def _compared(keys: list[str], place: Any, group: pd.DataFrame) -> dict[str, Any]:
    from scipy.stats import wilcoxon

    before, after = group["value_first"].to_numpy(), group["value_second"].to_numpy()
    change = after - before
    mean, low, high = mean_interval(change)
    test = float(wilcoxon(change).pvalue) if np.any(change != 0) else 1.0
    found = dict(zip(keys, place if isinstance(place, tuple) else (place,), strict=True))
    found |= {"clips": len(group), "first": before.mean(), "second": after.mean(), "difference": float(mean)}
    return found | {"ci_low": float(low), "ci_high": float(high), "p_value": test}
