"""`otoscope relevance` and `otoscope inspect` with the rules that Captum computes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from otoscope import Scope, load_audio
from otoscope.methods.attribution import ATTRIBUTIONS
from otoscope.methods.relevance import RELEVANCE_RULES

pytest.importorskip("captum")


@pytest.mark.parametrize("rule", ATTRIBUTIONS)
def test_it_gives_the_numbers_of_python(
    otoscope: Callable[..., Any], small: str, small_scope: Scope, tone: Path, rule: str
) -> None:
    found = otoscope("relevance", small, tone, "--rule", rule, "--target", "b", "--json").json()
    result = small_scope.relevance(load_audio(tone, sample_rate=8000), target="b", rule=rule)
    assert found["rule"] == rule and found["target"] == "b"
    assert found["logit"] == pytest.approx(float(result.logit))
    assert found["mean_spectrum"] == pytest.approx(result.spectrogram.mean("frame_time").values.tolist())
    if rule == "frequency_occlusion":
        assert [row["relevance"] for row in found["bands"]] == pytest.approx(result.band_relevance.values.tolist())


def test_options_of_a_rule(otoscope: Callable[..., Any], small: str, tone: Path) -> None:
    ask = ("relevance", small, tone, "--json")
    found = otoscope(*ask, "--rule", "frequency_occlusion", "--option", "bands=0,400.5,4000").json()
    assert [(row["low"], row["high"]) for row in found["bands"]] == [(0, 400.5), (400.5, 4000)]
    assert otoscope(*ask, "--rule", "smoothgrad", "--option", "samples=2", "--option", "noise=0.2").code == 0
    otoscope(*ask, "--rule", "smoothgrad", "--option", "bands=2").expect_refusal("smoothgrad has no option 'bands'")
    otoscope(*ask, "--rule", "smoothgrad", "--option", "samples").expect_refusal("NAME=NUMBER")
    for name in ("rule", "target", "self", "model"):
        otoscope(*ask, "--option", f"{name}=1").expect_refusal(f"the rule guided has no option '{name}'")


@pytest.mark.parametrize("command", ["relevance", "inspect"])
def test_help_lists_every_rule(otoscope: Callable[..., Any], command: str) -> None:
    shown = re.sub(r"[\s│]+", " ", otoscope(command, "--help").out)
    assert all(rule in shown for rule in RELEVANCE_RULES)


def test_inspect_shows_the_loss_and_warns_of_no_rule_that_does_not_need_it(
    otoscope: Callable[..., Any], small: str, tone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    summary = otoscope("inspect", small, tone, "--rule", "occlusion", "--out", out, "--json").json()
    assert set(summary["relevance"]) == {"occlusion", "gradient"}
    page = (out / "report.html").read_text()
    relevance = page[page.index("Rule: occlusion") - 2000 : page.index("Rule: gradient")]
    assert "What the output loses without each window in time" in relevance
    assert "guided backpropagation and the DeconvNet rule" not in relevance
    assert ATTRIBUTIONS["occlusion"] in page


def test_inspect_with_a_rule_that_cannot_be_computed_is_refused(
    otoscope: Callable[..., Any], small: str, tone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "captum.attr", None)
    ran = otoscope("inspect", small, tone, "--rule", "occlusion", "--out", tmp_path / "out")
    ran.expect_refusal("pip install otoscope[attribution]")
    assert not (tmp_path / "out").exists()
