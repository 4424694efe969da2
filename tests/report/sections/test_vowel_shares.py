"""The section on where relevance lies in many vowels."""

from __future__ import annotations

from otoscope.data.vowels import mean_vowel
from otoscope.demo import vowel_shares
from otoscope.report.html import Table
from otoscope.report.sections.vowel_shares import vowel_shares as section_of
from otoscope.subject import Subject


def test_shares_in_many_vowels_are_listed_with_their_intervals() -> None:
    shares = vowel_shares([Subject("vowel-register")], [mean_vowel(symbol, "men") for symbol in ("ah", "iy", "uw")])
    (table,) = (one for one in section_of(shares).body if isinstance(one, Table))
    assert [row[0] for row in table.rows] == ["vowel-register", "random weights", "the sound itself"]
    mean = 100 * float(shares["mean_share"].sel(listener="vowel-register", place="F0"))
    assert str(table.rows[0][1]).startswith(f"{mean:.0f} % (")
