"""A model as a user names it, opened in the process that works with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otoscope.errors import InputError


@dataclass(frozen=True)
class Given:
    """A model as the command line was given it.

    Attributes
    ----------
    model : str
        MODEL.
    weights : Path or None
    sample_rate : int or None
    layout, output, device : str or None
    checkpoints : Path or None
        A folder of weights of one training, which can be shown one after another.
    """

    model: str
    weights: Path | None = None
    sample_rate: int | None = None
    layout: str | None = None
    output: str | None = None
    device: str | None = None
    checkpoints: Path | None = None

    def open(self, weights: Path | None = None) -> Any:
        """The model under test, with other weights where they are given.

        Raises
        ------
        InputError
            As the commands do.
        """
        import torch

        from otoscope.contract import Contract
        from otoscope.models import load
        from otoscope.scope import Scope
        from otoscope.subject import opened_as

        module = load(self.model, weights=weights or self.weights)
        try:
            module.to(self.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"cannot compute on {self.device!r}: {reason}; try --device cpu") from None
        if self.sample_rate is None and Contract.of(module).sample_rate is None:
            raise InputError(f"{self.model} does not say its sample rate: give --sample-rate")
        layout: Any = self.layout
        scope = Scope(module, self.sample_rate, output=self.output, layout=layout)
        file = weights or self.weights
        options = {"sample_rate": self.sample_rate, "output": self.output, "layout": self.layout}
        scope.opened = opened_as(self.model, weights=file and file.name, **options)
        return scope
