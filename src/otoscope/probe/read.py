"""Read what taps returned."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.probe.listen import Call, TapReached, evaluating, intercepting
from otoscope.probe.trace import resolve_tap


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
