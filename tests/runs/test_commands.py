"""Questions to runs from the shell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from made_up_runs import LAYERS, pa, pq, write_run
from otoscope.runs import Run, questions

Otoscope = Callable[..., Any]


def test_top_prints_clips_and_what_they_have_in_common(otoscope: Otoscope, folder: Path) -> None:
    ran = otoscope("query", folder, "top", "--layer", "conv1", "--channel", "4", "--k", "3", "--json")
    content = ran.json()
    assert [row["clip"] for row in content["rows"]] == questions.top(Run(folder), layer="conv1", channel=4, k=3)[
        "clip"
    ].tolist()
    assert content["common"][0]["fact_value"] == "s0" and content["question"] == "top"
    shown = otoscope("query", folder, "top", "--layer", "conv1", "--channel", "4").out
    assert "what they have in common" in " ".join(shown.split()) and "clip" in shown


def test_top_says_which_maps_have_no_top_clips(otoscope: Otoscope, folder: Path) -> None:
    ran = otoscope("query", folder, "top", "--layer", "conv1", "--json")
    note = f"{LAYERS[0]}: 1 map without top clips, 0 in every one: 3"
    assert ran.json()["notes"] == [note] and ran.err.strip() == note
    assert 3 not in {row["channel"] for row in ran.json()["rows"] + ran.json()["common"]}
    ran = otoscope("query", folder, "top", "--layer", "conv1", "--channel", "3")
    assert ran.code == 0 and note in ran.err and "0 rows" in ran.out


def test_dead_summary_and_errors(otoscope: Otoscope, folder: Path, tmp_path: Path) -> None:
    ran = otoscope("query", folder, "dead")
    assert ran.code == 0 and f"{LAYERS[0]}: 1 of 5 maps are dead" in ran.err
    other = write_run(tmp_path / "other", seed=3)
    rows = otoscope("query", folder, "summary", "--method", "coherence", "--others", other, "--json").json()["rows"]
    assert [row["layer"] for row in rows] == list(LAYERS) and rows[0]["seeds"] == 2 and rows[0]["at"] is None
    assert otoscope("query", folder, "errors", "--json").json()["rows"][0]["cause"] == "unreadable"


def test_values_of_every_kind_are_answers(otoscope: Otoscope, folder: Path) -> None:
    question = (
        "SELECT 'ab'::BLOB AS bytes, '1'::BIT AS bits, 170141183460469231731687303715884105727::HUGEINT AS huge, "
        "DATE '2020-01-02' AS day, [1, NULL] AS list, {'a': 'b'::BLOB} AS struct, MAP {1: 2} AS map, "
        "'inf'::DOUBLE AS inf, NULL::TIMESTAMP AS never, TIME '01:02:03' AS time, INTERVAL 1 DAY AS span, 'x' AS text, "
        "1 AS a, 2 AS a"
    )
    row = otoscope("sql", folder, question, "--json").json()["rows"][0]
    assert (row["bytes"], row["struct"], row["map"], row["inf"], row["never"]) == (
        "6162",
        {"a": "62"},
        {"1": 2},
        None,
        None,
    )
    assert row["huge"] == pytest.approx(2.0**127) and row["day"].startswith("2020-01-02") and row["time"] == "01:02:03"
    assert "6162" in otoscope("sql", folder, question).out


def test_sql_and_diff(otoscope: Otoscope, folder: Path, tmp_path: Path) -> None:
    rows = otoscope(
        "sql", folder, "SELECT label, count(*) AS n FROM items GROUP BY label ORDER BY label", "--json"
    ).json()
    assert rows["rows"] == [{"label": str(n), "n": 8} for n in range(3)]
    assert "0 rows" in otoscope("sql", folder, "SELECT * FROM items WHERE clip < 0").out
    other = write_run(tmp_path / "other", seed=3)
    found = otoscope("diff", folder, other, "--method", "coherence", "--json").json()["rows"]
    assert [row["layer"] for row in found] == list(LAYERS)
    assert "p value" in otoscope("diff", folder, other, "--method", "coherence").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("query", "dead", "--k", "3"), "--k has no meaning for dead"),
        (("query", "top", "--layer", "conv9"), "features.conv1, features.conv2"),
        (("sql", "SELECT loudness FROM rows"), "rows (clip, method"),
        (("sql", "DROP VIEW rows"), "nothing can be changed"),
    ],
)
def test_one_clear_error(otoscope: Otoscope, folder: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = otoscope(arguments[0], folder, *arguments[1:])
    assert ran.code == 1 and said in " ".join(ran.err.split()) and not ran.out


def test_a_run_that_is_not_done(otoscope: Otoscope, folder: Path) -> None:
    (folder / "rows" / "part-00000.parquet").unlink()
    assert "2 of 3 shards" in otoscope("query", folder, "dead").err
    assert otoscope("query", folder, "dead", "--partial").code == 0


def test_what_only_one_of_two_runs_has_is_said(otoscope: Otoscope, folder: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", methods={"activations": {}, "coherence": {}})
    items = pq.read_table(other / "items.parquet").to_pandas()
    items.loc[items["clip"] == 0, "name"] = "another.wav"
    pq.write_table(pa.Table.from_pandas(items, preserve_index=False), other / "items.parquet")
    ran = otoscope("diff", folder, other, "--method", "coherence", "--json")
    apart = ["23 clips are in both runs; 1 are in the first alone, 1 in the second", "only the first has output"]
    assert ran.json()["notes"] == apart == ran.err.splitlines()
    assert otoscope("diff", folder, folder, "--method", "coherence").err == ""
