"""The figures of the study: networks beside each other, and each claim for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.plots.drawing import LINE_STYLES
from otoscope.plots.papers.class_spectra import class_spectra
from otoscope.plots.papers.panels import grid
from otoscope.studies.beyond.claims import CLAIMS
from otoscope.studies.beyond.measures import PAIRED, across, cell, data_of
from otoscope.studies.beyond.steps import INITIAL, TRAINED
from otoscope.studies.beyond.trained import FREE, NETWORKS, SPEAKERS, WORDS
from otoscope.studies.found import Found

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VERDICTS = {"holds": "#1b7837", "fails": "#b73779", "undecided": "#6b6b6b", "not run here": "#6b6b6b"}
_SHORT = (
    "higher band for words", "1 kHz for words", "500 Hz for speakers", "low frequencies",
    "coherence falls", "... by training", "F0 in relevance", "envelope in relevance",
    "F0 by training", "relevance by task", "$M_c$ by depth", "maps die",
    "$M_c$, pooled - strided", "largest fold", "fold, pooled - strided", "first layer's change",
)  # fmt: skip
"""What each claim is about, in the order of the claims."""
_LINES: dict[str, dict[str, str]] = {
    "words": {"task": WORDS, "weights": TRAINED},
    "speakers": {"task": SPEAKERS, "weights": TRAINED},
    "initial": {"task": WORDS, "weights": INITIAL},
}


def cumulative(found: Found) -> Figure:
    """CRS of the networks of both tasks and of their initial weights, as Fig. 3 of SWAM lays classes out."""
    results = {}
    for network in _own(found):
        lines = {name: _spectra(found, network, **where) for name, where in _LINES.items()}
        results[network] = {name: one for name, one in lines.items() if one is not None}
    axes = class_spectra(results, highest=4000.0 if data_of(found) == FREE else 8000.0)
    return _figure(axes)


def claims_by_network(found: Found) -> Figure:
    """Of each claim what it is judged by, of each network and of all together, with 95 % intervals."""
    from matplotlib.ticker import MaxNLocator

    names = [*(network.name for network in NETWORKS), "all networks"]
    columns = 4
    axes = grid(-(-len(CLAIMS) // columns), columns, height=8.0, wide=True)
    for ax, claim, short in zip(axes.ravel(), CLAIMS, _SHORT, strict=True):
        ax.axvline(claim.null, color="#a3a3a3", linewidth=0.6)
        for place, name in enumerate(names):
            last = place == len(names) - 1
            one = across(claim.number)(found) if last else cell(found, claim.number, name)
            if one is None or (last and claim.number in PAIRED):
                continue
            colour = _VERDICTS[claim.verdict(one)]
            ax.plot([one.low, one.high], [place, place], color=colour, linewidth=1.2)
            ax.plot([one.value], [place], "D" if last else "o", color=colour, markersize=3)
        side = {"greater": "→", "less": "←"}.get(claim.direction, "")
        ax.set(title=f"{claim.number.removeprefix('beyond-')} {short} {side}", ylim=(len(names) - 0.4, -0.6))
        ax.set_yticks(range(len(names)), names if ax in axes[:, 0] else [""] * len(names), fontsize=7)
        ax.tick_params(axis="x", labelsize=7)
        ax.xaxis.set_major_locator(MaxNLocator(3))
    return _figure(axes)


def coherence_by_depth(found: Found) -> Figure:
    """M_c over the layers of each network, trained and initial, as Fig. 6.3 of the thesis."""
    networks = [name for name in _own(found) if len(found.distinct("depth", "layer", network=name)) > 2]
    axes = grid(1, len(networks), height=1.9, wide=True, sharey=True)
    for ax, network in zip(axes[0], networks, strict=True):
        _by_place(ax, found, "depth", "layer", "coherence", network)
        ax.set(title=network, xlabel="layer", ylim=(0, 1))
    axes[0, 0].set_ylabel("$M_c$")
    axes[0, -1].legend(frameon=False, fontsize=7)
    return _figure(axes)


def folding_by_step(found: Found) -> Figure:
    """What each step folds of sounds, above, and its gain for sines, below."""
    networks = [network.name for network in NETWORKS]
    axes = grid(2, len(networks), height=2.9, wide=True, sharex="col", sharey="row")
    for column, network in zip(axes.T, networks, strict=True):
        _by_place(column[0], found, "folding", "step", "share", network)
        _by_place(column[1], found, "folding", "step", "gain", network, decibels=True)
        column[0].set(title=network, ylim=(0, 1))
        column[1].set(xlabel="step")
    axes[0, 0].set_ylabel("share folded")
    axes[1, 0].set_ylabel("gain (dB)")
    axes[0, -1].legend(frameon=False, fontsize=7)
    return _figure(axes)


def relevance_by_band(found: Found) -> Figure:
    """Where in frequency the relevance of both tasks lies, mean over clips and runs."""
    networks = _own(found)
    axes = grid(1, len(networks), height=1.9, wide=True, sharey=True)
    for ax, network in zip(axes[0], networks, strict=True):
        for (label, where), (colour, line) in zip(_LINES.items(), LINE_STYLES[1:], strict=False):
            runs = [
                one["share"].sel(weights=where["weights"])
                for kept in found.tables.get("relevance", ())
                if _fits(kept.rows, data=data_of(found), network=network, task=where["task"])
                for one in [kept.result("bands")]
            ]
            if runs:
                mean = np.mean([one.values.mean(0) for one in runs], axis=0)
                ax.plot(runs[0]["band"].values / 1000, 100 * mean, line, color=colour, label=label)
        ax.set(title=network, xscale="log", xlabel="frequency (kHz)")
        ax.set_xticks([0.2, 1, 3], ["0.2", "1", "3"])
        ax.set_xticks([], minor=True)
    axes[0, 0].set_ylabel("relevance (%)")
    axes[0, -1].legend(frameon=False, fontsize=7)
    return _figure(axes)


# -- Parts ------------------------------------------------------------------------------------------------


def _own(found: Found) -> list[str]:
    """The networks of which there are runs, without the control."""
    there = found.distinct("response", "network", data=data_of(found))
    return [network.name for network in NETWORKS if network.name in there and not network.control]


def _spectra(found: Found, network: str, task: str, weights: str) -> xr.Dataset | None:
    """The mean CRS of each run, which stands where a clip does; None where there is no run."""
    runs = [
        kept.result("crs")["crs"].sel(weights=weights)
        for kept in found.tables.get("response", ())
        if _fits(kept.rows, data=data_of(found), network=network, task=task)
    ]
    if not runs:
        return None
    return xr.Dataset(
        {"crs": (("clip", "frequency"), np.stack([one.values for one in runs]))},
        {"frequency": runs[0]["frequency"].values},
    )


def _by_place(
    ax: Axes, found: Found, table: str, along: str, column: str, network: str, *, decibels: bool = False
) -> None:
    """A column along layers or steps: mean of tasks and runs, and from the lowest to the highest of them."""
    from matplotlib.ticker import MaxNLocator

    for weights, (colour, line) in zip((TRAINED, INITIAL), LINE_STYLES[1:], strict=False):
        where = {"data": data_of(found), "network": network, "weights": weights}
        places = sorted(found.distinct(table, along, **where))
        each = [found.values(table, column, **where, **{along: place}) for place in places]
        each = [20 * np.log10(np.maximum(one, 1e-6)) if decibels else one for one in each]
        if not each:
            continue
        ax.plot(places, [one.mean() for one in each], line, marker=".", color=colour, label=weights)
        ax.fill_between(
            places, [one.min() for one in each], [one.max() for one in each], color=colour, alpha=0.2, linewidth=0
        )
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    if len(found.distinct(table, along, data=data_of(found), network=network)) == 1:
        ax.set_xlim(0.5, 1.5)


def _fits(rows: Any, **where: str) -> bool:
    return all(rows[0].get(key) == value for key, value in where.items())


def _figure(axes: np.ndarray) -> Figure:
    return axes.flat[0].figure  # type: ignore[no-any-return]
