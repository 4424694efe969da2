"""Opening runs, SQL, and what is wrong with a folder."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

import otoscope
from made_up_runs import N_CLIPS, pa, pq, write_run
from otoscope import InputError
from otoscope.runs import Run, questions
from otoscope.runs.parts import LEFT_OUT


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
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{run}/evil.csv'", "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "EXPLAIN ANALYZE DROP VIEW items", "EXPLAIN (ANALYZE, FORMAT json) COPY (SELECT 1) TO '{run}/evil.csv'",
        "EXPLAIN ANALYZE SELECT 1", "EXPLAIN COPY (SELECT 1) TO '{run}/evil.csv'",
        "COPY (SELECT 1) TO '{run}/evil.csv'",
        "/* /* */ EXPLAIN SELECT 1; -- */ EXPLAIN ANALYZE COPY (SELECT 1) TO '{run}/evil.csv'",
    ],
)  # fmt: skip
def test_a_question_neither_writes_nor_reads_elsewhere(folder: Path, query: str, tmp_path: Path) -> None:
    before = sorted(path.name for path in folder.rglob("*"))
    run = Run(folder)
    with pytest.raises(InputError):
        run.sql(query.replace("{run}", str(folder)))
    assert len(run.sql("SELECT * FROM items")) == N_CLIPS
    assert sorted(path.name for path in folder.rglob("*")) == before and not Path("stolen.csv").exists()


def test_how_a_question_would_be_answered_can_be_asked(folder: Path) -> None:
    assert "EXPLAIN" in str(Run(folder).sql("explain SELECT count(*) FROM rows").to_dict()).upper()


@pytest.mark.parametrize("name", ["label=zz", "r[12]", "r*", "r?", "clip=5/value=3", "it's", "[!a]", "{a,b}"])
def test_the_name_of_a_folder_is_no_pattern_and_no_fact(tmp_path: Path, name: str) -> None:
    write_run(tmp_path / "r1", seed=1, shift=100.0)
    folder = write_run(tmp_path / name)
    run, plain = Run(folder), Run(write_run(tmp_path / "plain"))
    assert run.columns == plain.columns
    for table in ("items", "rows", "errors"):
        assert run.sql(f"SELECT * FROM {table}").equals(plain.sql(f"SELECT * FROM {table}"))


def test_links_within_a_run_are_followed(folder: Path, tmp_path: Path) -> None:
    whole = Run(folder).sql("SELECT * FROM rows")
    (folder / "rows" / "part-00001.parquet").rename(tmp_path / "elsewhere.parquet")
    (folder / "rows" / "part-00001.parquet").symlink_to(tmp_path / "elsewhere.parquet")
    assert Run(folder).sql("SELECT * FROM rows").equals(whole)
    (folder / "rows").rename(tmp_path / "rows")
    (folder / "rows").symlink_to(tmp_path / "rows")
    assert Run(folder).sql("SELECT * FROM rows").equals(whole)
    (tmp_path / "elsewhere.parquet").unlink()
    with pytest.raises(InputError, match=r"part-00001\.parquet is damaged"):
        Run(folder)


@pytest.mark.parametrize("name", ["items.parquet", LEFT_OUT])
def test_a_table_that_nothing_ties_to_the_run_is_not_read_from_elsewhere(
    folder: Path, tmp_path: Path, name: str
) -> None:
    shutil.copy(folder / "items.parquet", tmp_path / "private.parquet")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(tmp_path / "private.parquet")
    with pytest.raises(InputError, match=r"^\S+\.parquet is a link that leads out of the run"):
        _ = Run(folder).columns
    (folder / name).unlink()
    (folder / name).symlink_to(Path(name).name)
    with pytest.raises(InputError, match=r"^\S+\.parquet is a link that leads out of the run"):
        Run(folder).sql("SELECT * FROM items")


def test_a_part_of_another_run_is_named_before_it_is_averaged_in(folder: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", seed=1, model={"name": "m", "sha256": "1", "given": "m", "subject": {}})
    for kind in ("rows", "errors"):
        part = folder / kind / "part-00001.parquet"
        before = part.read_bytes()
        part.write_bytes((other / kind / "part-00001.parquet").read_bytes())
        with pytest.raises(InputError, match=rf"{kind}/part-00001\.parquet is a part of another run"):
            Run(folder)
        part.write_bytes(before)
    Run(folder)


def test_a_part_that_was_copied_is_not_counted_twice(folder: Path) -> None:
    part = (folder / "rows" / "part-00001.parquet").read_bytes()
    (folder / "rows" / "part-00001 (copy).parquet").write_bytes(part)
    (folder / "rows" / "part-00003.parquet").write_bytes(part)  # a shard that the run does not have
    assert Run(folder).sql("SELECT count(DISTINCT clip) AS n FROM rows")["n"].item() == N_CLIPS
    assert Run(folder).sql("SELECT count(*) AS n FROM rows WHERE variable = 'coherence'")["n"].item() == 2 * N_CLIPS
    (folder / "rows" / "part-00002.parquet").write_bytes(part)
    with pytest.raises(InputError, match=r"part-00002\.parquet is the part of another shard"):
        Run(folder)


def test_errors_are_those_of_the_list_too(folder: Path) -> None:
    columns = {"clip": pa.array([None], pa.int64()), "name": ["gone.wav"], "method": pa.array([None], pa.string())}
    pq.write_table(pa.table(columns | {"cause": ["missing"], "message": ["no file"]}), folder / LEFT_OUT)
    assert set(Run(folder).sql("SELECT name FROM errors")["name"]) == {"broken.wav", "gone.wav"}
    assert set(questions.errors(Run(folder))["cause"]) == {"unreadable", "missing"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shards", "3"), ("shards", None), ("shards", 0), ("shards", True), ("shard_size", [1]), ("methods", None),
        ("methods", ["activations"]), ("model", None), ("model.name", 5), ("data", "x"), ("data.count", 1.5),
        ("versions", {}), ("versions.otoscope", None), ("model.given", None), ("model.given", ["m"]),
        ("model.subject", "x"), ("model.subject", None), ("model.subject.sample_rate", "x"), ("classes", 5),
        ("model.subject.sample_rate", -5), ("model.subject.channels", 0.5),
    ],
)  # fmt: skip
def test_a_run_that_was_changed_names_the_field(folder: Path, field: str, value: object) -> None:
    info = json.loads((folder / "run.json").read_text())
    *above, name = field.split(".")
    place = info
    for one in above:
        place = place[one]
    place[name] = value
    (folder / "run.json").write_text(json.dumps(info))
    with pytest.raises(InputError, match=rf"run\.json was changed: {field}"):
        Run(folder)


def test_a_run_that_was_changed_otherwise_does_not_fit_its_parts(folder: Path) -> None:
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace('"batch_size": 4', '"batch_size": 5'))
    with pytest.raises(InputError, match=r"another run, or the run\.json beside it was changed"):
        Run(folder)


def test_json_that_is_nested_without_end_is_refused(folder: Path) -> None:
    (folder / "run.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="cannot be read"):
        Run(folder)


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
    with pytest.raises(InputError, match=r"part-00000\.parquet is damaged"):
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


def test_what_a_run_says_of_itself_does_not_move_the_cursor(folder: Path) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": "x\x1b[31m\u202e"}))
    with pytest.raises(InputError) as error:
        Run(folder)
    assert r"x\x1b[31m\u202e" in str(error.value) and str(error.value).isprintable()
