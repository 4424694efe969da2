"""The picture of a relevance by segments: bars at their times, as high as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from otoscope import InputError, Scope
from otoscope.data.vowels import vowel_clip
from otoscope.plots.drawing import AGAINST_COLOUR, FOR_COLOUR
from otoscope.plots.segments import segments

TIMES = [(0.05, 0.15, "ah"), (0.2, 0.3, "t"), (0.3, 0.45, "ah")]


@pytest.mark.parametrize("rule", ["gradient_x_input", "guided"])
def test_bars_stand_where_segments_are(rule: str, check_text: Callable[[Any], None]) -> None:
    result = Scope("vowel-name").relevance(vowel_clip(), rule=rule, segments=TIMES)
    figure = Figure(figsize=(4.8, 1.8), layout="constrained")
    ax = segments(result, figure.subplots())
    bars = list(ax.patches)[-3:]
    name = "segment_relevance" if rule == "gradient_x_input" else "segment_share"
    np.testing.assert_allclose([bar.get_height() for bar in bars], result[name])
    np.testing.assert_allclose([bar.get_x() for bar in bars], [one[0] for one in TIMES])
    np.testing.assert_allclose([bar.get_width() for bar in bars], [one[1] - one[0] for one in TIMES])
    assert [text.get_text() for text in ax.texts] == ["ah", "t", "ah"]
    assert len(ax.patches) == (3 if rule == "gradient_x_input" else 6)  # the input behind
    check_text(figure)


def test_what_speaks_against_has_another_colour() -> None:
    from matplotlib.colors import to_rgba

    result = Scope("vowel-name").relevance(vowel_clip(), rule="gradient_x_input", segments=TIMES)
    result["segment_relevance"] = "segment", [2.0, -1.0, 0.5]
    found = [bar.get_facecolor() for bar in segments(result, Figure().subplots()).patches]
    assert found == [to_rgba(one, 0.7) for one in (FOR_COLOUR, AGAINST_COLOUR, FOR_COLOUR)]


def test_what_cannot_be_drawn_is_refused() -> None:
    scope = Scope("vowel-name")
    with pytest.raises(InputError, match="no relevance of segments"):
        segments(scope.relevance(vowel_clip()))
    both = np.stack([vowel_clip().values] * 2)
    with pytest.raises(InputError, match="a picture shows one clip; the result has 2"):
        segments(scope.relevance(both, rule="gradient_x_input", segments=TIMES))
