"""What every method returns: labelled arrays that say where they came from, and can be saved."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

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
    """Names and values as a JSON object: arrays as lists, functions by their names."""
    return json.dumps(content, default=_plain, sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray, Tensor)):
        return value.tolist()
    return getattr(value, "__name__", None) or str(value)


def save(result: xr.Dataset, path: str | Path) -> None:
    """Write a result as netCDF, whole or not at all; ``xarray.open_dataset`` reads it back.

    Raises
    ------
    InputError
        If the file cannot be written; see :func:`otoscope.files.whole_file`.
    """
    with whole_file(path) as part:
        result.to_netcdf(part, engine="scipy")


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
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is damaged, or is not a netCDF file: {error}") from None
    if "method" not in result.attrs:
        raise InputError(f"{path} is not a result of Otoscope: it does not say which method made it")
    main = result.attrs.get("main")
    return result[[main, *(name for name in result.data_vars if name != main)]] if main in result else result
