"""``result.otoscope``: save, see and hear a result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope import markup, plots, tables
from otoscope.app.players import Player, Players
from otoscope.app.relevance_page import relevance_page
from otoscope.app.widget import HEIGHT, PageView
from otoscope.audio import write_audio
from otoscope.errors import InputError
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing
from otoscope.results import save

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_MOST_PLAYERS = 12  # below one cell
_MOST_ROWS = 12
_MOST_LABELS = 12  # named in a message
_LONGEST_ARGUMENT = 80  # characters


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

    def show(self, *, height: int = HEIGHT) -> PageView:
        """A relevance and its sound as a page in a notebook: to look at, to listen to, and to measure.

        Parameters
        ----------
        height : int
            Of the page in the cell, in CSS pixels.

        Returns
        -------
        PageView
            To be the last line of a cell; ``save("page.html")`` writes it as a file.

        Raises
        ------
        InputError
            If the result is none of a relevance, or of several sounds.
        """
        return PageView(relevance_page(self._result), height=height)

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
        path, rate = Path(path), int(self._result.attrs["sample_rate"])
        written = []
        for place, samples in _each(self._signal(selection)):
            label = "".join(f"_{name}" if isinstance(name, str) else f"_{dim}{name}" for dim, name in place.items())
            one = path.with_name(f"{path.stem}{label.replace('/', '_')}{path.suffix}")
            write_audio(one, samples, rate)
            written.append(one)
        return written

    def play(self, **selection: Any) -> Players:
        """Players for notebooks, which need no server: the sounds are in them, at their levels beside each other.

        Relevance is as loud as the input, whose player stands first where the result holds one input.

        Parameters
        ----------
        **selection
            Labels to choose by, for instance ``channel=17``; of very many sounds the first are shown.

        Returns
        -------
        Players

        Raises
        ------
        InputError
            If the result holds no sound, or none of these labels.
        """
        signal, rate = self._signal(selection), int(self._result.attrs["sample_rate"])
        kept = self._result.attrs.get("name", "sound")
        name = str(kept if signal.name in (None, "audio") else signal.name)
        given, each = _input(self._result, selection), _each(signal)
        players = [] if given is None else [Player("input", given.values, rate)]
        for place, samples in each[:_MOST_PLAYERS]:
            players.append(Player(", ".join([name, *(f"{dim} {one}" for dim, one in place.items())]), samples, rate))
        if len(each) <= _MOST_PLAYERS:
            return Players(players)
        dim, label = list(each[-1][0].items())[-1]
        more = f"{len(each) - _MOST_PLAYERS} more sounds: choose them by their labels, such as {dim}={label!r}"
        return Players(players, more)

    def __repr__(self) -> str:
        return f"<what can be done with a result of {self._result.attrs.get('method', 'no method')}>"

    def _repr_html_(self) -> str:
        """What made the result, and its table, in notebooks."""
        result = self._result
        if isinstance(result, xr.DataArray) or "method" not in result.attrs:
            return markup.card(str(result.attrs.get("name", type(result).__name__)), markup.facts(dict(result.sizes)))
        return markup.card(str(result.attrs["method"]), markup.facts(_provenance(result)), _table(result))

    @property
    def has_sound(self) -> bool:
        """Whether the result holds a sound."""
        return _sound(self._result) is not None

    def _signal(self, selection: Mapping[str, Any]) -> xr.DataArray:
        """The sounds chosen."""
        signal = _sound(self._result)
        if signal is None:
            raise InputError(f"a result of {self._result.attrs.get('method', 'this kind')} holds no sound")
        try:
            return signal.sel(selection)
        except (KeyError, ValueError, TypeError):
            raise InputError(f"no sound has the labels {dict(selection)}; {_labels(signal)}") from None


def _labels(signal: xr.DataArray) -> str:
    """By which labels sounds are chosen, in a sentence; of very many the first and the last."""
    known = {str(dim): signal[dim].values.tolist() for dim in signal.dims if dim != "time"}
    if not known:
        return "there is one sound, which has no labels"
    return f"the labels are {{{', '.join(f'{dim!r}: [{_listed(labels)}]' for dim, labels in known.items())}}}"


def _listed(labels: list[Any]) -> str:
    shown = [repr(one) for one in labels]
    return ", ".join(shown if len(shown) <= _MOST_LABELS else [*shown[: _MOST_LABELS - 1], "…", shown[-1]])


def _each(signal: xr.DataArray) -> list[tuple[dict[str, Any], np.ndarray[Any, Any]]]:
    """Every sound, with its labels along the dimensions beside time."""
    others = [dim for dim in signal.dims if dim not in ("time", *_together(signal))]
    sounds = []
    for index in np.ndindex(*(signal.sizes[dim] for dim in others)):
        place = dict(zip(others, index, strict=True))
        one = signal.isel(place)
        labels = {str(dim): one[dim].item() if dim in one.coords else i for dim, i in place.items()}
        sounds.append((labels, one.values))
    return sounds


def _provenance(result: xr.Dataset) -> dict[str, object]:
    """What a reader has to know of a result, in the order in which it is asked."""
    attrs, arguments = result.attrs, json.loads(str(result.attrs.get("arguments", "{}")))
    given = (f"{name}={value!r}" for name, value in arguments.items() if value not in (None, [], {}))
    short = (one if len(one) <= _LONGEST_ARGUMENT else f"{one[:_LONGEST_ARGUMENT]}…" for one in given)
    return {
        "model": attrs.get("model"),
        "sound": attrs.get("audio"),
        "arguments": ", ".join(short),
        "note": attrs.get("note"),
        "source": attrs.get("source"),
        "holds": ", ".join(str(name) for name in result.data_vars),
        "version": attrs.get("otoscope_version"),
    }


def _table(result: xr.Dataset) -> str:
    """The first rows of the table of a result."""
    method = str(result.attrs["method"])
    if method not in listing():
        return ""
    import_module(listing()[method].module)
    record = METHODS[method]
    shown = result
    if record.rows.make is None:
        shown = result.isel({dim: slice(_MOST_ROWS + 1) for dim in record.rows.over if dim in result.dims})
    rows, names = tables.rows(shown, record), tables.headings(shown, record)
    if not rows:
        return ""
    more = len(rows) > _MOST_ROWS
    body = [[row[name] for name in names] for row in rows[:_MOST_ROWS]]
    return markup.table(list(names.values()), body) + (markup.note("and more rows") if more else "")


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


def _input(result: xr.DataArray | xr.Dataset, selection: Mapping[str, Any]) -> xr.DataArray | None:
    """The sound that a result is of, where it holds one for all that was chosen."""
    if isinstance(result, xr.DataArray) or "input" not in result or next(iter(result.data_vars)) == "input":
        return None
    given = result["input"]
    given = given.sel({dim: label for dim, label in selection.items() if dim in given.dims})
    return given if set(given.dims) <= {"time", *_together(given)} else None


def _together(signal: xr.DataArray) -> tuple[str, ...]:
    """The axis of the channels of a sound, which are heard together."""
    name = "channel" if signal.name == "relevance" else "input_channel"
    return (name,) if name in signal.dims else ()


xr.register_dataarray_accessor("otoscope")(Accessor)
xr.register_dataset_accessor("otoscope")(Accessor)
