"""The examples of the figures: single sounds with their relevance signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from otoscope.data.aev import vowel_tokens
from otoscope.methods.autocorrelation import autocorrelation
from otoscope.methods.relevance import relevance
from otoscope.methods.voice import voice
from otoscope.methods.vowels import VOICES
from otoscope.models import load
from otoscope.studies.inputs import File
from otoscope.studies.relevance.heard import GROUPS, Heard, clip_of, heard_by, loudest, vowel_heard
from otoscope.studies.step import Outcome, Work
from otoscope.subject import Subject

VOWEL = "ah"
_DRAWN = {
    "relevance": ("input", "relevance"),
    "autocorrelation": ("autocorrelation", "start", "stop"),
    "voice": ("waveform", "f0", "spectrum", "lp_spectrum", "envelope", "median_formants", "start", "stop"),
}


def speech(work: Work) -> Outcome:
    """Fig. 3 and 6: a piece of speech, its relevance signal for the speaker, its autocorrelation and F0."""
    subject = Subject(load(str(work.model())))
    heard = next(iter(heard_by(work)))
    clip = clip_of(Heard(heard.name, heard.label, loudest(heard.wave)))
    found = {
        "relevance": relevance(subject, clip),
        "autocorrelation": autocorrelation(subject, clip, segment_duration=0.05),
        "voice": voice(subject, clip, ceiling=400),
    }
    return Outcome([{"sound": heard.name}], {name: _kept(name, one) for name, one in found.items()})


def vowel(work: Work) -> Outcome:
    """Fig. 4 and 5: the vowel /ah/ of a man and a woman, and its relevance signal.

    The speaker network has heard nothing above 4 kHz, and so hears nothing above it here.
    """
    subject = Subject(load(str(work.model())))
    results: dict[str, xr.Dataset] = {}
    folder = work.data.path(work.step.inputs[0])
    place = folder.parent if isinstance(work.step.inputs[0], File) else folder
    rows = []
    for group in GROUPS:
        token = next(one for one in vowel_tokens(place, groups=(group,)) if one.vowel == VOWEL)
        clip = clip_of(vowel_heard(token), work.arguments["highest"])
        heard = VOICES[group]
        found = voice(
            subject, clip, floor=heard.floor, ceiling=heard.ceiling, maximum=heard.maximum, segment_duration=0.1
        )
        results[group] = _kept("voice", found)
        rows.append({"group": group, "vowel": token.name})
    return Outcome(rows, results)


def _kept(name: str, found: xr.Dataset) -> xr.Dataset:
    """What is drawn of a result, in single precision; the times of samples follow from the rate."""
    kept = found[list(_DRAWN[name])].drop_vars("time", errors="ignore")
    values: Mapping[str, Any] = {
        str(key): one.astype(np.float32) for key, one in kept.data_vars.items() if one.dtype == np.float64
    }
    result: xr.Dataset = kept.assign(values)
    return result
