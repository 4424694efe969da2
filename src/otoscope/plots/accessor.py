"""``result.otoscope``: save, see and hear a result."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope import plots
from otoscope.audio import write_audio
from otoscope.errors import InputError
from otoscope.results import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Accessor:
    """What can be done with a result."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def save(self, path: str | Path) -> None:
        """Write the result as netCDF, which :func:`otoscope.open` reads back."""
        save(self._result, path)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes | np.ndarray[Any, Any]:
        """Draw the result; see :mod:`otoscope.plots`."""
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

    @property
    def has_sound(self) -> bool:
        """Whether the result holds a sound."""
        return _sound(self._result) is not None

    def _signals(self, selection: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
        signal = _sound(self._result)
        if signal is None:
            raise InputError(f"a result of {self._result.attrs.get('method', 'this kind')} holds no sound")
        try:
            signal = signal.sel(selection)
        except (KeyError, ValueError) as error:
            known = {str(dim): signal[dim].values.tolist() for dim in signal.dims if dim != "time"}
            raise InputError(f"no sound has the labels {dict(selection)} ({error}); the labels are {known}") from None
        others = [dim for dim in signal.dims if dim not in ("time", *_together(signal))]
        if not others:
            return {"": signal.values}
        signals = {}
        for index in np.ndindex(*(signal.sizes[dim] for dim in others)):
            one = signal.isel(dict(zip(others, index, strict=True)))
            names = [one[dim].item() if dim in one.coords else i for dim, i in zip(others, index, strict=True)]
            named = zip(others, names, strict=True)
            label = "".join(f"_{name}" if isinstance(name, str) else f"_{dim}{name}" for dim, name in named)
            signals[label] = one.values
        return signals


def _sound(result: xr.DataArray | xr.Dataset) -> xr.DataArray | None:
    """The main variable if it is a sound, else the sonification; relevance is scaled to the peak of its input."""
    if isinstance(result, xr.DataArray):
        found = [result]
    else:
        found = [result[name] for name in (next(iter(result.data_vars)), "sonification") if name in result]
    signal = next((one for one in found if "time" in one.dims and "frequency" not in one.dims), None)
    if signal is None:
        return None
    if signal.name != "relevance" or "input" not in result:
        return signal
    heard = ("time", *_together(signal))
    loudest = abs(signal).max(heard)
    scaled = signal / loudest.where(loudest > 0, 1.0) * abs(result["input"]).max(heard)
    return scaled.astype(np.float32).rename("relevance")


def _together(signal: xr.DataArray) -> tuple[str, ...]:
    """The axis of the channels of a sound, which are heard together."""
    name = "channel" if signal.name == "relevance" else "input_channel"
    return (name,) if name in signal.dims else ()


xr.register_dataarray_accessor("otoscope")(Accessor)
xr.register_dataset_accessor("otoscope")(Accessor)
