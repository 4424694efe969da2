"""Which torch functions compute each element of their result from the same element of their inputs alone."""

from __future__ import annotations

from functools import cache

import torch

_ALSO = frozenset(  # which torch does not tag, or which are not operations of ATen
    "to float double half bfloat16 type type_as cpu cuda requires_grad_ retain_grad dropout dropout1d dropout2d "
    "dropout3d alpha_dropout feature_dropout feature_alpha_dropout batch_norm real imag complex polar conj "
    "resolve_conj resolve_neg floor_divide true_divide divide neg negative tril triu nan_to_num detach_ "
    "fake_quantize_per_tensor_affine bernoulli prelu rrelu softsign hardtanh threshold logsigmoid log_sigmoid "
    "tanhshrink hardsigmoid relu6 silu celu mish softplus gelu clone contiguous identity masked_fill where div "
    "iadd isub imul itruediv rsub rpow rtruediv rmul radd truediv floordiv mod pow sub add mul and or xor invert "
    "abs le lt ge gt eq ne long int bool short byte alias lift_fresh quantize_per_tensor dequantize type_convert "
    "positive lerp addcmul addcdiv angle view_as_same copy".split()
)


@cache
def is_elementwise(name: str) -> bool:
    """Whether the function of this name works element by element, as torch itself says of it.

    Examples
    --------
    >>> is_elementwise("exp"), is_elementwise("__rsub__"), is_elementwise("cumsum")
    (True, True, False)
    """
    plain = name.strip("_")
    if plain in _ALSO:
        return True
    packet = getattr(torch.ops.aten, plain, None)
    if packet is None:
        return False
    overloads = [getattr(packet, overload) for overload in packet.overloads()]
    return any(torch.Tag.pointwise in overload.tags for overload in overloads)
