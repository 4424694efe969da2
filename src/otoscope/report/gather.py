"""Every method on one sound, for the report and the folder of an inspection."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr

from otoscope.app.found import Found, ModelFacts
from otoscope.app.reasons import reason_for
from otoscope.data.segments import check_segments
from otoscope.errors import InputError
from otoscope.heard import fit_note, repeated, untrained, varying
from otoscope.methods.aliasing import aliasing
from otoscope.methods.autocorrelation import autocorrelation
from otoscope.methods.catalogue import METHODS
from otoscope.methods.crs import crs
from otoscope.methods.data_flow import data_flow
from otoscope.methods.f_vowel import f_vowel
from otoscope.methods.filters import filters
from otoscope.methods.frame_response import frame_response
from otoscope.methods.geometry import geometry
from otoscope.methods.listing import listing
from otoscope.methods.relevance import relevance
from otoscope.methods.relevance_rules import RelevanceRule, rule_record
from otoscope.methods.sharing import sharing
from otoscope.methods.sonify import sonify
from otoscope.methods.strs import strs
from otoscope.methods.voice import voice
from otoscope.methods.wigner import wigner
from otoscope.probe import Trace
from otoscope.probe.blocks import block_ends
from otoscope.probe.first import first_layer, named_bank
from otoscope.probe.room import memory_budget, tidy
from otoscope.report.activity import activity
from otoscope.report.answered import answer_or_reason
from otoscope.subject import Subject
from otoscope.trust.blocks import trust_methods
from otoscope.trust.clips import too_long
from otoscope.trust.random_sounds import random_sounds
from otoscope.types import Against, Segments, Span, Target, Wave

Progress = Callable[[str, int, int], None]
Counts = Callable[[int, int], None]

_MOST_FRAMES = 2000
_LARGE = 32_000_000  # numbers that a pass makes, from which on tests of a relevance repeat it less often
_FEWEST = {"draws": 3, "places": 6}
_QUESTIONS = {"top": "answer", "second": "runner-up", "contrast": "difference from the runner-up"}


def gather(
    subject: Subject,
    wave: Wave,
    *,
    target: Target | None = None,
    at: Span | None = None,
    against: Against | None = None,
    target_band: Sequence[float] | None = None,
    layer: str | Sequence[str] | None = None,
    rule: RelevanceRule = "guided",
    segments: Segments | None = None,
    tier: str | None = None,
    n_maps: int = 6,
    memory: int | None = None,
    without: Collection[str] = (),
    control: bool = True,
    progress: Progress | None = None,
) -> Found:
    """Run every method on one sound, but for those that it is to do `without`; and, of the `control`, those of trust.

    What the user asked for by an option has to apply; anything else that does not apply or fails is noted with the
    reason, and the rest is made all the same.
    """
    clip = subject.clip(wave)
    if "clip" in clip.dims:
        raise InputError("inspect takes one clip at a time")
    rule_record(rule)
    check_segments(segments, tier)
    if n_maps < 1:
        raise InputError(f"n_maps has to be 1 or more, not {n_maps}")
    asked = [layer] if isinstance(layer, str) else layer
    found = Found(clip, model=model_facts(subject), notes=_notes(subject, clip))
    try:
        found.taps = taps = subject.taps(clip)
        layers = sonified(taps, asked) if asked else spread(taps)
        bank = named_bank(taps, asked or ())
    except InputError:
        raise
    except Exception as error:
        found.missing["taps"] = reason_for(error)
        layers, bank = list(asked or []), None
    question = {"target": target, "at": at, "against": against, "target_band": target_band}
    divided = {} if segments is None else {"segments": segments, "tier": tier}
    parts = _parts(subject, found, question, divided, layers, bool(asked), bank, rule, n_maps)
    found.untested = "" if control else "Whether it may be believed was not tested, as was asked for."
    if control and (reason := too_long(clip.sizes["time"] / subject.sample_rate)):
        found.untested = f"Whether it may be believed was not tested: {reason}."
        found.notes.append(f"The relevance was not tested: {reason}")
    parts += [] if found.untested else _tests(subject, found, question, rule)
    parts = [part for part in parts if part.method not in without]
    absent: dict[str, list[str]] = {}  # by the reason
    if found.missing:
        absent[found.missing["taps"]] = ["the taps"]
    with sharing(), memory_budget(memory):
        for done, part in enumerate(parts):
            if progress:
                progress(part.method.replace("_", " "), done, len(parts) + 1)
            tidy()
            try:
                result = part.run(within(progress, part.what, done, len(parts) + 1)) if part.tells else part.run()
            except Exception as error:
                if part.asked and isinstance(error, InputError):
                    raise
                found.missing[part.name] = reason_for(error)
                absent.setdefault(reason_for(error), []).append(part.what)
                continue
            if part.key is None:
                found.results[part.method] = result
            else:
                found.results.setdefault(part.method, {})[part.key] = result
        _further(subject, found, question, rule)
        if control:
            _random(subject, found)
    with memory_budget(memory):
        tidy()
    found.notes += [f"Not shown: {', '.join(what)}, since {reason}" for reason, what in absent.items()]
    if progress:
        progress("writing", len(parts), len(parts) + 1)
    return found


def within(progress: Progress | None, step: str, done: int, total: int) -> Counts | None:
    """What a step of many tells its own progress to, so that it stands beside its name.

    Examples
    --------
    >>> within(lambda *told: print(*told), "control", 14, 16)(3, 12)
    control (3 of 12) 14 16
    """
    if progress is None:
        return None
    return lambda own, of: progress(f"{step} ({own} of {of})", done, total)


def _tests(subject: Subject, found: Found, question: Mapping[str, Any], rule: RelevanceRule) -> list[_Part]:
    """The methods that test whether the relevance that was asked for may be believed; a note says where they do less.

    They run the model a hundred times: of a large network fewer times, by how many numbers a pass makes.
    """
    size = _numbers(found)
    made, fewer = [], []
    for name in trust_methods():
        import_module(listing()[name].module)
        test = METHODS[name].function
        usual = {what: one.default for what, one in signature(test).parameters.items() if what in _FEWEST}
        counts = {what: _repeats(default, _FEWEST[what], size) for what, default in usual.items()}
        fewer += [
            f"{name} has {count} {what} in place of {usual[what]}"
            for what, count in counts.items()
            if count < usual[what]
        ]

        def run(tell: Counts | None, test: Any = test, counts: Mapping[str, int] = counts) -> xr.Dataset:
            return cast(xr.Dataset, test(subject, found.clip, rule=rule, **question, **counts, progress=tell))

        made.append(_Part(name, name.replace("_", " "), run, tells=True))
    if fewer:
        reason = f"A pass through this network makes {size / 1e6:.0f} million numbers, so"
        found.notes.append(f"{reason} {' and '.join(fewer)}: run these methods by themselves for more")
    return made


def _numbers(found: Found) -> int:
    """How many numbers a pass through the model makes."""
    return sum(math.prod(tap.shape) for tap in (found.taps or {}).values())


def _repeats(usual: int, fewest: int, size: int) -> int:
    """How often a test repeats a pass that makes so many numbers."""
    return usual if size <= _LARGE else max(fewest, round(usual * _LARGE / size))


def sonified(taps: Trace, names: Sequence[str]) -> list[str]:
    """The taps of these names; of a layer of several convolutions, which is none itself, all of them."""
    layers = {layer.name: [tap.name for tap in layer.taps] for layer in taps.layers}
    found = [layers[name] if name in layers and name not in taps else [taps.resolve(name)] for name in names]
    return list(dict.fromkeys(name for one in found for name in one))


def model_facts(subject: Subject) -> ModelFacts:
    """What a page says of a model."""
    weights = getattr(subject.model, "weights_source", None)
    return ModelFacts(
        name=subject.name,
        digest=subject.digest,
        parameters=sum(p.numel() for p in subject.model.parameters()),
        contract=subject.contract,
        weights=weights and Path(str(weights)).name,
        opened=subject.opened,
    )


def _further(subject: Subject, found: Found, question: Mapping[str, Any], rule: RelevanceRule) -> None:
    """What only the page shows: the answer in full, maps at their own rate, and relevances to compare with."""
    clip = found.clip
    try:
        found.answer, found.no_answer = answer_or_reason(subject, clip, question["at"])
    except Exception as error:
        found.missing["answer"] = found.no_answer = reason_for(error)
    if found.taps is not None:
        try:
            found.silent, found.maps = activity(subject, clip, found.taps, found.results.get("sonify", {}))
        except Exception as error:
            found.missing["activity"] = reason_for(error)
    for (one, target), asked in _others(found, question, rule).items():
        tidy()
        try:
            found.others[one, target] = relevance(subject, clip, rule=one, **asked)
        except InputError as error:
            found.left_out[f"the relevance of the {_QUESTIONS[target]} by the rule {one}"] = str(error)
        except Exception as error:
            found.missing[f"relevance_{one}_{target}"] = reason_for(error)


def _random(subject: Subject, found: Found) -> None:
    """What the maps that are heard sound like with random weights; of a large network, nothing."""
    if (size := _numbers(found)) > _LARGE:
        reason = f"a pass through this network makes {size / 1e6:.0f} million numbers"
        found.left_out["the sound of the maps with random weights"] = reason
        return
    try:
        found.random_sounds = random_sounds(subject, found.clip, found.results.get("sonify", {}))
    except Exception as error:
        found.missing["random_sounds"] = reason_for(error)


def _others(
    found: Found, question: Mapping[str, Any], rule: RelevanceRule
) -> dict[tuple[RelevanceRule, str], dict[str, Any]]:
    """Rules and questions beside those that were asked: the sound times its gradient, the runner-up, the difference."""
    asked = found.results.get("relevance", {})
    if not asked:
        return {}
    wanted: dict[tuple[RelevanceRule, str], dict[str, Any]] = {}
    if "gradient_x_input" not in asked:
        wanted["gradient_x_input", "top"] = dict(question)
    first = next(iter(asked.values()))
    top = int(first["target"]) if "target" in first else -1
    if found.answer is not None and found.answer.sizes["class"] > 1 and top >= 0 and question["against"] is None:
        second = next(n for n in found.answer["rank"].values.argsort().tolist() if n != top)
        for one in dict.fromkeys((rule, "gradient_x_input")):
            wanted[one, "second"] = {**question, "target": second}
            wanted[one, "contrast"] = {**question, "target": top, "against": second}
    return wanted


@dataclass(frozen=True)
class _Part:
    """A result that an inspection asks for.

    Attributes
    ----------
    method : str
    what : str
        What notes call it.
    run : callable
    key : str, optional
        Which of several results of the method it is.
    asked : bool
        Whether the user asked for it, so that it has to apply.
    tells : bool
        Whether it is given what it tells its progress to.
    """

    method: str
    what: str
    run: Callable[..., xr.Dataset]
    key: str | None = None
    asked: bool = False
    tells: bool = False

    @property
    def name(self) -> str:
        return self.method if self.key is None else f"{self.method}_{self.key}"


def _parts(
    subject: Subject,
    found: Found,
    question: Mapping[str, Any],
    divided: Mapping[str, Any],
    layers: Sequence[str],
    asked: bool,
    bank: str | None,
    rule: RelevanceRule,
    n_maps: int,
) -> list[_Part]:
    clip = found.clip

    def of_rule(one: RelevanceRule) -> _Part:
        needed = any(value is not None for value in question.values()) or rule != "guided" or bool(divided)
        run = partial(relevance, subject, clip, rule=one, **question, **divided)
        return _Part("relevance", f"the relevance ({one})", run, one, needed)

    def of_layer(name: str) -> _Part:
        run = partial(sonify, subject, clip, layer=name, n_maps=n_maps)
        return _Part("sonify", f"the sonification of {name}", run, name, asked)

    def spectra() -> xr.Dataset:
        return strs(subject, clip, layer=bank, hop=_hop_for_pictures(subject, clip, bank))

    return [
        *map(of_rule, dict.fromkeys((rule, "gradient"))),
        _Part("autocorrelation", "the autocorrelation", partial(autocorrelation, subject, clip, **question)),
        _Part("voice", "the voice", partial(voice, subject, clip, **question)),
        _Part("crs", "the cumulative response spectrum", partial(crs, subject, clip, layer=bank)),
        _Part("strs", "the response spectra", spectra),
        *map(of_layer, layers),
        _Part("filters", "the filters", partial(filters, subject, layer=bank)),
        _Part("frame_response", "the response to one frame", partial(frame_response, subject, clip, layer=bank)),
        _Part("f_vowel", "the filters that fire most", partial(f_vowel, subject, clip, layer=bank)),
        _Part("geometry", "the geometry", partial(geometry, subject)),
        _Part("data_flow", "the data flow", partial(data_flow, subject, clip)),
        _Part("aliasing", "the aliasing", partial(aliasing, subject, clip)),
        _Part("wigner", "the Wigner-Ville distribution", partial(wigner, subject, layer=bank)),
    ]


def spread(taps: Trace, count: int = 3) -> list[str]:
    """The ends of `count` blocks in time, from the first to the last."""
    ends = [name for name in block_ends(taps) if taps[name].time_axis is not None]
    picks = np.linspace(0, len(ends) - 1, min(count, len(ends))).round().astype(int)
    return [ends[i] for i in picks]


def _notes(subject: Subject, clip: xr.DataArray) -> list[str]:
    heard = repeated(subject, clip), fit_note(subject, clip, slides=True)
    return [note for note in (untrained(subject), *heard, varying(subject)) if note]


def _hop_for_pictures(subject: Subject, clip: xr.DataArray, layer: str | None) -> int:
    """A multiple of the stride that gives no more frames than a picture can show."""
    inputs = subject.inputs(clip)
    first = first_layer(subject.network, inputs, subject.sample_rate, layer)
    frames = inputs.shape[-1] / (first.hop * first.stride)
    return first.stride * max(1, math.ceil(frames / _MOST_FRAMES))
