"""How far integrated gradients are from what they sum to by their definition."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.results import variable

_MUCH = 0.05  # of what the relevance is to sum to
_ROUNDING = 1e-5  # of the sum of its magnitudes


def completeness(result: xr.Dataset) -> dict[str, xr.Variable]:
    """The output less that for silence and less the sum of the relevance, `completeness_gap` (clip).

    Parameters
    ----------
    result : Dataset
        With relevance (clip, ..., time), logit or score, and, of integrated gradients, baseline_logit (clip).

    Returns
    -------
    dict of Variable
        Empty of other rules.
    """
    if "baseline_logit" not in result:
        return {}
    gap = _expected(result) - _over_clips(result["relevance"])
    return {"completeness_gap": variable(["clip"], gap, "output less that for silence and less the relevance")}


def incomplete(result: xr.Dataset) -> str | None:
    """What a result says whose gap is over 5 % of what the relevance is to sum to; None of any other."""
    if "completeness_gap" not in result:
        return None
    gap, expected = result["completeness_gap"].values, _expected(result)
    small = _ROUNDING * _over_clips(abs(result["relevance"]))
    large = np.abs(gap) > np.maximum(_MUCH * np.abs(expected), small)
    if not large.any():
        return None
    each = np.abs(np.divide(gap, expected, out=np.full(gap.shape, np.inf), where=expected != 0))
    worst = int(np.where(large, each, -1).argmax())
    return (
        f"the relevance sums to {expected[worst] - gap[worst]:.3g} where the output changes by {expected[worst]:.3g} "
        "from silence to the sound: take more steps, or, if that does not help, the model normalises the level of the "
        "sound, so that its output changes next to silence, where no step is"
    )


def _expected(result: xr.Dataset) -> np.ndarray:
    value = result["logit" if "logit" in result else "score"]
    return np.asarray(value.values.astype(np.float64) - result["baseline_logit"].values)


def _over_clips(values: xr.DataArray) -> np.ndarray:
    return np.asarray(values.astype(np.float64).sum([dim for dim in values.dims if dim != "clip"]))
