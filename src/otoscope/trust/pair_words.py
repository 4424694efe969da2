"""What it says that the maps of two models are alike, beside those of random networks, in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from otoscope.methods.relevance_rules import RelevanceRule, rule_record
from otoscope.trust.blocks import Block, number, r, rounded
from otoscope.trust.verdict import Level

_NOTHING = 0.2  # correlation of signed maps below which they have nothing in common


def pair_block(likeness: float, random: Sequence[float], rule: RelevanceRule) -> Block:
    """What the likeness of two maps says.

    Parameters
    ----------
    likeness : float
        Pearson's correlation of the two.
    random : sequence of float
        That of each pair of random networks; what is not known is NaN.
    rule : str
        By which they were made.

    Examples
    --------
    >>> pair_block(0.5, [0.7, 0.8, 0.9], "guided")["text"]
    'The two maps agree with r = 0.50: less than any of 3 pairs with random weights (0.70 to 0.90).'
    """
    known, signed = [one for one in random if math.isfinite(one)], rule_record(rule).form == "product"
    level, head, text = _in_words(likeness, known, signed)
    rows: list[list[object]] = [["the two maps", number(likeness), None, None, "model"]]
    if known:
        rows.append(["random networks", *map(number, (sum(known) / len(known), min(known), max(known))), "model"])
    return {
        "method": "compare",
        "level": level,
        "head": head,
        "text": text,
        "bars": {"columns": ["likeness of", "r"], "signed": signed, "rows": rows},
    }


def _in_words(likeness: float, random: Sequence[float], signed: bool) -> tuple[Level, str, str]:
    ends = (min(random), max(random)) if random else ()
    agree = f"The two maps agree with {r(likeness, *ends)}"
    if math.isnan(likeness) or not random:
        return (
            "none",
            "No control for this pair",
            f"{agree}. How far random networks of these shapes agree is not known.",
        )
    low, high = min(random), max(random)
    pairs = f"{len(random)} pairs with random weights" if len(random) > 1 else "a pair with random weights"
    pairs += f" ({rounded(low, likeness)} to {rounded(high, likeness)})"
    if signed and abs(likeness) < _NOTHING:
        return "ok", "Nothing in common", f"The two maps have nothing in common ({r(likeness)}), as little as {pairs}."
    if likeness < low:
        return "ok", "They listen to different things", f"{agree}: less than any of {pairs}."
    if likeness <= high:
        text = f"{agree}, and so do {pairs}: do not read their likeness as a common cue."
        return "no", "No more alike than chance", text
    return "ok", "More alike than chance", f"{agree}: more than any of {pairs}."
