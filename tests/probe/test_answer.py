"""Which tensor of an output is explained: never one of several without asking."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.probe.answer import output_tensor

EMBEDDING, SCORES = torch.zeros(2, 64), torch.ones(2, 10)
Pair = namedtuple("Pair", ["embedding", "scores"])


@dataclass
class Record:
    embedding: Tensor
    scores: Any


@pytest.mark.parametrize(
    ("output", "which"),
    [
        (SCORES, None),
        (SCORES, 0),
        ((SCORES,), None),
        ((torch.tensor(0.5), SCORES, torch.zeros(2, dtype=torch.long), None), None),  # a loss, and classes
        ({"embedding": EMBEDDING, "logits": SCORES}, None),
        (SimpleNamespace(logits=SCORES, hidden=EMBEDDING), None),
        ({"hidden": [EMBEDDING, EMBEDDING], "head": {"logits": SCORES}}, None),
        ((EMBEDDING, SCORES), 1),
        ((EMBEDDING, SCORES), -1),
        ((EMBEDDING, SCORES), "1"),
        (OrderedDict(embedding=EMBEDDING, scores=SCORES), "scores"),
        (OrderedDict(embedding=EMBEDDING, scores=SCORES), 1),
        (Record(EMBEDDING, SCORES), "scores"),
        (Record(EMBEDDING, SCORES), 1),
        (Record(EMBEDDING, {"phone": SCORES}), "scores.phone"),
        (Record(EMBEDDING, {"phone": SCORES}), ("scores", "phone")),
        (Record(EMBEDDING, {"phone": SCORES}), "phone"),
        (Record(EMBEDDING, {"phone": SCORES}), "scores"),
        (Pair(EMBEDDING, SCORES), "scores"),
        ((EMBEDDING, [EMBEDDING, SCORES]), (1, 1)),
        ((EMBEDDING, [EMBEDDING, SCORES]), "1.1"),
        ({"head.1": SCORES, "head": [EMBEDDING, EMBEDDING]}, "head.1"),
        ((SCORES, SCORES), None),  # the same tensor twice
    ],
)
def test_the_output_that_is_meant_is_found(output: Any, which: Any) -> None:
    assert output_tensor(output, which) is SCORES


@pytest.mark.parametrize(
    ("output", "listed"),
    [
        ((EMBEDDING, SCORES), r"0 of shape \(2, 64\), 1 of shape \(2, 10\)\. Say which one .*output=1, or --output 1"),
        (Record(EMBEDDING, SCORES), r"embedding of shape \(2, 64\), scores of .*output='scores'"),
        (Pair(EMBEDDING, SCORES), "embedding of .*, scores of"),
        ({"a": {"logits": SCORES}, "b": {"logits": EMBEDDING}}, "a.logits of .*, b.logits of"),
        ((SCORES, torch.zeros(2, 8, 100)), r"0 of .*, 1 of shape \(2, 8, 100\)\. .*output=0, or --output 0 on"),
        ([EMBEDDING, [EMBEDDING.clone(), SCORES]], r"0 of .*, 1\.0 of .*, 1\.1 of .*--output 1\.1"),
    ],
)
def test_where_several_may_be_meant_they_are_listed(output: Any, listed: str) -> None:
    with pytest.raises(InputError, match=f"several tensors that may be its scores: {listed}"):
        output_tensor(output)


@pytest.mark.parametrize(
    ("output", "which", "message"),
    [
        (SCORES, 1, "returns one tensor, and so has no output 1"),
        ((EMBEDDING, SCORES), 2, r"no output 2 that is a tensor; its outputs are 0 of shape \(2, 64\), 1 of"),
        ({"a": EMBEDDING, "b": SCORES}, "c", "no output 'c' that is a tensor; its outputs are a of .*, b of"),
        ({"a": [EMBEDDING, SCORES]}, "a", "no output 'a' that is a tensor; its outputs are a.0 of .*, a.1 of"),
        (None, None, "the model returns NoneType, in which no tensor"),
        (("text", 5), None, "the model returns tuple, in which no tensor"),
    ],
)
def test_what_is_not_there_is_refused(output: Any, which: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        output_tensor(output, which)


class Two(nn.Module):
    """An embedding, and the scores made of it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 6, 9, 4)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.conv(x).relu().mean(-1)
        return embedding, self.head(embedding)


def test_an_embedding_is_never_explained_in_place_of_the_scores() -> None:
    scope, wave = Scope(Two(), 8000), torch.randn(800)
    for call in (scope.output, scope.relevance, scope.voice, scope.autocorrelation):
        with pytest.raises(InputError, match=r"0 of shape \(1, 6\), 1 of shape \(1, 3\)"):
            call(wave)
    assert Scope(Two(), 8000, output=1).output(wave).shape == (1, 3)


def test_what_does_not_use_the_output_does_not_ask() -> None:
    scope, wave = Scope(Two(), 8000), torch.randn(800)
    assert len(scope.taps(wave)) == 2
    for call in (scope.strs, scope.crs, scope.data_flow, scope.f_vowel):
        call(wave)
    scope.sonify(wave, layer="conv")
    scope.geometry()
    scope.filters()


@pytest.mark.parametrize(
    ("given", "kept"), [(1, 1), ("1", 1), ((1,), 1), ("head.logits", "head.logits"), ((1, 0), "1.0")]
)
def test_the_choice_is_kept_in_the_contract(given: Any, kept: int | str) -> None:
    assert Scope(Two(), 8000, output=given)._contract.output == kept
