"""What is gathered of one sound: tests of a relevance in full where a pass is short, and fewer where it is long."""

from __future__ import annotations

import pytest

import otoscope
from otoscope.app.sound_page import sound_page
from otoscope.data.vowels import vowel_clip
from otoscope.report import gather as gathering

_REST = ("voice", "wigner", "aliasing", "frame_response", "f_vowel", "strs", "crs", "sonify", "data_flow")


@pytest.mark.parametrize("large", [False, True])
def test_a_large_network_is_tested_less_often_and_the_page_says_so(
    large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(gathering, "_LARGE", 1000)
    clip = vowel_clip("ah", "women", duration=0.1)
    found = gathering.gather(otoscope.Scope("vowel-name"), clip, n_maps=1, without=_REST)
    sizes = found.results["control"].sizes["draw"], found.results["taken_away"].sizes["place"]
    assert sizes == ((3, 6) if large else (10, 24))
    (run,) = sound_page({"a": found}).manifest["runs"]
    said = [note["text"] for note in run["notes"] if "A pass through this network" in note["text"]]
    assert len(said) == large
    if large:
        assert "control has 3 draws in place of 10 and taken_away has 6 places in place of 24" in said[0]
        assert run["calls"]["control"]["arguments"]["draws"] == 3  # so that a copy gives these numbers
