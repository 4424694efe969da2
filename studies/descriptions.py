"""Describe the maps of four networks of one size on two small, free data sets, and write the tables of what came out.

    python studies/descriptions.py --out runs --tables docs/descriptions

The networks are the bundled digit, speaker and contrastive models, and the same one with random weights. Sweeps go into
folders of RUNS; what is there is kept. The data is read from ``OTOSCOPE_DATA``. The page is docs/describe.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from otoscope.descriptions.describe import Description, describe, gather
from otoscope.descriptions.maps import describe_maps
from otoscope.dsp.scores import share_interval
from otoscope.errors import InputError
from otoscope.models import load, save
from otoscope.models.zoo import build
from otoscope.runs.run import Run
from otoscope.scope import Scope

MODELS = {
    "digit": "fsdd-digit",
    "speaker": "fsdd-speaker",
    "contrastive": "fsdd-contrastive",
    "untrained": "untrained",
}
SETS = {"fsdd": "FSDD", "esc10": "ESC-10"}
KINDS = {
    "digit": "class",
    "label": "class",
    "speaker": "speaker",
    "level": "level",
    "f0": "F0, voicing",
    "voiced": "F0, voicing",
    "duration": "time",
    "onset": "time",
    "modulation_rate": "time",
    "modulation_depth": "time",
}
"""Facts in groups; what is not named here is of the spectrum."""
SPECTRUM = "spectrum"
SHOWN = ("pool1", "pool4", "pool8", "relu11")
PERMUTATIONS = 20

Described = dict[tuple[str, str], Description]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="RUNS", help="folder for the runs, or with them")
    parser.add_argument("--tables", type=Path, metavar="FOLDER", help="for a Markdown file of each table")
    parser.add_argument("--permutations", type=int, default=PERMUTATIONS, help="runs with facts that mean nothing")
    asked = parser.parse_args(arguments)
    try:
        runs = {(model, data): swept(asked.out, model, data) for data in SETS for model in MODELS}
        found = {key: describe(run) for key, run in runs.items()}
        tables = {make.__name__: make(found) for make in TABLES}
        tables["tuned"] = tuned(asked.out)
        if asked.permutations:
            tables["permuted"] = permuted(runs, asked.permutations)
    except InputError as error:
        sys.exit(f"error: {error}")
    for name, table in tables.items():
        if asked.tables is None:
            print(f"{name}\n\n{table}")
        else:
            asked.tables.mkdir(parents=True, exist_ok=True)
            (asked.tables / f"{name}.md").write_text(table, encoding="utf-8")


def swept(out: Path, model: str, data: str) -> Run:
    """The sweep of a model over a data set, made where it is not there."""
    folder = out / f"{data}-{MODELS[model]}"
    if not (folder / "run.json").exists():
        given = str(untrained(out)) if model == "untrained" else MODELS[model]
        command = [sys.executable, "-m", "otoscope", "sweep", given, data, "--methods", "activations", "--out", folder]
        if subprocess.run(list(map(str, command)), check=False).returncode not in (0, 3):
            sys.exit(f"the sweep into {folder} failed")
    return Run(folder)


def untrained(out: Path) -> Path:
    """The folder of the network of the digit model with random weights."""
    folder = out / "untrained"
    if not folder.exists():
        torch.manual_seed(0)
        model = build("cnn12", {"n_classes": 10, "width": 0.15, "dropout": 0.2})
        model.trained_length, model.padding, model.name = 6400, "repeat", "untrained"  # type: ignore[assignment]
        save(model.eval(), folder, card="# untrained\n\nRandom weights.\n")
    return folder


# -- Tables -----------------------------------------------------------------------------------------------


def shares_fsdd(found: Described) -> str:
    """The share of maps of which one fact explains half or more of what they do in FSDD, with 95 % intervals."""
    return _shares(found, "fsdd")


def shares_esc10(found: Described) -> str:
    """The same in ESC-10."""
    return _shares(found, "esc10")


def any_fact(found: Described) -> str:
    """Of how many maps at least something is known, and how many are dead."""
    rows = []
    for (model, data), one in found.items():
        maps = one.maps
        seldom, described = int(maps["seldom"].sum()), int(maps["described"].sum())
        mostly = int((maps["described"] & (maps["explained"] >= 0.5)).sum())
        low, high = _interval(described, len(maps))
        explained = maps["explained"].median()  # of those that something predicts, however badly
        rows.append([
            SETS[data], model, f"{len(maps)}", f"{int(maps['dead'].sum())}", str(seldom),
            f"{100 * described / len(maps):.1f} % ({low} to {high})", f"{100 * mostly / len(maps):.0f} %",
            f"{explained:.2f}",
        ])  # fmt: skip
    return _table(["data", "network", "maps", "dead", "seldom active", "described", "half or more", "median R2"], rows)


def facts_fsdd(found: Described) -> str:
    """What describes the maps of some layers in FSDD, in %."""
    return _facts(found, "fsdd")


def facts_esc10(found: Described) -> str:
    """What describes the maps of some layers in ESC-10, in %."""
    return _facts(found, "esc10")


def confounded(found: Described) -> str:
    """How the two best facts of a map stand to each other: of the described maps, in %."""
    rows = []
    for (model, data), one in found.items():
        maps = one.maps[one.maps["described"]]
        second = maps[maps["next_score"] > maps["next_chance"]]
        apart = second["told_apart"].map({True: "yes", False: "no"}).fillna("unknown").value_counts()
        pairs = (second["fact"].map(_plain) + ", " + second["next_fact"].map(_plain)).value_counts()
        rows.append([
            SETS[data], model, str(len(maps)), f"{100 * len(second) / max(1, len(maps)):.0f}",
            *(f"{100 * apart.get(answer, 0) / max(1, len(second)):.0f}" for answer in ("yes", "no", "unknown")),
            f"{pairs.index[0]} ({100 * pairs.iloc[0] / len(second):.0f} %)" if len(pairs) else "",
        ])  # fmt: skip
    headings = ["data", "network", "described maps", "with a second fact", "distinguished", "not", "no such clips"]
    return _table([*headings, "most frequent pair"], rows)


def examples(found: Described) -> str:
    """Of some layers the maps that are described best."""
    rows = []
    for model in MODELS:
        maps = found[model, "fsdd"].maps
        maps = maps[maps["described"]].assign(short=maps["layer"].map(_short))
        for layer in SHOWN:
            best = maps[maps["short"] == layer].sort_values("explained", ascending=False, kind="stable").head(1)
            rows += [[model, layer, str(one.channel), str(one.description)] for one in best.itertuples()]
    return _table(["network", "layer", "map", "description"], rows)


def single(found: Described) -> str:
    """Of some layers how many maps tell one class, or one speaker, from all others: area under the ROC curve."""
    rows = []
    for model in MODELS:
        for layer in SHOWN:
            maps = found[model, "fsdd"].maps
            maps = maps[(maps["layer"].map(_short) == layer) & maps["described"]]
            auc = maps["value_score"].where(maps["measure"] == "R2", maps["score"].where(maps["measure"] == "AUC"))
            kinds = maps["fact"].map(_plain)
            cells = []
            for kind in ("digit", "speaker"):
                of = auc[kinds == kind]
                cells.append(f"{int((of >= 0.9).sum())} of {len(of)}" if len(of) else "")
            rows.append([model, layer, *cells])
    return _table(["network", "layer", "maps of digits: AUC 0.9 or more", "maps of speakers: AUC 0.9 or more"], rows)


def tuned(out: Path) -> str:
    """What the maps of some layers are tuned to: medians and quartiles over the maps that answer."""
    rows = []
    for model, name in MODELS.items():
        scope = Scope(load(str(untrained(out)) if model == "untrained" else name))
        for layer in SHOWN:
            curves = scope.tuning(layer=layer)
            cells = [
                _quartiles(curves[one].values, form) for one, form in (("best_frequency", ".0f"), ("width", ".1f"))
            ]
            cells += [_quartiles(curves["exponent"].values, ".2f"), _quartiles(curves["best_rate"].values, ".0f")]
            rows.append([model, layer, *cells])
    return _table(["network", "layer", "best frequency, Hz", "width, octaves", "exponent", "best rate, Hz"], rows)


def permuted(runs: dict[tuple[str, str], Run], count: int) -> str:
    """How many maps are described where the facts are those of other clips; of each recording one clip is taken."""
    rows = []
    for data in SETS:
        known = gather(runs["digit", data])
        alone = np.unique(known.groups, return_index=True)[1]
        described, alive = [], 0
        for seed in range(count):
            moved = np.random.default_rng([seed, 7]).permutation(alone)
            columns = known.measured | known.columns
            told = {name: np.asarray(column, dtype=object)[moved] for name, column in columns.items()}
            maps = describe_maps(known.values[alone], told, np.arange(len(alone)), seed=seed).maps
            described.append(sum(one.described for one in maps))
            alive = sum(one.fact is not None for one in maps)
        hits = int(np.count_nonzero(described))
        rows.append([SETS[data], str(len(alone)), str(alive), str(count), str(sum(described)), str(hits)])
    headings = ["data", "clips", "maps that change", "permutations", "maps described in all", "in how many"]
    return _table(headings, rows)


# -- Parts of tables --------------------------------------------------------------------------------------


def _shares(found: Described, data: str) -> str:
    tables = {model: found[model, data].layers.set_index("layer") for model in MODELS}
    layers = list(tables["digit"].index)
    rows = []
    for layer in layers:
        row = [_short(layer), str(tables["digit"].loc[layer, "maps"])]
        for table in tables.values():
            one = table.loc[layer]
            low, high = _percent(one["mostly_ci_low"]), _percent(one["mostly_ci_high"])
            row.append(f"{_percent(one['mostly_share'])} ({low} to {high})")
        rows.append(row)
    return _table(["layer", "maps", *(f"{model}, %" for model in MODELS)], rows)


def _facts(found: Described, data: str) -> str:
    kinds = list(dict.fromkeys([*KINDS.values(), SPECTRUM]))
    rows = []
    for model in MODELS:
        maps = found[model, data].maps.assign(short=lambda one: one["layer"].map(_short))
        for layer in SHOWN:
            of = maps[maps["short"] == layer]
            kind = of["fact"][of["described"]].map(_plain).map(lambda fact: KINDS.get(fact, SPECTRUM)).value_counts()
            shares = [_percent(kind.get(name, 0) / len(of)) for name in kinds]
            rows.append([model, layer, *shares, _percent(1 - of["described"].mean())])
    return _table(["network", "layer", *kinds, "nothing"], rows)


def _plain(fact: str) -> str:
    """The column of a fact: ``speaker`` of ``speaker = jackson``."""
    return fact.partition(" = ")[0]


def _interval(hits: int, count: int) -> tuple[str, str]:
    low, high = share_interval(hits, count)
    return f"{100 * float(low):.1f}", f"{100 * float(high):.1f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _quartiles(values: Iterable[float], form: str) -> str:
    known = np.asarray(list(values), dtype=float)
    known = known[np.isfinite(known)]
    if not known.size:
        return ""
    low, middle, high = np.quantile(known, (0.25, 0.5, 0.75))
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def _short(layer: str) -> str:
    return layer.rpartition(".")[2]


def _table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


TABLES: tuple[Callable[[Described], str], ...] = (
    any_fact,
    shares_fsdd,
    shares_esc10,
    facts_fsdd,
    facts_esc10,
    single,
    confounded,
    examples,
)

if __name__ == "__main__":
    main()
