"""Sounds that come with Otoscope, so that there is something to hear before any is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_DURATION = 0.5  # s


@dataclass(frozen=True)
class Example:
    """A synthesised vowel of known F0 and formants.

    Attributes
    ----------
    id : str
    symbol, group : str
        Which vowel, and of whom, as :func:`otoscope.data.vowels.vowel_clip` takes them.
    """

    id: str
    symbol: str
    group: str

    @property
    def name(self) -> str:
        return f"vowel {self.symbol} of {self.group}"

    def as_json(self) -> dict[str, Any]:
        about = "synthesised, with the mean F0 and formants of Hillenbrand et al. (1995)"
        return {"id": self.id, "name": self.name, "about": about, "duration": _DURATION}


EXAMPLES = {
    one.id: one
    for one in (
        Example("e1", "ah", "women"),
        Example("e2", "iy", "women"),
        Example("e3", "uw", "men"),
        Example("e4", "ae", "men"),
        Example("e5", "er", "children"),
    )
}
