"""Tuning curves of the maps that a run has, measured with the model that was swept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from otoscope.errors import InputError
from otoscope.methods.tuning import LEVELS, tuning
from otoscope.optional import needs
from otoscope.runs.run import Run
from otoscope.subject import Subject

if TYPE_CHECKING:
    import pandas as pd

Report = Callable[[int, int], None]

QUANTITIES = ("best_frequency", "width", "exponent", "threshold", "best_rate", "best_modulation_gain")


def tuned(run: Run, model: Subject, layers: Iterable[str], progress: Report | None = None) -> pd.DataFrame:
    """What the maps of some layers are tuned to.

    Parameters
    ----------
    run : Run
    model : Subject
        The model that was swept.
    layers : iterable of str
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of layers.

    Returns
    -------
    DataFrame
        `layer`, `channel`, and what :func:`otoscope.methods.tuning.tuning` says of each map.

    Raises
    ------
    InputError
        If the model has other weights than the one that was swept.
    """
    pandas = needs("pandas", extra="sweep", purpose="a description")
    if model.digest != run.info["model"]["sha256"]:
        raise InputError(
            f"{model.name} is not the model that was swept into {run.folder}: its weights are {model.digest}, "
            f"and those of {run.info['model']['name']} were {run.info['model']['sha256']}; give that model"
        )
    names, parts = list(dict.fromkeys(layers)), []
    for done, layer in enumerate(names, start=1):
        found = tuning(model, layer=layer)
        numbers = {name: found[name].values for name in QUANTITIES}
        parts.append(pandas.DataFrame({"layer": layer, "channel": np.arange(found.sizes["channel"]), **numbers}))
        if progress:
            progress(done, len(names))
    table: pd.DataFrame = pandas.concat(parts, ignore_index=True)
    return table


def tuned_words(one: Mapping[str, Any]) -> str:
    """What a map is tuned to, in words.

    Examples
    --------
    >>> one = {"best_frequency": 445.0, "width": 0.52, "exponent": 0.98, "threshold": -42.0}
    >>> one |= {"best_rate": 4.0, "best_modulation_gain": 1.1}
    >>> tuned_words(one | {"best_rate": float("nan")})
    'tones of 445 Hz (0.5 octaves), grows with level to the power of 0.98 above -42 dB'
    >>> tuned_words(one | {"best_frequency": float("nan"), "threshold": -60.0})
    'grows with level to the power of 0.98, follows modulation at 4 Hz (gain 1.1)'
    """
    said = []
    if np.isfinite(one["best_frequency"]):
        said.append(f"tones of {one['best_frequency']:.0f} Hz ({one['width']:.1f} octaves)")
    if np.isfinite(one["exponent"]):
        above = f" above {one['threshold']:.0f} dB" if one["threshold"] > min(LEVELS) else ""
        said.append(f"grows with level to the power of {one['exponent']:.2f}{above}")
    if np.isfinite(one["best_rate"]):
        said.append(f"follows modulation at {one['best_rate']:.0f} Hz (gain {one['best_modulation_gain']:.1f})")
    return ", ".join(said) or "no answer to tones or noise"
