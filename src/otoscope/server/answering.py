"""Questions answered with a model, as pages: what runs in the process of a worker."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from otoscope.audio import load_audio
from otoscope.errors import InputError
from otoscope.methods.output import output_of
from otoscope.methods.relevance_rules import RELEVANCE_RULES
from otoscope.methods.slide import answer_along
from otoscope.scope import Scope
from otoscope.server.ask import Ask
from otoscope.server.bench import Tell
from otoscope.server.made import Made
from otoscope.server.models import Models
from otoscope.server.pages import Builder
from otoscope.server.refusal import Refusal
from otoscope.server.tasks import Heard, Task
from otoscope.subject import working

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
    scopes = [models.scope(*one) for one in zip(ask.models, ask.checkpoints, strict=False)]
    for scope, target in zip(scopes, ask.targets, strict=False):
        _check(scope, target, ask)
    clips = [clip_of(scope, task.sound) for scope in scopes]
    said = [says(scope, clip) for scope, clip in zip(scopes, clips, strict=True)]
    if ask.kind == "answer":
        return Made(said[0], None, {}, [])
    builder = Builder(task.job, task.sound.id)
    for number, (scope, clip, words) in enumerate(zip(scopes, clips, said, strict=True)):
        tell(scope.name, number, len(scopes) + 1)
        run = builder.run(scope, clip, words, run_id(ask, number))
        if ask.kind == "maps":
            builder.maps(run, scope, clip, ask, tell)
        else:
            builder.relevance(run, scope, clip, ask, ask.targets[number])
    manifest, parts = builder.page()
    return Made(said[0] if len(said) == 1 else None, manifest, parts, [])


def run_id(ask: Ask, number: int) -> str:
    """The id of a run in the manifest: that of its model, and of its checkpoint."""
    checkpoint = ask.checkpoints[number]
    return ask.models[number] if checkpoint is None else f"{ask.models[number]}-{checkpoint}"


def _check(scope: Scope, target: int | str | None, ask: Ask) -> None:
    """Refuse targets that are no classes: in Python a target may name code to be run, or a file to be read."""
    for one in (target, ask.against):
        if isinstance(one, str) and one not in (scope.classes or ()):
            known = f"its classes are {', '.join(scope.classes)}" if scope.classes else "give its number"
            raise Refusal(422, "unfit", f"{scope.name} has no class {one!r}: {known}")
    if ask.rule is not None and ask.rule not in RELEVANCE_RULES:
        raise Refusal(422, "unfit", f"there is no rule {ask.rule!r}: the rules are {', '.join(RELEVANCE_RULES)}")


def clip_of(scope: Scope, sound: Heard) -> xr.DataArray:
    """A sound at the rate of a model, with the facts of the file that was sent."""
    several = (scope.contract.channels or 1) > 1
    clip = load_audio(sound.path, sample_rate=scope.sample_rate, mono=not several)
    clip.attrs.pop("path", None)
    clip.attrs.update({key: value for key, value in sound.attrs.items() if value is not None})
    return scope.clip(clip)


def says(scope: Scope, clip: xr.DataArray) -> dict[str, Any]:
    """What a model says of a sound: its likeliest classes, with their probabilities and scores."""
    inputs = scope.whole(clip)
    with scope.lock, working(scope, inputs), torch.no_grad():
        found = answer_along(scope.network, inputs)
        output = output_of(scope, inputs, found)
        try:
            output.check_classes(False)
            scores = output.class_scores(found.value, None)[0].double().cpu().numpy()
            chances, how = output.probabilities(None)
        except InputError as error:
            return {"classes": [], "probabilities": None, "logits": [], "score_kind": None, "reason": str(error)}
    chance = chances[0].double().cpu().numpy()
    if not (np.isfinite(scores).all() and np.isfinite(chance).all()):
        raise InputError(f"the answer of {scope.name} to {clip.attrs['name']} is not finite: it holds NaN or infinity")
    order = np.lexsort((-scores, -chance))[:_SHOWN]
    names = [scope.classes[i] if scope.classes and i < len(scope.classes) else int(i) for i in order.tolist()]
    return {
        "classes": names,
        "probabilities": [float(f"{value:.4g}") for value in chance[order]],
        "logits": [float(f"{value:.5g}") for value in scores[order]],
        "score_kind": output.kind,
        "how": how,
        "class_count": int(scores.size),
    }
