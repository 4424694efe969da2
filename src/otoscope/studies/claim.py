"""A claim of a published work, and the rule by which it holds, fixed before anything is measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from otoscope.studies.estimate import Estimate

if TYPE_CHECKING:
    from otoscope.studies.found import Found

Direction: TypeAlias = Literal["greater", "less", "within", "exactly"]
Verdict: TypeAlias = Literal["holds", "fails", "undecided", "not run here"]


@dataclass(frozen=True)
class Claim:
    """What a figure, a table or a section of a work says, and how it is judged.

    Parameters
    ----------
    number : str
        By which it is known everywhere, such as ``swam-12``.
    work : str
        Key of the bibliography.
    where : str
        Section, figure or table.
    text : str
        What the work says, in a sentence of ours.
    published : str
        The figures of the work; empty where it gives none.
    test : str
        What is measured here, in words.
    direction : {"greater", "less", "within", "exactly"}
        How the estimate has to lie to `null`: on which side, at most `margin` away, or on it.
    null : float
        Where the estimate would be if the claim said nothing (0 for a difference, the chance level for a share); for
        ``within`` and ``exactly`` what it should be.
    margin : float
        Of ``within``.
    uses : tuple of str
        Tables of rows that the measure reads; where one of them is empty the claim is not run.
    measure : callable, optional
        From what was found to an estimate, or None where its rows do not say it. Without it nothing here measures it.
    needs : tuple of str
        Data of the work's own experiment.
    part : str
        Part of the study that it belongs to.

    Examples
    --------
    >>> claim = Claim("toy-1", "swam", "Fig. 1", "Louder is better.", test="gain of loudness")
    >>> claim.verdict(Estimate(2.0, 1.0, 3.0)), claim.verdict(Estimate(2.0, -1.0, 5.0))
    ('holds', 'undecided')
    """

    number: str
    work: str
    where: str
    text: str
    published: str = ""
    test: str = ""
    direction: Direction = "greater"
    null: float = 0.0
    margin: float = 0.0
    uses: tuple[str, ...] = ()
    measure: Callable[[Found], Estimate | None] | None = None
    needs: tuple[str, ...] = ()
    part: str = ""

    def verdict(self, found: Estimate | None) -> Verdict:
        """Whether the claim holds.

        Parameters
        ----------
        found : Estimate or None
            None where nothing was measured.

        Returns
        -------
        {"holds", "fails", "undecided", "not run here"}
            It holds only where the whole 95 % interval lies as the claim says, and fails only where the whole interval
            lies otherwise. A number without an interval decides nothing, unless it is a count that is ``exactly`` right
            or wrong.
        """
        if found is None:
            return "not run here"
        if self.direction == "exactly":
            return "holds" if found.value == self.null else "fails"
        low, high = found.low - self.null, found.high - self.null
        if math.isnan(low) or math.isnan(high):
            return "undecided"
        if self.direction == "less":
            low, high = -high, -low
        if self.direction == "within":
            inside = -self.margin <= low and high <= self.margin
            outside = high < -self.margin or low > self.margin
            return "holds" if inside else "fails" if outside else "undecided"
        return "holds" if low > 0 else "fails" if high < 0 else "undecided"

    @property
    def rule(self) -> str:
        """The test in words, with the side on which the interval has to lie.

        Examples
        --------
        >>> Claim("toy-1", "swam", "Fig. 1", "", test="share of hits", null=0.1).rule
        'share of hits; holds where the 95 % interval is above 0.1'
        """
        if not self.test:
            return ""
        sides = {
            "greater": f"the 95 % interval is above {self.null:g}",
            "less": f"the 95 % interval is below {self.null:g}",
            "within": f"the 95 % interval lies within {self.margin:g} of {self.null:g}",
            "exactly": f"it is {self.null:g}",
        }
        return f"{self.test}; holds where {sides[self.direction]}"


@dataclass(frozen=True)
class Judged:
    """A claim with what was found.

    Attributes
    ----------
    claim : Claim
    estimate : Estimate or None
    verdict : {"holds", "fails", "undecided", "not run here"}
    reason : str
        Why it was not run.
    """

    claim: Claim
    estimate: Estimate | None
    verdict: Verdict
    reason: str = ""
