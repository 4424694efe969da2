"""How large a page may be, and what that leaves out."""

from __future__ import annotations

from dataclasses import dataclass, field

from otoscope.app.packing import Parts

_CODE = 320_000  # bytes of script, style and markup around the data of a page
_LEAST, _A_SECOND, _SHORT = 1_000_000, 500_000, 10.0  # bytes, bytes/s, s
_BEYOND, _MOST = 50_000, 12_000_000  # bytes/s of longer sounds, bytes
_MOST_HEARD = 2**20  # samples: 131 s at 8 kHz, 66 s at 16 kHz


def limit_of(duration: float, models: int = 1) -> int:
    """Bytes that the page of a sound of so many s may take: 1.5 MB for one second, 6 MB for ten, at most 12 MB.

    Each further model adds half of that.

    Examples
    --------
    >>> [limit_of(seconds) for seconds in (0.2, 1.0, 10.0, 600.0)]
    [1100000, 1500000, 6000000, 12000000]
    """
    short = min(duration, _SHORT)
    limit = min(_MOST, round(_LEAST + _A_SECOND * short + _BEYOND * (duration - short)))
    return round(limit * (1 + models) / 2)


def heard_of(samples: int) -> int:
    """How many of the samples of a sound can be heard on a page, from its beginning."""
    return min(samples, _MOST_HEARD)


@dataclass
class Budget:
    """Room that is left on a page, and what it has no room for.

    Attributes
    ----------
    limit : int
        Bytes of the whole page.
    parts : Parts
        What is on it already.
    left_out : list of dict
        `what` is not on it, and `why`.
    """

    limit: int
    parts: Parts
    left_out: list[dict[str, str]] = field(default_factory=list)

    def has_room(self, need: int, share: float = 1.0) -> bool:
        """Whether so many bytes more take no more than a share of what it may hold."""
        return self.parts.size + need <= share * (self.limit - _CODE)

    def share_of(self, count: int) -> float:
        """What of the room is taken when one of so many has had its part of what is left."""
        taken = self.parts.size / max(1, self.limit - _CODE)
        return taken + (1 - taken) / count

    def leave_out(self, what: str, why: str = "the page would grow too large") -> None:
        """Note that something is not on the page, once."""
        one = {"what": what, "why": why}
        if one not in self.left_out:
            self.left_out.append(one)
