"""What was found of one sound in one model: what a page, a folder or a summary is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from otoscope.contract import Contract
from otoscope.probe import Trace


@dataclass(frozen=True)
class ModelFacts:
    """What a page says of a model.

    Attributes
    ----------
    name : str
    digest : str
        Hash of its weights.
    parameters : int or None
        How many; None where that is not known.
    contract : Contract
        What it takes and answers.
    weights : str or None
        The name of the file that they are from.
    opened : mapping of str
        How a user calls it up again: `model`, and the `options` that were given; empty where that is not known.
    """

    name: str
    digest: str
    parameters: int | None
    contract: Contract
    weights: str | None = None
    opened: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        assert self.contract.sample_rate is not None
        return self.contract.sample_rate


@dataclass
class Found:
    """What was found about one sound.

    Attributes
    ----------
    clip : DataArray
        The sound at the rate of the model.
    taps : Trace or None
    model : ModelFacts or None
    answer : Dataset or None
        `score`, `probability` and `rank` over `class`, with `score_kind` and `how` in its attributes; None of a model
        whose output has no classes.
    no_answer : str
        Why it has none.
    results : dict
        By method; "relevance" by rule and "sonify" by layer. A method that does not apply is absent.
    others : dict
        Further relevances by rule and question, "second" or "contrast", that a page shows beside those of the results.
    maps : dict of str to ndarray
        Of the layers that were sonified, (map, time) at their own rate, in the order of the sonification; those without
        a time axis are absent.
    random_sounds : dict of str to Dataset
        The sonification of the same maps of a network with random weights, by layer, where that was made.
    silent : dict of str to int
        Of taps with a time axis, how many of their maps are zero throughout.
    notes : list of str
        Why a method is absent, and what else a reader should know.
    marks : dict of str to float
        Frequencies in Hz that pictures mark, by name.
    untested : str
        Why nothing tests whether the relevance may be believed, where nothing was meant to.
    missing : dict of str to str
        What could not be made, by its name, and why.
    left_out : dict of str to str
        What does not apply of that which only a page shows, and why.
    """

    clip: xr.DataArray
    taps: Trace | None = None
    model: ModelFacts | None = None
    answer: xr.Dataset | None = None
    no_answer: str = ""
    results: dict[str, Any] = field(default_factory=dict)
    others: dict[tuple[str, str], xr.Dataset] = field(default_factory=dict)
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    random_sounds: dict[str, xr.Dataset] = field(default_factory=dict)
    silent: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    marks: dict[str, float] = field(default_factory=dict)
    untested: str = ""
    missing: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def by_file(self) -> dict[str, xr.Dataset]:
        """Every result by the name of its file."""
        files = {name: result for name, result in self.results.items() if isinstance(result, xr.Dataset)}
        files |= {f"relevance_{rule}": one for rule, one in self.results.get("relevance", {}).items()}
        return files | {f"sonify_{layer}": one for layer, one in self.results.get("sonify", {}).items()}
