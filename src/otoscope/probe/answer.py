"""Which tensor of what a model returns is its answer: the scores that methods explain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor

from otoscope.errors import InputError

Which = int | str | Sequence[int | str] | None
"""A place, a name, a path such as ``"head.logits"`` or ``(1, 0)``, or None where there is one tensor only."""

_HIDDEN = frozenset(
    "last_hidden_state hidden_states hidden_state pooler_output extract_features embedding embeddings".split()
)  # names of what is not a score

_MOST = 12  # outputs that a message lists
_DEEPEST = 6  # levels of nested outputs


def output_tensor(output: Any, which: Which = None) -> Tensor:
    """The one tensor of a model's output that methods explain.

    A tensor is returned as it is, and is at place 0. Of a tuple, list, mapping, dataclass or other record (such as a
    Hugging Face output) it is the one at the place, of the name or at the path `which`. By default it is the only one
    that is called ``logits``, or else the only one that may be scores: of floating-point numbers, with an axis.

    Raises
    ------
    InputError
        If there is no such tensor, or several may be meant; the message lists them.

    Examples
    --------
    >>> import torch
    >>> embedding, scores = torch.zeros(1, 64), torch.zeros(1, 10)
    >>> output_tensor({"embedding": embedding, "logits": scores}).shape
    torch.Size([1, 10])
    >>> output_tensor((embedding, scores))
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: the model returns several tensors that may be its scores: 0 of shape (1, 64), 1 of ...
    >>> output_tensor((embedding, [scores]), (1, 0)).shape
    torch.Size([1, 10])
    """
    if isinstance(output, InputError):  # of a network without the output that is to be looked at
        raise output
    if which is not None and not (isinstance(output, Tensor) and which in (0, "0")):
        return _chosen(output, which)
    if isinstance(output, Tensor):
        return output
    place = place_of_scores(output)
    if place is not None:
        tensor: Tensor = _at(output, place)
        return tensor
    found = dict(_candidates(output))
    if not found:
        raise InputError(
            f"the model returns {type(output).__name__}, in which no tensor of floating-point numbers was found; wrap "
            "it in a module that returns one tensor"
        )
    listed, likely = _listed(found), _likeliest(found)
    raise InputError(
        f"the model returns several tensors that may be its scores: {listed}. Say which one is looked at: "
        f"output={_as_given(likely)!r}, or --output {path_name(likely)} on the command line, for instance"
    )


def place_of_scores(output: Any) -> tuple[int | str, ...] | None:
    """The path to the one tensor that can be the scores, () where the output is a tensor; None where several can."""
    if isinstance(output, Tensor):
        return ()
    found = dict(_candidates(output))
    named = [path for path in found if path[-1] == "logits"]
    if len(named) == 1:
        return named[0]
    return next(iter(found)) if len(found) == 1 else None


def hidden_name(output: Any, which: Which = None) -> str | None:
    """The path, as text, to the tensor that is looked at, where its name says that it is a hidden state.

    Examples
    --------
    >>> import torch
    >>> hidden_name({"last_hidden_state": torch.zeros(1, 49, 64)}), hidden_name({"scores": torch.zeros(1, 10)})
    ('last_hidden_state', None)
    """
    if isinstance(output, (Tensor, InputError)):
        return None
    path = place_of_scores(output) if which is None else _path(output, which)
    return path_name(path) if path and not _HIDDEN.isdisjoint(path) else None


def path_name(path: Sequence[int | str]) -> str:
    """A path as the command line, messages and contracts write it.

    Examples
    --------
    >>> path_name(("heads", 1))
    'heads.1'
    """
    return ".".join(map(str, path))


def as_path(which: Which) -> int | str | None:
    """The choice of an output as contracts keep it: a place, or a name or path as text.

    Examples
    --------
    >>> as_path((1, 0)), as_path((2,)), as_path("-1"), as_path("logits")
    ('1.0', 2, -1, 'logits')
    """
    if isinstance(which, Sequence) and not isinstance(which, str):
        if not which:
            raise InputError("output is an empty path: give the place or the name of an output")
        which = which[0] if len(which) == 1 else path_name(which)
    return int(which) if isinstance(which, str) and which.lstrip("-").isdigit() else which


def _chosen(output: Any, which: Which) -> Tensor:
    if isinstance(output, Tensor):
        raise InputError(
            f"the model returns one tensor, and so has no output {which!r}; leave the output out, "
            "or give it to the other model alone (--output-a or --output-b of compare)"
        )
    try:
        found = _at(output, _path(output, which))
    except LookupError:
        found = None
    if isinstance(found, Tensor):
        return found
    known = _listed(dict(tensors_of(output))) or "none"
    raise InputError(f"the model has no output {which!r} that is a tensor; its outputs are {known}")


def _path(output: Any, which: Which) -> tuple[int | str, ...]:
    """The path that is meant: a place or name of the outermost level, a whole path, or a name that is unique."""
    if isinstance(which, int):
        path: tuple[int | str, ...] = (which,)
    elif isinstance(which, str):
        path = (which,) if which in _named(output) else tuple(which.split("."))
    else:
        path = tuple(which or ())
    try:
        found = _at(output, path)
    except LookupError:
        called = [place for place, _ in tensors_of(output) if place[-len(path) :] == path]
        if len(called) == 1:
            return called[0]
        raise
    if not isinstance(found, Tensor) and (inner := place_of_scores(found)) is not None:
        return (*path, *inner)
    return path


def _at(output: Any, path: Sequence[int | str]) -> Any:
    for step in path:
        named = _named(output)
        if step in named:
            output = named[step]
            continue
        values = list(named.values())
        place = int(step) if str(step).lstrip("-").isdigit() else None
        if place is None or not -len(values) <= place < len(values):
            raise LookupError(step)
        output = values[place]
    return output


def _named(output: Any) -> Mapping[int | str, Any]:
    """What a record holds, by name, or by place where it has no names."""
    if isinstance(output, Mapping) or hasattr(output, "items"):
        return dict(output.items())
    if is_dataclass(output) and not isinstance(output, type):
        return {field.name: getattr(output, field.name) for field in fields(output)}
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return dict(zip(output._fields, output, strict=True))
    if isinstance(output, (list, tuple)):
        return dict(enumerate(output))
    return dict(vars(output)) if hasattr(output, "__dict__") and not callable(output) else {}


def tensors_of(output: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[tuple[int | str, ...], Tensor]]:
    """All tensors of an output by their paths, each once."""
    seen: set[int] = set()
    for place, tensor in _walk(output, path):
        if id(tensor) not in seen:
            seen.add(id(tensor))
            yield place, tensor


def _walk(output: Any, path: tuple[int | str, ...]) -> Iterator[tuple[tuple[int | str, ...], Tensor]]:
    if isinstance(output, Tensor):
        yield path, output
    elif len(path) < _DEEPEST:
        for name, value in _named(output).items():
            yield from _walk(value, (*path, name))


def _candidates(output: Any) -> Iterator[tuple[tuple[int | str, ...], Tensor]]:
    """The tensors that may be scores: a loss has no axis, and counts and draws are whole numbers."""
    return ((path, one) for path, one in tensors_of(output) if one.is_floating_point() and one.ndim)


def _likeliest(found: Mapping[tuple[int | str, ...], Tensor]) -> tuple[int | str, ...]:
    """The path to the one that has the axes of scores, clip and class; to the last where that is not one alone."""
    like_scores = [path for path, tensor in found.items() if tensor.ndim == 2]
    return like_scores[0] if len(like_scores) == 1 else list(found)[-1]


def _listed(found: Mapping[tuple[int | str, ...], Tensor]) -> str:
    shown = [f"{path_name(path)} of shape {tuple(tensor.shape)}" for path, tensor in list(found.items())[:_MOST]]
    more = [f"{len(found) - _MOST} more"] if len(found) > _MOST else []
    return ", ".join([*shown, *more])


def _as_given(path: tuple[int | str, ...]) -> int | str:
    given = as_path(path)
    assert given is not None
    return given
