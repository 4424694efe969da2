"""Whether a relevance is of this class, of these weights, and not only the sound: with what else it goes along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.cross_spectra import Frames
from otoscope.dsp.similarity import correlation
from otoscope.errors import InputError
from otoscope.heard import joined_note, varying
from otoscope.methods.arguments import check_seed
from otoscope.methods.catalogue import Rows, method, resolved
from otoscope.methods.one_by_one import together
from otoscope.methods.propagations import First
from otoscope.methods.relevance_rules import RelevanceRule
from otoscope.methods.relevance_spectra import negative_share
from otoscope.methods.targets import Explained, Question, as_signed
from otoscope.methods.way_back import WayBack
from otoscope.probe import Rule, rule_name
from otoscope.probe.passed import noting
from otoscope.probe.redrawn import Redraw, chooses, scales
from otoscope.results import axis, variable
from otoscope.subject import Subject
from otoscope.trust.clips import Clip, clips_of, given_options, told
from otoscope.trust.explaining import Explaining, focus_variables, same_question
from otoscope.trust.maps import HOP, WINDOW, Map
from otoscope.trust.random_networks import not_drawn, random_subject
from otoscope.trust.verdict import ALIKE, RANDOM, verdict_of_control
from otoscope.types import Against, Progress, Span, Target, Wave

_COLUMNS = (
    "class_name", "logit", "score", "score_kind", "probability", "runner_up", "runner_up_probability", "margin",
    "control_runner_up", "other", "control_random", "control_random_low", "control_random_high", "share_changed",
    "control_sound", "negative_share", "focus_start", "focus_stop", "focus_low", "focus_high", "control_level",
)  # fmt: skip
_NAMED = 4  # weights that a note names
_MIRRORED = 1e-5  # of the largest value, by which a gradient may miss the negative of another


@method(
    source=cite("adebayo2018", "section 3, by the weights that reach the operations"),
    takes="wave",
    explains=True,
    slides=True,
    rows=Rows((), _COLUMNS, names=("class_name", "runner_up", "other", "control_level")),
    main="control_random",
)
def control(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    rule: RelevanceRule | Rule = "guided",
    draws: int = 10,
    seed: int = 0,
    window: float = WINDOW,
    hop: float = HOP,
    alike: float = ALIKE,
    random: float = RANDOM,
    steps: int | None = None,
    samples: int | None = None,
    noise: float | None = None,
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
    r"""Whether a relevance may be believed: how alike are those of another class, of random weights, and the sound.

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
    draws : int
        How many networks with random weights.
    seed : int
        Of their weights, and of the noise of SmoothGrad.
    window : float
        Length of the frames of the maps that are compared, in s; of a shorter sound the interval is all.
    hop : float
        From one frame to the next, in s.
    alike : float
        Correlation with the map of the other class from which on it counts as the same: a choice.
    random : float
        Mean correlation with the maps of random weights from which on they draw much of the same picture: a choice.
    steps : int, optional
        Points of the quadrature of integrated gradients; 50 by default.
    samples : int, optional
        Noisy copies of the sound that SmoothGrad takes; 32 by default.
    noise : float, optional
        Standard deviation of the noise of SmoothGrad, as a share of the root mean square of the clip; 0.1 by default.
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
        Called as ``progress(done, total)`` with counts of maps.

    Returns
    -------
    Dataset
        Correlations of the map of the relevance, over all its cells of time and frequency: `control_random` (clip), the
        mean of those with the maps of the same output by networks with random weights, `control_random_draw` (clip,
        draw), from `control_random_low` to `control_random_high`; `share_changed` (clip), the share of the numbers of
        the weights that were drawn again, which is less than 1 where kernels are not parameters, and stay.
        `control_runner_up` (clip), that with the map of the likeliest other class, `other`; of a difference of two
        classes, of its first class alone. `control_sound` (clip), that with the spectrogram of the sound. What cannot
        be said is NaN, and the attribute `note` says why.

        `focus_start` and `focus_stop` in s, `focus_low` and `focus_high` in Hz (clip), the shortest interval and the
        narrowest band (above 50 Hz) that each hold half of the power of the map, of what is positive where it is
        signed; `sound_share_time` and `sound_share_band`, the share of the energy of the sound that lies in them;
        `peak_time` and `peak_frequency`, where most of the power lies; `negative_share`, of the magnitudes of a signed
        map. `logit` (or `score`), `class_name`, `probability`, `runner_up` and `margin` as of relevance.
        `control_verdict` (clip), a sentence that follows from the thresholds `alike` and `random`, and
        `control_level`: "ok", "care", "no", or "none" where nothing can be said.

        The maps themselves, summed over channels: `relevance_map`, `other_map`, `random_map` (of the first network)
        and `sound_map` (clip, frame_frequency, frame_time).

    Raises
    ------
    InputError
        If there is no relevance, for the reasons that relevance names, the sound is longer than 60 s, or an argument is
        impossible.

    Notes
    -----
    The map is the magnitude of the short-time Fourier transform of the relevance (Hann windows, linear amplitude). Of a
    rule whose relevance is the sound times a gradient it is :math:`R_{mk}`, with its sign, see
    :mod:`otoscope.dsp.cross_spectra`; there the maps of two classes can be each other's negative by necessity, as where
    a single logit speaks for one and against the other. All are maps of the recording: of a sound that is repeated to
    the length of the model, what falls on one of its samples adds up, and what is filled with zeros is left out.

    Weights are drawn again where they reach operations, see ``otoscope.probe.redrawn``: kernels that are computed,
    functional calls and tied weights too. Batch normalisation has the statistics of the clip. The model itself is not
    changed.

    Examples
    --------
    >>> import otoscope
    >>> from otoscope.data.vowels import vowel_clip
    >>> result = otoscope.Scope("vowel-name").control(vowel_clip("ah", "women", duration=0.25))
    >>> result.other.item(), result.share_changed.item()
    ('uh', 1.0)
    """
    check_seed(seed)
    if draws < 1:
        raise InputError(f"draws has to be 1 or more, not {draws}")
    if not (-1 <= alike <= 1 and -1 <= random <= 1):
        raise InputError(f"alike and random have to be correlations, from -1 to 1, not {alike} and {random}")
    options = given_options(
        rule, seed, steps=steps, samples=samples, noise=noise, occlusion_window=occlusion_window,
        occlusion_hop=occlusion_hop, epsilon=epsilon, gamma=gamma, first=first, layer=layer, masks=masks,
        cell=cell, keep=keep, bands=bands, batch_size=batch_size,
    )  # fmt: skip
    how = Explaining(rule, options, Frames.of(window, hop, subject.sample_rate))
    question = Question(target, at, against, target_band)
    each = 2 + draws
    total = each * wave.sizes.get("clip", 1)  # type: ignore[union-attr]
    found = [
        control_of(
            subject, clip, how, draws=draws, seed=seed, alike=alike, random=random,
            tell=told(progress, number * each, total),
        )
        for number, clip in enumerate(clips_of(subject, wave, question))  # type: ignore[arg-type]
    ]  # fmt: skip
    result = found[0] if len(found) == 1 else together(found)
    return resolved(result, **as_signed(question, result, subject), **{k: v for k, v in options.items() if k != "seed"})


def control_of(
    subject: Subject,
    clip: Clip,
    how: Explaining,
    *,
    draws: int,
    seed: int,
    alike: float,
    random: float,
    tell: Callable[[int], None] = lambda done: None,
) -> xr.Dataset:
    """What :func:`control` returns of one clip, with an axis `clip`; it tells how many maps are made."""
    way = how.way(subject, clip)
    asked, own = how.map(way, clip, clip.question)
    tell(1)
    fixed = same_question(clip.question, asked)
    notes = own.note
    other, other_map = _of_other(way, clip, how, fixed, asked, own, notes)
    pieces = way.pieces
    tell(2)
    del way  # with all that it keeps to go back
    drawn, random_map, share = _of_random(subject, clip, how, fixed, own, draws, seed, notes, tell)
    to_other = float("nan") if other_map is None else correlation(own.cells, other_map.cells)
    known = drawn[~np.isnan(drawn)]
    mean, low, high = (known.mean(), known.min(), known.max()) if len(known) else [float("nan")] * 3
    level, sentence = verdict_of_control(to_other, mean, other, alike=alike, random_from=random)
    result = xr.Dataset(
        {
            "control_random": variable(["clip"], [mean], "correlation with the maps of random weights, their mean"),
            "control_random_low": variable(["clip"], [low], "least of those correlations"),
            "control_random_high": variable(["clip"], [high], "largest of those correlations"),
            "control_random_draw": variable(["clip", "draw"], drawn[None], "correlation with that of each network"),
            "share_changed": variable(["clip"], [share], "share of the numbers of weights that were drawn again"),
            "control_runner_up": variable(["clip"], [to_other], "correlation with the map of the other class"),
            "other": variable(["clip"], [other], "the other class"),
            "control_sound": variable(
                ["clip"],
                [correlation(own.cells, np.broadcast_to(own.of_sound, own.cells.shape))],
                "correlation with the spectrogram of the sound",
            ),
            **_of_map(own),
            **focus_variables(own.focus()),
            "control_level": variable(["clip"], [level], "how bad it is"),
            "control_verdict": variable(["clip"], [sentence], "what the control says, by thresholds that are a choice"),
            **asked.variables(),
            **_pictures({"relevance": own, "other": other_map, "random": random_map}, own),
        },
        coords={
            "draw": axis("draw", np.arange(draws), "number of the random network"),
            "frame_frequency": axis("frame_frequency", own.frequencies, "frequency", "Hz"),
            "frame_time": axis("frame_time", own.times, "time", "s"),
        },
        attrs=dict(asked.attrs, sample_rate=subject.sample_rate, rule=rule_name(how.rule), form=own.form),
    )
    notes += filter(None, [varying(subject)])
    result.attrs |= joined_note(*dict.fromkeys(notes))
    result.attrs["test_note"] = result.attrs.get("note", "")
    if pieces is not None:
        result.attrs["pieces"] = pieces.sentence(subject.name, subject.sample_rate)
    return result


def _of_other(
    way: WayBack, clip: Clip, how: Explaining, fixed: Question, asked: Explained, own: Map, notes: list[str]
) -> tuple[str, Map | None]:
    """The name and the map of what a relevance is compared with; a note says why there is none."""
    if asked.rival is None:
        what = (
            f"the target is {asked.names[0]}, which is not a class"
            if not asked.beside  # nor is a unit of a hidden state
            else "there is one class only"
        )
        notes.append(f"there is no runner-up to compare the map with: {what}")
        return "", None
    if fixed.against is not None:
        other, name = replace(fixed, against=None), asked.names[0].partition(" against ")[0]
    else:
        other, name = replace(fixed, target=int(asked.rival[0])), str(asked.beside["runner_up"].values[0])
    try:
        with noting():
            _, found = how.map(way, clip, other)
    except InputError as error:
        notes.append(f"the map of {name} cannot be compared with: {error}")
        return name, None
    gap = (own.carried + found.carried).abs().max()
    if bool(gap <= _MIRRORED * own.carried.abs().max()):
        notes.append(
            f"the maps of {asked.names[0]} and {name} mirror each other by necessity, as of one logit for both"
        )
    return name, found


def _of_random(
    subject: Subject,
    clip: Clip,
    how: Explaining,
    fixed: Question,
    own: Map,
    draws: int,
    seed: int,
    notes: list[str],
    tell: Callable[[int], None],
) -> tuple[np.ndarray, Map | None, float]:
    """Correlations with the maps of random networks, (draw,), the first of those maps, and the share of weights."""
    found, first, shares = np.full(draws, np.nan), None, list[float]()
    lost: list[str] = []
    for draw in range(draws):
        other, redraw = random_subject(subject, [seed, draw])
        try:
            with noting():
                _, drawn = how.map(how.way(other, clip), clip, fixed)
        except InputError as error:
            lost.append(str(error).partition(": ")[0].partition(". ")[0])
            drawn = None
        tell(3 + draw)
        if not draw:
            share, are_random = share_drawn(other, redraw, clip.inputs, notes)
            if not are_random:
                return found, None, share
        shares.append(redraw.changed / (redraw.reached + redraw.kept))
        if drawn is not None:
            found[draw] = correlation(own.cells, drawn.cells)
            first = drawn if first is None else first
    if lost:
        notes.append(f"there is no map of {len(lost)} of {draws} random networks, which are left out: {lost[0]}")
    return found, first, min(shares)


def share_drawn(other: Subject, redraw: Redraw, inputs: Tensor, notes: list[str]) -> tuple[float, bool]:
    """The share of the numbers of weights that a random network has drawn again, and whether that makes it random.

    Notes say why the share is not 1.
    """
    length = other.contract.length
    kept = not_drawn(other, redraw, inputs if length is None else inputs[..., :length])
    reached = redraw.reached + redraw.kept
    if redraw.fixed:
        notes.append(f"{_constants(redraw.fixed)} that are not parameters stay in random networks")
    if not kept:
        if not redraw.reached:
            notes.append(f"there are no random networks, since {other.name} has no parameters that reach an operation")
            return float("nan"), False
        if redraw.fixed and not redraw.weighs:
            notes.append(
                "there are no random networks, since the parameters only scale and shift what those kernels find: make "
                "them an nn.Parameter"
            )
        return redraw.changed / reached, redraw.weighs or not redraw.fixed
    names = list(kept)
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    notes.append(
        f"there are no random networks, since these weights cannot be drawn again: {shown} (they are packed, scripted, "
        "whole numbers, or leave torch)"
    )
    return float("nan") if 0 in kept.values() else redraw.changed / (reached + sum(kept.values())), False


def _constants(operations: Iterable[str]) -> str:
    """What is constant in operations, by their names.

    Examples
    --------
    >>> _constants({"mul", "conv1d", "matmul"}), _constants(["getitem"])
    ('kernels of conv1d, matmul and factors of mul', 'tables of getitem')
    """
    kinds: dict[str, list[str]] = {"kernels": [], "tables": [], "factors": []}
    for one in sorted(operations):
        kinds["factors" if scales(one) else "tables" if chooses(one) else "kernels"].append(one)
    return " and ".join(f"{kind} of {', '.join(names)}" for kind, names in kinds.items() if names)


def _of_map(own: Map) -> dict[str, xr.Variable]:
    """Where a map has its peaks, how much is negative, and how much of the sound lies in its focus; of one clip."""
    place = own.place()
    found = {
        "peak_time": variable(["clip"], [place.peak_time], "time of most of the power", "s"),
        "peak_frequency": variable(["clip"], [place.peak_frequency], "frequency of most of the power", "Hz"),
        "sound_share_time": variable(
            ["clip"], [place.sound_share_time], "share of the energy of the sound in the interval"
        ),
        "sound_share_band": variable(
            ["clip"], [place.sound_share_band], "share of the energy of the sound in the band"
        ),
    }
    if own.is_signed:
        negative = negative_share(torch.from_numpy(own.cells).flatten()).item()
        what = "negative part of the map, of the magnitudes of all cells"
        found["negative_share"] = variable(["clip"], [negative], what)
    return found


def _pictures(maps: Mapping[str, Map | None], own: Map) -> dict[str, xr.Variable]:
    """Maps of one clip, summed over channels; NaN where there is none."""
    in_frames = ["clip", "frame_frequency", "frame_time"]
    cells = {name: np.full(own.power.shape, np.nan) if one is None else one.cells.sum(0) for name, one in maps.items()}
    named = {"relevance": "the relevance", "other": "that of the other class", "random": "that of random weights"}
    found = {
        f"{name}_map": variable(in_frames, one[None].astype(np.float32), f"map of {named[name]}")
        for name, one in cells.items()
    }
    sound = own.of_sound.sum(0)[None].astype(np.float32)
    return found | {"sound_map": variable(in_frames, sound, "spectrogram of the sound")}
