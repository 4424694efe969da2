"""What running a model may change, put back afterwards: buffers, attributes, weights, gradients, random numbers.

The model runs on copies of its buffers and of the tensors among its attributes, and gets its own back: so nothing that
it writes reaches them, whether the write can be seen from outside (``+=``) or not (``.data``), and a graph that was
built meanwhile keeps what it saved. Copies of the weights would cost too much for every call: they are lent in the
first run, and show then whether the model writes to its weights, in whatever way. If not, it is lent other tensors in
the same memory from then on, and what it writes there all the same is undone, see :mod:`otoscope.probe.writes`.
"""

from __future__ import annotations

import copy
import random
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import is_
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, MethodType, ModuleType, SimpleNamespace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import is_lazy
from torch.utils.weak import WeakIdKeyDictionary

from otoscope.probe.interrupts import interrupts_wait
from otoscope.probe.steady import changing
from otoscope.probe.writes import Writes

_PLAIN = frozenset(
    {type(None), bool, int, float, complex, str, bytes, type, BuiltinFunctionType, MethodType}
    | {torch.dtype, torch.device, torch.Size, slice, range}
)  # what cannot change, or is not a state
_CONTAINERS = (OrderedDict, dict, list, deque, set)
_BARE = frozenset(_CONTAINERS)
_COPIED = frozenset(["builtins", "array", "itertools"])  # modules of which the objects hide what they hold
_OTHERS = frozenset(
    "torch lightning lightning_fabric pytorch_lightning logging threading multiprocessing concurrent asyncio io typing "
    "types abc enum re pathlib weakref contextlib inspect importlib".split()
)  # packages whose objects are not the state of a model; SimpleNamespace says that it is of `types`
_DRAWING = (random.Random, np.random.Generator, np.random.RandomState)

_MOST = 10_000  # objects that are looked into
_NOTHING = object()

_T = TypeVar("_T")

_writing: Any = WeakIdKeyDictionary()  # by model: whether it writes to its weights as it runs

_SCRIPTED: dict[str, tuple[str, ...]] = {}  # type of a scripted module -> names of its attributes


@contextmanager
def kept(model: nn.Module, weights: bool = False) -> Iterator[None]:
    """Put back, when the context ends, all that running `model` may have changed.

    With `weights` it is lent a copy of its weights whatever it does with them, so that others may be loaded. So it is
    when it is run for the first time, and always where these copies were then written to, in whatever way.

    That is: buffers, attributes (also lists, dicts and tuples of tensors, arrays, and objects of the package that
    defines the module), weights and their gradients, ``requires_grad``, modes, hooks, and the random state of torch,
    NumPy and Python.

    Examples
    --------
    >>> model = nn.BatchNorm1d(2)
    >>> with kept(model):
    ...     _ = model(torch.randn(4, 2, 8))
    >>> model.running_mean, model.num_batches_tracked
    (tensor([0., 0.]), tensor(0))
    """
    if weights:
        with changing(model):
            yield from _kept(model, True)
    else:
        yield from _kept(model, False)


def _kept(model: nn.Module, weights: bool) -> Iterator[None]:
    first, settled = not weights and model not in _writing, False
    state = _State(model, weights or first or _writing.get(model, False))
    if first:
        _writing[model] = False  # for contexts within this one, which use its copies
    writes: Writes | None = None
    with random_kept():
        try:
            state.lend()
            with Writes(state.weights) as writes:
                yield
            settled = writes.ran
            if first and settled:
                _writing[model] = _writing[model] or state.wrote
        finally:
            state.put_back()
            if writes is not None and writes.undo():
                _writing[model] = True
            elif first and not settled:
                del _writing[model]


@contextmanager
def random_kept() -> Iterator[None]:
    """Put the random state of torch (CPU, and CUDA where it is in use), NumPy and Python back when the context ends.

    In here no context is left half-way by an interrupt, see :func:`otoscope.probe.interrupts.interrupts_wait`.
    """
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    cpu, python, numpy = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002
    with interrupts_wait():
        try:
            yield
        finally:
            torch.set_rng_state(cpu)
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
            if cuda:
                torch.cuda.set_rng_state_all(cuda)


def generators_of(model: nn.Module) -> list[Any]:
    """The generators of random numbers that a model holds, of torch, NumPy and Python."""
    state = _State(model, False)
    with interrupts_wait():
        try:
            state.lend()
        finally:
            state.put_back()
    return state.generators


class _State:
    """What belongs to a model, and where."""

    def __init__(self, model: nn.Module, weights: bool) -> None:
        self._model = model
        self._contents: list[tuple[Any, Any]] = []  # a container, and what it holds
        self._empty: list[Any] = []  # containers that hold nothing
        self._slots: list[tuple[Any, Any, Any]] = []  # a slot, whose it is, and what it holds
        self._shared: list[tuple[type, dict[str, Any]]] = []  # a class, and what it holds
        self._scripted: list[tuple[Any, str, Any]] = []
        self._lazy: list[tuple[nn.Module, bool]] = []
        self._parameters: list[tuple[Tensor, bool, Tensor | None, Tensor]] = []
        self._copies: dict[int, Any] = {}  # by the identity of what was copied
        self._originals: list[Any] = []  # keeps those identities from being given to something else
        self._seen: set[int] = set()
        self._lenders: dict[type, Callable[[Any], Any]] = {}
        self._memories: dict[int, Tensor] = {}  # copies of what tensors lie in, which may be several
        modules = list(model.modules())
        self._lend_weights = weights
        self._packages = {type(module).__module__.partition(".")[0] for module in modules} - {"torch", "builtins"}

    def lend(self) -> None:
        """Put copies in the place of all that the model can write to."""
        with torch.inference_mode(False), torch.no_grad():
            self._lend_module(self._model)

    @property
    def weights(self) -> list[Tensor]:
        """The user's own."""
        return [parameter for parameter, *_ in self._parameters]

    @property
    def wrote(self) -> bool:
        """Whether the model wrote to the copies of its weights."""
        lent = ((weight, self._copies.get(id(weight), weight)) for weight in self.weights)
        return any(not _same(weight, copied) for weight, copied in lent)

    @property
    def generators(self) -> list[Any]:
        return [value for value in self._originals if isinstance(value, (torch.Generator, *_DRAWING))]

    def put_back(self) -> None:
        """Give the model its own back, last things first: of what is reached by two ways, the first saw the user's."""
        for container, held in reversed(self._contents):
            _refill(container, held)
        for slot, value, item in reversed(self._slots):
            _set(slot, value, item)
        for kind, shared in self._shared:
            _restore(kind, shared)
        for container in self._empty:
            if container:
                container.clear()
        for module, training in self._lazy:
            module.training = training
        for scripted, name, value in reversed(self._scripted):
            scripted.setattr(name, value)
        for parameter, wanted, gradient, data in self._parameters:
            if parameter.requires_grad != wanted:
                parameter.requires_grad_(wanted)
            if parameter.grad is not gradient:
                parameter.grad = gradient
            if parameter.data_ptr() != data.data_ptr() and not _same(parameter, data):
                parameter.data = data

    def _lend_module(self, module: nn.Module) -> None:
        if id(module) in self._seen:
            return
        self._seen.add(id(module))
        if _is_to_initialize(module):
            self._lazy.append((module, module.training))
            return
        attributes = module.__dict__
        if isinstance(module, torch.jit.ScriptModule) and "_c" in attributes:
            self._lend_scripted(module)
        else:
            for parameter in attributes.get("_parameters", {}).values():
                self._note(parameter)
        self._lend_items(attributes)
        for kind in type(module).__mro__:
            if id(kind) not in self._seen and kind.__module__.partition(".")[0] in self._packages:
                self._lend_class(kind)

    def _lend_class(self, kind: type) -> None:
        """Note what all modules of a class share."""
        self._seen.add(id(kind))
        held = {name: value for name, value in vars(kind).items() if not name.startswith("__")}
        self._shared.append((kind, held))
        for name, value in held.items():
            if isinstance(value, (Tensor, np.ndarray, *_CONTAINERS)) and (lent := self._lent(value)) is not value:
                setattr(kind, name, lent)

    def _lend_items(self, container: Any) -> None:
        """Note what a dictionary holds, and lend copies of that."""
        held = dict(dict.items(container))
        self._contents.append((container, held))
        lenders, known = self._lenders, self._copies
        for key, value in held.items():
            kind = type(value)
            if kind in _PLAIN:
                continue
            if kind in _BARE and not value:
                self._empty.append(value)
                continue
            lent = known.get(id(value), self)
            if lent is self:
                lent = (lenders.get(kind) or self._lender(kind))(value)
            if lent is not value:
                dict.__setitem__(container, key, lent)

    def _note(self, parameter: Tensor | None) -> None:
        if parameter is None or is_lazy(parameter) or not parameter.is_leaf or id(parameter) in self._seen:
            return
        self._seen.add(id(parameter))
        self._parameters.append((parameter, parameter.requires_grad, parameter.grad, parameter.detach()))
        if parameter.grad is not None:
            parameter.grad = None

    def _lend_scripted(self, module: Any) -> None:
        for child in module.children():
            self._lend_module(child)
        own = {name for name, _ in (*module.named_parameters(recurse=False), *module.named_children())}
        for name in _attributes_of(module._c):
            if name in own or not module._c.hasattr(name):
                continue
            value = module._c.getattr(name)
            self._scripted.append((module._c, name, value))
            if type(value) not in _PLAIN:  # of a list there is a copy here
                module._c.setattr(name, self._lent(value))

    def _lent(self, value: Any) -> Any:
        """What the model is lent in the place of a value: a copy of what can be written to."""
        lent = self._copies.get(id(value), self)
        return self._lender(type(value))(value) if lent is self else lent

    def _lender(self, kind: type) -> Callable[[Any], Any]:
        """The function that lends values of a type."""
        if kind not in self._lenders:
            self._lenders[kind] = self._find_lender(kind)
        return self._lenders[kind]

    def _find_lender(self, kind: type) -> Callable[[Any], Any]:
        if kind in _PLAIN:
            return _itself
        if issubclass(kind, Tensor):
            return self._lend_weight if issubclass(kind, nn.Parameter) else self._lend_tensor
        if issubclass(kind, tuple):
            return self._lend_tuple
        if issubclass(kind, np.ndarray):
            return _itself if issubclass(kind, np.memmap) else self._lend_copy
        if issubclass(kind, (torch.Generator, *_DRAWING)):
            return self._lend_copy
        if issubclass(kind, (*_CONTAINERS, nn.Module)):
            return self._lend_content
        if issubclass(kind, (FunctionType, SimpleNamespace)):
            return self._lend_object
        if issubclass(kind, partial):
            return self._lend_partial
        package = kind.__module__.partition(".")[0]
        if package in _COPIED:
            return self._lend_copy
        return _itself if package in _OTHERS - self._packages or issubclass(kind, ModuleType) else self._lend_object

    def _lend_tuple(self, value: tuple[Any, ...]) -> Any:
        if _PLAIN.issuperset(map(type, value)):
            return value
        lent = [self._lent(item) for item in value]
        if all(map(is_, lent, value)):
            return value
        return type(value)(*lent) if hasattr(value, "_fields") else type(value)(lent)

    def _lend_content(self, value: Any) -> Any:
        """The container itself; what it holds is noted, and copies of that are lent."""
        if isinstance(value, nn.Module):
            self._lend_module(value)
        elif id(value) not in self._seen:
            self._seen.add(id(value))
            if isinstance(value, dict):
                self._lend_items(value)
            else:
                base = _base(value)
                held = base.copy(value)
                self._contents.append((value, held))
                for place, item in enumerate(() if base is set else held):
                    base.__setitem__(value, place, self._lent(item))
            if type(value) not in _BARE:
                self._lend_attributes(value)
        return value

    def _lend_object(self, value: Any) -> Any:
        if id(value) not in self._seen and len(self._originals) < _MOST:
            self._seen.add(id(value))
            self._lend_attributes(value)
        return value

    def _lend_attributes(self, value: Any) -> None:
        """Of an object with a dictionary or slots, lend copies of what it holds."""
        self._originals.append(value)  # which has its dictionary
        held = getattr(value, "__dict__", None)
        if isinstance(held, dict):
            self._lend_content(held)
        for kind in type(value).__mro__:
            slots = vars(kind).get("__slots__", ())
            for slot in (one for one in vars(kind).values() if isinstance(one, MemberDescriptorType) and slots):
                item = getattr(value, slot.__name__, _NOTHING)
                self._slots.append((slot, value, item))
                if item is not _NOTHING and (lent := self._lent(item)) is not item:
                    slot.__set__(value, lent)

    def _lend_partial(self, value: Any) -> Any:
        self._lend_content(value.keywords)
        self._lend_tuple(value.args)
        return self._lend_object(value)

    def _lend_copy(self, value: Any) -> Any:
        try:
            lent = value.clone_state() if hasattr(value, "clone_state") else copy.deepcopy(value)
        except Exception:  # an iterator, a file: they can be neither copied nor put back
            lent = value
        return self._remember(value, lent)

    def _lend_weight(self, weight: Tensor) -> Tensor:
        if type(weight) is not nn.Parameter or is_lazy(weight):
            return weight
        data = self._copy(weight.detach()) if self._lend_weights else weight.detach()
        return self._remember(weight, nn.Parameter(data, requires_grad=weight.requires_grad))

    def _lend_tensor(self, tensor: Tensor) -> Tensor:
        if is_lazy(tensor):
            return tensor
        if _is_plain_view(tensor):  # which sees what is written to its base
            base: Tensor = self._lent(tensor._base).detach()
            return self._remember(tensor, base.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset()))
        lent = self._copy(tensor.detach()) if self._lend_weights else tensor.detach().clone()
        return self._remember(tensor, lent.requires_grad_() if tensor.requires_grad and tensor.is_leaf else lent)

    def _copy(self, tensor: Tensor) -> Tensor:
        """A copy that shares its memory with copies of what the tensor shares its own with."""
        if not _is_bare(tensor):
            return tensor.clone()
        memory = tensor.untyped_storage()
        if memory._cdata not in self._memories:
            whole = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(memory)
            self._memories[memory._cdata] = whole.clone()
        copied = self._memories[memory._cdata].untyped_storage()
        about = (tensor.storage_offset(), tensor.shape, tensor.stride())
        return torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(copied, *about)

    def _remember(self, value: _T, lent: _T) -> _T:
        self._copies[id(value)] = lent
        self._originals.append(value)
        return lent


def _is_plain_view(tensor: Tensor) -> bool:
    """Whether a tensor is its base seen by other strides, and not the real part or the conjugate of it."""
    base = tensor._base
    strided = base is not None and tensor.layout == torch.strided and tensor.dtype == base.dtype
    return strided and not (tensor.is_conj() or tensor.is_neg())


def _is_bare(tensor: Tensor) -> bool:
    """Whether a tensor is its numbers in memory, seen by strides."""
    strided = type(tensor) is Tensor and tensor.layout == torch.strided and not tensor.is_meta
    return strided and not (tensor.is_quantized or tensor.is_conj() or tensor.is_neg())


def _itself(value: Any) -> Any:
    return value


def _base(container: Any) -> Any:
    """The type whose methods do to a container what they say, whatever its own do."""
    return next(kind for kind in _CONTAINERS if isinstance(container, kind))


def _refill(container: Any, held: Any) -> None:
    """Let a container hold again what it held, place by place: what was not touched is there all the while."""
    base = _base(container)
    if issubclass(base, dict):
        for key in [key for key in dict.keys(container) if key not in held]:
            base.__delitem__(container, key)
        for key, value in held.items():
            if dict.get(container, key, _NOTHING) is not value:
                base.__setitem__(container, key, value)
        if not all(map(is_, dict.values(container), held.values())):
            _reorder(base, container, held)
    elif base is set:
        if container != held:
            base.intersection_update(container, held)
            base.update(container, held)
    elif len(container) != len(held) or not all(map(is_, container, held)):
        if base is list:
            base.__setitem__(container, slice(None), held)
        else:
            base.clear(container)
            base.extend(container, held)


def _reorder(base: Any, container: Any, held: Any) -> None:
    """Let keys that were taken out and put in again stand where they stood."""
    for key, value in held.items():
        base.pop(container, key)
        base.__setitem__(container, key, value)


def _set(slot: Any, value: Any, item: Any) -> None:
    """Let a slot hold again what it held."""
    now = getattr(value, slot.__name__, _NOTHING)
    if now is item:
        return
    if item is _NOTHING:
        slot.__delete__(value)
    else:
        slot.__set__(value, item)


def _restore(kind: type, held: dict[str, Any]) -> None:
    """Let a class hold again what it held."""
    for name in [name for name in vars(kind) if not name.startswith("__") and name not in held]:
        delattr(kind, name)
    for name, value in held.items():
        if vars(kind).get(name, _NOTHING) is not value:
            setattr(kind, name, value)


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal bit for bit."""
    if one.shape != other.shape or one.dtype != other.dtype or one.device != other.device:
        return False
    if one.is_meta or one.layout != torch.strided or one.is_quantized:
        return one is other or (not one.is_meta and torch.equal(one, other))
    bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}.get(one.element_size(), torch.uint8)
    return torch.equal(*(tensor.detach().contiguous().reshape(-1).view(bits) for tensor in (one, other)))


def _is_to_initialize(module: nn.Module) -> bool:
    """Whether the first run makes a module what it is, so that it cannot be left as it was."""
    return isinstance(module, LazyModuleMixin) and hasattr(module, "_initialize_hook")


def _attributes_of(scripted: Any) -> tuple[str, ...]:
    """The names of the attributes of a scripted module, of which its type alone decides."""
    kind = scripted.qualified_name
    if kind not in _SCRIPTED:
        described = scripted.dump_to_str(code=False, attrs=True, params=False).partition("\n  }\n  methods")[0]
        _SCRIPTED[kind] = tuple(re.findall(r"^    (\w+) = ", described, re.MULTILINE))
    return _SCRIPTED[kind]
