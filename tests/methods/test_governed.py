"""What results say of the rule that made them."""

from __future__ import annotations

import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import otoscope
from otoscope.cli.method import _print
from otoscope.errors import InputError
from otoscope.methods.catalogue import METHODS
from otoscope.report.html import Note
from otoscope.report.sections.relevance import relevance as relevance_section
from otoscope.report.sections.sonify import sonify as sonify_section
from otoscope.tables import rule_line

WAVE = torch.randn(4000, generator=torch.Generator().manual_seed(0)) / 4


class Net(nn.Module):
    """With an activation of its own and a scale."""

    def __init__(self, act: bool = True, scale: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.front, self.back, self.head = nn.Conv1d(1, 4, 30, 10), nn.Conv1d(4, 4, 5), nn.Linear(4, 2)
        self.act, self.scale = act, scale

    def forward(self, x: Tensor) -> Tensor:
        x = self.front(x)
        x = x.square() if not self.act and self.scale else x
        x = torch.where(x > 0, x, 0.1 * x) if self.act else x
        x = self.back(x)
        return self.head((x.square() if self.scale else x).mean(-1))


def scope(**options: bool) -> otoscope.Scope:
    return otoscope.Scope(Net(**options), sample_rate=8000)


def test_a_result_names_what_was_governed_and_what_not():
    result = scope().relevance(WAVE, target=1)
    assert (result.attrs["governed"], result.attrs["not_governed"]) == ("where (gt*where)", "square")
    line = "rule guided: governs 1 of 2 non-linearities, not square"
    assert rule_line(result) == line
    assert f"{line[0].upper()}{line[1:]}." in [
        item.text for item in relevance_section(result).body if isinstance(item, Note)
    ]


def test_the_table_says_so(capsys):
    _print(scope().relevance(WAVE, target=1), METHODS["relevance"])
    assert "governs 1 of 2 non-linearities, not square" in " ".join(capsys.readouterr().out.split())


def test_sonify_names_what_is_before_the_layer():
    result = scope().sonify(WAVE, layer="back")
    assert (result.attrs["governed"], result.attrs["not_governed"]) == ("where (gt*where)", "")
    assert rule_line(result) is None
    first = scope().sonify(WAVE, layer="front")
    assert first.attrs["governed"] == "linear"
    assert any("is linear" in item.text for item in sonify_section(first).body if isinstance(item, Note))


@pytest.mark.parametrize("rule", ["gradient", "gradient_x_input", "occlusion"])
def test_without_a_rule_there_is_nothing_to_say(rule):
    result = scope().relevance(WAVE, target=1, rule=rule)
    assert "governed" not in result.attrs and rule_line(result) is None


def test_a_rule_that_governs_nothing_is_refused_in_every_method():
    bare = scope(act=False)
    named = "governs none of the non-linearities .*square.*use the rule gradient, or, for relevance, occlusion"
    with pytest.raises(InputError, match=named):
        bare.relevance(WAVE, target=1)
    with pytest.raises(InputError, match="rule deconvnet governs none"):
        bare.sonify(WAVE, layer="back")
    with pytest.raises(InputError, match="rule deconvnet governs none"):
        bare.sonify(WAVE, layer="back", peak=True, channels=[0])
    with pytest.raises(InputError, match="rule deconvnet governs none"):
        bare.residual(WAVE)
    assert bare.relevance(WAVE, target=1, rule="gradient").relevance.any()
    pytest.importorskip("captum")
    assert bare.relevance(WAVE, target=1, rule="occlusion").relevance.any()


def test_every_method_that_takes_a_rule_says_what_it_governed():
    both = torch.stack([WAVE, WAVE.flip(0)])
    for result in (scope().residual(both), scope().autocorrelation(WAVE, target=1), scope().coherence(list(both))):
        assert result.attrs["governed"] == "where (gt*where)"


def test_one_way_is_the_plain_gradient_and_says_so():
    line = scope(act=False, scale=False)
    guided, gradient = (line.relevance(WAVE, target=1, rule=rule) for rule in ("guided", "gradient"))
    assert guided.attrs["governed"] == "linear"
    assert (guided["relevance"] == gradient["relevance"]).all()


class Product(nn.Module):
    """Two filter banks times each other, which no rule governs, and behind them a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Conv1d(1, 4, 9), nn.Conv1d(1, 4, 9)
        self.pool, self.three, self.out = nn.MaxPool1d(4), nn.Conv1d(4, 3, 5), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.one(x) * self.two(x))
        return self.out(self.three(x).relu().mean(-1))


@pytest.mark.parametrize("name", ["coherence", "residual", "residual_study"])
def test_of_all_layers_those_that_a_rule_does_not_reach_are_left_out_and_named(name: str) -> None:
    ask = getattr(otoscope.Scope(Product(), sample_rate=8000), name)
    given = WAVE if name == "residual" else [WAVE, WAVE / 2]
    result = ask(given)
    assert result.layer.values.tolist() == ["relu"] and "pool" not in result.attrs["arguments"]
    said = "pool is left out, for the rule deconvnet governs none of the non-linearities between the waveform and pool"
    assert said in result.attrs["note"]
    xr.testing.assert_equal(result, ask(given, layer="relu"))
    assert ask(given, rule="gradient").layer.values.tolist() == ["pool", "relu"]
    with pytest.raises(InputError, match="the rule deconvnet governs none of"):
        ask(given, layer=["pool", "relu"])
