"""Notes on tensors go with them."""

from __future__ import annotations

import torch

from otoscope.probe.by_tensor import ByTensor


def test_tensors_are_told_apart_by_which_object_they_are():
    notes: ByTensor[str] = ByTensor()
    one, other = torch.zeros(2), torch.zeros(2)
    notes[one] = "one"
    assert (notes.get(one), notes.get(other), other in notes) == ("one", None, False)
    notes[one] = "again"
    assert (notes.get(one), len(notes)) == ("again", 1)
    notes.drop(one)
    notes.drop(other)
    assert one not in notes


def test_none_is_a_note():
    notes: ByTensor[str | None] = ByTensor()
    tensor = torch.zeros(2)
    notes[tensor] = None
    assert tensor in notes


def test_notes_end_with_their_tensors():
    notes: ByTensor[str] = ByTensor()
    tensors = [torch.zeros(2) for _ in range(10)]
    for tensor in tensors:
        notes[tensor] = "here"
    del tensor, tensors[3:]
    assert len(notes) == 3
