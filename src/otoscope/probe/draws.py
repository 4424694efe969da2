"""What a model draws random numbers from: the sources of torch, NumPy and Python, and generators of its own."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import nn

from otoscope.probe.locks import underlying
from otoscope.probe.state import generators_of


def draw_from(seed: int) -> None:
    """Start the usual sources of random numbers, of torch, NumPy and Python, from a seed."""
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)


class Draws:
    """The sources that a model can draw from, in the context in which it is run.

    Parameters
    ----------
    model : nn.Module
        Inside :func:`otoscope.probe.listen.evaluating`, so that generators of its own are put back at the end.

    Examples
    --------
    >>> model = nn.ReLU()
    >>> model.own = np.random.default_rng()
    >>> draws = Draws(model)
    >>> draws.start(0)
    >>> first = model.own.random()
    >>> draws.drew()
    True
    >>> draws.start(0)
    >>> model.own.random() == first
    True
    """

    def __init__(self, model: nn.Module) -> None:
        self._own = generators_of(underlying(model))
        self._started: list[Any] = []

    def start(self, seed: int) -> None:
        """Start all of them from a seed."""
        draw_from(seed)
        for one in self._own:
            if isinstance(one, torch.Generator):
                one.manual_seed(seed)
            elif isinstance(one, np.random.Generator):
                one.bit_generator.state = type(one.bit_generator)(seed).state
            else:
                one.seed(seed)
        self._started = self._states()

    def drew(self) -> bool:
        """Whether numbers were drawn since they were started."""
        return self._states() != self._started

    def _states(self) -> list[Any]:
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        usual = [random.getstate(), repr(np.random.get_state(legacy=False)["state"])]  # noqa: NPY002
        return [*usual, *(one.tolist() for one in (torch.get_rng_state(), *cuda)), *map(_state_of, self._own)]


def _state_of(generator: Any) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state().tolist()
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    if isinstance(generator, random.SystemRandom):
        return None
    return repr(generator.getstate() if isinstance(generator, random.Random) else generator.get_state(legacy=False))
