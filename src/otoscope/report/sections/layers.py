"""Scores by layer: the residual study with its sounds, and the importance of layers."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from otoscope import plots
from otoscope.report.html import Figure, Item, Note, Player, Section, Table
from otoscope.report.sections.parts import CAUTION, SONIFICATION, blank, made


def residual(result: xr.DataArray) -> Section:
    """What is left of one sound without the most active map of each layer."""
    rate = int(result.attrs["sample_rate"])
    body: list[Item] = [Note(CAUTION)]
    for one in result:
        layer = str(one["layer"].item())
        with blank(2.1, half=True) as (picture, ax):
            plots.residual(one.expand_dims("layer"), [ax])
        player = Player(f"Without map {int(one['channel'])} of {layer}", one.values, rate)
        body.append(Figure(picture, f"Spectrogram of the residual of layer {layer}", player=player, half=True))
    return Section(
        "Residual sounds",
        "The sound less the sonification of the most active map of each layer: what the map responds to is taken out, "
        "as loud as the loudest sample of the sound.",
        f"{SONIFICATION}, section 6.2",
        made(result),
        body,
    )


def residual_study(result: xr.Dataset) -> Section:
    """How much worse the model does on residuals, by layer."""
    with blank(2.8) as (picture, ax):
        plots.residual_study(result, ax)
    metric = str(result.attrs["metric"])
    compared = "the model's own answers on the whole sounds" if metric == "agreement" else "the labels"
    over = f"{result.attrs['models']} models" if int(result.attrs["models"]) > 1 else "clips"
    columns = ["score", "score_low", "score_high", "change", "change_low", "change_high", "agreement"]
    rows: list[list[object]] = [
        [str(name), *(_number(result[column].values[i]) for column in columns)]
        for i, name in enumerate(result["layer"].values)
    ]
    headings = ["layer", metric, "from", "to", "change", "from", "to", "same answer"]
    return Section(
        "Residual study",
        f"The {metric} (against {compared}) on {int(result.attrs['clips'])} sounds without what the most active map "
        "of a layer responds to. Where it falls far below that on the whole sounds, what was taken out mattered.",
        f"{SONIFICATION}, section 6.2",
        made(result),
        [
            Figure(picture, f"The {metric} on residuals of each layer, and on the whole sounds"),
            Table(headings, rows, f"On the whole sounds {float(result['baseline']):.3g}. Bounds are 95 % over {over}."),
        ],
    )


def layer_importance(result: xr.Dataset | Mapping[str, xr.Dataset]) -> Section:
    """Accuracy of a linear classifier behind each layer."""
    named = {"": result} if isinstance(result, xr.Dataset) else result
    with blank(2.8) as (picture, ax):
        plots.layer_importance(result, ax)
    tables = [_importance_table(name, one) for name, one in named.items()]
    return Section(
        "Importance of layers",
        "How well a linear classifier tells the classes from the maps of a layer, each averaged over time: what is "
        "known there, and how much every further layer adds.",
        f"{SONIFICATION}, section 6.1",
        made(next(iter(named.values()))),
        [Figure(picture, "Accuracy of a linear classifier behind each layer"), *tables],
    )


def _importance_table(name: str, result: xr.Dataset) -> Table:
    rows: list[list[object]] = [
        [
            str(layer.item()),
            int(result["features"][i]),
            *(_number(result[of].values[i]) for of in ("mean", "low", "high")),
        ]
        for i, layer in enumerate(result["layer"])
    ]
    caption = (
        f"{name + ': ' if name else ''}{result.sizes['run']} runs, {result.attrs['train']} sounds to train on and "
        f"{result.attrs['test']} to test on; bounds are 95 % over runs."
    )
    return Table(["layer", "features", "accuracy", "from", "to"], rows, caption)


def _number(value: float) -> float | None:
    return None if value != value else float(f"{value:.4g}")  # NaN is not itself
