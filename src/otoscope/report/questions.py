"""Questions that a page in a notebook asks of the model in its kernel: any class, any rule, any map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import xarray as xr

from otoscope.app.found import Found
from otoscope.app.page import Page
from otoscope.app.sound_page import sound_page
from otoscope.errors import InputError
from otoscope.methods.relevance import relevance
from otoscope.methods.relevance_rules import rules_here
from otoscope.methods.sonify import sonify
from otoscope.report.activity import activity
from otoscope.report.answered import answered
from otoscope.report.gather import model_facts
from otoscope.subject import Subject

_MOST_MAPS = 4096
_ANSWERED = ("id", "model", "sound", "part", "rate", "relevance", "maps")


def facts_to_ask(subject: Subject) -> dict[str, Any]:
    """What a page has to know of a model to ask it: its classes, None where they have no names, and the rules."""
    classes = None if subject.classes is None else list(subject.classes)
    rules = [{"id": rule, "label": rule.replace("_", " ")} for rule in rules_here()]
    return {"classes": classes, "rules": rules}


def answerer(subject: Subject, clip: xr.DataArray, name: str) -> Callable[[Mapping[str, Any]], Page]:
    """A function that answers questions about one sound with pages to be put together with that of the sound.

    Parameters
    ----------
    subject : Subject
    clip : DataArray
        One sound.
    name : str
        Of the model on the page.

    Returns
    -------
    callable
        From what is asked (`kind`, and of a relevance `target`, `against` and `rule`, of maps `layer`, with `channels`
        or a `count`) to a page. It raises InputError where the model cannot answer.
    """

    def answer(ask: Mapping[str, Any]) -> Page:
        if ask.get("kind") not in _KINDS:
            raise InputError(f"a page asks for a relevance or for maps, not for {ask.get('kind')!r}")
        found = _KINDS[ask["kind"]](subject, clip, ask)
        found.model = model_facts(subject)
        found.answer = _said(subject, clip)
        return _asked_for(sound_page({name: found}))

    return answer


def _asked_for(page: Page) -> Page:
    """Of a page what was asked for alone: the rest is on the page that asks, and may say more there."""
    runs = [{key: run[key] for key in _ANSWERED} for run in page.manifest["runs"]]
    names = {part for run in runs for part in (run["part"], *(layer["part"] for layer in run["maps"].values()))}
    manifest = {key: page.manifest[key] for key in ("format", "kind", "window")}
    return Page(manifest | {"sounds": {}, "runs": runs}, {name: page.parts[name] for name in names})


def _relevance(subject: Subject, clip: xr.DataArray, ask: Mapping[str, Any]) -> Found:
    rule: Any = ask.get("rule") or "guided"
    if rule not in rules_here():
        raise InputError(f"there is no rule {rule!r}: the rules are {', '.join(rules_here())}")
    target, against = (_class(subject, ask.get(key)) for key in ("target", "against"))
    return Found(
        clip, results={"relevance": {rule: relevance(subject, clip, target=target, against=against, rule=rule)}}
    )


def _maps(subject: Subject, clip: xr.DataArray, ask: Mapping[str, Any]) -> Found:
    channels, count = ask.get("channels"), ask.get("count", 1)
    listed = isinstance(channels, list) and all(isinstance(one, int) for one in channels)
    counted = isinstance(count, int) and 1 <= count <= _MOST_MAPS
    if not (channels is None or channels == "all" or listed) or not counted:
        raise InputError(f"channels is a list of numbers, or 'all', and count from 1 to {_MOST_MAPS}")
    taps = subject.taps(clip)
    layer = taps.resolve(str(ask.get("layer")))
    found = Found(
        clip,
        taps=taps,
        results={"sonify": {layer: sonify(subject, clip, layer=layer, channels=channels, n_maps=count)}},
    )
    found.silent, found.maps = activity(subject, clip, taps, found.results["sonify"])
    return found


def _class(subject: Subject, name: Any) -> Any:
    """A class by its name or number: a target of another kind may name code, which no page may have run."""
    if name is None or (isinstance(name, int) and not isinstance(name, bool)):
        return name
    known = subject.classes or ()
    if isinstance(name, str) and name in known:
        return name
    if not known and str(name).isdecimal():
        return int(name)
    raise InputError(f"{subject.name} has no class {name!r}")


def _said(subject: Subject, clip: xr.DataArray) -> xr.Dataset | None:
    try:
        return answered(subject, clip)
    except InputError:  # of a waveform, an embedding and the like
        return None


_KINDS = {"relevance": _relevance, "maps": _maps}
