"""Edits of known pairs, against a recursion of its own, and as a distance."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otoscope import InputError
from otoscope.training import Edits, edits, phone_errors

WORDS = st.text("abc", max_size=6)


def all_alignments(reference: str, hypothesis: str) -> set[tuple[int, int, int]]:
    """(substitutions, deletions, insertions) of every alignment there is."""

    @cache
    def rest(i: int, j: int) -> frozenset[tuple[int, int, int]]:
        if i == len(reference) and j == len(hypothesis):
            return frozenset({(0, 0, 0)})
        ways = set()
        if i < len(reference):
            ways |= {(s, d + 1, n) for s, d, n in rest(i + 1, j)}
        if j < len(hypothesis):
            ways |= {(s, d, n + 1) for s, d, n in rest(i, j + 1)}
        if i < len(reference) and j < len(hypothesis):
            ways |= {(s + (reference[i] != hypothesis[j]), d, n) for s, d, n in rest(i + 1, j + 1)}
        return frozenset(ways)

    return set(rest(0, 0))


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("kitten", "sitting", (2, 0, 1)),
        ("sunday", "saturday", (1, 0, 2)),
        ("abc", "abc", (0, 0, 0)),
        ("abc", "", (0, 3, 0)),
        ("", "abc", (0, 0, 3)),
        ("abcd", "acd", (0, 1, 0)),
        ("", "", (0, 0, 0)),
    ],
)
def test_known_pairs(reference: str, hypothesis: str, expected: tuple[int, int, int]) -> None:
    assert edits(reference, hypothesis) == (*expected, len(reference))


@settings(deadline=None)
@given(WORDS, WORDS)
def test_it_is_the_least_of_all_alignments(reference: str, hypothesis: str) -> None:
    found = edits(reference, hypothesis)
    possible = all_alignments(reference, hypothesis)
    assert found[:3] in possible
    least = min(sum(one) for one in possible)
    assert found.total == least
    assert found.substitutions == max(one[0] for one in possible if sum(one) == least)


@settings(deadline=None)
@given(WORDS, WORDS, WORDS)
def test_it_is_a_distance(one: str, other: str, third: str) -> None:
    there, back = edits(one, other), edits(other, one)
    assert (there.substitutions, there.deletions, there.insertions) == (
        back.substitutions,
        back.insertions,
        back.deletions,
    )
    assert (there.total == 0) == (one == other)
    assert edits(one, third).total <= there.total + edits(other, third).total


def test_the_rate_of_a_set_weighs_phones_and_not_utterances() -> None:
    found = phone_errors([["sil", "b", "iy", "sil"], ["ah"]], [["sil", "p", "iy", "sil"], ["ah", "ah"]])
    assert found == Edits(substitutions=1, deletions=0, insertions=1, length=5)
    assert found.rate == pytest.approx(2 / 5)
    assert phone_errors([[1]], [[2, 3, 4]]).rate == 3


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(InputError, match="one hypothesis for each reference"):
        phone_errors([[1], [2]], [[1]])
    for nothing in ([], [[]]):
        with pytest.raises(InputError, match="references are empty"):
            _ = phone_errors(nothing, nothing).rate
