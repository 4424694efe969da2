"""Read what taps returned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from otoscope.probe.listen import Call, evaluating, listening
from otoscope.probe.trace import resolve_tap


def read_taps(model: nn.Module, inputs: Tensor, taps: Sequence[str] | None = None) -> dict[str, Tensor]:
    """The values at taps of a model, as their operations returned them.

    A value is copied when it is made, so that an activation which later overwrites it in place does not show.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms; it is run in evaluation mode and left as it was.
    inputs : Tensor, (batch, ..., time)
        What the model takes.
    taps : sequence of str, optional
        Names of taps (or ends of them); all by default.

    Returns
    -------
    dict of str to Tensor
        In the order asked for, or in call order.

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
    values: dict[str, Tensor] = {}
    names: list[str] = []

    def handle(call: Call) -> Any:
        result = call.run()
        if call.tap is not None:
            names.append(call.tap)
            if taps is None or any(call.tap == tap or call.tap.endswith(f".{tap}") for tap in taps):
                value = result[0] if isinstance(result, tuple) else result
                values[call.tap] = value.detach().clone()
        return result

    with torch.no_grad(), evaluating(model), listening(model, handle):
        model(inputs.clone())  # which the model may overwrite
    if taps is None:
        return values
    return {tap: values[resolve_tap(tap, names)] for tap in taps}
