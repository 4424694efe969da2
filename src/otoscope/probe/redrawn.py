"""Networks with re-drawn weights: every weight is replaced where it reaches an operation, and the model is not touched.

A forward pass is followed from the inside. Numbers that are made of parameters alone are weights, numbers that depend
on the sound are the signal, and where the two meet in an operation the weight is replaced by random numbers. So a
kernel that is computed on the way (sinc and Gabor filters, weight normalisation, parametrisations), a functional call,
a weight that is used twice, one that no module lists, a kernel that was computed when the model was made and is kept,
and a module without ``reset_parameters`` are all drawn again, which modules alone do not
show (J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, draw the weights of modules).

Kernels and matrices are drawn from a normal distribution of mean 0 with their own root mean square, vectors (biases,
gains) with their own mean and standard deviation. What is the same number everywhere, such as the gains and biases of
an untrained normalisation, has a deviation of half of that number, or of 0.01 where it is 0. Numbers that are all of
one sign, such as gains, rates of decay and what is behind a softplus or an exponential, keep that sign.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.locks import underlying
from otoscope.probe.ops import function_name
from otoscope.probe.transforms import unwrapped, wrapped

_OF_NUMBERS = frozenset(["item", "tolist", "numpy", "__array__", "__float__", "__int__", "__bool__", "__index__"])
"""By which numbers leave torch, where nothing follows them."""
_KERNELS = frozenset(
    f"conv{transposed}{axes}d" for transposed in ("", "_transpose") for axes in (1, 2, 3)
) | {"linear"}  # fmt: skip
_PRODUCTS = frozenset(
    ["matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "mv", "dot", "inner", "einsum", "tensordot", "addmm", "addmv",
     "addbmm", "baddbmm", "bilinear", "chain_matmul", "multi_dot"]
)  # fmt: skip
_FORMS = (("", ""), ("", "_"), ("__", "__"), ("__r", "__"), ("__i", "__"))
_FACTORS = frozenset(
    f"{before}{name}{after}"
    for name in ("mul", "multiply", "div", "divide", "true_divide", "truediv")
    for before, after in _FORMS
) | {"addcmul", "addcdiv"}
_SCALED = frozenset(["layer_norm", "group_norm", "instance_norm", "rms_norm", "prelu"])
_GAINS = (
    _FACTORS
    | _SCALED
    | {"batch_norm"}
    | frozenset(
        f"{before}{name}{after}" for name in ("add", "sub", "subtract", "rsub", "pow") for before, after in _FORMS
    )
)
"""Where weights scale or shift what is there, and do not weigh one thing against another."""
_TABLES = frozenset(["embedding", "index_select", "gather", "__getitem__", "getitem"])
"""Where the signal chooses rows of a table."""
_OF_DATA = frozenset(["tensor", "as_tensor", "from_numpy", "asarray", "frombuffer"])
"""By which numbers come into torch."""
_SMALL = 0.01  # deviation of what is 0 everywhere
_TRIES = 100  # to draw another number than the one that was there, in few bits


class Redraw:
    """Random weights for a model, the same at every pass.

    Parameters
    ----------
    model : nn.Module
    seed : sequence of int
        Of what is drawn. Each weight is drawn for itself, by its name or, where it is computed, by its numbers, so that
        neither the order of calls nor the other weights matter.

    Attributes
    ----------
    changed, reached : int
        How many numbers of the weights that reach operations were changed in the passes so far, and how many there are.
    left : set of str
        Parameters that were used, and are not drawn again: their numbers left torch, or are whole numbers.
    fixed : set of str
        Operations, of convolutions, products and tables, with a kernel, matrix or factor that is made of no parameter,
        which stays as it is. What is made on the way of no numbers at all, such as a window, and masks are none.
    weighs : bool
        Whether any of what was drawn again does more than to scale or shift what is there.

    Examples
    --------
    >>> model, x = nn.Conv1d(1, 2, 3), torch.ones(1, 1, 3)
    >>> redraw = Redraw(model, [0])
    >>> with torch.no_grad(), redraw.in_place(x):
    ...     other = model(x)
    >>> redraw.changed, redraw.reached, bool((model(x) == other).any())
    (8, 8, False)
    """

    def __init__(self, model: nn.Module, seed: list[int]) -> None:
        self._model, self._seed = underlying(model), seed
        self._computed = computed_before(self._model)
        self._drawn: dict[str, Tensor] = {}
        self._counts: dict[str, tuple[int, int]] = {}
        self.left: set[str] = set()
        self.fixed: set[str] = set()
        self.weighs = False
        self._kept: dict[str, int] = {}
        self._seen: Any = WeakIdKeyDictionary()

    @property
    def kept(self) -> int:
        """How many numbers the kernels, matrices and factors of `fixed` have."""
        return sum(self._kept.values())

    @property
    def changed(self) -> int:
        return sum(changed for changed, _ in self._counts.values())

    @property
    def reached(self) -> int:
        return sum(count for _, count in self._counts.values())

    @contextmanager
    def in_place(self, signal: Tensor) -> Iterator[None]:
        """Let what runs in this context use the random weights in place of the model's; it starts at `signal`."""
        names = {id(one): name for name, one in self._model.named_parameters()}
        with _Following(self, self._computed, names, signal):
            yield

    def keep(self, operation: str, kernel: Tensor) -> None:
        """Note a kernel of an operation that is made of no parameter, and stays."""
        self.fixed.add(operation.strip("_").removeprefix("r"))
        if kernel not in self._seen:
            self._seen[kernel] = None
            self._kept[_mark(kernel)] = kernel.numel()

    def weight(self, key: str, weight: Tensor) -> Tensor:
        """Random numbers in place of a weight, which is known by its key."""
        drawn = self._drawn.get(key)
        if drawn is None or drawn.shape != weight.shape or drawn.dtype != weight.dtype:
            digest = hashlib.sha256(key.encode()).digest()
            mark = [int.from_bytes(digest[at : at + 4], "little") for at in range(0, 16, 4)]
            drawn = self._drawn[key] = drawn_like(weight, np.random.default_rng([*self._seed, *mark]))
            self._counts[key] = int((drawn != weight).sum()), weight.numel()
        return drawn


def scales(operation: str) -> bool:
    """Whether what is constant in an operation is a factor, and no kernel or table."""
    return operation in _FACTORS or operation in _SCALED


def chooses(operation: str) -> bool:
    """Whether what is constant in an operation is a table of which the signal chooses."""
    return operation in _TABLES


def drawn_like(weight: Tensor, rng: np.random.Generator) -> Tensor:
    """Random numbers of the shape, type and size of a weight, none of which is as it was.

    Parameters
    ----------
    weight : Tensor
        Of real or complex numbers.
    rng : Generator

    Examples
    --------
    >>> weight = torch.full((100, 100), 3.0).tril() - 1.5
    >>> drawn = drawn_like(weight, np.random.default_rng(0))
    >>> round(drawn.mean().item(), 1) + 0.0, round(drawn.square().mean().sqrt().item(), 1)
    (0.0, 1.5)
    """
    with torch.no_grad():
        values = weight.detach()
        if values.is_complex():
            return torch.view_as_complex(drawn_like(torch.view_as_real(values.resolve_conj()), rng))
        mean, deviation = _moments(values)
        drawn = _normal(values, mean, deviation, rng)
        for _ in range(_TRIES):
            same = drawn == values
            if not bool(same.any()):
                break
            drawn = torch.where(same, _normal(values, mean, deviation, rng), drawn)
        return drawn


def _moments(values: Tensor) -> tuple[float, float]:
    """Mean and deviation of what is drawn in place of some numbers."""
    values = values.double()
    if not values.numel():
        return 0.0, 0.0
    mean, size = float(values.mean()), float(values.square().mean().sqrt())
    deviation = float((values - mean).square().mean().sqrt())
    if deviation <= 1e-6 * size:
        return mean, abs(mean) / 2 or _SMALL
    several = sum(size > 1 for size in values.shape) > 1
    return (0.0, size) if several else (mean, deviation)


def _normal(like: Tensor, mean: float, deviation: float, rng: np.random.Generator) -> Tensor:
    numbers = torch.from_numpy(np.asarray(rng.standard_normal(tuple(like.shape), dtype=np.float32))).to(like.device)
    numbers = numbers.mul_(deviation).add_(mean)
    least, most = (float(one) for one in like.aminmax()) if like.numel() else (0.0, 0.0)
    if least >= 0 < most or least < 0 >= most:
        numbers = numbers.abs() if most > 0 else -numbers.abs()
    return numbers.to(like.dtype)


class _Following(TorchFunctionMode):
    """Follows weights and signal through one pass, and replaces the one where it meets the other."""

    def __init__(
        self, redraw: Redraw, computed: Mapping[str, frozenset[str]], names: Mapping[int, str], signal: Tensor
    ) -> None:
        super().__init__()
        self._redraw, self._computed, self._names = redraw, computed, names
        self._made: Any = WeakIdKeyDictionary()  # what is made on the way of no numbers that were there before
        self._signals: Any = WeakIdKeyDictionary()
        self._signals[signal] = None
        self._weights: Any = WeakIdKeyDictionary()  # what is made of parameters: the names of those

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, function_name(func)
        tensors = list(_tensors((args, kwargs)))
        roots = frozenset().union(*map(self._roots, tensors))
        if not any(one in self._signals for one in tensors):
            if roots and name in _OF_NUMBERS:
                self._redraw.left.update(roots)
            result = func(*args, **kwargs)
            for one in _tensors(result):
                if roots:
                    self._weights[one] = roots
                elif name not in _OF_DATA and all(given in self._made for given in tensors):
                    self._made[one] = None
            return result
        for kernel in self._constants(name, args, kwargs):
            self._redraw.keep(name, kernel)
        self._redraw.weighs |= bool(roots) and name not in _GAINS
        if roots:
            args, kwargs = self._replaced(args), self._replaced(kwargs)
        if name == "batch_norm":
            with torch._C.DisableTorchFunction():
                args, kwargs = _with_own_statistics(func, args, kwargs)
        result = func(*args, **kwargs)
        for one in _tensors(result):
            self._signals[one] = None
        if args and isinstance(args[0], Tensor) and (name in ("__setitem__", "setitem") or _in_place(name)):
            self._signals[args[0]] = None
        return result

    def _constants(self, name: str, args: Any, kwargs: Any) -> list[Tensor]:
        """What weighs the signal in an operation, and is made of neither the signal nor of parameters."""
        given: list[Any] = list(_tensors((args, kwargs)))
        if name in _KERNELS:
            given = [args[1] if len(args) > 1 else kwargs.get("weight")]
        elif name in _PRODUCTS:
            shifts = args[:1] if name.startswith(("add", "badd")) else ()  # a bias, or what is added to
            given = [one for one in given if one.numel() > 1 and not any(one is shift for shift in shifts)]
        elif scales(name):
            shifts = args[:1] if name.startswith("addc") else ()
            given = [one for one in given if one not in self._made and not any(one is shift for shift in shifts)]
        elif name not in _TABLES:
            return []
        found = [one for one in given if isinstance(one, Tensor) and self._is_constant(one)]
        return list(filter(_is_weight, found)) if scales(name) else found

    def _is_constant(self, tensor: Tensor) -> bool:
        numbers = tensor.is_floating_point() or tensor.is_complex()
        return numbers and tensor not in self._signals and not self._roots(tensor)

    def _roots(self, tensor: Tensor) -> frozenset[str]:
        """The names of the parameters that a tensor is made of, if it is made of nothing else.

        A parameter that no module has, and what was computed of parameters before the pass, are known by their numbers.
        """
        name = self._names.get(id(unwrapped(tensor)))
        if name is not None:
            return frozenset([name])
        if tensor in self._signals:
            return frozenset()
        found: frozenset[str] | None = self._weights.get(tensor)
        if found is None:
            found = self._before(tensor)
            if found:
                self._weights[tensor] = found
        return found

    def _before(self, tensor: Tensor) -> frozenset[str]:
        """The parameters that a tensor is made of which was there before the pass."""
        with torch._C.DisableTorchFunction():
            if isinstance(tensor, nn.Parameter):
                return frozenset([f"a parameter of no module {_mark(tensor)}"])
            return self._computed.get(_mark(tensor), frozenset()) if self._computed else frozenset()

    def _replaced(self, given: Any) -> Any:
        """Arguments with random numbers in the place of weights."""
        if isinstance(given, Tensor):
            roots = self._roots(given)
            return self._drawn(given, roots) if roots else given
        if isinstance(given, dict):
            return {name: self._replaced(one) for name, one in given.items()}
        if isinstance(given, (tuple, list)) and type(given) in (tuple, list):
            return type(given)(self._replaced(one) for one in given)
        return given

    def _drawn(self, weight: Tensor, roots: frozenset[str]) -> Tensor:
        with torch._C.DisableTorchFunction():
            if wrapped(weight) or not (weight.is_floating_point() or weight.is_complex()):
                self._redraw.left.update(roots)
                return weight
            if id(weight) in self._names:
                return self._redraw.weight(self._names[id(weight)], weight)
            base = weight._base
            if base is not None and id(base) in self._names and base.dtype == weight.dtype:
                drawn = self._redraw.weight(self._names[id(base)], base)
                return drawn.as_strided(weight.shape, weight.stride(), weight.storage_offset())
            return self._redraw.weight(f"{sorted(roots)} {_mark(weight)}", weight)


def _is_weight(factor: Tensor) -> bool:
    """Whether a factor may weigh one thing against another: it has several numbers, and is no mask."""
    with torch._C.DisableTorchFunction():
        values = unwrapped(factor).detach()
        if values.numel() < 2 or not (values.is_floating_point() or values.is_complex()):
            return False
        first = values.flatten()[0]
        return bool((values != first).any()) and not bool(((values == 0) | (values == 1)).all())


def _digest(numbers: Tensor) -> str:
    """A name for the numbers of a tensor."""
    with torch._C.DisableTorchFunction():
        flat = unwrapped(numbers).detach().resolve_conj().resolve_neg().cpu().contiguous().reshape(-1).view(torch.uint8)
        return hashlib.sha256(flat.numpy().tobytes()).hexdigest()


def _mark(tensor: Tensor) -> str:
    """A name for a tensor of numbers."""
    return f"{tuple(tensor.shape)} {_digest(tensor)}"


def computed_before(model: nn.Module) -> dict[str, frozenset[str]]:
    """The parameters of which attributes of modules were computed, as kernels that are kept, by the marks of these.

    Examples
    --------
    >>> model = nn.Linear(2, 1)
    >>> model.kept = [model.weight * 2]
    >>> list(computed_before(model).values())
    [frozenset({'weight'})]
    """
    kept = [one for module in model.modules() for one in _tensors(dict(vars(module))) if one.grad_fn is not None]
    found = {_mark(one): frozenset(in_history(one, model)) for one in kept}
    return {mark: names for mark, names in found.items() if names}


def _in_place(name: str) -> bool:
    return (name.endswith("_") and not name.endswith("__")) or name.startswith("__i")


def _tensors(found: Any) -> Iterator[Tensor]:
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, dict):
        for one in found.values():
            yield from _tensors(one)
    elif isinstance(found, (tuple, list)):
        for one in found:
            yield from _tensors(one)


def _with_own_statistics(func: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, Any]:
    """A batch normalisation with the mean and variance of what it is given, in place of those of the training.

    Of a single number a channel there is no variance: then the mean square over channels stands for it.
    """
    names = (
        ("input", "weight", "bias", "running_mean", "running_var", "training")
        if func is torch.batch_norm
        else ("input", "running_mean", "running_var", "weight", "bias", "training")
    )
    given = dict(zip(names, args, strict=False)) | kwargs
    x, mean = given["input"].detach(), given.get("running_mean")
    if given.get("training") or mean is None:
        return args, kwargs
    count = x.numel() // x.shape[1]
    axes = [axis for axis in range(x.ndim) if axis != 1]
    values = x.to(torch.promote_types(x.dtype, torch.float32))
    if count > 1:
        var, own = torch.var_mean(values, axes)
    else:
        own = torch.zeros_like(values.mean(axes))
        var = values.square().mean().expand_as(own)
    more = {"running_mean": own.to(mean), "running_var": var.to(mean)}
    placed = tuple(more.get(name, one) for name, one in zip(names, args, strict=False)) + tuple(args[len(names) :])
    return placed, kwargs | {name: one for name, one in more.items() if name in kwargs}


def in_history(value: Tensor, model: nn.Module) -> set[str]:
    """The names of the parameters of a model in the history that autograd keeps of a value.

    Examples
    --------
    >>> model = nn.Linear(2, 1)
    >>> sorted(in_history(model(torch.ones(2)), model))
    ['bias', 'weight']
    """
    names = {id(one): name for name, one in model.named_parameters()}
    nodes, visited, found = [value.grad_fn], set(), set()
    while nodes:
        node = nodes.pop()
        if node is None or node in visited:
            continue
        visited.add(node)
        name = names.get(id(getattr(node, "variable", None)))
        found |= set() if name is None else {name}
        nodes += [before for before, _ in node.next_functions]
    return found


def packed(model: nn.Module) -> list[str]:
    """The modules of a model whose weights are packed, as of quantised ones, so that nothing of them can be followed.

    Examples
    --------
    >>> packed(nn.Sequential(nn.Linear(2, 1)))
    []
    """
    return [
        path
        for path, module in underlying(model).named_modules()
        if hasattr(module, "_packed_params")
        or (not isinstance(module, torch.jit.ScriptModule) and any(map(_is_packed, vars(module).values())))
    ]


def _is_packed(value: Any) -> bool:
    return isinstance(value, torch.ScriptObject) or (isinstance(value, Tensor) and value.is_quantized)
