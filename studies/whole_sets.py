"""Run the bundled models over two small, free data sets, and write the tables of what came out.

    python studies/whole_sets.py --out runs --tables docs/whole_sets

Sweeps and an evaluation go into folders of RUNS; what is there is kept, and interrupted sweeps go on. The data is read
from ``OTOSCOPE_DATA``. On the page docs/whole-sets.md stands which command answers what is in each table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import PermutationMethod, chi2_contingency, mannwhitneyu

from otoscope.errors import InputError
from otoscope.runs import questions
from otoscope.runs.between import diff
from otoscope.runs.run import Run

SWEEPS = {"digit": ("fsdd-digit", "fsdd"), "speaker": ("fsdd-speaker", "fsdd"), "digit-esc10": ("fsdd-digit", "esc10")}
SCORES = {"digit-test": ("fsdd-digit", "fsdd@test")}
METHODS = "activations,coherence,relevance"
NAMES = {
    "digit": "digit model, FSDD",
    "speaker": "speaker model, FSDD",
    "digit-esc10": "digit model, ESC-10",
}
K, MOST = 20, 15
"""Top clips of a map, and how many of them have to share a fact for it to count."""

COHERENCE = "clip_coherence"

SHOWN = ("features.pool2", "features.pool5", "features.pool8", "features.relu10", "features.relu11")
_ASKED = "SELECT items.name, value FROM rows JOIN items USING (clip) WHERE method = ? AND variable = ? {} "


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="RUNS", help="folder for the runs, or with them")
    parser.add_argument("--tables", type=Path, metavar="FOLDER", help="for a Markdown file of each table")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--partial", action="store_true", help="only what of the runs is there")
    asked = parser.parse_args(arguments)
    if not asked.partial:
        for name, given in SWEEPS.items():
            command("sweep", *given, "--methods", METHODS, "--workers", str(asked.workers), "--out", asked.out / name)
        for name, given in SCORES.items():
            if not (asked.out / name / "run.json").exists():
                command("evaluate", *given, "--out", asked.out / name)
    try:
        runs = {name: Run(asked.out / name, partial=asked.partial) for name in (*SWEEPS, *SCORES)}
        for make in TABLES:
            table = make(runs)
            if asked.tables is None:
                print(f"{make.__name__}\n\n{table}")
            else:
                asked.tables.mkdir(parents=True, exist_ok=True)
                (asked.tables / f"{make.__name__}.md").write_text(table, encoding="utf-8")
    except InputError as error:
        sys.exit(f"error: {error}")


def command(*arguments: str | Path) -> None:
    """A command of Otoscope; that some clips could not be used, which it counts, is no reason to stop."""
    done = subprocess.run([sys.executable, "-m", "otoscope", *map(str, arguments)], check=False)
    if done.returncode not in (0, 3):
        sys.exit(done.returncode)


# -- Tables -----------------------------------------------------------------------------------------------


def sizes(runs: dict[str, Run]) -> str:
    """How much there is."""
    rows = []
    for name, label in NAMES.items():
        run = runs[name]
        count = run.sql("SELECT count(*) AS rows, count(DISTINCT clip) AS clips FROM rows").iloc[0]
        maps = run.sql("SELECT count(*) AS maps FROM (SELECT DISTINCT layer, channel FROM rows WHERE channel >= 0)")
        failed = run.sql("SELECT count(DISTINCT clip) AS clips FROM errors")["clips"].iloc[0]
        size = sum(path.stat().st_size for path in run.folder.glob("rows/*.parquet"))
        rows.append([
            label, f"{count['clips']:,}", str(maps["maps"].iloc[0]), f"{count['rows'] / 1e6:.1f} million",
            f"{size / 1e6:.0f} MB", str(failed),
        ])  # fmt: skip
    return _table(["run", "clips", "maps", "rows", "on disk", "clips with errors"], rows)


def dead_maps(runs: dict[str, Run]) -> str:
    """Maps that no clip drives, and those that fewer than half of the clips do."""
    found = {}
    for name in NAMES:
        each = questions.dead(runs[name]).assign(seldom=lambda one: one["active"] < 0.5)
        found[name] = each.groupby("layer").agg(maps=("dead", "size"), dead=("dead", "sum"), seldom=("seldom", "sum"))
    rows = [
        [_short(layer), str(found["digit"].loc[layer, "maps"])]
        + [f"{one.loc[layer, 'dead']} ({one.loc[layer, 'seldom'] - one.loc[layer, 'dead']})" for one in found.values()]
        for layer in _in_order(found["digit"].index)
    ]
    total = [f"{one['dead'].sum()} ({one['seldom'].sum() - one['dead'].sum()})" for one in found.values()]
    rows.append(["all", str(found["digit"]["maps"].sum()), *total])
    return _table(["layer", "maps", *NAMES.values()], rows)


def shared_facts(runs: dict[str, Run]) -> str:
    """Of how many maps most of the top clips are of one digit, one speaker, or one kind of sound."""
    asked = {("digit", "digit"): "digit model: one digit", ("digit", "speaker"): "one speaker"}
    asked |= {("speaker", "digit"): "speaker model: one digit", ("speaker", "speaker"): "one speaker"}
    asked |= {("digit-esc10", "label"): "ESC-10: one class"}
    tops = {name: questions.top(runs[name], k=K).query("value > 0") for name in NAMES}
    counts = {
        (name, fact): tops[name].groupby(["layer", "channel"])[fact].agg(lambda one: one.value_counts().iloc[0])
        for name, fact in asked
    }
    layers = _in_order(tops["digit"]["layer"].unique())
    rows = []
    for layer in layers:
        each = [counts[key].loc[layer] for key in asked]
        rows.append([_short(layer), *(f"{int((one >= MOST).sum())} of {len(one)}" for one in each)])
    return _table(["layer", *asked.values()], rows)


def driving_speakers(runs: dict[str, Run]) -> str:
    """How loud the recordings of each speaker are, and of how many maps most of the top clips are of them."""
    levels = _answers(runs).groupby("speaker")["level"].mean().sort_values(ascending=False)
    counts = {}
    for name in ("digit", "speaker"):
        top = questions.top(runs[name], k=K).query("value > 0")
        each = top.groupby(["layer", "channel", "speaker"]).size().rename("clips").reset_index().query("clips >= @MOST")
        for layer in (None, "features.relu11"):
            of = each if layer is None else each[each["layer"] == layer]
            counts[name, layer] = of["speaker"].value_counts()
    rows = [
        [speaker, f"{level:.0f}", *(str(one.get(speaker, 0)) for one in counts.values())]
        for speaker, level in levels.items()
    ]
    headings = ["speaker", "dBFS", "digit model: all maps", "relu11", "speaker model: all maps", "relu11"]
    return _table(headings, rows)


def levels(runs: dict[str, Run]) -> str:
    """How much the mean activation of a map goes with the level of the sound, among recordings of one speaker."""
    known = _answers(runs)[["name", "speaker", "level"]]
    found = runs["digit"].sql(
        "SELECT name, layer, channel, value FROM rows JOIN items USING (clip) "
        "WHERE method = 'activations' AND variable = 'mean_activation'"
    )
    both = found.merge(known, on="name")
    groups = both.groupby(["layer", "channel", "speaker"])
    for column in ("level", "value"):
        ranks = groups[column].rank()
        both[column] = ranks - ranks.groupby([both[key] for key in ("layer", "channel", "speaker")]).transform("mean")
    parts = both.assign(both=both["level"] * both["value"], level=both["level"] ** 2, value=both["value"] ** 2)
    sums = parts.groupby(["layer", "channel"])[["both", "level", "value"]].sum()
    correlation = sums["both"] / np.sqrt(sums["level"] * sums["value"])
    middle = correlation.groupby("layer").median()
    layers = _in_order(middle.index)
    return _table(["layer", *map(_short, layers)], [["correlation", *(f"{middle[layer]:.2f}" for layer in layers)]])


def top_clips(runs: dict[str, Run]) -> str:
    """Of some layers the map whose top clips have most in common."""
    run, rows = runs["digit"], []
    for layer in SHOWN:
        top = questions.top(run, layer=layer, k=K)
        common = questions.common(run, top[top["value"] > 0])
        for fact, said in (("label", "digit"), ("speaker", "speaker")):
            best = common[common["fact"] == fact].sort_values(["p_value", "channel"])
            if len(best):
                one = best.iloc[0]
                clips = top[top["channel"] == one["channel"]]["name"].head(4).map(_file)
                share = f"{one['share'] * K:.0f} of {K}"
                rows.append([
                    _short(layer), str(one["channel"]), f"{said} {one['fact_value']}", share,
                    f"{100 * one['share_of_all']:.0f} %", ", ".join(clips),
                ])  # fmt: skip
    return _table(["layer", "map", "in common", "top clips", "all clips", "the first four"], rows)


def wrong_answers(runs: dict[str, Run]) -> str:
    """The clips that the digit model takes for another digit."""
    wrong = _answers(runs).query("not correct").sort_values("probability", ascending=False)
    rows = [
        [
            _file(one["name"]), one["speaker"], one["label"], one["answer"], f"{one['probability']:.2f}",
            f"{one['seconds']:.2f}", f"{one['level']:.0f}",
        ]
        for _, one in wrong.iterrows()
    ]  # fmt: skip
    return _table(["clip", "speaker", "digit", "answer", "probability", "s", "dBFS"], rows)


def right_and_wrong(runs: dict[str, Run]) -> str:
    """Medians of the clips with a right answer, and of those with a wrong one."""
    clips = _answers(runs)
    if clips["correct"].nunique() < 2:
        return "There are not both right and wrong answers.\n"
    run = runs["digit"]

    def of(method: str, variable: str, layer: str | None = None) -> pd.Series[float]:
        where = "" if layer is None else "AND layer = ?"
        values = run.sql(_ASKED.format(where), [method, variable, *([layer] if layer else [])])
        return values.set_index("name")["value"].reindex(clips["name"]).reset_index(drop=True)

    share = of("relevance", "peak_time") / clips["seconds"]  # the model hears a short clip several times over
    measured: dict[str, tuple[pd.Series[float], str]] = {
        "duration, s": (clips["seconds"], ".2f"),
        "level, dBFS": (clips["level"], ".0f"),
        "probability of the answer": (clips["probability"], ".3f"),
        "frequency where relevance peaks, Hz": (of("relevance", "peak_frequency"), ".0f"),
        "time where relevance peaks, share of the clip": (share % 1, ".2f"),
    }
    for layer in ("features.pool1", "features.pool8", "features.relu11"):
        measured[f"coherence at {_short(layer)}"] = (of("coherence", COHERENCE, layer), ".3f")
    rows = []
    for what, (values, form) in measured.items():
        right, wrong = (values[clips["correct"] == sign].dropna() for sign in (True, False))
        test = mannwhitneyu(right, wrong).pvalue
        rows.append([what, _quartiles(right, form), _quartiles(wrong, form), f"{test:.2g}"])
    for fact in ("speaker", "label"):
        counts = pd.crosstab(clips[fact], clips["correct"])
        said = ", ".join(
            f"{group} {count}" for group, count in counts[False].sort_values(ascending=False).items() if count
        )
        test = chi2_contingency(
            counts, correction=False, method=PermutationMethod(n_resamples=9999, rng=np.random.default_rng(0))
        ).pvalue
        rows.append(["digit" if fact == "label" else fact, "", said, f"{test:.2g}"])
    return _table(["", "right", "wrong", "p"], rows)


def coherences(runs: dict[str, Run]) -> str:
    """How much of the sound is left in each layer."""
    found = {
        name: questions.summary(runs[name], method="coherence", variable=COHERENCE).set_index("layer") for name in NAMES
    }
    rows = []
    for layer in _in_order(found["digit"].index):
        cells = []
        for table in found.values():
            one = table.loc[layer]
            text = f"{one['mean']:.3f} ({one['ci_low']:.3f}-{one['ci_high']:.3f})"
            if "speakers" in table:
                text += f"; {one['speakers_low']:.2f}-{one['speakers_high']:.2f}"
            cells.append(text)
        rows.append([_short(layer), *cells])
    return _table(["layer", *NAMES.values()], rows)


def differences(runs: dict[str, Run]) -> str:
    """The speaker model less the digit model, clip by clip."""
    tables = [diff(runs["digit"], runs["speaker"], method="coherence", variable=COHERENCE)]
    for variable in ("peak_frequency", "peak_time", "probability"):
        tables.append(diff(runs["digit"], runs["speaker"], method="relevance", variable=variable))
    found = pd.concat(tables)
    names = {"peak_frequency": "frequency where relevance peaks, Hz", "peak_time": "time where relevance peaks, s"}
    names |= {"probability": "probability of the answer"}
    rows = []
    coherence = found[found["method"] == "coherence"].set_index("layer")
    lines = [(f"coherence at {_short(layer)}", coherence.loc[layer]) for layer in _in_order(coherence.index)]
    lines += [(names[one["variable"]], one) for _, one in found[found["method"] == "relevance"].iterrows()]
    for what, one in lines:
        form = ".0f" if what.endswith("Hz") else ".4f"
        between = f"{one['difference']:{form}} ({one['ci_low']:{form}} to {one['ci_high']:{form}})"
        rows.append([what, f"{one['first']:{form}}", f"{one['second']:{form}}", between, _p(one["p_value"])])
    return _table(["", "digit model", "speaker model", "difference", "p"], rows)


# -- Parts of tables --------------------------------------------------------------------------------------


def _answers(runs: dict[str, Run]) -> pd.DataFrame:
    return runs["digit-test"].sql(
        "SELECT name, speaker, scores.label, answer, probability, correct, scores.seconds, level "
        "FROM scores JOIN items USING (clip) ORDER BY clip"
    )


def _quartiles(values: Iterable[float], form: str) -> str:
    low, middle, high = np.quantile(np.asarray(list(values)), (0.25, 0.5, 0.75))
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def _p(value: float) -> str:
    return "< 1e-10" if value < 1e-10 else f"{value:.2g}"


def _file(name: str) -> str:
    return Path(name).name.removesuffix(".wav")


def _short(layer: str) -> str:
    return layer.rpartition(".")[2]


def _in_order(layers: Iterable[Any]) -> list[str]:
    """By the number at the end of each name, which is that of the block."""
    number: Callable[[str], int] = lambda name: int("".join(filter(str.isdigit, name.rpartition(".")[2])))  # noqa: E731
    return sorted(map(str, layers), key=number)


def _table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


TABLES = (
    sizes,
    dead_maps,
    shared_facts,
    driving_speakers,
    levels,
    top_clips,
    wrong_answers,
    right_and_wrong,
    coherences,
    differences,
)

if __name__ == "__main__":
    main()
