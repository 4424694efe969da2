"""What it says that a part of a sound was taken away, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_CHANGES = (
    "changes", "changes, as it does without other parts", "changes; there is nothing to compare it with", "stays",
)  # fmt: skip
"""What becomes of a score, and of an answer, from what speaks most for its relevance to what does least."""


def block(result: xr.Dataset) -> Block:
    """What a test says, in words and numbers, of one clip."""
    one = one_clip(result)
    level, judged = str(one["taken_level"].item()), str(one["judged_by"].item())
    if level == "none":
        head, text = "No test", "There is no part to take away, or no answer without it."
    else:
        head, text = _of_answer(one) if judged == ANSWER else _of_score(one, judged)
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
            else _stays(one, tested[0])
        )
        elsewhere = _changes_elsewhere(one)
        head = "Taken away, the answer stays"
        return (f"{head}; without other parts it changes" if elsewhere else head), " ".join([text, *elsewhere])
    said, heads = list[str](), dict[str, str]()
    for domain in DOMAINS:
        if domain not in changes:
            if float(one["changed"].sel(domain=domain)) == 0:
                said.append(_stays(one, domain))
                heads[domain] = "stays"
            continue
        taken = one.sel(domain=domain)
        count, changed = int(taken["elsewhere_count"].sum()), _happens(taken, by_answer=True)
        what = f"Without {_part(taken, domain)} it says {_other(taken['taken_answer'].item(), own)}"
        others = f"other {_PARTS[domain]}s as wide or as loud"
        if not count:
            heads[domain] = "changes; there is nothing to compare it with"
            said.append(f"{what}; there are no {others} to compare it with.")
        elif changed:
            heads[domain] = "changes, as it does without other parts"
            said.append(f"{what}, but the answer also changes without {changed} of {count} {others}.")
        else:
            heads[domain] = "changes"
            said.append(f"{what}; without each of {count} {others} the answer stays.")
    return _head("the answer", heads, _CHANGES), " ".join(said)


def _head(what: str, heads: Mapping[str, str], order: Sequence[str]) -> str:
    """What becomes of an answer or a score without each part, in one line.

    Examples
    --------
    >>> _head("the answer", {"time": "stays", "band": "changes"}, _CHANGES)
    'Without the band the answer changes; without the interval it stays'
    >>> _head("the answer", {"time": "changes", "band": "changes"}, _CHANGES)
    'Taken away, the answer changes'
    """
    if len(set(heads.values())) == 1:
        return f"Taken away, {what} {next(iter(heads.values()))}"
    said = list[str]()
    for domain in sorted(heads, key=lambda domain: order.index(heads[domain])):
        part = _PARTS[domain]
        outcome = heads[domain].replace("; there is", ", with").replace("other parts", f"other {part}s")
        said.append(f"without the {part} {'it' if said else what} {outcome}")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}"


def _stays(one: xr.Dataset, domain: str) -> str:
    return f"Without {_part(one.sel(domain=domain), domain)} it still says {one['answer'].item()}."


def _other(answer: str, own: str) -> str:
    """The name of another answer, which may be that of a class of the same name."""
    return f"{answer}, another class of that name" if answer == own else answer


def _changes_elsewhere(one: xr.Dataset) -> list[str]:
    """Without which other parts the answer changes, with an example, a sentence for each domain where it does."""
    said = []
    for domain in DOMAINS:
        taken = one.sel(domain=domain)
        count, changed = int(taken["elsewhere_count"].sum()), _happens(taken, by_answer=True)
        if changed:
            others = taken.stack(other=("control", "place"))
            at = int(np.flatnonzero(others["elsewhere_place_changed"].values == 1)[0])
            answer = _other(str(others["elsewhere_answer"][at].item()), str(one["answer"].item()))
            low, high = (float(others[f"elsewhere_{side}"][at]) for side in ("low", "high"))
            said.append(
                f"It changes without {changed} of {count} other {_PARTS[domain]}s as wide or as loud: without "
                f"{span(low, high, _UNITS[domain])} it says {answer}."
            )
    return said


def _of_score(one: xr.Dataset, judged: str) -> tuple[str, str]:
    """The head and the text of a test of a score that is not the answer's."""
    whole, instead = float(one["logit" if "logit" in one else "score"]), str(one["instead"].item())
    said = [f"{instead[0].upper()}{instead[1:]}: what counts is {judged}."] if instead else []
    heads, it = dict[str, str](), judged
    for domain in DOMAINS:
        taken = one.sel(domain=domain)
        fall = float(taken["fall"])
        if np.isnan(fall):
            continue
        count, as_much = int(taken["elsewhere_count"].sum()), _happens(taken, by_answer=False)
        what = f"Without {_part(taken, domain)} {it} {_from_to(whole, float(taken['taken_score']))}"
        others, it = f"other {_PARTS[domain]}s as wide or as loud", "it"
        if fall <= 0:
            heads[domain] = "does not fall"
            said.append(f"{what}.")
        elif not count:
            heads[domain] = "falls; there is nothing to compare it with"
            said.append(f"{what}; there are no {others} to compare it with.")
        elif as_much:
            heads[domain] = "falls, as it does without other parts"
            said.append(f"{what}, but falls by as much or more without {as_much} of {count} {others}.")
        else:
            heads[domain] = "falls most"
            said.append(f"{what}; without each of {count} {others} it falls by less.")
    return _head(judged, heads, _FALLS), " ".join(said)


def _from_to(whole: float, score: float) -> str:
    """What becomes of a score.

    Examples
    --------
    >>> _from_to(5.2691, -1.8423), _from_to(0.161622, 0.161591), _from_to(2.0, 2.0)
    ('goes from 5.27 to -1.84', 'goes from 0.16162 to 0.16159', 'stays at 2')
    >>> _from_to(-1.1, -1.0984)
    'goes from -1.100 to -1.098'
    """
    for digits in range(3, 9):
        before, after = (f"{one:#.{digits}g}".removesuffix(".") for one in (whole, score))
        if before != after:
            return f"goes from {before} to {after}"
    return f"stays at {whole:.3g}"
