"""What every method returns: labelled arrays that say where they came from, and can be saved."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope._version import __version__
from otoscope.errors import InputError
from otoscope.files import whole_file


def axis(dim: str, values: Any, long_name: str, units: str = "1") -> xr.Variable:
    """A coordinate with its name and units."""
    return variable([dim], values, long_name, units)


def variable(dims: Sequence[str], values: Any, long_name: str, units: str = "1") -> xr.Variable:
    """A quantity with its name and units."""
    values = to_numpy(values) if isinstance(values, Tensor) else np.asarray(values)
    attrs = {"long_name": long_name, "units": units}
    return xr.Variable(tuple(dims), values, attrs)


def to_numpy(values: Tensor) -> np.ndarray:
    """A tensor as an array that can be saved: NumPy has no bfloat16, and netCDF no half precision."""
    values = values.detach().cpu()
    return (values.float() if values.dtype in (torch.half, torch.bfloat16) else values).numpy()


def sign(
    result: xr.Dataset, method: str, source: str, arguments: Mapping[str, Any], **facts: str | Mapping[str, Any]
) -> xr.Dataset:
    """Write on a result what made it: the method, the paper it is from, its arguments, the version, and more facts.

    The name of its first variable is noted too: netCDF orders variables by their shapes.
    """
    result.attrs.update(
        method=method,
        main=str(next(iter(result.data_vars))),
        source=source,
        arguments=as_json(arguments),
        otoscope_version=__version__,
        **{name: as_json(fact) if isinstance(fact, Mapping) else fact for name, fact in facts.items()},
    )
    return result


def as_json(content: Mapping[str, Any]) -> str:
    """Names and values as a JSON object, the same in every process.

    Arrays become lists, NaN null, and infinite numbers "inf" or "-inf". A function is named by its module and its name
    there, with its arguments where they are bound; a model by its class and the hash of its weights; anything else by
    its type.

    Examples
    --------
    >>> as_json({"bands": np.array([0.0, math.inf]), "rule": to_numpy})
    '{"bands": [0.0, "inf"], "rule": "otoscope.results.to_numpy"}'
    """
    return json.dumps(_plain(content), sort_keys=True, allow_nan=False)


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None if math.isnan(value) else str(value)
        case np.generic() | np.ndarray() | Tensor():
            return _plain(value.tolist())
        case Mapping():
            return {str(key): _plain(one) for key, one in value.items()}
        case list() | tuple() | range():
            return [_plain(one) for one in value]
        case Path():
            return str(value)
        case nn.Module():
            return {"class": _qualified(type(value)), "sha256": weights_digest(value)}
        case functools.partial():
            bound = {"arguments": _plain(value.args), "keywords": _plain(value.keywords)}
            return {"function": _plain(value.func), **bound}
    return _qualified(value if hasattr(value, "__qualname__") else type(value))


def _qualified(function: Any) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def weights_digest(model: nn.Module) -> str:
    """Short hash of all parameters and buffers, the same on every device.

    Parameters
    ----------
    model : nn.Module

    Returns
    -------
    str
        First 16 hexadecimal digits of the SHA-256 of names, types, shapes and bytes, sorted by name.

    Examples
    --------
    >>> layer = nn.Linear(2, 1)
    >>> _ = nn.init.ones_(layer.weight), nn.init.zeros_(layer.bias)
    >>> weights_digest(layer) == weights_digest(layer.double())
    False
    """
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if isinstance(value, torch.Tensor):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            digest.update(
                value.detach()
                .cpu()
                .resolve_conj()
                .resolve_neg()
                .contiguous()
                .reshape(-1)
                .view(torch.uint8)
                .numpy()
                .tobytes()
            )
    return digest.hexdigest()[:16]


def save(result: xr.Dataset, path: str | Path) -> None:
    """Write a result as netCDF, whole or not at all; ``xarray.open_dataset`` reads it back.

    Raises
    ------
    InputError
        If the file cannot be written; see :func:`otoscope.files.whole_file`.
    """
    names = {name: str(name).encode("latin-1", "backslashreplace").decode("latin-1") for name in result.variables}
    with whole_file(path) as part:  # names in other letters than this format has are written as their codes
        result.rename({name: new for name, new in names.items() if new != name}).to_netcdf(part, engine="scipy")


def open_result(path: str | Path) -> xr.Dataset:
    """Read a saved result: it draws, plays and says what it is as when it was computed.

    Parameters
    ----------
    path : str or Path
        What :func:`otoscope.results.save` or a command with ``--out`` wrote as netCDF.

    Returns
    -------
    Dataset

    Raises
    ------
    InputError
        If the file is missing, or is not a result.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}: give the .nc file of a result")
    try:
        with xr.open_dataset(path, engine="scipy") as dataset:
            result = dataset.load()
    except Exception as error:  # damaged files raise many kinds: IndexError, struct.error, AssertionError ...
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} is damaged, or is not a netCDF file: {reason}") from None
    if "method" not in result.attrs:
        raise InputError(f"{path} is not a result of Otoscope: it does not say which method made it")
    main = str(result.attrs.get("main"))
    return result[[main, *(name for name in result.data_vars if name != main)]] if main in result else result
