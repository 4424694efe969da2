"""What the model says without the part of the sound where its relevance lies, and without other parts as large."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.cross_spectra import Frames
from otoscope.dsp.interventions import BAND_EDGE, GAP_EDGE, band_stop, silent_gap
from otoscope.errors import InputError
from otoscope.heard import joined_note, varying
from otoscope.methods.arguments import check_seed
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.one_by_one import together
from otoscope.methods.propagations import First
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.methods.targets import Explained, Question, as_signed
from otoscope.probe import Rule, rule_name
from otoscope.results import variable
from otoscope.subject import Subject
from otoscope.trust.asking import Answers, answers_to
from otoscope.trust.clips import Clip, clips_of, given_options, told
from otoscope.trust.elsewhere import Axis, Part, Removal, mel_axis, removal_in_frequency, removal_in_time, time_axis
from otoscope.trust.explaining import Explaining, focus_variables
from otoscope.trust.focus import LOWEST, Focus
from otoscope.trust.maps import HOP, WINDOW
from otoscope.trust.verdict import ANSWER, Judged, summed_up
from otoscope.types import Against, Progress, Span, Target, Wave

DOMAINS = ("time", "band")
CONTROLS = ("equal width", "equal energy")
_ROUNDING = 1e-6  # of a score, by which it may differ and be the same

_TAKEN = ("taken_low", "taken_high", "taken_answer", "taken_margin", "taken_score", "changed", "fall")
_ELSEWHERE = (
    "elsewhere_count", "elsewhere_changed", "elsewhere_share", "elsewhere_fell", "elsewhere_margin", "elsewhere_score",
)  # fmt: skip


@method(
    source=cite("zeiler2014", "section 4.2, with controls elsewhere"),
    takes="wave",
    explains=True,
    slides=True,
    rows=Rows(
        ("domain",),
        ("class_name", "logit", "score", "score_kind", "probability", "answer", "margin", *_TAKEN),
        shares=("changed",),
        names=("class_name", "answer", "taken_answer"),
        beside=(Rows(("domain", "control"), _ELSEWHERE),),
    ),
    main="taken_margin",
)
def taken_away(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    share: float = 0.5,
    places: int = 24,
    overlap: float = 0.5,
    keep_level: bool = False,
    window: float = WINDOW,
    hop: float = HOP,
    steps: int | None = None,
    samples: int | None = None,
    noise: float | None = None,
    seed: int = 0,
    occlusion_window: float | None = None,
    occlusion_hop: float | None = None,
    epsilon: float | None = None,
    gamma: float | None = None,
    first: First | None = None,
    layer: str | None = None,
    masks: int | None = None,
    cell: float | None = None,
    keep: float | None = None,
    bands: int | Sequence[float] | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""What the model answers without the time and the band where its relevance lies, and without others as large.

    Parameters
    ----------
    wave : wave, (time,) or (clip, time)
        A sound file, or samples at the rate of the model. Of a model that takes several channels also (channel, time)
        or (clip, channel, time).
    target : int, str, sequence of them or callable, optional
        What is explained, as of relevance: the class by number or name, or one for each clip; the likeliest class of
        each clip by default. "energy", "similarity", or (in Python) a function from the output to one number for each
        clip; its place, ``file.py:function``, names it as well.
    at : float or two floats, optional
        The moment of the output that is meant, or the start and the stop of a span, in s.
    against : int, str or wave, optional
        Another class, whose logit is taken off that of the target; for "similarity" the other sound.
    target_band : two floats, optional
        Lowest and highest frequency of the energy of the output, in Hz; all by default.
    rule : str or callable
        Of the relevance, see :func:`otoscope.methods.relevance.relevance`.
    share : float
        How much of the power of the relevance the interval and the band hold that are taken away.
    places : int
        How many others are taken away instead, of each kind.
    overlap : float
        Which share of another may lie in what is taken away at most, from 0 to less than 1.
    keep_level : bool
        Raise what is left to the level of the whole sound.
    window : float
        Length of the frames of the map of the relevance, in s; of a shorter sound the interval is all.
    hop : float
        From one frame to the next, in s.
    steps : int, optional
        Points of the quadrature of integrated gradients; 50 by default.
    samples : int, optional
        Noisy copies of the sound that SmoothGrad takes; 32 by default.
    noise : float, optional
        Standard deviation of the noise of SmoothGrad, as a share of the root mean square of the clip; 0.1 by default.
    seed : int
        Of the noise of SmoothGrad.
    occlusion_window : float, optional
        Length of what occlusion silences at a time, in s; 0.05 by default.
    occlusion_hop : float, optional
        From one window of occlusion to the next, in s; half of the window by default.
    epsilon : float, optional
        Of the rule "lrp_epsilon", relative to the root mean square of what a linear map gives; 0.1 by default.
    gamma : float, optional
        Of the rule "lrp_gamma", by how much contributions of the sign of their sum count more; 0.25 by default.
    first : {"epsilon", "rule"}, optional
        By what the LRP rules pass the layers that read the waveform: by the gradient, all but undamped, or by the rule
        itself; "epsilon" by default.
    layer : str, optional
        The layer that Grad-CAM looks at; the last convolution by default.
    masks : int, optional
        Random masks of "rise" and "freqrise"; 500 by default.
    cell : float, optional
        From one point of such a mask to the next, in s; 0.05 by default.
    keep : float, optional
        Probability of such a point to be kept; 0.5 by default.
    bands : int or sequence of float, optional
        Number of bands that frequency occlusion takes out, on the mel scale, or their edges in Hz; 24 by default.
    batch_size : int, optional
        Waveforms in one pass of the model, of the rules that Captum computes; 8 by default.
    progress : callable, optional
        Called as ``progress(done, total)`` with counts of changed sounds.

    Returns
    -------
    Dataset
        `answer` (clip), the likeliest class of the whole sound, and `margin` (clip), by how much its logit is above the
        best other one. Over `domain`, "time" and "band": `taken_low` and `taken_high` (clip, domain), in s and Hz, what
        is taken away; `taken_answer`, the likeliest class without it, `taken_margin`, the margin of the class that was
        likeliest of the whole sound, `taken_score`, what is explained, `changed`, 1 where the answer is another, and
        `fall`, by how much what is explained falls.

        Over `control`, "equal width" (of bands on the mel scale) and "equal energy" (of the sound): `elsewhere_count`
        (clip, domain, control), how many other places are compared with, `elsewhere_changed`, after how many of them
        the answer is another, `elsewhere_share`, the share of these, `elsewhere_fell`, after how many what is explained
        falls by as much or more, `elsewhere_margin`, the mean margin, and `elsewhere_score`, the mean of what is
        explained. Each place has `elsewhere_low`, `elsewhere_high`, `elsewhere_answer`, `elsewhere_place_changed`,
        `elsewhere_place_margin` and `elsewhere_place_score` (clip, domain, control, place). Where there is no other
        place as large, or no answer by classes, it is NaN or empty, and the attribute `note` says why.

        `verdict` (clip, domain) and `taken_verdict` (clip), sentences that follow from whether the answer changes, and
        does so elsewhere, and `taken_level`: "ok", "care", or "none" where nothing can be said. `judged_by` (clip) is
        "the answer". Where what is explained is another class, an energy or a function it names that score, and they
        follow from whether the score falls, and by less elsewhere; `instead` says what the model answers then.
        `focus_start`, `focus_stop`, `focus_low` and `focus_high` (clip), `logit` (or `score`), `class_name`,
        `probability` and `runner_up` as of control.

    Raises
    ------
    InputError
        If there is no relevance, for the reasons that relevance names, the sound is longer than 60 s, or an argument is
        impossible.

    Notes
    -----
    The interval is silenced, with raised-cosine edges of 5 ms, and the band filtered out, with such edges of 40 Hz; of
    a relevance that is signed, what is positive counts. The change is made in the recording, which is then brought to
    the model as it always is. Others of equal width are spread evenly over the whole sound (bands from 50 Hz up), in
    seconds or mels. Of equal energy are those whose removal, with the edges, takes as much energy off the sound, to
    1 %; they start half an edge apart (or the 256th part of the sound), none is shorter than an edge, and `places` of
    them are taken, evenly over all there are. What is filtered out is cut to the length of the sound, by which the
    energy of a band is measured.

    Examples
    --------
    >>> import otoscope
    >>> from otoscope.data.vowels import vowel_clip
    >>> result = otoscope.Scope("vowel-name").taken_away(vowel_clip("ah", "women", duration=0.25))
    >>> result.answer.item(), result.elsewhere_count.sel(domain="band").values.tolist()
    ('ah', [24.0, 24.0])
    """
    check_seed(seed)
    if places < 1 or not 0 < share < 1 or not 0 <= overlap < 1:
        raise InputError(
            f"places has to be 1 or more, share from 0 to 1 and overlap from 0 to less than 1, not {places}, {share} "
            f"and {overlap}"
        )
    options = given_options(
        rule, seed, steps=steps, samples=samples, noise=noise, occlusion_window=occlusion_window,
        occlusion_hop=occlusion_hop, epsilon=epsilon, gamma=gamma, first=first, layer=layer, masks=masks,
        cell=cell, keep=keep, bands=bands, batch_size=batch_size,
    )  # fmt: skip
    how = Explaining(rule, options, Frames.of(window, hop, subject.sample_rate))
    question = Question(target, at, against, target_band)
    taking = Taking(share, places, overlap, keep_level)
    total = taking.steps * wave.sizes.get("clip", 1)  # type: ignore[union-attr]
    found = [
        taken_away_of(subject, clip, how, taking, told(progress, number * taking.steps, total))
        for number, clip in enumerate(clips_of(subject, wave, question))  # type: ignore[arg-type]
    ]
    result = found[0] if len(found) == 1 else together(found)
    return resolved(result, **as_signed(question, result, subject), **{k: v for k, v in options.items() if k != "seed"})


@dataclass(frozen=True)
class Taking:
    """What is taken away, see :func:`taken_away`."""

    share: float = 0.5
    places: int = 24
    overlap: float = 0.5
    keep_level: bool = False

    @property
    def steps(self) -> int:
        """The map, the whole sound, it without the focus, and without every other part that there may be."""
        return 2 + len(DOMAINS) * (1 + len(CONTROLS) * self.places)


def taken_away_of(
    subject: Subject, clip: Clip, how: Explaining, taking: Taking, tell: Callable[[int], None] = lambda done: None
) -> xr.Dataset:
    """What :func:`taken_away` returns of one clip, with an axis `clip`; it tells how many steps of it are done."""
    way = how.way(subject, clip)
    asked, own = how.map(way, clip, clip.question)
    tell(1)
    pieces, largest = way.pieces, way.found.largest * clip.inputs.element_size()
    del way  # with all that it keeps to go back
    focus, notes = own.focus(taking.share), own.note
    parts = {"time": (focus.start, focus.stop), "band": (focus.low, focus.high)}
    if not focus.is_somewhere:
        notes.append("nothing of the relevance is positive, so that there is no interval and no band to take away")
    elsewhere = _elsewhere(subject, clip, focus, taking, notes)
    cut = _Cutting(clip, subject.sample_rate, taking.keep_level)
    wanted = {(): None, **{(domain,): parts[domain] for domain in DOMAINS if focus.is_somewhere}, **elsewhere}

    def versions() -> Iterator[Tensor]:
        for done, (key, part) in enumerate(wanted.items(), 1):
            yield cut.whole if part is None else cut.without(key[0], part)
            tell(1 + done)

    answers, reason = answers_to(subject, clip.wave, versions(), asked, clip.question, largest)
    tell(taking.steps)
    if reason is not None:
        notes.append(f"{reason}, so there is no class that could change")
    elif not answers.known.all():
        lost = int((~answers.known).sum())
        notes.append(f"the answer to {lost} of {len(wanted)} changed sounds is not finite, which are left out")
    found = _Found({key: place for place, key in enumerate(wanted)}, answers, asked)
    result = xr.Dataset(
        {**found.variables(parts, elsewhere, taking.places), **focus_variables(focus), **asked.variables()},
        coords={"domain": list(DOMAINS), "control": list(CONTROLS), "place": np.arange(taking.places)},
        attrs=dict(asked.attrs, sample_rate=subject.sample_rate, rule=rule_name(how.rule), form=own.form),
    )
    result["margin"] = variable(["clip"], [found.margin(())], "margin of the answer to the best other class")
    notes += filter(None, [varying(subject)])
    result.attrs |= joined_note(*dict.fromkeys(notes))
    result.attrs["test_note"] = result.attrs.get("note", "")
    if pieces is not None:
        result.attrs["pieces"] = pieces.sentence(subject.name, subject.sample_rate)
    return result


_Key = tuple[Any, ...]
"""Which version of a sound: () the whole, (domain,) without the focus, (domain, control, place) without another."""


class _Cutting:
    """Takes parts away from one recording."""

    def __init__(self, clip: Clip, sample_rate: int, keep_level: bool) -> None:
        self.whole = torch.from_numpy(np.ascontiguousarray(clip.wave.values[0]))
        self._rate, self._keep = sample_rate, keep_level

    def without(self, domain: str, part: Part) -> Tensor:
        cut: Callable[..., Tensor] = silent_gap if domain == "time" else band_stop
        return cut(self.whole, self._rate, *part, keep_level=self._keep)


def _elsewhere(subject: Subject, clip: Clip, focus: Focus, taking: Taking, notes: list[str]) -> dict[_Key, Part]:
    """Other parts as large as those of the focus; notes say where there are none."""
    if not focus.is_somewhere:
        return {}
    rate = subject.sample_rate
    sound = clip.wave.values[0].reshape(-1, clip.samples)
    axes: dict[tuple[str, str], Axis | Removal] = {
        ("time", "equal width"): time_axis(clip.samples / rate),
        ("time", "equal energy"): removal_in_time(sound, rate),
        ("band", "equal width"): mel_axis(min(LOWEST, focus.low), rate / 2),
        ("band", "equal energy"): removal_in_frequency(sound, rate),
    }
    found: dict[_Key, Part] = {}
    for (domain, control), axis in axes.items():
        span = (focus.start, focus.stop) if domain == "time" else (focus.low, focus.high)
        others = axis.places(span, taking.places, taking.overlap)
        found |= {(domain, control, place): part for place, part in enumerate(others)}
        if len(others) < taking.places:
            notes.append(_fewer(domain, control, len(others), taking.places))
    return found


def _fewer(domain: str, control: str, count: int, places: int) -> str:
    """Why there are fewer other places than were asked for.

    Examples
    --------
    >>> _fewer("band", "equal width", 3, 24), _fewer("time", "equal width", 0, 24)
    ('only 3 of the 24 other bands as wide have room in the sound', 'there is no other interval as long in the sound')
    >>> _fewer("band", "equal energy", 19, 24)
    'only 19 of the 24 other bands of as much energy could be compared: ... narrower than its edges of 40 Hz'
    """
    what, size = ("interval", "long") if domain == "time" else ("band", "wide")
    if control == "equal width":
        if not count:
            return f"there is no other {what} as {size} in the sound"
        return f"only {count} of the {places} other {what}s as {size} have room in the sound"
    edges = (
        f"shorter than its edges of {1000 * GAP_EDGE:g} ms"
        if domain == "time"
        else f"narrower than its edges of {BAND_EDGE:g} Hz"
    )
    a = "an" if domain == "time" else "a"
    why = f"elsewhere there is too little energy, or {a} {what} would be {edges}"
    if not count:
        return f"no other {what} of as much energy could be compared: {why}"
    return f"only {count} of the {places} other {what}s of as much energy could be compared: {why}"


class _Found:
    """The answers to all versions of one sound, as variables."""

    def __init__(self, places: dict[_Key, int], answers: Answers, asked: Explained) -> None:
        self._places, self._answers = places, answers
        self._own = int(answers.classes[places[()]])
        self._margins, self._names = answers.margin(self._own), answers.named()
        self.judged = self._judged(asked)

    def _judged(self, asked: Explained) -> Judged:
        index, names = int(asked.index[0]), self._answers.names
        if index == self._own >= 0:
            return Judged()
        if index < 0:
            return Judged(f"the {asked.names[0]}")
        instead = f"the model says {self.name(())}, not {names[index]}" if self._own >= 0 else ""
        return Judged(f"the {asked.kind} of {asked.names[0]}", instead)

    def margin(self, key: _Key) -> float:
        return float(self._margins[self._places[key]]) if key in self._places else np.nan

    def changed(self, key: _Key) -> float:
        if key not in self._places or self._own < 0 or not self._answers.known[self._places[key]]:
            return np.nan
        return float(self._answers.classes[self._places[key]] != self._own)

    def name(self, key: _Key) -> str:
        return str(self._names[self._places[key]]) if key in self._places else ""

    def score(self, key: _Key) -> float:
        return float(self._answers.score[self._places[key]]) if key in self._places else np.nan

    def fall(self, key: _Key) -> float:
        """By how much what is explained falls; 0 where that is rounding."""
        whole = self.score(())
        fall = whole - self.score(key)
        return 0.0 if abs(fall) <= _ROUNDING * abs(whole) else fall

    def variables(self, parts: dict[str, Part], elsewhere: dict[_Key, Part], places: int) -> dict[str, xr.Variable]:
        taken = [(domain,) for domain in DOMAINS]
        keys = np.array([[[(d, c, p) for p in range(places)] for c in CONTROLS] for d in DOMAINS], dtype=object)

        def each(of: Callable[[_Key], Any]) -> np.ndarray:
            flat = [of(tuple(key)) for key in keys.reshape(-1, 3)]
            return np.array(flat).reshape(1, len(DOMAINS), len(CONTROLS), places)

        edge = [each(lambda key, side=side: elsewhere[key][side] if key in elsewhere else np.nan) for side in (0, 1)]  # type: ignore[misc]
        changed, margin, score, fall = each(self.changed), each(self.margin), each(self.score), each(self.fall)
        falls = np.array([self.fall(key) for key in taken])
        as_much = np.where(np.isfinite(fall), fall >= falls[:, None, None], np.nan)
        as_much[:, ~np.isfinite(falls)] = np.nan
        said = changed if self.judged.by == ANSWER else as_much
        count, total = (~np.isnan(said)).sum(-1), np.nansum(said, -1)
        nowhere = np.full(count.shape, np.nan)
        verdicts = [
            self.judged.verdict(self.changed(key), falls[at], int(total[0, at].sum()), int(count[0, at].sum()))
            for at, key in enumerate(taken)
        ]
        whole = summed_up(dict(zip(DOMAINS, verdicts, strict=True)))
        over, of_kinds = ["clip", "domain"], ["clip", "domain", "control"]
        in_places, sides = [*of_kinds, "place"], "in s or Hz"
        return {
            "taken_margin": variable(over, [[self.margin(key) for key in taken]], "margin of the answer without it"),
            "answer": variable(["clip"], [self.name(())], "likeliest class of the whole sound"),
            "judged_by": variable(["clip"], [self.judged.by], "what has to change for a part to count as needed"),
            "instead": variable(["clip"], [self.judged.instead], "what the model answers in place of the target"),
            "taken_low": variable(over, [[parts[domain][0] for domain in DOMAINS]], f"where it begins, {sides}"),
            "taken_high": variable(over, [[parts[domain][1] for domain in DOMAINS]], f"where it ends, {sides}"),
            "taken_answer": variable(over, [[self.name(key) for key in taken]], "likeliest class without it"),
            "taken_score": variable(over, [[self.score(key) for key in taken]], "what is explained, without it"),
            "changed": variable(over, [[self.changed(key) for key in taken]], "whether the answer is another"),
            "fall": variable(over, [falls], "by how much what is explained falls without it"),
            "elsewhere_count": variable(of_kinds, count.astype(float), "other parts"),
            "elsewhere_changed": variable(
                of_kinds, _sum(changed) if self._own >= 0 else nowhere, "how often the answer is another without one"
            ),
            "elsewhere_share": variable(of_kinds, _mean(changed), "share of them"),
            "elsewhere_fell": variable(
                of_kinds,
                np.where(np.isfinite(falls)[:, None], _sum(as_much), nowhere),
                "how often what is explained falls as much or more",
            ),
            "elsewhere_margin": variable(of_kinds, _mean(margin), "mean margin of the answer without one of them"),
            "elsewhere_score": variable(of_kinds, _mean(score), "mean of what is explained, without one of them"),
            "elsewhere_low": variable(in_places, edge[0], f"where it begins, {sides}"),
            "elsewhere_high": variable(in_places, edge[1], f"where it ends, {sides}"),
            "elsewhere_answer": variable(in_places, each(self.name), "likeliest class without it"),
            "elsewhere_place_changed": variable(in_places, changed, "whether the answer is another without it"),
            "elsewhere_place_margin": variable(in_places, margin, "margin of the answer without it"),
            "elsewhere_place_score": variable(in_places, score, "what is explained, without it"),
            "verdict": variable(over, [[self.judged.told(one).sentence for one in verdicts]], "what it says"),
            "taken_level": variable(["clip"], [whole.level], "how bad it is"),
            "taken_verdict": variable(["clip"], [self.judged.told(whole).sentence], "what the test says"),
        }


def _sum(values: np.ndarray) -> np.ndarray:
    """Over the last axis, of what is finite."""
    return np.asarray(np.where(np.isfinite(values), values, 0).sum(-1))


def _mean(values: np.ndarray) -> np.ndarray:
    """Over the last axis, of what is finite; NaN where nothing is."""
    with np.errstate(invalid="ignore"):
        return np.asarray(_sum(values) / np.isfinite(values).sum(-1))
