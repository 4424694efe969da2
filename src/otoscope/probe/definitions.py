"""Fused functions by their definitions, so that each of their steps can follow a rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Held = Callable[[Tensor], Tensor]
"""What is done to a deviation: it is held constant, or passed as it is."""


def _scaled(hold: Held, centred: Tensor, variance: Tensor, eps: float) -> Tensor:
    return centred * hold((variance + eps).pow(-0.5))


def _layer_norm(
    hold: Held, input: Tensor, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    dims = tuple(range(-len(normalized_shape), 0))
    centred = input - input.mean(dims, keepdim=True)
    y = _scaled(hold, centred, (centred * centred).mean(dims, keepdim=True), eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _group_norm(
    hold: Held, input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Tensor:
    x = input.reshape(len(input), num_groups, -1)
    centred = x - x.mean(-1, keepdim=True)
    y = _scaled(hold, centred, (centred * centred).mean(-1, keepdim=True), eps).reshape(input.shape)
    to = (1, -1, *[1] * (input.ndim - 2))
    y = y if weight is None else y * weight.reshape(to)
    return y if bias is None else y + bias.reshape(to)


def _instance_norm(
    hold: Held,
    input: Tensor,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if not use_input_stats:
        return F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    return _group_norm(hold, input, input.shape[1], weight, bias, eps)


def _rms_norm(
    hold: Held, input: Tensor, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None
) -> Tensor:
    dims = tuple(range(-len(normalized_shape), 0))
    eps = torch.finfo(input.dtype).eps if eps is None else eps
    y = _scaled(hold, input, (input * input).mean(dims, keepdim=True), eps)
    return y if weight is None else y * weight


def _normalize(hold: Held, input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None) -> Tensor:
    return input / hold(torch.linalg.vector_norm(input, p, dim, keepdim=True).clamp_min(eps))


def _glu(hold: Held, input: Tensor, dim: int = -1) -> Tensor:
    signal, weight = input.chunk(2, dim)
    return signal * weight.sigmoid()


def _attention(
    hold: Held,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    return _weighted(_weights(query, key, attn_mask, is_causal, scale, enable_gqa), value, enable_gqa, query)


def _weights(
    query: Tensor, key: Tensor, mask: Tensor | None, is_causal: bool, scale: float | None, grouped: bool = False
) -> Tensor:
    if grouped:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    scores = query @ key.transpose(-1, -2) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is not None:
        scores = scores + (_blocked(~mask, scores.dtype) if mask.dtype == torch.bool else mask)
    return torch.softmax(scores, -1)


def _weighted(weights: Tensor, value: Tensor, grouped: bool, query: Tensor) -> Tensor:
    if grouped:
        value = value.repeat_interleave(query.shape[-3] // value.shape[-3], -3)
    return weights @ value


def _blocked(mask: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros_like(mask, dtype=dtype).masked_fill(mask, -torch.inf)


def _multi_head(
    hold: Held,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim: int,
    heads: int,
    in_weight: Any,
    in_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero: bool,
    dropout_p: float,
    out_weight: Tensor,
    out_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> Any:
    if any(one is not None for one in (bias_k, bias_v, static_k, static_v)) or add_zero or query.ndim != 3:
        return NotImplemented
    ws = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_weight.chunk(3)
    bs = (None,) * 3 if in_bias is None else in_bias.chunk(3)
    q, k, v = (F.linear(x, w, b) for x, w, b in zip((query, key, value), ws, bs, strict=True))
    q, k, v = (t.unflatten(-1, (heads, -1)).movedim(0, -2) for t in (q, k, v))  # (clip, head, time, channel)
    if attn_mask is not None:
        attn_mask = _blocked(attn_mask, q.dtype) if attn_mask.dtype == torch.bool else attn_mask
        attn_mask = attn_mask.unflatten(0, (-1, heads)) if attn_mask.ndim == 3 else attn_mask
    if key_padding_mask is not None:
        padding = key_padding_mask[:, None, None]
        padding = _blocked(padding, q.dtype) if padding.dtype == torch.bool else padding
        attn_mask = padding if attn_mask is None else attn_mask + padding
    weights = _weights(q, k, attn_mask, False, None)
    out = F.linear((weights @ v).movedim(-2, 0).flatten(-2), out_weight, out_bias)
    if not need_weights:
        return out, None
    return out, weights.mean(1) if average_attn_weights else weights


Cell = Callable[..., tuple[Tensor, ...]]


def _recurrent(
    cell: Cell,
    input: Tensor,
    states: Sequence[Tensor],
    params: Any,
    has_biases: Any,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> Any:
    """Layers and ways of a recurrence, one step a call of `cell`."""
    if not isinstance(params, (list, tuple)) or len(params) != num_layers * (1 + bidirectional) * (2 + 2 * has_biases):
        return NotImplemented  # packed sequences, and projections
    x = input.transpose(0, 1) if batch_first else input
    step, ways, ends = 4 if has_biases else 2, 1 + bidirectional, []
    for layer in range(num_layers):
        outs = []
        for way in range(ways):
            place = layer * ways + way
            w, u, *biases = params[place * step : (place + 1) * step]
            b, c = biases or (None, None)
            state, out = tuple(s[place] for s in states), []
            a = F.linear(x, w, b)
            for t in range(len(x))[:: -1 if way else 1]:
                state = cell(a[t], F.linear(state[0], u, c), *state)
                out.append(state[0])
            outs.append(torch.stack(out[:: -1 if way else 1]))
            ends.append(state)
        x = torch.cat(outs, -1)
    return (x.transpose(0, 1) if batch_first else x, *(torch.stack(s) for s in zip(*ends, strict=True)))


def _gru_step(a: Tensor, g: Tensor, h: Tensor) -> tuple[Tensor, ...]:
    (ar, az, an), (hr, hz, hn) = a.chunk(3, -1), g.chunk(3, -1)
    z = torch.sigmoid(az + hz)
    return (torch.tanh(an + torch.sigmoid(ar + hr) * hn) * (1 - z) + h * z,)


def _lstm_step(a: Tensor, g: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
    i, f, n, o = (a + g).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(n)
    return torch.sigmoid(o) * torch.tanh(c), c


def _tanh_step(a: Tensor, g: Tensor, h: Tensor) -> tuple[Tensor, ...]:
    return (torch.tanh(a + g),)


def _relu_step(a: Tensor, g: Tensor, h: Tensor) -> tuple[Tensor, ...]:
    return (torch.relu(a + g),)


def _layers(cell: Cell) -> Callable[..., Any]:
    def run(hold: Held, input: Tensor, hx: Any, *rest: Any) -> Any:
        states = (hx,) if isinstance(hx, Tensor) else hx
        if input.ndim != 3 or len(rest) != 7:
            return NotImplemented
        return _recurrent(cell, input, states, *rest)

    return run


def _single(cell: Cell) -> Callable[..., Any]:
    def run(hold: Held, input: Tensor, hx: Any, w: Tensor, u: Tensor, b: Any = None, c: Any = None) -> Any:
        states = (hx,) if isinstance(hx, Tensor) else hx
        found = cell(F.linear(input, w, b), F.linear(states[0], u, c), *states)
        return found if len(found) > 1 else found[0]

    return run


def _var(
    hold: Held,
    input: Tensor,
    dim: Any = None,
    *args: Any,
    unbiased: bool = True,
    correction: float | None = None,
    keepdim: bool = False,
) -> Any:
    if args or isinstance(dim, bool):
        return NotImplemented
    dims = tuple(range(input.ndim)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    centred = input - input.mean(dims, keepdim=True)
    count = math.prod(input.shape[axis] for axis in dims)
    less = (1 if unbiased else 0) if correction is None else correction
    return (centred * centred).sum(dims, keepdim=keepdim) / (count - less)


def _std(hold: Held, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    found = _var(hold, input, *args, **kwargs)
    return found if found is NotImplemented else found.sqrt()


DEFINITIONS: dict[str, Callable[..., Any]] = {
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "rms_norm": _rms_norm,
    "normalize": _normalize,
    "glu": _glu,
    "scaled_dot_product_attention": _attention,
    "multi_head_attention_forward": _multi_head,
    "gru": _layers(_gru_step),
    "lstm": _layers(_lstm_step),
    "rnn_tanh": _layers(_tanh_step),
    "rnn_relu": _layers(_relu_step),
    "gru_cell": _single(_gru_step),
    "lstm_cell": _single(_lstm_step),
    "rnn_tanh_cell": _single(_tanh_step),
    "rnn_relu_cell": _single(_relu_step),
    "var": _var,
    "std": _std,
}
"""By the name of the function. Each returns NotImplemented of a call that it does not know."""
