"""Recognition errors: substitutions, deletions and insertions."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from otoscope.errors import InputError


class Edits(NamedTuple):
    """The edits from a reference to what was recognised, and the length of the reference."""

    substitutions: int
    deletions: int
    insertions: int
    length: int

    @property
    def total(self) -> int:
        """All edits."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Edits divided by the length: the phone error rate, which can be above 1."""
        if not self.length:
            raise InputError("the references are empty, so there is no error rate")
        return self.total / self.length


def edits(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> Edits:
    """Count the fewest edits between two sequences.

    Parameters
    ----------
    reference, hypothesis : sequence
        Phones or words, as numbers or text: the truth, and what was recognised.

    Returns
    -------
    Edits
        Of several alignments with the fewest edits, that with the most substitutions.

    Notes
    -----
    The Levenshtein distance (Soviet Physics Doklady 10(8), 1966), by dynamic programming.

    Examples
    --------
    >>> edits("kitten", "sitting")
    Edits(substitutions=2, deletions=0, insertions=1, length=6)
    """
    # The cost of an alignment, compared in this order: its edits, and minus its substitutions.
    row = [(count, 0) for count in range(len(hypothesis) + 1)]
    for phone in reference:
        above, row = row, [(row[0][0] + 1, 0)]
        for column, recognised in enumerate(hypothesis):
            (cost, substituted), deletion, insertion = above[column], above[column + 1], row[column]
            same = phone == recognised
            row.append(
                min(
                    (cost, substituted) if same else (cost + 1, substituted - 1),
                    (deletion[0] + 1, deletion[1]),
                    (insertion[0] + 1, insertion[1]),
                )
            )
    total, substitutions = row[-1][0], -row[-1][1]
    shorter = len(reference) - len(hypothesis)
    deletions = (total - substitutions + shorter) // 2
    return Edits(substitutions, deletions, deletions - shorter, len(reference))


def phone_errors(references: Iterable[Sequence[Hashable]], hypotheses: Iterable[Sequence[Hashable]]) -> Edits:
    """Count the edits of all utterances of a set.

    Parameters
    ----------
    references, hypotheses : iterable of sequences
        The truth of each utterance, and what was recognised, both folded into the scored classes, see
        :func:`otoscope.training.fold`.

    Returns
    -------
    Edits
        Sums over all utterances; `rate` is the phone error rate.

    Raises
    ------
    InputError
        If their numbers differ.

    Examples
    --------
    >>> errors = phone_errors([["sil", "ah", "sil"], ["b", "iy"]], [["sil", "sil"], ["b", "ih"]])
    >>> errors.total, errors.rate
    (2, 0.4)
    """
    try:
        counts = [edits(*pair) for pair in zip(references, hypotheses, strict=True)]
    except ValueError:
        raise InputError("there must be one hypothesis for each reference") from None
    return Edits(*(sum(column) for column in zip(*counts, strict=True))) if counts else Edits(0, 0, 0, 0)
