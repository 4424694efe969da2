"""Clips in groups: every clip in one of them, whatever the numbers are; names that happen to be numbers stay names."""

from __future__ import annotations

import numpy as np
import pytest

from otoscope import InputError
from otoscope.evaluation.groups import groups_by, usual_facts


def of(name: str, values: list[object], asked: str | None = None) -> dict[str, np.ndarray]:
    groups = groups_by(asked or name, [{name: str(value)} if value != "" else {} for value in values], {})
    assert sorted(np.concatenate(list(groups.values())).tolist()) == list(range(len(values)))
    return groups


@pytest.mark.parametrize("spread", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("middle", [2.0, 2000.5, -60.25])
def test_bins_of_numbers_that_hardly_differ_have_names_of_their_own(middle: float, spread: float) -> None:
    values = middle + spread * np.arange(40)
    groups = groups_by("duration", [{}] * 40, {"duration": values})
    assert [len(one) for one in groups.values()] == [10] * 4
    assert all("e" not in name for name in groups)


def test_names_of_bins_have_no_exponents_and_their_numbers_are_right() -> None:
    assert list(groups_by("duration", [{}] * 40, {"duration": np.arange(40) / 4 + 2000})) == [
        "2000 to 2002 s", "2002 to 2005 s", "2005 to 2007 s", "2007 to 2010 s",
    ]  # fmt: skip
    assert next(iter(of("age", list(range(20, 60))))) == "20 to 29.8"
    assert next(iter(of("share", [n / 1e5 + 0.5 for n in range(40)]))) == "0.5 to 0.5001"


@pytest.mark.parametrize("name", ["speaker", "spk_id", "speakerId", "SpeakerID", "reader", "id", "session id"])
def test_speakers_and_ids_are_names(name: str) -> None:
    groups = of(name, [1000 + 7 * n for n in range(20)])
    assert len(groups) == 20 and list(groups)[-1] == "1133"


def test_whole_numbers_that_repeat_are_names_unless_bins_are_asked_for() -> None:
    years = [2000 + n % 16 for n in range(64)]
    assert list(of("year", years)) == [str(2000 + n) for n in range(16)]
    assert list(of("year", years, "year:bins")) == ["2000 to 2004", "2004 to 2008", "2008 to 2011", "2011 to 2015"]
    assert len(of("year", [n + 0.5 for n in years])) == 4  # not whole
    assert len(of("site", [f"{n % 16:03d}" for n in range(64)])) == 16
    assert len(of("few", [n % 3 for n in range(64)], "few:bins")) <= 4
    with pytest.raises(InputError, match=r"'mood'.*'sad'.*not a number"):
        of("mood", [1, "sad", 3], "mood:bins")


def test_the_number_of_a_name_is_its_order_and_what_is_missing_is_one_group() -> None:
    assert list(of("take", [10, 9, 9, 10, 100])) == ["9", "10", "100"]
    groups = of("site", ["", "unknown", "A"])
    assert groups["unknown"].tolist() == [0, 1]


def test_a_fact_may_be_called_as_bins_are_asked_for() -> None:
    assert list(of("a:bins", ["x", "y"])) == ["x", "y"]
    assert usual_facts([{"a": "x"}, {"a": "y"}, {"a": "x"}, {"a": "y"}], ["1", "1", "2", "2"]) == ["a"]


def test_what_is_missing_from_a_column_of_numbers_is_unknown() -> None:
    facts = [{"f0": f"{n},5"} for n in range(40)] + [{"f0": text} for text in ("NA", "--undefined--", "nan", "-")]
    groups = groups_by("f0", facts, {})
    assert list(groups)[-1] == "unknown" and groups["unknown"].tolist() == [40, 41, 42, 43] and len(groups) == 5
    few = groups_by("snr", [{"snr": text} for text in ("10", "9", "n/a", "10")], {})
    assert list(few) == ["9", "10", "unknown"]
