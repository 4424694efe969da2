"""The picture of a relevance by segments: bars at their times, as high as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from otoscope import InputError, Scope
from otoscope.data.vowels import vowel_clip
from otoscope.plots.drawing import AGAINST_COLOUR, FOR_COLOUR
from otoscope.plots.relevance import relevance
from otoscope.plots.segments import segments

TIMES = [(0.05, 0.15, "ah"), (0.2, 0.3, "t"), (0.3, 0.45, "ah")]


@pytest.mark.parametrize("rule", ["gradient_x_input", "guided"])
def test_bars_stand_where_segments_are(rule: str, check_text: Callable[[Any], None]) -> None:
    result = Scope("vowel-name").relevance(vowel_clip(), rule=rule, segments=TIMES)
    figure = Figure(figsize=(4.8, 1.9), layout="constrained")
    ax = segments(result, figure.subplots())
    quantity = "relevance" if rule == "gradient_x_input" else "share"
    bars, outside = list(ax.patches)[:3], list(ax.patches)[3]
    np.testing.assert_allclose([bar.get_height() for bar in bars], result[f"segment_{quantity}"])
    np.testing.assert_allclose([bar.get_x() for bar in bars], [one[0] for one in TIMES])
    np.testing.assert_allclose([bar.get_width() for bar in bars], [one[1] - one[0] for one in TIMES])
    np.testing.assert_allclose(outside.get_height(), result[f"label_{quantity}"][-1])
    assert outside.get_x() > float(result["time"][-1])
    assert sorted(text.get_text() for text in ax.texts) == ["(outside)", "ah", "ah", "t"]
    (scale,) = [one for one in figure.axes if one is not ax] or [ax]
    expected = [*result["segment_input_share"].values, float(result["label_input_share"][-1])]
    np.testing.assert_allclose([bar.get_height() for bar in list(scale.patches)[-4:]], expected)
    assert (scale is ax) == (rule == "guided")
    check_text(figure)


def test_both_scales_have_one_zero() -> None:
    result = Scope("vowel-name").relevance(vowel_clip(), rule="gradient_x_input", segments=TIMES)
    for values in ([2.0, -1.0, 0.5], [-2.0, -1.0, -0.5], [0.0, 0.0, 0.0]):
        result["segment_relevance"] = "segment", values
        figure = Figure()
        ax = segments(result, figure.subplots())
        (low, high), (least, most) = ax.get_ylim(), figure.axes[1].get_ylim()
        assert low / high == pytest.approx(least / most) and most > float(result["segment_input_share"].max())


def test_what_speaks_against_has_another_colour() -> None:
    from matplotlib.colors import to_rgba

    result = Scope("vowel-name").relevance(vowel_clip(), rule="gradient_x_input", segments=TIMES)
    result["segment_relevance"] = "segment", [2.0, -1.0, 0.5]
    found = [bar.get_facecolor() for bar in segments(result, Figure().subplots()).patches][:3]
    assert found == [to_rgba(one, 0.7) for one in (FOR_COLOUR, AGAINST_COLOUR, FOR_COLOUR)]


@pytest.mark.parametrize("count", [3, 30, 200])
def test_a_relevance_shows_its_segments(count: int, check_text: Callable[[Any], None]) -> None:
    step = 0.5 / count
    times = [(n * step, (n + 0.9) * step, f"p{n}") for n in range(count)]
    result = Scope("vowel-name").relevance(vowel_clip(), segments=times)
    signal, spectrum, cells = relevance(result)
    assert len(cells.lines) == len(signal.lines) > 3 and len(cells.lines) <= 100
    assert not spectrum.texts and not cells.texts
    named = [text.get_text() for text in signal.texts]
    assert set(named) <= {one[2] for one in times} and (len(named) == 3 if count == 3 else 8 < len(named) <= 40)
    check_text(signal.figure)
    plt.close("all")


def test_what_cannot_be_drawn_is_refused() -> None:
    scope = Scope("vowel-name")
    with pytest.raises(InputError, match="no relevance of segments"):
        segments(scope.relevance(vowel_clip()))
    both = np.stack([vowel_clip().values] * 2)
    with pytest.raises(InputError, match="a picture shows one clip; the result has 2"):
        segments(scope.relevance(both, rule="gradient_x_input", segments=TIMES))
