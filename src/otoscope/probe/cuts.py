"""Where a model stops gradients on their way, for the message that says so."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from otoscope.errors import InputError
from otoscope.probe.listen import Call
from otoscope.probe.pointwise import step_of

_WAY_OUT = "explain it by occlusion, which needs no gradient"


def name_of(call: Call) -> str:
    """The name of a call, by the module that makes it."""
    return call.tap or f"{call.path}.{step_of(call)}".lstrip(".")


def refuse(call: Call) -> None:
    """Raise an InputError where a call would leave PyTorch with a tensor that asks for gradients."""
    if call.name in ("numpy", "__array__") and call.input.requires_grad:
        raise InputError(
            f"the model leaves PyTorch for NumPy ({name_of(call)}), through which no gradient goes: compute that with "
            f"torch functions, or {_WAY_OUT}"
        )


class Cuts:
    """The calls of a forward pass after which gradients do not go on."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def note(self, call: Call, result: Any) -> None:
        """Note a call that has run, if it cuts.

        Raises
        ------
        InputError
            If its operation has no derivative.
        """
        if not isinstance(result, Tensor):
            return
        if result.requires_grad:
            if result.grad_fn is not None and "NotImplemented" in result.grad_fn.name():
                raise _without_derivative(call)
        elif result.dtype != torch.bool and _asks(call):
            why = "" if torch.is_grad_enabled() else ", under torch.no_grad"
            self._names.append(name_of(call) + why)

    def error(self, place: str) -> InputError:
        """What to raise where no gradient of a place reaches the waveform."""
        names = list(dict.fromkeys(self._names))
        at = f" ({'; '.join(names[:4])}{'; ...' if len(names) > 4 else ''})" if names else ""
        return InputError(
            f"the model cuts gradients (torch.no_grad, detach) between the waveform and {place}{at}: take that out of "
            f"it, or {_WAY_OUT}"
        )


def _asks(call: Call) -> bool:
    return any(isinstance(item, Tensor) and item.requires_grad for item in (*call.args, *call.kwargs.values()))


def _without_derivative(call: Call) -> InputError:
    quantised = "quantized" in str(getattr(call.func, "_qualified_op_name", call.func))
    what = "is quantised to integers, and" if quantised else "is an operation that"
    other = "give the model in floating point" if quantised else "give the model with an operation that has one"
    return InputError(f"{name_of(call)} {what} has no derivative: {other}, or {_WAY_OUT}")
