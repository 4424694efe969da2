"""What a test says of a sound without a part: by the answer where that is explained, and else by the score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import Scope
from otoscope.text import span
from otoscope.trust.blocks import Block, blocks, line

RATE = 8000
TIME = np.arange(4000) / RATE


class Tones(nn.Module):
    """Hears the levels of tones, and turns them into the scores of classes."""

    def __init__(self, frequencies: list[float], weights: list[list[float]], biases: list[float]) -> None:
        super().__init__()
        time = torch.arange(400) / RATE
        phases = [torch.cos(2 * torch.pi * f * time + p) for f in frequencies for p in (0.0, torch.pi / 2)]
        self.bank = nn.Parameter(torch.stack(phases)[:, None] * torch.hann_window(400) / 100)
        self.weights, self.biases = (nn.Parameter(torch.tensor(one).float()) for one in (weights, biases))

    def forward(self, x: Tensor) -> Tensor:
        heard = nn.functional.conv1d(x, self.bank, stride=20).unflatten(1, (-1, 2)).square().sum(2).mean(-1)
        return heard @ self.weights.t() + self.biases


def sound(*levels: tuple[float, float]) -> np.ndarray:
    noise = 0.01 * np.random.default_rng(0).standard_normal(TIME.size)
    return (sum(a * np.sin(2 * np.pi * f * TIME) for f, a in levels) + noise).astype(np.float32)


def asked_of(model: nn.Module, wave: np.ndarray, classes: list[str] | None = None, **asked: Any) -> tuple[Any, Block]:
    found = Scope(model, RATE, classes=classes).taken_away(wave, rule="gradient_x_input", places=12, **asked)
    (block,) = blocks([found])
    return found, block


@pytest.fixture(scope="module")
def two_tones() -> tuple[nn.Module, np.ndarray]:
    """Says "low" by the tone of 500 Hz, the louder one, and has a score of "high" by that of 2 kHz."""
    return Tones([500, 2000], [[1, 0], [0, 1]], [0.0, 0.0]), sound((500, 1.0), (2000, 0.5))


@pytest.mark.parametrize("against", [None, "low"])
def test_another_class_is_judged_by_its_score(two_tones: tuple[nn.Module, np.ndarray], against: str | None) -> None:
    found, block = asked_of(*two_tones, classes=["low", "high"], target="high", against=against)
    band = found.sel(domain="band")
    assert 1900 < band.taken_low < 2000 < band.taken_high < 2100
    assert found.answer.item() == "low" and not band.changed and band.taken_answer.item() == "low"
    kind = "logit of high" if against is None else "difference of logits of high against low"
    assert found.judged_by.item() == f"the {kind}" and found.instead.item() == "the model says low, not high"
    whole = found["logit" if against is None else "score"].item()
    assert band.fall.item() == pytest.approx(whole - band.taken_score.item()) and band.fall > 0
    falls = whole - band.elsewhere_place_score.values
    np.testing.assert_array_equal(band.elsewhere_fell, (falls >= band.fall.item()).sum(-1))
    assert band.elsewhere_fell.sum() == 0 and found.taken_level.item() == block["level"] == "ok"
    assert found.taken_verdict.item().startswith("the model says low, not high; ")
    outcome = "it falls, as it does without other intervals" if against is None else "it does not fall"
    assert block["head"] == f"Without the band the {kind} falls most; without the interval {outcome}"
    assert "The model says low, not high: what counts is" in block["text"] and "answer" not in block["text"]
    (at,) = [row for row, _ in block["table"]["strong"]]
    assert block["table"]["rows"][at][0].endswith("Hz")
    assert block["table"]["columns"][2] == (kind if against is None else "difference of logits")


def test_a_class_that_loses_more_elsewhere_is_read_with_care() -> None:
    """The score of "high" hangs on 500 Hz as well, by more than what its relevance is asked to hold a half of."""
    model = Tones([500, 2000, 3000], [[9, 0, 0], [0.0, 1, 0.8]], [0.0, 0.0])
    found, block = asked_of(
        model, sound((500, 1.0), (2000, 0.6), (3000, 0.6)), ["low", "high"], target="high", share=0.3
    )
    found["elsewhere_fell"] = found.elsewhere_fell + 1
    (block,) = blocks([found])
    assert "falls, as it does without other parts" in block["head"] and "by as much or more without 2 of" in line(block)


def test_what_is_no_class_is_judged_by_its_score(two_tones: tuple[nn.Module, np.ndarray]) -> None:
    model, wave = two_tones
    found, block = asked_of(model, wave, target=lambda y: y[:, 1])
    assert found.judged_by.item() == "the function of the output" and found.instead.item() == ""
    assert found.answer.item() == "0" and block["level"] == "ok"
    assert block["head"].startswith("Without the band the function of the output falls most; without the interval")
    found, block = asked_of(Tones([500], [[1.0]], [0.0]), sound((500, 1.0)))
    assert found.answer.item() == "" and found.taken_level.item() == block["level"] == "ok"
    assert "says" not in block["table"]["columns"] and np.isnan(found.elsewhere_changed).all()
    assert "The output is a single number, so there is no class that could change." in line(block)


def test_the_headline_says_where_the_answer_changes_elsewhere_too() -> None:
    """Says "both" where two tones sound together: without either it says another, and only one of them is the focus."""
    model = Tones([500, 2000], [[1, 1], [0, 0]], [-1.1, 0.0])
    found, block = asked_of(model, sound((500, 1.0), (2000, 0.98)), ["both", "none"])
    band = found.sel(domain="band")
    assert band.changed and band.elsewhere_changed.sum() > 0
    assert (
        block["level"] == "care" and block["head"] == "Taken away, the answer changes, as it does without other parts"
    )
    assert f"also changes without {int(band.elsewhere_changed.sum())} of" in block["text"]


def test_the_headline_names_both_parts_where_they_differ() -> None:
    model = Tones([500], [[1.0], [0.0]], [-0.5, 0.0])
    found, block = asked_of(model, sound((500, 1.0)), ["tone", "none"])
    both = "Without the band the answer changes; without the interval it changes, as it does without other intervals"
    assert block["level"] == "ok" and block["head"] == both
    found["changed"].loc[{"domain": "time"}] = 0
    (block,) = blocks([found])
    assert block["head"] == "Without the band the answer changes; without the interval it stays"
    assert f"Without {span(*map(float, found.sel(domain='time')[['taken_low', 'taken_high']].values()), 's')}" in line(
        block
    )
    found["elsewhere_changed"].loc[{"domain": "time"}], found["changed"].loc[{"domain": "time"}] = 0, 1
    (block,) = blocks([found])
    assert block["head"] == "Taken away, the answer changes"


@pytest.mark.parametrize("names", [["low", "low"], ["", "h"], ["low", ""], [" ", ""]])
def test_classes_of_one_name_or_of_none_are_counted_by_their_numbers(names: list[str]) -> None:
    """By their names it would not be found without which part the answer changes."""
    model = Tones([500, 2000, 3000], [[1, 2, 0], [0, 0, 2.2]], [0.0, 0.0])
    found, _ = asked_of(model, sound((500, 0.6), (2000, 1.0), (3000, 0.98)), names)
    shown = [name.strip() or str(number) for number, name in enumerate(names)]
    assert found.answer.item() == shown[0] and set(found.elsewhere_answer.values.ravel()) <= {*shown, ""}
    place = {"domain": "time", "control": "equal width", "place": 3}
    found["changed"][:] = 0
    found["elsewhere_answer"].loc[place], found["elsewhere_place_changed"].loc[place] = shown[1], 1
    found["elsewhere_changed"].loc[{"domain": "time", "control": "equal width"}] = 1
    (block,) = blocks([found])
    said = f"it says {shown[1]}" + (", another class of that name" if shown[0] == shown[1] else "")
    assert said in block["text"]


def test_where_the_answer_stays_it_is_said_where_it_changes() -> None:
    """A relevance that points past what the answer rests on: the tone of 2 kHz speaks for it, and is not needed."""
    model = Tones([500, 2000, 3000], [[1, 2, 0], [0, 0, 2.2]], [0.0, 0.0])
    found, block = asked_of(model, sound((500, 1.0), (2000, 1.0), (3000, 0.5)), ["yes", "no"])
    found["elsewhere_changed"].loc[{"domain": "band", "control": "equal width"}] = 2
    place = {"domain": "band", "control": "equal width", "place": 3}
    found["elsewhere_answer"].loc[place], found["elsewhere_place_changed"].loc[place] = "no", 1
    assert not found.changed.any()
    (block,) = blocks([found])
    low, high = (float(found[f"elsewhere_{side}"].sel(domain="band")[0, 3]) for side in ("low", "high"))
    assert block["head"] == "Taken away, the answer stays; without other parts it changes"
    assert f"other bands as wide or as loud: without {span(low, high, 'Hz')} it says no." in block["text"]


def emptied(found: xr.Dataset, domain: str, control: str) -> xr.Dataset:
    there = (found.domain == domain) & (found.control == control)
    names = ["elsewhere_changed", "elsewhere_share", "elsewhere_fell"]
    return found.assign({name: found[name].where(~there) for name in names}).assign(
        elsewhere_count=found.elsewhere_count.where(~there, 0.0)
    )


def test_a_cell_without_another_part_says_so_and_an_empty_column_is_left_out(
    two_tones: tuple[nn.Module, np.ndarray],
) -> None:
    found, _ = asked_of(*two_tones, classes=["low", "high"])
    (block,) = blocks([emptied(found, "band", "equal energy")])
    assert block["table"]["rows"][2][4] == "no other" and block["table"]["rows"][1][4].endswith(" of 12")
    assert all("" not in row for row in block["table"]["rows"][1:])


def test_a_relevance_without_a_place_has_no_table() -> None:
    found, _ = asked_of(Tones([500], [[1.0], [0.0]], [-0.5, 0.0]), sound((500, 1.0)), ["tone", "none"])
    lost = {name: np.nan * found[name] for name in ("taken_low", "taken_high", "changed", "fall", "taken_score")}
    found = found.assign(lost).assign(taken_level="none")
    (block,) = blocks([found])
    assert "table" not in block and block["head"] == "No test"
