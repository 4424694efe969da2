"""Made-up runs, whose tables are written here, and known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope.runs.info import fingerprint

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("duckdb")
pd = pytest.importorskip("pandas")

LAYERS = ("features.conv1", "features.conv2")
N_CLIPS, N_CHANNELS, SHARDS = 24, 5, 3


def made_up(seed: int = 0, shift: float = 0.0) -> tuple[Any, Any]:
    """The rows of a sweep, and its clips: maps of noise, one dead, one that only speaker s0 drives."""
    rng = np.random.default_rng(seed)
    items = pd.DataFrame({
        "clip": range(N_CLIPS), "id": [f"id{n:02d}" for n in range(N_CLIPS)],
        "name": [f"clip{n}.wav" for n in range(N_CLIPS)], "label": [str(n % 3) for n in range(N_CLIPS)],
        "split": "all", "start": np.nan, "stop": np.nan, "seconds": 1.0,
        "speaker": [f"s{n % 4}" for n in range(N_CLIPS)],
    })  # fmt: skip
    rows = []
    for clip in range(N_CLIPS):
        for layer in LAYERS:
            for channel in range(N_CHANNELS):
                level = abs(rng.normal()) + shift
                if channel == 3:
                    level = 0.0
                if channel == 4 and layer == LAYERS[0]:
                    level += 10.0 if clip % 4 == 0 else 0.0
                for variable, value in {"mean_activation": level, "rms": 2 * level, "peak": 3 * level}.items():
                    rows.append((clip, "activations", layer, variable, channel, None, value, None))
                rows.append((clip, "activations", layer, "peak_time", channel, None, clip / 100, None))
        for layer in LAYERS:
            rows.append((clip, "coherence", layer, "coherence", None, None, rng.uniform() + shift, None))
        rows.append((clip, "output", None, "answer", None, None, None, str(clip % 2)))
    columns = ["clip", "method", "layer", "variable", "channel", "at", "value", "text"]
    return pd.DataFrame(rows, columns=columns), items


def write_run(folder: Path, seed: int = 0, shift: float = 0.0, message: str = "it is no sound", **changes: Any) -> Path:
    rows, items = made_up(seed, shift)
    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema([
        ("clip", pa.int64()), ("method", text), ("layer", text), ("variable", text), ("channel", pa.int32()),
        ("at", text), ("value", pa.float64()), ("text", text),
    ])  # fmt: skip
    info = {
        "schema": 1, "kind": "sweep", "model": {"name": "m", "sha256": "0", "given": "m", "subject": {}},
        "methods": {"activations": {}, "coherence": {}, "output": {}},
        "data": {"given": "made up", "by": None, "count": N_CLIPS, "sha256": "1", "ids": "path"}, "classes": None,
        "shard_size": 8, "shards": SHARDS, "batch_size": 4, "versions": {"otoscope": "0.1.0"},
    }  # fmt: skip
    info |= changes
    facts = {"otoscope.fingerprint": fingerprint(info)}
    (folder / "rows").mkdir(parents=True)
    (folder / "errors").mkdir()
    pq.write_table(pa.Table.from_pandas(items, preserve_index=False), folder / "items.parquet")
    for shard in range(SHARDS):
        part = rows[rows["clip"] % SHARDS == shard].sort_values(["method", "layer", "channel", "variable", "clip"])
        table = pa.Table.from_pandas(part, schema, preserve_index=False)
        table = table.replace_schema_metadata(facts | {"otoscope.shard": str(shard)})
        pq.write_table(table, folder / f"rows/part-{shard:05d}.parquet")
    problem = {"clip": [3], "name": ["broken.wav"], "method": pa.array([None], pa.string())}
    problem |= {"cause": ["unreadable"], "message": [message]}
    table = pa.table(problem).replace_schema_metadata(facts | {"otoscope.shard": "1"})
    pq.write_table(table, folder / "errors/part-00001.parquet")
    (folder / "run.json").write_text(json.dumps(info))
    return folder


def write_sounds(folder: Path, k: int = 2, rate: int = 8000) -> Path:
    """The sounds of a made-up run: of each clip noise of 0.5 s, of each sonification other noise."""
    import soundfile

    from otoscope.runs import Run
    from otoscope.sweeps.pieces import top_pieces, write_index

    pieces, _ = top_pieces(Run(folder, partial=True), k)
    sounds = folder / "sounds"
    info = json.loads((folder / "run.json").read_text())
    for piece in pieces:
        (sounds / piece.file).parent.mkdir(parents=True, exist_ok=True)
        clip = np.random.default_rng(piece.clip).integers(-32768, 32768, rate // 2)
        own = np.random.default_rng([piece.clip, piece.channel, piece.rank]).integers(-9000, 9000, rate // 2)
        for name, samples in zip(piece.files, (clip, own), strict=True):
            soundfile.write(sounds / name, samples.astype("i2"), rate, subtype="PCM_16")
    write_index(sounds / "index.csv", pieces, {piece: 0.25 * (piece.clip % 2) for piece in pieces})
    about = {"fingerprint": fingerprint(info), "duration": 0.5, "rule": "deconvnet"}
    (sounds / "about.json").write_text(json.dumps(about))
    return folder
