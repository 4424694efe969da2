"""Names on the charts of a page of runs, which a canvas would cut anywhere."""

import re

import pytest

from otoscope.app.single_file import STATIC, read_static

MODULES = sorted(one.name for one in STATIC.iterdir() if re.fullmatch(r"(run|live)_\w+\.js", one.name))


@pytest.mark.parametrize("name", MODULES)
def test_names_on_canvases_are_cut_to_fit_and_made_visible(name):
    drawn = re.findall(r"fillText\(([^;]*)", read_static(name))
    named = [one for one in drawn if re.search(r"[Nn]ames?\b|ending|short\(", one)]
    assert all(one.startswith("cutText(") for one in named), named
