"""The models of a server as the process of a worker has them, and what a page is told of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from otoscope.server.given import Given
from otoscope.server.refusal import Refusal

_KEPT = 4  # models in memory beside the first: checkpoints, and others to compare with


class Models:
    """The models of a server, and their checkpoints, opened when they are asked for."""

    def __init__(self, given: Mapping[str, Given]) -> None:
        self._given = given
        self._open: OrderedDict[tuple[str, str | None], Any] = OrderedDict()

    def scope(self, model: str, checkpoint: str | None) -> Any:
        """A model, with the weights of a checkpoint.

        Raises
        ------
        Refusal
            If there is no such checkpoint.
        InputError
            If it cannot be loaded.
        """
        key = (model, checkpoint)
        if key not in self._open:
            weights = None if checkpoint is None else self._weights(model, checkpoint)
            scope = self._given[model].open(weights)
            if checkpoint is not None:
                scope.name = f"{scope.name} ({dict(self.labels(model))[checkpoint]})"
            self._open[key] = scope
            others = [one for one in self._open if one != next(iter(self._open))]
            for one in others[: max(0, len(others) - _KEPT)]:
                del self._open[one]
        return self._open[key]

    def labels(self, model: str) -> list[tuple[str, str]]:
        """The checkpoints of a model in order: their ids, and what they are called."""
        return [(key, label) for key, label, _ in self._checkpoints(model)]

    def _weights(self, model: str, checkpoint: str) -> Path:
        for key, _, path in self._checkpoints(model):
            if key == checkpoint:
                return path
        raise Refusal(404, "not-found", "the model has no such checkpoint")

    def _checkpoints(self, model: str) -> list[tuple[str, str, Path]]:
        from otoscope.models import checkpoint_files

        folder = self._given[model].checkpoints
        if folder is None:
            return []
        files = enumerate(checkpoint_files(folder), 1)
        return [(f"c{n}", f"step {at}" if isinstance(at, int) else str(at), path) for n, (at, path) in files]


def model_facts(scope: Any, checkpoints: list[tuple[str, str]]) -> dict[str, Any]:
    """What a page is told of a model."""
    from otoscope.methods.relevance_rules import rules_here

    contract = scope.contract
    return {
        "name": scope.name,
        "sample_rate": scope.sample_rate,
        "classes": None if scope.classes is None else list(scope.classes),
        "class_count": None if scope.classes is None else len(scope.classes),
        "input_length": contract.length,
        "trained_length": contract.trained_length,
        "channels": contract.channels or 1,
        "weights_sha256": scope.digest,
        "layers": layers_of(scope),
        "checkpoints": [{"id": key, "label": label} for key, label in checkpoints],
        "rules": [{"id": rule, "label": rule.replace("_", " ")} for rule in rules_here()],
    }


def layers_of(scope: Any) -> list[dict[str, Any]]:
    """The taps of a model, of silence; none where they cannot be had without a sound."""
    from otoscope.trial import REFUSALS

    try:
        taps = scope.taps()
    except REFUSALS:
        return []
    return [
        {
            "name": tap.name,
            "kind": tap.kind,
            "op": tap.op,
            "channels": tap.channels,
            "hop": _number(tap.hop),
            "rate": _number(tap.rate),
        }
        for tap in taps.values()
    ]


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
