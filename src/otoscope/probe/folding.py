"""Convolutions and max poolings whose backward pass takes many seeds in one call.

Autograd carries a batch of seeds back with `torch.vmap`, for which PyTorch loops over the seeds in the backward
pass of convolutions and poolings. Here their backward pass has a rule for `vmap` that folds the seeds into the
batch. A single seed goes back by the same call that autograd makes.

Why folding is exact: let the layer take a batch of B inputs, and let S seeds arrive.

Convolution, along one axis, with kernel w of k taps, stride s, padding p and dilation d:

    y[m] = sum_j w[j] x[m s - p + j d]

so that the gradient of a seed g with respect to x is

    dx[n] = sum over all (m, j) with m s - p + j d = n of w[j] g[m]

which is the transposed convolution of g with the same kernel. It is linear in g, treats the items of a batch
independently, and depends on x only through its length. Therefore S seeds for B inputs are one batch of S B items:
(S, B, ...) is flattened to (S B, ...), convolved, and unflattened. Only the length has to be restored. The windows of
M outputs cover the samples -p to (M - 1) s - p + d (k - 1), of which the transposed convolution drops p at either end:
(M - 1) s - 2 p + d (k - 1) + 1 samples are left. Inputs that are up to s - 1 samples longer give the same M, and
`output_padding` keeps as many more at the end.

Max pooling selects: y[m] = x[i(m)], where the switch i(m) is the position of the maximum of window m. So

    dx[n] = sum over all m with i(m) = n of g[m]

which is a scatter-add. The switches depend on x alone, so all seeds share them: they are expanded over the axis of
seeds, and one scatter-add along the flattened positions does it for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from otoscope.probe.listen import Call

_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
_TRANSPOSED = dict(
    zip(
        _CONVOLUTIONS,
        (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d),
        strict=True,
    )
)
_POOLS = {"max_pool1d": functional.max_pool1d_with_indices, "max_pool2d": functional.max_pool2d_with_indices}


def run_folding(call: Call) -> Any:
    """Run a call of a forward pass so that seeds of its backward pass can be folded, if it is one that can."""
    operation = call.operation
    if operation is None or not torch.is_grad_enabled() or not call.input.requires_grad:
        return call.run()
    x = call.input
    if operation.op in _CONVOLUTIONS and _is_plain_convolution(call):
        bias = call.args[2] if len(call.args) > 2 else call.kwargs.get("bias")
        padding = tuple(before for before, _ in operation.padding)
        geometry = (operation.stride, padding, operation.dilation, operation.groups)
        return _convolution(x, operation.weight, bias, call.func, operation.op, *geometry)
    if operation.op in _POOLS and not call.name.endswith("_with_indices") and _has_batch(call):
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        given = dict(zip(names, call.args[1:], strict=False)) | call.kwargs
        given.pop("input", None)
        return call.run() if given.pop("return_indices", False) else _max_pool(x, operation.op, given)[0]
    return call.run()


def _is_plain_convolution(call: Call) -> bool:
    """Whether only the input needs a gradient, and it is padded equally on both sides."""
    operation = call.operation
    assert operation is not None
    assert operation.weight is not None
    symmetric = all(before == after for before, after in operation.padding)
    bias = call.args[2] if len(call.args) > 2 else call.kwargs.get("bias")
    constant = not operation.weight.requires_grad and not (bias is not None and bias.requires_grad)
    return symmetric and constant and _has_batch(call)


def _has_batch(call: Call) -> bool:
    assert call.operation is not None
    return call.input.ndim == len(call.operation.kernel) + 2


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        x: Tensor, weight: Tensor, bias: Tensor | None, func: Any, op: str, stride: Any, padding: Any, dilation: Any,
        groups: int,
    ) -> Tensor:  # fmt: skip
        result: Tensor = func(x, weight, bias, stride, padding, dilation, groups)
        return result

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        x, weight, _, _, ctx.op, *ctx.geometry = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        return _convolution_back(grad, x, weight, ctx.op, *ctx.geometry), *[None] * 8


class _ConvolutionBack(torch.autograd.Function):
    @staticmethod
    def forward(
        grad: Tensor, x: Tensor, weight: Tensor, op: str, stride: Any, padding: Any, dilation: Any, groups: int
    ) -> Tensor:
        output_padding = [0] * len(stride)
        to_input: Tensor = torch.ops.aten.convolution_backward(
            grad, x, weight, None, stride, padding, dilation, False, output_padding, groups, [True, False, False]
        )[0]
        return to_input

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(
        info: Any, in_dims: Any, grads: Tensor, x: Tensor, weight: Tensor, op: str, stride: Any, padding: Any,
        dilation: Any, groups: int,
    ) -> tuple[Tensor, int]:  # fmt: skip
        grads = grads.movedim(in_dims[0], 0)
        # Per axis, the samples at the end of x that no window reached.
        output_padding = [
            n - ((m - 1) * s - 2 * p + d * (k - 1) + 1)
            for n, m, s, p, d, k in zip(
                x.shape[2:], grads.shape[3:], stride, padding, dilation, weight.shape[2:], strict=True
            )
        ]
        folded = grads.flatten(0, 1)  # (seeds * batch, channel, ...)
        back = _TRANSPOSED[op](folded, weight, None, stride, padding, output_padding, groups, dilation)
        return back.unflatten(0, grads.shape[:2]), 0


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, op: str, given: dict[str, Any]) -> tuple[Tensor, Tensor]:
        pooled, switches = _POOLS[op](x, **given)
        # PyTorch forbids an activation in place on a view that a Function returned.
        return pooled.clone() if pooled._is_view() else pooled, switches

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: tuple[Tensor, Tensor]) -> None:
        ctx.shape = inputs[0].shape
        ctx.save_for_backward(output[1])
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Any) -> Any:
        return _max_pool_back(grad, ctx.saved_tensors[0], ctx.shape), None, None


class _MaxPoolBack(torch.autograd.Function):
    """Unpooling: every value goes to the position of the maximum of its window."""

    @staticmethod
    def forward(grad: Tensor, switches: Tensor, shape: tuple[int, ...]) -> Tensor:
        back = grad.new_zeros(*shape[:2], math.prod(shape[2:]))
        return back.scatter_add_(-1, switches.flatten(2), grad.flatten(2)).reshape(shape)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(info: Any, in_dims: Any, grads: Tensor, switches: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, int]:
        grads = grads.movedim(in_dims[0], 0)
        shared = switches.expand_as(grads)
        back = grads.new_zeros(len(grads), *shape[:2], math.prod(shape[2:]))
        return back.scatter_add_(-1, shared.flatten(3), grads.flatten(3)).reshape(len(grads), *shape), 0


_convolution: Callable[..., Tensor] = _Convolution.apply
_convolution_back: Callable[..., Tensor] = _ConvolutionBack.apply
_max_pool: Callable[..., tuple[Tensor, Tensor]] = _MaxPool.apply
_max_pool_back: Callable[..., Tensor] = _MaxPoolBack.apply
