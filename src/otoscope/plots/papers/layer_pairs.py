"""Sounds that drive the maps of each layer most, beside their sonifications: thesis Fig. 5.2 to 5.4, A.1 and A.2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.plots.checks import having
from otoscope.plots.drawing import frequency_unit, small_size
from otoscope.plots.papers.panels import bar_below, bare, head_columns, name_row, named, page_grid
from otoscope.plots.style import StyleName, styled
from otoscope.plots.top_activations import top_sound

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RANGE = 60.0
_NEEDED = ("input", "sonification", "peak_time", "start", "activation")


def layer_pairs(
    results: Mapping[str, xr.Dataset],
    *,
    maps: int = 1,
    ranks: int = 3,
    dynamic_range: float = _RANGE,
    style: StyleName | None = "paper",
) -> np.ndarray:
    """Draw the top sounds of maps of every layer, and on the right their sonifications, a row for each map.

    Parameters
    ----------
    results : mapping of str to xarray.Dataset
        By the name of a layer, from the lowest up, what
        :func:`otoscope.methods.top_activations.top_activations` returned with ``sounds=True``.
    maps : int
        How many maps of each layer, the first ones of its result.
    ranks : int
        How many sounds of each map.
    dynamic_range : float
        Range shown, in dB below the peak of each sound.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (rows, 2 * ranks)

    Raises
    ------
    InputError
        If there is no layer, a result has no sounds, or a number is below 1.

    Notes
    -----
    Fig. A.1 and A.2 of the thesis, with three random maps of each of eleven layers and the top three sounds of each. A
    triangle marks the strongest activation. A map that nothing drives is called silent.

    Examples
    --------
    >>> pair = (("channel", "rank", "time"), np.random.default_rng(0).standard_normal((1, 1, 800)))
    >>> one = (("channel", "rank"), [[0.05]])
    >>> result = xr.Dataset({"input": pair, "sonification": pair, "peak_time": one, "start": 0 * xr.Variable(*one),
    ...                      "activation": one}, {"channel": [3], "rank": [1]}, {"sample_rate": 8000})
    >>> layer_pairs({"conv1": result, "conv2": result}).shape
    (2, 2)
    """
    layers = {name: _with_sounds(one, maps, ranks) for name, one in named(results, "top activations of layers").items()}
    ranks = min(one.sizes["rank"] for one in layers.values())
    rows = [(name, one.isel(channel=n)) for name, one in layers.items() for n in range(one.sizes["channel"])]
    with styled(style):
        axes = page_grid(len(rows), 2 * ranks)
        for row, (name, one) in zip(axes, rows, strict=True):
            for rank in range(ranks):
                draw_pair((row[rank], row[ranks + rank]), one.isel(rank=rank), dynamic_range)
            name_row(row[0], f"{name}\nmap {one['channel'].item()}")
        head_columns(axes, [f"{kind} {rank + 1}" for kind in ("input", "sonification") for rank in range(ranks)], pad=7)
        bar_below(axes, "level (dB re peak of each sound)")
    return axes


def model_pairs(
    results: Mapping[str, Mapping[str, xr.Dataset]],
    *,
    maps: int = 1,
    dynamic_range: float = _RANGE,
    style: StyleName | None = "paper",
) -> np.ndarray:
    """Draw the top sound of maps of chosen layers and its sonification, models side by side.

    Parameters
    ----------
    results : mapping of str to mapping of str to xarray.Dataset
        By the name of a model and that of a layer, as for :func:`layer_pairs`; the layers of all models have the same
        names.
    maps : int
        How many maps of each layer, the first ones of its result.
    dynamic_range : float
        Range shown, in dB below the peak of each sound.
    style : {"paper", "screen"}
        See :func:`otoscope.plots.styled`.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes, shape (layers * maps, 2 * models)

    Raises
    ------
    InputError
        If there is no model or layer, layers differ, or a result has no sounds.

    Notes
    -----
    Fig. 5.2 of the thesis: layers 1, 8 and 9 of a supervised and a contrastive model. With one model, Fig. 5.3 and 5.4.
    """
    models = named(results, "layers of each model")
    first = list(next(iter(models.values())))
    for name, layers in models.items():
        if list(layers) != first:
            raise InputError(f"{name!r} has the layers {', '.join(layers)}, and the first model {', '.join(first)}")
    some = {
        name: {layer: _with_sounds(one, maps, 1) for layer, one in layers.items()} for name, layers in models.items()
    }
    counts = {layer: min(layers[layer].sizes["channel"] for layers in some.values()) for layer in first}
    rows = [(layer, n) for layer in first for n in range(counts[layer])]
    with styled(style):
        axes = page_grid(len(rows), 2 * len(some))
        for place, layers in enumerate(some.values()):
            for row, (layer, n) in zip(axes, rows, strict=True):
                one = layers[layer].isel(channel=n, rank=0)
                draw_pair((row[2 * place], row[2 * place + 1]), one, dynamic_range)
                if not place:
                    name_row(row[0], layer)
                number = f"map {one['channel'].item()}"
                row[2 * place + 1].text(
                    0.98, 0.92, number, color="white", fontsize=small_size(row[0]), ha="right", va="top",
                    transform=row[2 * place + 1].transAxes, bbox={"color": "black", "alpha": 0.5, "pad": 1, "lw": 0},
                )  # fmt: skip
        head_columns(axes, [f"{name}\n{kind}" for name in some for kind in ("input", "sonification")], pad=7)
        bar_below(axes, "level (dB re peak of each sound)")
    return axes


def draw_pair(axes: tuple[Axes, Axes], one: xr.Dataset, dynamic_range: float) -> None:
    """A sound and its sonification, without labels."""
    for ax, of in zip(axes, ("input", "sonification"), strict=True):
        top_sound(one, ax, of=of, dynamic_range=dynamic_range)
        limit = float(one.attrs["sample_rate"]) / 2
        ax.set_ylim(0, limit / frequency_unit(limit)[0])
        for text in list(ax.texts):
            text.set_text("silent" if of == "sonification" else "silence")
        bare(ax)


def _with_sounds(result: xr.Dataset, maps: int, ranks: int) -> xr.Dataset:
    if maps < 1 or ranks < 1:
        raise InputError(f"maps and ranks have to be 1 or more, not {maps} and {ranks}")
    if "sonification" not in result:
        raise InputError("the top activations have no sounds: ask for them with sounds=True")
    return having(result, _NEEDED).isel(channel=slice(maps), rank=slice(ranks))
