"""Intercept a forward pass: every torch function that a model calls, with the path of the module that calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from otoscope.errors import InputError
from otoscope.probe.interrupts import came_by_signal
from otoscope.probe.locks import lock_of, underlying
from otoscope.probe.ops import Operation, classify, function_name
from otoscope.probe.originals import originals
from otoscope.probe.precision import autocast_of_the_model
from otoscope.probe.state import kept
from otoscope.probe.transforms import transform
from otoscope.probe.writes import unwatched

_OPERATION_MODULES = (
    "torch.nn.modules.conv",
    "torch.nn.modules.activation",
    "torch.nn.modules.pooling",
)


@dataclass(frozen=True)
class Call:
    """One call of a torch function inside a forward pass.

    `operation` and `tap` (its unique name) are None where the call is not a convolution, activation or pooling; a call
    within a transform of `torch.func`, whose tensors cannot be kept, is not a tap either.
    `path` is that of the module that calls.
    """

    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    operation: Operation | None
    tap: str | None
    path: str = ""

    @cached_property
    def name(self) -> str:
        return function_name(self.func)

    @property
    def input(self) -> Tensor:
        """The first argument, which every operation calls `input`."""
        tensor: Tensor = self.args[0] if self.args else self.kwargs["input"]
        return tensor

    def run(self) -> Any:
        with unwatched() if self._pools else nullcontext():
            result = self.func(*self.args, **self.kwargs)
        if self.name == "batch_norm" and result.requires_grad:
            # On a CPU, torch 2.13 takes a gradient that arrives as a transposed view for one with other strides.
            result.register_hook(Tensor.contiguous)
        return result

    @property
    def _pools(self) -> bool:
        """Whether this is a pooling, which writes to nothing, and for which torch is faster where nobody watches."""
        operation = self.operation
        return operation is not None and operation.kind == "pooling" and "out" not in self.kwargs

    def without_input(self) -> Call:
        """The call for :meth:`run_on` alone, which keeps no activation alive."""
        if self.args:
            return replace(self, args=(None, *self.args[1:]))
        return replace(self, kwargs={**self.kwargs, "input": None})

    def run_on(self, x: Tensor) -> Any:
        """The same call with another tensor as its input."""
        if self.args:
            return self.func(x, *self.args[1:], **self.kwargs)
        return self.func(**{**self.kwargs, "input": x})


class TapReached(BaseException):
    """Raised by a handler to end a forward pass whose rest is not needed.

    It is not an `Exception`, so that a model which catches those does not swallow it.
    """


Handler = Callable[[Call], Any]


@contextmanager
def intercepting(model: nn.Module, handler: Handler) -> Iterator[None]:
    """Hand every torch function that `model` calls in this context to `handler`, which returns its result.

    Functions that the handler itself calls are not intercepted. Hooks are removed when the context ends,
    also by an exception.
    """
    stack: list[tuple[str, nn.Module]] = [("", model)]
    hooks = []
    for path, module in model.named_modules():
        if path and not isinstance(module, torch.jit.ScriptModule):  # which takes no hooks, and hides what it calls
            hooks.append(module.register_forward_pre_hook(_enter(stack, path)))
            hooks.append(module.register_forward_hook(_leave(stack), always_call=True))
    try:
        with originals(), _Interceptor(handler, stack):
            yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Run `model` in evaluation mode, by one thread at a time, and leave it as it was.

    This is the one context in which a model under test is run. What :func:`otoscope.probe.state.kept` lists is put
    back when it ends, also by an exception: so the same call gives the same result twice, whatever the model keeps
    from one call to the next or draws at random. Contexts of one model may be nested. A model that ends the process is
    refused with an `InputError`.
    """
    model = underlying(model)
    with lock_of(model), kept(model), autocast_of_the_model():
        if any(getattr(module, "training", False) for module in model.modules()):
            _evaluate(model)
        try:
            yield
        except SystemExit as error:
            if came_by_signal(error):
                raise
            name, code = type(model).__name__, error.code
            raise InputError(f"the forward pass of {name} ends the process, by sys.exit({code!r})") from error


def _evaluate(model: nn.Module) -> None:
    try:
        model.eval()
    except NotImplementedError:  # of what `torch.export` makes, in which the mode is fixed
        for module in model.modules():
            module.training = False


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Let no parameter of `model` require gradients, so that only what depends on the input does."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


class _Interceptor(TorchFunctionMode):
    def __init__(self, handler: Handler, stack: list[tuple[str, nn.Module]]) -> None:
        super().__init__()
        self.handler, self.stack = handler, stack
        self.names: dict[str, int] = {}  # of taps so far, and how many bear one with a number behind it

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        operation = classify(func, args, kwargs)
        tap = self._name(operation) if operation and not transform() else None
        depth = len(self.stack)
        try:
            return self.handler(Call(func, args, kwargs, operation, tap, self.stack[-1][0]))
        except RuntimeError as error:
            if func is not Tensor.backward:
                raise
            raise InputError(
                "the model trains as it runs (backward() in its forward pass), which it cannot do where its weights "
                f"are held still to look into it ({error}): give the model as it is after that, without the training "
                "step"
            ) from error
        finally:
            del self.stack[depth:]  # modules of a pass that the handler ran, and did not let end

    def _name(self, operation: Operation) -> str:
        path, module = self.stack[-1]
        is_operation = any(base.__module__ in _OPERATION_MODULES for base in type(module).__mro__)
        stem = path if is_operation and path else f"{path}.{operation.op}".lstrip(".")
        name = first = stem or operation.op
        while name in self.names:
            self.names[first] += 1
            name = f"{stem}_{self.names[first]}"
        self.names[name] = 1
        return name


def _enter(stack: list[tuple[str, nn.Module]], path: str) -> Callable[..., None]:
    def hook(module: nn.Module, args: Any) -> None:
        stack.append((path, module))

    return hook


def _leave(stack: list[tuple[str, nn.Module]]) -> Callable[..., None]:
    def hook(module: nn.Module, args: Any, output: Any) -> None:
        if all(entered is not module for _, entered in stack):  # an exception came before it was entered
            return
        while stack.pop()[1] is not module:  # an exception skipped the hooks of inner modules
            pass

    return hook


@contextmanager
def differentiable_recurrence(model: nn.Module) -> Iterator[None]:
    """Let recurrent layers run without cuDNN, which refuses their backward pass in evaluation mode."""
    if not any(isinstance(module, nn.RNNBase) for module in model.modules()):
        yield
        return
    with _without_cudnn:
        yield


class _Without:
    """cuDNN switched off for as long as one thread or several need that: the switch is one for the process."""

    def __init__(self) -> None:
        self._guard, self._count, self._enabled = Lock(), 0, True

    def __enter__(self) -> None:
        with self._guard:
            if not self._count:
                self._enabled = torch.backends.cudnn.enabled
            self._count += 1
            torch.backends.cudnn.enabled = False

    def __exit__(self, *error: object) -> None:
        with self._guard:
            self._count -= 1
            if not self._count:
                torch.backends.cudnn.enabled = self._enabled


_without_cudnn = _Without()
