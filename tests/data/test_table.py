"""Tables of one's own: parts, and pieces of files."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from otoscope import write_audio
from otoscope.data import read
from otoscope.data.find import find_sounds, sound_of
from otoscope.data.headers import read_headers
from otoscope.errors import InputError


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write_audio(tmp_path / "a.wav", np.linspace(-0.5, 0.5, 8000), 8000)
    rows = "file,label,split,start,stop\na.wav,low,train,,0.25\na.wav,high,train,0.75,\na.wav,all,test,,\n"
    (tmp_path / "list.csv").write_text(rows)
    return tmp_path / "list.csv"


def test_a_column_tells_the_part(table: Path) -> None:
    found = read("csv", table)
    assert [item.split for item in found] == ["train", "train", "test"]
    assert [item.labels for item in find_sounds(f"csv@test:{table}")] == [("all",)]
    assert read("csv", table, task="split").classes == ("test", "train")
    with pytest.raises(InputError, match="no item of the split 'val'; the splits are train, test"):
        read("csv", table, split="val")


def test_pieces_are_cut_out(table: Path) -> None:
    low, high, whole = (sound_of(item, 8000) for item in find_sounds(table))
    assert whole == table.parent / "a.wav" and not isinstance(low, Path) and not isinstance(high, Path)
    ramp = np.linspace(-0.5, 0.5, 8000)
    np.testing.assert_allclose(low, ramp[:2000], atol=1e-4)
    np.testing.assert_allclose(high, ramp[6000:], atol=1e-4)


@pytest.mark.parametrize("mark", [";", "\t", "|", ", "])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_separators_and_encodings_are_found_out(table: Path, mark: str, encoding: str) -> None:
    text = table.read_text().replace("high", "höher, am höchsten" if mark != ", " else "höher")
    table.write_text(text.replace(",", mark) if mark != "|" else text.replace(",", "|"), encoding=encoding)
    if mark in ";\t|":  # a comma within a cell stays one
        text = table.read_text(encoding=encoding).replace(f"höher{mark} am", "höher, am")
        table.write_text(text, encoding=encoding)
    found = read("table", table)
    assert found.classes == ("all", "höher, am höchsten" if mark != ", " else "höher", "low")
    assert (found.items[0].stop, found.items[1].start) == (0.25, 0.75)
    assert found.items[0].facts == {}


def test_a_decimal_comma_is_read_between_other_separators(table: Path) -> None:
    table.write_text("file;label;start;stop\na.wav;x;0,25;0,5\n")
    assert [(item.start, item.stop) for item in read("table", table)] == [(0.25, 0.5)]


def test_windows_text_is_read(table: Path) -> None:
    table.write_bytes("file,label\na.wav,20 €\n".encode("cp1252"))
    assert read("table", table).classes == ("20 €",)
    table.write_bytes(b"file,label\na.wav,\x81\n")  # no letter of Windows-1252
    assert read("table", table).classes == ("\x81",)


def test_json_lines(table: Path) -> None:
    path = table.with_suffix(".jsonl")
    path.write_text('{"path": "a.wav", "label": 3, "start": 0.5, "loud": true}\n\n{"path": "a.wav", "label": 10}\n')
    found = read("table", path)
    assert [(item.labels, item.start, item.facts) for item in found] == [
        (("3",), 0.5, {"loud": "True"}),
        (("10",), None, {}),
    ]
    path.write_text('[{"path": "a.wav", "label": ["x", "y"]}, {"path": "a.wav", "label": "x"}]')
    found = read("table", path)
    assert found.multilabel and [item.labels for item in found] == [("x", "y"), ("x",)]


def test_parquet(table: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {"path": ["a.wav"] * 2, "label": ["x", None], "start": [None, 0.5], "take": [1, 2], "raw": [b"a", b"b"]}
    parquet.write_table(arrow.table(columns), table.with_suffix(".parquet"))
    found = read("table", table.with_suffix(".parquet"))
    assert [(item.labels, item.start, item.facts) for item in found] == [(("x",), None, {"take": "1"})]
    assert found.problems["unlabelled"] == ("a.wav, row 2",) and "row 2: the column label is empty" in found.remarks[0]
    assert [item.labels for item in find_sounds(table.with_suffix(".parquet"), by="take")] == [("1",), ("2",)]


def test_what_cannot_be_used_is_counted_by_cause_and_the_rest_is_kept(table: Path) -> None:
    (table.parent / "none.wav").touch()
    (table.parent / "b.m4a").write_text("x")
    (table.parent / "c.flac").write_text("x")
    rows = [
        "a.wav,low,",
        "gone.wav,low,",
        "c.wav,low,",
        "none.wav,low,",
        "b.m4a,low,",
        "a.wav,,",
        "a.wav,low,x",
        ",low,",
    ]
    table.write_text("path,label,start\n" + "\n".join(rows) + "\n")
    found = read("table", table)
    assert [item.labels for item in found] == [("low",)]
    assert dict(found.problems) == {
        "missing": ("gone.wav", "c.wav", "line 9"),
        "empty": ("none.wav",),
        "unreadable": ("b.m4a",),
        "unlabelled": ("a.wav",),
        "no piece": ("a.wav, line 8",),
    }
    (note,) = found.remarks
    assert note.startswith("7 sounds are left out: 3 missing (gone.wav: line 3: there is no file ")
    table.write_text("path,label\nc.wav,low\n")
    with pytest.raises(
        InputError, match=r"no sound that can be used: 1 missing \(c.wav: .* but c.flac is there: change"
    ):
        read("table", table)


def test_rows_that_are_no_piece_are_named_each_with_its_line_and_reason(table: Path) -> None:
    rows = ["a.wav,0,x", "a.wav,0.5,0.25", "gone.wav,0,1", "a.wav,-1,0.5", "gone.wav,1,2", "a.wav,0,nan", "a.wav,,0.5"]
    table.write_text("path,start,stop\n" + "\n".join(rows) + "\n")
    found = read("table", table)
    assert len(found) == 1
    assert list(found.problems.reasons()) == [
        ("no piece", "a.wav, line 2", "start and stop have to be numbers, in s, not 0 to x"),
        ("no piece", "a.wav, line 3", "a piece stops after it starts: 0.5 to 0.25 s is none"),
        ("no piece", "a.wav, line 5", "a piece starts at 0 s or later: -1 to 0.5 s is none"),
        ("no piece", "a.wav, line 7", "a piece stops after it starts: 0 to nan s is none"),
        ("missing", "gone.wav, line 4", f"there is no file {table.parent / 'gone.wav'}"),
        ("missing", "gone.wav, line 6", f"there is no file {table.parent / 'gone.wav'}"),
    ]


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_whole_numbers_are_the_same_text_whatever_their_type(table: Path, kind: str) -> None:
    columns = {"label": [0.0, 1.0, None, float("nan")], "take": [1, 2, 3, 4], "age": [31.0, 31.5, None, 8.0]}
    path, names = table.with_suffix(f".{kind}"), ["a.wav"] * 4
    if kind == "parquet":
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(arrow.table({"path": names, **columns, "good": [True, False, None, True]}), path)
    else:
        lines = zip(*columns.values(), [True, False, None, True], strict=True)
        rows = (dict(zip([*columns, "good"], line, strict=True)) | {"path": "a.wav"} for line in lines)
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = read("table", path)
    assert found.classes == ("0", "1") and len(found.problems["unlabelled"]) == 2
    assert [item.facts for item in found] == [
        {"take": "1", "age": "31", "good": "True"}, {"take": "2", "age": "31.5", "good": "False"},
    ]  # fmt: skip
    assert read("table", path, task="age").classes == ("31", "31.5", "8")


def test_another_column_as_the_class_keeps_the_label_as_a_fact(table: Path) -> None:
    table.write_text("path,Label,split,speaker\na.wav,x,train,ann\n")
    assert find_sounds(table)[0].facts == {"speaker": "ann"}
    assert find_sounds(table, by="speaker")[0].facts == {"Label": "x", "speaker": "ann"}


def test_a_stop_behind_the_end_is_no_piece_unless_it_is_rounded(table: Path) -> None:
    table.write_text("path,start,stop\na.wav,0.5,1.04\na.wav,0.5,1.2\na.wav,2,\na.wav,0.99,1.0\n")
    rounded, behind, outside, end = find_sounds(table)
    for item, samples in ((rounded, 4000), (end, 80)):
        wave = sound_of(item, 8000)
        assert not isinstance(wave, Path) and wave.sizes["time"] == samples
    for item in (behind, outside):
        with pytest.raises(InputError, match=r"a.wav is 1.000 s long and has no piece from .* s"):
            sound_of(item, 8000)
    assert list(read_headers([rounded, behind, outside]).broken) == [1, 2]


def test_a_table_without_labels_is_one_of_sounds_without_classes(table: Path) -> None:
    table.write_text("Path,speaker\na.wav,ann\n")
    found = read("table", table)
    assert [(item.labels, item.facts) for item in found] == [((), {"speaker": "ann"})] and found.classes == ()
    assert found.remarks == (
        f"{table} has no column 'label', so the sounds have no classes: choose one of speaker (--by)",
    )
    assert read("table", table, task="speaker").classes == ("ann",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "sound;label\na.wav;x\n", "a.csv has no column 'path' or 'file'; its columns are sound, label"),
        ("a.csv", "path;label\na.wav;x\n", "a.csv has no column 'kind'; its columns are path, label"),
        ("a.csv", "", "a.csv has no rows: it is empty"),
        ("a.csv", "path,kind\n", "a.csv has no rows below its heading"),
        ("a.jsonl", "{\n", "a.jsonl, line 1: this is not JSON"),
        ("a.jsonl", "[1]\n", "entry 1 is not a JSON object"),
        ("a.jsonl", '{"path": "a.wav", "kind": 1, "kind": 2}\n', "a.jsonl, line 1: .*'kind' is there twice"),
        ("a.json", '[{"path": "a.wav", "kind": 1, "kind": 2}]', "'kind' is there twice"),
        ("a.csv", "path;kind;kind\na.wav;x;y\n", "a.csv: columns 2 and 3 are both called 'kind': rename one"),
        ("a.parquet", "path", "a.parquet is not a Parquet table"),
        ("a.json", "[" * 100_000, "a.json is not a list in JSON: it is nested too deeply"),
        (
            "a.jsonl",
            '{"path": "a.wav"}\n' + "[" * 100_000,
            "a.jsonl, line 2: this is not JSON: it is nested too deeply",
        ),
        ("a.csv", f"path,kind,{'x' * 200_000}\na.wav,x,1\n", "a.csv, line 1: this is not a csv table: field larger"),
    ],
)
def test_faults_of_a_table_are_named(name: str, text: str, message: str, tmp_path: Path) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read("table", tmp_path / name, task="kind")


def test_columns_of_one_name_in_parquet_are_refused(table: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = table.with_suffix(".parquet")
    parquet.write_table(arrow.Table.from_arrays([["a.wav"], ["x"], ["y"]], names=["path", "kind", "kind"]), path)
    with pytest.raises(InputError, match="columns 2 and 3 are both called 'kind'"):
        read("table", path)


@pytest.mark.parametrize("after", [0, 3, 30_000])
@pytest.mark.parametrize("again", ["", 'a.wav;"soft;y\n'])
def test_a_quote_that_is_not_closed_is_named_and_swallows_no_rows(table: Path, after: int, again: str) -> None:
    table.write_text('path;note;label\na.wav;ok;x\n\na.wav;"loud;x\n' + after * "a.wav;ok;y\n" + again)
    with pytest.raises(InputError, match=r"list.csv, line 4: a quote opens a cell here and none closes it"):
        read("table", table)


def test_a_cell_of_several_lines_and_quotes_within_cells_are_read(table: Path) -> None:
    table.write_text('path,note,label\na.wav,"two\nlines, ""said""",x\na.wav,5" wide,y\na.wav,"so" he said,z\n')
    found = read("table", table)
    assert [item.facts["note"] for item in found] == ['two\nlines, "said"', '5" wide', "so he said"]


@pytest.mark.parametrize("mark", [",", ";"])
def test_a_heading_of_several_lines_is_read_whole(table: Path, mark: str) -> None:
    rows = ['path,"start\n(s)",label,"speaker\r\nname"', "a.wav,0,x,ann", "a.wav,0,y,bob"]
    table.write_text("\n".join(rows).replace(",", mark), newline="")
    found = read("table", table)
    assert [(item.labels, item.facts) for item in found] == [
        (("x",), {"start (s)": "0", "speaker name": "ann"}), (("y",), {"start (s)": "0", "speaker name": "bob"}),
    ]  # fmt: skip


def test_a_heading_may_have_very_many_columns(table: Path) -> None:
    names = [f"c{number}" for number in range(40_000)]
    table.write_text(f"path,label,{','.join(names)}\na.wav,x,{','.join('1' for _ in names)}\n")
    found = read("table", table)
    assert found.items[0].labels == ("x",) and len(found.items[0].facts) == 40_000


def test_lines_that_end_as_on_an_old_mac_are_lines(table: Path) -> None:
    table.write_text("path,label\ra.wav,x\ra.wav,y\r", newline="")
    assert [item.labels for item in read("table", table)] == [("x",), ("y",)]


def test_half_characters_are_written_as_their_codes(table: Path) -> None:
    path = table.with_suffix(".jsonl")
    path.write_text(
        '{"path": "a.wav", "label": "\\ud800", "who\\ud800": "x\\udfff"}\n{"path": "\\ud800.wav", "label": 1}\n'
    )
    found = read("table", path)
    assert [(item.labels, item.facts) for item in found] == [(("\\ud800",), {"who\\ud800": "x\\udfff"})]
    assert found.problems["missing"][0].endswith("\\ud800.wav")
    str(found.problems.said).encode()


@pytest.mark.parametrize("said", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_first_line_of_excel_tells_the_separator(table: Path, said: str) -> None:
    table.write_text(f"{said}\r\nfile;label;note\r\na.wav;x;1,5\r\n", newline="")
    found = read("table", table)
    assert [(item.labels, item.facts["note"]) for item in found] == [(("x",), "1,5")]


def test_without_pyarrow_the_extra_is_named(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table.rename(table.with_suffix(".parquet"))
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"list.parquet needs pyarrow: pip install 'otoscope\[sweep\]'"):
        read("table", table.with_suffix(".parquet"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,low,train,x,", "line 2: start and stop have to be numbers"),
        ("a.wav,low,train,3,4", "has no piece from 3.000"),
    ],
)
def test_pieces_that_cannot_be_are_named(table: Path, row: str, message: str) -> None:
    table.write_text(f"file,label,split,start,stop\n{row}\n")
    with pytest.raises(InputError, match=message):
        sound_of(*find_sounds(table), 8000)


def test_the_index_that_pandas_writes_is_no_label(table: Path) -> None:
    table.write_text(",path,label,speaker\n0,a.wav,x,ann\n1,a.wav,y,bob\n")
    found = read("table", table)
    assert [(item.labels, item.facts) for item in found] == [(("x",), {"speaker": "ann"}), (("y",), {"speaker": "bob"})]


def test_an_empty_list_of_labels_is_none_of_the_classes_and_no_label_is_left_out(table: Path) -> None:
    path = table.with_suffix(".jsonl")
    lines = [{"label": ["x", "y"]}, {"label": []}, {"label": ["y"]}, {}, {"label": None}]
    path.write_text("\n".join(json.dumps({"path": "a.wav"} | line) for line in lines))
    found = read("table", path)
    assert [item.labels for item in found] == [("x", "y"), (), ("y",)] and found.multilabel
    assert len(found.problems["unlabelled"]) == 2
    path.write_text('{"path": "a.wav", "label": ["x"]}')  # a list of classes, if of one
    assert read("table", path).multilabel


def test_columns_of_json_lines_are_those_of_all_lines(table: Path) -> None:
    path = table.with_suffix(".jsonl")
    path.write_text('{"path": "a.wav"}\n{"path": "a.wav", "label": "x", "speaker": "ann", "stop": 0.5}\n')
    found = read("table", path)
    assert [(item.labels, item.facts, item.stop) for item in found] == [(("x",), {"speaker": "ann"}, 0.5)]
    assert found.problems["unlabelled"] == ("a.wav",)


def test_rows_with_more_or_fewer_cells_than_columns_are_named(table: Path) -> None:
    table.write_text("path,label,speaker\na.wav,x,ann\na.wav,well, hello,bob\na.wav,y\na.wav,z,cid,,\n")
    found = read("table", table)
    assert [(item.labels, item.facts) for item in found] == [(("x",), {"speaker": "ann"}), (("z",), {"speaker": "cid"})]
    assert [(cause, name) for cause, name, _ in found.problems.reasons()] == [
        ("broken row", "line 3"), ("broken row", "line 4"),
    ]  # fmt: skip
    assert "4 cells, and the table has 3 columns; put quotes" in found.problems.said


@pytest.mark.parametrize(
    ("columns", "span"),
    [
        ({"audio_filepath": "a.wav", "offset": 0.1, "duration": 0.3, "text": "hi"}, (0.1, 0.4)),
        ({"path": "a.wav", "start": 0.1, "duration": 0.3}, (0.1, 0.4)),
        ({"filename": "a.wav", "onset": 0.1, "offset": 0.3}, (0.1, 0.3)),
        ({"wav": "a.wav", "start": 0.1, "end": 0.3}, (0.1, 0.3)),
        ({"audio": {"path": "a.wav", "bytes": None}, "duration": 1.0}, (None, None)),
    ],
)
def test_the_columns_of_others_are_known(table: Path, columns: dict[str, object], span: tuple[float, float]) -> None:
    path = table.with_suffix(".jsonl")
    path.write_text(json.dumps(columns))
    (item,) = read("table", path).items
    assert (item.start, item.stop) == span and item.sound == table.parent / "a.wav"
    assert set(item.facts) == set(columns) & ({"text"} if span[0] else {"duration"})


def test_a_json_object_of_sounds_by_their_names(table: Path) -> None:
    path = table.with_suffix(".json")
    entries = {"u1": {"wav": "a.wav", "spk_id": "s1"}, "u2": {"wav": "a.wav", "spk_id": "s2"}}
    for text in (json.dumps(entries), json.dumps(entries, indent=2)):
        path.write_text(text)
        found = read("table", path, task="spk_id")
        assert [(item.labels, item.facts["id"]) for item in found] == [(("s1",), "u1"), (("s2",), "u2")]
    path.write_text(json.dumps({"data": [{"wav": "a.wav", "labels": ["x", "y"]}]}, indent=1))
    assert [item.labels for item in read("table", path)] == [("x", "y")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "wav,audio_path,label\na.wav,a.wav,x\n",
            "columns wav, audio_path: call the one that holds the sound files path",
        ),
        ("u1,a.wav,x\nu2,a.wav,y\n", "heading missing.*as in path,label"),
        ("path,label,Speaker,speaker\na.wav,x,y,z\n", "columns 3 and 4 are called 'Speaker' and 'speaker': rename one"),
    ],
)
def test_columns_that_cannot_be_told_apart_are_refused(table: Path, text: str, message: str) -> None:
    table.write_text(text)
    with pytest.raises(InputError, match=message):
        read("table", table)


def test_sounds_within_a_parquet_table_are_refused_with_the_way_out(table: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = table.with_suffix(".parquet")
    parquet.write_table(arrow.table({"audio": [{"bytes": b"RIFF", "path": "a.wav"}], "label": ["x"]}), path)
    with pytest.raises(InputError, match=r"column 'audio' holds bytes.*save_to_disk\(FOLDER\)"):
        read("table", path)
