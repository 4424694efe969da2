"""The page of results of single methods: a section for each, in the order given."""

from __future__ import annotations

import re
from html import unescape

import pytest
from torch import Tensor

from otoscope import Scope
from otoscope.report.results_page import results_page


@pytest.mark.usefixtures("blank_pictures")
def test_it_has_the_sections_of_results_in_the_order_given(scope: Scope, clip: Tensor) -> None:
    found = {"geometry": scope.geometry(), "crs": scope.crs(clip)}
    page = results_page(found)
    titles = [unescape(title) for title in re.findall(r"<h2>(.*?)</h2>", page)]
    assert titles == ["Geometry of the weights", "Cumulative response spectrum (CRS)"]
    assert f"<h1>{scope.name} on {found['crs'].attrs['audio']}</h1>" in page
    assert "<nav" in page and "<nav" not in results_page({"crs": found["crs"]})
