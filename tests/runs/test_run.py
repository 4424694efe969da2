"""Opening runs, SQL, and what is wrong with a folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import otoscope
from made_up_runs import N_CLIPS, write_run
from otoscope import InputError
from otoscope.runs import Run


def test_a_run_is_opened_and_asked(folder: Path) -> None:
    run = otoscope.open(folder)
    assert isinstance(run, Run) and run.info["model"]["name"] == "m" and run.facts == ["speaker"]
    count = run.sql("SELECT count(DISTINCT clip) AS n FROM rows")
    assert count["n"].tolist() == [N_CLIPS]
    assert run.sql("SELECT name FROM items WHERE label = ? ORDER BY clip", ["2"])["name"].iloc[0] == "clip2.wav"
    assert run.sql("DESCRIBE rows")["column_name"].tolist() == run.columns["rows"]


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO 'stolen.csv'", "CREATE TABLE t AS SELECT 1", "SELECT 1; SELECT 2", "ATTACH 'x.db'",
        "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SET enable_external_access=true", "",
        "SELECT * FROM glob('/etc/*')", "INSTALL httpfs",
    ],
)  # fmt: skip
def test_a_question_neither_writes_nor_reads_elsewhere(folder: Path, query: str, tmp_path: Path) -> None:
    before = sorted(path.name for path in folder.rglob("*"))
    with pytest.raises(InputError):
        Run(folder).sql(query)
    assert sorted(path.name for path in folder.rglob("*")) == before and not Path("stolen.csv").exists()


def test_a_wrong_column_is_answered_with_the_columns(folder: Path) -> None:
    with pytest.raises(InputError, match=r"rows \(clip, method, layer, variable, channel, at, value, text\)"):
        Run(folder).sql("SELECT loudness FROM rows")
    with pytest.raises(InputError, match="cannot be answered"):
        Run(folder).sql("SELEC 1")


def test_a_column_that_is_a_word_of_sql_is_told_to_be_quoted(folder: Path) -> None:
    run = Run(folder)
    with pytest.raises(InputError, match='write "at" in double quotes'):
        run.sql("SELECT variable, at, value FROM rows")
    assert len(run.sql('SELECT variable, "at", rows.at FROM rows'))


def test_a_run_that_is_not_done_says_so(folder: Path) -> None:
    (folder / "rows" / "part-00001.parquet").unlink()
    with pytest.raises(InputError, match="2 of 3 shards"):
        Run(folder)
    part = Run(folder, partial=True)
    assert len(part.sql("SELECT DISTINCT clip FROM rows")) == N_CLIPS - 8
    assert not len(part.sql("SELECT * FROM errors"))  # those of a shard that is not done do not count
    for path in (folder / "rows").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="no shard"):
        Run(folder, partial=True)


def test_other_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"without run\.json"):
        otoscope.open(tmp_path)
    with pytest.raises(InputError, match="there is no file"):
        otoscope.open(tmp_path / "nothing")
    newer = write_run(tmp_path / "newer", schema=2)
    with pytest.raises(InputError, match=r"another version of Otoscope \(schema 2, not 1\)"):
        Run(newer)
    (folder / "run.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        Run(folder)


def test_a_damaged_part_is_named(folder: Path) -> None:
    (folder / "rows" / "part-00000.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match="damaged or missing"):
        Run(folder).sql("SELECT 1 FROM rows")


@pytest.mark.parametrize("package", ["duckdb", "pandas"])
def test_what_is_not_installed_is_named_with_the_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r"otoscope\[sweep\]"):
        Run(folder).sql("SELECT 1")


def test_a_folder_with_a_quote_in_its_name(tmp_path: Path) -> None:
    run = Run(write_run(tmp_path / "it's a run"))
    assert len(run.sql("SELECT * FROM items")) == N_CLIPS
    assert json.loads((run.folder / "run.json").read_text()) == run.info
