"""The section on vowels: what was measured in how many, with its caution."""

from __future__ import annotations

import pytest

from otoscope.methods.vowels import vowels
from otoscope.report.html import Figure, Note
from otoscope.report.sections import section
from otoscope.subject import Subject


def test_shares_stand_beside_a_caution() -> None:
    pytest.importorskip("parselmouth")
    note, figure = section("vowels")(vowels(Subject("vowel-name"), groups="men", limit=3)).body
    assert isinstance(note, Note) and "partly recover the input signal" in note.text
    assert isinstance(figure, Figure) and figure.caption == "3 vowels."
