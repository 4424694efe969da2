"""The top clips of one map out of 100 million rows, by Otoscope and by a bare query of DuckDB to the same files.

The rows are made up, and written in parts as a sweep writes them: four numbers of each of the 903 maps of a model in
27,700 clips. The folder takes about 1 GB, and is removed at the end.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from otoscope.runs.info import fingerprint
from otoscope.runs.questions import top
from otoscope.runs.run import Run
from otoscope.sweeps.rows import schema
from otoscope.sweeps.store import Store
from otoscope.sweeps.work import failures_table

MAPS = {f"features.block{block}": (21, 42, 63, 84, 105, 126)[block // 2] for block in range(12)} | {
    "features.embedding": 21
}
VARIABLES = ("mean_activation", "peak", "peak_time", "rms")
PART = 2_000_000
LAYER, CHANNEL, K = "features.block7", 30, 5
GOAL = 1.0  # s
TURNS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows, best = write_run(folder, asked.rows)
        size = sum(path.stat().st_size for path in folder.glob("rows/*"))
        print(f"top-k: {rows / 1e6:.1f} million rows in {size / 1e9:.2f} GB", flush=True)
        seconds = {"bare": (0.0, 0.0), "ours": (0.0, 0.0)}
        for _ in range(TURNS):
            for way, ask in (("bare", bare), ("ours", ours)):
                found, took = timed(lambda ask=ask: ask(folder))  # type: ignore[misc]
                assert found == best, f"{way}: {found}, and not {best}"
                seconds[way] = min([one for one in (seconds[way], took) if one[0]])
        wall, processor = seconds["ours"]
        print(
            f"top {K} clips of one map: {wall:.2f} s, {processor:.2f} s of processor time; goal at most {GOAL:g} s; "
            f"a bare query {seconds['bare'][0]:.2f} s, {seconds['bare'][1]:.2f} s of processor time",
            flush=True,
        )


def ours(folder: Path) -> list[int]:
    """From the folder to the answer, as the command does it."""
    return [int(clip) for clip in top(Run(folder), layer=LAYER.rpartition(".")[2], channel=CHANNEL, k=K)["clip"]]


def bare(folder: Path) -> list[int]:
    """One query that knows everything that it needs."""
    found = duckdb.connect().execute(
        f"SELECT clip FROM read_parquet('{folder}/rows/*.parquet') WHERE layer = '{LAYER}' AND channel = {CHANNEL} "
        f"AND variable = 'mean_activation' ORDER BY value DESC LIMIT {K}"
    )
    return [clip for (clip,) in found.fetchall()]


def timed(task: Callable[[], list[int]]) -> tuple[list[int], tuple[float, float]]:
    """What a task answers, and its seconds by the clock and of all processors."""
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = task()
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return found, (wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


# -- Rows that are made up --------------------------------------------------------------------------------


def write_run(folder: Path, count: int) -> tuple[int, list[int]]:
    """A run folder of about so many rows: how many there are, and the top clips of the map that is asked for."""
    places = [(layer, channel) for layer in sorted(MAPS) for channel in range(MAPS[layer])]
    a_clip = len(places) * len(VARIABLES)
    a_part = PART // a_clip
    clips = max(a_part, round(count / a_clip))
    shards = -(-clips // a_part)
    store = Store(folder)
    run = run_of(clips, a_part, shards)
    mark = fingerprint(run)
    store.folder.mkdir(exist_ok=True)
    store.begin(run)
    store.complete(run, lambda: iter([items(clips)]), failures_table([]))
    rng, of_map = np.random.default_rng(0), [np.zeros(0)]
    asked = (places.index((LAYER, CHANNEL)) * len(VARIABLES)) + VARIABLES.index("mean_activation")
    for shard in range(shards):
        numbers = np.arange(shard * a_part, min(clips, (shard + 1) * a_part))
        values = rng.gamma(1.0, size=(a_clip, len(numbers)))
        of_map.append(values[asked])
        store.commit(
            shard, rows_of(places, numbers, values), failures_table([]), {"fingerprint": mark, "shard": str(shard)}
        )
    best = np.argsort(-np.concatenate(of_map), kind="stable")[:K]
    return clips * a_clip, [int(clip) for clip in best]


def rows_of(places: list[tuple[str, int]], clips: np.ndarray, values: np.ndarray) -> pa.Table:
    """A part, in the order that a sweep writes: layer, channel, variable, clip."""
    layers, each = sorted(MAPS), len(VARIABLES) * len(clips)
    total = len(places) * each

    def coded(codes: np.ndarray, words: list[str]) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(words, pa.string()))

    columns = {
        "clip": pa.array(np.tile(clips, len(places) * len(VARIABLES))),
        "method": coded(np.zeros(total), ["activations"]),
        "layer": coded(np.repeat([layers.index(layer) for layer, _ in places], each), layers),
        "variable": coded(np.tile(np.repeat(np.arange(len(VARIABLES)), len(clips)), len(places)), list(VARIABLES)),
        "channel": pa.array(np.repeat([channel for _, channel in places], each).astype(np.int32)),
        "at": pa.nulls(total, schema().field("at").type),
        "value": pa.array(values.ravel()),
        "text": pa.nulls(total, schema().field("text").type),
    }
    return pa.table(columns, schema=schema())


def items(clips: int) -> pa.Table:
    """A list of clips that are not there."""
    names = [f"clips/{clip:07d}.wav" for clip in range(clips)]
    numbers = pa.array(np.zeros(clips))
    columns = {"clip": pa.array(np.arange(clips)), "id": names, "name": names, "label": ["dog"] * clips}
    return pa.table(columns | {"split": ["all"] * clips, "start": numbers, "stop": numbers, "seconds": numbers})


def run_of(clips: int, shard_size: int, shards: int) -> dict[str, object]:
    run = {"schema": 1, "kind": "sweep", "model": {"name": "made up", "sha256": "0"}}
    run |= {"methods": {"activations": {"layer": None}}, "data": {"given": "made up", "count": clips, "sha256": "0"}}
    run |= {"shard_size": shard_size, "shards": shards, "batch_size": 1, "versions": {"otoscope": "0.1.0"}}
    return dict(json.loads(json.dumps(run)))


if __name__ == "__main__":
    main()
