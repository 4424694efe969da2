"""A study run: nothing is computed twice, what is stopped goes on to the same page, and what changes is done again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import toy_study
from otoscope.errors import InputError
from otoscope.studies.inputs import File, Folder, Package, Sounds
from otoscope.studies.page import check_out, write_study
from otoscope.studies.run import Ran, plan, run
from otoscope.studies.step import Outcome, Step, Work, in_order
from otoscope.studies.store import Store, read_kept
from otoscope.studies.study import Setting

STUDY, QUICK = toy_study.STUDY, Setting(quick=True, data=Folder())


@pytest.fixture(autouse=True)
def counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(toy_study.COUNTER, str(tmp_path / "computed"))
    monkeypatch.delenv("OTOSCOPE_DATA", raising=False)
    return tmp_path / "computed"


def computed(counter: Path) -> list[str]:
    found = counter.read_text().splitlines() if counter.exists() else []
    counter.unlink(missing_ok=True)
    return found


def files(out: Path) -> dict[str, bytes]:
    """All that a study leaves but for trained models, which hold how long they took."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and "models" not in path.relative_to(out).parts
    }


def ran(out: Path | None, setting: Setting = QUICK, **options: object) -> Ran:
    return run(STUDY, setting, out, **options)  # type: ignore[arg-type]


def test_claims_are_judged_by_their_rows(tmp_path: Path) -> None:
    found = ran(tmp_path)
    verdicts = [one.verdict for one in found.judged]
    assert verdicts == ["holds", "fails", "undecided", "undecided", "not run here", "not run here"]
    assert "no rows of large" in found.judged[4].reason
    assert {one.step.table: one.state for one in found.steps}["large"] == "no data"


def test_nothing_is_computed_twice(tmp_path: Path, counter: Path) -> None:
    ran(tmp_path)
    assert len(computed(counter)) == 5
    write_study(ran(tmp_path), tmp_path)
    assert computed(counter) == []
    first = files(tmp_path)
    write_study(ran(tmp_path), tmp_path)
    assert files(tmp_path) == first


def test_more_seeds_compute_what_is_new(tmp_path: Path, counter: Path) -> None:
    ran(tmp_path, part="numbers")
    computed(counter)
    ran(tmp_path, Setting(seeds=3), part="numbers")
    assert computed(counter) == ["drawn, one, seed 2", "drawn, none, seed 2"]


def test_a_part_is_run_alone(tmp_path: Path, counter: Path) -> None:
    found = ran(tmp_path, part="numbers")
    assert not any("weights" in name for name in computed(counter))
    assert found.judged[3].reason == "only the part numbers was run"
    with pytest.raises(InputError, match="its parts are numbers, training"):
        ran(tmp_path, part="letters")


def test_rows_that_are_kept_suffice_for_the_page(tmp_path: Path, counter: Path) -> None:
    write_study(ran(tmp_path / "a"), tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "rows").rename(tmp_path / "b" / "rows")
    computed(counter)
    write_study(ran(tmp_path / "b", rows_only=True), tmp_path / "b")
    assert computed(counter) == []
    a, b = files(tmp_path / "a"), files(tmp_path / "b")
    assert a == {name: content for name, content in b.items() if not name.startswith("rows/")}


def test_without_rows_nothing_is_run_and_said(tmp_path: Path) -> None:
    found = ran(tmp_path, rows_only=True)
    assert {one.verdict for one in found.judged} == {"not run here"}
    write_study(found, tmp_path)
    assert "drawn (4 of its steps): has not been computed" in (tmp_path / "study.md").read_text("utf-8")


def test_a_model_that_is_gone_is_trained_again_only_where_it_is_opened(tmp_path: Path, counter: Path) -> None:
    ran(tmp_path)
    models = tmp_path / "models"
    models.rename(tmp_path / "away")
    ran(tmp_path)
    assert not list(models.iterdir())
    for path in (tmp_path / "rows").glob("weights-*"):
        path.unlink()
    found = ran(tmp_path)
    assert len(list(models.iterdir())) == 1 and found.found.rows("weights")


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import toy_study
from otoscope.studies.inputs import Folder
from otoscope.studies.page import write_study
from otoscope.studies.run import run
from otoscope.studies.study import Setting
out = Path(sys.argv[2])
write_study(run(toy_study.STUDY, Setting(quick=True, data=Folder()), out, jobs=int(sys.argv[3])), out)
"""


def program(out: Path, jobs: int = 1) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, str(Path(toy_study.__file__).parent), str(out), str(jobs)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.kill
@pytest.mark.parametrize("name", ["drawn, none, seed 0", "weights, name, seed 0"])
def test_a_killed_study_goes_on_to_the_same_page(
    name: str, tmp_path: Path, counter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert program(whole).returncode == 0
    computed(counter)
    trap = tmp_path / "trap"
    trap.write_text(name)
    monkeypatch.setenv(toy_study.KILL, str(trap))
    assert program(killed).returncode == -signal.SIGKILL
    before = computed(counter)
    assert name not in before and not (killed / "study.html").exists()
    after = program(killed)
    assert after.returncode == 0, after.stderr
    assert name in (more := computed(counter)) and not set(before) & set(more)
    assert files(killed) == files(whole)


@pytest.mark.slow
def test_several_steps_at_a_time_find_the_same(tmp_path: Path) -> None:
    for jobs in (1, 2):
        made = program(tmp_path / str(jobs), jobs)
        assert made.returncode == 0, made.stderr
    assert files(tmp_path / "1") == files(tmp_path / "2")


# -- Keys -------------------------------------------------------------------------------------------------


def step(**options: object) -> Step:
    return Step(**{"table": "t", "run": toy_study.drawn, "arguments": {"seed": 0, "centre": 1.0}} | options)  # type: ignore[arg-type]


def test_a_key_depends_on_what_the_rows_depend_on() -> None:
    data = Folder()
    first = step().key(data)
    assert first == step(part="other", seconds=99.0, command="x").key(data)
    trained, other = (Step("train", toy_study.drawn, {"n": n}, trains=True) for n in (1, 2))
    different = [
        step(arguments={"seed": 1, "centre": 1.0}),
        step(version=2),
        step(labels={"seed": 1}),
        step(table="u"),
        step(inputs=(Sounds("vowels"),)),
        step(inputs=(Sounds("vowels", "register"),)),
        step(needs=(trained,)),
        step(needs=(other,)),
    ]
    keys = [one.key(data) for one in different]
    assert None not in keys and len({first, *keys}) == len(keys) + 1


def test_a_key_depends_on_the_data_and_not_on_its_place(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.pt").write_bytes(content)
    one = step(inputs=(File("weights.pt"),))
    keys = [one.key(Folder(tmp_path / name)) for name in "abc"]
    assert keys[0] == keys[1] != keys[2]
    assert one.key(Folder(tmp_path)) is None and one.recipe == step(inputs=(File("weights.pt"),)).recipe


def test_a_data_set_is_known_by_its_sounds(tmp_path: Path) -> None:
    for place in ("a", "b"):
        for digit in (0, 1):
            path = tmp_path / place / "fsdd" / "recordings" / f"{digit}_jackson_0.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x" * 10)
    sounds = Sounds("fsdd")
    first = Folder(tmp_path / "a").fingerprint(sounds)
    assert first == Folder(tmp_path / "b").fingerprint(sounds)
    assert first != Folder(tmp_path / "a").fingerprint(Sounds("fsdd", "speaker"))
    (tmp_path / "b" / "fsdd" / "recordings" / "0_jackson_0.wav").write_bytes(b"longer than before")
    assert first != Folder(tmp_path / "b").fingerprint(sounds)
    assert Folder(tmp_path).fingerprint(sounds) is None
    with pytest.raises(InputError, match="download it from"):
        Folder(tmp_path).read(sounds)
    with pytest.raises(InputError, match="is not a folder"):
        Folder(tmp_path / "none")


def test_rows_of_other_data_are_taken_only_where_there_is_none(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "w").write_bytes(content)
    store, one = Store(tmp_path / "rows"), step(inputs=(File("w"),))
    store.write(one, Folder(tmp_path / "a"), Outcome([{"x": 1.5}]))
    assert store.find(one, Folder(tmp_path / "a")) is not None
    assert store.find(one, Folder(tmp_path / "b")) is None
    assert store.find(one, Folder(tmp_path / "b"), any_data=True) is not None
    assert store.find(one, Folder(tmp_path)) is not None


def test_steps_follow_what_they_need() -> None:
    first = step(table="first")
    second = step(table="second", needs=(first,))
    assert in_order([second, first, step(table="first")]) == [first, second]


# -- Rows -------------------------------------------------------------------------------------------------


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    import numpy as np
    import xarray as xr

    rows = [
        {"x": 0.1 + 0.2, "n": 3, "name": "é", "ok": True, "none": None},
        {"x": float("nan"), "extra": np.float64(2)},
    ]
    result = xr.Dataset({"a": ("time", [1.0, 2.0])}, attrs={"method": "strs"})
    one = step(labels={"kind": "k"})
    kept = Store(tmp_path).write(one, Folder(), Outcome(rows, {"Wave 1": result}))
    assert kept.rows[0] == {"kind": "k", **rows[0], "extra": None}
    assert kept.rows[1]["x"] != kept.rows[1]["x"] and kept.rows[1]["extra"] == 2.0
    assert kept.result("Wave 1")["a"].values.tolist() == [1.0, 2.0]
    with pytest.raises(InputError, match="column 'y'"):
        Store(tmp_path).write(one, Folder(), Outcome([{"y": [1]}]))
    kept.path.write_text("{")
    with pytest.raises(InputError, match="damaged"):
        read_kept(kept.path)


def test_a_step_says_its_name_where_it_fails(tmp_path: Path) -> None:
    def fail(work: Work) -> Outcome:
        raise InputError("no such thing")

    broken = replace(STUDY, plan=lambda setting: [step(run=fail, labels={"seed": 4})])
    with pytest.raises(InputError, match="t, seed 4: no such thing"):
        run(broken, QUICK, tmp_path)


# -- The page ---------------------------------------------------------------------------------------------


def test_the_page_says_everything(tmp_path: Path) -> None:
    found = ran(tmp_path)
    page = write_study(found, tmp_path).read_text("utf-8")
    for said in ("A toy", "toy-1", "not run here: needs TIMIT", "Fig. 2: a photograph.", "Fig. 1: dots", "a quick run"):
        assert said in page, said
    assert "large (1 of its steps)" in page and "needs librispeech" in page
    assert page.count("Ours are lines.") == 1, "a caption stands under its figure alone"
    record = json.loads((tmp_path / "study.json").read_text("utf-8"))
    assert record["counts"] == {"holds": 1, "fails": 1, "undecided": 2, "not run here": 2}
    assert record["claims"][0]["low"] > 0 and record["claims"][3]["low"] is None
    text = (tmp_path / "study.md").read_text("utf-8")
    assert text.count("| toy-") == 6 and "![Numbers](figures/fig-1.png)" in text
    assert (tmp_path / "tables" / "table-1.csv").read_text().startswith("kind,mean\none,")
    assert len((tmp_path / "tables" / "rows-drawn.csv").read_text().splitlines()) == 21
    assert (tmp_path / "claims.csv").read_text("utf-8").count("toy-") == 6
    pdf = (tmp_path / "figures" / "fig-1.pdf").read_bytes()
    assert pdf.startswith(b"%PDF") and b"CIDFontType2" in pdf and b"CreationDate" not in pdf


def test_a_folder_of_another_study_is_left_alone(tmp_path: Path) -> None:
    write_study(ran(tmp_path, rows_only=True), tmp_path)
    check_out(tmp_path, "toy")
    with pytest.raises(InputError, match="holds the study toy"):
        check_out(tmp_path, "swam")


def test_a_plan_lists_every_step(tmp_path: Path) -> None:
    listed = plan(STUDY, QUICK, None)
    assert [one.step.name for one in listed] == [
        "drawn, one, seed 0",
        "drawn, one, seed 1",
        "drawn, none, seed 0",
        "drawn, none, seed 1",
        "training, name, seed 0",
        "weights, name, seed 0",
        "large",
    ]
    assert [one.state for one in listed] == ["to compute"] * 6 + ["no data"]
    assert listed[4].step.command == "otoscope train laptop/vowels learn.epochs=1 learn.warm_up=0 seed=0 --out FOLDER"


def test_a_step_without_its_package_is_left_out_as_one_without_its_data(tmp_path: Path) -> None:
    step = toy_study.STUDY.steps(QUICK)[0]
    there, missing = (replace(step, inputs=(Package(name),)) for name in ("numpy", "no_such_package"))
    assert [one.key(Folder()) is None for one in (there, missing)] == [False, True]
    study = replace(STUDY, plan=lambda setting: [there, missing])
    assert [one.state for one in plan(study, QUICK, None)] == ["to compute", "no data"]
    with pytest.raises(InputError, match="no_such_package is not in"):
        Folder().path(missing.inputs[0])
