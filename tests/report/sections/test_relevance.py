"""The section on relevance: by rule, with its loss, its caution and its sound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from otoscope.data.vowels import vowel_clip
from otoscope.methods.relevance import relevance
from otoscope.methods.relevance_rules import ATTRIBUTIONS
from otoscope.report.html import Figure, Heading, Note, Table
from otoscope.report.sections.relevance import relevance as section_of
from otoscope.subject import Subject

RATE = 8000


def result(rule: str) -> xr.Dataset:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 20, stride=5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    return relevance(Subject(model, RATE, classes=tuple("abcd")), torch.randn(2000), target="b", rule=rule)


def test_each_rule_has_its_part_and_its_sound() -> None:
    by_rule = {rule: result(rule) for rule in ("guided", "gradient")}
    section = section_of(by_rule)
    assert [one.text for one in section.body if isinstance(one, Heading)] == ["Rule: guided", "Rule: gradient"]
    assert f"The logit of b ({float(by_rule['guided'].logit):.4g})" in section.sentence
    players = [one.player for one in section.body if isinstance(one, Figure) and one.player]
    for player, one in zip(players, by_rule.values(), strict=True):
        assert np.abs(player.samples).max() == pytest.approx(float(np.abs(one.input).max()))
        np.testing.assert_allclose(np.corrcoef(player.samples, one.relevance)[0, 1], 1)


@pytest.mark.parametrize(("rule", "cautious"), [("guided", True), ("deconvnet", True), ("gradient", False)])
def test_caution_stands_with_the_rules_that_recover_the_input(rule: str, cautious: bool) -> None:
    notes = [one.text for one in section_of(result(rule)).body if isinstance(one, Note)]
    assert ["partly recover the input signal" in note for note in notes] == [True] * cautious


@pytest.mark.parametrize(
    ("rule", "part"), [("occlusion", "window in time"), ("frequency_occlusion", "band in frequency")]
)
def test_what_the_output_loses_is_shown(rule: str, part: str) -> None:
    pytest.importorskip("captum")
    section = section_of(result(rule))
    captions = [one.caption for one in section.body if isinstance(one, Figure)]
    assert f"What the output loses without each {part}" in captions[0]
    assert ATTRIBUTIONS[rule] in section.source


def test_a_relevance_that_adds_up_is_shown_to_both_sides_with_its_sum() -> None:
    found = result("gradient_x_input")
    pictures = [item for item in section_of(found).body if isinstance(item, Figure)]
    assert f"sums to {float(found.relevance_sum):.4g}" in pictures[0].caption
    assert f"{float(found.negative_share):.0%} are negative" in pictures[0].caption
    assert any("Red for the output, blue against it" in one.caption for one in pictures)
    assert any("In bands" in one.caption for one in pictures)
    captions = [item.caption for item in section_of(result("gradient")).body if isinstance(item, Figure)]
    assert not any("sums to" in one or "blue" in one for one in captions)
    assert any("shares of the energy" in one for one in captions)


def test_segments_have_a_picture_and_a_table_of_labels(blank_pictures: None) -> None:
    times = [(0.05, 0.15, "ah"), (0.2, 0.3, "t"), (0.3, 0.45, "ah")]
    for rule, quantity in (("gradient_x_input", "relevance"), ("guided", "energy")):
        result = relevance(Subject("vowel-name"), vowel_clip(), rule=rule, segments=times)
        body = section_of(result).body
        (table,) = [one for one in body if isinstance(one, Table)]
        assert list(table.columns)[:2] == ["label", quantity]
        assert [row[0] for row in table.rows] == ["ah", "t", "(outside)"]
        np.testing.assert_allclose([row[1] for row in table.rows], result[f"label_{quantity}"])
        assert any(isinstance(one, Figure) and "By segments." in one.caption for one in body)
