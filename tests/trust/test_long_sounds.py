"""Tests of a relevance say how far they are, to the end of every clip, and take a minute of sound at most."""

from __future__ import annotations

import pytest
import torch

from otoscope import InputError, Scope
from otoscope.data.vowels import vowel_clip


@pytest.mark.parametrize(("name", "given", "steps"), [("control", {"draws": 2}, 4), ("taken_away", {"places": 3}, 16)])
def test_progress_goes_to_the_end_of_every_clip(name: str, given: dict[str, int], steps: int) -> None:
    one = torch.from_numpy(vowel_clip("ah", "women", duration=0.1).values)
    calls: list[tuple[int, int]] = []
    getattr(Scope("vowel-name"), name)(
        torch.stack([one, one.flip(0)]), **given, progress=lambda *counts: calls.append(counts)
    )
    done = [count for count, _ in calls]
    assert done == sorted(done) and done[-1] == 2 * steps and {steps, 2 * steps} <= set(done)
    assert {total for _, total in calls} == {2 * steps}


@pytest.mark.parametrize("name", ["control", "taken_away"])
def test_a_sound_that_would_take_hours_is_refused_with_the_way_out(name: str) -> None:
    said = r"the sound lasts 61 s, and a relevance is tested on at most 60 s.*--start and --duration"
    with pytest.raises(InputError, match=said):
        getattr(Scope("vowel-name"), name)(torch.rand(61 * 16_000))
