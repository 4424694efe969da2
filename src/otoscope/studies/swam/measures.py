"""From the rows of the study to the numbers by which its claims are judged."""

from __future__ import annotations

from collections.abc import Callable, Sized
from contextlib import suppress
from itertools import combinations
from typing import Any

import numpy as np

from otoscope.dsp.similarity import rank_correlation
from otoscope.studies.estimate import Estimate, difference, mean_of, resampled
from otoscope.studies.found import Found
from otoscope.studies.swam.trained import FREE, FRONT_ENDS, LARGE, SPEAKERS, WORDS
from otoscope.studies.swam.voices import STAND_INS

TABLE_4 = {
    "A": ("0.3457", "0.0", "0.0", "0.0", "0.0"),
    "B": ("4.5024", "3.0179", "3.7923", "8.8337", "12.5639"),
    "beta_avg": ("41.2059", "72.0779", "70.5769", "65.8626", "62.1708"),
    "mu": ("0.8925", "0.4402", "0.5149", "0.7679", "0.7788"),
    "mu_avg": ("0.7434", "0.307", "0.3313", "0.4056", "0.462"),
}
"""As printed, layers I to V."""

FEWEST_NETWORKS = 6
"""Of a task, that a rank correlation is taken over."""

DIGITS = 4
"""Places behind the point to which the table is rounded; it leaves zeros at the end out."""


SINGLE, DOUBLE = 1e-4, 1e-9
"""Differences that rounding does not exceed, of numbers of single and of double precision."""


def fourier_error(found: Found) -> Estimate:
    """The share of random sounds of which the STRS of a Fourier basis is the spectrum of the frames."""
    errors = found.values("fourier", "error")
    return Estimate(
        float((errors < SINGLE).mean()), of=f"{len(errors)} random sounds, largest difference {errors.max():.1e}"
    )


def cosine_error(found: Found) -> Estimate:
    """The share of layers whose mu is the cosine of beta_min."""
    tables = [name for name in ("published_geometry", "geometry", "pooling") if found.rows(name)]
    mu, angle = (np.concatenate([found.values(table, name) for table in tables]) for name in ("mu", "beta_min"))
    errors = np.abs(mu - np.cos(np.deg2rad(angle)))
    return Estimate(float((errors < DOUBLE).mean()), of=f"{len(mu)} layers, largest difference {errors.max():.1e}")


def average_is_no_cosine(found: Found) -> Estimate:
    """The share of layers whose mu_avg is another number than the cosine of beta_avg."""
    tables = [name for name in ("published_geometry", "geometry", "pooling") if found.rows(name)]
    mu, angle = (np.concatenate([found.values(table, name) for table in tables]) for name in ("mu_avg", "beta_avg"))
    apart = np.abs(mu - np.cos(np.deg2rad(angle)))
    return Estimate(float((apart > DOUBLE).mean()), of=f"{len(mu)} layers, smallest difference {apart.min():.1e}")


def matches(found: Found) -> list[tuple[str, int, str, float, bool]]:
    """Of each number of Table 4 the measure, the layer, what is printed, ours, and whether they are equal."""
    return [
        (measure, layer, printed, float(ours), round(float(ours), DIGITS) == float(printed))
        for measure, row in TABLE_4.items()
        for layer, (printed, ours) in enumerate(
            zip(row, found.values("published_geometry", measure), strict=True), start=1
        )
    ]


def table_4(found: Found) -> Estimate:
    """How many of the numbers of Table 4 come out."""
    return Estimate(float(sum(same for *_, same in matches(found))), of="published InceptionNet")


# -- Trained networks -------------------------------------------------------------------------------------

PUBLISHED_A = {("subsegmental", 1)}
"""The layers whose lower frame bound is above 0 in Tables 2 and 3."""


def words_alike(found: Found) -> Estimate | None:
    """Test accuracy on words, best front-end minus worst."""
    return _over_seeds(
        found, "training", (WORDS,), lambda data, seed: float(np.ptp(_accuracies(found, data, WORDS, seed)))
    )


def words_accuracy(found: Found) -> Estimate | None:
    """Test accuracy on the words of the paper, mean of the front-ends."""
    return _accuracy(found, WORDS)


def speakers_accuracy(found: Found) -> Estimate | None:
    """Test accuracy on the speakers of the paper, mean of the front-ends."""
    return _accuracy(found, SPEAKERS)


def multiresolution_best(found: Found) -> Estimate | None:
    """Test accuracy on speakers, multi-resolution minus the better of the others."""

    def gain(data: str, seed: int) -> float:
        sub, segmental, multi = _accuracies(found, data, SPEAKERS, seed)
        return float(multi - max(sub, segmental))

    return _over_seeds(found, "training", (SPEAKERS,), gain)


def band_of_words(found: Found) -> Estimate | None:
    """Share of the CRS at 500 to 1500 Hz in networks of words, trained minus random."""
    return _gain(found, "share_500_1500", WORDS)


def band_of_speakers(found: Found) -> Estimate | None:
    """Share of the CRS at 100 to 800 Hz in networks of speakers, trained minus random."""
    return _gain(found, "share_100_800", SPEAKERS)


def higher_for_words(found: Found) -> Estimate | None:
    """Median frequency of the CRS below 2 kHz, words minus speakers."""
    return _between_tasks(found, "median_frequency", (WORDS, SPEAKERS), unit="Hz")


def speakers_above_2_khz(found: Found) -> Estimate | None:
    """Share of the CRS at 2 to 3.5 kHz, speakers minus words."""
    return _between_tasks(found, "share_2000_3500", (SPEAKERS, WORDS))


def speakers_above_4_khz(found: Found) -> Estimate | None:
    """Share of the CRS at 4 to 5 kHz, speakers minus words; nothing is said of sounds of 8 kHz."""
    return _between_tasks(found, "share_4000_5000", (SPEAKERS, WORDS), only=LARGE)


def low_bias(found: Found) -> Estimate | None:
    """Share of the cumulative response of the first layer below 1 kHz, trained minus random."""

    def gain(data: str, seed: int) -> float:
        where = {"data": data, "seed": seed, "layer": 1}
        trained, random = (found.values("geometry", "low_share", weights=w, **where) for w in ("trained", "random"))
        return float(trained.mean() - random.mean())

    return _over_seeds(found, "geometry", (WORDS, SPEAKERS), gain)


def bounds_of_words(found: Found) -> Estimate | None:
    """Layers whose A is 0 or not as in Table 2."""
    return _published_bounds(found, WORDS)


def bounds_of_speakers(found: Found) -> Estimate | None:
    """Layers whose A is 0 or not as in Table 3."""
    return _published_bounds(found, SPEAKERS)


def larger_b_for_speakers(found: Found) -> Estimate | None:
    """B, speakers minus words, mean of all layers."""
    return _geometry_between(found, "B")


def larger_mu_for_speakers(found: Found) -> Estimate | None:
    """mu of the first layer, speakers minus words."""
    return _geometry_between(found, "mu", layer=1)


def angle_grows(found: Found) -> Estimate | None:
    """beta_avg, third layer minus first."""
    return _with_depth(found, "beta_avg", "degrees")


def coherence_falls(found: Found) -> Estimate | None:
    """mu_avg, third layer minus first."""
    return _with_depth(found, "mu_avg")


def angle_grows_by_training(found: Found) -> Estimate | None:
    """beta_avg, third layer minus first, trained minus random."""
    return _with_depth(found, "beta_avg", "degrees", beyond_random=True)


def coherence_falls_by_training(found: Found) -> Estimate | None:
    """mu_avg, third layer minus first, trained minus random."""
    return _with_depth(found, "mu_avg", beyond_random=True)


def lowest_on_speakers(found: Found) -> Estimate | None:
    """mu_avg of the multi-resolution network minus the lower of the others, on speakers."""
    return _lowest(found, SPEAKERS)


def lowest_on_words(found: Found) -> Estimate | None:
    """The same on words."""
    return _lowest(found, WORDS)


def consistent(found: Found) -> Estimate | None:
    """Range of B and mu over layers, over their means: multi-resolution minus the smaller of the others."""

    def spread(data: str, seed: int, task: str, front_end: str) -> float:
        each = [_layers(found, name, data, task, front_end, seed) for name in ("B", "mu")]
        return float(np.mean([np.ptp(one) / one.mean() for one in each]))

    def less(data: str, seed: int) -> float:
        gaps = []
        for task in (WORDS, SPEAKERS):
            sub, segmental, multi = (spread(data, seed, task, front_end) for front_end in FRONT_ENDS)
            gaps.append(multi - min(sub, segmental))
        return float(np.mean(gaps))

    return _over_seeds(found, "geometry", (WORDS, SPEAKERS), less)


def localised(found: Found) -> Estimate | None:
    """Entropy of the STRS in bits, trained minus random."""

    def gain(data: str, seed: int) -> float:
        where = {"data": data, "seed": seed}
        trained, random = (found.values("localisation", "entropy", weights=w, **where) for w in ("trained", "random"))
        return float(trained.mean() - random.mean())

    return _over_seeds(found, "localisation", (WORDS, SPEAKERS), gain, "bits")


def alike_for_speakers(found: Found) -> Estimate | None:
    """The lowest correlation of the mean CRS of two speakers, mean of front-ends and tasks."""

    def lowest(data: str, seed: int) -> float:
        each = []
        for task in (WORDS, SPEAKERS):
            for front_end in FRONT_ENDS:
                where = {"data": data, "seed": seed, "task": task, "front_end": front_end, "weights": "trained"}
                values = found.values("localisation", "lowest_correlation", **where)
                each.append(float(np.nanmin(values)) if np.isfinite(values).any() else np.nan)
        return float(np.nanmean(each)) if np.isfinite(each).any() else np.nan

    return _over_seeds(found, "localisation", (WORDS, SPEAKERS), lowest)


def consistency_and_accuracy(found: Found) -> Estimate | None:
    """Rank correlation of test accuracy with the range of mu over layers."""
    return _with_accuracy(
        found,
        (WORDS, SPEAKERS),
        lambda data, task, front_end, seed: float(np.ptp(_layers(found, "mu", data, task, front_end, seed))),
    )


def narrow_where_low(found: Found) -> Estimate | None:
    """Share of kernels of one narrow contour among those below 1 kHz, minus that among those above."""

    def gap(data: str, seed: int) -> float:
        gaps = []
        for front_end in FRONT_ENDS:
            row = _kernels(found, data, front_end, seed)
            high = row["kernels"] - row["low"]
            if row["low"] and high:
                gaps.append(row["narrow_low"] / row["low"] - row["narrow_high"] / high)
        return float(np.mean(gaps)) if gaps else np.nan

    return _over_seeds(found, "kernels", (WORDS,), gap)


def most_localised(found: Found) -> Estimate | None:
    """Product of the spreads of kernels in time and frequency, multi-resolution minus segmental."""

    def gap(data: str, seed: int) -> float:
        multi, segmental = (_kernels(found, data, name, seed)["product"] for name in ("multiresolution", "segmental"))
        return float(multi - segmental)

    return _over_seeds(found, "kernels", (WORDS,), gap)


def evenness_and_accuracy(found: Found) -> Estimate | None:
    """Rank correlation of test accuracy with the evenness of the cumulative response."""
    return _with_accuracy(
        found,
        (WORDS,),
        lambda data, task, front_end, seed: float(_kernels(found, data, front_end, seed)["evenness"]),
    )


def higher_in_the_deep_one(found: Found) -> Estimate | None:
    """Mean mu_avg of the layers, the published InceptionNet minus the three front-ends."""
    deep = float(found.values("published_geometry", "mu_avg").mean())

    def gap(data: str, seed: int) -> float:
        small = found.values("geometry", "mu_avg", data=data, seed=seed, weights="trained")
        return deep - float(small.mean())

    return _over_seeds(found, "geometry", (WORDS, SPEAKERS), gap)


# -- Residual network -------------------------------------------------------------------------------------

POINTWISE, ADDED, BEFORE = ".nin", ".conv3", ".conv2"
"""Ends of the names of the layers of a residual block: on the skip path, added to it, and the one before."""


def coherence_grows(found: Found) -> Estimate | None:
    """Rank correlation of mu_avg with the number of the layer."""
    return _of_residual(found, _rank_with_depth)


def coherence_grows_by_training(found: Found) -> Estimate | None:
    """The same, trained minus random."""
    return _of_residual(found, _rank_with_depth, beyond_random=True)


def skip_holds_back(found: Found) -> Estimate | None:
    """mu_avg of the convolution of each block that is added to the skip path, minus that of the one before."""
    return _of_residual(found, _added_minus_before)


def skip_holds_back_by_training(found: Found) -> Estimate | None:
    """The same, trained minus random."""
    return _of_residual(found, _added_minus_before, beyond_random=True)


def _rank_with_depth(coherence: dict[str, float]) -> float:
    """Of the layers in their order, those of one tap on the skip paths left out."""
    values = [value for name, value in coherence.items() if not name.endswith(POINTWISE)]
    return rank_correlation(np.arange(len(values)), values)


def _added_minus_before(coherence: dict[str, float]) -> float:
    gaps = [
        value - coherence[name.removesuffix(ADDED) + BEFORE]
        for name, value in coherence.items()
        if name.endswith(ADDED)
    ]
    return float(np.mean(gaps))


def _of_residual(
    found: Found, score: Callable[[dict[str, float]], float], *, beyond_random: bool = False
) -> Estimate | None:
    """The mean over seeds of a score of mu_avg by layer."""
    data = LARGE if found.rows("residual", data=LARGE, weights="trained") else FREE
    seeds = found.distinct("residual", "seed", data=data, weights="trained")
    if not seeds:
        return None

    def of(seed: int, weights: str) -> float:
        rows = found.rows("residual", data=data, seed=seed, weights=weights)
        return score({row["layer"]: row["mu_avg"] for row in rows})

    scores = [of(seed, "trained") - (of(seed, "random") if beyond_random else 0.0) for seed in seeds]
    said = "ASVspoof 2019 LA" if data == LARGE else "FSDD digits"
    return mean_of(scores, f"Res-TSSDNet on {said}, {_count(seeds, 'seed')}")


# -- Genuine and made speech ------------------------------------------------------------------------------


def spectra_differ(found: Found) -> Estimate | None:
    """Distance of the mean CRS of genuine and made speech minus the largest by chance, over it, over speakers."""
    data = _spoof_data(found, "spoofing_crs")
    rows = [row for row in found.rows("spoofing_crs", data=data) if row["weights"] != "random"]
    speakers = list(dict.fromkeys(row["speaker"] for row in rows))
    if not speakers:
        return None
    gaps = [
        float(np.mean([row["distance"] / row["chance"] - 1 for row in rows if row["speaker"] == speaker]))
        for speaker in speakers
    ]
    return mean_of(gaps, f"{_said_of_spoofs(data)}, {len(speakers)} speakers")


def made_is_told(found: Found, group: str) -> Estimate | None:
    """Accuracy of telling one kind of made speech from genuine speech, mean of both networks, over folds."""
    data = _spoof_data(found, "spoofing")
    folds = _folds(found, data, group)
    if not len(folds):
        return None
    return mean_of(folds, f"{_said_of_spoofs(data, group)}, {len(folds)} folds")


def conversion_is_harder(found: Found) -> Estimate | None:
    """Accuracy on voice conversion minus that on text-to-speech."""
    data = _spoof_data(found, "spoofing")
    conversion, speech = _folds(found, data, "VC"), _folds(found, data, "TTS")
    if not len(conversion) or not len(speech):
        return None
    return difference(conversion, speech, f"{_said_of_spoofs(data)}, {len(speech)} folds each")


def told_by_training(found: Found) -> Estimate | None:
    """Accuracy over all kinds of made speech, networks that were trained minus random ones."""
    data = _spoof_data(found, "spoofing")
    groups = found.distinct("spoofing", "group", data=data)
    each = [
        (_folds(found, data, group), _folds(found, data, group, random=True))
        for group in groups
        if len(_folds(found, data, group, random=True))
    ]
    if not each:
        return None
    gaps = np.mean([trained - random for trained, random in each if len(trained) == len(random)], axis=0)
    return mean_of(gaps, f"{_said_of_spoofs(data)}, {len(gaps)} folds")


def _spoof_data(found: Found, table: str) -> str:
    return LARGE if found.rows(table, data=LARGE) else FREE


def _said_of_spoofs(data: str, group: str = "") -> str:
    if data == LARGE:
        return "ASVspoof 2019 LA"
    return f"FSDD, {STAND_INS[group]}" if group else "FSDD, vocoders in place of spoofs"


def _folds(found: Found, data: str, group: str, *, random: bool = False) -> np.ndarray:
    """The accuracy of each fold, mean of networks (each the mean of its seeds), (fold,)."""
    rows = [row for row in found.rows("spoofing", data=data, group=group) if (row["weights"] == "random") == random]
    folds, networks = ({row[name] for row in rows} for name in ("fold", "network"))
    return np.array(
        [
            np.mean([
                np.mean([row["accuracy"] for row in rows if (row["fold"], row["network"]) == (fold, network)])
                for network in sorted(networks)
            ])
            for fold in sorted(folds)
        ]
    )  # fmt: skip


# -- Of front-ends ----------------------------------------------------------------------------------------


def front_ends_differ(found: Found) -> Estimate | None:
    """Correlation distance of mean CRS between front-ends minus that between seeds of one; over front-ends."""
    spectra: dict[tuple[str, str], list[np.ndarray]] = {}
    for kept in found.tables.get("response", ()):
        first = kept.rows[0]
        if first["weights"] == "trained" and "crs" in kept.results:
            spectra.setdefault((first["task"], first["front_end"]), []).append(kept.result("crs")["crs"].values)
    gaps = []
    for task in (WORDS, SPEAKERS):
        own = {name: spectra.get((task, name), []) for name in FRONT_ENDS}
        if min(map(len, own.values())) < 2:
            return None
        for name, mine in own.items():
            within = np.mean([_distance(a, b) for a, b in combinations(mine, 2)])
            others = [one for other in FRONT_ENDS if other != name for one in own[other]]
            gaps.append(float(np.mean([_distance(a, b) for a in mine for b in others]) - within))
    return mean_of(gaps, f"FSDD, {len(gaps)} networks by task and front-end")


# -- Parts of measures ------------------------------------------------------------------------------------


def _data_of(found: Found, table: str, of: tuple[str, ...]) -> str | None:
    """The data of the paper where all of these tasks are there on it, and else the free one."""
    there = [{row["data"] for row in found.rows(table, task=task)} for task in of]
    both = set.intersection(*there)
    return LARGE if LARGE in both else min(both, default=None)


def _over_seeds(
    found: Found, table: str, of: tuple[str, ...], score: Callable[[str, int], float], unit: str = "",
    only: str | None = None,
) -> Estimate | None:  # fmt: skip
    """The mean of a score over the seeds of which all networks are there."""
    data = _data_of(found, table, of)
    if data is None or only not in (None, data):
        return None
    where = {"data": data} if table == "training" else {"data": data, "weights": "trained"}
    sets = [set(found.distinct(table, "seed", task=task, front_end=f, **where)) for task in of for f in FRONT_ENDS]
    seeds = sorted(set.intersection(*sets))
    if not seeds:
        return None
    scores = np.array([score(data, seed) for seed in seeds])
    if not np.isfinite(scores).any():
        return None
    return mean_of(scores, f"{_said(data, of)}, {_count(seeds, 'seed')}", unit)


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _said(data: str, of: tuple[str, ...]) -> str:
    names = {LARGE: {WORDS: "Speech Commands", SPEAKERS: "LibriSpeech"}}.get(data, {})
    said = " and ".join(dict.fromkeys(names.get(task, f"FSDD {task}") for task in of))
    return said.replace("FSDD words", "FSDD digits")


def _accuracies(found: Found, data: str, task: str, seed: int) -> list[float]:
    return [
        float(found.one("training", "test_accuracy", data=data, task=task, seed=seed, front_end=front_end))
        for front_end in FRONT_ENDS
    ]


def _accuracy(found: Found, task: str) -> Estimate | None:
    def mean(data: str, seed: int) -> float:
        return float(np.mean(_accuracies(found, data, task, seed)))

    return _over_seeds(found, "training", (task,), mean, only=LARGE)


def _gain(found: Found, column: str, task: str) -> Estimate | None:
    """A column of the response, trained minus random, mean of clips and front-ends."""

    def gain(data: str, seed: int) -> float:
        where = {"data": data, "seed": seed, "task": task}
        trained, random = (found.values("response", column, weights=one, **where) for one in ("trained", "random"))
        return float(trained.mean() - random.mean())

    return _over_seeds(found, "response", (task,), gain)


def _between_tasks(
    found: Found, column: str, order: tuple[str, str], unit: str = "", only: str | None = None
) -> Estimate | None:
    """A column of the response of trained networks to the same clips, first task minus second."""

    def gap(data: str, seed: int) -> float:
        sides: list[dict[str, float]] = [{}, {}]
        for side, task in zip(sides, order, strict=True):
            rows = found.rows("response", data=data, seed=seed, task=task, weights="trained")
            for clip in dict.fromkeys((row["sounds"], row["clip"]) for row in rows):
                side[str(clip)] = float(np.mean([r[column] for r in rows if (r["sounds"], r["clip"]) == clip]))
        shared = [clip for clip in sides[0] if clip in sides[1]]
        return float(np.mean([sides[0][clip] - sides[1][clip] for clip in shared])) if shared else float("nan")

    return _over_seeds(found, "response", (WORDS, SPEAKERS), gap, unit, only)


def _layers(found: Found, column: str, data: str, task: str, front_end: str, seed: int, **more: Any) -> np.ndarray:
    where = {"data": data, "task": task, "front_end": front_end, "seed": seed, "weights": "trained", **more}
    return found.values("geometry", column, **where)


def _kernels(found: Found, data: str, front_end: str, seed: int) -> dict[str, Any]:
    """The row of the first layer of a trained network of words."""
    (row,) = found.rows("kernels", data=data, task=WORDS, front_end=front_end, seed=seed, weights="trained")
    return row


def _with_accuracy(found: Found, of: tuple[str, ...], value: Callable[[str, str, str, int], float]) -> Estimate | None:
    """Rank correlation of a number of trained networks with their test accuracy, over networks, mean of the tasks.

    The interval is that of a bootstrap over the networks.
    """
    data = _data_of(found, "training", of)
    if data is None:
        return None
    pairs: dict[str, list[tuple[float, float]]] = {}
    for task in of:
        for row in found.rows("training", data=data, task=task):
            with suppress(ValueError):  # a network whose first layer has not been looked at
                number = value(data, task, row["front_end"], row["seed"])
                pairs.setdefault(task, []).append((float(row["test_accuracy"]), number))
    count = min(map(len, pairs.values()), default=0)
    if len(pairs) < len(of) or count < FEWEST_NETWORKS:
        return None

    def score(drawn: np.ndarray) -> float:
        each = [np.array(pairs[task][:count])[drawn] for task in of]
        found = [rank_correlation(one[:, 0], one[:, 1]) for one in each]
        return float(np.nanmean(found)) if np.isfinite(found).any() else np.nan

    return resampled(score, count, f"{_said(data, of)}, {count} networks a task")


def _published_bounds(found: Found, task: str) -> Estimate | None:
    def right(data: str, seed: int) -> float:
        return float(
            sum(
                (a > 1e-6) == ((front_end, layer) in PUBLISHED_A)
                for front_end in FRONT_ENDS
                for layer, a in enumerate(_layers(found, "A", data, task, front_end, seed), start=1)
            )
        )

    counted = _over_seeds(found, "geometry", (task,), right)
    return counted and Estimate(counted.value, of=counted.of)  # a count that is right or wrong, without an interval


def _geometry_between(found: Found, column: str, **where: Any) -> Estimate | None:
    def gap(data: str, seed: int) -> float:
        each = [
            np.mean([_layers(found, column, data, task, front_end, seed, **where) for front_end in FRONT_ENDS])
            for task in (SPEAKERS, WORDS)
        ]
        return float(each[0] - each[1])

    return _over_seeds(found, "geometry", (WORDS, SPEAKERS), gap)


def _with_depth(found: Found, column: str, unit: str = "", *, beyond_random: bool = False) -> Estimate | None:
    def gap(data: str, seed: int, weights: str = "trained") -> float:
        layers = [
            _layers(found, column, data, task, front_end, seed, weights=weights)
            for task in (WORDS, SPEAKERS)
            for front_end in FRONT_ENDS
        ]
        return float(np.mean([one[-1] - one[0] for one in layers]))

    def beyond(data: str, seed: int) -> float:
        return gap(data, seed) - gap(data, seed, "random")

    return _over_seeds(found, "geometry", (WORDS, SPEAKERS), beyond if beyond_random else gap, unit)


def _lowest(found: Found, task: str) -> Estimate | None:
    def gap(data: str, seed: int) -> float:
        sub, segmental, multi = (
            float(_layers(found, "mu_avg", data, task, front_end, seed).mean()) for front_end in FRONT_ENDS
        )
        return multi - min(sub, segmental)

    return _over_seeds(found, "geometry", (task,), gap)


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(1 - np.corrcoef(a, b)[0, 1])
