"""Weights under the names of a model, where the same weights have others: weight norms, shared and counted tensors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from torch import Tensor
from torch.nn.parameter import is_lazy

Weights = Mapping[str, Tensor]

# A parameter under a norm: by `torch.nn.utils.weight_norm` and `spectral_norm`, and as a parametrisation.
_NORMS = (
    (r"(?P<path>(?:.*\.)?)(?P<name>[^.]+)_g", "{path}parametrizations.{name}.original0"),
    (r"(?P<path>(?:.*\.)?)(?P<name>[^.]+)_v", "{path}parametrizations.{name}.original1"),
    (r"(?P<path>(?:.*\.)?)(?P<name>[^.]+)_orig", "{path}parametrizations.{name}.original"),
    (r"(?P<path>(?:.*\.)?)(?P<name>[^.]+)_u", "{path}parametrizations.{name}.0._u"),
    (r"(?P<path>(?:.*\.)?)(?P<name>[^.]+)_v", "{path}parametrizations.{name}.0._v"),
    (r"(?P<path>(?:.*\.)?)parametrizations\.(?P<name>[^.]+)\.original0", "{path}{name}_g"),
    (r"(?P<path>(?:.*\.)?)parametrizations\.(?P<name>[^.]+)\.original1", "{path}{name}_v"),
    (r"(?P<path>(?:.*\.)?)parametrizations\.(?P<name>[^.]+)\.original", "{path}{name}_orig"),
    (r"(?P<path>(?:.*\.)?)parametrizations\.(?P<name>[^.]+)\.0\._u", "{path}{name}_u"),
    (r"(?P<path>(?:.*\.)?)parametrizations\.(?P<name>[^.]+)\.0\._v", "{path}{name}_v"),
)


def under_names_of(expected: Weights, weights: Weights) -> dict[str, Tensor]:
    """Weights with the names of a model, as far as they are those of the model.

    Parameters
    ----------
    expected : mapping of str to Tensor
        The state of the model.
    weights : mapping of str to Tensor
        Of a file. A prefix such as ``module.`` that a wrapper left is removed where the names then match; the names of
        a weight or spectral norm become those of the other way of writing it; of tensors that the model has under
        several names one suffices; counts of batches, which no result depends on, may be missing.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> model = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    >>> old = {"bias": torch.zeros(2), "weight_g": torch.ones(2, 1), "weight_v": torch.ones(2, 3)}
    >>> sorted(under_names_of(model.state_dict(), old))
    ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    whole = _completed(expected, weights)
    if whole.keys() == expected.keys():
        return whole
    candidates = [_completed(expected, candidate) for candidate in _without_prefix(expected, weights)]
    fitting = [candidate for candidate in candidates if candidate.keys() == expected.keys()]
    return fitting[0] if len(fitting) == 1 else dict(weights)  # of two networks in one file none is guessed


def _without_prefix(expected: Weights, weights: Weights) -> Iterator[Weights]:
    """The weights below each prefix that those of the model may have."""
    heads = {name.partition(".")[0] for name in expected}
    paths = (name.split(".") for name in weights)
    prefixes = {".".join(path[:place]) + "." for path in paths for place in range(1, len(path)) if path[place] in heads}
    for prefix in sorted(prefixes):
        yield {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def _completed(expected: Weights, weights: Weights) -> dict[str, Tensor]:
    found = {_renamed(name, expected): value for name, value in weights.items()}
    for name, value in expected.items():
        if name not in found and name.rpartition(".")[2] == "num_batches_tracked":
            found[name] = value
    places: dict[object, str] = {_place(value): name for name, value in expected.items() if name in found}
    for name, value in expected.items():
        if name not in found and _place(value) in places:
            found[name] = found[places[_place(value)]]
    return found


def _renamed(name: str, expected: Weights) -> str:
    if name in expected:
        return name
    for pattern, other in _NORMS:
        match = re.fullmatch(pattern, name)
        if match and other.format(**match.groupdict()) in expected:
            return other.format(**match.groupdict())
    return name


def _place(value: Tensor) -> object:
    """Where the values of a tensor are in memory: the same for one that has several names."""
    if is_lazy(value) or not value.numel():
        return id(value)
    return value.device, value.data_ptr(), value.shape, value.stride()
