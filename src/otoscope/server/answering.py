"""Questions answered with a model, as pages: what runs in the process of a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import xarray as xr

from otoscope.app.found import Found
from otoscope.app.numbers import numbers
from otoscope.app.page import Page
from otoscope.app.pairs import pair_entries
from otoscope.app.sound_page import sound_page
from otoscope.audio import load_audio
from otoscope.comparison import compare
from otoscope.errors import InputError
from otoscope.heard import varying
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing
from otoscope.methods.relevance import relevance
from otoscope.methods.relevance_rules import RELEVANCE_RULES, RelevanceRule
from otoscope.methods.sharing import sharing
from otoscope.methods.sonify import sonify
from otoscope.methods.targets import Question
from otoscope.probe.room import memory_budget
from otoscope.probe.rules import RuleName
from otoscope.report.activity import activity
from otoscope.report.answered import answer_or_reason
from otoscope.report.gather import gather, model_facts, within
from otoscope.report.likeness import Asked, likeness
from otoscope.scope import Scope
from otoscope.server.ask import Ask
from otoscope.server.bench import Tell
from otoscope.server.made import Made
from otoscope.server.models import Models
from otoscope.server.refusal import Refusal
from otoscope.server.tasks import Heard, Task
from otoscope.trust.blocks import trust_methods

_SHOWN = 20  # classes of an answer


def answered(models: Models, task: Task, tell: Tell) -> Made:
    """What a question gives.

    Raises
    ------
    InputError
        If the model does not take the sound.
    Refusal
        If what is asked for is not there.
    """
    ask = task.ask
    scopes = [models.scope(*one) for one in zip(ask.models, ask.checkpoints, strict=True)]
    for scope, target in zip(scopes, ask.targets, strict=True):
        _check(scope, target, ask)
    clips = [clip_of(scope, task.sound) for scope in scopes]
    if ask.kind == "answer":
        return Made(_says(scopes[0], clips[0])[1], None, {}, _notes(scopes))
    founds: dict[str, Found] = {}
    with sharing(), memory_budget(None):
        for number, (scope, clip) in enumerate(zip(scopes, clips, strict=True)):
            found = _found(scope, clip, ask, ask.targets[number], tell)
            founds[_run_id(ask, number)] = replace(found, model=found.model or model_facts(scope))
        pairs = _pair(scopes, clips, founds, task, tell) if len(scopes) == 2 else []
    page = renamed(sound_page(founds, pairs), task.job, task.sound.id)
    answer = _says(scopes[0], clips[0])[1] if len(scopes) == 1 else None
    return Made(answer, page.manifest, page.parts, _notes(scopes))


def _notes(scopes: Sequence[Scope]) -> list[str]:
    """What is said of models of which two equal calls differ."""
    return list(dict.fromkeys(filter(None, map(varying, scopes))))


def _found(scope: Scope, clip: xr.DataArray, ask: Ask, target: int | str | None, tell: Tell) -> Found:
    """What a question finds in one model."""
    if ask.kind == "maps":
        return _maps(scope, clip, ask, tell)
    rule: RelevanceRule = ask.rule or "guided"  # type: ignore[assignment]
    question: dict[str, Any] = {"target": target, "at": ask.at, "against": ask.against}
    if ask.kind == "page":
        return gather(scope, clip, **question, rule=rule, n_maps=ask.count, control=ask.control, progress=tell)
    tests = trust_methods() if ask.control else []
    tell("relevance", 0, 1 + len(tests))
    result = relevance(scope, clip, **question, rule=rule)
    found = _heard(scope, clip)
    found.results["relevance"] = {rule: result}
    found.untested = "" if ask.control else "Whether it may be believed is tested as soon as nothing else is asked."
    for number, name in enumerate(tests, 1):
        words = name.replace("_", " ")
        tell(words, number, 1 + len(tests))
        import_module(listing()[name].module)
        try:
            own = within(tell, words, number, 1 + len(tests))
            found.results[name] = METHODS[name].function(scope, clip, **question, rule=rule, progress=own)
        except InputError as error:
            found.missing[name] = str(error)
    return found


def _maps(scope: Scope, clip: xr.DataArray, ask: Ask, tell: Tell) -> Found:
    """Maps of a layer as sounds, and at their own rate."""
    channels: Any = list(ask.channels) if isinstance(ask.channels, tuple) else ask.channels
    rule: RuleName = ask.rule or "deconvnet"  # type: ignore[assignment]

    def progress(done: int, total: int) -> None:
        tell("maps", done, total)

    found = _heard(scope, clip)
    found.taps = scope.taps(clip)
    layer = found.taps.resolve(ask.layers[0])
    sounds = sonify(scope, clip, layer=layer, channels=channels, n_maps=ask.count, rule=rule, progress=progress)
    found.results["sonify"] = {layer: sounds}
    found.silent, found.maps = activity(scope, clip, found.taps, found.results["sonify"])
    return found


def _pair(
    scopes: Sequence[Scope], clips: Sequence[xr.DataArray], founds: Mapping[str, Found], task: Task, tell: Tell
) -> list[dict[str, Any]]:
    """How alike two models are on the sound; it is read again where they take it at different rates."""
    wave: Any = clips[0] if scopes[0].sample_rate == scopes[1].sample_rate else task.sound.path
    rule: RelevanceRule = task.ask.rule or "guided"  # type: ignore[assignment]
    targets = list(task.ask.targets)
    result = compare(scopes, wave, target=targets, rule=rule, progress=tell)
    tell("likeness", 1, 2)
    asked = zip(scopes, clips, targets, strict=True)
    try:
        alike = likeness([Asked(scope, clip, Question(target)) for scope, clip, target in asked], rule)
    except InputError:  # a model whose relevance is zero, as its page says
        alike = None
    return pair_entries(result, founds, alike)


def renamed(page: Page, job: str, sound: str) -> Page:
    """A page whose parts are named after a job, and its sounds after that of the client: so several can be merged."""
    parts = {f"{job}-{name}": content for name, content in page.parts.items()}
    sounds = {name: f"{sound}-{entry['rate']}" for name, entry in page.manifest["sounds"].items()}

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            known = {key: walk(one) for key, one in value.items()}
            if isinstance(value.get("part"), str):
                known["part"] = f"{job}-{value['part']}"
            return known
        return [walk(one) for one in value] if isinstance(value, list) else value

    manifest = walk(page.manifest)
    manifest["sounds"] = {sounds[name]: entry for name, entry in manifest["sounds"].items()}
    for run in manifest["runs"]:
        run["sound"] = sounds[run["sound"]]
    return Page(manifest, parts)


def _run_id(ask: Ask, number: int) -> str:
    """The id of a run in the manifest: that of its model, and of its checkpoint."""
    checkpoint = ask.checkpoints[number]
    key = ask.models[number] if checkpoint is None else f"{ask.models[number]}-{checkpoint}"
    same = number and (ask.models[0], ask.checkpoints[0]) == (ask.models[1], ask.checkpoints[1])
    return f"{key}-again" if same else key


def _check(scope: Scope, target: int | str | None, ask: Ask) -> None:
    """Refuse targets that are not classes: in Python a target may name code to be run, or a file to be read."""
    for one in (target, ask.against):
        if isinstance(one, str) and one not in (scope.classes or ()):
            known = f"its classes are {', '.join(scope.classes)}" if scope.classes else "give its number"
            raise Refusal(422, "unfit", f"{scope.name} has no class {one!r}: {known}")
    if ask.kind != "maps" and ask.rule is not None and ask.rule not in RELEVANCE_RULES:
        raise Refusal(422, "unfit", f"there is no rule {ask.rule!r}: the rules are {', '.join(RELEVANCE_RULES)}")


def clip_of(scope: Scope, sound: Heard) -> xr.DataArray:
    """A sound at the rate of a model, with the facts of the file that was sent."""
    several = (scope.contract.channels or 1) > 1
    clip = load_audio(sound.path, sample_rate=scope.sample_rate, mono=not several)
    clip.attrs["path"] = sound.attrs["name"]  # where it lies is nobody's business
    clip.attrs.update({key: value for key, value in sound.attrs.items() if value is not None})
    return scope.clip(clip)


def _says(scope: Scope, clip: xr.DataArray) -> tuple[xr.Dataset | None, dict[str, Any]]:
    """What a model says of a sound, as a result, and its likeliest classes with their probabilities and scores."""
    with scope.lock:
        found, reason = answer_or_reason(scope, clip)
    if found is None:
        nothing: dict[str, Any] = {"classes": [], "probabilities": None, "logits": [], "score_kind": None}
        return None, nothing | {"reason": reason}
    best = found.sortby("rank").isel({"class": slice(_SHOWN)})
    return found, {
        "classes": [str(name) for name in best["class"].values],
        "probabilities": numbers(best["probability"].values, 4),
        "logits": numbers(best["score"].values, 5),
        "score_kind": found.attrs["score_kind"],
        "how": found.attrs["how"],
        "class_count": found.sizes["class"],
    }


def _heard(scope: Scope, clip: xr.DataArray) -> Found:
    """What a page begins with: the sound, and what the model says of it, or why it says nothing."""
    answer, said = _says(scope, clip)
    return Found(clip, answer=answer, no_answer=said.get("reason", ""))
