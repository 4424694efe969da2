"""The sections on the voice in a sound and in its relevance."""

from __future__ import annotations

import pytest

from otoscope.data.vowels import vowel_clip
from otoscope.methods.autocorrelation import autocorrelation
from otoscope.methods.voice import voice
from otoscope.report.html import Figure, Table
from otoscope.report.sections import section
from otoscope.subject import Subject


def test_medians_are_listed_and_the_segment_is_named() -> None:
    pytest.importorskip("parselmouth")
    result = voice(
        Subject("vowel-name"), vowel_clip("ah", "men", f0=120), segment_start=0.1, segment_stop=0.2, maximum=5000
    )
    made = section("voice")(result)
    assert [isinstance(one, Figure) for one in made.body] == [True] * 4 + [False]
    table = made.body[-1]
    assert isinstance(table, Table) and table.caption == "Medians in the segment from 0.100 to 0.200 s."
    assert [row[0] for row in table.rows] == ["input", "relevance"] and table.rows[0][1] == 120
    assert table.columns == ["", "F0 (Hz)", "F1 (Hz)", "F2 (Hz)", "F3 (Hz)", "F4 (Hz)", "F5 (Hz)"]


def test_periodicity_names_its_segment() -> None:
    result = autocorrelation(
        Subject("vowel-name"), vowel_clip("ah", "men", f0=120), segment_start=0.1, segment_stop=0.15
    )
    made = section("autocorrelation")(result)
    assert "The segment is from 0.100 to 0.150 s." in made.sentence and len(made.body) == 1
