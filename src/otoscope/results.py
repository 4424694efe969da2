"""What every method returns: labelled arrays that say where they came from, can be saved, seen and heard."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope._version import __version__
from otoscope.errors import InputError
from otoscope.files import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)


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


def sign(result: Labelled, method: str, source: str, **arguments: Any) -> Labelled:
    """Write on a result what made it: the method, the paper it is from, its arguments and the version."""
    result.attrs.update(
        method=method,
        source=source,
        arguments=json.dumps(arguments, default=_plain, sort_keys=True),
        otoscope_version=__version__,
    )
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray, Tensor)):
        return value.tolist()
    return getattr(value, "__name__", None) or str(value)


def save(result: xr.DataArray | xr.Dataset, path: str | Path) -> None:
    """Write a result as netCDF, whole or not at all; ``xarray.open_dataset`` reads it back.

    Raises
    ------
    InputError
        If the file cannot be written; see :func:`otoscope.files.whole_file`.
    """
    dataset = result.to_dataset(name=result.name or "result") if isinstance(result, xr.DataArray) else result
    # A DataArray's own attributes describe the whole file as well.
    dataset = dataset.assign_attrs({**result.attrs, **dataset.attrs})
    with whole_file(path) as part:
        dataset.to_netcdf(part, engine="scipy")


class Accessor:
    """``result.otoscope``: save, see and hear a result."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def save(self, path: str | Path) -> None:
        """Write the result as netCDF."""
        save(self._result, path)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes | np.ndarray:
        """Draw the result; see :mod:`otoscope.plots`."""
        from otoscope import plots

        return plots.plot(self._result, ax=ax, **options)

    def write_audio(self, path: str | Path, **selection: Any) -> list[Path]:
        """Write the signals of the result as audio; relevance is made as loud as the input.

        Parameters
        ----------
        path : str or Path
            The file; with several signals their labels are put before its suffix.
        **selection
            Labels to choose by, for instance ``channel=17``.

        Returns
        -------
        list of Path
            What was written.
        """
        from otoscope.audio import write_audio

        signals = self._signals(selection)
        path, rate = Path(path), int(self._result.attrs["sample_rate"])
        written = []
        for label, samples in signals.items():
            one = path.with_name(f"{path.stem}{label.replace('/', '_')}{path.suffix}")
            write_audio(one, samples, rate)
            written.append(one)
        return written

    def play(self, **selection: Any) -> Any:
        """A player for notebooks (of the first signal selected)."""
        try:
            from IPython.display import Audio
        except ImportError:
            raise InputError("players need IPython: pip install ipython, or use write_audio") from None
        samples = next(iter(self._signals(selection).values()))
        return Audio(samples, rate=int(self._result.attrs["sample_rate"]), normalize=False)

    def _signals(self, selection: Mapping[str, Any]) -> dict[str, np.ndarray]:
        signal = self._result
        if isinstance(signal, xr.Dataset):
            if "signal" not in signal.data_vars:
                raise InputError(f"a result of {signal.attrs.get('method', 'this kind')} holds no sound")
            signal = _audible(signal)
        if "time" not in signal.dims or "frequency" in signal.dims:
            raise InputError(f"a result of {signal.attrs.get('method', 'this kind')} holds no sound")
        try:
            signal = signal.sel(selection)
        except (KeyError, ValueError) as error:
            known = {str(dim): signal[dim].values.tolist() for dim in signal.dims if dim != "time"}
            raise InputError(f"no sound has the labels {dict(selection)} ({error}); the labels are {known}") from None
        others = [dim for dim in signal.dims if dim != "time"]
        if not others:
            return {"": signal.values}
        signals = {}
        for index in np.ndindex(*(signal.sizes[dim] for dim in others)):
            one = signal.isel(dict(zip(others, index, strict=True)))
            names = [one[dim].item() if dim in one.coords else i for dim, i in zip(others, index, strict=True)]
            label = "".join(f"_{dim}{name}" for dim, name in zip(others, names, strict=True))
            signals[label] = one.values
        return signals


def _audible(relevance: xr.Dataset) -> xr.DataArray:
    """A relevance signal, which has no scale of its own, as loud as its input."""
    signal = relevance["signal"]
    loudest = abs(signal).max("time")
    return (signal / loudest.where(loudest > 0, 1.0) * abs(relevance["input"]).max("time")).astype(np.float32)


xr.register_dataarray_accessor("otoscope")(Accessor)
xr.register_dataset_accessor("otoscope")(Accessor)
