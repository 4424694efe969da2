"""Read what taps returned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from otoscope.probe.listen import Call, TapReached, evaluating, intercepting
from otoscope.probe.trace import resolve_tap

T = TypeVar("T")


def read_taps(model: nn.Module, inputs: Tensor, layer: str | Sequence[str] | None = None) -> dict[str, Tensor]:
    """The values at taps of a model, as their operations returned them.

    A value is copied as soon as it is computed, before an activation may overwrite it in place. With full names the
    pass ends at the last of them.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms; it is run in evaluation mode and left as it was.
    inputs : Tensor, (batch, ..., time)
        What the model takes.
    layer : str or sequence of str, optional
        One or several taps, by their names or the ends of them; all by default.

    Returns
    -------
    dict of str to Tensor
        By the names given and in their order, or by full names in call order.

    Raises
    ------
    InputError
        If there is no such tap.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 5), nn.ReLU(inplace=True))
    >>> values = read_taps(model, torch.randn(1, 1, 100))
    >>> bool((values["0"] < 0).any()), bool((values["1"] < 0).any())
    (True, False)
    """
    wanted = [layer] if isinstance(layer, str) else layer
    values: dict[str, Tensor] = {}
    names: list[str] = []

    def handle(call: Call) -> Any:
        result = call.run()
        if call.tap is not None:
            names.append(call.tap)
            if wanted is None or any(f".{call.tap}".endswith(f".{name}") for name in wanted):
                value = result[0] if isinstance(result, tuple) else result
                values[call.tap] = value.detach().clone()
                if wanted is not None and values.keys() >= set(wanted):  # full names, which no later tap has
                    raise TapReached
        return result

    with torch.no_grad(), evaluating(model), intercepting(model, handle), suppress(TapReached):
        model(inputs.clone())  # a model may overwrite its input
    if wanted is None:
        return values
    return {name: values[resolve_tap(name, names)] for name in wanted}


def visit_taps(
    model: nn.Module, inputs: Tensor, names: Collection[str], take: Callable[[str, Tensor], T]
) -> dict[str, T]:
    """What a function makes of the values at taps, while the model runs: no value is kept.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms; it is run in evaluation mode and left as it was.
    inputs : Tensor, (batch, ..., time)
        What the model takes.
    names : collection of str
        Full names of taps; the pass ends at the last of them.
    take : callable
        Given the name of a tap and what its operation returned, before an activation may overwrite that in place.

    Returns
    -------
    dict of str to what `take` returned
        In call order; taps that were not reached are absent.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(1, 8, 5), nn.ReLU(inplace=True))
    >>> visit_taps(model, torch.ones(1, 1, 100), ["0", "1"], lambda name, value: value.shape[-1])
    {'0': 96, '1': 96}
    """
    found: dict[str, T] = {}

    def handle(call: Call) -> Any:
        result = call.run()
        if call.tap is not None and call.tap in names and call.tap not in found:
            value = result[0] if isinstance(result, tuple) else result
            found[call.tap] = take(call.tap, value.detach())
            if len(found) == len(names):
                raise TapReached
        return result

    with torch.no_grad(), evaluating(model), intercepting(model, handle), suppress(TapReached):
        model(inputs.clone())  # a model may overwrite its input
    return found
