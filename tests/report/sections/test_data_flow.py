"""The section on data flow names what it leaves out."""

from __future__ import annotations

import torch
from torch import nn

from otoscope.methods.data_flow import data_flow
from otoscope.report.html import Figure, Note
from otoscope.report.sections import section
from otoscope.subject import Subject


def test_layers_that_are_not_drawn_are_named(cnn12: nn.Module, clip: torch.Tensor) -> None:
    figure, note = section("data_flow")(data_flow(Subject(cnn12), clip)).body
    assert isinstance(figure, Figure)
    assert isinstance(note, Note) and note.text.startswith("Not drawn, but in the array: features.pool")
    assert note.text.count("features.") == 4  # of 12


def test_where_all_are_drawn_nothing_is_said(clip: torch.Tensor) -> None:
    (figure,) = section("data_flow")(data_flow(Subject(nn.Conv1d(1, 2, 9), 8000), clip)).body
    assert isinstance(figure, Figure)
