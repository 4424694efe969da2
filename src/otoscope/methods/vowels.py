"""How often F0, F1 and F2 of a vowel, measured in its relevance signal, are what they are known to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import length_hint
from typing import Any, NamedTuple, Protocol

import numpy as np
import xarray as xr
from torch import nn

from otoscope.dsp.scores import share_interval
from otoscope.dsp.voice import formant_range, formants, over_voiced, pitch
from otoscope.errors import InputError
from otoscope.methods.autocorrelation import SIGNALS
from otoscope.methods.relevance import Target, relevance
from otoscope.probe import Rule, rule_name
from otoscope.results import axis, sign, variable

_SOURCE = "Muckenhirn et al. 2019, section 4.2.2 and Table 2"

MEASURES = ("F0", "F1", "F2")
"""What is measured, in the order of the dimension `measure`."""

CONTEXT = 10
"""Frames around the one at the steady state whose mean is taken with it, 10 ms apart."""


class Voice(NamedTuple):
    """Where the F0 and the formants of a group of talkers are sought, in Hz."""

    floor: float
    ceiling: float
    maximum: float


VOICES: dict[str, Voice] = {
    "men": Voice(75, 300, 5000),
    "women": Voice(100, 500, 5500),
    "boys": Voice(150, 600, 6000),
    "girls": Voice(150, 600, 6000),
    "children": Voice(150, 600, 6000),
}
"""Range of F0 and the frequency below which there are five formants, by group.

A uniform tube of 17.5 cm has five resonances below 5000 Hz; in shorter tracts they lie higher. 5000 Hz for men and
5500 Hz for women are what the manual of Praat advises; its 8000 Hz for young children is for shorter tracts than those
of the children of ten to twelve years whom Hillenbrand et al. measured, for whom 6000 Hz continues the row.
"""


class VowelToken(Protocol):
    """A vowel with what is known of it, as :class:`otoscope.data.aev.Token`; `clip` as the model takes it."""

    @property
    def name(self) -> str: ...
    @property
    def vowel(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def known(self) -> Sequence[float]: ...
    @property
    def deviation(self) -> Sequence[float]: ...
    @property
    def centre(self) -> float: ...
    @property
    def clip(self) -> Any: ...


def vowel_protocol(
    model: nn.Module,
    tokens: Iterable[VowelToken],
    *,
    sample_rate: float,
    target: Target | None = None,
    rule: str | Rule = "guided",
    classes: Sequence[str] | None = None,
    voices: Mapping[str, Voice] = VOICES,
    pre_emphasis: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Share of vowels whose F0, F1 and F2 in the relevance signal are within a deviation of what is known of them.

    Parameters
    ----------
    model : nn.Module
        Any module on waveforms.
    tokens : iterable of tokens
        Each with a `name`, `vowel`, `group`, the `known` F0, F1 and F2 in Hz (NaN where unknown), their `deviation`
        over the talkers of the group in Hz, the time `centre` of the steady state in s, and the `clip`, a Tensor
        (1, ..., time) as the model takes it.
    sample_rate : float
        In Hz.
    target, rule, classes
        Of the relevance, see :func:`otoscope.methods.relevance`.
    voices : mapping of str to Voice
        Where F0 and formants are sought, by group. They are the same for every token of a group.
    pre_emphasis : float, optional
        Before formants are sought, from this frequency in Hz on, see :func:`otoscope.dsp.voice.formants`.
    progress : callable, optional
        Called as ``progress(done, total)``; the total is 0 where it is not known.

    Returns
    -------
    Dataset
        Over `signal` (relevance, and the input itself for comparison), `group`, `vowel` and `measure` (F0, F1, F2):
        `share` of the tokens whose value is right, with the bounds `low` and `high` of its 95 % interval, and the
        `count` of tokens whose value is known. Over `token`: what was `measured` (signal, token, measure), `known` and
        `deviation` (token, measure), all in Hz, and the `target` explained. What could not be measured is NaN and
        counts as wrong.

    Raises
    ------
    InputError
        If there are no tokens, a group has no voice, parselmouth is not installed, and as
        :func:`otoscope.methods.relevance`.

    Notes
    -----
    A value :math:`\hat F` is right where :math:`|\hat F - F| \le \Delta`, with the F of the token and the deviation
    :math:`\Delta` of its vowel and group. F0 and formants are those of Praat, averaged over the frame at the steady
    state and ten around it. The paper finds formants by linear prediction of order 16 at 16 kHz for all voices; here
    it is of order 11 below the `maximum` of the group: five formants, and a pole for the slope of the spectrum.
    Intervals by Wilson's score.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from torch import Tensor
    >>> from otoscope import load
    >>> from otoscope.data.aev import vowel_tokens
    >>> tokens = [replace(one, clip=Tensor(one.clip.values)[None, None]) for one in vowel_tokens(limit=2)]
    >>> result = vowel_protocol(load("vowel-name"), tokens, sample_rate=16_000)
    >>> result.share.dims
    ('signal', 'group', 'vowel', 'measure')
    """
    total, rows, measured = length_hint(tokens), [], []
    for token in tokens:
        if token.group not in voices:
            raise InputError(f"{token.name} is of the group {token.group!r}; voices are known of {', '.join(voices)}")
        found = relevance(model, token.clip, sample_rate=sample_rate, target=target, rule=rule, classes=classes)
        both = (found["input"].values[0], found["signal"].values[0])
        voice = voices[token.group]
        measured.append([measure_vowel(one, sample_rate, token.centre, voice, pre_emphasis) for one in both])
        # The sound itself is let go, so that memory does not grow with the data set.
        rows.append((token.name, token.group, token.vowel, found.attrs["target"], token.known, token.deviation))
        if progress:
            progress(len(rows), total)
    if not rows:
        raise InputError("there are no vowels to measure: give at least one token")
    names, group, vowel, explained, known, deviation = (np.array(column) for column in zip(*rows, strict=True))
    by_token = xr.Dataset(
        {
            "measured": variable(
                ["signal", "token", "measure"], np.stack(measured, axis=1), "measured frequency", "Hz"
            ),
            "known": variable(["token", "measure"], known, "known frequency", "Hz"),
            "deviation": variable(["token", "measure"], deviation, "deviation over talkers", "Hz"),
            "target": variable(["token"], explained, "output that was explained"),
        },
        coords={
            "signal": axis("signal", list(SIGNALS), "signal"),
            "measure": axis("measure", list(MEASURES), "measure"),
            "token": axis("token", names, "token"),
            "token_group": axis("token", group, "group of talkers"),
            "token_vowel": axis("token", vowel, "vowel"),
        },
    )
    groups = [name for name in voices if name in group]
    result = by_token.merge(shares(by_token, groups, sorted(set(vowel.tolist()))))
    result.attrs.update(sample_rate=sample_rate, rule=rule_name(rule))
    used = {name: list(voices[name]) for name in groups}
    return sign(
        result, "vowel_protocol", _SOURCE, target=target, rule=rule_name(rule), voices=used, pre_emphasis=pre_emphasis
    )


def measure_vowel(
    signal: np.ndarray, sample_rate: float, centre: float, voice: Voice, pre_emphasis: float | None = None
) -> np.ndarray:
    """F0, F1 and F2 in Hz at a time in s; NaN where there is no voice, or no room for the formant below half the rate.

    Parameters
    ----------
    signal : numpy.ndarray, (time,)
    sample_rate : float
        In Hz; where half of it lies below the voice's maximum, formants are sought up to there.
    centre : float
        In s.
    voice : Voice
    pre_emphasis : float, optional
        Before formants are sought, in Hz, see :func:`otoscope.dsp.voice.formants`.

    Returns
    -------
    numpy.ndarray, (3,)

    Raises
    ------
    InputError
        If parselmouth is not installed or the signal is too short for the floor of F0.
    """
    f0, times = pitch(signal, sample_rate, voice.floor, voice.ceiling)
    maximum, count = formant_range(sample_rate, voice.maximum)
    found, formant_times = formants(signal, sample_rate, maximum, count, pre_emphasis=pre_emphasis)
    found = np.pad(found[:2], [(0, max(0, 2 - len(found))), (0, 0)], constant_values=np.nan)
    return np.array([_around(f0, times, centre), *_around(found, formant_times, centre)])


def shares(by_token: xr.Dataset, groups: Sequence[str], vowels: Sequence[str]) -> xr.Dataset:
    """Share of tokens that are right by group and vowel, from what was measured in each of them.

    Parameters
    ----------
    by_token : Dataset
        With `measured`, `known` and `deviation`, as :func:`vowel_protocol` returns them.
    groups, vowels : sequence of str
        In the order wanted.

    Returns
    -------
    Dataset
        `share`, `low`, `high` and `count`, over (signal, group, vowel, measure).
    """
    is_known = by_token["known"].notnull().values
    right = (abs(by_token["measured"] - by_token["known"]) <= by_token["deviation"]).values  # False where it is NaN
    group, vowel = by_token["token_group"].values, by_token["token_vowel"].values
    cells = [[(group == one) & (vowel == other) for other in vowels] for one in groups]
    hits = np.stack([[right[:, cell].sum(1) for cell in row] for row in cells]).transpose(2, 0, 1, 3)
    counts = np.broadcast_to([[is_known[cell].sum(0) for cell in row] for row in cells], hits.shape)
    dims = ["signal", "group", "vowel", "measure"]
    with np.errstate(invalid="ignore", divide="ignore"):
        share, (low, high) = hits / counts, share_interval(hits, counts)  # NaN where nothing is known
    return xr.Dataset(
        {
            "share": variable(dims, share, "share of tokens within a deviation of the known value"),
            "low": variable(dims, low, "lower bound of the 95 % interval of the share"),
            "high": variable(dims, high, "upper bound of the 95 % interval of the share"),
            "count": variable(dims, counts, "tokens whose value is known"),
        },
        coords={
            "group": axis("group", list(groups), "group of talkers"),
            "vowel": axis("vowel", list(vowels), "vowel"),
        },
    )


def _around(contour: np.ndarray, times: np.ndarray, centre: float) -> np.ndarray:
    """Mean of the frames nearest to a time."""
    nearest = np.argsort(np.abs(times - centre), kind="stable")[: CONTEXT + 1]
    return over_voiced(contour[..., nearest])
