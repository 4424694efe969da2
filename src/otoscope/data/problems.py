"""What of a data set was left out, and why: counted by cause, and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

MISSING, EMPTY, UNREADABLE, UNLABELLED = "missing", "empty", "unreadable", "unlabelled"
NO_PIECE = "no piece"
"""Causes: no such file; a file of no bytes; a kind of file that cannot be read, or a broken one; no label where labels
are asked for; a start and a stop that are no piece of a sound."""

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
    """

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}
        self._first: dict[str, str] = {}  # more on the first of a cause

    def add(self, cause: str, name: str, more: str = "") -> None:
        """Note that something was left out; `more` is said where it is the first of its cause."""
        self._names.setdefault(cause, []).append(name)
        if more:
            self._first.setdefault(cause, f"{name}: {more}" if len(self._names[cause]) == 1 else "")

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
        names = self._names[cause]
        shown = [self._first.get(cause) or names[0], *names[1:_NAMED]]
        return ", ".join(shown) + (", ..." if len(names) > _NAMED else "")

    @property
    def note(self) -> str:
        """What was left out, in one sentence."""
        one = self.total == 1
        return f"{self.total} sound{'' if one else 's'} {'is' if one else 'are'} left out: {self.said}"
