"""What it says that a part of a sound was taken away, in words and numbers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import xarray as xr

from otoscope.text import span
from otoscope.trust.blocks import Block, noted, number, one_clip
from otoscope.trust.taken_away import CONTROLS, DOMAINS
from otoscope.trust.verdict import ANSWER

_UNITS: dict[str, Literal["s", "Hz"]] = {"time": "s", "band": "Hz"}
_PARTS = {"time": "interval", "band": "band"}
_COLUMNS = {"equal width": "as wide", "equal energy": "as loud"}
_LONG = 20  # letters of the heading of a column
_FALLS = (
    "falls most", "falls, as it does without other parts", "falls; there is nothing to compare it with",
    "does not fall",
)  # fmt: skip
"""What becomes of a score, from what speaks most for its relevance to what does least."""


def block(result: xr.Dataset) -> Block:
    """What a test says, in words and numbers, of one clip."""
    one = one_clip(result)
    level, judged = str(one["taken_level"].item()), str(one["judged_by"].item())
    head, text = _of_answer(one) if judged == ANSWER else _of_score(one, judged)
    if level == "none":
        head, text = "No test", "There is no part to take away, or no answer without it."
    found: Block = {"method": "taken_away", "level": level, "head": head, "text": noted(text, result)}  # type: ignore[typeddict-item]
    columns, rows, strong = _table(one, judged, str(result.attrs["score_kind"]))
    if rows:
        what = "the answer changes" if judged == ANSWER else f"{judged} falls by as much or more"
        found["table"] = {"columns": columns, "rows": rows, "strong": strong}
        found["note"] = f"As wide, as loud: how often {what} without another part as wide, or of as much energy."
    return found


def _table(one: xr.Dataset, judged: str, kind: str) -> tuple[list[str], list[list[Any]], list[list[int]]]:
    """Columns, rows and the cells that stand out: what there is without each part; columns that are empty are left out.

    By the answer a row has the margin, by a score that score.
    """
    by_answer = judged == ANSWER
    whole = one["margin"] if by_answer else one["logit" if "logit" in one else "score"]
    rows: list[list[Any]] = [
        ["nothing", one["answer"].item(), _shown(float(whole), by_answer), *["" for _ in CONTROLS]]
    ]
    strong = []
    for row, domain in enumerate(DOMAINS, 1):
        taken = one.sel(domain=domain)
        if not np.isfinite(float(taken["taken_low"])):
            continue
        value = taken["taken_margin" if by_answer else "taken_score"]
        cells = [_count(taken.sel(control=control), by_answer) for control in CONTROLS]
        rows.append([_part(taken, domain), taken["taken_answer"].item(), _shown(float(value), by_answer), *cells])
        stands_out = float(taken["changed"]) == 1 if by_answer else _falls_most(taken)
        strong += [[row, 1 if by_answer else 2]] if stands_out else []
    of_score = judged.removeprefix("the ")
    value_column = "margin" if by_answer else of_score if len(of_score) <= _LONG else kind
    columns = ["without", "says", value_column, *_COLUMNS.values()]
    kept = [at for at in range(len(columns)) if any(row[at] not in ("", None) for row in rows)]
    places = {at: place for place, at in enumerate(kept)}
    table = [[row[at] for at in kept] for row in rows]
    return [columns[at] for at in kept], table if len(rows) > 1 else [], [[row, places[at]] for row, at in strong]


def _falls_most(taken: xr.Dataset) -> bool:
    """Whether a score falls without a part, and by less without every other."""
    compared = float(taken["elsewhere_count"].sum()) > 0
    return bool(float(taken["fall"]) > 0 and compared and not _happens(taken, by_answer=False))


def _shown(value: float, by_answer: bool) -> Any:
    """A margin as a number; a score of whatever size as text."""
    return number(value) if by_answer else f"{value:.3g}" if np.isfinite(value) else ""


def _count(there: xr.Dataset, by_answer: bool) -> str:
    """How often it happens elsewhere; that there is no other such part, for which the text has the reason."""
    count = int(there["elsewhere_count"])
    return f"{_happens(there, by_answer)} of {count}" if count else "no other"


def _happens(there: xr.Dataset, by_answer: bool) -> int:
    """How often the answer changes, or the score falls as much, without other parts."""
    return int(np.nansum(there["elsewhere_changed" if by_answer else "elsewhere_fell"]))


def _part(taken: xr.Dataset, domain: str) -> str:
    return span(float(taken["taken_low"]), float(taken["taken_high"]), _UNITS[domain])


def _of_answer(one: xr.Dataset) -> tuple[str, str]:
    """The head and the text of a test of the answer, as its verdict has it."""
    own = str(one["answer"].item())
    changes = [domain for domain in DOMAINS if float(one["changed"].sel(domain=domain)) == 1]
    if not changes:
        tested = [domain for domain in DOMAINS if float(one["changed"].sel(domain=domain)) == 0]
        parts = [_part(one.sel(domain=domain), domain) for domain in tested]
        text = (
            f"Neither {' nor '.join(parts)} is needed for {own}: without either it still says {own}."
            if len(parts) > 1
            else f"Without {''.join(parts)} it still says {own}."
        )
        elsewhere = _changes_elsewhere(one)
        head = "Taken away, the answer stays"
        return (f"{head}; without other parts it changes" if elsewhere else head), " ".join([text, *elsewhere])
    said, heads = [], set[str]()
    for domain in changes:
        taken = one.sel(domain=domain)
        count, changed = int(taken["elsewhere_count"].sum()), _happens(taken, by_answer=True)
        what = f"Without {_part(taken, domain)} it says {taken['taken_answer'].item()}"
        others = f"other {_PARTS[domain]}s as wide or as loud"
        if not count:
            heads.add("; there is nothing to compare it with")
            said.append(f"{what}; there are no {others} to compare it with.")
        elif changed:
            heads.add(", as it does without other parts")
            said.append(f"{what}, but the answer also changes without {changed} of {count} {others}.")
        else:
            heads.add("")
            said.append(f"{what}; without each of {count} {others} the answer stays.")
    return f"Taken away, the answer changes{min(heads)}", " ".join(said)


def _changes_elsewhere(one: xr.Dataset) -> list[str]:
    """Without which other parts the answer changes, with an example, a sentence for each domain where it does."""
    said = []
    for domain in DOMAINS:
        taken = one.sel(domain=domain)
        count, changed = int(taken["elsewhere_count"].sum()), _happens(taken, by_answer=True)
        if changed:
            others = taken.stack(other=("control", "place"))
            answers = others["elsewhere_answer"].values
            at = next(at for at, answer in enumerate(answers) if answer not in ("", one["answer"].item()))
            low, high = (float(others[f"elsewhere_{side}"][at]) for side in ("low", "high"))
            said.append(
                f"It changes without {changed} of {count} other {_PARTS[domain]}s as wide or as loud: without "
                f"{span(low, high, _UNITS[domain])} it says {answers[at]}."
            )
    return said


def _of_score(one: xr.Dataset, judged: str) -> tuple[str, str]:
    """The head and the text of a test of a score that is not the answer's."""
    whole, instead = float(one["logit" if "logit" in one else "score"]), str(one["instead"].item())
    said = [f"{instead[0].upper()}{instead[1:]}: what counts is {judged}."] if instead else []
    heads, it = set[str](), judged
    for domain in DOMAINS:
        taken = one.sel(domain=domain)
        fall = float(taken["fall"])
        if np.isnan(fall):
            continue
        count, as_much = int(taken["elsewhere_count"].sum()), _happens(taken, by_answer=False)
        what = f"Without {_part(taken, domain)} {it} {_from_to(whole, float(taken['taken_score']))}"
        others, it = f"other {_PARTS[domain]}s as wide or as loud", "it"
        if fall <= 0:
            heads.add("does not fall")
            said.append(f"{what}.")
        elif not count:
            heads.add("falls; there is nothing to compare it with")
            said.append(f"{what}; there are no {others} to compare it with.")
        elif as_much:
            heads.add("falls, as it does without other parts")
            said.append(f"{what}, but falls by as much or more without {as_much} of {count} {others}.")
        else:
            heads.add("falls most")
            said.append(f"{what}; without each of {count} {others} it falls by less.")
    best = next((head for head in _FALLS if head in heads), "")
    return f"Taken away, {judged} {best}", " ".join(said)


def _from_to(whole: float, score: float) -> str:
    """What becomes of a score.

    Examples
    --------
    >>> _from_to(5.2691, -1.8423), _from_to(0.161622, 0.161591), _from_to(2.0, 2.0)
    ('goes from 5.27 to -1.84', 'goes from 0.16162 to 0.16159', 'stays at 2')
    """
    for digits in range(3, 9):
        before, after = f"{whole:.{digits}g}", f"{score:.{digits}g}"
        if before != after:
            return f"goes from {before} to {after}"
    return f"stays at {whole:.3g}"
