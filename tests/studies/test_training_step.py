"""The key of a training: what is trained again, and what is not."""

from __future__ import annotations

from otoscope.studies.inputs import Folder
from otoscope.studies.training import training


def test_a_key_of_a_recipe_that_came_later_counts_only_where_it_is_used() -> None:
    plain, shuffled = (training("laptop/vowels", changes) for changes in ([], ["data.shuffle_labels=true"]))
    assert "shuffle_labels" not in plain.arguments["content"]["data"]
    assert shuffled.arguments["content"]["data"]["shuffle_labels"] is True
    assert plain.key(Folder()) != shuffled.key(Folder())
