"""What of a data set was left out, and why: counted by cause, and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from otoscope.causes import BROKEN_ROW as BROKEN_ROW
from otoscope.causes import EMPTY as EMPTY
from otoscope.causes import MISSING as MISSING
from otoscope.causes import NO_PIECE as NO_PIECE
from otoscope.causes import UNLABELLED as UNLABELLED
from otoscope.causes import UNREADABLE as UNREADABLE
from otoscope.text import writable

_NAMED = 2  # of each cause, in a sentence


class Problems(Mapping[str, tuple[str, ...]]):
    """The names of what was left out, by cause.

    Examples
    --------
    >>> problems = Problems()
    >>> for name in ("a.wav", "b.wav", "c.wav"):
    ...     problems.add(MISSING, name)
    >>> problems.add(UNLABELLED, "d.wav", "the column label is empty")
    >>> problems.total, problems["missing"]
    (4, ('a.wav', 'b.wav', 'c.wav'))
    >>> problems.said
    '3 missing (a.wav, b.wav, ...), 1 unlabelled (d.wav: the column label is empty)'
    >>> list(problems.reasons())[-1]
    ('unlabelled', 'd.wav', 'the column label is empty')
    """

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._reasons: dict[str, list[str]] = {}  # of each name, or ""

    def add(self, cause: str, name: str, more: str = "") -> None:
        """Note that something was left out, and why; in a sentence the reason of the first of a cause is said."""
        self._names.setdefault(cause, []).append(writable(name))
        self._reasons.setdefault(cause, []).append(writable(more))

    def reasons(self) -> Iterator[tuple[str, str, str]]:
        """The cause, name and reason of each; the reason is the cause where nothing more is known."""
        for cause, names in self._names.items():
            for name, reason in zip(names, self._reasons[cause], strict=True):
                yield cause, name, reason or cause

    def __getitem__(self, cause: str) -> tuple[str, ...]:
        return tuple(self._names[cause])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def total(self) -> int:
        """How many were left out."""
        return sum(map(len, self._names.values()))

    @property
    def said(self) -> str:
        """The causes in words, each with its number and the first names."""
        return ", ".join(f"{len(names)} {cause} ({self._examples(cause)})" for cause, names in self._names.items())

    def _examples(self, cause: str) -> str:
        names, reason = self._names[cause], self._reasons[cause][0]
        shown = [f"{names[0]}: {reason}" if reason else names[0], *names[1:_NAMED]]
        return ", ".join(shown) + (", ..." if len(names) > _NAMED else "")

    @property
    def note(self) -> str:
        """What was left out, in one sentence."""
        one = self.total == 1
        return f"{self.total} sound{'' if one else 's'} {'is' if one else 'are'} left out: {self.said}"
