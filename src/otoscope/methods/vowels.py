"""How often F0, F1 and F2 of a vowel, measured in its relevance signal, are what they are known to be."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import length_hint
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr

from otoscope.citations import cite
from otoscope.data.aev import Token, token_of, vowel_tokens
from otoscope.data.segments import Segment
from otoscope.dsp.portions import sample_bounds, sums_within
from otoscope.dsp.scores import share_interval
from otoscope.dsp.voice import formant_range, formants, over_voiced, pitch
from otoscope.errors import InputError
from otoscope.heard import joined_note, repeated
from otoscope.methods.autocorrelation import SIGNALS
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.no_relevance import NoRelevance, left_out
from otoscope.methods.relevance import in_one_channel, relevance_of
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.methods.targets import Question, as_given, as_signed
from otoscope.probe import Rule, rule_name
from otoscope.results import as_json, axis, variable
from otoscope.sounds import Clip, sounds_of
from otoscope.subject import Subject, working
from otoscope.types import Against, Data, Progress, Span, Target

Group = Literal["men", "women", "children", "boys", "girls"]

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


def percentages(result: xr.Dataset) -> list[dict[str, Any]]:
    """A row for each signal, measure and group: the shares in percent, a column each vowel, and that of all of them."""
    rows = []
    for signal in reversed(SIGNALS):
        for measure in MEASURES:
            for group in result["group"].values.tolist():
                cell = result.sel(signal=signal, measure=measure, group=group)
                shares, tokens = 100 * cell["share"].values, cell["tokens"].values
                total = int(tokens.sum())
                overall = float(np.nansum(shares * tokens)) / total if total else math.nan
                by_vowel = dict(zip(cell["vowel"].values.tolist(), shares.tolist(), strict=True))
                row = {"signal": signal, "measure": measure, "group": group}
                rows.append(row | by_vowel | {"all": overall, "tokens": total})
    return rows


def _of_clips(
    subject: Subject,
    data: Data,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    pre_emphasis: float | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Whether F0, F1 and F2 are right in each sound of a data set, of which they are known (``token_of``).

    Parameters
    ----------
    data : data set
        Its facts are those that :func:`otoscope.data.aev.token_of` reads. What follows is as in :func:`vowels`.

    Returns
    -------
    Dataset
        Over (clip, signal, measure): `clip_right`, 1 or 0, NaN where the value is not known, and `clip_measured` in Hz.
        Over (clip, signal): `clip_steady_share`.
    """
    tokens = (_token(clip) for clip in sounds_of(subject, data))
    question = Question(target, at, against, target_band)
    found = vowels_of(subject, tokens, question, rule=rule, pre_emphasis=pre_emphasis, progress=progress)
    right = (abs(found["measured"] - found["known"]) <= found["deviation"]).where(found["known"].notnull())
    dims = ["clip", "signal", "measure"]
    result = xr.Dataset(
        {
            "clip_right": variable(dims, right.transpose("token", ...).values, "within a deviation of the known value"),
            "clip_measured": variable(
                dims, found["measured"].transpose("token", ...).values, "measured frequency", "Hz"
            ),
            "clip_steady_share": variable(
                ["clip", "signal"], found["steady_share"].transpose("token", ...).values, "share in the steady state"
            ),
        },
        coords={"signal": found["signal"], "measure": found["measure"], "clip": found["token"].values},
        attrs={name: found.attrs[name] for name in ("rule", "note") if name in found.attrs},
    )
    return resolved(result, **as_given(question, subject))


def _token(clip: Clip) -> Token:
    assert clip.wave is not None
    return token_of(clip.name, clip.wave, clip.facts)


@method(
    source=cite("relevance", "section 4.2.2 and Table 2"),
    takes="model",
    rows=Rows(make=percentages),
    main="share",
    clips=Rows(("signal", "measure"), ("clip_right", "clip_measured", "clip_steady_share"), shares=("clip_right",)),
    of_clips=_of_clips,
)
def vowels(
    subject: Subject,
    *,
    recordings: str | Path | None = None,
    groups: Group | Sequence[Group] | None = None,
    limit: int | None = None,
    seed: int = 0,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    pre_emphasis: float | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Share of vowels whose F0, F1 and F2 in the relevance signal are within a deviation of what is known of them.

    Parameters
    ----------
    recordings : str or Path, optional
        A folder with ``vowdata.dat`` and, if there are recordings, ``timedata.dat``, ``men``, ``women`` and ``kids``.
        By default the folder ``aev`` in the one that the environment variable OTOSCOPE_DATA names; where there is
        none, vowels are synthesised, see :func:`otoscope.data.aev.vowel_tokens`.
    groups : str or sequence of str, optional
        Of talkers: "men", "women", "children", "boys" or "girls"; all by default.
    limit : int, optional
        At most so many vowels, as evenly over vowels and groups as can be; all by default.
    seed : int
        Of the talkers that are drawn, and of the irregularities of synthesised voices.
    target : int, str, sequence of them or callable, optional
        The output that is explained, as for the relevance; the likeliest class of each vowel by default.
    at : float or two floats, optional
        The moment or span of the output that is meant, in s, as for the relevance.
    against : int, str or wave, optional
        Another class, or for "similarity" another sound, as for the relevance.
    target_band : two floats, optional
        Of the energy of the output, in Hz, as for the relevance.
    rule : str or callable
        Of the relevance, see :func:`otoscope.methods.relevance.relevance`.
    pre_emphasis : float, optional
        Before formants are sought, the sound is raised by 6 dB an octave from this frequency in Hz on; not raised by
        default, see :func:`otoscope.dsp.voice.formants`.
    progress : callable, optional
        Called as ``progress(done, total)``.

    Returns
    -------
    Dataset
        Over `signal` (relevance, and the input itself for comparison), `group`, `vowel` and `measure` (F0, F1, F2):
        `share` of the tokens whose value is right, with its 95 % interval from `ci_low` to `ci_high`, and the number of
        `tokens` whose value is known. Over `token`: what was `measured` (signal, token, measure), `known` and
        `deviation` (token, measure), all in Hz, the `class_name` that was explained, and `steady_share` (signal,
        token), the share of the energy that lies in the steady state, a segment of 0.1 s. What could not be measured is
        NaN and counts as wrong.

    Raises
    ------
    InputError
        If a file or recording is missing or broken, a group is unknown, there is no vowel, parselmouth is not
        installed, and as :func:`otoscope.methods.relevance.relevance`.

    Notes
    -----
    A value :math:`\hat F` is right where :math:`|\hat F - F| \le \Delta`, with the F of the token and the deviation
    :math:`\Delta` of its vowel and group. F0 and formants are those of Praat, averaged over the frame at the steady
    state and ten around it. The paper finds formants by linear prediction of order 16 at 16 kHz for all voices; here
    it is of order 11 below the `maximum` of the group, see ``VOICES``: five formants, and a pole for the slope of
    the spectrum. Intervals by Wilson's score. A model that takes sounds of one length gets that much of each vowel
    around its steady state.

    Examples
    --------
    >>> vowels(Subject("vowel-name"), groups="men", limit=2).share.dims
    ('signal', 'group', 'vowel', 'measure')
    """
    groups = [groups] if isinstance(groups, str) else groups
    tokens = vowel_tokens(recordings, sample_rate=subject.sample_rate, groups=groups, limit=limit, seed=seed)
    question = Question(target, at, against, target_band)
    result = vowels_of(subject, tokens, question, rule=rule, pre_emphasis=pre_emphasis, progress=progress)
    result.attrs["audio"] = f"{len(tokens)} vowels from {tokens.origin}"
    return resolved(
        result,
        recordings=tokens.origin,
        groups=result["group"].values,
        **as_signed(question, result, subject),
    )


def vowels_of(
    subject: Subject,
    tokens: Iterable[Token],
    question: Question | None = None,
    *,
    rule: RelevanceRule | Rule = "guided",
    voices: Mapping[str, Voice] | None = None,
    pre_emphasis: float | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """What :func:`vowels` returns, unsigned, of any tokens; `voices` are those of :data:`VOICES` by default."""
    voices = VOICES if voices is None else voices
    total, digest, rows, measured, steady = length_hint(tokens), hashlib.sha256(), [], [], []
    without: list[str] = []
    for token in tokens:
        if token.group not in voices:
            raise InputError(f"{token.name} is of the group {token.group!r}; voices are known of {', '.join(voices)}")
        token = _fitted(subject, token)
        inputs = subject.inputs(token.clip)
        try:
            with working(subject, inputs, token.name):
                found = in_one_channel(relevance_of(subject, inputs, question, rule=rule))
        except NoRelevance as error:
            nothing = error
            without.append(token.name)
            continue
        both = (found["input"].values[0], found["relevance"].values[0])
        voice = voices[token.group]
        measured.append([measure_vowel(one, subject.sample_rate, token.centre, voice, pre_emphasis) for one in both])
        steady.append([_share_within(one, token.steady_state, subject.sample_rate) for one in both])
        # The sound itself is let go, so that memory does not grow with the data set.
        facts = {"name": token.name, "vowel": token.vowel, "known": token.known, "deviation": token.deviation}
        digest.update(as_json(facts).encode() + np.ascontiguousarray(both[0]).tobytes())
        rows.append((token.name, token.group, token.vowel, found.attrs["target"], token.known, token.deviation))
        if progress:
            progress(len(rows) + len(without), total)
    if without and not rows:
        raise nothing
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
            "class_name": variable(["token"], explained, "class whose output is explained"),
            "steady_share": variable(
                ["signal", "token"], np.transpose(steady), "share of the energy in the steady state"
            ),
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
    result: xr.Dataset = by_token.merge(shares(by_token, groups, sorted(set(vowel.tolist()))))
    result.attrs.update(rule=rule_name(rule), audio=f"{len(rows)} vowels", audio_sha256=digest.hexdigest())
    to_each = repeated(subject, subject.clip(token.clip))
    heard = f"the vowels are {to_each}" if to_each else None
    result.attrs.update(joined_note(heard, left_out(without, len(rows) + len(without))))
    return result


def _fitted(subject: Subject, token: Token) -> Token:
    """A vowel with its steady state in the middle, where the model takes one length and it has to be cut."""
    clip, length = subject.clip(token.clip), subject.contract.length
    first = 0
    if length is not None:
        last = max(0, clip.sizes["time"] - length)
        first = min(max(0, round(token.centre * subject.sample_rate) - length // 2), last)
    return replace(token, clip=clip[..., first:], centre=token.centre - first / subject.sample_rate)


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
        With `measured`, `known` and `deviation`, as :func:`vowels` returns them.
    groups, vowels : sequence of str
        In the order wanted.

    Returns
    -------
    Dataset
        `share`, `ci_low`, `ci_high` and `tokens`, over (signal, group, vowel, measure).
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
            "ci_low": variable(dims, low, "lower bound of the 95 % interval of the share"),
            "ci_high": variable(dims, high, "upper bound of the 95 % interval of the share"),
            "tokens": variable(dims, counts, "tokens whose value is known"),
        },
        coords={
            "group": axis("group", list(groups), "group of talkers"),
            "vowel": axis("vowel", list(vowels), "vowel"),
        },
    )


def _share_within(signal: np.ndarray, steady: Segment, sample_rate: float) -> float:
    """The share of the energy of a signal that lies in a segment of it; NaN of silence, or where it has none of it."""
    if steady.stop <= steady.start:
        return math.nan
    energy = signal.astype(np.float64) ** 2
    within, outside = sums_within(energy, sample_bounds([steady[:2]], sample_rate, signal.size))
    whole = float(within[0] + outside)
    return float(within[0]) / whole if whole else math.nan


def _around(contour: np.ndarray, times: np.ndarray, centre: float) -> np.ndarray:
    """Mean of the frames nearest to a time."""
    nearest = np.argsort(np.abs(times - centre), kind="stable")[: CONTEXT + 1]
    return over_voiced(contour[..., nearest])
