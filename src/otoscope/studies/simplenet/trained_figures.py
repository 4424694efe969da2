"""Fig. 4 and 6, and what the front-ends fold beside how far training moves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from otoscope.plots.drawing import LINE_STYLES
from otoscope.plots.papers.panels import grid
from otoscope.studies.found import Found
from otoscope.studies.simplenet.trained import HARD
from otoscope.studies.simplenet.trained_measures import CNN, data_of, fold_and_change

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

_LAYERS = 6
_FIRST, _TRAINED = LINE_STYLES[4][0], LINE_STYLES[1][0]
_FLOOR = -60.0


def change_rates(found: Found) -> Figure:
    """Fig. 4: the mean change rate of SoundNet's first six layers, and of SimpleNet's filters, over iterations."""
    axes = grid(1, 2, height=2.0, wide=True, sharey=True)[0]
    for ax, network, title in zip(axes, ("soundnet", CNN), ("SoundNet", "SimpleNet-CNN"), strict=True):
        curves = _of_first_run(found, "front_end", "curves", network)
        if curves is not None:
            for number in range(min(_LAYERS, curves.sizes["layer"])):
                colour, line = (*LINE_STYLES, (LINE_STYLES[1][0], ":"))[number]
                values = curves["change_rate"].isel(layer=number)
                label = f"layer {number + 1}" if network == "soundnet" else "filters"
                ax.plot(curves["iteration"], values, line, color=colour, label=label)
            ax.legend(frameon=False, fontsize=7, ncols=2)
        ax.set(title=title, xlabel="iteration", yscale="log")
    axes[0].set_ylabel("mean change rate")
    return axes[0].figure  # type: ignore[no-any-return]


def trained_filters(found: Found) -> Figure:
    """Fig. 6: four filters of SimpleNet-CNN before and after training, in time and in frequency."""
    kernels = _of_first_run(found, "filters", "kernels", CNN)
    count = 4 if kernels is None else kernels.sizes["filter"]
    axes = grid(2, count, height=3.0, wide=True)
    if kernels is None:
        return axes[0, 0].figure  # type: ignore[no-any-return]
    rate = float(kernels.attrs["sample_rate"])
    for column, number in enumerate(kernels["filter"].values):
        for weights, colour in (("first", _FIRST), ("trained", _TRAINED)):
            kernel = kernels["kernel"].sel(filter=number, weights=weights).values
            axes[0, column].plot(kernels["time"], kernel, color=colour, label=weights)
            spectrum = np.abs(np.fft.rfft(kernel, 1024))
            levels = np.maximum(20 * np.log10(np.maximum(spectrum / spectrum.max(), 1e-9)), _FLOOR)
            axes[1, column].plot(np.linspace(0, rate / 2000, len(levels)), levels, color=colour, label=weights)
        axes[0, column].set(title=f"filter {number}", xlabel="time (ms)")
        axes[1, column].set(xlabel="frequency (kHz)", xlim=(0, rate / 2000), ylim=(_FLOOR, 3))
    axes[0, 0].set_ylabel("amplitude")
    axes[1, 0].set_ylabel("level (dB)")
    lines, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, 0].figure.legend(lines, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=7)
    return axes[0, 0].figure  # type: ignore[no-any-return]


def folded_and_changed(found: Found) -> Figure:
    """What each front-end folds with its first weights, and how far training moves it."""
    ax = grid(1, 1, height=2.2)[0, 0]
    points = fold_and_change(found)
    for (name, (share, change)), (colour, _), marker in zip(points.items(), LINE_STYLES, "os^Dv", strict=False):
        ax.plot(100 * share, change, marker, color=colour, label=name)
    ax.set(xlabel="energy folded, first weights (%)", ylabel="change over norm")
    ax.locator_params(nbins=6)
    ax.legend(frameon=False, fontsize=7)
    return ax.figure  # type: ignore[no-any-return]


def _of_first_run(found: Found, table: str, result: str, network: str) -> xr.Dataset | None:
    """The arrays of the first run of a network on the harder task."""
    data = data_of(found)
    for kept in found.tables.get(table, ()):
        labels = kept.rows[0] if kept.rows else {}
        own = (labels.get("data"), labels.get("task"), labels.get("network"))
        if own == (data, HARD[data], network) and result in kept.results:
            return kept.result(result)
    return None
