"""From a MODEL, as the user writes it, to a module ready for analysis."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import torch
from torch import nn

from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.models.checkpoints import (
    CONFIG,
    WEIGHTS,
    fit_weights,
    is_checkpoint,
    read_config,
    read_weights,
)
from otoscope.models.download import fetch
from otoscope.models.zoo import (
    ARCHITECTURES,
    BUNDLED,
    available,
    build,
    bundled_folder,
    nearest,
    option_names,
)

_FORMS = "a model can also be a folder with config.json, package.module:factory, file.py:Class or hf:org/name"


def load(spec: str | Path, weights: str | Path | None = None, **options: Any) -> nn.Module:
    """Build a model and load its weights.

    Parameters
    ----------
    spec : str or Path
        One of

        - a name of `available`, as ``"cnn12"`` (a folder of that name is ``"./cnn12"``);
        - a checkpoint folder with ``config.json`` and ``model.safetensors``, as `save` writes it;
        - ``package.module:factory``: a class or function that returns a module, or a module;
        - ``path/to/file.py:Class``: the same from a file. The user's own code, which is run;
        - ``hf:org/name`` or ``hf:folder``: a checkpoint on the Hugging Face Hub, as `otoscope.models.hub`
          publishes it, or a transformers model that takes waveforms (see `otoscope.models.huggingface`).
    weights : str or Path, optional
        ``.safetensors``, or ``.pt``, ``.pth``, ``.bin``, ``.ckpt`` with a state dict. For a folder it replaces the
        weights there. Without it, a model built by name or code keeps its random initialisation.
    **options
        Keyword arguments of the class or factory. ``n_classes`` is read from the weights by default. With ``hf:`` also
        ``revision`` and ``local_files_only``.

    Returns
    -------
    torch.nn.Module
        In evaluation mode, on the CPU. Models that Otoscope builds have ``sample_rate`` (Hz), ``input_length`` (samples
        or None), ``padding`` (of shorter clips: ``"repeat"`` or ``"zeros"``), ``classes`` (tuple or None), ``name``,
        ``config`` and ``weights_source`` (the file, or None for random weights). Where other weights are not all from a
        file, ``weights_are`` says what they are.

    Raises
    ------
    InputError
        If the model is unknown, an option is invalid, or the weights cannot be read or do not match.

    Examples
    --------
    >>> model = load("swam-subsegmental", n_classes=10)
    >>> model.training, model.sample_rate, model.input_length
    (False, 16000, 16000)
    """
    return _resolve(str(spec), weights, options).eval()


def load_function(place: str) -> Callable[..., Any]:
    """A function in a file or a package, by its place: ``file.py:function`` or ``package.module:function``.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> load_function("math:hypot")(3, 4)
    5.0
    """
    path, _, attribute = place.rpartition(":")
    if not path or not attribute.isidentifier():
        raise InputError(f"{place!r} is not the place of a function: give file.py:function or package.module:function")
    module = _module_from_file(Path(path)) if path.endswith(".py") else _module_by_name(path)
    found = getattr(module, attribute, None)
    if not callable(found):
        functions = [name for name, _ in inspect.getmembers(module, inspect.isfunction)]
        raise InputError(
            f"{place}: there is no function {attribute}{nearest(attribute, functions) if functions else ''}"
        )
    return cast(Callable[..., Any], found)


def _resolve(spec: str, weights: str | Path | None, options: dict[str, Any]) -> nn.Module:
    if spec in ARCHITECTURES:
        return _from_zoo(spec, weights, options)
    if spec in BUNDLED:
        return _from_folder(bundled_folder(spec), weights, options)
    if spec.startswith("hf:"):
        return _from_hub(spec.removeprefix("hf:"), weights, options)
    if spec and Path(spec).is_dir():
        return _from_folder(Path(spec), weights, options)
    place, colon, attribute = spec.rpartition(":")
    if colon and place and attribute.isidentifier():
        module = _module_from_file(Path(place)) if place.endswith(".py") else _module_by_name(place)
        model = _call(module, attribute, spec, options)
        if any(True for _ in model.parameters()):
            model.weights_are = _as_made(f"{Path(place).name}:{attribute}")  # type: ignore[assignment]
        return _fitted(model, weights)
    raise InputError(_unknown(spec))


def _from_zoo(name: str, weights: str | Path | None, options: dict[str, Any]) -> nn.Module:
    if weights is None:
        return _described(build(name, options), source=None)
    tensors = read_weights(weights)
    model = build(name, _inferred(name, tensors) | options)
    names = ", ".join(option_names(name))
    hint = f"If only its options differ, give them: {names}" if names else ""
    fit_weights(model, tensors, weights, hint)
    return _described(model, source=weights)


def _from_folder(folder: Path, weights: str | Path | None, options: dict[str, Any]) -> nn.Module:
    config = read_config(folder)
    if config["architecture"] not in ARCHITECTURES:
        known = nearest(config["architecture"], ARCHITECTURES)
        raise InputError(f"{folder / CONFIG}: no architecture is called {config['architecture']!r}{known}")
    source = weights if weights is not None else folder / WEIGHTS
    if not Path(source).exists() and weights is None:
        raise InputError(f"checkpoint folder {folder} has no {WEIGHTS}")
    accepted = option_names(config["architecture"])
    stated = {"name": config.get("name"), **config["contract"]}
    described = {key: value for key, value in stated.items() if key in accepted and value is not None}
    try:
        model = build(config["architecture"], described | config["options"] | options)
    except InputError as error:
        raise InputError(f"{folder / CONFIG}: {error}") from error
    fit_weights(model, read_weights(source), source)
    return _described(model, source, config)


def _from_hub(name: str, weights: str | Path | None, options: dict[str, Any]) -> nn.Module:
    """An Otoscope checkpoint or a transformers model, as its configuration says."""
    where = {key: value for key, value in options.items() if key in ("revision", "local_files_only")}
    folder = Path(name)
    if not folder.is_dir():
        folder = fetch(name, **where)
    if is_checkpoint(folder):
        return _from_folder(folder, weights, {key: value for key, value in options.items() if key not in where})
    from otoscope.models.huggingface import from_hub

    return _fitted(from_hub(name, **options), weights)


def _described(model: Any, source: str | Path | None, config: Mapping[str, Any] | None = None) -> nn.Module:
    """Note where the weights came from, and what the configuration says of the model."""
    model.weights_source = None if source is None else str(source)
    if config is not None:
        model.name = config.get("name") or model.name
        Contract.of(model).changed(**config["contract"]).attach(model)
    return cast(nn.Module, model)


def _fitted(model: nn.Module, weights: str | Path | None) -> nn.Module:
    if weights is not None:
        fit_weights(model, read_weights(weights), weights)
        model.weights_are = None  # type: ignore[assignment]
    return model


def _as_made(spec: str) -> str:
    """What is said of weights that the user's own code made, which may have loaded them."""
    return f"as {spec} makes them, which is random unless it loads trained ones (--weights gives them from a file)"


def _inferred(name: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """The number of classes of a checkpoint, if the architecture names its classifier."""
    head = ARCHITECTURES[name].head
    heads = [value for key, value in tensors.items() if head and f".{key}".endswith(f".{head}")]
    return {"n_classes": heads[0].shape[0]} if len(heads) == 1 and heads[0].ndim == 2 else {}


def _module_from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"Python file {path} does not exist")
    path = path.resolve()
    name = f"otoscope_user_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise InputError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses and pickling look the module up during its import
    try:
        with _importable(path.parent):
            specification.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise InputError(f"{path} fails when it is imported: {type(error).__name__}: {error}") from error
    return module


def _module_by_name(name: str) -> ModuleType:
    try:
        with _importable(Path.cwd()):
            return importlib.import_module(name)
    except Exception as error:
        raise InputError(f"module {name} cannot be imported: {type(error).__name__}: {error}") from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let imports find the modules in a folder, as Python does for a script."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with suppress(ValueError):  # the imported code may have removed it itself
            sys.path.remove(str(folder))


def _call(module: ModuleType, attribute: str, spec: str, options: dict[str, Any]) -> nn.Module:
    """Return a module instance as it is, or call the class or factory."""
    if not hasattr(module, attribute):
        classes = [name for name, _ in inspect.getmembers(module, _is_module_class)]
        raise InputError(f"{spec}: there is no {attribute}{nearest(attribute, classes) if classes else ''}")
    found = getattr(module, attribute)
    if isinstance(found, nn.Module):
        if options:
            raise InputError(f"{spec} is a module instance and takes no options: leave out {', '.join(options)}")
        return found
    if not callable(found):
        raise InputError(f"{spec} is of type {type(found).__name__}, not a class or function that returns a module")
    try:
        model = found(**options)
    except Exception as error:
        how = f"with {', '.join(f'{name}={value!r}' for name, value in options.items())}" if options else "by itself"
        way_out = _given_arguments(found, spec, error, options)
        raise InputError(f"{spec} cannot be built {how}: {type(error).__name__}: {error}{way_out}") from error
    if not isinstance(model, nn.Module):
        raise InputError(f"{spec} returned {type(model).__name__}, not a torch.nn.Module")
    return model


def _given_arguments(made: Any, spec: str, error: Exception, options: Mapping[str, Any]) -> str:
    """How arguments are given to a class or function that needs some; "" where that is not what it lacks."""
    if options or not isinstance(error, TypeError) or "required" not in str(error):
        return ""
    place, _, attribute = spec.rpartition(":")
    needed = [
        name
        for name, one in inspect.signature(made).parameters.items()
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
    given = ", ".join(f"{name}=..." for name in needed)
    return (
        f". Write a function without arguments beside it, such as def make(): return {attribute}({given}), and give "
        f"{place}:make; or in Python load({spec!r}, {given})"
    )


def _is_module_class(value: object) -> bool:
    return inspect.isclass(value) and issubclass(value, nn.Module)


def _unknown(spec: str) -> str:
    path = Path(spec)
    if path.suffix == ".py":
        return f"{spec}: name the class or function too, as in {spec}:Net"
    if path.is_file():
        return f"{spec} is a file: give the architecture as the model, and a weights file as weights ({_FORMS})"
    return f"no model is called {spec!r}{nearest(spec, available())}; {_FORMS}"
