"""What a model says, on a page."""

from __future__ import annotations

from typing import Any

import numpy as np

from otoscope.app.found import Found
from otoscope.app.numbers import exact, number, numbers

_MOST_CLASSES = 400


def answer_entry(found: Found) -> dict[str, Any]:
    """The scores of the classes, and the answer in a row of facts; of very many classes the likeliest.

    Returns
    -------
    dict
        `answer`, `class_count`, `classes`, `logits`, `probabilities` and `order`.
    """
    explained = next(iter(found.results.get("relevance", {}).values()), None)
    said = {"label": None, "score": None, "probability": None, "runner_up": None, "runner_up_probability": None}
    facts: dict[str, Any] = {"kind": "none", "score_kind": None, "how": None, "margin": None} | said
    if explained is not None:
        score = explained["logit" if "logit" in explained else "score"]
        facts |= {"label": str(explained.attrs["target"]), "score": exact(score.item())}
        facts["score_kind"] = str(explained.attrs.get("score_kind", "logit"))
    if found.answer is None:
        facts["reason"] = found.no_answer or "the model has no classes"
        return {"answer": facts, "class_count": 0, "classes": [], "logits": [], "probabilities": None, "order": []}
    names, scores = found.answer["class"].values, found.answer["score"].values.astype(np.float64)
    chances = found.answer["probability"].values.astype(np.float64)
    rank = np.argsort(found.answer["rank"].values)
    kept = np.sort(rank[:_MOST_CLASSES])
    place = {int(index): i for i, index in enumerate(kept)}
    facts |= {"kind": "number" if scores.size == 1 else "classes", "how": str(found.answer.attrs["how"])}
    facts |= {"score_kind": str(found.answer.attrs["score_kind"])}
    first, second = rank[0], rank[1] if rank.size > 1 else None
    facts |= {"label": str(names[first]), "score": exact(scores[first]), "probability": number(chances[first], 4)}
    if second is not None:
        facts |= {"runner_up": str(names[second]), "runner_up_probability": number(chances[second], 4)}
        tie = scores[first] == scores[second]  # also of two that are infinite
        facts["margin"] = 0.0 if tie else exact(scores[first] - scores[second])
    return {
        "answer": facts,
        "class_count": scores.size,
        "classes": [str(name) for name in names[kept]],
        "logits": [exact(score, 5) for score in scores[kept].tolist()],
        "probabilities": numbers(chances[kept]),
        "order": [place[int(index)] for index in rank if int(index) in place],
    }
