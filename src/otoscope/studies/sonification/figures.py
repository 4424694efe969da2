"""The figures of the study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otoscope.dsp.statistics import mean_interval
from otoscope.plots.drawing import LINE_STYLES
from otoscope.plots.papers.layer_evolution import layer_evolution
from otoscope.plots.papers.layer_pairs import layer_pairs, model_pairs
from otoscope.plots.papers.panels import grid
from otoscope.studies.found import Found
from otoscope.studies.sonification.encoders import CONTRASTIVE, FREE, FULL, LARGE, LINEAR, NONE, STRIDED, SUPERVISED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LAYERS = tuple(range(1, 12))
_NAMES = {CONTRASTIVE: "contrastive", SUPERVISED: "supervised", NONE: "random weights", STRIDED: "supervised, strides"}


# -- Pairs of sounds and sonifications --------------------------------------------------------------------


def band_selectivity(found: Found) -> Figure:
    """Fig. 5.2: layers 1, 8 and 9 of both encoders."""
    return _figure(model_pairs({start: _tops(found, start, (1, 8, 9)) for start in (SUPERVISED, CONTRASTIVE)}))


def middle_layers(found: Found) -> Figure:
    """Fig. 5.3: layers 3 to 7 of the supervised encoder."""
    return _figure(model_pairs({SUPERVISED: _tops(found, SUPERVISED, (3, 4, 5, 6, 7))}))


def deep_layers(found: Found) -> Figure:
    """Fig. 5.4: layers 8 and 11 of the contrastive encoder."""
    return _figure(model_pairs({CONTRASTIVE: _tops(found, CONTRASTIVE, (8, 11))}))


def all_contrastive(found: Found) -> Figure:
    """Fig. A.1."""
    return _figure(layer_pairs(_tops(found, CONTRASTIVE, _LAYERS), ranks=2))


def all_supervised(found: Found) -> Figure:
    """Fig. A.2."""
    return _figure(layer_pairs(_tops(found, SUPERVISED, _LAYERS), ranks=2))


def some_evolution(found: Found) -> Figure:
    """Fig. 5.5: some layers of the contrastive encoder."""
    return _figure(layer_evolution(_grown(found, CONTRASTIVE, (1, 3, 5, 8, 10))))


def contrastive_evolution(found: Found) -> Figure:
    """Fig. A.3."""
    return _figure(layer_evolution(_grown(found, CONTRASTIVE, _LAYERS)))


def supervised_evolution(found: Found) -> Figure:
    """Fig. A.4."""
    return _figure(layer_evolution(_grown(found, SUPERVISED, _LAYERS)))


def _tops(found: Found, start: str, layers: Sequence[int]) -> dict[str, xr.Dataset]:
    return {f"layer {layer}": _picture(found, start, f"top_{layer}") for layer in layers}


def _grown(found: Found, start: str, layers: Sequence[int]) -> dict[str, xr.Dataset]:
    return {f"layer {layer}": _picture(found, start, f"evolution_{layer}") for layer in layers}


def _picture(found: Found, start: str, name: str) -> xr.Dataset:
    data = LARGE if found.rows("pictures", data=LARGE) else FREE
    for kept in found.tables["pictures"]:
        if kept.rows[0]["start"] == start and kept.rows[0]["data"] == data:
            return kept.result(name)
    raise KeyError(name)


def _figure(axes: np.ndarray) -> Figure:
    return axes.flat[0].figure  # type: ignore[no-any-return]


# -- Curves over layers -----------------------------------------------------------------------------------


def activity(found: Found) -> Figure:
    """Section 5.3.1 as numbers: share of active maps and band selectivity by layer."""
    axes = grid(1, 3, height=2.0, wide=True)[0]
    panels = (("active", "active maps (share)"), ("selectivity", "peak over mean of spectrum"),
              ("high_maps", "energy above 2 kHz (share)"))  # fmt: skip
    for ax, (column, label) in zip(axes, panels, strict=True):
        for number, start in enumerate((CONTRASTIVE, SUPERVISED, NONE)):
            _curve(ax, number, _heard(found, column, start), _NAMES[start])
        ax.set(xlabel="layer", ylabel=label, xticks=_LAYERS[::2])
    axes[0].legend(frameon=False, fontsize=7)
    return axes[0].figure  # type: ignore[no-any-return]


def coherence(found: Found) -> Figure:
    """Fig. 6.3."""
    (ax,) = grid(1, 1, height=2.2)[0]
    for number, start in enumerate((CONTRASTIVE, SUPERVISED, NONE, STRIDED)):
        _curve(ax, number, _heard(found, "coherence", start), _NAMES[start])
    _curve(ax, 4, _heard(found, "coherence_chance", CONTRASTIVE), "played backwards")
    ax.set(xlabel="layer", ylabel="top-5 coherence", ylim=(0, 1), xticks=_LAYERS)
    ax.legend(frameon=False, fontsize=7, ncol=2)
    return ax.figure  # type: ignore[no-any-return]


def layer_scores(found: Found) -> Figure:
    """Fig. 6.1: the score of frozen layers, and of networks trained whole."""
    data = LARGE if found.rows("probe", data=LARGE) else FREE
    tasks = found.distinct("probe", "task", data=data)
    axes = grid(1, len(tasks), height=2.6, wide=True)[0]
    for ax, task in zip(axes, tasks, strict=True):
        for number, start in enumerate((CONTRASTIVE, SUPERVISED, NONE)):
            where = {"data": data, "task": task, "start": start}
            frozen = _by_layer(found, "probe", "score", share=1.0, **where)
            _curve(ax, number, frozen, f"{_NAMES[start]}, frozen")
            if found.rows("tuned", **where):
                _curve(ax, number, _by_layer(found, "tuned", "score", **where), f"{_NAMES[start]}, all", dashed=True)
        ax.set(title=task, xlabel="layers kept", ylim=(0, 1), xticks=_LAYERS[::2])
    axes[0].set_ylabel("score on sounds to test on")
    handles = {label: one for ax in axes for one, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    axes[0].figure.legend(
        handles.values(), handles.keys(), frameon=False, fontsize=7, loc="outside lower center", ncol=3
    )
    return axes[0].figure  # type: ignore[no-any-return]


def few_labels(found: Found) -> Figure:
    """The score of linear classifiers on the frozen encoder, for shares of the labels."""
    tasks = found.distinct("probe", "task", data=FREE) or found.distinct("probe", "task")
    axes = grid(1, len(tasks), height=2.0, wide=True)[0]
    for ax, task in zip(axes, tasks, strict=True):
        for number, start in enumerate((CONTRASTIVE, SUPERVISED, NONE)):
            rows = [row for row in found.rows("probe", task=task, start=start) if row["layer"] == 11]
            _curve(ax, number, _grouped(rows, "share", "score"), _NAMES[start])
        ax.set(title=task, xscale="log", xlabel="share of the labels", ylim=(0, 1))
        ax.set_xticks([0.01, 0.1, 1.0], ["1 %", "10 %", "100 %"])
        ax.minorticks_off()
    axes[0].set_ylabel("score")
    axes[0].legend(frameon=False, fontsize=7)
    return axes[0].figure  # type: ignore[no-any-return]


def residuals(found: Found) -> Figure:
    """Fig. 6.2: the score without the sonification, and without controls of its level."""
    axes = grid(1, 2, height=2.2, wide=True, sharey=True)[0]
    data = LARGE if found.rows("without", data=LARGE) else FREE
    columns = (("score", "without its sonification"), ("score_noise", "without noise of its spectrum"),
               ("score_live_map", "without another map"), ("score_moved", "without it, moved"))  # fmt: skip
    for ax, (mode, title) in zip(axes, ((FULL, "fine-tuned"), (LINEAR, "classifier alone")), strict=True):
        rows = found.rows("without", data=data, mode=mode)
        if rows:
            ax.axhline(float(np.mean([row["baseline"] for row in rows])), color="black", lw=0.8, ls="--")
        for number, (column, label) in enumerate(columns):
            _curve(ax, number, _by_layer(found, "without", column, data=data, mode=mode), label)
        ax.set(title=title, xlabel="layer", ylim=(0, 1), xticks=_LAYERS[::2])
    axes[0].set_ylabel("score")
    axes[1].legend(frameon=False, fontsize=7)
    return axes[0].figure  # type: ignore[no-any-return]


def dead_maps(found: Found) -> Figure:
    """Section 5.3.3: the share of dead maps of each layer, before training and after it."""
    axes = grid(1, 2, height=2.0, wide=True, sharey=True)[0]
    for ax, start in zip(axes, (CONTRASTIVE, SUPERVISED), strict=True):
        for number, (step, label) in enumerate((("0", "before training"), ("end", "after"))):
            rows = [{**row, "share": row["dead"] / row["maps"]} for row in found.rows("growth", start=start, step=step)]
            _curve(ax, number, _grouped(rows, "layer", "share"), label)
        rows = [
            {**row, "share": row["dead_then_and_at_end"] / row["maps"]}
            for row in found.rows("growth", start=start, step="0")
        ]
        _curve(ax, 2, _grouped(rows, "layer", "share"), "before and after")
        ax.set(title=_NAMES[start], xlabel="layer", xticks=_LAYERS[::2], ylim=(0, None))
    axes[0].set_ylabel("dead maps (share)")
    axes[0].legend(frameon=False, fontsize=7)
    return axes[0].figure  # type: ignore[no-any-return]


def recognised(found: Found) -> Figure:
    """Digits that an independent recogniser knows in the sonification of the most active map."""
    (ax,) = grid(1, 1, height=2.0)[0]
    for number, start in enumerate((CONTRASTIVE, SUPERVISED)):
        _curve(ax, number, _by_layer(found, "recognised", "score", start=start), _NAMES[start])
    ax.axhline(0.1, color="black", lw=0.8, ls=":")
    ax.set(xlabel="layer (0: the sound itself)", ylabel="digits known (share)", ylim=(0, 1), xticks=(0, *_LAYERS))
    ax.legend(frameon=False, fontsize=7)
    return ax.figure  # type: ignore[no-any-return]


Curve = Mapping[float, np.ndarray]
"""Values of runs, by what they are drawn over."""


def _heard(found: Found, column: str, start: str) -> Curve:
    data = LARGE if found.rows("heard", data=LARGE) else FREE
    return _by_layer(found, "heard", column, data=data, start=start)


def _by_layer(found: Found, table: str, column: str, **where: object) -> Curve:
    return _grouped(found.rows(table, **where), "layer", column)


def _grouped(rows: Sequence[Mapping[str, object]], over: str, column: str) -> Curve:
    groups: dict[float, list[float]] = {}
    number: Callable[[object], float] = lambda value: float("nan") if value is None else float(value)  # type: ignore[arg-type]  # noqa: E731
    for row in rows:
        groups.setdefault(number(row[over]), []).append(number(row[column]))
    return {key: np.array(groups[key]) for key in sorted(groups)}


def _curve(ax: Axes, number: int, curve: Curve, label: str, *, dashed: bool = False) -> None:
    """The mean over runs, with the 95 % interval as a band where there are several."""
    if not curve:
        return
    colour, line = LINE_STYLES[number % len(LINE_STYLES)]
    at = np.array(list(curve))
    means, lows, highs = np.array([[float(one) for one in mean_interval(values)] for values in curve.values()]).T
    ax.plot(at, means, "--" if dashed else line, color=colour, linewidth=0.9, label=label)
    if np.isfinite(lows).all():
        ax.fill_between(at, lows, highs, color=colour, alpha=0.15, linewidth=0)
