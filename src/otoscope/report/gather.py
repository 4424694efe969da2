"""Every method on one sound, for the report and the folder of an inspection."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.methods.relevance import RELEVANCE_RULES
from otoscope.probe import Trace
from otoscope.probe.blocks import block_ends

if TYPE_CHECKING:
    from otoscope.scope import Scope

Progress = Callable[[str, int, int], None]

_MOST_FRAMES = 2000

#: Methods on one sound that need no options, by their name: how a note calls them, and how they are run.
PLAIN: dict[str, tuple[str, Callable[[Scope, Any], Any]]] = {
    "filters": ("The filters", lambda scope, wave: scope.filters()),
    "frame_response": ("The response to one frame", lambda scope, wave: scope.frame_response(wave)),
    "f_vowel": ("The filters that fire most", lambda scope, wave: scope.f_vowel(wave)),
    "geometry": ("The geometry", lambda scope, wave: scope.geometry()),
    "data_flow": ("The data flow", lambda scope, wave: scope.data_flow(wave)),
    "aliasing": ("The aliasing", lambda scope, wave: scope.aliasing(wave)),
    "wigner": ("The Wigner-Ville distribution", lambda scope, wave: scope.wigner()),
}
_STEPS = ("taps", "relevance", "voice", "response spectra", "sonification", *PLAIN, "writing")


def gather(
    scope: Scope,
    wave: Any,
    *,
    target: Any = None,
    layers: Sequence[str] | None = None,
    rule: str = "guided",
    top: int = 3,
    progress: Progress | None = None,
) -> tuple[xr.DataArray, dict[str, Any], Trace, list[str]]:
    """Run every method on one sound.

    Returns
    -------
    clip : DataArray
    results : dict
        By method; "relevance" by rule and "sonify" by layer. A method that does not apply is absent.
    trace : Trace
    notes : list of str
        Why a method is absent, and what else a reader should know.
    """
    clip = scope.clip(wave)
    if clip.ndim != 1:
        raise InputError("inspect takes one clip at a time")
    if rule not in RELEVANCE_RULES:
        raise InputError(f"unknown rule {rule!r}; the rules are {', '.join(RELEVANCE_RULES)}")
    if top < 1:
        raise InputError(f"top has to be 1 or more, not {top}")
    notes = _notes(scope, clip)
    results: dict[str, Any] = {}
    tell(progress, "taps")
    trace = scope.taps(wave)
    chosen = [trace.resolve(layer) for layer in layers] if layers else spread(trace)
    tell(progress, "relevance")
    with _noted(notes, "Relevance", always=target is not None or rule != "guided"):
        rules = dict.fromkeys((rule, "gradient"))
        results["relevance"] = {name: scope.relevance(wave, target, name) for name in rules}
    tell(progress, "voice")
    with _noted(notes, "The periodicity"):
        results["autocorrelation"] = scope.autocorrelation(wave, target)
    with _noted(notes, "The voice"):
        results["voice"] = scope.voice(wave, target)
    tell(progress, "response spectra")
    with _noted(notes, "The response spectra"):
        results["crs"] = scope.crs(wave)
        results["strs"] = scope.strs(wave, hop=_hop_for_pictures(scope, wave, trace))
    tell(progress, "sonification")
    with _noted(notes, "The sonifications", always=bool(layers)):
        results["sonify"] = {name: scope.sonify(wave, name, top=top) for name in chosen}
    for method, (what, run) in PLAIN.items():
        tell(progress, method)
        with _noted(notes, what):
            results[method] = run(scope, wave)
    return clip, results, trace, notes


def spread(trace: Trace, count: int = 3) -> list[str]:
    """The ends of `count` blocks in time, from the first to the last."""
    ends = [name for name in block_ends(trace) if trace[name].time_axis is not None]
    picks = np.linspace(0, len(ends) - 1, min(count, len(ends))).round().astype(int)
    return [ends[i] for i in picks]


def tell(progress: Progress | None, step: str) -> None:
    """Say which step of an inspection begins."""
    if progress:
        progress(step, _STEPS.index(step), len(_STEPS))


def _notes(scope: Scope, clip: xr.DataArray) -> list[str]:
    notes = []
    if getattr(scope.model, "weights_source", "unknown") is None:
        notes.append("The weights are random: the pictures show the architecture, not what a training taught it.")
    length = scope.input_length
    if length and clip.size < length:
        notes.append(f"The model takes {length} samples: the sound was {scope.padding} to that length.")
    elif length and clip.size > length:
        notes.append(f"The model takes {length} samples: the sound was cut to that length.")
    return notes


@contextmanager
def _noted(notes: list[str], what: str, always: bool = False) -> Iterator[None]:
    """Turn the reason why a method does not apply into a note, unless the user asked for it by an option."""
    try:
        yield
    except InputError as error:
        if always:
            raise
        notes.append(f"{what}: not shown, since {error}")


def _hop_for_pictures(scope: Scope, wave: Any, trace: Trace) -> int:
    """A multiple of the stride that gives no more frames than a picture can show."""
    stride = max(trace.first_layer().taps[0].stride)
    frames = scope.inputs(wave).shape[-1] / stride
    return stride * max(1, math.ceil(frames / _MOST_FRAMES))
