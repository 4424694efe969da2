"""What a verification found of one tap, in one respect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Respect = Literal["repeat", "replay", "axis", "hop", "field", "gradient"]


@dataclass(frozen=True)
class Check:
    """One line of a verification.

    Attributes
    ----------
    tap : str
        Empty for the model as a whole.
    check : {"repeat", "replay", "axis", "hop", "field", "gradient"}
        What was checked, see ``otoscope.probe.verify.verify``.
    passed : bool or None
        None where it cannot be checked; `details` says why.
    details : str
    """

    tap: str
    check: Respect
    passed: bool | None
    details: str = ""
