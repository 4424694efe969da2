"""Folders that Hugging Face datasets saved: written here as `datasets` 3.6 writes them, with pyarrow alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otoscope.data.find import find_data, find_sounds, sound_of
from otoscope.data.sets import parse
from otoscope.errors import InputError

pyarrow = pytest.importorskip("pyarrow")

Wav = Callable[..., bytes]
FEATURES = {
    "audio": {"sampling_rate": 8000, "_type": "Audio"},
    "label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
    "tags": {"feature": {"names": ["x", "y"], "_type": "ClassLabel"}, "_type": "Sequence"},
    "speaker": {"dtype": "string", "_type": "Value"},
}


def save(folder: Path, rows: list[dict[str, Any]], *, per_file: int = 99, compression: str | None = None) -> Path:
    """What ``Dataset.save_to_disk`` leaves: batches of a stream, their files in order, and the features."""
    folder.mkdir(parents=True)
    audio = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    kinds = {"audio": audio, "label": pyarrow.int64(), "tags": pyarrow.list_(pyarrow.int64())}
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in rows[0]])
    options = pyarrow.ipc.IpcWriteOptions(compression=compression)
    names = []
    for first in range(0, len(rows), per_file):
        names.append(f"data-{first:05d}.arrow")
        with pyarrow.ipc.new_stream(folder / names[-1], schema, options=options) as writer:
            for one in range(first, min(first + per_file, len(rows)), 2):  # batches of two rows
                part = rows[one : min(one + 2, first + per_file)]
                writer.write_batch(pyarrow.RecordBatch.from_pylist(part, schema=schema))
    features = {name: kind for name, kind in FEATURES.items() if name in rows[0]}
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    return folder


@pytest.fixture
def rows(wav: Wav) -> list[dict[str, Any]]:
    return [
        {
            "audio": {"bytes": wav(n), "path": f"{n}.wav"},
            "label": n % 2,
            "tags": [0, 1] if n == 1 else [1],
            "speaker": f"s{n}",
        }
        for n in range(1, 6)
    ]


@pytest.mark.parametrize("per_file", [3, 99])
def test_sounds_are_read_from_their_place(per_file: int, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    found = find_data(save(tmp_path / "saved", rows, per_file=per_file))
    assert parse(tmp_path / "saved").name == "arrow"
    assert [item.labels for item in found] == [("dog",), ("cat",), ("dog",), ("cat",), ("dog",)]
    assert found.classes == ("cat", "dog") and not found.multilabel and not found.remarks
    assert found.items[0].facts == {"tags": "x,y", "speaker": "s1"}
    for number, item in enumerate(found, 1):
        wave = sound_of(item, 8000)
        np.testing.assert_allclose(wave, np.full(80 + number, number / 16), atol=1e-4)  # type: ignore[arg-type]
        assert item.name.endswith(f".arrow!{number}.wav")


def test_another_column_may_be_the_class_also_with_several_a_sound(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    place = save(tmp_path / "saved", rows)
    assert [item.labels for item in find_sounds(place, by="speaker")] == [(f"s{n}",) for n in range(1, 6)]
    found = find_data(place, by="tags")
    assert found.multilabel and found.classes == ("x", "y") and found.items[0].labels == ("x", "y")
    with pytest.raises(InputError, match="has no column 'kind'; its columns are audio, label, tags, speaker"):
        find_data(place, by="kind")


def test_splits_are_folders(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    save(tmp_path / "both/train", rows[:3])
    save(tmp_path / "both/test", rows[3:])
    (tmp_path / "both/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert [item.split for item in find_sounds(tmp_path / "both")] == ["train"] * 3 + ["test"] * 2
    assert [item.facts["speaker"] for item in find_sounds(f"arrow@test:{tmp_path / 'both'}")] == ["s4", "s5"]
    with pytest.raises(InputError, match="has no split 'val'; the splits are train, test"):
        find_sounds(f"arrow@val:{tmp_path / 'both'}")


def test_what_cannot_be_used_is_counted(rows: list[dict[str, Any]], wav: Wav, tmp_path: Path) -> None:
    (tmp_path / "own.wav").write_bytes(wav(9))
    rows[0]["audio"] = {"bytes": None, "path": str(tmp_path / "own.wav")}
    rows[1]["audio"] = {"bytes": None, "path": "gone.wav"}
    rows[2]["audio"] = {"bytes": None, "path": None}
    rows[3]["audio"] = {"bytes": b"", "path": "4.wav"}
    rows[4]["label"] = -1  # as a hidden label of a test set is written
    found = find_data(save(tmp_path / "saved", rows))
    assert [item.sound for item in found] == [tmp_path / "own.wav"]
    assert {cause: len(names) for cause, names in found.problems.items()} == {"missing": 2, "empty": 1, "unlabelled": 1}
    (tmp_path / "own.wav").unlink()
    with pytest.raises(InputError, match="no sound that can be used: 3 missing"):
        find_data(tmp_path / "saved")


def test_features_may_stand_in_the_file_and_files_without_a_list(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    place = save(tmp_path / "saved", rows, per_file=3)
    (place / "state.json").unlink()
    assert len(find_data(place)) == 5
    (place / "dataset_info.json").write_text("{}")
    assert [item.labels for item in find_data(place)][:2] == [("1",), ("0",)]


def test_compressed_and_broken_files_are_refused(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="compressed inside"):
        find_data(save(tmp_path / "packed", rows, compression="zstd"))
    place = save(tmp_path / "broken", rows)
    (place / "data-00000.arrow").write_text("text")
    with pytest.raises(InputError, match=r"cannot read .*data-00000.arrow as a stream of Arrow"):
        find_data(place)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is not a folder of Hugging Face datasets"):
        find_data(f"arrow:{tmp_path / 'empty'}")


def test_without_pyarrow_the_extra_is_named(
    rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = save(tmp_path / "saved", rows)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"saved needs pyarrow: pip install 'otoscope\[sweep\]'"):
        find_data(place)


def test_an_empty_list_of_labels_is_none_of_the_classes(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    rows[1]["tags"], rows[2]["tags"] = [], None
    found = find_data(save(tmp_path / "saved", rows), by="tags")
    assert [item.labels for item in found] == [("x", "y"), (), ("y",), ("y",)] and found.multilabel
    assert len(found.problems["unlabelled"]) == 1
