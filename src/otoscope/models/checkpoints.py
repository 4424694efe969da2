"""Weights and configurations on disk: read without running code, loaded strictly, written whole."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.files import make_folder, whole_file, write_text
from otoscope.models.names import under_names_of

Weights = Mapping[str, torch.Tensor]

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
CARD = "README.md"

_PICKLED = (".pt", ".pth", ".bin", ".ckpt")
_WRAPPERS = ("model_state_dict", "state_dict", "model")


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """Read a state dict, onto the CPU, without running code from the file.

    Parameters
    ----------
    path : str or Path
        ``.safetensors``, or ``.pt``, ``.pth``, ``.bin``, ``.ckpt`` as ``torch.save`` writes them: a state
        dict, or a dict that contains one: the only one, or the one under ``model_state_dict``, ``state_dict`` or
        ``model``, with a warning that names the others.

    Returns
    -------
    dict of str to torch.Tensor

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, of another type, or contains more than plain data.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/linear.pt"
    >>> torch.save({"state_dict": nn.Linear(3, 2).state_dict()}, path)
    >>> {name: tuple(value.shape) for name, value in read_weights(path).items()}
    {'weight': (2, 3), 'bias': (2,)}
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a weights file; give a checkpoint folder as the model itself")
    if not path.is_file():
        raise InputError(f"weights file {path} does not exist")
    if path.suffix.lower() not in (".safetensors", *_PICKLED):
        known = ", ".join((".safetensors", *_PICKLED))
        raise InputError(f"{path}: weights files end in {known}, not in {path.suffix or 'nothing'!r}")
    if path.stat().st_size == 0:
        raise InputError(f"weights file {path} is empty")
    content = _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_torch(path)
    return _state_dict(content, path)


def fit_weights(model: nn.Module, weights: Weights, path: str | Path, hint: str = "") -> None:
    """Load a state dict into a model, whose names and shapes it must match.

    A prefix such as ``module.`` or ``model.``, left by a wrapper, is removed if the names then match. Other names for
    the same weights are understood, see ``otoscope.models.names.under_names_of``; lazy modules get the shapes of
    the file.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place, only if everything matches.
    weights : mapping of str to torch.Tensor
    path : str or Path
        Where the weights came from, for the message.
    hint : str
        Added to the message.

    Raises
    ------
    InputError
        If names or shapes differ; the message names the first ones.

    Examples
    --------
    >>> wrapped = {f"module.{name}": value for name, value in nn.Linear(3, 2).state_dict().items()}
    >>> fit_weights(nn.Linear(3, 2), wrapped, "wrapped.pt")
    >>> fit_weights(nn.Linear(4, 2), wrapped, "wrapped.pt")
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: wrapped.pt does not fit Linear; it is a checkpoint of another architecture:
    weight is (2, 3) in the file but (2, 4) in the model
    """
    # all tensors were checked; the extra state of a module is not a weight
    model.load_state_dict(fitting_weights(model, weights, path, hint), strict=False)


def fitting_weights(model: nn.Module, weights: Weights, path: str | Path, hint: str = "") -> dict[str, torch.Tensor]:
    """A state dict with the names of a model, whose names and shapes it must match.

    Parameters and errors are those of :func:`fit_weights`; the model is only read.
    """
    expected = {name: value for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    weights = under_names_of(expected, weights)
    differences = _differences(weights, expected)
    if differences:
        called = getattr(model, "name", None)
        called = called if isinstance(called, str) else type(model).__name__
        message = f"{path} does not fit {called}; it is a checkpoint of another architecture: "
        raise InputError(message + "; ".join(differences) + (f". {hint}" if hint else ""))
    return weights


def save(model: nn.Module, folder: str | Path, card: str | None = None) -> Path:
    """Write a checkpoint folder that `load` reads: ``config.json``, ``model.safetensors`` and the model card.

    Each file is written whole or not at all; older files of the same name are replaced.

    Parameters
    ----------
    model : torch.nn.Module
        A model from `load`; its ``config`` says how it was built. Its ``name`` and its contract, see
        :meth:`otoscope.contract.Contract.of`, are kept too.
    folder : str or Path
        Created if it does not exist.
    card : str, optional
        The model card, in Markdown, for ``README.md``; an existing one stays by default. See
        :func:`otoscope.training.card.model_card`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the model was not built by name, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from otoscope.models import load
    >>> folder = save(load("cnn12", width=0.1, n_classes=2), tempfile.mkdtemp())
    >>> load(folder).config["options"]["n_classes"]
    2
    """
    config = describe(model)
    texts = {CONFIG: config} if card is None else {CONFIG: config, CARD: card}
    folder = make_folder(folder)
    save_weights(model, folder / WEIGHTS)
    for name, text in texts.items():
        write_text(folder / name, text)
    return folder


def describe(model: nn.Module) -> str:
    """The ``config.json`` of a model.

    Raises
    ------
    InputError
        If the model was not built by name, or an option cannot be written as JSON.
    """
    config = getattr(model, "config", None)
    if not isinstance(config, Mapping) or "architecture" not in config:
        raise InputError(
            f"{type(model).__name__} cannot be saved as a checkpoint folder: only a model built by name, as in "
            "load('cnn12'), has a configuration. Give its class a name, ARCHITECTURES['mine'] = "
            "Architecture('package.module:Class', 'what it is'), and build it with load('mine'); or save its weights "
            "alone with torch.save(model.state_dict(), 'mine.pt'), for load('file.py:Class', weights='mine.pt')"
        )
    described = dict(config) | {"name": getattr(model, "name", None), "contract": Contract.of(model).filled()}
    try:
        return json.dumps(described, indent=2) + "\n"
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{config['architecture']} cannot be saved: its options must be plain numbers, text and lists ({error})"
        ) from error


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Write the weights of any model as safetensors, whole or not at all.

    Parameters
    ----------
    model : torch.nn.Module
    path : str or Path
        In an existing folder; an existing file is replaced.

    Raises
    ------
    InputError
        If the file cannot be written; see :func:`otoscope.files.whole_file`.

    Examples
    --------
    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/step=0.safetensors"
    >>> save_weights(nn.Linear(3, 2), path)
    >>> sorted(read_weights(path))
    ['bias', 'weight']
    """
    from safetensors.torch import save as to_bytes

    # cloned, as the format rejects tensors that share memory
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    with whole_file(path) as part:
        part.write_bytes(to_bytes(tensors))


def read_config(folder: str | Path) -> dict[str, Any]:
    """Read and check the ``config.json`` of a checkpoint folder.

    Parameters
    ----------
    folder : str or Path

    Returns
    -------
    dict
        With ``architecture`` and ``options``, and where given ``name`` and ``contract``.

    Raises
    ------
    InputError
        If it is missing, not a JSON object, or a field has the wrong type.
    """
    path = Path(folder) / CONFIG
    if not path.is_file():
        raise InputError(f"{folder} is not a checkpoint folder: it has no {CONFIG}")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # the latter from brackets without end
        raise InputError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(config, dict):
        raise InputError(f"{path} must contain a JSON object, not a {type(config).__name__}")
    if "architecture" not in config:
        hint = f"; it looks like a Hugging Face model: give hf:{folder}" if "model_type" in config else ""
        raise InputError(f"{path} has no architecture{hint}")
    for problem in _config_problems(config):
        raise InputError(f"{path}: {problem}")
    return config


def is_checkpoint(folder: Path) -> bool:
    """Whether the ``config.json`` of a folder is Otoscope's, not that of another library."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and "architecture" in config


def _config_problems(config: dict[str, Any]) -> list[str]:
    problems = []
    if not isinstance(config["architecture"], str):
        problems.append("architecture must be a name")
    if not isinstance(config.setdefault("options", {}), dict):
        problems.append("options must be an object of names and values")
    if not isinstance(config.get("name", ""), str):
        problems.append("name must be a string")
    for field in fields(Contract):
        if field.name in config:
            problems.append(f"{field.name} belongs into the object contract")
    if not isinstance(config.setdefault("contract", {}), dict):
        problems.append("contract must be an object of names and values")
    else:
        try:
            Contract.read(config["contract"])
        except InputError as error:
            problems.append(str(error))
    return problems


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is damaged or not a safetensors file: {_first_sentence(error)}") from error


def _read_torch(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on odd pickles; the errors below are clearer
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        needed = f" (it needs {named[1]})" if named else ""
        raise InputError(
            f"{path} was refused: it is damaged or contains more than plain weights{needed}, and opening that "
            "could run code; nothing was run. Save it again with torch.save(model.state_dict(), ...)"
        ) from error
    except Exception as error:  # damaged files raise many kinds: RuntimeError, EOFError, KeyError ...
        raise InputError(f"{path} is damaged or not a state dict of torch.save: {_why_torn(path, error)}") from error


def _why_torn(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(12)
    if start.startswith((b"PK", b"\x80")):
        return _first_sentence(error)
    return f"it begins with {start!r}, and what torch.save writes with b'PK'"


def _state_dict(content: object, path: Path) -> dict[str, torch.Tensor]:
    """The state dict in the content of a file, which may be the dict of a training run."""
    found = content
    if isinstance(content, dict):
        key = _key_of_weights(content, path)
        found = content if key is None else content[key]
    if not isinstance(found, dict) or not found:
        raise InputError(f"{path} contains no weights: a dict of named tensors was expected")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise InputError(
                f"{path} contains no plain state dict: {name!r} is not a named tensor; the state dict may also "
                f"be under {', '.join(_WRAPPERS)}"
            )
    return dict(found)


def _key_of_weights(content: Mapping[Any, Any], path: Path) -> Any:
    """Where in the dict of a training run the state dict is; None where the dict itself has to be one."""
    holders = [key for key, value in content.items() if isinstance(value, dict) and _are_tensors(value)]
    key = next((key for key in _WRAPPERS if key in holders), holders[0] if len(holders) == 1 else None)
    if key is None and holders:
        raise InputError(
            f"{path} holds several networks, {', '.join(map(repr, holders))}: save the one that is meant alone, "
            f"torch.save(torch.load({path.name!r})[{holders[0]!r}], 'one.pt'), and give that file"
        )
    if len(holders) > 1:
        others = ", ".join(repr(one) for one in holders if one != key)
        warnings.warn(f"{path} holds the weights {key!r}, which are taken, and {others}", stacklevel=4)
    return next((name for name in _WRAPPERS if isinstance(content.get(name), dict)), None) if key is None else key


def _are_tensors(content: Mapping[Any, Any]) -> bool:
    """Whether it is a state dict that holds something."""
    named = all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items())
    return named and bool(content)


def _differences(weights: Weights, expected: Weights) -> list[str]:
    missing = [name for name in expected if name not in weights]
    unexpected = [name for name in weights if name not in expected]
    reshaped = [
        f"{name} is {tuple(weights[name].shape)} in the file but {tuple(value.shape)} in the model"
        for name, value in expected.items()
        if name in weights and not is_lazy(value) and weights[name].shape != value.shape
    ]
    found = [(missing, "the file lacks {}"), (unexpected, "the model has no {}"), (reshaped, "{}")]
    return [phrase.format(first_of(names)) for names, phrase in found if names]


def first_of(names: Sequence[str], shown: int = 3) -> str:
    """The first of many names, for a message.

    Examples
    --------
    >>> first_of(["a", "b", "c"], 1)
    'a and 2 more'
    """
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _first_sentence(error: Exception) -> str:
    text = str(error).strip().split("\n")[0].split(". ")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
