"""Every map of a sweep in words: the fact of the data that predicts it best, scored on clips that did not choose it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.data.item import speaker_of
from otoscope.data.sets import parse, source_of
from otoscope.descriptions.copies import copies
from otoscope.descriptions.facts import unreadable
from otoscope.descriptions.halves import groups_of
from otoscope.descriptions.maps import SHUFFLES, Described, Descriptions, describe_maps, said_of
from otoscope.descriptions.measured import measured_facts, named_units
from otoscope.descriptions.tuned import tuned, tuned_words
from otoscope.descriptions.words import sentence
from otoscope.dsp.scores import share_interval
from otoscope.errors import InputError
from otoscope.optional import needs
from otoscope.runs import questions
from otoscope.runs.layers import in_order
from otoscope.runs.run import Run
from otoscope.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

RECORDING = ("recording", "id_", "video", "chapter")
"""Facts of data sets that name the recording that a clip was cut from; clips of one stay together."""

VARIABLES = ("mean_activation", "rms", "peak", "label_activation")
SEGMENT = "segment"
"""The fact of what is predicted in segments: their label."""
_OUTSIDE = "(outside)"
MOST_CLIPS = 20_000
FEW_SHUFFLES = 19
"""Below so many, something is found where there is nothing more often than one in twenty times."""

_MOSTLY = 0.5  # of the variance of ranks

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Description:
    """Every map of a run, in words and numbers.

    Attributes
    ----------
    maps : DataFrame
        A row a map: `layer`, `channel`, `description` (a sentence), `described`, `dead` and `seldom`; `fact`, `score`,
        its interval `ci_low` and `ci_high`, `measure` (AUC or R2) and `chance`, the largest score that shuffled facts
        reached; `explained`, the R2 of ranks of any fact; `direction`, `most_active` and `value_score`, the AUC of its
        first value; the second best fact, `next_fact`, with `next_score`; and `score_within` and `next_within`, the
        score of each among clips that are alike in the other, with `told_apart`. With a model also `tuning`, in words,
        and its `best_frequency`, `width`, `exponent`, `threshold`, `best_rate` and `best_modulation_gain`
        (:func:`otoscope.methods.tuning.tuning`).
    layers : DataFrame
        A row a layer: `maps`, `dead`, `seldom`, `described`, and the `share` of its maps that are described, with its
        95 % interval `ci_low` and `ci_high` (Wilson); `mostly`, how many maps one fact explains by half or more, with
        `mostly_share` and its interval; and `explained`, the median over maps that more than a few clips drive.
    facts : DataFrame
        What was asked about: `fact`, `column`, `kind`, `units`, and how many maps it describes.
    notes : tuple of str
        What a reader should know.
    clips : tuple of int
        On which facts were chosen, and on which they were scored.
    """

    maps: pd.DataFrame
    layers: pd.DataFrame
    facts: pd.DataFrame
    notes: tuple[str, ...] = field(default=())
    clips: tuple[int, int] = (0, 0)


def describe(
    run: Run,
    *,
    layer: str | None = None,
    channel: int | None = None,
    variable: str = "mean_activation",
    together: Sequence[str] = (),
    measured: bool = True,
    model: Subject | None = None,
    shuffles: int = SHUFFLES,
    limit: int = MOST_CLIPS,
    seed: int = 0,
    progress: Report | None = None,
) -> Description:
    """Describe every map of a sweep by the fact of the data that predicts it best.

    Parameters
    ----------
    run : Run
        A sweep of ``activations``.
    layer : str, optional
        By its name or the end of it; all that were swept by default.
    channel : int, optional
        One map; all by default. Chance is what it is among all maps that are asked for.
    variable : {"mean_activation", "rms", "peak", "label_activation"}
        What is predicted of a map in a clip; or in the segments of each label, such as a phone, which then is a fact,
        too: `segment`.
    together : sequence of str
        Facts of the data, such as speaker: clips that share a value are in the same half. Pieces of one recording
        always are, and copies of one sound.
    measured : bool
        Also ask about facts that are measured from the sounds (see :func:`otoscope.dsp.sound_facts.sound_facts`), which
        are kept in ``facts.parquet`` beside the tables of the run.
    model : Scope, optional
        The model that was swept, to measure what its maps are tuned to.
    shuffles : int
        How often facts are shuffled over the clips. The largest score of any map in any shuffle is what chance does.
    limit : int
        At most so many clips, drawn at random.
    seed : int
        Of the halves, the shuffles and the clips that are drawn.
    progress : callable, optional
        Called as ``progress(task, done, total)``.

    Returns
    -------
    Description

    Raises
    ------
    InputError
        If the run holds no activations, or no such layer, channel, variable or fact; if there are too few clips; or if
        the sounds are not where they were; or if the model is another one.

    Notes
    -----
    On one half of the clips every fact is cut into cells (its values, or up to twelve bins of a number), and the one
    that explains most of the variance of the ranks of a map is chosen
    (:class:`otoscope.descriptions.choosing.Choice`). Its score is computed on the other half
    (:func:`otoscope.descriptions.scoring.scored`). A map is described if that is above the largest score, in deviations
    from chance, that any map reached in 99 repetitions of all of this with facts shuffled over the clips. So if nothing
    were there to be described, one run in a hundred would describe a map at all.
    """
    known = gather(
        run,
        layer=layer,
        channel=channel,
        variable=variable,
        together=together,
        measured=measured,
        limit=limit,
        seed=seed,
        progress=_of("sounds", progress),
    )
    found = describe_maps(
        known.values,
        known.columns,
        known.groups,
        measured=known.measured,
        shuffles=shuffles,
        seed=seed,
        progress=_of("shuffles", progress),
    )
    notes = known.notes
    if shuffles < FEW_SHUFFLES:
        notes += (
            f"with {shuffles} shuffles one run in {shuffles + 1} describes some map where there is nothing to say",
        )
    described = _laid_out(run, known, found, notes)
    return described if model is None else _with_tuning(run, described, model, _of("tuning", progress))


@dataclass(frozen=True)
class Gathered:
    """What is known of the clips of a run.

    Attributes
    ----------
    values : ndarray, (clip, map)
        What each map does in each clip.
    places : list of (str, int)
        The layer and the channel of each map.
    columns : dict of str to array_like, (clip,)
        Facts that the data has.
    measured : dict of str to ndarray, (clip,)
        Facts that are measured from its sounds.
    groups : ndarray of int, (clip,)
        Which clips stay together.
    notes : tuple of str
    """

    values: np.ndarray
    places: list[tuple[str, int]]
    columns: dict[str, Any]
    measured: dict[str, Any]
    groups: np.ndarray
    notes: tuple[str, ...]


def gather(
    run: Run,
    *,
    layer: str | None = None,
    channel: int | None = None,
    variable: str = "mean_activation",
    together: Sequence[str] = (),
    measured: bool = True,
    limit: int = MOST_CLIPS,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Gathered:
    """What the maps of a run do in its clips, and the facts of these; arguments and errors as of :func:`describe`."""
    if seed < 0:
        raise InputError(f"seed has to be 0 or more, not {seed}")
    where, asked = questions.maps_of(run, layer, channel)
    if variable not in VARIABLES:
        raise InputError(f"maps are described by {', '.join(VARIABLES)}, not by {variable!r}")
    items = _items(run, limit, seed)
    values, places, clips, labels = _values(run, where, asked, variable, items)
    items = items.set_index("clip").loc[clips].reset_index()
    columns: dict[str, Any] = {name: items[name] for name in _in_turn(run) if name not in RECORDING}
    if labels is not None:
        columns = {SEGMENT: labels} | columns
    notes: list[str] = []
    of_sounds: dict[str, Any] = {}
    if measured:
        facts, notes = measured_facts(run, progress=progress)
        facts = facts.set_index("clip").loc[clips]
        of_sounds = {name: facts[name].to_numpy(dtype=float) for name in facts.columns}
    same = copies(run, clips)
    groups = _groups(run, items, together, same)
    spare = len(np.unique(clips)) - len(np.unique(groups_of(*same, clips.tolist())))
    if spare:
        notes.append(f"{spare} clips are copies of others, in the same half as those")
    if groups.max() + 1 < len(groups):
        what = "clips" if labels is None else "labels of clips"
        notes.append(f"{len(groups)} {what} are {groups.max() + 1} groups that stay together")
    notes += unreadable(columns)
    return Gathered(values, places, columns, of_sounds, groups, tuple(notes))


def _in_turn(run: Run) -> list[str]:
    """The facts and the label in the order in which the first of several names of one thing is kept.

    What the classes are called comes first, such as digit, else label; then who speaks.
    """
    own = [name for name in run.facts if not name.endswith("_")]  # a name with _ is that of another column, too
    asked = run.info["data"].get("by")
    tasks = [asked] if asked else _tasks(run.info["data"]["given"])
    who = speaker_of(own)
    first = [*(name for name in tasks if name in own), "label", *([who] if who else [])]
    return list(dict.fromkeys([*first, *own, *run.facts]))


def _tasks(given: Any) -> list[str]:
    """What the classes of a data set with a name of its own are called."""
    try:
        return list(source_of(parse(given).name).tasks) if isinstance(given, str) else []
    except InputError:  # a folder that is not there any more
        return []


def _items(run: Run, limit: int, seed: int) -> pd.DataFrame:
    """The clips that are looked at, with their facts."""
    if limit < 1:
        raise InputError(f"limit has to be 1 or more, not {limit}")
    items = run.sql("SELECT * EXCLUDE (id, split, seconds) FROM items ORDER BY clip")
    if len(items) <= limit:
        return items
    drawn = np.random.default_rng(seed).choice(len(items), limit, replace=False)
    return items.iloc[np.sort(drawn)]


def _values(
    run: Run, where: str, asked: Sequence[Any], variable: str, items: pd.DataFrame
) -> tuple[np.ndarray, list[tuple[str, int]], np.ndarray, list[str] | None]:
    """What each map does in each clip (clip, map), which maps these are, and the clips that have all of them.

    Where it is said of the segments of each label, a clip comes as often as it has labels, which come last, else None.
    """
    rows = run.sql(
        f"SELECT layer, channel, clip, rows.at, value FROM rows WHERE {where} AND variable = ? "
        "ORDER BY layer, channel, clip",
        [*asked, variable],
    )
    if not len(rows):
        raise InputError(
            f"{run.folder} holds no {variable}"
            + (": sweep it with --set activations.segments=FILE" if variable == "label_activation" else "")
        )
    rows = rows[rows["clip"].isin(items["clip"])].astype({"at": object}).fillna({"at": ""})
    table = rows.pivot(index=["clip", "at"], columns=["layer", "channel"], values="value").dropna()
    if not len(table):
        raise InputError(f"no clip of {run.folder} has a value of {variable} of every map")
    table = table[sorted(table.columns, key=lambda place: (in_order(place[0]), place[1]))]
    labels = None
    if variable == "label_activation":
        labels = [str(json.loads(at)["segment_label"]) for at in table.index.get_level_values("at")]
        inside = [label != _OUTSIDE for label in labels]
        table, labels = table[inside], [label for label in labels if label != _OUTSIDE]
    places = [(str(layer), int(channel)) for layer, channel in table.columns]
    return table.to_numpy(dtype=float), places, table.index.get_level_values("clip").to_numpy(), labels


def _groups(run: Run, items: pd.DataFrame, together: Sequence[str], same: Sequence[Sequence[int]]) -> np.ndarray:
    """Which clips stay in one half: pieces of one recording, copies, and those that share a fact that was named."""
    known = ("label", *run.facts)
    for name in together:
        if name not in known:
            raise InputError(f"the clips have no fact {name!r}; they have {', '.join(known)}")
    whole = [
        name if start is None or start != start else name.rsplit(" ", 2)[0]
        for name, start in zip(items["name"], items["start"].astype(object), strict=True)
    ]
    recordings = [name for name in RECORDING if name in items.columns]
    return groups_of(whole, *same, *(list(items[name]) for name in dict.fromkeys([*recordings, *together])))


def _laid_out(run: Run, known: Gathered, found: Descriptions, notes: tuple[str, ...]) -> Description:
    pandas = needs("pandas", extra="sweep", purpose="a description")
    rate = int(run.info["model"]["subject"].get("sample_rate") or 16_000)
    used = {fact.column for fact in found.facts}
    given = set(known.columns) - set(found.left_out)
    units = named_units(rate, used & (set(known.measured) - given))
    maps = pandas.DataFrame(
        [
            {"layer": layer, "channel": channel} | _row(one, units)
            for (layer, channel), one in zip(known.places, found.maps, strict=True)
        ]
    )
    describing = maps[maps["described"]]["fact"].value_counts()
    facts = pandas.DataFrame(
        [
            {"fact": fact.name, "column": fact.column, "kind": fact.kind, "units": units.get(fact.column, "")}
            | {"describes": int(describing.get(fact.name, 0))}
            for fact in found.facts
        ]
    )
    notes += tuple(f"not asked about: {one}" for one in said_of(found.left_out))
    return Description(maps, _by_layer(maps), facts, notes, (found.choosing, found.scoring))


def _with_tuning(
    run: Run, described: Description, model: Subject, progress: Callable[[int, int], None] | None
) -> Description:
    curves = tuned(run, model, described.maps["layer"], progress)
    curves["tuning"] = [tuned_words(one) for one in curves.to_dict("records")]
    return replace(described, maps=described.maps.merge(curves, on=["layer", "channel"], how="left"))


def _row(one: Described, units: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"description": sentence(one, units), "described": one.described}
    row |= {"dead": one.fact is None and not one.seldom, "seldom": one.seldom}
    row |= {"fact": one.fact and one.fact.name, "measure": None, "score": one.score, "ci_low": one.low}
    row |= {"ci_high": one.high, "chance": one.chance, "explained": one.explained, "direction": None}
    row |= {"most_active": one.where or None, "value_score": one.value_score}
    if one.fact is not None:
        row["measure"] = "AUC" if one.fact.kind == "yes_no" else "R2"
        if one.fact.kind != "values" and not one.where:
            row["direction"] = "more" if one.more else "less"
    row |= {"next_fact": one.next_fact and one.next_fact.name, "next_score": one.next_score}
    row |= {"next_chance": one.next_chance, "score_within": one.score_within, "next_within": one.next_within}
    return row | {"told_apart": one.told_apart}


def _by_layer(maps: pd.DataFrame) -> pd.DataFrame:
    mostly = maps["described"] & (maps["explained"] >= _MOSTLY)
    each = maps.assign(mostly=mostly).groupby("layer", sort=False)
    found: pd.DataFrame = each.agg(
        maps=("described", "size"),
        dead=("dead", "sum"),
        seldom=("seldom", "sum"),
        described=("described", "sum"),
        mostly=("mostly", "sum"),
        explained=("explained", "median"),
    ).reset_index()
    for name, before in (("described", ""), ("mostly", "mostly_")):
        low, high = share_interval(found[name].to_numpy(), found["maps"].to_numpy())
        share = found[name] / found["maps"]
        found = found.assign(**{f"{before}share": share, f"{before}ci_low": low, f"{before}ci_high": high})
    return found


def _of(task: str, progress: Report | None) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, total: progress(task, done, total)
