"""From the rows of the study to the numbers by which its claims are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from otoscope.dsp.statistics import mean_interval
from otoscope.studies.estimate import Estimate, mean_of
from otoscope.studies.found import Found
from otoscope.studies.sonification.encoders import (
    ALL,
    CNN12,
    CONTRASTIVE,
    FREE,
    FULL,
    LARGE,
    LINEAR,
    NONE,
    STRIDED,
    SUPERVISED,
    TWICE,
)

PUBLISHED_MILLIONS = {"cnn12": 14, "cnn12-x2": 53}
DEEP, MIDDLE = tuple(range(8, 12)), tuple(range(3, 8))
"""Layers."""


def sizes(found: Found) -> Estimate:
    """Of how many encoders the number of weights rounds to the published millions."""
    right = [
        round(found.one("sizes", "weights", model=name) / 1e6) == millions
        for name, millions in PUBLISHED_MILLIONS.items()
    ]
    return Estimate(float(sum(right)), of="the encoders of the zoo")


def sounds_read(found: Found, set: str) -> Estimate | None:
    """The sounds of the official parts of a data set that are there."""
    values = found.values("sets", "sounds", set=set)
    return Estimate(float(values[0]), of=set) if len(values) else None


def any_shift(found: Found) -> Estimate | None:
    """The correlation of sonifications moved by an offset that is no multiple of the hop."""
    return _shifted(found, exact=False)


def hop_shift(found: Found) -> Estimate | None:
    """The correlation of sonifications moved by a multiple of the hop."""
    return _shifted(found, exact=True)


def _shifted(found: Found, *, exact: bool) -> Estimate | None:
    """Mean of the layers of each clip, over clips."""
    clips = []
    for clip in found.distinct("shift", "clip"):
        rows = [row for row in found.rows("shift", clip=clip) if (row["rest"] == 0) == exact]
        values = [row["correlation"] for row in rows if row["correlation"] is not None]
        if values:
            clips.append(float(np.mean(values)))
    return mean_of(clips, f"ESC-10, {len(clips)} clips, fsdd-digit") if clips else None


# -- Runs and clips ---------------------------------------------------------------------------------------

_OF = {FREE: "FSDD and ESC-10", LARGE: "data of the thesis"}
OfRun = Callable[[str, int], float | None]


def _data(found: Found, table: str, **where: Any) -> str:
    """The data of the thesis where there are rows of it, else the free data."""
    return LARGE if found.rows(table, data=LARGE, **where) else FREE


def over_runs(found: Found, table: str, value: OfRun, said: str = "", unit: str = "", **where: Any) -> Estimate | None:
    """The mean over runs of what is made of the data and a seed; None where no run has it."""
    data = _data(found, table, **where)
    seeds = sorted({row["seed"] for row in found.rows(table, data=data, **where)})
    each = [value(data, seed) for seed in seeds]
    values = [one for one in each if one is not None and np.isfinite(one)]
    if not values:
        return None
    return mean_of(values, f"{said or _OF[data]}, {len(values)} run{'s' if len(values) > 1 else ''}", unit)


def over_runs_and_clips(table: np.ndarray, of: str, unit: str = "") -> Estimate | None:
    """The mean of values (run, clip), with the hull of its intervals over runs and over clips.

    So it holds only where neither other trainings nor other clips would be likely to change it. NaN is left out.

    Examples
    --------
    >>> values = np.array([[1.0, 2.0, 3.0], [1.5, 2.5, 3.5]])
    >>> over_runs_and_clips(values, "toy").interval
    '-0.9266 to 5.427'
    """
    if not np.isfinite(table).any():
        return None
    runs = np.array([np.nanmean(one) for one in table if np.isfinite(one).any()])
    clips = np.array([np.nanmean(one) for one in table.T if np.isfinite(one).any()])
    bounds = [mean_interval(one)[1:] for one in (runs, clips)]
    lows, highs = ([float(one[side]) for one in bounds] for side in (0, 1))
    low, high = (np.nan, np.nan) if len(runs) < 2 else (min(lows), max(highs))
    said = f"{of}, {len(runs)} run{'s' if len(runs) > 1 else ''}, {table.shape[1]} clips"
    return Estimate(float(runs.mean()), low, high, said, unit)


def _clips(found: Found, start: str, measure: str, layers: Sequence[int], data: str) -> dict[int, np.ndarray]:
    """Of each run a measure of each clip (clip,), mean over layers."""
    each = {}
    for kept in found.tables.get("heard", ()):
        row = kept.rows[0] if kept.rows else {}
        if row.get("start") == start and row.get("data") == data and "clips" in kept.results:
            values = kept.result("clips")[measure].sel(layer=list(layers)).values
            finite = np.isfinite(values)
            total = np.where(finite, values, 0).sum(-1)
            each[int(row["seed"])] = np.divide(
                total, finite.sum(-1), out=np.full(len(total), np.nan), where=finite.any(-1)
            )
    return each


def _between(
    found: Found, measure: str, first: tuple[str, Sequence[int]], second: tuple[str, Sequence[int]]
) -> Estimate | None:
    """A measure of clips, of one encoder in some layers minus of another (or the same) in others, run by run."""
    data = _data(found, "heard")
    one, other = (_clips(found, start, measure, layers, data) for start, layers in (first, second))
    seeds = sorted(set(one) & set(other))
    if not seeds:
        return None
    return over_runs_and_clips(np.stack([one[seed] - other[seed] for seed in seeds]), _OF[data])


# -- Scores of trainings ----------------------------------------------------------------------------------


def score_of(
    found: Found, data: str, seed: int, task: str, start: str, mode: str = FULL, network: str = CNN12,
    variant: str = ALL,
) -> float | None:  # fmt: skip
    """The test score of a training (of a linear classifier on the free data, that of the probe); None without it."""
    if mode == LINEAR and data == FREE:
        rows = found.rows("probe", data=data, seed=seed, task=task, start=start, layer=11, share=1.0)
        return float(rows[0]["score"]) if rows and network == CNN12 and variant == ALL else None
    where = {"task": task, "start": start, "mode": mode, "network": network, "variant": variant}
    rows = found.rows("transfer", data=data, seed=seed, **where)
    if not rows and data == LARGE and task == "audioset" and start == NONE:
        rows = found.rows("encoder", data=data, seed=seed, start=SUPERVISED, network=network, variant=ALL)
    for row in rows:
        for name in ("test_mean_average_precision", "test_accuracy"):
            if row.get(name) is not None:
                return float(row[name])
    return None


Way = tuple[str, str]
"""Start and mode."""


def _gain(found: Found, task: tuple[str, str], first: Way, *others: Way, network: str = CNN12) -> Estimate | None:
    """The score after one way of training minus the best of others; of the first task here, of the second at full
    scale."""

    def value(data: str, seed: int) -> float | None:
        name = task[data == LARGE]
        one = score_of(found, data, seed, name, *first, network=network)
        rest = [score_of(found, data, seed, name, *other) for other in others]
        known = [score for score in rest if score is not None]
        return one - max(known) if one is not None and len(known) == len(others) else None

    return over_runs(found, "transfer", value, _said(found, task))


def _said(found: Found, task: tuple[str, str]) -> str:
    data = _data(found, "transfer")
    return f"{_OF[data]}, {task[data == LARGE]}"


EVENTS, WORDS, SPEAKERS = ("events", "events"), ("digits", "words"), ("speakers", "speakers")
AUDIOSET = ("digits", "audioset")
"""The task here and the one at full scale. That of the encoder's own labels is digits here; for words, which no encoder
of the thesis was told, there are the speakers here."""
UNTOLD = ("speakers", "words")
C_FULL, C_LINEAR = (CONTRASTIVE, FULL), (CONTRASTIVE, LINEAR)
S_FULL, S_LINEAR = (SUPERVISED, FULL), (SUPERVISED, LINEAR)
SCRATCH = (NONE, FULL)


def _variant(found: Found, first: str, *others: str) -> Estimate | None:
    """The score of a linear classifier on encoders trained without labels, one variant minus the best of others."""

    def score(data: str, seed: int, variant: str) -> float | None:
        if data == LARGE:
            return score_of(found, data, seed, "balanced", CONTRASTIVE, LINEAR, variant=variant)
        values = [row["score"] for row in found.rows("variant", data=data, seed=seed, variant=variant, network=CNN12)]
        return float(np.mean(values)) if values else None

    def value(data: str, seed: int) -> float | None:
        one, rest = score(data, seed, first), [score(data, seed, other) for other in others]
        known = [other for other in rest if other is not None]
        return one - max(known) if one is not None and len(known) == len(others) else None

    table = "transfer" if found.rows("transfer", data=LARGE, task="balanced") else "variant"
    return over_runs(found, table, value)


def augmentations(found: Found) -> Estimate | None:
    """All augmentations minus gain alone."""
    return _variant(found, ALL, "gain")


def temperature(found: Found) -> Estimate | None:
    """A temperature of 0.1 minus the better of 0.2 and 0.3."""
    return _variant(found, ALL, "0.2", "0.3")


def width_linear(found: Found) -> Estimate | None:
    """Twice the width minus the width, of linear classifiers on encoders trained without labels."""

    def value(data: str, seed: int) -> float | None:
        if data == LARGE:
            wide, narrow = (
                score_of(found, data, seed, "balanced", CONTRASTIVE, LINEAR, network) for network in (TWICE, CNN12)
            )
        else:
            wide, narrow = (
                _mean_score(found, "variant", seed=seed, variant=ALL, network=network) for network in (TWICE, CNN12)
            )
        return wide - narrow if wide is not None and narrow is not None else None

    table = "transfer" if found.rows("transfer", data=LARGE, task="balanced") else "variant"
    return over_runs(found, table, value)


def _mean_score(found: Found, table: str, **where: Any) -> float | None:
    values = [row["score"] for row in found.rows(table, **where)]
    return float(np.mean(values)) if values else None


def whole_above_linear(found: Found) -> Estimate | None:
    """The whole network minus a linear classifier, both from the encoder trained without labels."""
    return _gain(found, ("digits", "balanced"), C_FULL, C_LINEAR)


def contrastive_helps(found: Found) -> Estimate | None:
    """Pre-trained and fine-tuned minus from random weights, on the set of the pre-training."""
    return _gain(found, AUDIOSET, C_FULL, SCRATCH)


def linear_below(found: Found) -> Estimate | None:
    """A linear classifier minus training from random weights, on the set of the pre-training."""
    return _gain(found, AUDIOSET, C_LINEAR, SCRATCH)


def width_audioset(found: Found) -> Estimate | None:
    """Twice the width minus the width, fine-tuned on AudioSet."""
    return _wide(found, ("", "audioset"))


def below_others(found: Found) -> Estimate | None:
    """The score of CNN12 on AudioSet."""
    return _absolute(found, "audioset", C_FULL, 0.372)


def contrastive_helps_second(found: Found) -> Estimate | None:
    """Pre-trained and fine-tuned minus from random weights, on events."""
    return _gain(found, EVENTS, C_FULL, SCRATCH)


def supervised_helps_more(found: Found) -> Estimate | None:
    """Supervised minus contrastive pre-training, both fine-tuned, on FSD50K."""
    return _gain(found, ("", "events"), S_FULL, C_FULL)


def linear_above(found: Found) -> Estimate | None:
    """A linear classifier minus fine-tuning after supervised pre-training, on FSD50K."""
    return _gain(found, ("", "events"), S_LINEAR, S_FULL)


def linear_below_second(found: Found) -> Estimate | None:
    """A linear classifier on the contrastive encoder minus from random weights, on events."""
    return _gain(found, EVENTS, C_LINEAR, SCRATCH)


def width_second(found: Found) -> Estimate | None:
    """Twice the width minus the width, fine-tuned on events."""
    return _wide(found, EVENTS)


def _wide(found: Found, task: tuple[str, str]) -> Estimate | None:
    def value(data: str, seed: int) -> float | None:
        name = task[data == LARGE]
        wide, narrow = (score_of(found, data, seed, name, CONTRASTIVE, FULL, network) for network in (TWICE, CNN12))
        return wide - narrow if wide is not None and narrow is not None else None

    return over_runs(found, "transfer", value, _said(found, task))


def above_baselines(found: Found) -> Estimate | None:
    """The score on FSD50K of a linear classifier after supervised pre-training, minus 0.434."""
    return _absolute(found, "events", S_LINEAR, 0.434)


def near_leaf(found: Found) -> Estimate | None:
    """The accuracy on the speakers of VoxCeleb1."""
    return _absolute(found, "speakers", C_FULL, 0.0)


def _absolute(found: Found, task: str, way: Way, less: float) -> Estimate | None:
    """A score that means something on the data of the thesis alone."""

    def value(data: str, seed: int) -> float | None:
        score = score_of(found, data, seed, task, *way) if data == LARGE else None
        return None if score is None else score - less

    return over_runs(found, "transfer", value, _said(found, ("", task)))


def contrastive_best_on_words(found: Found) -> Estimate | None:
    """Contrastive and fine-tuned minus the better of supervised and none, on what no encoder was told."""
    return _gain(found, UNTOLD, C_FULL, S_FULL, SCRATCH)


def linear_far_below(found: Found) -> Estimate | None:
    """The better linear classifier minus from random weights, on what no encoder was told."""

    def value(data: str, seed: int) -> float | None:
        name = UNTOLD[data == LARGE]
        linear = [score_of(found, data, seed, name, *way) for way in (C_LINEAR, S_LINEAR)]
        scratch = score_of(found, data, seed, name, *SCRATCH)
        known = [one for one in linear if one is not None]
        return max(known) - scratch if len(known) == 2 and scratch is not None else None

    return over_runs(found, "transfer", value, _said(found, UNTOLD))


def supervised_frozen_better(found: Found) -> Estimate | None:
    """Linear classifiers, supervised minus contrastive, on what no encoder was told."""
    return _gain(found, UNTOLD, S_LINEAR, C_LINEAR)


def contrastive_helps_speakers(found: Found) -> Estimate | None:
    """Contrastive and fine-tuned minus from random weights, on speakers."""
    return _gain(found, SPEAKERS, C_FULL, SCRATCH)


def linear_above_scratch(found: Found) -> Estimate | None:
    """A linear classifier on the contrastive encoder minus from random weights, on speakers."""
    return _gain(found, SPEAKERS, C_LINEAR, SCRATCH)


# -- Sounds -----------------------------------------------------------------------------------------------


def strides_distort(found: Found) -> Estimate | None:
    """Coherence with the input, max pooling minus strides, mean of all layers."""
    every = tuple(range(1, 12))
    return _between(found, "coherence", (SUPERVISED, every), (STRIDED, every))


def whole_layer_is_poor(found: Found) -> Estimate | None:
    """Coherence with the input, the whole layer minus its most active map, mean of encoders and layers."""
    data, every = _data(found, "heard"), tuple(range(1, 12))
    tables = []
    for start in (CONTRASTIVE, SUPERVISED):
        whole, one = (_clips(found, start, name, every, data) for name in ("coherence_layer", "coherence"))
        tables.append([whole[seed] - one[seed] for seed in sorted(whole)])
    if not all(tables) or len(tables[0]) != len(tables[1]):
        return None
    return over_runs_and_clips(np.mean(np.array(tables), 0), _OF[data])


def first_layers_alike(found: Found) -> Estimate | None:
    """Band selectivity of layer 1, contrastive minus supervised, over its mean."""
    return over_runs(found, "heard", lambda data, seed: _relative(found, "selectivity", data, seed, (1,)))


def _relative(found: Found, measure: str, data: str, seed: int, layers: Sequence[int]) -> float | None:
    values = []
    for start in (CONTRASTIVE, SUPERVISED):
        of = found.values("heard", measure, data=data, seed=seed, start=start, layer=tuple(layers))
        if not np.isfinite(of).any():
            return None
        values.append(float(np.nanmean(of)))
    return (values[0] - values[1]) / float(np.mean(values))


def fewer_active(found: Found) -> Estimate | None:
    """Share of active maps of layers 8 to 11, supervised minus contrastive."""
    return _between(found, "active", (SUPERVISED, DEEP), (CONTRASTIVE, DEEP))


def more_selective(found: Found) -> Estimate | None:
    """Band selectivity of layers 8 to 11, supervised minus contrastive."""
    return _between(found, "selectivity", (SUPERVISED, DEEP), (CONTRASTIVE, DEEP))


def higher_contrastive(found: Found) -> Estimate | None:
    """Share above 2 kHz of the sonifications of layers 8 and 9, contrastive minus supervised."""
    return _between(found, "high_maps", (CONTRASTIVE, (8, 9)), (SUPERVISED, (8, 9)))


def middle_recognised(found: Found) -> Estimate | None:
    """Digits that a recogniser knows, supervised, layers 3 to 7 minus 8 to 11."""
    return _recognised(found, (SUPERVISED, MIDDLE), (SUPERVISED, DEEP))


def contrastive_recognised(found: Found) -> Estimate | None:
    """Digits that a recogniser knows in layers 7 to 11, contrastive minus supervised."""
    return _recognised(found, (CONTRASTIVE, range(7, 12)), (SUPERVISED, range(7, 12)))


def _recognised(found: Found, first: tuple[str, Sequence[int]], second: tuple[str, Sequence[int]]) -> Estimate | None:
    def hits(start: str, layers: Sequence[int]) -> dict[int, np.ndarray]:
        return {
            int(kept.rows[0]["seed"]): kept.result("hits")["hit"].sel(layer=list(layers)).values.mean(-1)
            for kept in found.tables.get("recognised", ())
            if kept.rows[0]["start"] == start
        }

    one, other = hits(*first), hits(*second)
    seeds = sorted(set(one) & set(other))
    if not seeds:
        return None
    return over_runs_and_clips(np.stack([one[seed] - other[seed] for seed in seeds]), "FSDD digits")


def deep_are_high(found: Found) -> Estimate | None:
    """Share above 2 kHz of supervised sonifications, layers 8 to 11 minus 3 to 7."""
    return _between(found, "high", (SUPERVISED, DEEP), (SUPERVISED, MIDDLE))


def more_in_common(found: Found) -> Estimate | None:
    """Share of the most frequent class among the top clips of a map of layer 11, contrastive minus supervised."""

    def value(data: str, seed: int) -> float | None:
        one, other = (
            found.values("top_clips", "share", data=data, seed=seed, start=start) for start in (CONTRASTIVE, SUPERVISED)
        )
        return float(one[0] - other[0]) if len(one) and len(other) else None

    return over_runs(found, "top_clips", value)


def bands_grow(found: Found) -> Estimate | None:
    """Band selectivity of layer 5, last checkpoint minus first, mean of both encoders."""
    return _growth(found, (5,))


def early_bands_grow(found: Found) -> Estimate | None:
    """Band selectivity of layers 1 to 3, last checkpoint minus first, mean of both encoders."""
    return _growth(found, (1, 2, 3))


def _growth(found: Found, layers: Sequence[int]) -> Estimate | None:
    def value(data: str, seed: int) -> float | None:
        gains = []
        for start in (CONTRASTIVE, SUPERVISED):
            where = {"data": data, "seed": seed, "start": start, "layer": tuple(layers)}
            first, last = (found.values("growth", "selectivity", step=step, **where) for step in ("0", "end"))
            if np.isfinite(first).any() and np.isfinite(last).any():
                gains.append(float(np.nanmean(last) - np.nanmean(first)))
        return float(np.mean(gains)) if gains else None

    return over_runs(found, "growth", value)


def died_in_training(found: Found) -> Estimate | None:
    """Of the maps that are dead at the end the share that is active before training, mean of both encoders."""

    def value(data: str, seed: int) -> float | None:
        rows = found.rows("growth", data=data, seed=seed, step="0")
        dead = sum(row["dead_at_end"] for row in rows)
        return 1 - sum(row["dead_then_and_at_end"] for row in rows) / dead if dead else None

    return over_runs(found, "growth", value)


def softer_supervised(found: Found) -> Estimate | None:
    """Energy of sonifications of layers 8 to 11 over that of the clip, supervised minus contrastive, in dB."""
    data = _data(found, "heard")
    one, other = (_clips(found, start, "level_power", DEEP, data) for start in (SUPERVISED, CONTRASTIVE))
    seeds = sorted(set(one) & set(other))
    if not seeds:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        table = np.stack([10 * np.log10(one[seed] / other[seed]) for seed in seeds])
    return over_runs_and_clips(np.where(np.isfinite(table), table, np.nan), _OF[data], "dB")


# -- Layers -----------------------------------------------------------------------------------------------

IN_DOMAIN, OUTSIDE = ("digits", "events"), ("speakers", "words")
"""Told to the supervised encoder, and not: here, and at full scale."""


def _layer_scores(
    found: Found, data: str, seed: int, task: str, start: str, layers: Sequence[int], table: str = "probe"
) -> np.ndarray:
    where = {"data": data, "seed": seed, "task": task, "start": start, "layer": tuple(layers)}
    return found.values(table, "score", **(where if table == "tuned" else {**where, "share": 1.0}))


def rises_with_layers(found: Found) -> Estimate | None:
    """Rank correlation of the score with the number of layers, mean over encoders, tasks and settings."""
    from scipy.stats import spearmanr

    def value(data: str, seed: int) -> float | None:
        each = []
        for table in ("probe", "tuned"):
            for task in found.distinct(table, "task", data=data, seed=seed):
                for start in (CONTRASTIVE, SUPERVISED):
                    where = {"data": data, "seed": seed, "task": task, "start": start}
                    rows = [row for row in found.rows(table, **where) if table == "tuned" or row["share"] == 1.0]
                    if len(rows) > 2 and len({row["score"] for row in rows}) > 1:
                        each.append(float(spearmanr([r["layer"] for r in rows], [r["score"] for r in rows])[0]))
        return float(np.mean(each)) if each else None

    return over_runs(found, "probe", value)


def _frozen_difference(
    found: Found, task: tuple[str, str] | None, first: str, second: str, layers: Sequence[int]
) -> Estimate | None:
    def value(data: str, seed: int) -> float | None:
        tasks = [task[data == LARGE]] if task else found.distinct("probe", "task", data=data)
        gains = []
        for one in tasks:
            a, b = (_layer_scores(found, data, seed, one, start, layers) for start in (first, second))
            if len(a) and len(a) == len(b):
                gains.append(float((a - b).mean()))
        return float(np.mean(gains)) if gains else None

    return over_runs(found, "probe", value)


def contrastive_first_layers(found: Found) -> Estimate | None:
    """Frozen layers 1 to 4, contrastive minus supervised, mean of all tasks."""
    return _frozen_difference(found, None, CONTRASTIVE, SUPERVISED, range(1, 5))


def supervised_in_domain(found: Found) -> Estimate | None:
    """Frozen layers 9 to 11 on what the supervised encoder was told, supervised minus contrastive."""
    return _frozen_difference(found, IN_DOMAIN, SUPERVISED, CONTRASTIVE, range(9, 12))


def contrastive_outside(found: Found) -> Estimate | None:
    """Frozen layers 1 to 9 on what no encoder was told, contrastive minus supervised."""
    return _frozen_difference(found, OUTSIDE, CONTRASTIVE, SUPERVISED, range(1, 10))


def middle_above_whole(found: Found) -> Estimate | None:
    """On what no encoder was told the best of layers 4 to 8 minus layer 11, frozen, mean of both encoders."""

    def value(data: str, seed: int) -> float | None:
        gains = []
        for start in (CONTRASTIVE, SUPERVISED):
            middle, last = (
                _layer_scores(found, data, seed, OUTSIDE[data == LARGE], start, layers)
                for layers in (range(4, 9), (11,))
            )
            if len(middle) and len(last):
                gains.append(float(middle.max() - last[0]))
        return float(np.mean(gains)) if gains else None

    return over_runs(found, "probe", value)


# -- Residuals --------------------------------------------------------------------------------------------


def _without(found: Found, value: Callable[[list[dict[str, Any]]], float], mode: str | None = None) -> Estimate | None:
    """The mean over runs, and over both settings, of what is made of the rows of the layers."""

    def of_run(data: str, seed: int) -> float | None:
        each = [
            value(rows)
            for one in ([mode] if mode else [FULL, LINEAR])
            if (rows := found.rows("without", data=data, seed=seed, mode=one))
        ]
        return float(np.mean(each)) if each else None

    data = _data(found, "without")
    return over_runs(found, "without", of_run, "FSDD digits" if data == FREE else "FSD50K")


def loss_without(found: Found) -> Estimate | None:
    """Score on residuals minus score on the sounds, mean of layers and settings."""
    return _without(found, lambda rows: float(np.mean([row["score"] - row["baseline"] for row in rows])))


def loss_beyond_noise(found: Found) -> Estimate | None:
    """Score on residuals minus score without noise of the same spectrum, mean of layers and settings."""
    return _without(found, lambda rows: float(np.mean([row["score"] - row["score_noise"] for row in rows])))


def _of_both(found: Found, value: Callable[[list[dict[str, Any]]], float], first: str, second: str) -> Estimate | None:
    def of_run(data: str, seed: int) -> float | None:
        one, other = (found.rows("without", data=data, seed=seed, mode=mode) for mode in (first, second))
        return value(one) - value(other) if one and other else None

    data = _data(found, "without")
    return over_runs(found, "without", of_run, "FSDD digits" if data == FREE else "FSD50K")


def frozen_varies_less(found: Found) -> Estimate | None:
    """Deviation of the loss over layers, frozen minus fine-tuned."""
    return _of_both(
        found, lambda rows: float(np.std([row["baseline"] - row["score"] for row in rows], ddof=1)), LINEAR, FULL
    )


def tuned_is_robust(found: Found) -> Estimate | None:
    """Loss over score, fine-tuned minus frozen, mean of the layers."""
    return _of_both(
        found,
        lambda rows: float(np.mean([(row["baseline"] - row["score"]) / max(row["baseline"], 1e-9) for row in rows])),
        FULL,
        LINEAR,
    )


# -- Coherence --------------------------------------------------------------------------------------------


def _by_layer(found: Found, data: str, seed: int, start: str) -> np.ndarray:
    return found.values("heard", "coherence", data=data, seed=seed, start=start)


def coherence_falls(found: Found) -> Estimate | None:
    """Rank correlation of the coherence with the number of the layer, the higher of both encoders."""
    from scipy.stats import spearmanr

    def value(data: str, seed: int) -> float | None:
        each = [_by_layer(found, data, seed, start) for start in (CONTRASTIVE, SUPERVISED)]
        if not all(len(one) > 2 for one in each):
            return None
        return max(float(spearmanr(np.arange(len(one)), one)[0]) for one in each)

    return over_runs(found, "heard", value)


def falls_slowly(found: Found) -> Estimate | None:
    """Slope of the coherence over layers, contrastive minus supervised, a layer."""

    def value(data: str, seed: int) -> float | None:
        each = [_by_layer(found, data, seed, start) for start in (CONTRASTIVE, SUPERVISED)]
        if not all(len(one) > 2 for one in each):
            return None
        one, other = (float(np.polyfit(np.arange(len(of)), of, 1)[0]) for of in each)
        return one - other

    return over_runs(found, "heard", value)


def deep_coherence(found: Found) -> Estimate | None:
    """Coherence of layers 8 to 11, contrastive minus supervised."""
    return _between(found, "coherence", (CONTRASTIVE, DEEP), (SUPERVISED, DEEP))
