"""Errors of recognition: what was put in, left out and mistaken."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from otoscope.errors import InputError


class Edits(NamedTuple):
    """The edits that make a reference what was recognised, and the length of the reference."""

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
        """Edits in relation to the length: the phone error rate. It can be above 1."""
        if not self.length:
            raise InputError("the references are empty, so there is no error rate")
        return self.total / self.length


def edits(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> Edits:
    """Count the fewest edits between two sequences.

    Parameters
    ----------
    reference, hypothesis : sequence
        Phones or words, as numbers or text: what was said, and what was recognised.

    Returns
    -------
    Edits
        Of alignments with as few edits, the one with the most substitutions.

    Notes
    -----
    Levenshtein's distance (Soviet Physics Doklady 10(8), 1966), by dynamic programming.

    Examples
    --------
    >>> edits("kitten", "sitting")
    Edits(substitutions=2, deletions=0, insertions=1, length=6)
    """
    # The cost of an alignment, least first: its edits, then its substitutions, of which more are better.
    row = [(count, 0) for count in range(len(hypothesis) + 1)]
    for phone in reference:
        above, row = row, [(row[0][0] + 1, 0)]
        for column, heard in enumerate(hypothesis):
            (cost, mistaken), left_out, put_in = above[column], above[column + 1], row[column]
            same = phone == heard
            row.append(
                min(
                    (cost, mistaken) if same else (cost + 1, mistaken - 1),
                    (left_out[0] + 1, left_out[1]),
                    (put_in[0] + 1, put_in[1]),
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
        What was said in each utterance, and what was recognised; folded into the classes that count, see
        :func:`otoscope.training.fold`.

    Returns
    -------
    Edits
        Sums over the set; `rate` is the phone error rate.

    Raises
    ------
    InputError
        If there are more of one than of the other.

    Examples
    --------
    >>> errors = phone_errors([["sil", "ah", "sil"], ["b", "iy"]], [["sil", "sil"], ["b", "ih"]])
    >>> errors.total, errors.rate
    (2, 0.4)
    """
    try:
        counts = [edits(*pair) for pair in zip(references, hypotheses, strict=True)]
    except ValueError:
        raise InputError("there has to be one hypothesis for each reference") from None
    return Edits(*(sum(column) for column in zip(*counts, strict=True))) if counts else Edits(0, 0, 0, 0)
