"""Arguments of methods as a sweep gives them."""

from __future__ import annotations

import pydantic  # with which the command line checks the types of defaults, where it is installed
import pytest

from otoscope.cli.method import arguments_of
from otoscope.methods.listing import listing


@pytest.mark.parametrize("name", listing())
def test_only_what_is_given_is_taken(name: str) -> None:
    assert pydantic and arguments_of(name, []) == {}


def test_they_are_of_the_types_of_the_method() -> None:
    assert arguments_of("relevance", ["--rule", "gradient", "--at", "0.5"]) == {"rule": "gradient", "at": 0.5}
