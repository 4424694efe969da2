"""The section of every method: its source, its call, pictures that can be read, and no number that is none."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from method_examples import Example
from otoscope import Scope
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing
from otoscope.report.html import Figure, Section, Table, render
from otoscope.report.sections import make_sections, section
from otoscope.report.sections.parts import call
from otoscope.results import sign


def check(name: str, result: xr.Dataset) -> Section:
    make = section(name)
    assert make is not None
    made = make(result)
    assert made.title and made.sentence.endswith(".")
    assert made.source == result.attrs["source"] and made.made.startswith(f"{name}(")
    pictures = [item for item in made.body if isinstance(item, Figure)]
    assert pictures and all(picture.alt for picture in pictures)
    for table in (item for item in made.body if isinstance(item, Table)):
        assert table.rows and all(len(row) == len(table.columns) for row in table.rows)
    return made


@pytest.mark.parametrize("name", listing())
def test_every_method_has_one(name: str, example: Callable[[str], Example], check_text: Callable[[Any], None]) -> None:
    one = example(name)
    made = check(name, getattr(Scope(one.model), name)(*one.given, **one.arguments))
    for item in made.body:
        if isinstance(item, Figure):
            check_text(item.picture)


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize(
    "name", [name for name, record in METHODS.items() if record.takes == "wave" and not record.explains]
)
def test_silence_makes_no_number_up(name: str, example: Callable[[str], Example]) -> None:
    one = example(name)
    page = render("silence", [check(name, getattr(Scope(one.model), name)(np.zeros(4000), **one.arguments))])
    text = re.sub(r'"data:[^"]*"|<style>.*?</style>', "", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|inf)\b", text, flags=re.IGNORECASE)


def test_a_call_shows_a_long_list_by_its_ends() -> None:
    result = sign(xr.Dataset({"share": 0.0}), "vowels", "", {"groups": ["men", "boys"], "target": [*"abcdefghijklmn"]})
    assert call(result) == "vowels(groups=['men', 'boys'], target=['a', …, 'n'])"


def test_what_is_absent_has_none_and_what_is_not_known_neither() -> None:
    assert list(make_sections({"crs": None, "relevance": {}})) == []
    assert section("nothing") is None and section("../crs") is None and section("parts") is None
