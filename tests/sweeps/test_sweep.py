"""A sweep: rows are what the methods say, errors are rows, and another run is told from this one by its field."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from runs_of_tests import content, items, read, run_json, table, values

from otoscope import InputError, Scope, sweep
from otoscope.audio import load_audio
from otoscope.data.find import find_data, find_sounds
from otoscope.evaluation import evaluate
from otoscope.models import load
from otoscope.runs import Run, questions
from otoscope.subject import Subject
from otoscope.sweeps import Swept
from otoscope.sweeps.plan import Listed, listed
from otoscope.sweeps.store import Store

FAULTY = """
import torch
from torch import nn


class Odd(Exception):
    pass


class Faulty(nn.Module):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(1, 3, 20)

    def forward(self, x):
        if x.shape[-1] == 1800:
            raise Odd("here")
        return torch.relu(self.conv(x)).mean(-1)
"""


def run(model: Any, data: Any, out: Path, methods: Any = "activations", **options: Any) -> Swept:
    return sweep(model, data, methods=methods, out=out, workers=0, **options)


def test_rows_are_what_the_methods_say(model: str, sounds: Path, tmp_path: Path) -> None:
    methods = {"activations": {}, "relevance": {"rule": "gradient"}, "coherence": {"nperseg": 64}, "output": {}}
    done = run(model, sounds, tmp_path / "run", methods)
    assert (done.clips, done.causes, done.missing) == (12, {}, {})
    scope, listed = Scope(model), items(tmp_path / "run")
    peak = values(tmp_path / "run", method="activations", variable="peak", layer="relu", channel=2)
    logit = values(tmp_path / "run", method="relevance", variable="logit")
    name = values(tmp_path / "run", method="relevance", variable="class_name")
    left = values(tmp_path / "run", method="coherence", variable="clip_coherence", layer="relu")
    answer = values(tmp_path / "run", method="output", variable="answer")
    sure = values(tmp_path / "run", method="output", variable="probability", at='{"class": "b"}')
    assert [row["clip"] for row in listed] == list(range(12)) == sorted(peak)
    for row in listed:
        wave = load_audio(row["name"], sample_rate=8000)
        active, relevance = scope.activations(wave), scope.relevance(wave, rule="gradient")
        assert peak[row["clip"]] == pytest.approx(float(active["peak"][2]), rel=1e-5)
        assert logit[row["clip"]] == pytest.approx(float(relevance["logit"]), rel=1e-5)
        assert name[row["clip"]] == str(relevance["class_name"].values) == answer[row["clip"]]
        coherence = scope.coherence([wave], nperseg=64)
        assert left[row["clip"]] == pytest.approx(float(coherence["coherence"][0]), rel=1e-4)
        probability = scope.output(wave).softmax(1)[0, 1]
        assert sure[row["clip"]] == pytest.approx(float(probability), rel=1e-5)
        assert row["label"] == Path(row["name"]).parent.name
        assert row["seconds"] == pytest.approx(wave.size / 8000)


def test_shards_shares_and_batches_do_not_show(model: str, sounds: Path, tmp_path: Path) -> None:
    methods = {"activations": {}, "output": {}}
    run(model, sounds, tmp_path / "whole", methods, shard_size=5)
    for share in ("2/3", "1/3", "3/3"):
        run(model, sounds, tmp_path / "shares", methods, shard_size=5, shards=share)
        names = {path.name for path in (tmp_path / "shares" / "rows").iterdir()}
        assert f"part-0000{int(share[0]) - 1}.parquet" in names
    assert content(tmp_path / "shares") == content(tmp_path / "whole")
    assert len(list((tmp_path / "whole" / "rows").iterdir())) == 3


def test_a_share_leaves_the_others_alone(model: str, sounds: Path, tmp_path: Path) -> None:
    done = run(model, sounds, tmp_path / "run", shard_size=2, shards="2/4")
    assert sorted(path.name for path in (tmp_path / "run/rows").iterdir()) == [
        "part-00001.parquet",
        "part-00005.parquet",
    ]
    assert (done.clips, done.shards, done.computed) == (4, 2, 2)
    for wrong in ("0/4", "5/4", "2", "a/b", "2/0"):
        with pytest.raises(InputError, match="share"):
            run(model, sounds, tmp_path / "run", shard_size=2, shards=wrong)


def test_what_is_there_is_not_computed_again(model: str, sounds: Path, tmp_path: Path) -> None:
    first = run(model, sounds, tmp_path / "run", shard_size=4)
    before = content(tmp_path / "run")
    again = run(model, sounds, tmp_path / "run", shard_size=4)
    assert (first.computed, again.computed, again.rows) == (3, 0, 0)
    (tmp_path / "run/rows/part-00001.parquet").unlink()
    (tmp_path / "run/items.parquet").unlink()
    assert run(model, sounds, tmp_path / "run").computed == 1  # the sizes that it began with
    assert content(tmp_path / "run") == before


@pytest.mark.parametrize("same", [True, False], ids=["same", "other"])
def test_of_two_that_begin_at_once_in_one_folder_one_has_it(
    model: str, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    first = model if same else model.replace(":Small", ":Pair")
    run(first, sounds, tmp_path / "alone", shard_size=4)
    begin, begun = Store.begin, list[bool]()

    def later(store: Store, described: Any) -> bool:
        """Another one begins when this one has seen an empty folder."""
        if not begun:
            begun.append(True)
            run(first, sounds, tmp_path / "run", shard_size=4)
        return begin(store, described)

    monkeypatch.setattr(Store, "begin", later)
    if same:
        assert run(model, sounds, tmp_path / "run", shard_size=4).computed == 0
    else:
        with pytest.raises(InputError, match=r"holds another run.*model\."):
            run(model, sounds, tmp_path / "run", shard_size=4)
    assert content(tmp_path / "run") == content(tmp_path / "alone")


@pytest.mark.parametrize("damage", [b"", b"PAR1 no", "other"], ids=["empty", "broken", "other"])
def test_a_list_of_clips_that_is_damaged_or_of_another_run_is_written_again(
    model: str, sounds: Path, tmp_path: Path, damage: bytes | str
) -> None:
    (sounds / "a" / "text.wav").write_text("no sound")
    run(model, sounds, tmp_path / "run", shard_size=4)
    whole = content(tmp_path / "run")
    for name in ("items.parquet", "errors/left-out.parquet"):
        if not (tmp_path / "run" / name).exists():
            continue
        if isinstance(damage, str):
            run(model, sounds / "a", tmp_path / "other", shard_size=4)
            content_now = (tmp_path / "other" / name).read_bytes()
        else:
            content_now = damage
        (tmp_path / "run" / name).write_bytes(content_now)
    assert run(model, sounds, tmp_path / "run").computed == 0
    assert content(tmp_path / "run") == whole


def test_names_and_facts_in_no_encoding_are_written_as_codes(model: str, sounds: Path, tmp_path: Path) -> None:
    named = sounds / os.fsdecode(b"\xe4.wav")
    try:
        (sounds / "a" / "0.wav").rename(named)
    except OSError:
        pytest.skip("the file system takes no such name")
    (sounds / os.fsdecode(b"\xe4b.wav")).write_text("no sound")
    rows = [(named.name, "a", "\ud800"), (os.fsdecode(b"\xe4b.wav"), "b", "y"), ("b/0.wav", "\ud801", "x")]
    lines = [json.dumps({"path": name, "label": label, "who\udfff": fact}) for name, label, fact in rows]
    (sounds / "list.jsonl").write_text("\n".join(lines))
    done = run(model, sounds / "list.jsonl", tmp_path / "run", shard_size=1)
    assert (done.clips, done.causes) == (3, {"unreadable": 1})
    found = {row["name"].rpartition("/")[2]: (row["label"], row["who\\udfff"]) for row in items(tmp_path / "run")}
    assert found == {"\\udce4.wav": ("a", "\\ud800"), "\\udce4b.wav": ("b", "y"), "0.wav": ("\\ud801", "x")}
    assert questions.errors(Run(tmp_path / "run"))["first_clip"].item().endswith("\\udce4b.wav")


def test_it_is_the_same_wherever_the_data_lie(model: str, sounds: Path, tmp_path: Path) -> None:
    run(model, sounds, tmp_path / "one", ids="content")
    moved = shutil.copytree(sounds, tmp_path / "elsewhere")
    run(model, moved, tmp_path / "other", ids="content")
    assert table(tmp_path / "one") == table(tmp_path / "other")
    assert run(model, moved, tmp_path / "one", ids="content").computed == 0


# -- Errors -----------------------------------------------------------------------------------------------


def test_a_bad_file_is_one_row_of_errors_and_the_rest_goes_on(model: str, sounds: Path, tmp_path: Path) -> None:
    good = run(model, sounds, tmp_path / "good", {"activations": {}, "relevance": {}}, ids="content")
    assert good.causes == {}
    (sounds / "a" / "torn.wav").write_bytes((sounds / "a" / "0.wav").read_bytes()[:1000])
    (sounds / "a" / "empty.wav").write_bytes(b"")
    (sounds / "b" / "text.wav").write_text("no sound")
    soundfile.write(sounds / "b" / "silent.wav", np.zeros(1800), 8000)
    soundfile.write(sounds / "c" / "none.wav", np.zeros(0), 8000)
    soundfile.write(sounds / "c" / "nan.wav", np.full(1600, np.nan), 8000, subtype="FLOAT")
    soundfile.write(sounds / "c" / "short.wav", np.full(8, 0.1), 8000)
    done = run(model, sounds, tmp_path / "run", {"activations": {}, "relevance": {}}, ids="content")
    names = {row["clip"]: Path(row["name"]).name for row in items(tmp_path / "run")}
    errors = read(tmp_path / "run", "errors")
    (left_out,) = [row for row in errors if row["clip"] is None]
    assert (Path(left_out["name"]).name, left_out["cause"]) == ("empty.wav", "empty")
    errors.remove(left_out)
    found = {(names[row["clip"]], row["method"]): row["cause"] for row in errors}
    assert found == {
        ("torn.wav", None): "unreadable",
        ("text.wav", None): "unreadable",
        ("none.wav", None): "empty",
        ("nan.wav", None): "not finite",
        ("silent.wav", "relevance"): "silent",
        ("short.wav", "activations"): "too short",
        ("short.wav", "relevance"): "too short",
    }
    assert done.causes == {"empty": 2, "not finite": 1, "silent": 1, "too short": 1, "unreadable": 2}
    assert all(row["message"] and row["name"].endswith(names[row["clip"]]) for row in errors)
    ids = {row["clip"]: row["id"] for row in items(tmp_path / "run")}
    before = {row["id"]: row["clip"] for row in items(tmp_path / "good")}
    for row in read(tmp_path / "run"):
        if names[row["clip"]] != "silent.wav":
            assert ids[row["clip"]] in before
    assert {row["method"] for row in read(tmp_path / "run") if names[row["clip"]] == "silent.wav"} == {"activations"}


def test_a_file_that_goes_missing_and_a_fault_of_the_model_are_rows(tmp_path: Path, sounds: Path) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY)
    listed = [*find_sounds(sounds), find_sounds(sounds)[0]]
    listed[-1] = type(listed[-1])(tmp_path / "gone.wav", ("a",))
    done = run(f"{tmp_path / 'faulty.py'}:Faulty", listed, tmp_path / "run")
    assert done.causes == {"refused": 3, "missing": 1}
    said = {row["message"] for row in read(tmp_path / "run", "errors") if row["cause"] == "refused"}
    assert len(said) == 1 and "here" in said.pop()


def test_a_shard_with_nothing_good_is_done_too(model: str, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    for number in range(3):
        (tmp_path / "bad" / f"{number}.wav").write_text(f"no sound {number}")
    done = run(model, tmp_path / "bad", tmp_path / "run")
    assert done.causes == {"unreadable": 3} and read(tmp_path / "run") == []
    assert run(model, tmp_path / "bad", tmp_path / "run").computed == 0


# -- What a run is told by --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("methods.relevance.rule", {"methods": {"relevance": {"rule": "deconvnet"}}}),
        ("methods.output", {"methods": {"relevance": {"rule": "gradient"}, "output": {}}}),
        ("shard_size", {"shard_size": 3}),
        ("batch_size", {"batch_size": 3}),
        ("arrays", {"arrays": True}),
        ("data.ids", {"ids": "content"}),
        ("data.count", {"limit": 5}),
    ],
)
def test_a_second_start_that_differs_names_the_field(
    model: str, sounds: Path, tmp_path: Path, field: str, change: dict[str, Any]
) -> None:
    usual: dict[str, Any] = {"methods": {"relevance": {"rule": "gradient"}}, "shard_size": 4}
    run(model, sounds, tmp_path / "run", **usual)
    before = content(tmp_path / "run")
    with pytest.raises(InputError, match=field.replace(".", r"\.")):
        run(model, sounds, tmp_path / "run", **(usual | change))
    assert content(tmp_path / "run") == before


def test_another_list_other_weights_and_another_version_are_told(
    model: str, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(model, sounds, tmp_path / "run")
    (sounds / "a" / "0.wav").rename(sounds / "a" / "00.wav")
    with pytest.raises(InputError, match="the list of clips"):
        run(model, sounds, tmp_path / "run")
    (sounds / "a" / "00.wav").rename(sounds / "a" / "0.wav")
    with pytest.raises(InputError, match="model"):
        run(model.replace(":Small", ":Pair"), sounds, tmp_path / "run")
    monkeypatch.setattr("otoscope.sweeps.start.__version__", "0.0.1")
    with pytest.raises(InputError, match=r"versions\.otoscope"):
        run(model, sounds, tmp_path / "run")
    text = (tmp_path / "run/run.json").read_text()
    (tmp_path / "run/run.json").write_text(text.replace('"schema": 1', '"schema": 2'))
    with pytest.raises(InputError, match="another version"):
        run(model, sounds, tmp_path / "run")
    (tmp_path / "run/run.json").write_text(text[:50])
    with pytest.raises(InputError, match="cannot be read"):
        run(model, sounds, tmp_path / "run")


def test_parts_of_another_run_and_damaged_ones_are_named(model: str, sounds: Path, tmp_path: Path) -> None:
    run(model, sounds, tmp_path / "run", shard_size=4)
    run(model, sounds, tmp_path / "other", "output", shard_size=4)
    shutil.copy(tmp_path / "other/rows/part-00001.parquet", tmp_path / "run/rows/part-00001.parquet")
    with pytest.raises(InputError, match=r"part-00001\.parquet is a part of another run"):
        run(model, sounds, tmp_path / "run", shard_size=4)
    part = tmp_path / "run/rows/part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"part-00001\.parquet is damaged"):
        run(model, sounds, tmp_path / "run", shard_size=4)


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ("activation", "did you mean activations"),
        ("geometry", "looks at the model alone"),
        ("", "no method is named"),
        ({"relevance": {"rul": "x"}}, "did you mean rule"),
        ({"relevance": {"window": "wide"}}, "window has to be a number"),
        ({"activations": {"layer": "nowhere"}}, "no tap is named 'nowhere'"),
        ("sonify", "needs the argument layer"),
    ],
)
def test_wrong_methods_are_one_error_and_nothing_is_written(
    model: str, sounds: Path, tmp_path: Path, methods: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(model, sounds, tmp_path / "run", methods)
    assert not (tmp_path / "run").exists()


def test_a_folder_with_other_things_is_left_alone(model: str, sounds: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds notes\.txt"):
        run(model, sounds, tmp_path / "mine")
    with pytest.raises(InputError, match="is a file"):
        run(model, sounds, tmp_path / "mine" / "notes.txt")
    with pytest.raises(InputError, match="no clip"):
        run(model, [], tmp_path / "run")


# -- Disks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", range(1, 6))
def test_a_disk_that_is_full_is_said_and_the_run_goes_on_later(
    model: str, sounds: Path, tmp_path: Path, call: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sounds / "a" / "text.wav").write_text("no sound")
    whole = run(model, sounds, tmp_path / "whole", shard_size=4)
    original, calls = getattr(os, call), 0

    def full(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(InputError, match="make room"):
            run(model, sounds, tmp_path / "run", shard_size=4)
    assert not list((tmp_path / "run").rglob("*.part"))
    again = run(model, sounds, tmp_path / "run", shard_size=4)
    assert content(tmp_path / "run") == content(tmp_path / "whole") and again.causes == whole.causes


def test_a_disk_that_fills_up_while_a_table_is_written(
    model: str, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    run(model, sounds, tmp_path / "whole", shard_size=4)
    original, calls = pq.ParquetWriter.write_table, 0

    def full(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        original(self, *arguments, **options)
        if calls == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(pq.ParquetWriter, "write_table", full)
        with pytest.raises(InputError, match="make room"):
            run(model, sounds, tmp_path / "run", shard_size=4)
    assert run(model, sounds, tmp_path / "run", shard_size=4).computed == 2
    assert content(tmp_path / "run") == content(tmp_path / "whole")


def test_a_folder_that_cannot_be_written_is_said(model: str, sounds: Path, tmp_path: Path, monkeypatch: Any) -> None:
    run(model, sounds, tmp_path / "run", shard_size=4)
    (tmp_path / "run/rows/part-00001.parquet").unlink()
    original = os.open

    def refusing(path: Any, flags: int, *others: Any, **named: Any) -> int:
        if flags & os.O_CREAT and "rows" in str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return original(path, flags, *others, **named)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refusing)
        with pytest.raises(InputError, match="Permission denied; choose a folder that can be written"):
            run(model, sounds, tmp_path / "run", shard_size=4)
    assert run(model, sounds, tmp_path / "run", shard_size=4).computed == 1


# -- What is written --------------------------------------------------------------------------------------


def test_the_plan_says_all_that_a_run_is(model: str, sounds: Path, tmp_path: Path) -> None:
    run(model, sounds, tmp_path / "run", {"relevance": {"rule": "gradient"}}, shard_size=5)
    said = run_json(tmp_path / "run")
    assert said["schema"] == 1 and said["kind"] == "sweep" and said["classes"] == ["a", "b", "c"]
    assert said["methods"]["relevance"]["rule"] == "gradient" and said["methods"]["relevance"]["hop"] == 0.01
    assert (said["shard_size"], said["shards"], said["data"]["count"]) == (5, 3, 12)
    assert set(said["versions"]) == {"otoscope", "torch", "numpy", "python"}
    assert said["model"]["subject"]["sample_rate"] == 8000 and said["model"]["sha256"] == Scope(model).digest


def test_footers_say_whose_part_it_is(model: str, sounds: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    (sounds / "a" / "text.wav").write_text("no sound")
    run(model, sounds, tmp_path / "run", shard_size=5)
    marks = set()
    for path in [*(tmp_path / "run/rows").iterdir(), *(tmp_path / "run/errors").iterdir()]:
        facts = pq.read_metadata(path).metadata
        assert int(facts[b"otoscope.shard"]) == int(path.stem.split("-")[1])
        assert int(facts[b"otoscope.count"]) in (5, 3)
        marks.add(facts[b"otoscope.fingerprint"])
    assert len(marks) == 1


def test_whole_results_are_kept_where_they_are_asked_for(model: str, sounds: Path, tmp_path: Path) -> None:
    import otoscope

    run(model, sounds, tmp_path / "run", "relevance", arrays=True)
    row = items(tmp_path / "run")[3]
    kept = otoscope.open(tmp_path / "run" / "arrays" / "relevance" / "0000003.nc")
    direct = Scope(model).relevance(load_audio(row["name"], sample_rate=8000))
    assert kept.attrs["audio"] == row["name"]
    np.testing.assert_allclose(kept["relevance"], direct["relevance"], rtol=1e-4, atol=1e-7)


def test_waves_of_python_with_labels_and_a_model_of_ones_own(tmp_path: Path) -> None:
    waves = [(0.1 * np.random.default_rng(n).standard_normal(16_000).astype(np.float32), "ab"[n % 2]) for n in range(4)]
    seen: list[tuple[int, int]] = []
    done = run(Scope("vowel-name"), waves, tmp_path / "run", progress=lambda *both: seen.append(both))
    assert done.clips == 4 and seen[0] == (0, 4) and seen[-1] == (4, 4)
    assert sorted(row["label"] for row in items(tmp_path / "run")) == ["a", "a", "b", "b"]


STEREO = """
import torch
from torch import nn


class Stereo(nn.Module):
    sample_rate = 8000
    layout = "(batch, channel, time)"

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(2, 3, 20)

    def forward(self, x):
        return torch.relu(self.conv(x)).mean(-1)
"""


def test_a_model_of_two_channels_hears_both(tmp_path: Path) -> None:
    (tmp_path / "stereo.py").write_text(STEREO)
    place, draw = f"{tmp_path / 'stereo.py'}:Stereo", np.random.default_rng(0)
    (tmp_path / "pairs").mkdir()
    for number, channels in enumerate((2, 2, 1, 1)):
        soundfile.write(tmp_path / "pairs" / f"{number}.wav", draw.uniform(-0.4, 0.4, (1600, channels)), 8000)
    assert run(place, tmp_path / "pairs", tmp_path / "run").causes == {}
    peak = values(tmp_path / "run", variable="peak", layer="relu", channel=1)
    for row in items(tmp_path / "run"):
        direct = Scope(place).activations(row["name"])
        assert peak[row["clip"]] == pytest.approx(float(direct["peak"][1]), rel=1e-5)


def test_facts_named_as_columns_of_rows_keep_apart(tmp_path: Path, sounds: Path, model: str) -> None:
    lines = [f"{path},{path.parent.name},{'lr'[n % 2]}" for n, path in enumerate(sorted(sounds.rglob("*.wav")))]
    (tmp_path / "list.csv").write_text("\n".join(["path,label,channel", *lines]))
    run(model, tmp_path / "list.csv", tmp_path / "run")
    opened = Run(tmp_path / "run")
    assert "channel_" in opened.columns["items"] and "channel" not in opened.columns["items"]
    top = questions.top(opened, k=4)
    assert set(top["channel_"]) <= {"l", "r"} and set(questions.common(opened, top)["fact"]) <= {"label", *opened.facts}


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_an_answer_that_is_not_a_number_is_an_error(tmp_path: Path, sounds: Path, number: str) -> None:
    source = FAULTY.replace(
        'raise Odd("here")', f"return x.mean(-1) + torch.tensor([[0.0, float('{number}'), 0.0]])"
    ).replace("class Faulty(nn.Module):", "class Faulty(nn.Module):\n    classes = ('a', 'b', 'c')", 1)
    (tmp_path / f"{number}.py").write_text(source)
    model = f"{tmp_path / number}.py:Faulty"
    done = run(model, sounds, tmp_path / "run", "output")
    assert done.causes == {"not finite": 3}
    assert len(values(tmp_path / "run", variable="answer")) == 9
    scored = evaluate(Subject(load(model)), sounds, resamples=2)
    assert scored["problem_cause"].values.tolist() == 3 * ["not finite"] and scored.sizes["clip"] == 9


@pytest.mark.parametrize("error", ["Odd('here')", "StopIteration", "type('Own', (Exception,), {})('of mine')"])
def test_whatever_a_model_raises_is_an_error_of_its_clips(tmp_path: Path, sounds: Path, error: str) -> None:
    source = FAULTY.replace('raise Odd("here")', f"raise {error}")
    source = source.replace("class Faulty(nn.Module):", "class Faulty(nn.Module):\n    classes = ('a', 'b', 'c')", 1)
    source = source.replace("x.shape[-1] == ", "x.shape[-1] > 2300 or x.shape[-1] == ")  # noise, too
    (tmp_path / "odd.py").write_text(source)
    model = f"{tmp_path / 'odd.py'}:Faulty"
    done = run(model, sounds, tmp_path / "run", "activations,output")
    assert sum(done.causes.values()) and len(values(tmp_path / "run", variable="answer")) == 9
    scored = evaluate(Subject(load(model)), sounds, resamples=2)
    assert len(scored["problem_cause"]) == 3 and scored.sizes["clip"] == 9


def test_more_shares_than_shards_are_said(tmp_path: Path, sounds: Path, model: str) -> None:
    with pytest.warns(UserWarning, match="has 3 shards, so that only 3 of 1000 shares have one"):
        assert run(model, sounds, tmp_path / "run", shard_size=4, shards="7/1000").shards == 0


def test_a_wrong_share_leaves_no_folder(tmp_path: Path, sounds: Path, model: str) -> None:
    with pytest.raises(InputError, match="3/2"):
        run(model, sounds, tmp_path / "run", shards="3/2")
    assert not (tmp_path / "run").exists()


def test_the_list_is_written_and_hashed_in_one_pass(
    model: str, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    plain = Listed.tables

    def counted(self: Listed) -> Iterator[Any]:
        passes.append(len(self))
        return plain(self)

    monkeypatch.setattr(Listed, "tables", counted)
    sweep(model, sounds, methods="output", out=tmp_path / "run", workers=0)
    assert passes == [12]
    assert run_json(tmp_path / "run")["data"]["sha256"] == listed(find_data(sounds).items).sha256
    with pytest.raises(InputError, match="shards has to be a share"):
        sweep(model, sounds, methods="output", out=tmp_path / "none", workers=0, shards="3/2")
    assert not (tmp_path / "none").exists()
