"""The page of a relevance by itself: of its result alone, without the model."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import xarray as xr

from otoscope.app.found import Found, ModelFacts
from otoscope.app.page import Page
from otoscope.app.sound_page import sound_page
from otoscope.contract import Contract
from otoscope.errors import InputError

_SOUND = {"audio": "name", "audio_sha256": "sha256", "note": "note", "sample_rate": "sample_rate"}
"""What a result says of its sound, and how the sound itself says it."""

_COMPARED = {"logit", "margin", "class_name", "probability", "runner_up", "runner_up_probability"}


def relevance_page(result: xr.Dataset) -> Page:
    """Lay out a relevance and its sound.

    Parameters
    ----------
    result : Dataset
        What :func:`otoscope.methods.relevance.relevance` returned of one sound, or the file of it.

    Returns
    -------
    Page
        With the answer as far as the result has it: the class that is explained, and the one next to it.

    Raises
    ------
    InputError
        If it is another result, or of several sounds.
    """
    method = result.attrs.get("method")
    if method != "relevance":
        raise InputError(
            f"a page of a result alone is of a relevance, which holds its sound; this is {method or 'no result'}. "
            "plot() draws any result, and scope.explore(sound) shows all of a model on one page"
        )
    if "clip" in result.dims:
        raise InputError(f"a page is of one sound, and this result has {result.sizes['clip']}: take isel(clip=0)")
    attrs = result.attrs
    clip = result["input"].copy()
    clip.attrs = {name: attrs[key] for key, name in _SOUND.items() if key in attrs}
    found = Found(
        clip,
        model=_model(attrs),
        answer=_answer(result),
        no_answer=f"This page is of the relevance for {attrs['target']} alone.",
        results={"relevance": {attrs["rule"]: result}},
    )
    page = sound_page({"a": found})
    run = page.manifest["runs"][0]
    run["class_count"] = max(run["class_count"], len(found.model.contract.classes or ()) if found.model else 0)
    return page


def _model(attrs: dict[str, str]) -> ModelFacts:
    known = {field.name for field in fields(Contract)}
    stated = {name: value for name, value in json.loads(attrs["subject"]).items() if name in known}
    return ModelFacts(attrs["model"], attrs["model_sha256"], None, Contract.read(stated))


def _answer(result: xr.Dataset) -> xr.Dataset | None:
    """The two classes whose scores a relevance knows."""
    if not set(result.variables) >= _COMPARED:
        return None
    score, names = float(result["logit"]), [str(result[name].item()) for name in ("class_name", "runner_up")]
    chances = [float(result[name]) for name in ("probability", "runner_up_probability")]
    scores = [score, score - float(result["margin"])]
    rank = np.lexsort([np.negative(scores), np.negative(chances)]).argsort()
    return xr.Dataset(
        {"score": ("class", scores), "probability": ("class", chances), "rank": ("class", rank)},
        coords={"class": np.array(names, dtype=object)},
        attrs={"score_kind": result.attrs.get("score_kind", "logit"), "how": str(result.attrs.get("score_note", ""))},
    )
