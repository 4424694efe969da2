"""A relevance by segments and labels: parts that sum to the whole."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.dsp.portions import sums_within
from otoscope.dsp.shares import shares_of
from otoscope.errors import InputError
from otoscope.methods.segment_axes import Placed, segment_axes
from otoscope.results import variable

_QUANTITIES = ("relevance", "energy", "loss", "share", "input_share", "time_share")
OF_SEGMENTS = tuple(f"segment_{name}" for name in _QUANTITIES)
_OF = {"segment": "a segment", "label": "the segments of a label"}
OF_LABELS = tuple(f"label_{name}" for name in _QUANTITIES)


def in_segments(result: xr.Dataset, placed: Placed, form: str) -> xr.Dataset:
    """What of a relevance lies in each segment, and in all of a label, and in none.

    Parameters
    ----------
    result : Dataset
        With `relevance` and `input` (clip, ..., time), and, of a weighted sound, `time_relevance` (clip, time).
    placed : Placed
    form : {"product", "gradient", "weighted sound"}
        Of the rule.

    Returns
    -------
    Dataset
        Over `segment`, and over `segment_label` with "(outside)": of a product the sum as `segment_relevance` and
        `label_relevance`, of a gradient the energy as `segment_energy` and `label_energy`; `segment_share` and
        `label_share` of the whole, NaN where a product sums to 0, beside the shares of the energy of the input and of
        time. Of a weighted sound the mean loss, as `segment_loss` and `label_loss`, which has no share.

    Raises
    ------
    InputError
        If the rule says nothing of time.
    """
    signal = result["relevance"].values.astype(np.float64)
    of = [str(dim) for dim in result["relevance"].dims if dim != "time"]
    made = xr.Dataset(coords=segment_axes(placed.segments))
    for kind, dims, gather in (("segment", "segment", _of_segments), ("label", "segment_label", _of_labels)):
        within, whole = gather(np.ones(signal.shape), placed)
        parts = {"time_share": (shares_of(within, whole), "share of the time")}
        if form == "weighted sound":
            losses, _ = gather(_loss(result, signal.shape), placed)
            parts["loss"] = shares_of(losses, within), "mean of what the output loses without its moments"
        else:
            name, values = ("relevance", signal) if form == "product" else ("energy", signal**2)
            sums, total = gather(values, placed)
            what = "sum of the relevance" if form == "product" else "energy of the relevance"
            share = shares_of(sums, total, np.abs(values).sum(-1, keepdims=True))
            parts |= {name: (sums, what), "share": (share, f"share of the {what}")}
        sound, total = gather(result["input"].values.astype(np.float64) ** 2, placed)
        parts["input_share"] = shares_of(sound, total), "share of the energy of the input"
        for name, (found, what) in parts.items():
            made[f"{kind}_{name}"] = variable([*of, dims], found, f"{what}, of {_OF[kind]}")
    return made


def _of_segments(values: np.ndarray, placed: Placed) -> tuple[np.ndarray, np.ndarray]:
    """Sums of a signal (..., time) over each segment, and over all of it, (..., 1)."""
    within, outside = sums_within(values, placed.bounds)
    each = placed.by_segment(within)
    return each, each.sum(-1, keepdims=True) + outside[..., None]


def _of_labels(values: np.ndarray, placed: Placed) -> tuple[np.ndarray, np.ndarray]:
    """The same of the segments of each label, and of what is outside as one more."""
    within, outside = sums_within(values, placed.bounds)
    each = np.concatenate([placed.by_label(placed.by_segment(within)), outside[..., None]], axis=-1)
    return each, each.sum(-1, keepdims=True)


def _loss(result: xr.Dataset, shape: tuple[int, ...]) -> np.ndarray:
    """What the output loses without each moment, as of every channel of the sound."""
    if "time_relevance" not in result:
        raise InputError(
            f"the rule {result.attrs.get('rule')} says nothing of time, so that there is no relevance of segments: "
            "choose another one, such as occlusion or gradient_x_input"
        )
    loss = result["time_relevance"].values.astype(np.float64)
    loss = loss if loss.ndim == len(shape) else loss[:, None]
    return np.broadcast_to(loss, shape)
