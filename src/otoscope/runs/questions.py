"""The usual questions to a sweep: which clips drive a map, which maps are dead, what is the mean, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.data.item import speaker_of
from otoscope.dsp.scores import share_interval
from otoscope.dsp.statistics import mean_interval
from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.runs import variables
from otoscope.runs.layers import has_rows, layer_of
from otoscope.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

_ACTIVATIONS = ("mean_activation", "rms", "peak", "peak_time")
_FEWEST_SPEAKERS = 10
_DEAD = 1e-6  # of the strongest map of the layer


def top(
    run: Run,
    *,
    layer: str | None = None,
    channel: int | None = None,
    k: int = 5,
    variable: str = "mean_activation",
) -> pd.DataFrame:
    """The clips that drive each map most, exactly, over the whole set.

    Parameters
    ----------
    run : Run
        A sweep of ``activations``.
    layer : str, optional
        By its name or the end of it; all that were swept by default.
    channel : int, optional
        One map; all by default.
    k : int
        How many clips a map.
    variable : {"mean_activation", "rms", "peak"}
        By which clips are ranked. Of two with the same value the one that comes first in the list comes first. Clips in
        which the map is silent, with a value of 0, drive it not at all, and are left out: see :func:`silent`.

    Returns
    -------
    DataFrame
        layer, channel, rank, value, peak_time in s, clip, name, label, and the facts of the clip.

    Raises
    ------
    InputError
        If the run holds no activations, or no such layer, channel or variable.
    """
    if k < 1:
        raise InputError(f"k has to be 1 or more, not {k}")
    if variable not in _ACTIVATIONS[:3]:
        raise InputError(f"clips are ranked by {', '.join(_ACTIVATIONS[:3])}, not by {variable!r}")
    where, values = maps_of(run, layer, channel)
    found = run.sql(
        f"""
        WITH ranked AS (
            SELECT layer, channel, clip, value,
                   row_number() OVER (PARTITION BY layer, channel ORDER BY value DESC, clip) AS rank
            FROM rows WHERE {where} AND variable = ? AND value <> 0
        ), best AS (SELECT * FROM ranked WHERE rank <= ?)
        SELECT best.layer, best.channel, best.rank, best.value, peaks.value AS peak_time,
               items.* EXCLUDE (id, start, stop)
        FROM best JOIN items USING (clip) LEFT JOIN (
            SELECT layer, channel, clip, value FROM rows
            WHERE {where} AND variable = 'peak_time' AND clip IN (SELECT clip FROM best)
        ) AS peaks ON peaks.clip = best.clip AND peaks.channel = best.channel
                  AND peaks.layer IS NOT DISTINCT FROM best.layer
        ORDER BY best.layer, best.channel, best.rank
        """,
        [*values, variable, k, *values],
    )
    return found


def silent(
    run: Run, *, layer: str | None = None, channel: int | None = None, variable: str = "mean_activation"
) -> pd.DataFrame:
    """The maps of which :func:`top` has no clip, as their value is 0 in every one.

    Parameters
    ----------
    run, layer, channel, variable
        As of :func:`top`.

    Returns
    -------
    DataFrame
        layer, channel.
    """
    where, values = maps_of(run, layer, channel)
    return run.sql(
        f"SELECT layer, channel FROM rows WHERE {where} AND variable = ? GROUP BY layer, channel "
        "HAVING count(*) FILTER (value <> 0) = 0 ORDER BY layer, channel",
        [*values, variable],
    )


def common(run: Run, found: pd.DataFrame) -> pd.DataFrame:
    """What the top clips of each map have in common: the fact that is most over-represented among them.

    Parameters
    ----------
    run : Run
    found : DataFrame
        From :func:`top`.

    Returns
    -------
    DataFrame
        layer, channel, fact, fact_value, `share` of the top clips that have it and `share_of_all` clips, with the
        probability of as many by chance, `p_value` (hypergeometric, not corrected for the facts that were tried).
    """
    pandas = needs("pandas", extra="sweep", purpose="a question to a run")
    from scipy.stats import hypergeom

    facts = ["label", *run.facts]
    everyone = run.sql(f"SELECT {', '.join(map(_named, facts))} FROM items")
    rows: list[dict[str, Any]] = []
    for (layer, channel), group in found.groupby(["layer", "channel"], dropna=False):
        best: dict[str, Any] | None = None
        for fact in facts:
            counts = group[fact].value_counts()
            if not len(counts):
                continue
            value, hits = counts.index[0], int(counts.iloc[0])
            total = int((everyone[fact] == value).sum())
            chance = float(hypergeom.sf(hits - 1, len(everyone), total, len(group)))
            one = {"layer": layer, "channel": channel, "fact": fact, "fact_value": value, "share": hits / len(group)}
            one |= {"share_of_all": total / len(everyone), "p_value": chance}
            best = one if best is None or chance < best["p_value"] else best
        if best is not None:
            rows.append(best)
    columns = ["layer", "channel", "fact", "fact_value", "share", "share_of_all", "p_value"]
    return pandas.DataFrame(rows, columns=columns)


def dead(run: Run, *, layer: str | None = None) -> pd.DataFrame:
    """Maps that no clip of the set drives, and maps that hardly one does.

    Parameters
    ----------
    run : Run
        A sweep of ``activations``.
    layer : str, optional
        All that were swept by default.

    Returns
    -------
    DataFrame
        A row a map, the most silent first: layer, channel, `largest_rms` over all clips, `active`, the share of clips
        in which it is active at all, with its 95 % interval (Wilson), and `dead`: that its largest RMS is below 1e-6
        of that of the strongest map of the layer.

    Raises
    ------
    InputError
        If the run holds no activations, or no such layer.

    Notes
    -----
    Look behind the activation functions: a map before one is dead only if it is always zero.
    """
    where, values = maps_of(run, layer, None)
    found = run.sql(
        f"""
        WITH maps AS (
            SELECT layer, channel, max(value) AS largest_rms, count(*) AS clips,
                   count(*) FILTER (value > 0) AS clips_active
            FROM rows WHERE {where} AND variable = 'rms' GROUP BY layer, channel
        )
        SELECT layer, channel, largest_rms, clips, clips_active, clips_active / clips AS active,
               largest_rms <= {_DEAD} * max(largest_rms) OVER (PARTITION BY layer) AS dead
        FROM maps ORDER BY dead DESC, active, largest_rms, layer, channel
        """,
        values,
    )
    low, high = share_interval(found["clips_active"].to_numpy(), np.maximum(found["clips"].to_numpy(), 1))
    found["active_ci_low"], found["active_ci_high"] = low, high
    return found.drop(columns="clips_active")


def summary(
    run: Run,
    *,
    method: str | None = None,
    layer: str | None = None,
    channel: int | None = None,
    variable: str | None = None,
    by: str | None = None,
    each_channel: bool = False,
    others: Sequence[Run] = (),
) -> pd.DataFrame:
    """The mean of every quantity over the clips, with 95 % intervals over clips, speakers and seeds.

    What names a class or a map by its number, as `answer` does, is left out.

    Parameters
    ----------
    run : Run
        A sweep.
    method, layer, channel, variable : optional
        Only these.
    by : str, optional
        A fact of the data, ``label`` or ``split``: a row for each value of it.
    each_channel : bool
        A row for each channel; by default the value of a clip is the mean over its channels.
    others : sequence of Run
        The same sweep of further models of the same training, that started from other seeds.

    Returns
    -------
    DataFrame
        method, layer, (channel,) variable, at (the place within the clip), `clips`, `mean`, `ci_low`, `ci_high`
        (Student's t over clips, Wilson's score of a share); where speakers are known `speakers`, `speakers_low`,
        `speakers_high` (Student's t over the means of speakers, of fewer than ten the lowest and the highest); with
        others `seeds`, `seeds_low`, `seeds_high` (Student's t over the means of models).
    """
    places = ["method", "layer", *(["channel"] if each_channel or channel is not None else []), "variable", "at"]
    chosen = {"method": method, "layer": layer_of(run, layer), "channel": channel, "variable": variable}
    found = _means_of_clips(run, places, chosen, by)
    keys = places if by is None else [*places, by]
    speaker = speaker_of(run.facts)
    shares_of_clips = variables.shares(run)
    rows = [
        place | _spread(group, speaker, share=(place["method"], place["variable"]) in shares_of_clips)
        for place, group in (
            (dict(zip(keys, place, strict=True)), group)
            for place, group in found.groupby(keys, dropna=False, sort=True)
        )
    ]
    pandas = needs("pandas", extra="sweep", purpose="a question to a run")
    table: pd.DataFrame = pandas.DataFrame(rows)
    if others:
        for other in others:
            _check_holds(other, table["method"].unique())
        table = _over_seeds(table, keys, [_means_of_clips(other, places, chosen, by) for other in others])
    return table


def errors(run: Run) -> pd.DataFrame:
    """What went wrong, by cause and method, with the clips.

    Returns
    -------
    DataFrame
        cause, method, `clips`, and the name and message of the first.
    """
    return run.sql(
        f"SELECT cause, {'method' if run.kind == 'sweep' else 'NULL AS method'}, count(*) AS clips, "
        "first(name ORDER BY name) AS first_clip, first(message ORDER BY name) AS message "
        "FROM errors GROUP BY ALL ORDER BY clips DESC, cause, method"
    )


# -- Parts of questions -----------------------------------------------------------------------------------


def maps_of(run: Run, layer: str | None, channel: int | None) -> tuple[str, list[Any]]:
    """Which rows are of the activations of a layer and a channel."""
    _sweep_of(run, "activations")
    where, values = ["method = 'activations'"], list[Any]()
    if layer is not None:
        where.append("layer = ?")
        values.append(layer_of(run, layer))
    if channel is not None:
        of_layer, those = " AND ".join(where), [*values]
        where.append("channel = ?")
        values.append(channel)
        if not has_rows(run, " AND ".join(where), values):
            known = run.sql(f"SELECT DISTINCT channel FROM rows WHERE {of_layer} ORDER BY channel", those)["channel"]
            raise InputError(f"there is no channel {channel}; they go from {known.iloc[0]} to {known.iloc[-1]}")
    return " AND ".join(where), values


def _sweep_of(run: Run, method: str) -> None:
    methods = run.info["methods"] if run.kind == "sweep" else {}
    if method not in methods:
        has = f"its methods are {', '.join(methods)}" if methods else "it is an evaluation"
        raise InputError(f"{run.folder} holds no {method}, {has}: make one with otoscope sweep --methods {method}")


def _means_of_clips(run: Run, keys: Sequence[str], chosen: dict[str, Any], by: str | None) -> pd.DataFrame:
    """A value for each clip and place: the mean over what the keys do not distinguish."""
    if run.kind != "sweep":
        raise InputError(f"{run.folder} is an evaluation, whose means are in its summary.json: ask a sweep")
    if by is not None and by not in ("label", "split", *run.facts):
        raise InputError(f"the clips have no fact {by!r}; they have {', '.join(['label', 'split', *run.facts])}")
    speaker = speaker_of(run.facts)
    facts = list(dict.fromkeys(name for name in (by, speaker) if name is not None))
    where = " AND ".join(
        [
            "value IS NOT NULL",
            variables.without_names(run),
            *(f"rows.{name} = ?" for name, one in chosen.items() if one is not None),
        ]
    )
    columns = ", ".join([*(f"rows.{name}" for name in keys), "rows.clip", *(f"items.{_named(name)}" for name in facts)])
    found = run.sql(
        f"SELECT {columns}, avg(value) AS value FROM rows JOIN items USING (clip) WHERE {where} GROUP BY ALL",
        [one for one in chosen.values() if one is not None],
    )
    if not len(found):
        variables.check_quantity(run, chosen["variable"])
        raise variables.without_rows(run, chosen)
    return found


def _spread(group: pd.DataFrame, speaker: str | None, *, share: bool) -> dict[str, Any]:
    values = group["value"].to_numpy()
    mean, low, high = mean_interval(values)
    if share:
        low, high = share_interval(values.sum(), len(values))
    found: dict[str, Any] = {"clips": len(group), "mean": float(mean), "ci_low": float(low), "ci_high": float(high)}
    if speaker is not None:
        means = group.groupby(speaker)["value"].mean().to_numpy()
        bounds = mean_interval(means)[1:] if len(means) >= _FEWEST_SPEAKERS else (means.min(), means.max())
        found |= {"speakers": len(means), "speakers_low": float(bounds[0]), "speakers_high": float(bounds[1])}
    return found


def _check_holds(run: Run, methods: Iterable[str]) -> None:
    has = run.info["methods"] if run.kind == "sweep" else {}
    missing = [name for name in methods if name not in has]
    if missing:
        raise InputError(
            f"{run.folder} holds no {', '.join(missing)}, which the first run has: give the same sweep of another "
            "model, or ask one method (--method)"
        )


def _over_seeds(table: pd.DataFrame, keys: Sequence[str], others: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The interval over the means of several models at each place."""
    each = table[[*keys, "mean"]]
    for number, other in enumerate(others):
        means = other.groupby(list(keys), dropna=False)["value"].mean().rename(f"mean {number}").reset_index()
        means = means.astype({key: each[key].dtype for key in keys})  # a column without any value has another one
        each = each.merge(means, on=list(keys), how="left")
    values = each.drop(columns=list(keys)).to_numpy(dtype=float)
    _, low, high = mean_interval(values.T)
    return table.assign(seeds=np.isfinite(values).sum(1), seeds_low=low, seeds_high=high)


def _named(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
