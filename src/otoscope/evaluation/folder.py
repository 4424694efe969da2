"""The folder of an evaluation: scores of every clip as Parquet, the rest as JSON, csv and netCDF."""

from __future__ import annotations

import csv
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from otoscope._version import __version__
from otoscope.data.item import columns_of
from otoscope.evaluation.report import report
from otoscope.files import write_text
from otoscope.optional import needs
from otoscope.results import save

_PURPOSE = "the folder of an evaluation"
SCHEMA = 1
"""Of the columns of the tables, and of ``run.json``."""


def check_installed() -> None:
    """Raise an InputError where what writes the tables is not installed, before anything is scored."""
    needs("pyarrow.parquet", extra="sweep", purpose=_PURPOSE)


def write_evaluation(folder: Path, result: xr.Dataset, *, model: str, data: str) -> dict[str, Any]:
    """Write an evaluation into an empty folder.

    Parameters
    ----------
    folder : Path
    result : Dataset
        From :func:`otoscope.evaluation.evaluate`.
    model, data : str
        As they were given.

    Returns
    -------
    dict
        What :func:`otoscope.evaluation.report.report` says of it.

    Raises
    ------
    InputError
        If pyarrow, of the extra ``sweep``, is not installed.

    Notes
    -----
    ``run.json``: model, data, arguments and versions. ``items.parquet`` and ``scores.parquet``: a row a clip, by its
    number. ``errors.parquet``: what was left out. ``confusion.csv``: true classes down, answers across.
    ``evaluate.nc``: the whole result.
    """
    arrow = needs("pyarrow", extra="sweep", purpose=_PURPOSE)
    content = report(result)
    facts = {str(name): result[name].values for name in result.data_vars if str(name).startswith("fact_")}
    clip = np.arange(result.sizes["clip"])
    items: dict[str, Any] = {"clip": clip, "id": _texts(result["id"]), "name": _texts(result["clip"])}
    items |= {"label": [label or None for label in _texts(result["label"])], "split": _texts(result["split"])}
    items |= {name: arrow.array(result[name].values, from_pandas=True) for name in ("start", "stop", "seconds")}
    columns = columns_of(name.removeprefix("fact_") for name in facts)
    items |= {column: [str(one) or None for one in facts[f"fact_{name}"]] for name, column in columns.items()}
    scores = {"clip": clip, "label": _texts(result["label"]), "answer": _texts(result["answer"])}
    scores |= {name: result[name].values for name in ("probability", "correct", "seconds", "level")}
    scores["scores"] = arrow.array(list(result["scores"].values), type=arrow.list_(arrow.float32()))
    problems = {name: [one[name] for one in content["problems"]] for name in ("clip", "cause", "message")}
    _write(folder / "items.parquet", items)
    _write(folder / "scores.parquet", scores)
    if problems["clip"]:
        _write(folder / "errors.parquet", {"name": problems.pop("clip"), **problems})
    write_text(folder / "run.json", json.dumps(_run(content, result, model, data), indent=1) + "\n")
    if "confusion" in content:
        _write_confusion(folder / "confusion.csv", content["confusion"])
    save(result, folder / "evaluate.nc")
    return content


def _run(content: dict[str, Any], result: xr.Dataset, model: str, data: str) -> dict[str, Any]:
    versions = {"otoscope": __version__, "torch": torch.__version__, "numpy": np.__version__}
    return {
        "schema": SCHEMA,
        "kind": "evaluation",
        "model": {
            "name": content["model"],
            "sha256": content["model_sha256"],
            "given": model,
            "subject": content["subject"],
        },
        "methods": {"evaluate": content["arguments"]},
        "data": {"given": data, "count": content["clips"]},
        "classes": _texts(result["class"]),
        "versions": versions | {"python": platform.python_version()},
    }


def _write(path: Path, columns: dict[str, Any]) -> None:
    arrow = needs("pyarrow", extra="sweep", purpose=_PURPOSE)
    parquet = needs("pyarrow.parquet", extra="sweep", purpose=_PURPOSE)
    parquet.write_table(arrow.table(columns), path, compression="zstd")


def _write_confusion(path: Path, confusion: dict[str, Any]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["class", *confusion["classes"]])
        table.writerows([name, *row] for name, row in zip(confusion["classes"], confusion["counts"], strict=True))


def _texts(values: xr.DataArray) -> list[str]:
    return [str(one) for one in values.values]
