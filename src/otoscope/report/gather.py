"""Every method on one sound, for the report and the folder of an inspection."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.methods.aliasing import aliasing
from otoscope.methods.autocorrelation import autocorrelation
from otoscope.methods.crs import crs
from otoscope.methods.data_flow import data_flow
from otoscope.methods.f_vowel import f_vowel
from otoscope.methods.filters import filters
from otoscope.methods.frame_response import frame_response
from otoscope.methods.geometry import geometry
from otoscope.methods.relevance import RelevanceRule, check_rule, relevance
from otoscope.methods.sonify import sonify
from otoscope.methods.strs import strs
from otoscope.methods.voice import voice
from otoscope.methods.wigner import wigner
from otoscope.probe import Trace
from otoscope.probe.blocks import block_ends
from otoscope.probe.first import first_layer, named_bank
from otoscope.subject import Subject
from otoscope.types import Target, Wave

Progress = Callable[[str, int, int], None]

_MOST_FRAMES = 2000


@dataclass
class Found:
    """What was found about one sound.

    Attributes
    ----------
    clip : DataArray
        The sound at the rate of the model.
    taps : Trace
    results : dict
        By method; "relevance" by rule and "sonify" by layer. A method that does not apply is absent.
    notes : list of str
        Why a method is absent, and what else a reader should know.
    """

    clip: xr.DataArray
    taps: Trace
    results: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def by_file(self) -> dict[str, xr.Dataset]:
        """Every result by the name of its file."""
        files = {name: result for name, result in self.results.items() if isinstance(result, xr.Dataset)}
        files |= {f"relevance_{rule}": one for rule, one in self.results.get("relevance", {}).items()}
        return files | {f"sonify_{layer}": one for layer, one in self.results.get("sonify", {}).items()}


def gather(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
    layer: str | Sequence[str] | None = None,
    rule: RelevanceRule = "guided",
    n_maps: int = 3,
    progress: Progress | None = None,
) -> Found:
    """Run every method on one sound.

    What the user asked for by an option has to work; the reason why anything else does not becomes a note.
    """
    clip = subject.clip(wave)
    if clip.ndim != 1:
        raise InputError("inspect takes one clip at a time")
    check_rule(rule)
    if n_maps < 1:
        raise InputError(f"n_maps has to be 1 or more, not {n_maps}")
    taps = subject.taps(clip)
    asked = [layer] if isinstance(layer, str) else layer
    layers = sonified(taps, asked) if asked else spread(taps)
    bank = named_bank(taps, asked or ())
    found = Found(clip, taps, notes=_notes(subject, clip))
    rules = dict.fromkeys((rule, "gradient"))
    steps: dict[str, tuple[str, Callable[[], Any]]] = {
        "relevance": (
            "the relevance",
            lambda: {one: relevance(subject, clip, target=target, rule=one) for one in rules},
        ),
        "autocorrelation": ("the autocorrelation", lambda: autocorrelation(subject, clip, target=target)),
        "voice": ("the voice", lambda: voice(subject, clip, target=target)),
        "crs": ("the cumulative response spectrum", lambda: crs(subject, clip, layer=bank)),
        "strs": (
            "the response spectra",
            lambda: strs(subject, clip, layer=bank, hop=_hop_for_pictures(subject, clip, bank)),
        ),
        "sonify": (
            "the sonifications",
            lambda: {name: sonify(subject, clip, layer=name, n_maps=n_maps) for name in layers},
        ),
        "filters": ("the filters", lambda: filters(subject, layer=bank)),
        "frame_response": ("the response to one frame", lambda: frame_response(subject, clip, layer=bank)),
        "f_vowel": ("the filters that fire most", lambda: f_vowel(subject, clip, layer=bank)),
        "geometry": ("the geometry", lambda: geometry(subject)),
        "data_flow": ("the data flow", lambda: data_flow(subject, clip)),
        "aliasing": ("the aliasing", lambda: aliasing(subject, clip)),
        "wigner": ("the Wigner-Ville distribution", lambda: wigner(subject, layer=bank)),
    }
    wanted = {"relevance": target is not None or rule != "guided", "sonify": bool(asked)}
    absent: dict[str, list[str]] = {}  # by the reason
    for done, (name, (what, run)) in enumerate(steps.items()):
        if progress:
            progress(name.replace("_", " "), done, len(steps) + 1)
        try:
            found.results[name] = run()
        except InputError as error:
            if wanted.get(name):
                raise
            absent.setdefault(str(error), []).append(what)
    found.notes += [f"Not shown: {', '.join(what)}, since {reason}" for reason, what in absent.items()]
    if progress:
        progress("writing", len(steps), len(steps) + 1)
    return found


def sonified(taps: Trace, names: Sequence[str]) -> list[str]:
    """The taps of these names; of a layer of several convolutions, which is none itself, all of them."""
    layers = {layer.name: [tap.name for tap in layer.taps] for layer in taps.layers}
    found = [layers[name] if name in layers and name not in taps else [taps.resolve(name)] for name in names]
    return list(dict.fromkeys(name for one in found for name in one))


def spread(taps: Trace, count: int = 3) -> list[str]:
    """The ends of `count` blocks in time, from the first to the last."""
    ends = [name for name in block_ends(taps) if taps[name].time_axis is not None]
    picks = np.linspace(0, len(ends) - 1, min(count, len(ends))).round().astype(int)
    return [ends[i] for i in picks]


def _notes(subject: Subject, clip: xr.DataArray) -> list[str]:
    notes = []
    if getattr(subject.model, "weights_source", "unknown") is None:
        notes.append("The weights are random: the pictures show what the architecture does without training.")
    notes += filter(None, [fit_note(subject, clip)])
    return notes


def fit_note(subject: Subject, clip: xr.DataArray, name: str | None = None) -> str | None:
    """What was done to a sound so that the model, of that name, could take it."""
    contract, taken = subject.contract, subject.inputs(clip).shape[-1]
    if taken == clip.sizes["time"]:
        return None
    filled = "repeated" if contract.padding == "repeat" else "filled up with zeros"
    how = "cut" if taken < clip.sizes["time"] else filled
    takes = "takes" if contract.length else "was trained on" if taken == contract.trained_length else "takes at least"
    length = f"{taken} samples ({taken / subject.sample_rate:.3g} s)"
    return f"{name or subject.name} {takes} {length}: the sound was {how} to that length."


def _hop_for_pictures(subject: Subject, clip: xr.DataArray, layer: str | None) -> int:
    """A multiple of the stride that gives no more frames than a picture can show."""
    inputs = subject.inputs(clip)
    first = first_layer(subject.network, inputs, subject.sample_rate, layer)
    frames = inputs.shape[-1] / (first.hop * first.stride)
    return first.stride * max(1, math.ceil(frames / _MOST_FRAMES))
