"""Every study as it comes: its claims are whole, its plan can be made, and its rows are those of its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from otoscope.citations import BIBLIOGRAPHY
from otoscope.plots.style import styled
from otoscope.studies.claim import Claim
from otoscope.studies.inputs import Folder
from otoscope.studies.listing import find_study, names
from otoscope.studies.page import write_study
from otoscope.studies.run import run
from otoscope.studies.store import read_kept
from otoscope.studies.study import Setting, Study, rows_folder

STUDIES = [find_study(name) for name in names()]
CLAIMS = [pytest.param(claim, id=claim.number) for study in STUDIES for claim in study.claims]


def each(argument: str = "study") -> pytest.MarkDecorator:
    return pytest.mark.parametrize(argument, [pytest.param(one, id=one.name) for one in STUDIES])


def test_the_four_works_have_their_studies_and_every_claim_a_number_of_its_own() -> None:
    assert [one.name for one in STUDIES[:4]] == ["swam", "relevance", "sonification", "simplenet"]
    numbers = Counter(claim.number for study in STUDIES for claim in study.claims)
    assert max(numbers.values()) == 1 and len(numbers) >= 40


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_says_what_where_and_how_it_is_judged(claim: Claim) -> None:
    assert claim.work in BIBLIOGRAPHY and claim.where and claim.text.endswith(".") and claim.test
    assert (claim.margin > 0) == (claim.direction == "within")
    assert claim.measure is None or claim.uses
    study = find_study(claim.number.rpartition("-")[0])
    assert claim.part in study.parts


@each()
def test_claims_and_pictures_use_tables_that_the_plan_fills(study: Study) -> None:
    tables = {step.table for quick in (True, False) for step in study.steps(Setting(quick, data=Folder()))}
    for one in chain(study.claims, study.pictures, study.tables):
        assert set(one.uses) <= tables, one
        assert one.part in study.parts, one


@each()
def test_every_step_of_a_plan_is_computed_once(study: Study) -> None:
    for quick in (True, False):
        steps = study.steps(Setting(quick, data=Folder()))
        assert len({step.recipe for step in steps}) == len(steps)
        assert {step.part for step in steps} <= set(study.parts)


@each()
def test_rows_that_are_kept_are_those_of_the_plan(study: Study) -> None:
    """None is left of an earlier version of a step."""
    steps = {step.recipe for quick in (True, False) for step in study.steps(Setting(quick, data=Folder()))}
    for path in rows_folder(study.name).glob("*.json"):
        assert read_kept(path).recipe in steps, f"{path.name} belongs to no step: remove it"


@each()
def test_a_page_is_made_from_kept_rows_alone(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTOSCOPE_DATA", raising=False)
    found = run(study, Setting(data=Folder()), tmp_path, rows_only=True)
    page = write_study(found, tmp_path).read_text("utf-8")
    assert all(f">{claim.number}<" in page for claim in study.claims)


def test_all_25_numbers_of_table_4_come_out() -> None:
    found = run(find_study("swam"), Setting(data=Folder()), None, rows_only=True)
    (one,) = (one for one in found.judged if one.claim.where == "Table 4")
    assert (one.verdict, one.estimate and one.estimate.value) == ("holds", 25)


@pytest.mark.study
def test_a_quick_study_is_run_whole_and_contradicts_no_verdict_of_the_rows_that_come_with_it(tmp_path: Path) -> None:
    study = find_study("simplenet")
    setting = Setting(quick=True)
    if not setting.has("esc10"):
        pytest.skip("needs ESC-10 in OTOSCOPE_DATA")
    found = run(study, setting, tmp_path)
    assert write_study(found, tmp_path).is_file() and not any(one.kept is None for one in found.steps)
    kept = run(study, Setting(data=Folder()), None, rows_only=True)
    for ours, theirs in zip(found.judged, kept.judged, strict=True):
        assert {ours.verdict, theirs.verdict} != {"holds", "fails"}, ours.claim.number


Otoscope = Callable[..., Any]


def test_the_command_lists_plans_and_makes_pages(otoscope: Otoscope, tmp_path: Path) -> None:
    listed = otoscope("study")
    assert listed.code == 0 and all(name in listed.out for name in names())
    planned = otoscope("study", "simplenet", "--plan", "--quick", "--json").json()
    assert {"flow", "one_layer"} <= {step["step"] for step in planned["steps"]}
    made = otoscope("study", "swam", "--rows-only", "--out", tmp_path / "out", "--only", "published")
    assert made.code == 0 and made.out.strip() == str(tmp_path / "out" / "study.html")
    assert "43 claims" in made.err
    kept = tmp_path / "kept"
    record = otoscope("study", "swam", "--rows-only", "--out", tmp_path / "out", "--export", kept, "--json").json()
    assert record["counts"]["holds"] >= 4 and any(path.name.startswith("published_geometry") for path in kept.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("swan",), "did you mean swam?"),
        (("swam",), "give --out"),
        (("swam", "--plan", "--only", "tables"), "its parts are accuracy"),
        (("swam", "--plan", "--seeds", "0"), "--seeds has to be 1 or more"),
        (("swam", "--plan", "--data", "/none"), "/none is not a folder"),
        (("swam", "--plan", "--change", "learn.epoch=1"), "did you mean learn.epochs?"),
        (("swam", "--rows-only", "--out", "out", "--jobs", "0"), "jobs has to be 1 or more"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], said: str, otoscope: Otoscope) -> None:
    done = otoscope("study", *arguments)
    assert done.code == 1 and said in " ".join(done.err.split())


@each()
def test_pictures_are_legible_at_the_width_of_a_column_or_a_page(
    study: Study, check_text: Callable[[Any], None]
) -> None:
    found = run(study, Setting(data=Folder()), None, rows_only=True).found
    for picture in study.pictures:
        if all(found.rows(table) for table in picture.uses):
            with styled("paper"):
                figure = picture.draw(found)
            check_text(figure)
            assert round(figure.get_figwidth() * 25.4) in (86, 178)
